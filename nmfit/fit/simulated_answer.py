"""From a fit through simulation to a result: one rung, its scores on fresh noise, what it must be held against."""

import dataclasses
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import jax
import numpy as np

from ..compare import baselines
from ..compare.empirical import fc_score
from .determined import add_model_errors
from .result import Result
from .rungs import LEVELS
from .slopes import told_slopes
from .space import free_count, is_free, near_bound, owner_of, regions_of
from .stochastic import Outcome

CHANCE_FITTED = 0.25       # of what the loss fell: what of it fresh noise may not confirm
STILL_FALLING = 0.02       # of what the loss fell in all: the last quarter of the steps may bring no more
REPLACED = ("windowed", "smoothed", "differences", "none")
PACKAGES = ("nmfit", "jax", "jaxlib", "optax", "numpy", "scipy")
NOTHING = {"value": None, "ci95": None}


def result_of(found, target, brain, *, sharing, loss, seed, options, command=None):
    """Return the `Result` of a fit through simulation.

    Parameters
    ----------
    found : SimulatedFit
    target : ScanTarget
    brain : Connectome, as it was fitted
    sharing : dict of name to "shared", "maps" or "region"
    loss : Loss
    seed : int
    options : dict, what the fit was told, for the record
    command : str, optional
    """
    name = max(sharing.values(), key=LEVELS.index)
    group_r, group_se = found.scores["group_r"]
    blocks = [b for b in found.blocks if is_free(b)]
    rows, bound = parameter_rows(found.network, found.observation, found.parameters, blocks)
    if found.known is not None:
        add_model_errors(rows, found.known, instead=True)
    status = _status(found)
    errors = "standard_errors_skipped" if found.known is None else "standard_errors_model"
    flags = [*target.flags, "nulls_skipped", errors]
    if status != "converged":
        flags += ["not_converged" if status == "step_limit" else f"not_converged:{found.outcome.value}"]
    flags += [f"gradient_{found.health.estimator}"] if found.health.estimator in REPLACED else []
    flags += ["at_bound:" + ", ".join(bound)] if bound else []
    flags += ["chance_fitted"] if found.fresh_loss - found.loss > CHANCE_FITTED * (
        found.start_loss - found.loss) else []
    flags += [] if found.held_out else ["not_validated"]
    base = {"log_sc": fc_score(baselines.log_weights(brain.weights), target.against.fc)}
    if found.held_out:
        base["reliability"] = fc_score(target.fit.fc, target.score.fc)
    rung = {
        "name": name, "model": "+".join(type(m).__name__ for m in found.network.groups.values()),
        "engine": "simulated", "free_parameters": free_count(blocks), "starts": 1, "steps": len(found.history),
        "loss": found.loss, "score_fit": fc_score(found.fc, target.fit.fc), "score_choose": None,
        "score_heldout": group_r if found.held_out else None, "score_heldout_se": group_se if found.held_out else None,
        "seconds": found.seconds, "status": status, "kept": True, "drive": False, "coupling_zero": None,
        "reason": f"fitted through its simulation ({found.outcome.value}); nothing simpler was tried"}
    record = {
        "schema": 1, "status": status, "flags": flags, "modality": "fmri", "rungs": [rung], "chosen": name,
        "explained": None, "ceiling": NOTHING, "reliability": {
            "value": base.get("reliability"), "ci95": None} if found.held_out else NOTHING,
        "baselines": base, "nulls": dict.fromkeys(("permuted", "rewired", "distance")),
        "stability": {"max_real_eigenvalue": None},
        "confirmation": dict.fromkeys(("score", "difference", "sampling_error", "agrees", "sigma")),
        "simulated": {
            "scores": {k: {"mean": mean, "se": se} for k, (mean, se) in found.scores.items()},
            "scans": found.scans, "held_out": found.held_out, "outcome": found.outcome.value,
            "gradient": dataclasses.asdict(found.health) | {"told": told_slopes(found.health)},
            "twin": {"kind": found.twin, "left": found.chance_left},
            "linear_twin_ks": target.against.twin_ks if "ks" in found.scores else None,
            "real_scans": None if target.real is None else {
                k: {"mean": mean, "se": se} for k, (mean, se) in target.real.items()},
            "refined": None if found.refinement is None else dataclasses.asdict(found.refinement)
            | {"told": str(found.refinement)},
            "begun": None if found.begun is None else dataclasses.asdict(found.begun) | {"told": str(found.begun)},
            "loss_start": found.start_loss, "loss_fresh": _number(found.fresh_loss), "memory_estimate": found.memory},
        "parameters": rows, "provenance": made_by(command) | {
            "seed": seed, "loss": str(loss),
            "input_sha256": brain.sha256 | target.sha256,
            "connectome": {"notes": list(brain.notes), "people": 1}, "options": options,
            "target": {"design": "scans", "band": target.band, "tr": target.tr, "volumes": target.volumes,
                       "window": target.window, "step": target.step,
                       "notes": list(target.notes)},
            "seconds": found.seconds}}
    return Result(record, _arrays(found, target, brain, name))


def _number(value):
    return float(value) if np.isfinite(value) else None


def _status(found):
    """Return "converged" where the last steps brought next to nothing, else what happened."""
    if found.outcome is Outcome.SEARCHED:
        return "converged"
    if found.outcome is not Outcome.STEP_LIMIT:
        return found.outcome.name.lower()
    quarter = found.history[-max(2, len(found.history) // 4):]
    fell = max(found.start_loss - found.loss, 1e-12)
    return "converged" if quarter[0] - quarter[-1] <= STILL_FALLING * fell else "step_limit"


def made_by(command):
    """Return what made a result: versions, command, device."""
    return {"versions": {p: version(p) for p in PACKAGES} | {"python": platform.python_version()},
            "command": command or f"nmfit.fit in {Path(sys.argv[0]).name or 'Python'}", "dtype": "float64",
            "device": jax.default_backend()}


def parameter_rows(network, observation, values, blocks):
    """Return the table's rows, without standard errors, and the names of what ended at a bound."""
    declared, rows, bound = network.declared(), [], []
    for block in blocks:
        if block.name == "edge_gain":
            continue
        value = np.atleast_1d(values[block.name])
        ends = near_bound(value, block.bounds)
        bound += [block.name] if ends.any() else []
        known = owner_of(network, observation, block.name).declared()
        unit = known[block.name].unit if block.name in known else ""
        places = regions_of(network, block.name)
        rows += [_row(block.name, str(network.labels[places[i]]) if value.size > 1 else None, v, block.bounds, unit,
                      "at_bound" if ends[i] else None) for i, v in enumerate(value)]
    for name, declaration in declared.items():
        value = np.asarray(network.value(name))
        if name not in values and name not in ("edge_gain", "noise") and value.ndim == 0:
            rows.append(_row(name, None, value, declaration.bounds, declaration.unit, "fixed"))
    return rows, bound


def _row(name, region, value, bounds, unit, flag):
    return {"name": name, "region": region, "value": float(value), "se": None, "ci95": None, "unit": unit, "flag": flag,
            "bounds": [float(b) if np.isfinite(b) else None for b in bounds]}


def _arrays(found, target, brain, name):
    arrays = {"labels": np.array(brain.labels), "weights": brain.weights, "fc_fit": target.fit.fc, "fc_model": found.fc,
              f"history_{name}": found.history}
    arrays |= {key: value for key, value in (("lengths", brain.lengths), ("centroids", brain.centroids))
               if value is not None}
    if target.score is not None:
        arrays["fc_score"] = target.score.fc
        if target.score.fcd is not None:
            arrays["fcd_score"] = target.score.fcd
    if found.fcd is not None:
        arrays |= {"fcd_fit": target.fit.fcd, "fcd_model": found.fcd}
    return arrays
