"""Where the coupled network rests: pseudo-transient Newton on the coupling input, differentiated implicitly."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from .local import local_system, solve_small

MAX_STEPS = 200
TOLERANCE = 1e-11
ACCEPTED = 1e-8
FIRST_STEP = 0.2        # of the fastest local time constant: early steps follow the flow, so the branch is the start's
GROWTH_LIMIT = 4.0
LARGEST = 1e4           # of a state: what runs beyond, as a free phase does, does not rest however small its steps


class FixedPoint(NamedTuple):
    """A state of rest.

    Attributes
    ----------
    x : dict of arrays ``[d, n_g]``
    residual : largest |drift| relative to the local rate times the state's size
    converged : whether the residual is below tolerance and the state finite
    """

    x: dict
    residual: jax.Array
    converged: jax.Array


def fixed_point(network, start=None):
    """Solve ``drift(x, c(x)) = 0`` from a state, following the flow first so as to stay on its branch.

    Every step is an implicit Euler step of the whole network whose length grows as the residual falls, and ends as
    Newton's. It is solved exactly through the regions: local ``d x d`` systems and one ``nk x nk`` system for the
    change of the coupling input. The derivative is the implicit function theorem's (one last Newton step with its
    matrix held).

    Parameters
    ----------
    network : Network
    start : dict of arrays, optional
        The models' own starts unless given.
    """
    if start is None and not network.stimuli and all(model.rests_at_start for model in network.groups.values()):
        return FixedPoint(network.start(), jnp.zeros(()), jnp.array(True))
    start = network.start() if start is None else start
    frozen = jax.lax.stop_gradient((network, start))
    x, residual = _relax(*frozen)
    x = jax.lax.stop_gradient(x)
    step = _newton_step(network, frozen[0], x, jnp.inf)
    settled = jax.tree.map(jnp.add, x, step)
    finite = jnp.all(jnp.stack([jnp.all(jnp.isfinite(v)) for v in settled.values()]))
    return FixedPoint(settled, residual, (residual < ACCEPTED) & finite)


def _newton_step(network, held, x, length):
    """Return the step of ``network`` from ``x`` with the matrices of ``held``, an equal network without gradients."""
    c = network.input(network.output(x))
    residual = network.drift(x, c)
    solved, response, heard = {}, {}, {}
    c0 = jax.lax.stop_gradient(c)
    for name, at in held.members:
        a, b, out = local_system(held, name, x[name], c0[:, jnp.array(at)])
        damped = jnp.eye(a.shape[-1]) / length - a
        both = solve_small(damped, jnp.concatenate([residual[name].T[..., None], b], axis=-1))
        solved[name], response[name] = both[..., 0], both[..., 1:]
        heard[name] = out
    own = network.in_order({g: jnp.einsum("nkd,nd->kn", heard[g], solved[g]) for g in solved})
    h = network.in_order({g: jnp.einsum("nkd,ndl->kln", heard[g], response[g]) for g in solved})
    k = held.between()
    size = own.shape[0] * held.n
    matrix = jnp.eye(size) - jnp.einsum("ij,abj->aibj", k, h).reshape(size, size)
    dc = jnp.linalg.solve(matrix, (own @ k.T).reshape(size)).reshape(own.shape)
    return {name: (solved[name] + jnp.einsum("ndk,kn->nd", response[name], dc[:, jnp.array(at)])).T
            for name, at in held.members}


def _residual(network, x, rate):
    drift = network.drift(x, network.input(network.output(x)))
    size = {g: 1.0 + jnp.minimum(jnp.abs(x[g]), LARGEST) for g in x}
    return jnp.stack([jnp.max(jnp.abs(drift[g]) / (rate * size[g])) for g in x]).max()


def _relax(network, start):
    rate = jnp.stack([1.0 / m.time_scale for m in network.groups.values()]).max() \
        if len(network.groups) > 1 else 1.0 / next(iter(network.groups.values())).time_scale

    def unfinished(carry):
        _, residual, _, count = carry
        return (residual > TOLERANCE) & (count < MAX_STEPS) & jnp.isfinite(residual)

    def advance(carry):
        x, residual, length, count = carry
        moved = jax.tree.map(jnp.add, x, _newton_step(network, network, x, length))
        after = _residual(network, moved, rate)
        better = jnp.isfinite(after)
        x = jax.tree.map(lambda new, old: jnp.where(better, new, old), moved, x)
        growth = jnp.where(better, jnp.clip(residual / after, 0.5, GROWTH_LIMIT), 0.1)
        return x, jnp.where(better, after, residual), length * growth, count + 1

    first = _residual(network, start, rate)
    x, residual, _, _ = jax.lax.while_loop(
        unfinished, advance, (start, first, jnp.asarray(FIRST_STEP / rate), jnp.asarray(0)))
    return x, residual
