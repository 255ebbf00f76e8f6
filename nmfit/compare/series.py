"""Statistics of a recorded series: lags, windows, phases, envelopes; each has a traced twin in `traced`."""

import math

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from ..errors import InputError
from .empirical import band_pass
from .welch import cross_spectra, window_starts

FEWEST_IN_WINDOW = 5        # samples; the correlation of fewer is noise
FEWEST_WINDOWS = 3
MOST_VALUES = 20_000       # of a distribution of FCD that a loss compares; more are thinned evenly after sorting


def fisher_z(fc):
    """Return ``arctanh`` of an FC matrix, 0 on its diagonal."""
    fc = np.array(fc, float)
    np.fill_diagonal(fc, 0.0)
    return np.arctanh(np.clip(fc, -1 + 1e-12, 1 - 1e-12))


def lagged_covariance(data, lag):
    """Return ``C_ij = mean of x_i(t + lag) x_j(t)`` about the means of the whole series, ``[n, n]``.

    Divided by the number of samples of the whole series, as autocovariances are, so that it stays a covariance.

    Parameters
    ----------
    data : array ``[t, n]``
    lag : int, samples
    """
    if not 0 <= lag < len(data):
        raise InputError("lag", f"{lag} samples of {len(data)}", "Give a shorter lag.", f"0 to {len(data) - 1}")
    centred = data - data.mean(0)
    return centred[lag:].T @ centred[:len(data) - lag] / len(data)


def trimmed(data, tr, band):
    """Return a series after its band-pass, one period of the top cut off at either end."""
    edge = 0 if band is None else math.ceil(1.0 / (band[1] * tr))
    passed = band_pass(data, tr, band)
    return passed[edge:len(passed) - edge]


def fcd_windows(samples, tr, window=60.0, step=10.0):
    """Return the first samples of all windows and their length, from seconds.

    Raises
    ------
    InputError
        Where a window holds too few samples, or the run too few windows.
    """
    length, stride = round(window / tr), max(1, round(step / tr))
    if not (step > 0 and length >= FEWEST_IN_WINDOW):
        raise InputError("window", f"{window:g} s every {step:g} s at TR {tr:g} s", "Give a longer window.",
                         f"at least {FEWEST_IN_WINDOW * tr:g} s, step above 0")
    starts = np.arange(0, samples - length + 1, stride)
    if starts.size < FEWEST_WINDOWS:
        raise InputError("BOLD", f"{samples * tr:g} s hold {starts.size} windows of {window:g} s",
                         "Give a longer run or a shorter window.", f"at least {window + 2 * step:g} s")
    return starts, length


def window_correlations(data, starts, length):
    """Return the upper triangle of every window's Pearson FC, ``[w, p]``."""
    i, j = np.triu_indices(data.shape[1], 1)
    return np.stack([np.corrcoef(data[s:s + length].T)[i, j] for s in starts])


def fcd(data, tr, window=60.0, step=10.0):
    """Return functional connectivity dynamics ``[w, w]``: how alike the FC of all pairs of windows is.

    Parameters
    ----------
    data : array ``[t, n]``
        After the band-pass.
    tr, window, step : float, seconds
    """
    starts, length = fcd_windows(len(data), tr, window, step)
    return np.corrcoef(window_correlations(data, starts, length))


def fcd_values(data, tr, window=60.0, step=10.0):
    """Return the distribution of FCD: its upper triangle as a vector."""
    matrix = fcd(data, tr, window, step)
    return matrix[np.triu_indices(len(matrix), 1)]


def ks_distance(a, b):
    """Return the Kolmogorov-Smirnov distance of two samples: the largest gap between their distributions."""
    a, b = np.sort(a), np.sort(b)
    everywhere = np.concatenate([a, b])
    return float(np.abs(np.searchsorted(a, everywhere, "right") / a.size
                        - np.searchsorted(b, everywhere, "right") / b.size).max())


def wasserstein(a, b):
    """Return the area between the distributions of two samples (the first Wasserstein distance)."""
    a, b = np.sort(a), np.sort(b)
    merged = np.sort(np.concatenate([a, b]))
    gap = np.abs(np.searchsorted(a, merged[:-1], "right") / a.size - np.searchsorted(b, merged[:-1], "right") / b.size)
    return float(gap @ np.diff(merged))


def phase_randomised(data, seed):
    """Return the linear twin of a series: same cross-spectra, random phases, ``[t, n]``.

    Every frequency turns by one random angle in all regions, so that FC and spectra stay and everything that is not
    linear, stationary and Gaussian goes. What a statistic of dynamics says counts beside this twin's.

    References
    ----------
    Prichard & Theiler 1994, Phys Rev Lett 73:951.
    """
    spectrum = np.fft.rfft(data, axis=0)
    angles = np.random.default_rng(seed).uniform(0, 2 * np.pi, len(spectrum))
    angles[0] = 0.0
    if len(data) % 2 == 0:
        angles[-1] = 0.0
    return np.fft.irfft(spectrum * np.exp(1j * angles)[:, None], n=len(data), axis=0)


def analytic(data):
    """Return the analytic signal of a series, complex ``[t, n]``."""
    samples = len(data)
    keep = np.zeros((samples, 1))
    keep[0] = 1
    keep[1:(samples + 1) // 2] = 2
    if samples % 2 == 0:
        keep[samples // 2] = 1
    return np.fft.ifft(np.fft.fft(data, axis=0) * keep, axis=0)


def order_parameter(phases):
    """Return Kuramoto's order ``R(t) = |mean_i exp(i phase_i)|``, ``[t]``, of phases ``[t, n]`` in radians."""
    return np.abs(np.exp(1j * np.asarray(phases)).mean(1))


def metastability(phases):
    """Return the standard deviation over time of Kuramoto's order."""
    return float(order_parameter(phases).std())


def envelope_fc(data, tr, band, orthogonal=True):
    """Return the correlation of amplitude envelopes of a band, ``[n, n]``, edges of a period of its width cut off.

    Parameters
    ----------
    data : array ``[t, n]``
    tr : float, seconds
    band : (low, high) in Hz
    orthogonal : see `envelope_correlation`
    """
    edge = math.ceil(1.0 / ((band[1] - band[0]) * tr))
    return correlated_envelopes(analytic(band_pass(data, tr, band))[edge:len(data) - edge], orthogonal)


def envelope_correlation(data, orthogonal=False):
    """Return the correlation of amplitude envelopes of a band-passed series, ``[n, n]``.

    With ``orthogonal`` the part of one signal that is in phase with the other is taken out of each pair first, sample
    by sample, both ways round, and the two correlations are averaged: instantaneous leakage between sources of
    EEG or MEG cannot produce them. Its diagonal is 1 by definition.

    References
    ----------
    Hipp, Hawellek, Corbetta, Siegel & Engel 2012, Nat Neurosci 15:884.
    """
    return correlated_envelopes(analytic(data), orthogonal)


def correlated_envelopes(z, orthogonal):
    """Return `envelope_correlation` of analytic signals, complex ``[t, n]``."""
    size = np.abs(z)
    if not orthogonal:
        return np.corrcoef(size.T)
    unit = np.conj(z) / np.maximum(size, np.finfo(float).tiny)
    n = z.shape[1]
    out = np.eye(n)
    for i in range(n):
        rest = np.abs(np.imag(z * unit[:, [i]]))                 # every j without what is in phase with i
        rest[:, i] = size[:, i]
        out[i] = np.corrcoef(size[:, i], rest.T)[0, 1:]
    out = 0.5 * (out + out.T)
    np.fill_diagonal(out, 1.0)
    return out


def segments(samples, length, overlap=0.5):
    """Return the first samples of Welch's segments."""
    if not 2 <= length <= samples:
        raise InputError("recording", f"{samples} samples for segments of {length}",
                         "Give a longer recording or shorter segments.", f"at least {length} samples")
    return window_starts([(0, samples)], length, max(1, length - int(overlap * length)))


def coherence(data, sfreq, length):
    """Return magnitude-squared coherence ``[f, n, n]`` by Welch's method, equal to `scipy.signal.coherence`."""
    cross = cross_spectra(data, sfreq, segments(len(data), length), length)
    power = np.real(np.einsum("fii->fi", cross))
    return np.abs(cross) ** 2 / (power[:, :, None] * power[:, None, :])


def band_power(psd, freqs, band):
    """Return the power of a one-sided spectrum ``[f, ...]`` inside a band: the sum over its bins."""
    inside = (freqs >= band[0]) & (freqs <= band[1])
    if not inside.any():
        raise InputError("band", f"no frequency in {band[0]:g} to {band[1]:g} Hz", "Give a wider band, or longer "
                         "segments.", f"bins of {freqs[1] - freqs[0]:g} Hz")
    return psd[inside].sum(0) * (freqs[1] - freqs[0])


def effective_samples(data):
    """Return how many independent samples the FC of an autocorrelated series is worth.

    ``t / mean over pairs of sum_k rho_i(k) rho_j(k)``, autocorrelations tapered to zero at a quarter of the run: the
    variance of a correlation near 0 is one over it. A series that fills a band of B Hz for T seconds has ``2 B T``.

    References
    ----------
    Bartlett 1946, J R Stat Soc Suppl 8:27.
    """
    samples, reach = len(data), max(2, len(data) // 4)
    long = next_fast_len(samples + reach, real=True)               # zeros enough that no lag wraps round
    spectrum = rfft(np.ascontiguousarray((data - data.mean(0)).T), long)
    rho = irfft(spectrum.real**2 + spectrum.imag**2, long)[:, :reach]
    rho = rho / rho[:, :1] * (1 - np.arange(reach) / reach) ** 0.5
    weight = np.full(reach, 2.0)
    weight[0] = 1.0
    over_pairs = rho.sum(0) ** 2 - (rho**2).sum(0)                  # twice the sum over pairs of rho_i(k) rho_j(k)
    return float(samples * len(rho) * (len(rho) - 1) / (weight @ over_pairs))


def thinned(values):
    """Return a distribution sorted, at most `MOST_VALUES` of it, evenly spaced quantiles."""
    values = np.sort(np.asarray(values, float).ravel())
    if not np.isfinite(values).all() or values.size < 3:
        raise InputError("FCD", "values that are missing or not finite", "Give the upper triangle of FCD matrices.")
    if values.size <= MOST_VALUES:
        return values
    return np.quantile(values, (np.arange(MOST_VALUES) + 0.5) / MOST_VALUES)
