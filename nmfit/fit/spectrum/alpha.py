"""The individual alpha frequency of a model and its interval, from the spectrum it has between the estimate's bins."""

import dataclasses

import jax.numpy as jnp
import numpy as np

from .ground import interpolation
from .measures import SEARCHED, alpha_peak, aperiodic_slope, occipital
from .problem import see

DRAWS = 400


def between_the_bins(problem, band=SEARCHED):
    """Return a problem that shows the spectrum in a band as it is, no window over it, and the frequencies, Hz.

    As many frequencies as the estimate has bins, so that nothing is compiled again.
    """
    f, v = problem.smear.shape
    low, high = max(band[0], float(problem.fine[0])), min(band[1], float(problem.fine[-1]))
    fine, nodes = np.linspace(low, high, v), np.linspace(low, high, problem.freqs.size)
    shown = np.linspace(0, v - 1, f).round().astype(int)
    changed = {"fine": fine, "freqs": nodes, "finer": interpolation(nodes, fine), "smear": np.eye(v)[shown]}
    return dataclasses.replace(problem, **{name: jnp.asarray(value) for name, value in changed.items()}), fine[shown]


def model_alpha(fitted, errors, target, seed=0):
    """Return a model's occipital alpha frequency, its standard error and 95 % interval, Hz.

    From draws of the coordinates around the fit, log10 power following its slopes.

    Parameters
    ----------
    fitted : FittedSensors
    errors : Errors
    target : SpectrumTarget
    seed : int
    """
    problem, freqs = between_the_bins(fitted.problem)
    if len(np.unique(freqs)) < max(3, freqs.size):
        return None, None, None
    seen = see(problem, fitted.layout.point(fitted.vector))
    at, _ = occipital(target)
    values, vectors = np.linalg.eigh(errors.covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    draws = root @ np.random.default_rng([seed, 5]).standard_normal((values.size, DRAWS))
    slopes = fitted.layout.slopes(seen).reshape(freqs.size, target.s, -1)[:, at]
    middle = np.asarray(seen.log_psd)[:, at]
    slope = aperiodic_slope(target.freqs, fitted.psd[:, at].mean(1))
    peak = alpha_peak(freqs, (10**middle).mean(1), slope=slope)
    drawn = (10 ** (middle[..., None] + slopes @ draws)).mean(1).T
    peaks = np.array([alpha_peak(freqs, power, slope=slope) for power in drawn])
    if not (np.isfinite(peak) and np.isfinite(peaks).any()):
        return None, None, None
    low, high = np.nanpercentile(peaks, [2.5, 97.5])
    return peak, float(np.nanstd(peaks)), [float(low), float(high)]
