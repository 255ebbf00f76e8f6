"""Predictors of spectra that hold no brain: what a model has to beat."""

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import least_squares

SMOOTHINGS = (0.5, 1.0, 1.5, 2.0, 3.0)    # bins
PEAKS = ((6.0, 14.0), (14.0, 30.0))       # Hz, where the two Gaussian peaks of a channel may lie


def smoothed(target, psd):
    """Return a spectrum ``[f, s]`` smoothed over bins by a Gaussian, its width chosen between fit and choose part."""
    def smooth(power, width):
        return 10 ** gaussian_filter1d(np.log10(power), width, axis=0, mode="nearest")

    if "choose" not in target.psd:
        return smooth(psd, SMOOTHINGS[1])
    data = np.log10(target.psd["choose"])
    errors = [((np.log10(smooth(target.psd["fit"], width)) - data) ** 2).sum() for width in SMOOTHINGS]
    return smooth(psd, SMOOTHINGS[int(np.argmin(errors))])


def peaks_and_slope(freqs, psd):
    """Return an aperiodic line with two Gaussian peaks in every channel's log10 power, and how many numbers that took.

    ``log10 P = b - x log10 f + sum_k h_k exp(-(f - m_k)^2 / (2 w_k^2))``, as people describe spectra.

    References
    ----------
    Donoghue et al. 2020, Nature Neuroscience 23:1655.
    """
    logs, x = np.log10(psd), np.log10(freqs)
    bands = [(max(low, freqs[0]), min(high, freqs[-1])) for low, high in PEAKS]
    bands = [band for band in bands if band[1] - band[0] > 1.0]
    lower = [-np.inf, -1.0, *(v for low, _ in bands for v in (0.0, low, 0.4))]
    upper = [np.inf, 4.0, *(v for _, high in bands for v in (4.0, high, 6.0))]

    def curve(p):
        peaks = p[2:].reshape(-1, 3)
        return p[0] - p[1] * x + sum(h * np.exp(-0.5 * ((freqs - m) / w) ** 2) for h, m, w in peaks)

    found = np.empty_like(logs)
    for i, data in enumerate(logs.T):
        slope, level = np.polyfit(x, data, 1)
        start = [level, np.clip(-slope, -0.9, 3.9)]
        for low, high in bands:
            inside = (freqs >= low) & (freqs <= high)
            middle = freqs[inside][np.argmax(data[inside])] if inside.any() else 0.5 * (low + high)
            start += [0.3, np.clip(middle, low + 0.01, high - 0.01), 1.5]
        found[:, i] = curve(least_squares(lambda p, data=data: curve(p) - data, start, bounds=(lower, upper)).x)
    return 10**found, logs.shape[1] * len(lower)
