"""Simulation in steps that fast rates do not shorten: the linear part of a network and its noise are exact.

With the velocity ``v``, its Jacobian ``J`` where a network rests, steps of ``h``, ``E = exp(h J)``,
``P = J^-1 (E - 1)`` and ``R = P / h - 1``:

``u = x + P v(x) + L z``, ``x' = u + J^-1 R (v(u) - v(x)) - R (u - x)``,
``L L' = int_0^h exp(s J) Q exp(s J)' ds``.

A linear network has its exact statistics at any step; what bends is taken to second order, so that only how fast it
changes counts. Cox & Matthews 2002, J Comput Phys 176:430 (ETD2RK); Jentzen & Kloeden 2009, Proc R Soc A 465:649 (its
noise).
"""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.flatten_util import ravel_pytree

from .alone import ALONE
from .delays import Instant
from .noise import Sources

TERMS = 7                  # of the series of a short time
SHORTEST = 64.0            # how many times shorter than the fastest rate's own that time is


class ExactPlan(NamedTuple):
    """Steps of ``dt`` seconds, ``every`` of which make a sample; ``warmup`` samples are dropped before ``samples``."""

    dt: float
    every: int
    samples: int
    warmup: int

    @classmethod
    def of(cls, seconds, sample, dt, warmup):
        """Settle steps of at most ``dt`` seconds for a length, a warm-up and a distance of samples in seconds."""
        every = max(1, math.ceil(sample / dt * (1 - 1e-9)))
        return cls(sample / every, every, math.floor(seconds / sample * (1 + 1e-9)), math.ceil(warmup / sample))


class Propagator(NamedTuple):
    """What one step multiplies by, transposed: ``P``, ``J^-1 R``, ``R`` ``[s, s]``, ``L`` ``[s, s]`` of all states."""

    first: object
    second: object
    bend: object
    kick: object


def steps_exactly(network, observation):
    """Return whether `propagator` knows the way: no delays, no stimuli, white noise that no state changes."""
    if network.lengths is not None or network.colour is not None or network.stimuli or observation.states:
        return False
    with jax.enable_x64(True):
        x = network.start()
        here, there = jax.device_get([network.diffusion(s) for s in (x, jax.tree.map(lambda v: 1.1 * v + 0.05, x))])
    return all(np.allclose(here[name], there[name], rtol=1e-12, atol=0.0) for name in here)


def propagator(network, x, dt):
    """Return the `Propagator` of a stable network about its rest ``x``, a dict of ``[d, n_g]``."""
    with jax.enable_x64(True):
        J, noise = (np.asarray(v, float) for v in _linear(network, x, Sources.of(network)))
    E, spread = _moved(J, noise @ noise.T, dt)
    P = np.linalg.solve(J, E - np.eye(len(J)))
    R = P / dt - np.eye(len(J))
    power, modes = np.linalg.eigh(0.5 * (spread + spread.T))
    kick = modes * np.sqrt(np.maximum(power, 0.0))
    return Propagator(*(np.asarray(m.T, np.float32) for m in (P, np.linalg.solve(J, R), R, kick)))


def _moved(J, Q, dt):
    """Return ``exp(dt J)`` and the covariance that noise gains in ``dt``: a series for a short time, then doubled."""
    halvings = max(0, math.ceil(math.log2(SHORTEST * dt * np.linalg.norm(J, 2))))
    t = dt / 2**halvings
    E, spread, power, gained = np.eye(len(J)), np.zeros_like(Q), np.eye(len(J)), t * Q
    for order in range(1, TERMS + 1):
        spread = spread + gained
        power = t / order * J @ power
        E = E + power
        gained = t / (order + 1) * (J @ gained + gained @ J.T)
    for _ in range(halvings):
        spread, E = spread + E @ spread @ E.T, E @ E
    return E, spread


@functools.partial(jax.jit, static_argnames=("sources",), compiler_options=ALONE)
def _linear(network, x, sources):
    flat, unravel = ravel_pytree(x)

    def kicked(z):
        return ravel_pytree(sources.enter(network.diffusion(x), sources.mixed(network, z[None])[0]))[0]

    return jax.jacfwd(_velocity(network, unravel))(flat), jax.jacfwd(kicked)(jnp.zeros(sources.count, flat.dtype))


def _velocity(network, unravel):
    coupling = Instant(network)

    def velocity(flat):
        x = unravel(flat)
        return ravel_pytree(network.drift(x, coupling.input((), network.output(x), 0, 0.0)))[0]

    return velocity


@functools.partial(jax.jit, static_argnames=("plan",), compiler_options=ALONE)
def exact_runs(network, observation, plan, by, x, keys):
    """Return the signals ``[seeds, t, n]`` of a network in single precision, from ``x`` on.

    Parameters
    ----------
    network : Network
        One that `steps_exactly` accepts.
    observation : Observation
        Without states.
    plan : ExactPlan
    by : Propagator
        Of this network, or of one close to it: what they differ by counts among what bends.
    x : dict of ``[d, n_g]``
    keys : typed keys ``[seeds]``
        Runs under the same keys and propagator have the same noise.
    """
    network, observation, x, by = jax.tree.map(lambda v: jnp.asarray(v, jnp.float32), (network, observation, x, by))
    flat, unravel = ravel_pytree(x)
    velocity = _velocity(network, unravel)
    still = jnp.zeros((0, network.n_seen), jnp.float32)

    def step(x, kick):
        v = velocity(x)
        u = x + v @ by.first + kick
        return u + (velocity(u) - v) @ by.second - (u - x) @ by.bend, None

    def run(key):
        def sample(x, index):
            z = jax.random.normal(jax.random.fold_in(key, index), (plan.every, len(by.kick)), jnp.float32)
            x, _ = lax.scan(step, x, z @ by.kick)
            return x, observation.read(still, network.read(unravel(x), observation.reads))

        return lax.scan(sample, flat, jnp.arange(plan.warmup + plan.samples))[1][plan.warmup:]

    signal = jax.vmap(run)(keys)
    return signal if observation.gain is None else signal @ observation.gain.T
