"""Minimise a smooth loss: optax L-BFGS with line search, best so far, roll-back of non-finite steps."""

import enum
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from ..dynamics.alone import ALONE

MEMORY = 30
LINE_SEARCH = 24
LONGEST = 1000             # steps that a history holds
RESTARTS = 2
CLIFF = 1e6                # what a value that is not finite counts as
WINDOW = 8                 # steps over which the loss must still fall


class Status(enum.Enum):
    """Why a minimisation stopped."""

    CONVERGED = "the gradient vanished or the loss stopped falling"
    STEP_LIMIT = "the step limit was reached while the loss was still falling"
    STALLED = "no step along the search direction lowered the loss"
    NON_FINITE_START = "the loss or its gradient is not finite at the start"


class Minimum(NamedTuple):
    """Where a minimisation ended: the best point seen, never the last by default."""

    theta: dict
    loss: jax.Array
    start_loss: jax.Array
    steps: jax.Array
    gradient: jax.Array
    status: jax.Array
    history: jax.Array


STATUSES = tuple(Status)


def minimise(objective, theta, data, steps, tolerance):
    """Minimise ``objective(theta, data)`` over a pytree.

    Parameters
    ----------
    objective : function
        At module level, so that equal calls compile once.
    theta : pytree of arrays
        Start.
    data : pytree
        What the objective needs; only its structure and shapes are compiled against.
    steps : int
        Step limit, at most `LONGEST`.
    tolerance : float
        The search ends when the loss fell by less than this over `WINDOW` steps.
    """
    with jax.numpy_dtype_promotion("standard"):          # optax mixes int32 and int64 by itself
        return _minimise(objective, theta, data, steps, tolerance)


@functools.partial(jax.jit, static_argnames=("objective",), compiler_options=ALONE)
def _minimise(objective, theta, data, steps, tolerance):
    solver = optax.lbfgs(memory_size=MEMORY, linesearch=optax.scale_by_zoom_linesearch(
        max_linesearch_steps=LINE_SEARCH, initial_guess_strategy="one"))

    @jax.custom_vjp
    def loss(point):
        return _sound_value(objective(point, data))

    def forward(point):
        value, gradient = jax.value_and_grad(objective)(point, data)
        return _sound_value(value), jax.tree.map(lambda g: jnp.where(jnp.isfinite(g), g, 0.0), gradient)

    # Beyond a cliff the value is high and the gradient flat, so that the line search turns back instead of failing.
    loss.defvjp(forward, lambda gradient, cotangent: (jax.tree.map(lambda g: cotangent * g, gradient),))

    value_and_grad = optax.value_and_grad_from_state(loss)
    first, slope = jax.value_and_grad(lambda p: objective(p, data))(theta)
    usable = jnp.isfinite(first) & _finite(slope)

    def go_on(carry):
        count, history, stuck = carry[0], carry[6], carry[7] > RESTARTS
        recent = history[jnp.maximum(count - WINDOW, 0)] - history[count]
        falling = (count < WINDOW) | (recent > tolerance)
        return (count < jnp.minimum(steps, LONGEST)) & falling & ~stuck & usable

    def advance(carry):
        count, point, state, best, best_loss, _, history, restarts = carry
        value, gradient = value_and_grad(point, state=state)
        updates, after = solver.update(gradient, state, point, value=value, grad=gradient, value_fn=loss)
        moved = optax.apply_updates(point, updates)
        reached = optax.tree_utils.tree_get(after, "value")
        sound = jnp.isfinite(reached) & _finite(moved) & _finite(optax.tree_utils.tree_get(after, "grad"))
        improved = sound & (reached < best_loss)
        best = _choose(improved, moved, best)
        best_loss = jnp.where(improved, reached, best_loss)
        norm = optax.tree_utils.tree_norm(gradient)
        # A search that found no step starts anew from the best point, without the curvature it remembers.
        lost = ~sound | ~(jnp.abs(value - reached) > 0)
        return (count + 1, _choose(lost, best, moved), _choose(lost, solver.init(best), after), best, best_loss, norm,
                history.at[count + 1].set(best_loss), restarts + lost)

    history = jnp.full(LONGEST + 1, jnp.nan).at[0].set(first)
    norm = optax.tree_utils.tree_norm(slope)
    count, _, _, best, best_loss, norm, history, restarts = jax.lax.while_loop(
        go_on, advance, (jnp.asarray(0), theta, solver.init(theta), theta, first, norm, history, jnp.asarray(0)))
    nowhere = ((restarts > RESTARTS) | (best_loss >= first)) & (norm > 1e-4)
    status = jnp.where(~usable, 3, jnp.where(count >= steps, 1, jnp.where(nowhere, 2, 0)))
    return Minimum(best, best_loss, first, count, norm, status, history)


def _sound_value(value):
    return jnp.where(jnp.isfinite(value), value, CLIFF)


def _finite(tree):
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(tree)]))


def _choose(take, new, old):
    return jax.tree.map(lambda a, b: jnp.where(take, a, b), new, old)
