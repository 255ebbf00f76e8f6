"""From rungs fitted to spectra to a result."""

import platform
import sys
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from ...compare.spectral_baselines import peaks_and_slope, smoothed
from ...compare.spectral_ceiling import r_squared_ceiling
from ...compare.spectral_losses import r_squared
from ...parameters import declarations
from ..determined import add_model_errors
from ..evidence import FEWEST_NULLS
from ..result import Result
from .alpha import model_alpha
from .errors import errors_of, parameter_rows
from .evidence import explained_rung
from .loss_errors import determined_under_loss
from .measures import alpha_measures, occipital, shape_r_squared

SOURCES_AT_LEAST = 0.8      # share of occipital alpha power that has to come from the sources


def r2_on(fitted, target, role):
    """Return R2 of a fit on a part of the data, or None where there is no such part."""
    return None if role not in target.psd else score_of(fitted.psd, target, role)


def score_of(psd, target, role):
    """Return R2 of power ``[f, s]`` on a part of the data."""
    at = target.bins[role]
    return float(r_squared(jnp.asarray(psd[at]), jnp.asarray(target.psd[role][at]), target.dof[role]))


def trial_row(tried, heldout, twin, fitted):
    """Return a rung as a row of `fit.json`."""
    return {"name": tried.fitted.level, "model": fitted.model, "engine": "linear", "free_parameters": fitted.free,
            "starts": fitted.starts, "steps": fitted.steps, "loss": fitted.loss, "score_fit": None,
            "score_choose": tried.choose, "score_heldout": heldout, "score_heldout_se": None,
            "seconds": tried.seconds, "status": fitted.status.name.lower(), "kept": tried.kept,
            "reason": tried.reason, "drive": False, "coupling_zero": twin}


def build_spectrum_result(ground, brain, tried, whole, twins, null, left_out, seed, command, began):
    """Return the Result of a climb for spectra.

    Parameters
    ----------
    ground : SpectrumGround, of everything but the score part
    brain : Connectome
    tried : list of Tried
    whole, twins : lists of FittedSpectrum, the kept rungs with and without coupling
    null : Null or None
    left_out : dict or None, see `channels_left_out`
    seed, command, began : for the record
    """
    target, best = ground.target, whole[-1]
    kept = iter(zip(whole, twins, strict=True))
    rows = []
    for one in tried:
        fitted, twin = next(kept) if one.kept else (one.fitted, None)
        row = trial_row(one, r2_on(fitted, target, "score") if one.kept else None,
                        None if twin is None else r2_on(twin, target, "score"), fitted)
        row["score_fit"] = r2_on(fitted, target, "fit")
        rows.append(row)
    has_score = "score" in target.psd
    ceiling = {"value": None, "ci95": None}
    if has_score and target.dof["score"] is not None:
        value, low, high = r_squared_ceiling(target)
        ceiling = {"value": float(value), "ci95": [low, high]}
    baselines, reliability = {}, None
    if has_score and target.design != "bins":
        data = jnp.asarray(target.psd["score"])
        baselines = _baselines(ground) | {"coupling_zero": r2_on(twins[-1], target, "score")}
        reliability = float(r_squared(jnp.asarray(ground.psd), data))
    role = "score" if has_score else "fit"
    measures = alpha_measures(best, target, role)
    measures["shape_r2"] = shape_r_squared(best, target, role)
    measures["r2_without_noise"] = score_of(best.sources, target, role)
    errors = known = None
    if ground.loss is not None:
        known = determined_under_loss(best, ground, seed)
    else:
        errors = errors_of(best, ground)
        peak, error, interval = model_alpha(best, errors, target, seed)
        measures |= {"alpha_peak_model_se": error, "alpha_peak_model_ci95": interval}
        measures["alpha_peak_model"] = measures["alpha_peak_model"] if peak is None else peak
    measures["unstable_roots"] = best.unstable
    measures["left_out"] = left_out
    explained = None
    if null is not None:
        explained = explained_rung([f.level for f in whole], [r2_on(f, target, "score") for f in whole],
                                   [r2_on(f, target, "score") for f in twins], null)
    flags = [*target.flags, "nulls_skipped" if null is None else "nulls_capped", "confirmation_skipped"]
    flags += ["standard_errors_skipped"] if errors is None and known is None else []
    flags += ["few_nulls"] if null is not None and null.asked < FEWEST_NULLS else []
    flags += ["template_leadfield"] if ground.leadfield.template else []
    parameters = _parameter_rows(best, known, brain.labels, target.ch_names) if errors is None \
        else parameter_rows(best, errors, brain.labels, target.ch_names)
    flags += _row_flags(parameters)
    # How far regions differ is learnt from the misfit, which a search that stopped early leaves too large.
    wide = ":intervals of single regions may be far too wide" * any(row["region"] and row["ci95"] for row in parameters)
    flags += [] if best.status.settled else [f"not_converged{wide}"]
    flags += ["near_critical"] if best.abscissa > -1.0 else []
    flags += ["unstable"] if measures["unstable_roots"] or best.abscissa >= 0 else []
    share = measures["source_share"]
    flags += ["noise_carries_alpha"] if share is not None and share < SOURCES_AT_LEAST else []
    none = {"value": None, "ci95": None}
    record = {
        "schema": 1, "status": best.status.name.lower(), "flags": flags, "modality": "eeg", "rungs": rows,
        "chosen": best.level, "explained": explained, "ceiling": ceiling,
        "reliability": none if reliability is None else {"value": reliability, "ci95": None},
        "baselines": baselines, "nulls": {
            "permuted": None if null is None else null.row(-1, r2_on(best, target, "score")),
            "rewired": None, "distance": None},
        "stability": {"max_real_eigenvalue": best.abscissa, "unstable_roots": measures["unstable_roots"]},
        "confirmation": dict.fromkeys(("score", "difference", "sampling_error", "agrees", "sigma")),
        "parameters": parameters, "spectrum": measures,
        "provenance": _provenance(ground, brain, seed, command, began)}
    arrays = {"labels": np.array(brain.labels), "weights": np.asarray(best.networks[0].weights), "freqs": target.freqs,
              "psd_fit": ground.psd.T, "psd_model": best.psd.T,
              "psd_sources": best.sources.T, "ch_names": np.array(target.ch_names)}
    if has_score:
        arrays["psd_score"] = target.psd["score"].T
    if target.positions is not None:
        arrays["positions"] = np.asarray(target.positions, float)
    for name in ("lengths", "centroids"):
        if getattr(brain, name) is not None:
            arrays[name] = np.asarray(getattr(brain, name), float)
    if null is not None:
        arrays["null_permuted"] = null.scores[:, -1]
    arrays |= {f"history_{fitted.level}": fitted.history for fitted in whole}
    return Result(record, arrays)


def _row_flags(parameters):
    """Return flags that name the parameters at a bound and those that the data do not tell, and in how many places."""
    flags, places = [], Counter(row["name"] for row in parameters)
    for flag in ("at_bound", "flat"):
        found = Counter(row["name"] for row in parameters if row["flag"] == flag)
        told = [name if places[name] == 1 else f"{name} in {count} of {places[name]} places"
                for name, count in found.items()]
        flags += [f"{flag}:{', '.join(told)}"] if told else []
    return flags


def _baselines(ground):
    """Return R2 on the score part of predictors without a brain."""
    target, data = ground.target, jnp.asarray(ground.target.psd["score"])
    mean = 10 ** np.log10(ground.psd).mean(1, keepdims=True) * np.ones((1, target.s))
    peaks, _ = peaks_and_slope(target.freqs, ground.psd)
    return {name: float(r_squared(jnp.asarray(psd), data)) for name, psd in
            (("mean_spectrum", mean), ("smoothed", smoothed(target, ground.psd)), ("peaks", peaks))}


def _parameter_rows(fitted, known, labels, channels):
    rows, sensor = [], declarations(fitted.leadfield)
    declared, stuck = fitted.network.declared() | sensor, () if known is None else known.stuck
    for block in fitted.blocks:
        value = np.atleast_1d(np.asarray(getattr(fitted.leadfield, block.name) if block.name in sensor
                                         else fitted.network.value(block.name)))
        names = channels if block.name in sensor else labels
        shared = value.size == 1 or np.allclose(value, value[0], rtol=1e-9)
        low, high = block.bounds
        for name, one in zip([None] if shared else names, value[:1] if shared else value, strict=True):
            rows.append({"name": block.name, "region": name, "value": float(one), "se": None, "ci95": None,
                         "bounds": [low if np.isfinite(low) else None, high if np.isfinite(high) else None],
                         "unit": declared[block.name].unit, "flag": "at_bound" if block.name in stuck else None})
    if known is not None:
        add_model_errors(rows, known, instead=True)
    return rows


def _provenance(ground, brain, seed, command, began):
    target = ground.target
    versions = {name: version(name) for name in ("nmfit", "jax", "jaxlib", "optax", "numpy", "scipy", "mne")}
    return {"versions": versions | {"python": platform.python_version()},
            "command": command or f"nmfit.fit in {Path(sys.argv[0]).name or 'an interactive session'}", "seed": seed,
            "dtype": "float64", "device": jax.default_backend(),
            "loss": None if ground.loss is None else str(ground.loss),
            "input_sha256": {**brain.sha256, **target.sha256},
            "connectome": {"transform": "none", "norm": "rowsum", "notes": list(brain.notes)},
            "target": {"design": target.design, "band": [float(target.freqs[0]), float(target.freqs[-1])],
                       "notes": list(target.notes), "occipital": occipital(target)[1]},
            "leadfield": {"template": ground.leadfield.template, "reference": ground.leadfield.reference},
            "seconds": time.monotonic() - began}
