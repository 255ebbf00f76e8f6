"""Welch's spectrum: its windows, its degrees of freedom, and how it smears what it estimates."""

import numpy as np
from scipy.signal import detrend, get_window

WINDOW = "hann"
REACH = 4.0         # bins: what lies further leaks less than 1e-4 into a Hann window


def window_starts(stretches, length, step):
    """Return the first samples of all windows that lie within a stretch, in order."""
    starts = [np.arange(a, b - length + 1, step) for a, b in stretches if b - a >= length]
    return np.concatenate(starts) if starts else np.zeros(0, dtype=int)


def welch_psd(data, sfreq, starts, length):
    """Return the one-sided Welch estimate ``[f, s]`` of ``data [t, s]``: what `scipy.signal.welch` returns.

    Each window loses its mean and is multiplied by a Hann taper; the periodograms are averaged.
    """
    return sum(np.abs(fourier) ** 2 for fourier in _fourier(data, starts, length)) * _scale(sfreq, starts, length)


def cross_spectra(data, sfreq, starts, length, kept=slice(None)):
    """Return the one-sided cross-spectrum ``[f, s, s]`` of the same windows, at the frequencies kept."""
    total = sum(f[:, :, None] * f[:, None, :].conj() for f in (each[kept] for each in _fourier(data, starts, length)))
    return total * _scale(sfreq, starts, length)[kept][..., None]


def _fourier(data, starts, length):
    taper = get_window(WINDOW, length)[:, None]
    for start in starts:
        yield np.fft.rfft(detrend(data[start:start + length], axis=0, type="constant") * taper, axis=0)


def _scale(sfreq, starts, length):
    scale = np.full((length // 2 + 1, 1), 2.0 / (sfreq * (get_window(WINDOW, length) ** 2).sum() * len(starts)))
    scale[0] /= 2
    if length % 2 == 0:
        scale[-1] /= 2
    return scale


def degrees_of_freedom(starts, length):
    """Return the degrees of freedom of a mean of periodograms whose windows overlap.

    ``2 K^2 / sum_kl r(start_k - start_l)`` with ``r(d) = (sum w(t) w(t + d) / sum w^2)^2``: the mean then has the mean
    and the variance of a chi-squared variable with so many degrees of freedom, divided by their number. Valid where
    the spectrum is flat over the window's bandwidth, away from 0 Hz and the Nyquist frequency, for a stationary
    signal.
    """
    starts = np.sort(np.asarray(starts))
    taper = get_window(WINDOW, length)
    total = float(len(starts))
    for k, start in enumerate(starts):
        for other in starts[k + 1:]:
            lag = other - start
            if lag >= length:
                break
            total += 2 * ((taper[lag:] @ taper[:length - lag]) / (taper @ taper)) ** 2
    return float(2.0 * len(starts) ** 2 / total)


def bin_correlation(length, bins):
    """Return the squared correlation of the estimates of frequencies 0, 1, ... bins apart, ``[bins]``, for noise."""
    taper = get_window(WINDOW, length) ** 2
    phase = np.exp(-2j * np.pi * np.outer(np.arange(bins), np.arange(length)) / length)
    return np.abs(phase @ taper / taper.sum()) ** 2


def smearing(freqs, sfreq, length, per_bin=2):
    """Return how a Welch estimate smears a spectrum, as a matrix on a finer grid of frequencies.

    The expectation of the estimate at ``f`` is ``integral S(v) K(f - v) dv`` with ``K = |W|^2 / (sfreq sum w^2)``,
    ``W`` the window's Fourier transform. On a grid of ``per_bin`` nodes per bin the sum is exact for autocovariances
    shorter than ``(per_bin - 1)`` windows, so that a resonance must be wider than about ``1 / (2 pi T)`` for two.

    Parameters
    ----------
    freqs : array ``[f]``
    sfreq : float
    length : int, samples per window
    per_bin : int

    Returns
    -------
    nodes : array ``[m]``, Hz
        Where the model's spectrum is wanted; positive.
    matrix : array ``[f, m]``
        Rows sum to one.
    """
    spacing = sfreq / (length * per_bin)
    first = max(1, int(np.floor(freqs[0] / spacing - REACH * per_bin)))
    last = int(np.ceil(freqs[-1] / spacing + REACH * per_bin))
    nodes = spacing * np.arange(first, last + 1)
    taper = get_window(WINDOW, length)
    steps = np.arange(length) / sfreq
    bins, inverse = np.unique(np.round((np.asarray(freqs)[:, None] - nodes) / spacing, 6), return_inverse=True)
    kernel = np.zeros(bins.size)
    near = np.abs(bins) <= REACH * per_bin
    kernel[near] = np.abs(np.exp(-2j * np.pi * np.outer(bins[near] * spacing, steps)) @ taper) ** 2
    matrix = kernel[inverse.reshape(len(freqs), nodes.size)]
    return nodes, matrix / matrix.sum(1, keepdims=True)


def rank_basis(cross, least=1e-8):
    """Return a whitening basis ``[s, r]`` of the dimensions that channels span together.

    Parameters
    ----------
    cross : complex array ``[f, s, s]``
    least : float
        Share of the largest eigenvalue of the mean over frequencies below which a dimension does not exist.
    """
    values, vectors = np.linalg.eigh(np.real(np.asarray(cross)).mean(0))
    kept = values > least * values[-1]
    return vectors[:, kept] / np.sqrt(values[kept])
