"""Minimise the loss of a simulation: inside the memory allowed, by measured slopes, with a twin while it holds."""

import dataclasses

import jax
import numpy as np

from .simulated_objective import acting, at_point, losses_of_scans, simulated_objective, tangent_sizes, warmed
from .slopes import next_best, whole_gradient
from .stochastic import Descent, Outcome, descend

simulated_value = at_point(simulated_objective)
_value_and_grad = at_point(jax.value_and_grad(simulated_objective))
_tangents = at_point(tangent_sizes)
_warmed = at_point(warmed)
_losses = at_point(losses_of_scans)


def frugal(problem, theta, memory):
    """Return the problem with a plan whose gradient stays within a budget of bytes, and how many all scans take."""
    seeds, by = len(problem.keys), (lambda t: acting(t, problem)[0], theta)
    plan = problem.plan.within(problem.network, problem.observation, memory / seeds, by)
    return (dataclasses.replace(problem, plan=plan),
            float(seeds * plan.memory(problem.network, problem.observation, by)))


def minimised(problem, theta, *, steps, rate, keys, progress=None):
    """Minimise a loss from a point on.

    A linear twin whose state of rest is lost, or its stability, is let go: on from the best point without it.

    Parameters
    ----------
    problem : SimulatedProblem
    theta : dict of arrays
    steps, rate : see `descend`
    keys : typed keys of scans that measure slopes, and nothing else
    progress : Progress, optional

    Returns
    -------
    found : Descent
    health : Health
    problem : as it ended, with its twin or without
    """
    health, slopes = slopes_at(problem, theta, keys)
    found = _descended(problem, slopes, theta, steps, rate, progress)
    if found.outcome not in (Outcome.DIVERGED, Outcome.NON_FINITE_START) or problem.control == "none":
        return found, health, problem
    alone = dataclasses.replace(problem, control="none")
    health, slopes = slopes_at(alone, found.theta, keys)
    after = _descended(alone, slopes, found.theta, steps, rate, progress)
    start = found.start_loss if np.isfinite(found.start_loss) else after.start_loss
    return dataclasses.replace(after, start_loss=start, rollbacks=found.rollbacks + after.rollbacks), health, alone


def slopes_at(problem, theta, keys):
    """Return what slopes of the loss are worth at a point, and a function that gives value and slopes, or None."""
    seconds = problem.plan.samples * problem.plan.sample
    held = dataclasses.replace(problem, begun=_warmed(theta, problem))
    health = whole_gradient(lambda t: simulated_value(t, held), lambda t: _value_and_grad(t, held),
                            lambda t, d: _tangents(t, held, d), theta, seconds)
    if health.estimator == "gradient":
        return health, lambda t: _value_and_grad(t, problem)
    apart = dataclasses.replace(problem, keys=keys)

    def windowed(horizon):
        near = dataclasses.replace(problem, plan=problem.plan.looking_back(horizon))
        return lambda t: _value_and_grad(t, near), near.plan.horizon * near.plan.dt

    return next_best(health, lambda t: _losses(t, apart), lambda t: simulated_value(t, problem), windowed, theta,
                     seconds)


def _descended(problem, slopes, theta, steps, rate, progress):
    if slopes is None:
        start = float(simulated_value(theta, problem))
        why = Outcome.GRADIENT_UNUSABLE if np.isfinite(start) else Outcome.NON_FINITE_START
        return Descent(theta, start, start, np.array([start]), 0, why)
    return descend(slopes, theta, steps=steps, rate=rate, report=told(progress, steps))


def told(progress, steps):
    """Return what tells a step to a progress display, or None."""
    if progress is None:
        return None
    return lambda step, loss, best: progress.step(step, total=steps, what=f"loss {loss:.4f}, best {best:.4f}")
