"""What tells models apart where their FC does not: lagged correlation and regional spectra of scans none of them saw.

Linear families that fit FC equally well differ in how correlation falls with a lag and in the spectrum of every region.
Both are in closed form, of the optimum that was fitted to FC; nothing is fitted again.
"""

import jax
import numpy as np
from scipy import stats

from ..compare import closed, series
from ..compare.empirical import fc_score, jackknife
from ..compare.recording import Recording
from ..compare.welch import welch_psd, window_starts
from ..dynamics import linearise
from ..errors import InputError
from .context import context_of
from .space import observed

STATISTICS = ("fc", "lagged", "spectrum")
WINDOW = 100.0             # seconds, of the windows whose periodograms are averaged
FEWEST_BINS, FEWEST_SCANS = 3, 3
LEVEL = 0.95


def scans_of(scans, tr, result):
    """Return scans as recordings, refusing what a result's model does not predict.

    Raises
    ------
    InputError
        For fewer than three scans, other regions or TR, and scans or targets that had regions regressed out.
    """
    scans = [scans] if isinstance(scans, Recording | np.ndarray) else list(scans)
    found = [scan if isinstance(scan, Recording) else Recording(np.asarray(scan, float), tr, source=f"array {k + 1}")
             for k, scan in enumerate(scans)]
    if len(found) < FEWEST_SCANS:
        raise InputError("scans", f"{len(found)} of them", "Give more: what they differ by is the error.",
                         f"at least {FEWEST_SCANS}")
    target = context_of(result, "compare").plan.target
    if target.projector is not None or any(scan.gsr for scan in found):
        raise InputError("scans", "regions regressed out of the data", "Compare without scans: FC undergoes the same, "
                         "lagged correlation and spectra do not.")
    if target.band is None:
        raise InputError("scans", "fits of FC in the whole band", "Give fc_target a band.")
    for scan in found:
        if scan.n != target.n or scan.tr is None or scan.tr != found[0].tr:
            raise InputError(scan.source or "scans", f"{scan.n} regions, TR {scan.tr} s",
                             "Give scans of the fitted regions and one TR (tr=).", f"{target.n} regions")
    # Fits see regions sorted by name (`order`), so that what stands behind a result has another order than the result.
    given = tuple(map(str, result.arrays["labels"])) if target.labels is not None else None
    return [_in_order_of(target.labels, scan, given) for scan in found]


def _in_order_of(labels, scan, given):
    names = given if scan.labels is None else tuple(scan.labels)
    if labels is None or names == tuple(labels):
        return scan
    if set(names) != set(labels):
        raise InputError(scan.source or "scans", f"no region {sorted(set(labels) - set(names))[0]}",
                         "Give scans of the fitted regions, named as those.")
    return scan.select(np.array([names.index(label) for label in labels]))


def measured(scan, band):
    """Return the statistics of one scan in a band, and the frequencies of its spectrum.

    FC, correlation at a lag of one TR, and log10 of every region's power relative to its mean over the band.
    """
    data = (scan.data - scan.data.mean(0)) / scan.data.std(0)
    freqs, psd = _spectrum(data, scan.tr, band)
    passed = series.trimmed(data, scan.tr, band)
    size = np.sqrt(np.outer(passed.var(0), passed.var(0)))
    return {"fc": series.lagged_covariance(passed, 0) / size, "lagged": series.lagged_covariance(passed, 1) / size,
            "spectrum": _relative(psd)}, freqs


def predicted(result, tr, freqs):
    """Return the same statistics of a result's model, in closed form."""
    context = context_of(result, "compare")
    fitted, band = context.final[-1], context.plan.target.band
    with jax.enable_x64(True):
        linear = linearise(fitted.network, observed(context.ground.observation, fitted.blocks, fitted.theta))
        still, lagged = (np.asarray(closed.lagged_covariance(linear, lag, band)) for lag in (0.0, tr))
        psd = np.asarray(linear.psd(freqs))
    size = np.sqrt(np.outer(np.diag(still), np.diag(still)))
    return {"fc": still / size, "lagged": lagged / size, "spectrum": _relative(psd)}


def held_against(names, results, scans, tr=None):
    """Return one row per result and statistic: its score, and the difference to the first with its interval.

    Scores are means over scans: r over pairs of regions of FC, whose level a measurement changes; ``1 - SSE / SST`` of
    lagged correlation over ordered pairs and each region with itself, and of spectra over regions and frequencies.
    ``others`` is what the mean of the other scans scores.
    """
    scans = scans_of(scans, tr, results[0])
    band = context_of(results[0], "compare").plan.target.band
    found = [measured(scan, band) for scan in scans]
    freqs = found[0][1]
    if any(len(f) != len(freqs) for _, f in found):
        raise InputError("scans", "lengths too unlike for one spectrum", "Give scans of about one length.")
    for name, result in zip(names, results, strict=True):
        if context_of(result, "compare").offset is not None:
            raise InputError(name, "a fit of what simulation shows, where no closed form holds",
                             "Compare it without scans.")
    models = [predicted(result, scans[0].tr, freqs) for result in results]
    rows = []
    for name in STATISTICS:
        units = [one[name] for one, _ in found]
        apart = [np.mean([u for j, u in enumerate(units) if j != k], axis=0) for k in range(len(units))]
        others = float(np.mean([score(name, a, b) for a, b in zip(apart, units, strict=True)]))
        scores = np.array([[score(name, model[name], unit) for unit in units] for model in models])
        for label, each in zip(names, scores, strict=True):
            rows.append({"name": label, "statistic": name, "score": float(each.mean()), "others": others,
                         "scans": len(units), **verdict(*jackknife(each - scores[0]), len(units))})
    return rows


def score(name, predicted, seen):
    """Return r for FC, ``1 - SSE / SST`` for the others."""
    if name == "fc":
        return fc_score(predicted, seen)
    return float(1.0 - np.sum((seen - predicted) ** 2) / np.sum((seen - seen.mean()) ** 2))


def verdict(difference, error, count):
    """Return a difference of scores with its interval, from as many pairs, and what that says: ``verdict``."""
    reach = float(stats.t.ppf(0.5 + LEVEL / 2, count - 1) * error)
    told = "a tie" if abs(difference) <= reach else "predicts better" if difference > 0 else "predicts worse"
    return {"difference": float(difference), "ci95": [float(difference - reach), float(difference + reach)],
            "verdict": told}


def _spectrum(data, tr, band):
    length = min(len(data), round(WINDOW / tr))
    freqs = np.fft.rfftfreq(length, tr)
    inside = (freqs >= band[0]) & (freqs <= band[1]) & (freqs > 0)
    if inside.sum() < FEWEST_BINS:
        raise InputError("scans", f"{inside.sum()} frequencies between {band[0]:g} and {band[1]:g} Hz in windows of "
                         f"{length * tr:g} s", "Give longer scans, or fit a wider band.", f"at least {FEWEST_BINS}")
    starts = window_starts([(0, len(data))], length, max(1, length // 2))
    return freqs[inside], welch_psd(data, 1.0 / tr, starts, length)[inside]


def _relative(psd):
    return np.log10(psd / psd.mean(0))


