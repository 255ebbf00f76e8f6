"""The loss of a fit through simulation, as a function of its free coordinates and under fixed noise."""

import dataclasses

import jax
import jax.numpy as jnp

from ..compare import traced
from ..compare.connectivity import correlation
from ..compare.loss import Seen
from ..dynamics.closure import consistent
from ..dynamics.simulated import integrate
from ..parameters import pytree, static
from .space import observed, penalty, place
from .twin import NODES, controlled_covariance, holds, twin_of


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
    begun : states of every scan to go on from instead of a warm-up, for all that is simulated, or None (`warmed`)
    found : moments of the statistical twin at the point that is looked at, or None: then they are looked for
        (`at_point`)
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
    found: object = None
    plan: object = static()
    tr: float = static()
    band: tuple | None = static(default=None)
    windows: tuple = static(default=())
    length: int = static(default=0)
    control: str = static(default="none")


def acting(theta, problem):
    """Return what is simulated under one noise, and the linear engine's answer where a twin acts, else None.

    The first is a list of (network, instrument): the network's own, and the twin's.
    """
    network, seen = place(problem.network, problem.blocks, theta), observed(problem.observation, problem.blocks, theta)
    if problem.control == "none":
        return [(network, seen)], None
    twin, instrument, linear = twin_of(network, seen, problem.control == "closure", problem.found)
    return [(network, seen), (twin, instrument)], linear


@jax.jit
def _moments(theta, network, blocks):
    return consistent(place(network, blocks, theta))


def at_point(function):
    """Compile a function of (theta, problem, ...), the search for a statistical twin's moments apart.

    That search has no derivative and takes longest to compile: so it is compiled once for all that is asked of a
    problem.
    """
    run = jax.jit(function)

    def call(theta, problem, *more):
        if problem.control == "closure" and problem.network.lengths is None and problem.network.colour is None:
            problem = dataclasses.replace(problem, found=_moments(theta, problem.network, problem.blocks))
        return run(theta, problem, *more)

    return call


def _runs(theta, problem, plan):
    """Return the `Series` of all scans for all that is simulated, and the linear engine's answer or None."""
    pairs, linear = acting(theta, problem)
    start = None if linear is None else linear.x                  # the network starts where its twin rests

    def one(key, begun):
        return [integrate(*pair, plan, key, x0=start if begun is None else state)
                for pair, state in zip(pairs, begun or [None] * len(pairs), strict=True)]

    return jax.vmap(one)(problem.keys, problem.begun), linear


def warmed(theta, problem):
    """Return where the scans stand after the warm-up: what a derivative leaves fixed.

    A phase never forgets where it began; so differences are compared with gradients from one and the same state.
    """
    found, _ = _runs(theta, problem, dataclasses.replace(problem.plan, samples=1))
    return [series.final for series in found]


def simulated_signals(theta, problem):
    """Return the signals ``[s, t, n]`` of all simulated scans."""
    return _runs(theta, problem, problem.plan)[0][0].signal


def controlled_scans(theta, problem):
    """Return the signals ``[s, t, n]`` of all scans and their covariances ``[s, n, n]`` by the twin, or None.

    Covariances are not a number where the twin has no answer: at a state of rest that is none, or not stable.
    """
    (own, *twins), linear = _runs(theta, problem, problem.plan)
    if linear is None:
        return own.signal, None
    exact, abscissa = linear.covariance(problem.band, NODES)
    corrected = jax.vmap(lambda a, b: controlled_covariance(a, b, exact, problem.tr, problem.band))(
        own.signal, twins[0].signal)
    return own.signal, jnp.where(holds(linear, abscissa), corrected, jnp.nan)


def measured(signals, corrected, problem):
    """Return what simulated scans show, measured as the data were: `Seen`.

    FC is that of the mean covariance where a twin corrects it, else the mean of Fisher's z; FCD and order are pooled.
    """
    needs = problem.loss.needs
    passed = jax.vmap(lambda s: traced.trimmed(s, problem.tr, problem.band))(signals)
    if corrected is None:
        n = signals.shape[-1]
        z = jax.vmap(lambda s: traced.fisher_z(correlation(traced.covariance(s))))(passed)
        fc = jnp.tanh(z.mean(0)) + jnp.eye(n, dtype=signals.dtype)
    else:
        fc = correlation(corrected.mean(0))
    fcd = order = None
    if "fcd" in needs:
        fcd = jax.vmap(lambda s: traced.fcd_values(s, problem.windows, problem.length))(passed).reshape(-1)
    if "order" in needs:
        order = jax.vmap(lambda s: traced.order_of_analytic(traced.analytic(
            traced.band_pass(s, problem.tr, problem.band))))(signals).reshape(-1)
    return Seen(fc=fc, fcd=fcd, order=order)


def predicted(theta, problem):
    """Return what the scans simulated at a point show: `Seen`."""
    return measured(*controlled_scans(theta, problem), problem)


def scored_scans(theta, problem):
    """Return what `controlled_scans` does, and the penalised loss of these scans together."""
    signals, corrected = controlled_scans(theta, problem)
    value = problem.loss(measured(signals, corrected, problem), problem.wanted)
    return signals, corrected, value + problem.shrinkage * penalty(problem.blocks, theta)


def loss_and_signals(theta, problem):
    """Return the penalised loss under the problem's noise, and the signals ``[s, t, n]`` that it was taken from."""
    signals, _, loss = scored_scans(theta, problem)
    return loss, signals


def simulated_objective(theta, problem):
    """Return the penalised loss under the problem's noise."""
    return loss_and_signals(theta, problem)[0]


def losses_of_scans(theta, problem):
    """Return the loss of every scan by itself, ``[s]``: what chance does to it."""
    return jax.vmap(lambda key: simulated_objective(theta, dataclasses.replace(problem, keys=key[None])))(problem.keys)


def tangent_sizes(theta, problem, direction):
    """Return the root mean square of d signal / d theta along a direction in ten stretches of scans, ``[s, 10]``."""
    moved = jax.jvp(lambda t: simulated_signals(t, problem), (theta,), (direction,))[1]
    usable = moved.shape[1] // 10 * 10
    return jnp.sqrt(jnp.mean(moved[:, :usable].reshape(len(moved), 10, -1) ** 2, axis=2))
