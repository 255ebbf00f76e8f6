"""The loss of a fit through simulation, as a function of its free coordinates and under fixed noise."""

import dataclasses

import jax
import jax.numpy as jnp

from ..compare import traced
from ..compare.connectivity import correlation
from ..compare.loss import Seen
from ..dynamics.simulated import integrate
from ..parameters import pytree, static
from .space import observed, penalty, place
from .twin import NODES, controlled_covariance, series_pair, twin_of


@pytree
class SimulatedProblem:
    """Everything that a fit through simulation holds fixed.

    Attributes
    ----------
    network, observation
    blocks : tuple of Block
    loss : Loss
    wanted : Wanted
    keys : one per simulated scan: common random numbers
    shrinkage : weight of the Gaussian prior on the shrunken coordinates
    plan : Plan
    tr, band : seconds, Hz
    windows, length : first samples and length of FCD's windows
    begun : `State` of every scan to go on from instead of a warm-up, or None (`warmed`)
    control : "none", "rest" or "closure": which linear twin corrects FC
    """

    network: object
    observation: object
    blocks: tuple
    loss: object
    wanted: object
    keys: object
    shrinkage: object = 0.0
    begun: object = None
    plan: object = static()
    tr: float = static()
    band: tuple | None = static(default=None)
    windows: tuple = static(default=())
    length: int = static(default=0)
    control: str = static(default="none")


def simulated_signals(theta, problem):
    """Return the signals ``[s, t, n]`` of all simulated scans."""
    network, seen = place(problem.network, problem.blocks, theta), observed(problem.observation, problem.blocks, theta)
    return jax.vmap(lambda key, begun: integrate(network, seen, problem.plan, key, x0=begun).signal)(
        problem.keys, problem.begun)


def runs_of(theta, problem):
    """Return what is simulated under one noise: the network with its instrument, and the twin with its own."""
    network, seen = place(problem.network, problem.blocks, theta), observed(problem.observation, problem.blocks, theta)
    twin = [] if problem.control == "none" else [twin_of(network, seen, problem.control == "closure")[:2]]
    return [(network, seen), *twin]


def warmed(theta, problem):
    """Return where the scans stand after the warm-up: what a derivative leaves fixed.

    A phase never forgets where it began; so differences are compared with gradients from one and the same state.
    """
    network, plan = place(problem.network, problem.blocks, theta), dataclasses.replace(problem.plan, samples=1)
    seen = observed(problem.observation, problem.blocks, theta)
    return jax.vmap(lambda key: integrate(network, seen, plan, key).final)(problem.keys)


def predicted(theta, problem):
    """Return what the simulated scans show, measured as the data were: `Seen`.

    FC is that of the mean covariance where a twin corrects it, else the mean of Fisher's z; FCD and order are pooled.
    """
    needs = problem.loss.needs
    if problem.control == "none":
        signals, corrected = simulated_signals(theta, problem), None
    else:
        network = place(problem.network, problem.blocks, theta)
        closure, instrument = problem.control == "closure", observed(problem.observation, problem.blocks, theta)
        *_, linear = twin_of(network, instrument, closure)
        exact, _ = linear.covariance(problem.band, NODES)

        def one(key):
            own, twin, _ = series_pair(network, instrument, problem.plan, key, closure)
            return own, controlled_covariance(own, twin, exact, problem.tr, problem.band)

        signals, corrected = jax.vmap(one)(problem.keys)
        corrected = corrected.mean(0)
    passed = jax.vmap(lambda s: traced.trimmed(s, problem.tr, problem.band))(signals)
    if corrected is None:
        n = signals.shape[-1]
        z = jax.vmap(lambda s: traced.fisher_z(correlation(traced.covariance(s))))(passed)
        fc = jnp.tanh(z.mean(0)) + jnp.eye(n, dtype=signals.dtype)
    else:
        fc = correlation(corrected)
    fcd = order = None
    if "fcd" in needs:
        fcd = jax.vmap(lambda s: traced.fcd_values(s, problem.windows, problem.length))(passed).reshape(-1)
    if "order" in needs:
        order = jax.vmap(lambda s: traced.order_of_analytic(traced.analytic(
            traced.band_pass(s, problem.tr, problem.band))))(signals).reshape(-1)
    return Seen(fc=fc, fcd=fcd, order=order)


def simulated_objective(theta, problem):
    """Return the penalised loss under the problem's noise."""
    value = problem.loss(predicted(theta, problem), problem.wanted)
    return value + problem.shrinkage * penalty(problem.blocks, theta)


def tangent_sizes(theta, direction, problem):
    """Return the root mean square of d signal / d theta along a direction, in ten stretches of the first scan."""
    first = dataclasses.replace(problem, keys=problem.keys[:1], begun=jax.tree.map(lambda v: v[:1], problem.begun))
    moved = jax.jvp(lambda t: simulated_signals(t, first)[0], (theta,), (direction,))[1]
    usable = moved.shape[0] // 10 * 10
    return jnp.sqrt(jnp.mean(moved[:usable].reshape(10, -1) ** 2, axis=1))
