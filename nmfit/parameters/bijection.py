"""From bounds to a bijection with the real line, by one rule."""

import math

import jax
import jax.numpy as jnp

DECADES_FOR_LOG = 2.0


def _is_log(low, high):
    return low > 0 and math.isfinite(high) and math.log10(high / low) >= DECADES_FOR_LOG


def to_bounded(free, bounds):
    """Map the real line onto the bounds.

    An interval takes a sigmoid (on the logarithm where it lies on one side of 0 and spans two decades or more),
    a half line a softplus, the whole line the identity. Both ends are reached in the limit.

    Parameters
    ----------
    free : array
        Unconstrained values.
    bounds : tuple of float
        ``(lowest, highest)``.
    """
    low, high = bounds
    match math.isfinite(low), math.isfinite(high):
        case True, True if _is_log(low, high):
            return low * jnp.exp(math.log(high / low) * jax.nn.sigmoid(free))
        case True, True if _is_log(-high, -low):
            return -to_bounded(-jnp.asarray(free), (-high, -low))
        case True, True:
            return low + (high - low) * jax.nn.sigmoid(free)
        case True, False:
            return low + jax.nn.softplus(free)
        case False, True:
            return high - jax.nn.softplus(-free)
        case _:
            return jnp.asarray(free)


def to_free(value, bounds):
    """Invert `to_bounded`; a value on a bound maps to an infinity."""
    low, high = bounds
    value = jnp.asarray(value)
    match math.isfinite(low), math.isfinite(high):
        case True, True if _is_log(low, high):
            return _logit(jnp.log(value / low) / math.log(high / low))
        case True, True if _is_log(-high, -low):
            return -to_free(-value, (-high, -low))
        case True, True:
            return _logit((value - low) / (high - low))
        case True, False:
            return _softplus_inverse(value - low)
        case False, True:
            return -_softplus_inverse(high - value)
        case _:
            return value


def _logit(share):
    return jnp.log(share) - jnp.log1p(-share)


def _softplus_inverse(positive):
    return positive + jnp.log(-jnp.expm1(-positive))
