"""From time series to functional connectivity: band-pass, blocks, group mean, reliability."""

import math

import numpy as np
from scipy.ndimage import convolve1d

from ..errors import InputError

LONGEST_GAP_FLOOR = 20.0      # s: haemodynamic memory between neighbouring blocks
SMOOTH = 20.0                  # a wide band's spectrum is smoothed over this share of it
FLAT = 1e-9                    # correlations that vary by less differ by rounding only
ROLES = {"fit": 0.5, "choose": 0.25, "score": 0.25}


def band_pass(data, tr, band):
    """Keep an ideal band of a series: remove mean and line, then every Fourier component outside.

    The zero-phase projection that a model's covariance undergoes when it is integrated over the same band.

    Parameters
    ----------
    data : array ``[t, n]``
    tr : float
        Sampling interval in seconds.
    band : (low, high) in Hz, or None for everything but mean and line
    """
    t = np.linspace(-1, 1, len(data))[:, None]
    line = (t * data).sum(0) / (t * t).sum()
    flat = data - data.mean(0) - t * line
    if band is None:
        return flat
    spectrum = np.fft.rfft(flat, axis=0)
    freqs = np.fft.rfftfreq(len(data), tr)
    spectrum[(freqs < band[0]) | (freqs > band[1])] = 0
    return np.fft.irfft(spectrum, n=len(data), axis=0)


def functional_connectivity(data, tr, band):
    """Return Pearson's FC ``[n, n]`` of a series after the band-pass, its edges trimmed by one period of the top.

    The plain estimator: no shrinkage of the covariance.
    """
    edge = 0 if band is None else math.ceil(1.0 / (band[1] * tr))
    passed = band_pass(data, tr, band)
    return np.corrcoef(passed[edge:len(passed) - edge].T)


def regress_global(data):
    """Return a series with the global signal, the mean of all z-scored regions, regressed out of every region."""
    z = (data - data.mean(0)) / data.std(0)
    whole = z.mean(1)
    return z - np.outer(whole, z.T @ whole / (whole @ whole))


def fc_after_regression(fc, weights):
    """Return the FC matrix of z-scored series from which weighted sums of them were regressed: ``weights [n, q]``.

    ``C - C N (N^T C N)^-1 N^T C``, as correlations; twin of `closed.regressed`. Equal weights: `regress_global`.
    """
    heard = fc @ weights
    left = fc - heard @ np.linalg.solve(weights.T @ heard, heard.T)
    deviation = np.sqrt(np.diagonal(left))
    return left / np.outer(deviation, deviation)


def group_fc(fcs):
    """Return ``tanh`` of the mean Fisher z of FC matrices ``[u, n, n]``, with ones on the diagonal."""
    fcs = np.asarray(fcs)
    z = np.arctanh(np.clip(fcs, -1 + 1e-12, 1 - 1e-12))
    mean = np.tanh(z.mean(0))
    np.fill_diagonal(mean, 1.0)
    return mean


def upper(matrix):
    """Return the upper triangle as a vector."""
    return matrix[np.triu_indices(len(matrix), 1)]


def pearson(a, b):
    """Return Pearson's r of two vectors; 0 where one varies by no more than rounding: it predicts nothing."""
    return float(np.corrcoef(a, b)[0, 1]) if min(np.std(a), np.std(b)) > FLAT else 0.0


def fc_score(a, b):
    """Return Pearson's r over the whole upper triangle of two FC matrices."""
    return pearson(upper(a), upper(b))


def blocks(volumes, tr, band, roles=None):
    """Split a run into contiguous blocks with gaps, one per role.

    The gap is at least the longer of 20 s and one period of the lowest frequency, so that the blocks share nothing.

    Returns
    -------
    dict of str to slice

    Raises
    ------
    InputError
        Where a block would hold too few volumes for the band.
    """
    roles = ROLES if roles is None else roles
    gap = math.ceil(max(LONGEST_GAP_FLOOR, 1.0 / band[0] if band else 0.0) / tr)
    usable = volumes - gap * (len(roles) - 1)
    total, start, found = sum(roles.values()), 0, {}
    need = shortest_run(tr, band)
    for role, share in roles.items():
        length = int(usable * share / total)
        if length < need:
            raise InputError(
                "BOLD", f"{volumes} volumes at TR {tr:g} s leave {max(length, 0)} for the '{role}' part",
                "Give longer runs, more people, a held-out file, or a band that starts higher.",
                f"at least {need} for this band")
        found[role] = slice(start, start + length)
        start += length + gap
    return found


def shortest_run(tr, band):
    """Return how few volumes still hold four independent samples of the band after trimming."""
    if band is None:
        return 30
    independent = 4.0 / (2.0 * (band[1] - band[0]))
    return max(20, math.ceil((independent + 2.0 / band[1]) / tr), math.ceil(1.0 / (band[0] * tr)))


def check_band(tr, band, volumes, where="BOLD"):
    """Refuse a band that the sampling or the length of a run cannot show."""
    low, high = band
    if not 0 < low < high:
        raise InputError("band", f"found {low:g} to {high:g} Hz", "Give low and high with 0 < low < high.")
    if high > 0.5 / tr:
        raise InputError("band", f"its top {high:g} Hz is above half the sampling rate ({0.5 / tr:g} Hz)",
                         "Lower the top, or mend the TR.")
    if volumes < shortest_run(tr, band):
        raise InputError(where, f"{volumes} volumes at TR {tr:g} s are too few for {low:g}-{high:g} Hz",
                         "Give a longer run, or a band that starts higher.", f"at least {shortest_run(tr, band)}")


def peak_frequencies(data, tr, band):
    """Return where each region's smoothed spectrum peaks inside the band, ``[n]`` in Hz.

    Parameters
    ----------
    data : array ``[t, n]``
    tr : float, seconds
    band : (low, high) in Hz; 0.01 to 0.1 where it is None
    """
    low, high = band if band is not None else (0.01, min(0.1, 0.4 / tr))
    freqs = np.fft.rfftfreq(len(data), tr)
    spectrum = np.fft.rfft(np.ascontiguousarray(band_pass(data, tr, None).T))
    width = max(1, int(max(0.01, (high - low) / SMOOTH) * len(data) * tr))          # smooth over 0.01 Hz or more
    kernel = np.hanning(2 * width + 1)
    inside = np.flatnonzero((freqs >= low) & (freqs <= high))
    near = slice(max(inside[0] - width, 0), inside[-1] + width + 1)
    power = spectrum[:, near].real ** 2 + spectrum[:, near].imag ** 2
    smooth = convolve1d(power, kernel / kernel.sum(), axis=1, mode="constant")
    return freqs[inside][np.argmax(smooth[:, inside - near.start], axis=1)]


def peak_frequency(series, tr, band):
    """Return the median over regions and runs of the peak of the smoothed spectrum inside the band, Hz.

    Parameters
    ----------
    series : list of arrays ``[t, n]``
    """
    return float(np.median(np.concatenate([peak_frequencies(data, tr, band) for data in series])))


def spearman_brown(r, times):
    """Return the reliability of a mean of ``times`` measures whose single reliability is ``r``."""
    return times * r / (1.0 + (times - 1.0) * r)


def group_reliability(fcs):
    """Return the reliability of the group mean of FC matrices ``[u, n, n]`` from how people agree with each other."""
    vectors = np.stack([upper(f) for f in np.asarray(fcs)])
    between = np.corrcoef(np.arctanh(np.clip(vectors, -1 + 1e-12, 1 - 1e-12)))
    return spearman_brown(float(upper(between).mean()), len(vectors))


def half_reliability(first, second, times=2.0):
    """Return the reliability of a whole from the agreement of its two halves, of which it holds ``times`` the data."""
    return spearman_brown(fc_score(first, second), times)


def reliability_in_halves(runs, tr, band, measure=functional_connectivity):
    """Return the reliability of the mean FC of runs, ``[t, n]`` each, from their first halves against their second."""
    halves = [[measure(half, tr, band) for half in np.array_split(run, 2)] for run in runs]
    first, second = (group_fc([pair[k] for pair in halves]) for k in (0, 1))
    return half_reliability(first, second, halves_in(len(runs[0]), tr, band))


def halves_in(volumes, tr, band):
    """Return how many times the data of a half a whole holds once both have lost their edges to the band-pass."""
    lost = 0 if band is None else 2 * math.ceil(1.0 / (band[1] * tr))
    return (volumes - lost) / max(volumes // 2 - lost, 1)


def jackknife(values):
    """Return the mean of paired values and its jackknife standard error (None for fewer than two)."""
    values = np.asarray(values, dtype=float)
    if values.size < 2:
        return float(values.mean()), None
    return float(values.mean()), float(values.std(ddof=1) / math.sqrt(values.size))
