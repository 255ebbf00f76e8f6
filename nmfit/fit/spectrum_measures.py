"""What a spectrum tells beside its R2: individual alpha frequency, topography, what sources carry."""

import numpy as np

ALPHA = (8.0, 13.0)         # Hz
SEARCHED = (6.0, 14.0)      # Hz, where the individual alpha peak may lie
POSTERIOR = ("O1", "Oz", "O2", "PO7", "PO3", "POz", "PO4", "PO8")
BROAD = 2.0                 # Hz: alpha and its neighbours are no part of the aperiodic line


def alpha_peak(freqs, power, band=SEARCHED):
    """Return the frequency of the largest power in a band, refined by a parabola through its logarithm, in Hz.

    NaN where the band holds fewer than three frequencies.
    """
    inside = np.flatnonzero((freqs >= band[0]) & (freqs <= band[1]))
    if inside.size < 3:
        return float("nan")
    i = inside[np.argmax(power[inside])]
    if i in (0, freqs.size - 1):
        return float(freqs[i])
    y = np.log(power[i - 1:i + 2])
    curve = y[0] - 2 * y[1] + y[2]
    shift = 0.0 if curve >= 0 else float(np.clip(0.5 * (y[0] - y[2]) / curve, -0.5, 0.5))
    return float(freqs[i] + shift * (freqs[i + 1] - freqs[i - 1]) / 2)


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
        return {"alpha_peak_model": None, "alpha_peak_data": None, "alpha_topography_r": None, "source_share": None}
    model, measured = (np.log10(p[alpha].mean(0)) for p in (fitted.psd, data))
    r = float(np.corrcoef(model, measured)[0, 1]) if model.std() > 0 and measured.std() > 0 else None
    share = float(fitted.sources[alpha][:, at].sum() / fitted.psd[alpha][:, at].sum())
    return {"alpha_peak_model": alpha_peak(freqs, fitted.psd[:, at].mean(1)),
            "alpha_peak_data": alpha_peak(freqs, data[:, at].mean(1)), "alpha_topography_r": r, "source_share": share}


def shape_r_squared(fitted, target, role):
    """Return R2 of log10 power after each channel's aperiodic part, of the data, is taken from data and model alike.

    The line in log-log coordinates is fitted to the data outside alpha.
    """
    data, model = np.log10(target.psd[role]), np.log10(fitted.psd)
    x = np.log10(target.freqs)
    outside = (target.freqs < ALPHA[0] - BROAD) | (target.freqs > ALPHA[1] + BROAD)
    if outside.sum() < 3:
        return None
    design = np.stack([np.ones_like(x), x], 1)
    line = design @ np.linalg.lstsq(design[outside], data[outside], rcond=None)[0]
    rest = data - line
    return float(1 - ((model - data) ** 2).sum() / ((rest - rest.mean()) ** 2).sum())


def _alpha(freqs):
    return (freqs >= ALPHA[0]) & (freqs <= ALPHA[1])
