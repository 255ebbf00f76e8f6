"""Fit a network as it stands, mixed or partly unseen, to FC in closed form: what is free is said, nothing climbs."""

import time

import jax
import jax.numpy as jnp
import numpy as np

from ..compare import baselines
from ..compare.empirical import fc_score, group_fc
from ..errors import InputError
from ..models import Kuramoto
from ..observe import Balloon, Direct
from .answer import NEAR_CRITICAL
from .determined import add_model_errors, record_of
from .envelopes import NODES as ENVELOPE_NODES
from .envelopes import check_envelope
from .evidence import heldout, heldout_error
from .ground import TOLERANCE, Fitted, Ground, ended, problem_of
from .identify import identify
from .minimise import STATUSES, minimise
from .objective import NODES, checked_loss, fc_objective, predicted_fc, unstable_cost
from .result import Result
from .rungs import LEVELS, Rung
from .simulated_answer import NOTHING, made_by, parameter_rows
from .space import free_count, freed, observed, origin_theta, place, values_of

STEPS = 150
SPREAD = 0.5                # of further starts, in units of each parameter's own size
NO_COUPLING = 1e-12


def fit_placed(target, network, *, free=None, observe=None, maps=None, loss=None, starts=4, steps=STEPS,
               shrinkage=1e-4, seed=0, progress=None, command=None):
    """Fit chosen parameters of a network, the pool of the target's first fold, and score what was held out.

    Parameters
    ----------
    target : FcTarget
        Of the regions that the network's instruments see, in their order.
    network : Network
        Mixed, delayed, with unseen groups: as it stands.
    free : dict, optional
        Name, such as ``"cortex.P"``, to "shared", "maps" or "region"; the coupling and, of every group, what its model
        frees first, shared, unless given.
    observe : Observation, optional
        A Balloon, or nothing where all that is seen turns in the BOLD band.
    maps : array ``[m, n]``, optional
    loss, steps, seed, progress, command : see `fit_fc`
    starts : int
    shrinkage : float, of regions towards their common level

    Returns
    -------
    Result
        With one rung, its twin without coupling, and no nulls.

    Raises
    ------
    InputError
        Where sizes or names do not fit, or no state of rest is stable.
    """
    began = time.monotonic()
    labels = _seen_labels(target, network)
    for name, model in network.groups.items():
        if isinstance(model, Kuramoto):
            raise InputError(f"group '{name}'", "Kuramoto phases, which have no state of rest",
                             "Fit the network through simulation (engine='simulated', --engine simulated).")
    viewed = [network.groups[name] for name in network.viewed]
    check_envelope(target, viewed, network.lengths is not None)
    if target.envelope is not None:
        observe = observe or Direct(reads="eeg_source")
    observe = observe or (Direct() if all(m.rotation is not None for m in viewed) else Balloon())
    free, loss = free or _usual(network), checked_loss(loss, target)
    maps = np.zeros((0, network.n)) if maps is None else np.atleast_2d(np.asarray(maps, float))
    fold = target.folds[0]
    if progress is not None:
        progress.start("as it stands")
    with jax.enable_x64(True):
        ground = Ground(network, observe, maps, fold.pool, np.triu(np.ones((target.n, target.n)), 1), target.band,
                        target.slowest, NODES if target.envelope is None else ENVELOPE_NODES, loss, target.projector,
                        envelope=target.envelope)
        best, blocks, theta, fc, status, tried = _search(ground, network, free, starts, steps, shrinkage, seed)
        if not best.loss < unstable_cost(loss):
            raise InputError("network", "no stable state of rest was found, which the closed form needs",
                             "Change its parameters, or fit it through simulation (engine='simulated').")
        fitted, instrument = place(network, blocks, theta), observed(observe, blocks, theta)
        apart = {name: sharing for name, sharing in free.items() if name != "G"}
        lone = network.replace({"G": NO_COUPLING})
        twin = _search(ground, lone, apart, 1, steps, shrinkage, seed)[3] if apart else None
        abscissa = float(predicted_fc(theta, problem_of(ground, network, blocks, shrinkage))[1])
        name, history = max(free.values(), key=LEVELS.index), np.asarray(best.history)[:int(best.steps) + 1]
        found = Fitted(
            Rung(name, network.drive is not None, "+".join(type(m).__name__ for m in network.groups.values())), fitted,
            fc, float(best.loss), float(best.start_loss), tried, starts, free_count(blocks), 1, status, abscissa,
            history, blocks, theta, shrinkage)
        determined = identify(found, ground, target.samples)
        rows, bound = parameter_rows(fitted, instrument, values_of(fitted, instrument, free), blocks)
        if determined is not None:
            add_model_errors(rows, determined, instead=True)
    score, error = heldout(fc, fold), heldout_error(fc, fold)
    errors = "standard_errors_skipped" if determined is None else "standard_errors_model"
    flags = [*target.flags, "nulls_skipped", errors, "confirmation_skipped"]
    flags += ["noise_scale_unidentified"] + ([] if status.settled else ["not_converged"])
    flags += ["at_bound:" + ", ".join(bound)] if bound else []
    flags += ["near_critical"] if abscissa > -NEAR_CRITICAL else []
    flags += [] if score is not None or "not_validated" in flags else ["not_validated"]
    hidden = network.n - network.n_seen
    rung = {"name": name, "model": found.rung.model, "engine": "linear", "free_parameters": found.free,
            "starts": starts, "steps": tried, "loss": found.loss,
            "score_fit": fc_score(fc, fold.pool), "score_choose": None, "score_heldout": score,
            "score_heldout_se": error, "seconds": time.monotonic() - began, "status": status.name.lower(), "kept": True,
            "drive": network.drive is not None, "coupling_zero": None if twin is None else heldout(twin, fold),
            "reason": "a network as it stands; nothing simpler was tried"
                      + (f"; {hidden} regions act that no instrument sees" if hidden else "")}
    seen = np.arange(network.n) if network.seen is None else np.array(network.seen)
    weights = np.asarray(network.weights, float)[np.ix_(seen, seen)]
    base = {"log_sc": heldout(baselines.log_weights(weights), fold), "reliability": heldout(fold.pool, fold),
            "coupling_zero": rung["coupling_zero"]}
    record = {
        "schema": 1, "status": rung["status"], "flags": flags, "modality": "fmri", "rungs": [rung], "chosen": name,
        "explained": None, "ceiling": NOTHING, "reliability": {"value": base["reliability"], "ci95": None},
        "baselines": base, "nulls": dict.fromkeys(("permuted", "rewired", "distance")),
        "stability": {"max_real_eigenvalue": abscissa},
        "confirmation": dict.fromkeys(("score", "difference", "sampling_error", "agrees", "sigma")),
        "parameters": rows, "identifiability": None if determined is None else record_of(determined, found),
        "provenance": made_by(command) | {
            "seed": seed, "loss": None if loss is None else str(loss), "input_sha256": target.sha256,
            "options": {"free": dict(free), "starts": starts, "steps": steps, "shrinkage": shrinkage},
            "connectome": {"notes": [], "people": 1, "groups": {g: len(at) for g, at in network.members}},
            "target": {"design": target.design, "band": target.band, "tr": target.tr, "volumes": target.volumes,
                       "notes": list(target.notes)}, "seconds": time.monotonic() - began}}
    arrays = {"labels": np.array(labels), "weights": weights, "fc_fit": fold.pool, "fc_model": fc,
              f"history_{name}": history}
    if fold.score is not None:
        arrays["fc_score"] = group_fc(fold.score)
    return Result(record, arrays)


def _search(ground, network, free, starts, steps, shrinkage, seed):
    """Minimise from where the network stands and around it; return the best of it all."""
    blocks = tuple(freed(network, ground.observation, name, sharing, ground.maps) for name, sharing in free.items())
    problem = problem_of(ground, network, blocks, shrinkage)
    rng = np.random.default_rng([seed, 7])
    first = origin_theta(blocks)
    spread = {b.name: SPREAD * (np.asarray(b.penalty) == 0) for b in blocks}
    begins = [first] + [{name: jnp.asarray(size * rng.normal(size=size.shape)) for name, size in spread.items()}
                        for _ in range(starts - 1)]
    found = [minimise(fc_objective, theta, problem, steps, TOLERANCE) for theta in begins]
    best = min(found, key=lambda m: float(m.loss) if np.isfinite(float(m.loss)) else np.inf)
    fc = np.asarray(predicted_fc(best.theta, problem)[0])
    status = ended(STATUSES[int(best.status)], blocks, best.theta)
    return best, blocks, best.theta, fc, status, sum(int(m.steps) for m in found)


def _usual(network):
    single = len(network.groups) == 1
    return {"G": "shared"} | {name if single else f"{group}.{name}": "shared" for group, model in network.groups.items()
                              for name in model.fit_first[:1]}


def _seen_labels(target, network):
    if network.n_seen != target.n:
        raise InputError("network", f"{network.n_seen} seen regions where the FC has {target.n}",
                         "Say with observed= which regions the data hold.")
    seen = range(network.n) if network.seen is None else network.seen
    labels = tuple(str(network.labels[i]) for i in seen) if network.labels else tuple(map(str, seen))
    if target.labels is not None and tuple(target.labels) != labels:
        at = next(i for i, (a, b) in enumerate(zip(target.labels, labels, strict=True)) if a != b)
        raise InputError("network", f"seen region {at + 1} is {labels[at]} where the FC has {target.labels[at]}",
                         "Bring both into one order by name.")
    return labels
