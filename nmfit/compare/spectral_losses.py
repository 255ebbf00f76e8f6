"""How far a spectrum is from data: residuals and scores, pure functions of arrays ``[f, s]``.

Powers are linear on both sides. Residuals come before sums, so that curvature and standard errors can follow. Channels
of one recording are not independent (an average reference even makes them linearly dependent), nor are neighbouring
bins of a tapered estimate: a sum over channels and bins is a composite likelihood, whose curvature is no information.
"""

import math

import jax.numpy as jnp
from jax.scipy.special import digamma

from .deviance import half_square

LN10 = math.log(10.0)


def log10_bias(dof):
    """Return the expectation of ``log10(x / dof)`` for a chi-squared ``x``: an estimate's logarithm lies below.

    About ``-0.434 / dof``.
    """
    half = jnp.asarray(dof, dtype=float) / 2
    return (digamma(half) - jnp.log(half)) / LN10


def log10_residuals(model, data, dof=None):
    """Return ``log10 model - log10 data``.

    Parameters
    ----------
    model, data : arrays ``[f, s]``
    dof : float, optional
        Degrees of freedom of the data: the model is then compared with what the logarithm of such an estimate is on
        average.
    """
    residuals = jnp.log10(model) - jnp.log10(data)
    return residuals if dof is None else residuals + log10_bias(dof)


def shape_residuals(model, data):
    """Return the residuals of log10 power after each channel's own level is taken away: shape, not size."""
    residuals = log10_residuals(model, data)
    return residuals - jnp.mean(residuals, axis=0)


def r_squared(model, data, dof=None):
    """Return ``1 - SSE / SST`` of log10 power, SST about the grand mean over channels and bins."""
    log_data = jnp.log10(data)
    squares = jnp.sum(log10_residuals(model, data, dof) ** 2)
    return 1.0 - squares / jnp.sum((log_data - jnp.mean(log_data)) ** 2)


def whittle_residuals(model, data, dof):
    """Return signed roots of the deviance of Whittle's likelihood, standard normal in the limit of many dof.

    ``data / model`` is chi-squared over its degrees of freedom ``k``; the deviance of one value is
    ``k (r - 1 - log r)`` with ``r = data / model``. Negative where the model lies below the data.
    """
    x = jnp.log(data) - jnp.log(model)
    return -jnp.sqrt(jnp.asarray(dof, dtype=float)) * x * jnp.sqrt(half_square(x))


def whittle(model, data, dof):
    """Return minus the logarithm of Whittle's likelihood, up to what does not depend on the model."""
    return 0.5 * jnp.sum(whittle_residuals(model, data, dof) ** 2)


def cross_whittle(model, data, windows, basis):
    """Return minus the logarithm of Whittle's likelihood of whole cross-spectra, 0 where model and data agree.

    ``windows sum_f [tr(M^-1 D) - log det(M^-1 D) - r]`` with ``M = U^T S U`` of model and data alike: an average
    reference, ICA or interpolation leaves channels fewer dimensions than there are channels, and only those count.
    Channels are seen together here, so nothing is multiplied that is not independent; neighbouring frequencies of a
    tapered estimate still are not.

    Parameters
    ----------
    model, data : complex arrays ``[f, s, s]``
    windows : float
        Independent windows behind the data, more than ``r``.
    basis : real array ``[s, r]``, from `rank_basis`

    References
    ----------
    Whittle 1953, J R Stat Soc B 15:125; the complex Wishart distribution of Goodman 1963, Ann Math Stat 34:152.
    """
    own = jnp.linalg.slogdet(on_basis(data, basis))[1]
    return jnp.asarray(windows, dtype=float) * jnp.sum(cross_misfit(model, data, basis) - own)


def cross_misfit(model, data, basis):
    """Return ``tr(M^-1 D) + log det M - r`` of every frequency, ``[f]``: the part of `cross_whittle` that a fit moves.

    It holds for fewer windows than channels, too, where the data's own determinant is 0.

    Parameters
    ----------
    model, data : complex arrays ``[f, s, s]``
    basis : real array ``[s, r]``, from `rank_basis`
    """
    seen, wanted = (on_basis(cross, basis) for cross in (model.astype(data.dtype), data))
    trace = jnp.real(jnp.trace(jnp.linalg.solve(seen, wanted), axis1=-2, axis2=-1))
    return trace + jnp.linalg.slogdet(seen)[1] - seen.shape[-1]


def on_basis(cross, basis):
    """Return ``U^T S U``, complex ``[f, r, r]``."""
    whole = jnp.asarray(basis).astype(cross.dtype)
    return whole.T @ cross @ whole
