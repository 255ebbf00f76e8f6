"""From trials, fits and evidence to a result."""

import time

import numpy as np

from ..compare.empirical import fc_score, group_fc, pearson
from ..compare.fc_ceiling import reliability_and_ceiling
from ..dynamics import form_of
from ..models import MODELS, Facts, cautions
from .compare_results import unit_arrays
from .context import Context
from .determined import judged
from .envelopes import in_band
from .evidence import FEWEST_NULLS
from .ground import predict, problem_of
from .ladder import OUT_OF_TIME
from .result import Result
from .space import is_free, near_bound
from .uncertainty import inseparable, interval, jackknife_values, standard_errors, values_of
from .under_noise import acting, largest_noise, translated_blocks, translated_refits

NEAR_CRITICAL = 0.01       # 1/s
REFINED = 1e-3             # change of FC under twice the quadrature nodes


def build_result(plan, trials, path, pooled, nested, final, evidence, *, confirm, map_names, progress, provenance,
                 began):
    """Return the Result of a climb.

    Parameters
    ----------
    plan : Plan
    trials : list of Trial, of the final selection
    path : list of (rung, shrinkage) kept
    pooled : for every fold, the fits of the path
    nested : for every fold that chose its own path, the rung it chose and its score
    final : fits of the path to everything the reported model may see
    evidence : dict or None
    """
    target, best = plan.target, final[-1]
    fold, flags = target.folds[0], list(target.flags)
    ground = plan.ground(target.final).under(best.rung.model)
    confirmation = {"score": None, "difference": None, "sampling_error": None, "agrees": None, "sigma": None}
    if confirm:
        from .corrected import confirmed

        if progress is not None:
            progress.start("confirmation")
        alone = fold.score is not None and len(target.folds) == 1      # where people take turns, nobody is left out
        confirmation, best, ground = confirmed(best, ground, group_fc(fold.score) if alone else target.final.pool,
                                               target, plan.seed, progress, plan.until)
        final = [*final[:-1], best]
    refits = jackknife_values(best, ground, target.final.units)
    rows = _rung_rows(plan, trials, path, pooled, evidence)
    chosen = path[-1][0].name
    act = acting(best.network, ground.observation)
    if act.moved and refits is not None:
        refits = translated_refits(best, refits, ground.observation)
    reliability, ceiling = reliability_and_ceiling(target)
    if nested:
        score = float(np.mean([s for _, s in nested]))
        row = next(r for r in rows if r["name"] == chosen and r["kept"])
        row["score_heldout"] = score
        row["reason"] += "; folds chose " + ", ".join(sorted({name for name, _ in nested}))
    if act.engine == "closure":
        row = next(r for r in rows if r["name"] == chosen and r["kept"])
        row |= {"engine": "closure", "reason": f"{row['reason']}; {_translation(best, act)}"}
    if "corrected" in confirmation:
        row = next(r for r in rows if r["name"] == chosen and r["kept"])
        row |= {"engine": "simulated", "reason": f"{row['reason']}; {_correction(confirmation['corrected'])}"}
    parameters, at_bound = _parameter_rows(best, act, refits, _labels(plan))
    identifiability, doubts = judged(plan, path, final, rows, parameters, map_names, refits is not None)
    flags += ["at_bound:" + ", ".join(sorted(at_bound))] if at_bound else []
    flags += [f"not_separable:{a} and {b}" for a, b in (inseparable(refits) if refits else [])]
    flags += [flag for flag in [*doubts, *_cautions(plan, trials)] if flag not in flags]
    flags += ["whole_band"] if target.band is None else []
    flags += ["noise_scale_unidentified"]
    flags += ["not_converged"] if not best.status.settled else []
    flags += [_declined(best, act, ground)] if act.engine == "declined" and "corrected" not in confirmation else []
    flags += ["near_critical"] if best.abscissa > -NEAR_CRITICAL else []
    flags += ["interpolated"] if target.design == "matrix" else []
    flags += _null_flags(plan, evidence)
    late = plan.until is not None and time.monotonic() > plan.until
    flags += ["budget_spent"] if late or OUT_OF_TIME in trials[-1].reason else []
    drift = _refinement(best, ground)
    flags += [f"quadrature_coarse:{drift:.1e}"] if drift > REFINED else []
    if plan.maps is not None and evidence is not None and (evidence["baselines"].get("map_only") or 0) > 0.3:
        flags.append("map_from_target:" + ", ".join(map_names) if map_names else "map_from_target")
    if confirm:
        flags += [] if confirmation["agrees"] else ["confirmation_disagrees"]
    else:
        flags.append("confirmation_skipped")
    explained = None if evidence is None or evidence["explained"] is None else path[evidence["explained"]][0].name
    provenance = provenance | {"seconds": time.monotonic() - began}
    record = {
        "schema": 1, "status": best.status.name.lower(), "flags": flags, "modality": "fmri", "rungs": rows,
        "chosen": chosen, "explained": explained, "ceiling": ceiling, "reliability": reliability,
        "baselines": {} if evidence is None else evidence["baselines"] | {
            "coupling_zero": float(evidence["twins"][-1])},
        "nulls": {kind: None if evidence is None or evidence["nulls"].get(kind) is None
                  else evidence["nulls"][kind].row(len(path) - 1, float(evidence["scores"][-1]))
                  for kind in ("permuted", "rewired", "distance")},
        "stability": {"max_real_eigenvalue": best.abscissa}, "confirmation": confirmation,
        "parameters": parameters, "provenance": provenance, "identifiability": identifiability}
    arrays = _arrays(plan, best, final, evidence, target, explained)
    return Result(record, arrays | unit_arrays(target, pooled), Context(plan, tuple(path), tuple(final), map_names,
                                                                        ground.offset))


def _cautions(plan, trials):
    """Return the pitfalls of the choice of models, as flags; what is not separable is told from the fit itself."""
    own = type(plan.model).__name__
    tried = [plan.model if name == own or name not in MODELS else MODELS[name]()
             for name in dict.fromkeys(t.rung.model for t in trials)]
    bold = plan.target.envelope is None
    tried = tried if bold else [in_band(model, plan.target.band)[0] for model in tried]
    facts = Facts(tuple(tried), "fmri" if bold else "eeg", plan.target.band, plan.target.tr if bold else None,
                  haemodynamics=bold)
    return [f"{name}:{detail}" for name, detail, _ in cautions(facts)]


def trial_row(trial):
    """Return a trial as a row of `fit.json`, its held-out score unopened."""
    best = trial.fits[0]
    return {"name": trial.rung.name, "model": trial.rung.model, "engine": trial.rung.engine,
            "free_parameters": best.free, "starts": best.starts, "steps": sum(f.steps for f in trial.fits),
            "loss": float(np.mean([f.loss for f in trial.fits])), "score_fit": None,
            "score_choose": float(trial.scores.mean()), "score_heldout": None, "score_heldout_se": None,
            "seconds": trial.seconds, "status": best.status.name.lower(), "kept": trial.kept,
            "reason": trial.reason, "drive": trial.rung.drive, "coupling_zero": None}


def _rung_rows(plan, trials, path, pooled, evidence):
    rows, kept = [], [rung for rung, _ in path]
    for trial in trials:
        row = trial_row(trial)
        if trial.kept and trial.rung in kept:
            k = kept.index(trial.rung)
            fits = [p[k] for p in pooled]
            row["score_fit"] = float(np.mean([fc_score(f.fc, fold.pool)
                                              for f, fold in zip(fits, plan.target.folds, strict=True)]))
            if evidence is not None:
                row |= {"score_heldout": float(evidence["scores"][k]), "score_heldout_se": evidence["errors"][k],
                        "coupling_zero": float(evidence["twins"][k]),
                        "over_coupling_zero": dict(zip(("mean", "se"), evidence["over_twins"][k], strict=True))}
        else:
            at = [s.pairs > 0 for s in plan.target.final.splits]
            row["score_fit"] = float(np.mean([
                pearson(f.fc[a], s.fit[a])
                for f, s, a in zip(trial.fits, plan.target.final.splits, at, strict=True)]))
        rows.append(row)
    return rows


def _translation(fitted, act):
    """Return what the closure changed, in words."""
    told = [f"{name} {float(np.mean(fitted.network.value(name))):.3g} as it acts, {float(np.mean(value)):.3g} as it is"
            for name, value in act.moved.items()]
    return f"under its own noise by statistical linearisation (mean {'; '.join(told)})"


def _correction(before):
    """Return what fitting the simulation changed, in words."""
    return (f"under its own noise simulation was off by {before['rmse']:.2g} a pair of regions, and was fitted in its "
            f"place (loss {before['losses'][0]:.3f} before, {min(before['losses']):.3f} after "
            f"{len(before['losses']) - 1} rounds)")


def _declined(fitted, act, ground):
    upto = largest_noise(fitted.network, ground.observation)
    return f"closure_declined:{act.defect:.2g}" + ("" if upto is None else f"; it holds up to sigma = {upto:.2g}")


def _parameter_rows(fitted, act, refits, labels):
    acts, declared = values_of(fitted), fitted.network.declared()
    values = acts | {name: value for name, value in act.moved.items() if name in acts}
    errors = None if refits is None else standard_errors(refits)
    count = 0 if refits is None else len(next(iter(refits.values())))
    rows, at_bound = [], set()
    for block, within in zip(fitted.blocks, translated_blocks(fitted, act.moved), strict=True):
        if block.name == "edge_gain" or not is_free(block):
            continue
        value, acting_as = (np.atleast_1d(kind[block.name]) for kind in (values, acts))
        error = None if errors is None else np.atleast_1d(errors[block.name])
        regional = value.size > 1
        ends = near_bound(acting_as, block.bounds)
        for i, v in enumerate(value):
            at, near = acting_as[i], bool(ends[i])
            low, high = within.bounds
            if near:
                at_bound.add(block.name)
            rows.append({
                "name": block.name, "region": labels[i] if regional else None, "value": float(v),
                "se": None if error is None else float(error[i]),
                "ci95": None if error is None else interval(v, error[i], count, within.bounds),
                "bounds": [low if np.isfinite(low) else None, high if np.isfinite(high) else None],
                "unit": declared[block.name].unit, "flag": "at_bound" if near else None,
                **({"acts_as": float(at)} if block.name in act.moved else {})})
    freed = {b.name for b in fitted.blocks if is_free(b)} | {"drive"}
    for name, declaration in declared.items():
        if name in freed or name in ("edge_gain", "noise"):
            continue
        value = np.asarray(fitted.network.value(name))
        if value.ndim == 0:
            rows.append({"name": name, "region": None, "value": float(value), "se": None, "ci95": None,
                         "bounds": [b if np.isfinite(b) else None for b in declaration.bounds],
                         "unit": declaration.unit, "flag": "fixed"})
    return rows, at_bound


def _null_flags(plan, evidence):
    if evidence is None:
        return ["nulls_skipped"]
    flags = []
    done = [null for null in evidence["nulls"].values() if null is not None]
    if not done:
        flags.append("nulls_skipped")
    elif max(null.asked for null in done) < FEWEST_NULLS:
        flags.append("few_nulls")
    if plan.null_steps is not None and plan.null_steps != plan.steps:
        flags.append("nulls_capped")
    return flags


def _refinement(fitted, ground):
    """Return how far FC moves under twice the quadrature nodes (0 where the band integral has a closed form)."""
    if form_of(fitted.network, ground.observation) == "symmetric" and ground.envelope is None:
        return 0.0
    problem = problem_of(ground, fitted.network, fitted.blocks, fitted.shrinkage)
    fine, _, _ = predict(fitted.theta, problem, nodes=2 * problem.nodes)
    return float(np.abs(np.asarray(fine) - fitted.fc).max())


def _arrays(plan, best, final, evidence, target, explained):
    brain = plan.brain(target.final.people)
    arrays = {"labels": np.array(_labels(plan)), "weights": brain.normalised(plan.transform, plan.norm).weights,
              "fc_fit": target.final.pool, "fc_model": best.fc}
    if brain.lengths is not None:
        arrays["lengths"] = brain.lengths
    if brain.centroids is not None:
        arrays["centroids"] = brain.centroids
    if target.folds[0].score is not None:
        arrays["fc_score"] = (group_fc(target.folds[0].score) if len(target.folds) == 1 else
                              group_fc(np.concatenate([f.score for f in target.folds])))
    if explained is not None:
        arrays["fc_explained"] = final[evidence["explained"]].fc
    if evidence is not None:
        arrays |= {f"null_{kind}": null.scores[:, -1] for kind, null in evidence["nulls"].items() if null is not None}
    arrays |= {f"history_{fitted.rung.name.replace(' + ', '_')}": fitted.history for fitted in final}
    return arrays


def _labels(plan):
    brain = plan.brains[0]
    return plan.target.labels if plan.target.labels is not None and not brain.named else brain.labels
