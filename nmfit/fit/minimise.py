"""Minimise a smooth loss: optax L-BFGS with line search, best so far, roll-back of non-finite steps."""

import enum
import functools
import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from ..dynamics.alone import ALONE

MEMORY = 30
LINE_SEARCH = 24
LONGEST = 2000             # steps that a history holds
RESTARTS = 2
ROLLBACKS = 12             # the same without a line search, each at half the step
CLIFF = 1e6                # times the size of the first loss: what a value that is not finite counts as
WINDOW = 8                 # steps over which the loss must still fall
PATIENCE = 60              # the same without a line search, where single steps may go up
EVERY = 25                 # steps between two looks at whether to stop
VANISHED = 1e-9            # a gradient as small as this is one at a saddle as well as at a minimum
LEVEL = 1e-4               # a gradient below this asks for no explanation of why nothing fell
NUDGE = 1e-2
FAR = 15.0                 # coordinates beyond it were thrown to where a bijection is flat ...
NEAR = 2.0                 # ... and are looked for again from here
PROBES = (1e-6, 1e-4, 1e-2, 0.3)


class Status(enum.Enum):
    """Why a minimisation stopped."""

    CONVERGED = "the gradient vanished or the loss stopped falling"
    STEP_LIMIT = "the step limit was reached while the loss was still falling"
    STALLED = "no step along the search direction lowered the loss"
    NON_FINITE_START = "the loss or its gradient is not finite at the start"
    AT_BOUND = "the loss stopped falling with a parameter at its bound"
    FLAT = "the loss does not change around the start"
    CLIFF = "the loss falls towards where it is not finite any more; the best finite point is kept"
    INTERRUPTED = "the search was stopped from outside; the best point so far is kept"

    @property
    def settled(self):
        """Whether the search ended because there is nothing lower nearby."""
        return self in (Status.CONVERGED, Status.AT_BOUND)


STATUSES = tuple(Status)


class Minimum(NamedTuple):
    """Where a minimisation ended: the best point seen, never the last by default."""

    theta: dict
    loss: jax.Array
    start_loss: jax.Array
    steps: jax.Array
    gradient: jax.Array
    status: jax.Array
    history: jax.Array


class Search(NamedTuple):
    """A search as arrays alone: what can be kept, gone on with, or batched.

    Attributes
    ----------
    count : steps made
    point, value, slope : where it is, the loss and the gradient there
    state : the optimiser's own
    best, best_loss, best_slope : the lowest point seen
    history : best loss after each step, ``[LONGEST + 1]``
    restarts : how often it went back to the best point, with a line search since it last got lower
    lost : the step at which it last did
    scale : what steps are multiplied by where no line search chooses their length
    usable : whether loss and gradient were finite at the start
    """

    count: jax.Array
    point: dict
    value: jax.Array
    slope: dict
    state: tuple
    best: dict
    best_loss: jax.Array
    best_slope: dict
    history: jax.Array
    restarts: jax.Array
    lost: jax.Array
    scale: jax.Array
    usable: jax.Array


@functools.cache
def lbfgs():
    """Return the default optimiser."""
    return optax.lbfgs(memory_size=MEMORY, linesearch=optax.scale_by_zoom_linesearch(
        max_linesearch_steps=LINE_SEARCH, initial_guess_strategy="one"))


def minimise(objective, theta, data, steps, tolerance, *, optimiser=None, pause=None):
    """Minimise ``objective(theta, data)`` over a pytree.

    Parameters
    ----------
    objective : function
        At module level, so that equal calls compile once.
    theta : pytree of arrays, or Search
        Start, or a search to go on with.
    data : pytree
        What the objective needs; only its structure and shapes are compiled against.
    steps : int
        Step limit, at most `LONGEST`.
    tolerance : float
        The search ends when the loss fell by less than this over `WINDOW` steps.
    optimiser : optax.GradientTransformation, optional
        In place of L-BFGS. Where it does not search along a line, a step that is not finite is taken back and all
        later ones are halved.
    pause : function ``Search -> bool``, optional
        Called every `EVERY` steps; keep the search that it is given to go on later, return True to stop.

    Returns
    -------
    Minimum
    """
    steps = min(steps, LONGEST)                          # a search that stops there has not converged
    solver = lbfgs() if optimiser is None else optax.with_extra_args_support(optimiser)
    with jax.numpy_dtype_promotion("standard"):          # optax mixes int32 and int64 by itself
        search = theta if isinstance(theta, Search) else start(theta, solver)
        found, search, stopped = _run(objective, solver, search, data, steps, tolerance, pause)
        if stopped:
            return _as(found, Status.INTERRUPTED)
        return _looked_at_twice(objective, solver, search, found, data, steps, tolerance)


def _looked_at_twice(objective, solver, search, found, data, steps, tolerance):
    """Go on where an end may be none: at a saddle, where a coordinate was thrown far off, before a cliff."""
    left, status = steps - int(found.steps), STATUSES[int(found.status)]
    if status is Status.STALLED and _before_a_cliff(objective, solver, search, data, tolerance):
        return _as(_along_the_edge(objective, solver, search, found, data, left, tolerance), Status.CLIFF)
    if status is not Status.CONVERGED or left < 1:
        return found
    far = jnp.max(jnp.stack([jnp.max(jnp.abs(v)) for v in jax.tree.leaves(search.best)])) > FAR
    if float(found.gradient) > VANISHED and not bool(far):
        return found
    # From a minimum the search comes back, from a saddle it does not.
    nudged = jax.tree.map(lambda v: jnp.where(jnp.abs(v) > FAR, NEAR * jnp.sign(v), v) + NUDGE * jnp.cos(
        1.0 + jnp.arange(v.size, dtype=v.dtype)).reshape(v.shape), search.best)
    again, _ = _advance(objective, solver, start(nudged, solver), data, left, left, tolerance)
    still = float(found.gradient) <= VANISHED and float(found.loss) >= float(found.start_loss)
    if still and float(again.gradient) <= VANISHED and float(again.start_loss) <= float(found.loss):
        return _as(found, Status.FLAT)
    return _better(found, again)


def _better(found, again):
    """Return the lower of two ends of one search, its history in one piece."""
    if not float(again.loss) < float(found.loss):
        return found
    before = int(found.steps) + 1
    rest = jnp.fmin(again.history[1:], found.loss)
    history = jnp.concatenate([found.history[:before], rest])[:LONGEST + 1]
    return again._replace(start_loss=found.start_loss, steps=found.steps + again.steps, history=history)


def _as(found, status):
    return found._replace(status=jnp.asarray(STATUSES.index(status)))


def start(theta, solver):
    """Return a search that has not begun."""
    theta = jax.tree.map(jnp.asarray, theta)
    zeros = jax.tree.map(jnp.zeros_like, theta)
    nothing = jnp.full((), jnp.inf)
    return Search(jnp.asarray(0), theta, nothing, zeros, solver.init(theta), theta, nothing, zeros,
                  jnp.full(LONGEST + 1, jnp.nan), jnp.asarray(0), jnp.asarray(-LONGEST), jnp.ones(()),
                  jnp.asarray(True))


def _run(objective, solver, search, data, steps, tolerance, pause):
    if pause is None:
        return *_advance(objective, solver, search, data, steps, steps, tolerance), False
    while True:
        until = min(int(search.count) + EVERY, steps)
        found, search = _advance(objective, solver, search, data, until, steps, tolerance)
        over = int(search.count) < until or until >= steps
        if pause(search) and not over:
            return found, search, True
        if over:
            return found, search, False


def _before_a_cliff(objective, solver, search, data, tolerance):
    """Return whether the loss stops being finite a little further down the slope."""
    step = jax.tree.map(lambda g: -g / optax.tree_utils.tree_norm(search.best_slope), search.best_slope)
    return any(not _finite_at(objective, solver, _moved(search.best, step, size), data, tolerance) for size in PROBES)


def _along_the_edge(objective, solver, search, found, data, left, tolerance):
    """Hold the coordinates that lead over the edge, and minimise over the others."""
    leaves, shape = jax.tree.flatten(search.best)
    slopes = jax.tree.leaves(search.best_slope)
    for size in PROBES:
        held = [jnp.zeros(jnp.shape(leaf), bool) for leaf in leaves]
        for k, leaf in enumerate(leaves):
            for i in itertools.product(*map(range, jnp.shape(leaf))):
                step = [jnp.zeros_like(v) for v in leaves]
                step[k] = step[k].at[i].set(-jnp.sign(slopes[k][i]))
                there = _moved(search.best, jax.tree.unflatten(shape, step), size)
                held[k] = held[k].at[i].set(not _finite_at(objective, solver, there, data, tolerance))
        if any(bool(h.any()) for h in held):
            break
    mask = jax.tree.unflatten(shape, held)
    again, _ = _advance(_partly_held(objective), solver, start(search.best, solver), (data, search.best, mask), left,
                        left, tolerance)
    return _better(found, again)


@functools.cache
def _partly_held(objective):
    def rest(theta, given):
        data, fixed, mask = given
        return objective(jax.tree.map(lambda hold, at, v: jnp.where(hold, at, v), mask, fixed, theta), data)

    return rest


def _moved(theta, step, size):
    return jax.tree.map(lambda v, d: v + size * d, theta, step)


def _finite_at(objective, solver, theta, data, tolerance):
    """Return whether the loss is finite: a search of no steps, since that is compiled and the loss alone is not."""
    found, _ = _advance(objective, solver, start(theta, solver), data, 0, 0, tolerance)
    return bool(jnp.isfinite(found.start_loss))


@functools.partial(jax.jit, static_argnames=("objective", "solver"), compiler_options=ALONE)
def _advance(objective, solver, search, data, until, steps, tolerance):
    """Go on with a search for some steps; return what it found so far, and the search."""
    objective = jax.jit(objective)                       # what follows reads it three times; so it is traced once
    along_a_line = optax.tree_utils.tree_get(search.state, "value") is not None
    window, most = (WINDOW, RESTARTS) if along_a_line else (PATIENCE, ROLLBACKS)

    def knowing(state, value, slope):
        return optax.tree_utils.tree_set(state, value=value, grad=slope) if along_a_line else state

    # The one evaluation outside the line search: where the search stands, which it may not know yet.
    here, slope_here = jax.value_and_grad(lambda p: objective(p, data))(search.point)
    fresh = search.count == 0
    usable = jnp.where(fresh, jnp.isfinite(here) & _finite(slope_here), search.usable)
    slope_here = _sound_slope(slope_here)
    search = search._replace(
        value=here, slope=slope_here, usable=usable, state=knowing(search.state, here, slope_here),
        best_loss=jnp.where(fresh, here, search.best_loss), best_slope=_choose(fresh, slope_here, search.best_slope),
        history=jnp.where(fresh, search.history.at[0].set(here), search.history))

    beyond = CLIFF * (1.0 + jnp.abs(jnp.where(usable, search.history[0], 0.0)))

    def sound_value(value):
        return jnp.where(jnp.isfinite(value), value, beyond)

    @jax.custom_vjp
    def loss(point):
        return sound_value(objective(point, data))

    def forward(point):
        value, gradient = jax.value_and_grad(objective)(point, data)
        return sound_value(value), _sound_slope(gradient)

    # Beyond a cliff the value is high and the gradient flat, so that the line search turns back instead of failing.
    loss.defvjp(forward, lambda gradient, cotangent: (jax.tree.map(lambda g: cotangent * g, gradient),))

    def go_on(at):
        recent = at.history[jnp.maximum(at.count - window, 0)] - at.history[at.count]
        falling = (at.count < window) | (recent > tolerance)
        return (at.count < jnp.minimum(until, LONGEST)) & falling & (at.restarts <= most) & at.usable

    def advance(at):
        updates, after = solver.update(at.slope, at.state, at.point, value=at.value, grad=at.slope, value_fn=loss)
        if along_a_line:
            moved = optax.apply_updates(at.point, updates)
            reached, slope = (optax.tree_utils.tree_get(after, name) for name in ("value", "grad"))
        else:
            moved = optax.apply_updates(at.point, jax.tree.map(lambda u: at.scale * u, updates))
            reached, slope = jax.value_and_grad(loss)(moved)
        sound = jnp.isfinite(reached) & (reached < beyond) & _finite(moved) & _finite(slope)
        improved = sound & (reached < at.best_loss)
        best, best_slope = _choose(improved, (moved, slope), (at.best, at.best_slope))
        best_loss = jnp.where(improved, reached, at.best_loss)
        # A search that found no step starts anew from the best point, without the curvature it remembers.
        lost = ~sound | ~(reached < at.value) if along_a_line else ~sound
        anew = knowing(solver.init(best), best_loss, best_slope)
        point, value, slope, state = _choose(lost, (best, best_loss, best_slope, anew), (moved, reached, slope, after))
        return Search(at.count + 1, point, value, slope, state, best, best_loss, best_slope,
                      at.history.at[at.count + 1].set(best_loss),
                      jnp.where(improved & along_a_line, 0, at.restarts + lost),
                      jnp.where(lost, at.count + 1, at.lost), jnp.where(lost, 0.5 * at.scale, at.scale), at.usable)

    at = jax.lax.while_loop(go_on, advance, search)
    norm = optax.tree_utils.tree_norm(at.best_slope)
    first = jnp.where(at.usable, at.history[0], jnp.nan)
    fell_short = (at.restarts > most) | (at.best_loss >= first) | (at.lost > at.count - window)
    status = jnp.where(~at.usable, 3, jnp.where(at.count >= steps, 1, jnp.where(fell_short & (norm > LEVEL), 2, 0)))
    return Minimum(at.best, jnp.where(at.usable, at.best_loss, here), at.history[0], at.count, norm, status,
                   at.history), at


def _sound_slope(slope):
    return jax.tree.map(lambda g: jnp.where(jnp.isfinite(g), g, 0.0), slope)


def _finite(tree):
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(tree)]))


def _choose(take, new, old):
    return jax.tree.map(lambda a, b: jnp.where(take, a, b), new, old)
