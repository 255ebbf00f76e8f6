"""Minimise a noisy simulation under common random numbers: Adam, roll-back, and a gradient that is checked first."""

import dataclasses
import enum

import jax
import numpy as np
import optax

ROLLBACKS = 5
CLIP = 1.0
LONGEST_STEP = 0.2          # of a coordinate whose unit is the parameter's own size
TRUSTED = 1e-2              # of the slope: what reverse mode may differ from finite differences
WIDTHS = (1e-3, 1e-4, 1e-5)
FEW = 12                    # free coordinates up to which differences replace a gradient
WIDTH = 0.02


class Outcome(enum.Enum):
    """Why a fit through simulation stopped."""

    STEP_LIMIT = "all steps were made"
    SEARCHED = "every candidate was tried"
    DIVERGED = "steps kept leaving the finite range; the best finite state is kept"
    NON_FINITE_START = "the loss is not finite at the start"
    GRADIENT_UNUSABLE = "the gradient is not usable here, and there are too many parameters for differences"


@dataclasses.dataclass(frozen=True)
class Health:
    """What a gradient through the simulation is worth at a point.

    Attributes
    ----------
    slope, difference : along the gradient, by reverse mode and by central differences with the same noise
    error : their distance relative to the slope
    growth : e-folds per second of d signal / d theta over the scan
    estimator : "gradient", "differences" or "none"; "search" where no gradient was asked for
    """

    slope: float
    difference: float
    error: float
    growth: float
    estimator: str


@dataclasses.dataclass(frozen=True, eq=False)
class Descent:
    """Where a descent ended: the best point seen, its loss, the losses on the way, and why it stopped."""

    theta: dict
    loss: float
    start_loss: float
    history: np.ndarray
    rollbacks: int
    outcome: Outcome


def gradient_health(value, value_and_grad, tangents, theta, seconds, free):
    """Measure a gradient before it is used, and choose the estimator.

    Parameters
    ----------
    value, value_and_grad : functions of theta
    tangents : function of (theta, direction), `simulated_objective.tangent_sizes`
    seconds : float, of a scan
    free : int, free coordinates
    """
    _, gradient = value_and_grad(theta)
    norm = float(np.sqrt(sum(float((np.asarray(g) ** 2).sum()) for g in jax.tree.leaves(gradient))))
    fallback = "differences" if free <= FEW else "none"
    if not np.isfinite(norm) or norm == 0.0:
        return Health(norm, np.nan, np.inf, np.inf if not np.isfinite(norm) else 0.0, fallback)
    direction = jax.tree.map(lambda g: g / norm, gradient)
    differences = [float(value(_moved(theta, direction, h)) - value(_moved(theta, direction, -h))) / (2 * h)
                   for h in WIDTHS]
    best = min(differences, key=lambda d: abs(d - norm) if np.isfinite(d) else np.inf)
    sizes = np.asarray(tangents(theta, direction))
    growth = float(np.log(sizes[-1] / sizes[0]) / (0.9 * seconds)) if (sizes > 0).all() else 0.0
    error = abs(best - norm) / norm if np.isfinite(best) else np.inf
    return Health(norm, best, error, growth, "gradient" if error < TRUSTED else fallback)


def by_differences(value):
    """Return a function that gives a value and its slopes by central differences, one coordinate at a time."""
    def value_and_slopes(theta):
        leaves, shape = jax.tree.flatten(theta)
        leaves = [np.asarray(leaf, float) for leaf in leaves]
        slopes = []
        for at, leaf in enumerate(leaves):
            slope = np.zeros(leaf.shape)
            for i in np.ndindex(leaf.shape):
                ends = []
                for sign in (1, -1):
                    moved = leaf.copy()
                    moved[i] += sign * WIDTH
                    ends.append(float(value(jax.tree.unflatten(shape, [*leaves[:at], moved, *leaves[at + 1:]]))))
                slope[i] = (ends[0] - ends[1]) / (2 * WIDTH)
            slopes.append(slope)
        return value(theta), jax.tree.unflatten(shape, slopes)

    return value_and_slopes


def descend(value_and_grad, theta, *, steps, rate, report=None):
    """Minimise by Adam with a falling rate; a step that is not finite goes back to the best point at half the rate."""
    best, best_loss, start_loss = theta, np.inf, np.nan
    history, rollbacks = [], 0
    solver, state = _solver(rate, steps, theta)
    for step in range(steps):
        loss, gradient = value_and_grad(theta)
        loss = float(loss)
        sound = np.isfinite(loss) and all(np.isfinite(np.asarray(g)).all() for g in jax.tree.leaves(gradient))
        if step == 0:
            start_loss = loss
            if not np.isfinite(loss):
                return Descent(theta, loss, loss, np.array([loss]), 0, Outcome.NON_FINITE_START)
        if np.isfinite(loss) and loss < best_loss:
            best, best_loss = theta, loss
        history.append(best_loss)
        if report is not None:
            report(step + 1, loss, best_loss)
        if not sound:
            rollbacks += 1
            if rollbacks > ROLLBACKS:
                return Descent(best, best_loss, start_loss, np.array(history), rollbacks, Outcome.DIVERGED)
            theta, rate = best, rate / 2
            solver, state = _solver(rate, steps - step, theta)
            theta = _nudged(theta, 1e-3 * rate, rollbacks)
            continue
        with jax.numpy_dtype_promotion("standard"):
            moves, state = solver.update(gradient, state, theta)
        theta = jax.tree.map(lambda v, m: v + np.clip(np.asarray(m), -LONGEST_STEP, LONGEST_STEP), theta, moves)
    return Descent(best, best_loss, start_loss, np.array(history), rollbacks, Outcome.STEP_LIMIT)


def _solver(rate, steps, theta):
    with jax.numpy_dtype_promotion("standard"):
        solver = optax.chain(optax.clip_by_global_norm(CLIP),
                             optax.adam(optax.cosine_decay_schedule(rate, max(steps, 1), 0.05)))
        return solver, solver.init(theta)


def _moved(theta, direction, h):
    return jax.tree.map(lambda v, d: v + h * d, theta, direction)


def _nudged(theta, size, turn):
    # the same point would only fail again: leave it by a little, always in the same way
    return jax.tree.map(lambda v: v + size * np.cos(turn + np.arange(v.size)).reshape(v.shape), theta)
