"""What a spectrum tells beside its R2: individual alpha frequency, topography, what sources carry."""

import numpy as np
from scipy.special import polygamma

from ...compare.spectral_baselines import smoothed
from ...compare.spectral_ceiling import between_bins

ALPHA = (8.0, 13.0)         # Hz
SEARCHED = (6.0, 14.0)      # Hz, where the individual alpha peak may lie
POSTERIOR = ("O1", "Oz", "O2", "PO7", "PO3", "POz", "PO4", "PO8")
DRAWS = 400                 # of an estimate's scatter
NEAR = 0.6                  # Hz between the largest power above the slope and the summit that it belongs to
BROAD = 2.0                 # Hz: alpha and its neighbours are no part of the aperiodic line


def alpha_peak(freqs, power, band=SEARCHED, slope=0.0):
    """Return the frequency of the largest power in a band, refined by a parabola through its logarithm, in Hz.

    NaN where the band holds fewer than three frequencies.

    Parameters
    ----------
    freqs, power : arrays ``[f]``
    band : (low, high), Hz
    slope : float
        Of the aperiodic part, see `aperiodic_slope`: the largest power above ``f^slope`` tells which peak is meant,
        since a weak alpha lies below what the slope holds at the band's lower edge.
    """
    inside = np.flatnonzero((freqs >= band[0]) & (freqs <= band[1]))
    if inside.size < 3:
        return float("nan")
    i = _summit(freqs, power, inside, inside[np.argmax(power[inside] * freqs[inside] ** -slope)])
    if i in (0, freqs.size - 1):
        return float(freqs[i])
    y = np.log(power[i - 1:i + 2])
    curve = y[0] - 2 * y[1] + y[2]
    shift = 0.0 if curve >= 0 else float(np.clip(0.5 * (y[0] - y[2]) / curve, -0.5, 0.5))
    return float(freqs[i] + shift * (freqs[i + 1] - freqs[i - 1]) / 2)


def _summit(freqs, power, inside, i):
    """Return the local maximum uphill of a bin, or the bin itself where none is near."""
    at = i
    while abs(freqs[at] - freqs[i]) <= NEAR:
        up = max((j for j in (at - 1, at, at + 1) if inside[0] <= j <= inside[-1]), key=lambda j: power[j])
        if up == at:
            return at if at not in (inside[0], inside[-1]) else i
        at = up
    return i


def aperiodic_slope(freqs, power):
    """Return the slope of log power over log frequency outside alpha; 0 where too few bins tell it."""
    outside = _outside(freqs)
    if outside.sum() < 3:
        return 0.0
    return float(np.polyfit(np.log(freqs[outside]), np.log(power[outside]), 1)[0])


def alpha_interval(target, role):
    """Return standard error and 95 % interval of the data's occipital alpha frequency, in Hz; None where unknown.

    Spectra are drawn around the smoothed one with the scatter of the estimate: ``2 / dof`` of a channel's power
    (relative variance), less in the mean over channels as far as these are not coherent, and alike in bins that
    overlap. The interval turns the draws' quantiles about (basic bootstrap).
    """
    dof, (at, _) = target.dof[role], occipital(target)
    if dof is None:
        return None, None
    power = smoothed(target, target.psd[role])[:, at]
    share = power[_alpha(target.freqs)].mean(0)
    share = share / share.sum()
    joint = np.eye(len(at)) if target.dependence is None else np.sqrt(target.dependence[np.ix_(at, at)])
    scatter = float(polygamma(1, dof / (2 * (share @ joint @ share))))          # of the logarithm of the mean
    values, vectors = np.linalg.eigh(between_bins(target, np.ones(target.freqs.size, bool)))
    draws = np.random.default_rng(0).normal(size=(DRAWS, values.size)) * np.sqrt(np.maximum(values, 0.0) * scatter)
    middle = np.log(power.mean(1))
    slope = aperiodic_slope(target.freqs, np.exp(middle))
    found = np.array([alpha_peak(target.freqs, np.exp(middle + vectors @ draw), slope=slope) for draw in draws])
    if not np.isfinite(found).all():
        return None, None
    here, there = (alpha_peak(target.freqs, each, slope=slope) for each in (target.psd[role][:, at].mean(1),
                                                                           np.exp(middle)))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(found.std(ddof=1)), [here + there - float(high), here + there - float(low)]


def occipital(target):
    """Return indices and names of the occipital channels; of the strongest quarter in alpha where none is known."""
    at = [i for i, name in enumerate(target.ch_names) if name in POSTERIOR]
    if not at:
        power = target.psd["fit"][_alpha(target.freqs)].mean(0)
        at = np.argsort(power)[-max(1, target.s // 4):].tolist()
    return at, [target.ch_names[i] for i in at]


def alpha_measures(fitted, target, role):
    """Return alpha peaks (Hz), correlation of alpha topographies (log10 power) and the sources' share of alpha."""
    freqs, data, (at, _) = target.freqs, target.psd[role], occipital(target)
    alpha = _alpha(freqs)
    if alpha.sum() < 2:
        return dict.fromkeys(("alpha_peak_model", "alpha_peak_data", "alpha_peak_data_se", "alpha_peak_data_ci95",
                              "alpha_topography_r", "source_share"))
    model, measured = (np.log10(p[alpha].mean(0)) for p in (fitted.psd, data))
    r = float(np.corrcoef(model, measured)[0, 1]) if model.std() > 0 and measured.std() > 0 else None
    share = float(fitted.sources[alpha][:, at].sum() / fitted.psd[alpha][:, at].sum())
    error, interval = alpha_interval(target, role)
    peaks = [alpha_peak(freqs, each, slope=aperiodic_slope(freqs, each))
             for each in (fitted.psd[:, at].mean(1), data[:, at].mean(1))]
    return {"alpha_peak_model": peaks[0], "alpha_peak_data": peaks[1], "alpha_peak_data_se": error,
            "alpha_peak_data_ci95": interval, "alpha_topography_r": r, "source_share": share}


def shape_r_squared(fitted, target, role):
    """Return R2 of log10 power after each channel's aperiodic part, of the data, is taken from data and model alike.

    The line in log-log coordinates is fitted to the data outside alpha.
    """
    data, model = np.log10(target.psd[role]), np.log10(fitted.psd)
    x = np.log10(target.freqs)
    outside = _outside(target.freqs)
    if outside.sum() < 3:
        return None
    design = np.stack([np.ones_like(x), x], 1)
    line = design @ np.linalg.lstsq(design[outside], data[outside], rcond=None)[0]
    rest = data - line
    return float(1 - ((model - data) ** 2).sum() / ((rest - rest.mean()) ** 2).sum())


def _outside(freqs):
    return (freqs < ALPHA[0] - BROAD) | (freqs > ALPHA[1] + BROAD)


def _alpha(freqs):
    return (freqs >= ALPHA[0]) & (freqs <= ALPHA[1])
