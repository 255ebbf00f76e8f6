"""The firing curve that both Wong-Wang models share."""

import jax.numpy as jnp

NEAR_ZERO = 0.03


def firing_rate(u, d):
    """Return ``phi = u / (1 - exp(-d u))``, the rate in Hz for the excess drive ``u = a I - b`` in Hz.

    The quotient is 0/0 at ``u = 0``, where the curve is as smooth as anywhere else:
    ``1/d + u/2 + d u^2/12 - ...``. Value and derivatives are finite and accurate for every ``u``, also where
    ``exp`` would overflow.

    Parameters
    ----------
    u : array
        Excess drive.
    d : float or array
        Curvature in seconds: the bend spans ``1/d``.
    """
    z = d * u
    near = jnp.abs(z) < NEAR_ZERO
    # The branch that is not taken must have a finite gradient too, or 0 * inf turns the sum into NaN.
    size = jnp.where(near, 1.0, jnp.abs(z))
    bend = size * jnp.exp(-size) / -jnp.expm1(-size)
    inside = jnp.where(near, z, 0.0)
    square = inside * inside
    series = 1.0 + inside / 2 + square / 12 * (1.0 - square / 60 * (1.0 - square / 42))
    return jnp.where(near, series, jnp.maximum(z, 0.0) + bend) / d
