"""Least squares over regions: every region has few parameters of its own, and what regions share ties them."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ..dynamics.alone import ALONE

FIRST_DAMPING = 0.1
MOST_DAMPING = 1e8
LEAST = 1e-6
HELD = 1e9                # precision of a coordinate that is not free


class Freedom(NamedTuple):
    """What is free, as precisions of Gaussian priors about 0; `HELD` holds a coordinate there.

    Attributes
    ----------
    basis : ``[n, q]``, along which coordinates may be shared: a constant, then maps
    shared : ``[p, q]``
    own : ``[p]``, of every region's own move
    """

    basis: jax.Array
    shared: jax.Array
    own: jax.Array


class Settled(NamedTuple):
    """Where the search ended.

    Attributes
    ----------
    move : ``[p, n]``, ``shared @ basis.T + own``
    shared, own : its parts, ``[p, q]`` and ``[p, n]``
    loss : sum of squares with its penalties; `start_loss` that of no move
    steps : int
    converged : whether it ended by itself
    """

    move: jax.Array
    shared: jax.Array
    own: jax.Array
    loss: jax.Array
    start_loss: jax.Array
    steps: jax.Array
    converged: jax.Array


def regionwise(function, move):
    """Return a function of ``move [p, n]`` that is element-wise over regions, and its Jacobian ``[f, n, p]``."""
    p = move.shape[0]
    directions = jnp.broadcast_to(jnp.eye(p, dtype=move.dtype)[:, :, None], (p, *move.shape))
    value, push = jax.linearize(function, move)
    return value, jnp.moveaxis(jax.vmap(push)(directions), 0, -1)


@functools.partial(jax.jit, static_argnames=("residuals",), compiler_options=ALONE)
def settle(residuals, problem, freedom, start, steps, tolerance):
    """Minimise ``sum residuals(move, problem)^2`` with the priors by damped Gauss-Newton steps (Levenberg-Marquardt).

    Regions meet in the shared coordinates alone, so a step costs one small system per region and one of the shared
    coordinates' size (a Schur complement), whatever the number of regions.

    Parameters
    ----------
    residuals : function ``(move [p, n], problem) -> [f, n]``, at module level, element-wise over regions
    problem : pytree
    freedom : Freedom
    start : shared ``[p, q]`` and own ``[p, n]`` coordinates
    steps : int
    tolerance : float
        It ends when three accepted steps together lower the loss by less than this share.
    """
    basis = freedom.basis

    def moved(shared, own):
        return shared @ basis.T + own

    def loss(shared, own):
        squares = jnp.sum(residuals(moved(shared, own), problem) ** 2)
        return squares + jnp.sum(freedom.shared * shared**2) + jnp.sum(freedom.own[:, None] * own**2)

    def step(shared, own, damping):
        r, slope = regionwise(lambda m: residuals(m, problem), moved(shared, own))
        hessian, gradient = jnp.einsum("fnp,fnq->npq", slope, slope), jnp.einsum("fnp,fn->np", slope, r)
        return eliminated(freedom, hessian, gradient, damping, shared, own)

    def go_on(carry):
        _, _, damping, value, before, count = carry
        return (count < steps) & (damping < MOST_DAMPING) & (before[0] - value > tolerance * value)

    def advance(carry):
        shared, own, damping, value, before, count = carry
        by_shared, by_own = step(shared, own, damping)
        after = loss(shared - by_shared, own - by_own)
        better = jnp.isfinite(after) & (after < value)
        shared = jnp.where(better, shared - by_shared, shared)
        own = jnp.where(better, own - by_own, own)
        before = jnp.where(better, jnp.append(before[1:], value), before)
        return shared, own, jnp.where(better, damping / 3, damping * 4), jnp.where(better, after, value), before, \
            count + 1

    shared, own = start
    first = loss(shared, own)
    shared, own, _, value, _, count = jax.lax.while_loop(
        go_on, advance, (shared, own, jnp.asarray(FIRST_DAMPING), first, jnp.full(3, jnp.inf), jnp.asarray(0)))
    return Settled(moved(shared, own), shared, own, value, first, count, count < steps)


def solve_each(matrices, right):
    """Return ``matrices^-1 right`` of positive definite matrices ``[n, p, p]`` (Gauss-Jordan, no pivots needed).

    A batch of LAPACK calls would be spread over the threads that other fits run on.
    """
    p = matrices.shape[-1]

    def clear(k, both):
        row = both[:, k] / both[:, k, k, None]
        rest = both - both[:, :, k, None] * row[:, None]
        return rest.at[:, k].set(row)

    return jax.lax.fori_loop(0, p, clear, jnp.concatenate([matrices, right], -1))[..., p:]


def eliminated(freedom, hessian, gradient, damping, shared, own):
    """Return the step of shared ``[p, q]`` and own ``[p, n]`` coordinates, the own ones eliminated region by region."""
    basis, p = freedom.basis, freedom.own.shape[0]
    q = basis.shape[1]
    scale = damping * (jnp.diagonal(hessian, axis1=1, axis2=2) + LEAST)
    local = hessian + jax.vmap(jnp.diag)(freedom.own + scale)
    pull = gradient + (freedom.own[:, None] * own).T
    solved = solve_each(local, jnp.concatenate([hessian, pull[..., None]], -1))
    rest = hessian - jnp.einsum("npq,nqr->npr", hessian, solved[..., :p])
    joint = jnp.einsum("na,npr,nb->parb", basis, rest, basis).reshape(p * q, p * q)
    size = jnp.einsum("na,np->pa", basis**2, scale / damping).reshape(-1)
    joint = joint + jnp.diag(freedom.shared.reshape(-1) + damping * size)
    right = jnp.einsum("na,np->pa", basis, gradient - jnp.einsum("npq,nq->np", hessian, solved[..., p]))
    by_shared = jnp.linalg.solve(joint, (right + freedom.shared * shared).reshape(-1)).reshape(p, q)
    by_own = solved[..., p] - jnp.einsum("npr,nr->np", solved[..., :p], basis @ by_shared.T)
    return by_shared, by_own.T


@functools.partial(jax.jit, static_argnames=("residuals",), compiler_options=ALONE)
def laplace(residuals, move, problem, freedom, count):
    """Return the standard deviation ``[p, n]`` of every move, from the curvature, and the variance of a residual.

    The variance is the mean square of ``count`` residuals, less the effective number of parameters.

    Parameters
    ----------
    residuals, problem, freedom : as `settle` takes them
    move : ``[p, n]``, where it ended
    count : number of residuals that take part
    """
    basis, p = freedom.basis, freedom.own.shape[0]
    q = basis.shape[1]
    r, slope = regionwise(lambda m: residuals(m, problem), move)
    hessian = jnp.einsum("fnp,fnq->npq", slope, slope)
    inner = solve_each(hessian + jnp.diag(freedom.own), jnp.broadcast_to(jnp.eye(p), hessian.shape))
    through = jnp.einsum("npq,nqr->npr", inner, hessian)
    rest = hessian - jnp.einsum("npq,nqr->npr", hessian, through)
    joint = jnp.einsum("na,npr,nb->parb", basis, rest, basis).reshape(p * q, p * q)
    outer = jnp.linalg.inv(joint + jnp.diag(freedom.shared.reshape(-1))).reshape(p, q, p, q)
    left = jnp.eye(p) - through                       # how a shared move reaches a region that moves along with it
    spread = jnp.einsum("npr,na,rasb,nb,nqs->npq", left, basis, outer, basis, left)
    prior = jnp.sum(freedom.own[None] * jnp.diagonal(inner, axis1=1, axis2=2))
    effective = slope.shape[1] * p - prior + p * q - jnp.sum(
        freedom.shared * jnp.einsum("papa->pa", outer))
    variance = jnp.sum(r**2) / jnp.maximum(count - effective, 0.1 * count)
    return jnp.sqrt(variance * jnp.diagonal(inner + spread, axis1=1, axis2=2)).T, variance
