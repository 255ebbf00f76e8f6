"""Minimise a noisy simulation under common random numbers: Adam, and roll-back where a step leaves the finite range."""

import dataclasses
import enum

import jax
import numpy as np
import optax

ROLLBACKS = 5
PATIENCE = 8                # steps without a new best after which a descent goes back to it, half as fast
CLIP = 1.0
LONGEST_STEP = 0.2          # of a coordinate whose unit is the parameter's own size


class Outcome(enum.Enum):
    """Why a fit through simulation stopped."""

    STEP_LIMIT = "all steps were made"
    SEARCHED = "every candidate was tried"
    DIVERGED = "steps kept leaving the finite range; the best finite state is kept"
    NON_FINITE_START = "the loss is not finite at the start"
    GRADIENT_UNUSABLE = "no slope of the loss is usable here: chance hides what a step of any length does"


@dataclasses.dataclass(frozen=True, eq=False)
class Descent:
    """Where a descent ended: the best point seen, its loss, the losses on the way, and why it stopped."""

    theta: dict
    loss: float
    start_loss: float
    history: np.ndarray
    rollbacks: int
    outcome: Outcome


def descend(value_and_grad, theta, *, steps, rate, report=None):
    """Minimise by Adam with a falling rate.

    A step that is not finite goes back to the best point at half the rate, and so do `PATIENCE` steps that brought
    nothing: where phases lock or a cycle sets in, a step may leap to where the slope leads nowhere.
    """
    best, best_loss, start_loss = theta, np.inf, np.nan
    history, rollbacks, idle = [], 0, 0
    solver, state = _solver(rate, steps, theta)
    for step in range(steps):
        loss, gradient = value_and_grad(theta)
        loss = float(loss)
        sound = np.isfinite(loss) and all(np.isfinite(np.asarray(g)).all() for g in jax.tree.leaves(gradient))
        if step == 0:
            start_loss = loss
            if not np.isfinite(loss):
                return Descent(theta, loss, loss, np.array([loss]), 0, Outcome.NON_FINITE_START)
        idle += 1
        if np.isfinite(loss) and loss < best_loss:
            best, best_loss, idle = theta, loss, 0
        history.append(best_loss)
        if report is not None:
            report(step + 1, loss, best_loss)
        if not sound:
            rollbacks += 1
            if rollbacks > ROLLBACKS:
                return Descent(best, best_loss, start_loss, np.array(history), rollbacks, Outcome.DIVERGED)
        if not sound or idle >= PATIENCE:
            theta, rate, idle = best, rate / 2, 0
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


def _nudged(theta, size, turn):
    # the same point would only fail again: leave it by a little, always in the same way
    return jax.tree.map(lambda v: v + size * np.cos(turn + np.arange(v.size)).reshape(v.shape), theta)
