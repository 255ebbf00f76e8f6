"""The best score any spectrum could reach, from the degrees of freedom of the data."""

import math

import numpy as np
from scipy.special import polygamma
from scipy.stats import chi2

from ..errors import InputError
from .welch import bin_correlation

LN10 = math.log(10.0)


def log10_variance(dof):
    """Return the variance of ``log10(x / dof)`` for a chi-squared ``x``: ``trigamma(dof / 2) / ln(10)^2``."""
    return float(polygamma(1, dof / 2)) / LN10**2


def r_squared_ceiling(target, role="score"):
    """Return the expected R2 of the true spectrum, and where it lies in 95 of 100 recordings.

    The truth misses the data by the scatter of the estimate, whose variance is known:
    ``R2 = 1 - N var / SST``. The interval follows from the variance of the sum of squares, which channels that
    cohere and bins that overlap widen: it is taken as chi-squared with as many degrees of freedom as make mean and
    variance right. For a stationary signal; where alpha comes and goes the truth scores lower.

    Parameters
    ----------
    target : SpectrumTarget
    role : str

    Returns
    -------
    ceiling, low, high : float

    Raises
    ------
    InputError
        Where nobody knows the degrees of freedom.
    """
    dof, bins = target.dof.get(role), target.bins.get(role)
    if dof is None:
        raise InputError(f"the '{role}' spectrum", "its degrees of freedom are unknown",
                         "Give dof= (2 per independent window), or a recording.")
    data = np.log10(target.psd[role][bins])
    sst = ((data - data.mean()) ** 2).sum()
    each = log10_variance(dof)
    expected = data.size * each
    free = 2 * expected**2 / _variance_of_squares(target, bins, dof, each)
    low, high = (1 - expected / sst * quantile / free for quantile in chi2.ppf([0.975, 0.025], free))
    return 1 - expected / sst, float(low), float(high)


def _variance_of_squares(target, bins, dof, each):
    """Return the variance of the sum of squared errors over channels and bins."""
    excess = float(polygamma(3, dof / 2)) / LN10**4
    channels = np.ones((target.s, target.s)) if target.dependence is None else target.dependence
    related = between_bins(target, bins) ** 2
    return (excess + 2 * each**2) * channels.sum() * related.sum()


def between_bins(target, bins):
    """Return how the errors of an estimate correlate between its bins, ``[f, f]``."""
    freqs = target.freqs[bins]
    if target.window is None:
        return np.eye(freqs.size)
    apart = np.rint(np.abs(freqs[:, None] - freqs) / np.diff(target.freqs).min()).astype(int)
    return bin_correlation(target.window, freqs.size + 1)[np.minimum(apart, freqs.size)]
