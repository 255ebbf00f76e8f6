"""A network that is chaotic, and how that is measured."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from nmfit.models import JansenRit
from nmfit.network import Network

EACH_TO_EACH = np.ones((4, 4)) - np.eye(4)


def chaotic():
    """Return four cortical columns with drives of their own whose cycles never repeat."""
    return Network.of(EACH_TO_EACH, JansenRit(p=np.array([198.4, 97.4, 205.5, 267.8]), sigma=0.1), G=2.811)


@partial(jax.jit, static_argnames=("dt", "length", "parts"))
def _growths(network, dt, length, parts):
    def velocity(x):
        return network.drift(x, network.input(network.output(x)))

    def step(x, _):
        first = velocity(x)
        second = velocity(jax.tree.map(lambda a, b: a + dt * b, x, first))
        return jax.tree.map(lambda a, b, c: a + dt / 2 * (b + c), x, first, second), None

    def part(carry, _):
        x, away = carry
        x, away = jax.jvp(lambda x: jax.lax.scan(step, x, None, length=length)[0], (x,), (away,))
        size = jnp.sqrt(sum(jnp.sum(v**2) for v in jax.tree.leaves(away)))
        return (x, jax.tree.map(lambda v: v / size, away)), jnp.log(size)

    start = network.start()
    return jax.lax.scan(part, (start, jax.tree.map(jnp.ones_like, start)), None, length=parts)[1]


def lyapunov_exponent(network, dt=1e-3, length=100, parts=600, skipped=100):
    """Return the largest exponent of the network without noise, 1/s, and its standard error over quarters."""
    kept = np.asarray(_growths(network, dt, length, parts))[skipped:].reshape(4, -1).mean(1) / (length * dt)
    return float(kept.mean()), float(kept.std(ddof=1) / 2)
