"""The large solves of the linear engine, with derivatives that take as few products as the parameters need.

The operator comes as ``g k``, the coupling strength apart from the wiring. While weights and speeds stay as they are, a
change of ``g`` needs no product of its own: it moves the solution along itself.
"""

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from .alone import one_by_one
from .local import complexed
from .products import product, split_product


@jax.custom_vjp
def inverse(matrix):
    """Return the inverse of each matrix ``[f, n, n]``; its derivative takes products only, no second solve."""
    return one_by_one(jnp.linalg.inv, matrix)


def _inverse_forward(matrix):
    found = one_by_one(jnp.linalg.inv, matrix)
    return found, found


def _inverse_backward(found, cotangent):
    # JAX's cotangents are linear, not conjugate: the transpose, without conjugation, is the adjoint.
    turned = jnp.swapaxes(found, -1, -2)
    return (-product(product(turned, cotangent), turned),)


inverse.defvjp(_inverse_forward, _inverse_backward)


@jax.custom_vjp
def closed(g, k, h):
    """Return ``M = K (I - h K)^-1`` with ``K = g k``: what regions hear of a source once all have answered all.

    The derivative ``dM = (I + M h) dK (I + h M) + M dh M`` takes products with ``M`` only, and for ``dK = K dg / g``
    it is ``(M + M h M) dg / g``.

    Parameters
    ----------
    g : real
    k : ``[n, n]``, complex where delays turn it, else real
    h : complex ``[k, k, n]``

    Returns
    -------
    ``[k n, k n]``
    """
    channels, _, n = h.shape
    size, full = channels * n, _full(g, k)
    loop = complexed(jnp.eye(size)) - jnp.einsum("ij,abj->aibj", full, h).reshape(size, size)
    sources = jnp.einsum("ab,ij->aibj", complexed(jnp.eye(channels)), full).reshape(size, size)
    return jnp.linalg.solve(loop, sources)


def _closed_forward(g, k, h):
    m = closed(g.value, k.value, h.value)
    return m, (m, g.value, k.value, h.value, _moves(k))


def _closed_backward(kept, cotangent):
    m, g, k, h, moves = kept
    cotangent = _plain(cotangent)
    channels, _, n = h.shape
    back = split_product(m.T, cotangent).reshape(channels, n, -1)
    cotangent, m = cotangent.reshape(back.shape), m.reshape(back.shape)
    of_h = jnp.sum(back[:, None] * m, axis=-1)
    through = _own_blocks(cotangent)
    along = jnp.sum(jnp.real(cotangent * m)) + jnp.sum(jnp.real(h * of_h))
    of_g = _over(g, along, _paired(k, through))
    if moves is None:
        return of_g, None, of_h
    left = cotangent + jnp.sum(h[..., None] * back[:, None], axis=0)
    right = jnp.sum(h[..., None] * m, axis=1)
    through = _own_blocks(left)
    left, right = left.swapaxes(0, 1).reshape(n, -1), jnp.moveaxis(right, 1, 2).reshape(-1, n)
    return of_g, g.astype(k.dtype) * (_like(k, left, right) + _part(k, through)), of_h


closed.defvjp(_closed_forward, _closed_backward, symbolic_zeros=True)


@jax.custom_vjp
def turning(g, k, delta):
    """Return ``R = (diag(delta) - g k)^-1``: how planes that turn answer a source.

    ``dR = R (dK - ddelta) R``, and for ``dK = K dg / g`` it is ``(R delta R - R) dg / g``.

    Parameters
    ----------
    g : real
    k : ``[n, n]``, complex where delays turn it, else real
    delta : complex ``[n]``

    Returns
    -------
    ``[n, n]``
    """
    return jnp.linalg.inv(jnp.diag(delta) - _full(g, k))


def _turning_forward(g, k, delta):
    r = turning(g.value, k.value, delta.value)
    return r, (r, g.value, k.value, delta.value, _moves(k))


def _turning_backward(kept, cotangent):
    r, g, k, delta, moves = kept
    cotangent = _plain(cotangent)
    back = split_product(r.T, cotangent)
    of_delta = -jnp.sum(back * r, axis=-1)
    along = -jnp.sum(jnp.real(delta * of_delta)) - jnp.sum(jnp.real(cotangent * r))
    of_g = _over(g, along, _paired(k, back / delta))
    return of_g, None if moves is None else g.astype(k.dtype) * _like(k, back, r.T), of_delta


turning.defvjp(_turning_forward, _turning_backward, symbolic_zeros=True)


def _full(g, k):
    return g.astype(k.dtype) * k if jnp.iscomplexobj(k) else complexed(g * k)


def _moves(k):
    """Return a mark, or None where nothing asks for the derivative in the wiring."""
    return jnp.zeros(()) if k.perturbed else None


def _plain(cotangent):
    if isinstance(cotangent, SymbolicZero):
        return jnp.zeros(cotangent.shape, cotangent.dtype)
    return cotangent


def _over(g, along, silent):
    """Return ``along / g``, and its limit where nothing is coupled."""
    return jnp.where(g == 0, silent, along / jnp.where(g == 0, 1.0, g))


def _own_blocks(wide):
    """Return the sum over channels of the blocks ``[n, n]`` that lead from a channel to itself."""
    n = wide.shape[1]
    return jnp.sum(jnp.stack([wide[a, :, a * n:(a + 1) * n] for a in range(len(wide))]), axis=0)


def _part(k, value):
    return jnp.real(value) if jnp.isrealobj(k) else value


def _paired(k, value):
    return jnp.sum(_part(k, value) * k).real


def _like(k, left, right):
    """Return a complex product, or its real part where ``k`` is real."""
    if jnp.isrealobj(k):
        return jnp.real(left) @ jnp.real(right) - jnp.imag(left) @ jnp.imag(right)
    return split_product(left, right)
