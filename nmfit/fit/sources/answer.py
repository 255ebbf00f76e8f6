"""From rungs fitted to regional spectra to a result."""

import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from ...compare.spectral_ceiling import r_squared_ceiling
from ...compare.spectral_losses import log10_bias
from ...parameters import declarations, to_bounded
from ..evidence import FEWEST_NULLS, beaten
from ..gauss_newton import HELD, laplace
from ..result import Result
from ..spectrum.measures import alpha_peak
from .problem import misfit

UNTOLD = 0.9              # share of the prior's spread that is left where data say nothing
NEAR_BOUND = 0.01         # of the unit interval that bounds are mapped from


def log_data(target, role):
    """Return log10 power without the bias that the logarithm of an estimate has."""
    dof = target.dof[role]
    return np.log10(target.psd[role]) - (0.0 if dof is None else float(log10_bias(dof)))


def bin_scores(log_psd, data, counts):
    """Return every frequency's share of R2 (SST about the grand mean); their mean is R2.

    Parameters
    ----------
    log_psd, data : arrays ``[f, s]``
    counts : array of bool ``[f, s]``, or ``[f]`` for all regions
    """
    counts = np.broadcast_to(counts.reshape(len(counts), -1), data.shape)
    bins = counts.any(1)
    squares = ((log_psd - data) ** 2 * counts).sum(1)[bins]
    return 1.0 - squares * bins.sum() / ((data - data[counts].mean())[counts] ** 2).sum()


def r2_of(fitted, target, role):
    """Return R2 on a part of the data, None where there is no such part."""
    if role not in target.psd:
        return None
    return float(bin_scores(fitted.log_psd, log_data(target, role), target.bins[role]).mean())


def regional_r(log_psd, data, bins):
    """Return the correlation over frequencies of log10 power, model with data, for every region ``[s]``."""
    return np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(log_psd[bins].T, data[bins].T, strict=True)])


def interpolated(target):
    """Return log10 power ``[f, s]`` that a straight line between the fitted bins gives."""
    at, data, x = target.bins["fit"], log_data(target, "fit"), np.log(target.freqs)
    return np.stack([np.interp(x, x[at], column[at]) for column in data.T], axis=1)


def parameter_rows(fitted, ground, labels):
    """Return rows of the table with standard errors from the curvature, and the variance of one residual."""
    count = float(np.asarray(fitted.problem.counts).sum())
    move = fitted.standing.shared @ np.asarray(fitted.freedom.basis).T + fitted.standing.own
    error, variance = laplace(misfit, jnp.asarray(move), fitted.problem, fitted.freedom, count)
    error, variance, rows = np.asarray(error), float(variance), []
    networks, standing = fitted.standing.networks, fitted.standing
    for row, (scale, name, bounds) in enumerate(standing.names):
        free = standing.origin[row] + standing.spread[row] * move[row]
        reach = standing.spread[row] * error[row]
        value, low, high = (np.asarray(to_bounded(jnp.asarray(z), bounds))
                            for z in (free, free - 1.96 * reach, free + 1.96 * reach))
        own = float(fitted.freedom.own[row])
        told = error[row] < UNTOLD * np.sqrt(variance / own) if own < HELD else np.ones(value.size, bool)
        unit = (networks[0].declared() if scale else declarations(standing.instrument))[name].unit
        shared = np.ptp(value) <= 1e-9 * np.abs(value).max()
        where = [None] if shared else labels
        for i, label in enumerate(where):
            if not shared and i not in ground.seen:
                continue
            share = 1 / (1 + np.exp(-free[i]))
            bound = np.isfinite(bounds).all() and not NEAR_BOUND < share < 1 - NEAR_BOUND
            rows.append({"name": f"{scale}.{name}" if scale else name, "region": label, "value": float(value[i]),
                         "se": float((high[i] - low[i]) / (2 * 1.96)), "ci95": [float(low[i]), float(high[i])],
                         "bounds": [b if np.isfinite(b) else None for b in bounds], "unit": unit,
                         "flag": "at_bound" if bound else None if told[i] else "flat"})
    G = float(networks[0].value("G"))
    reach = 1.96 * error[-1][0]
    rows.append({"name": "G", "region": None, "value": G, "se": G * float(error[-1][0]) if ground.coupled else None,
                 "ci95": [G * float(np.exp(-reach)), G * float(np.exp(reach))] if ground.coupled else None,
                 "bounds": [0.0, None], "unit": "", "flag": None if ground.coupled else "fixed"})
    rows.append({"name": "unit", "region": None, "value": ground.unit, "se": None, "ci95": None, "bounds": None,
                 "unit": "", "flag": "fixed"})
    return rows


def build_sources_result(target, brain, ground, tried, whole, twins, nulls, seed, command, began):
    """Return the Result of a climb for regional spectra.

    Parameters
    ----------
    target, brain, ground : what was fitted
    tried : list of Tried
    whole, twins : lists of FittedSources, the kept rungs with and without coupling
    nulls : dict of str to Null
    seed, command, began : for the record
    """
    best, has_score = whole[-1], "score" in target.psd
    role = "score" if has_score else "fit"
    scores, twin_scores = ([r2_of(f, target, "score") for f in fits] for fits in (whole, twins))
    rows, at = [], 0
    for one in tried:
        fitted = whole[at] if one.kept else one.fitted
        rows.append({
            "name": one.fitted.name, "model": "Hopf", "engine": "linear", "free_parameters": free_parameters(fitted),
            "starts": one.fitted.starts, "steps": fitted.steps, "loss": fitted.loss,
            "score_fit": r2_of(fitted, target, "fit"), "score_choose": one.choose,
            "score_heldout": scores[at] if one.kept else None, "score_heldout_se": None, "seconds": one.seconds,
            "status": "converged" if fitted.converged else "step_limit", "kept": one.kept, "reason": one.reason,
            "drive": False, "coupling_zero": twin_scores[at] if one.kept else None})
        at += one.kept
    ceiling = {"value": None, "ci95": None}
    baselines, reliability = {}, {"value": None, "ci95": None}
    if has_score:
        data, bins = log_data(target, "score"), target.bins["score"]
        if target.dof["score"] is not None:
            value, low, high = r_squared_ceiling(target)
            ceiling = {"value": float(value), "ci95": [low, high]}
        mean = np.repeat(log_data(target, "fit").mean(1, keepdims=True), target.s, axis=1)
        baselines = {"mean_spectrum": float(bin_scores(mean, data, bins).mean()), "coupling_zero": twin_scores[-1]}
        if target.design == "bins":
            baselines["interpolation"] = float(bin_scores(interpolated(target), data, bins).mean())
        else:
            reliability["value"] = float(bin_scores(ground.data, data, bins).mean())
    explained = None
    if nulls:
        clear = [f.name for k, f in enumerate(whole)
                 if scores[k] > twin_scores[k] and all(beaten(null, k, scores[k]) for null in nulls.values())]
        explained = clear[-1] if clear else None
    parameters = parameter_rows(best, ground, brain.labels)
    at_bound = sorted({row["name"] for row in parameters if row["flag"] == "at_bound"})
    flags = [*target.flags, "confirmation_skipped"]
    flags += [] if nulls else ["nulls_skipped"]
    flags += ["few_nulls"] if nulls and min(null.asked for null in nulls.values()) < FEWEST_NULLS else []
    flags += [] if best.converged else ["not_converged"]
    flags += ["at_bound:" + ", ".join(at_bound)] if at_bound else []
    r = regional_r(best.log_psd, log_data(target, role), target.bins[role])
    peaks = [alpha_peak(target.freqs, 10 ** each.mean(1)) for each in (best.log_psd, log_data(target, role))]
    abscissa = max(float(np.max(network.value("a"))) for network in best.standing.networks)
    record = {
        "schema": 1, "status": "converged" if best.converged else "step_limit", "flags": flags,
        "modality": "sources", "rungs": rows, "chosen": best.name, "explained": explained, "ceiling": ceiling,
        "reliability": reliability, "baselines": baselines,
        "nulls": {kind: None if nulls.get(kind) is None else nulls[kind].row(len(whole) - 1, scores[-1])
                  for kind in ("permuted", "rewired", "distance")},
        # Diffusive coupling through weights of one sign damps: no root lies right of the least damped region's.
        "stability": {"max_real_eigenvalue": abscissa},
        "confirmation": dict.fromkeys(("score", "difference", "sampling_error", "agrees", "sigma")),
        "parameters": parameters,
        "spectrum": {"regional_r": float(r.mean()), "regional_r_lowest": float(r.min()),
                     "alpha_peak_model": peaks[0], "alpha_peak_data": peaks[1]},
        "provenance": _provenance(target, brain, best, seed, command, began)}
    arrays = {"labels": np.array(brain.labels), "weights": np.asarray(ground.brain.weights, float),
              "freqs": target.freqs, "psd_fit": 10 ** ground.data.T, "psd_model": 10 ** best.log_psd.T,
              "psd_sources": emitted(best, ground).T, "ch_names": np.array(target.ch_names)}
    if has_score:
        arrays["psd_score"] = 10 ** log_data(target, "score").T
    for name in ("lengths", "centroids"):
        if getattr(brain, name) is not None:
            arrays[name] = np.asarray(getattr(brain, name), float)
    arrays |= {f"null_{kind}": null.scores[:, -1] for kind, null in nulls.items()}
    arrays |= {f"history_{f.name}": f.history for f in whole}
    return Result(record, arrays)


def emitted(fitted, ground):
    """Return the part of the power ``[f, s]`` that populations emit, in the data's unit."""
    passed = np.asarray(fitted.standing.instrument.passed(jnp.asarray(ground.freqs)))
    return ground.unit * passed[:, None] * fitted.powers.sum(0)


def free_parameters(fitted):
    """Return how many coordinates are free: a shared one is one, a regional one as many as regions."""
    shared, own = np.asarray(fitted.freedom.shared), np.asarray(fitted.freedom.own)
    return int((shared[own >= HELD] < HELD).sum() + (own < HELD).sum() * fitted.freedom.basis.shape[0])


def _provenance(target, brain, best, seed, command, began):
    versions = {name: version(name) for name in ("nmfit", "jax", "jaxlib", "numpy", "scipy")}
    return {"versions": versions | {"python": platform.python_version()},
            "command": command or f"nmfit.fit in {Path(sys.argv[0]).name or 'an interactive session'}", "seed": seed,
            "dtype": "float64", "device": jax.default_backend(), "input_sha256": {**brain.sha256, **target.sha256},
            "connectome": {"transform": "none", "norm": "rowsum", "notes": list(brain.notes)},
            "target": {"design": target.design, "band": [float(target.freqs[0]), float(target.freqs[-1])],
                       "unit": target.unit, "notes": list(target.notes)},
            "shrinkage": best.shrinkage, "seconds": time.monotonic() - began}
