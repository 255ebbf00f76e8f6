"""Band covariance of a network that one eigendecomposition solves.

When every region is one state (or one rotating plane with a common frequency), no delay acts and the weights are
symmetric, the network is ``z' = (J + i w0) z + noise`` with ``J`` real and similar to a symmetric matrix. Then

``integral over the band of S(w) dw / 2 pi = F P + P F`` with ``J P + P J = -Q`` and ``F = f(J)``,
``f(l) = integral over the band of Re 1 / (i (w - w0) - l) dw / 2 pi``,

because ``(iv - J)^-1 Q (iv - J)^-H = (iv - J)^-1 P + P (iv - J)^-H``. The derivative needs products with the same
eigenvectors only: the adjoint of a Lyapunov equation is another one, and that of a matrix function takes divided
differences (Daleckii-Krein), which stay finite where eigenvalues meet.
"""

from math import pi

import jax
import jax.numpy as jnp


def arcs(values, low, high, centre):
    """Return ``f`` of an ideal band, ``[n]``: the angle under which the band is seen from each pole.

    Both halves of the axis, ``|w|`` from `low` to `high` rad/s, for a plane turning at `centre`.
    """
    def angle(edge):
        return jnp.arctan2(edge - centre, -values)
    return (angle(high) - angle(low) + angle(-low) - angle(-high)) / (2 * pi)


def _arcs_slopes(values, low, high, centre):
    def slopes(edge):
        u = edge - centre
        size = u**2 + values**2
        return jnp.where(jnp.isinf(u), 0.0, u / size), jnp.where(jnp.isinf(u), 0.0, values / size)
    parts = [(slopes(edge), sign) for edge, sign in ((high, 1), (low, -1), (-low, 1), (-high, -1))]
    by_value = sum(sign * s[0] for s, sign in parts) / (2 * pi)
    by_centre = sum(sign * s[1] for s, sign in parts) / (2 * pi)
    return by_value, by_centre


def _divided(values, f, slope):
    gap = values[:, None] - values[None, :]
    near = jnp.abs(gap) < 1e-5 * (jnp.abs(values)[:, None] + jnp.abs(values)[None, :])
    middle = 0.5 * (slope[:, None] + slope[None, :])
    return jnp.where(near, middle, (f[:, None] - f[None, :]) / jnp.where(near, 1.0, gap))


@jax.custom_vjp
def band_covariance(J, Q, low, high, centre):
    """Return the covariance of ``z`` in an ideal band and the largest eigenvalue of ``J``.

    Parameters
    ----------
    J : array ``[n, n]``
        Real symmetric, 1/s.
    Q : array ``[n, n]``
        Real symmetric noise intensity.
    low, high : float
        Edges in rad/s; 0 and infinity for the whole axis.
    centre : float
        Common angular frequency ``w0``; 0 where nothing turns.

    Returns
    -------
    covariance : array ``[n, n]``
        Real part, meaningless unless the second is negative.
    largest : float
    """
    return _forward(J, Q, low, high, centre)[0]


def _forward(J, Q, low, high, centre):
    values, vectors = jnp.linalg.eigh(J)
    f = arcs(values, low, high, centre)
    share = -(f[:, None] + f[None, :]) / (values[:, None] + values[None, :])
    q = vectors.T @ Q @ vectors
    covariance = vectors @ (share * q) @ vectors.T
    return (covariance, values[-1]), (values, vectors, f, share, q, low, high, centre)


def _backward(kept, cotangents):
    values, vectors, f, share, q, low, high, centre = kept
    of_covariance, of_largest = cotangents
    g = vectors.T @ (0.5 * (of_covariance + of_covariance.T)) @ vectors
    p = -q / (values[:, None] + values[None, :])
    y = share * g
    slope, by_centre = _arcs_slopes(values, low, high, centre)
    of_f = p @ g + g @ p
    of_J = y @ p + p @ y + of_f * _divided(values, f, slope)
    of_J = of_J.at[-1, -1].add(of_largest)
    zero = jnp.zeros_like(values[0])
    return (vectors @ of_J @ vectors.T, vectors @ y @ vectors.T, zero, zero,
            jnp.sum(jnp.diagonal(of_f) * by_centre).astype(values.dtype))


band_covariance.defvjp(_forward, _backward)
