"""Likelihoods of Gaussian data as sums of squares: what is left of the data once the model has whitened it."""

import jax
import jax.numpy as jnp
import jax.scipy.linalg as linalg

DEFINITE = 1e-12           # of the largest eigenvalue: below it a matrix has no logarithm of a determinant


def deviance_residuals(model, data):
    """Return residuals with ``sum r^2 = tr(M^-1 D) - log det(M^-1 D) - n``, ``[..., n^2]`` or, for real, ``[..., m]``.

    With ``M = L L^H`` and ``D = F F^H`` the factor ``T = L^-1 F`` is triangular, and the deviance is a sum over its
    entries: ``|T_ij|^2`` below the diagonal, ``T_ii^2 - 1 - log T_ii^2`` on it (Bartlett's decomposition). The entries
    are independent where the model is true. There ``2 J^T J = tr(M^-1 dM M^-1 dM)``: times the windows of a
    cross-spectrum, or half the samples of a covariance, the Gauss-Newton matrix is the Fisher information.

    Parameters
    ----------
    model, data : positive definite, ``[..., n, n]``, both real or both complex

    References
    ----------
    Bartlett 1933, Proc R Soc Edinb 53:260; Goodman 1963, Ann Math Stat 34:152.
    """
    n = model.shape[-1]
    t = linalg.solve_triangular(jnp.linalg.cholesky(model), jnp.linalg.cholesky(data), lower=True)
    x = 2.0 * jnp.log(jnp.real(jnp.diagonal(t, axis1=-2, axis2=-1)))
    below = t[(..., *jnp.tril_indices(n, -1))]
    parts = [jnp.real(below), jnp.imag(below)] if jnp.iscomplexobj(below) else [below]
    return jnp.concatenate([-x * jnp.sqrt(half_square(x)), *parts], axis=-1)


def definite(data):
    """Return whether data are positive definite, so that `deviance_residuals` holds; traced data are taken to be."""
    if isinstance(data, jax.core.Tracer):
        return True
    with jax.ensure_compile_time_eval():
        values = jnp.linalg.eigvalsh(data)
        return bool(jnp.all(values[..., 0] > DEFINITE * values[..., -1]))


def half_square(x):
    """Return ``(exp(x) - 1 - x) / x^2``, smooth through 0 (where the quotient has neither value nor slope)."""
    small = jnp.abs(x) < 1e-2
    safe = jnp.where(small, 1.0, x)
    series = 0.5 + x * (1 / 6 + x * (1 / 24 + x * (1 / 120 + x / 720)))
    return jnp.where(small, series, (jnp.expm1(safe) - safe) / safe**2)
