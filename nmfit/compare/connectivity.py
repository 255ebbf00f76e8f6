"""Functional connectivity of a model: correlation from covariance, and how well it matches."""

import jax.numpy as jnp


def correlation(covariance):
    """Return ``r_ij = C_ij / sqrt(C_ii C_jj)``, ``[n, n]``."""
    deviation = jnp.sqrt(jnp.diagonal(covariance))
    return covariance / (deviation[:, None] * deviation)


def weighted_pearson(a, b, weight):
    """Return Pearson's r of two arrays under non-negative weights."""
    weight = weight / weight.sum()
    a, b = a - jnp.sum(weight * a), b - jnp.sum(weight * b)
    return jnp.sum(weight * a * b) / jnp.sqrt(jnp.sum(weight * a * a) * jnp.sum(weight * b * b))


def fc_loss(fc, target, pairs, mean_weight=5.0):
    """Return ``1 - r + mean_weight (difference of mean FC)^2`` over the pairs.

    Parameters
    ----------
    fc, target : arrays ``[n, n]``
        Model and empirical FC.
    pairs : array ``[n, n]``
        Weight of each pair: the upper triangle, or the part of it that takes part.
    mean_weight : float
        Pearson's r is blind to the level of FC; this is what the level costs.
    """
    share = pairs / pairs.sum()
    difference = jnp.sum(share * (fc - target))
    return 1.0 - weighted_pearson(fc, target, pairs) + mean_weight * difference**2
