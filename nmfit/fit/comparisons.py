"""The scores of a climb beside everything they must be held against, over all folds."""

import dataclasses

import numpy as np

from ..compare.empirical import fc_score, jackknife
from ..network.surrogates import DECAYS
from .evidence import KINDS, baseline_scores, clears, climb_path, heldout, heldout_error, run_null, surrogate
from .ground import fit_rung


def gather(plan, path, pooled, n_null, progress):
    """Return scores of the kept rungs, their coupling-0 twins, nulls and baselines, over all folds."""
    folds = plan.target.folds
    scores = np.array([[heldout(f.fc, fold) for f in fits] for fits, fold in zip(pooled, folds, strict=True)])

    def on(make, steps):
        out = []
        for fold in folds:
            ground = plan.ground(fold, make)
            fits = climb_path(ground, path, starts=plan.starts, seed=plan.seed, steps=steps)
            out.append([heldout(f.fc, fold) for f in fits])
        return np.mean(out, axis=0)

    twins = [fit_twin(plan, fold, path) for fold in folds]
    twin_scores = np.mean([[heldout(f.fc, fold) for f in t] for t, fold in zip(twins, folds, strict=True)], axis=0)
    decay = None
    if plan.brain(folds[0].people).distances() is not None:
        def loss(d):
            wrong = plan.ground(folds[0], lambda b: surrogate("distance", b, np.random.default_rng(0), d))
            return fit_rung(wrong, path[0][0], starts=2, seed=plan.seed, steps=plan.null_steps).loss

        losses = {d: loss(d) for d in DECAYS}
        decay = min(losses, key=losses.get)

    def score_null(kind, index):
        seed = [plan.seed, KINDS.index(kind) + 2, index]
        return on(lambda b: surrogate(kind, b, np.random.default_rng(seed), decay), plan.null_steps)

    # Like with like: where nulls are cut short, the right connectome is held against them cut as short.
    matched = scores.mean(0) if plan.null_steps == plan.steps else on(None, plan.null_steps)
    nulls = {kind: run_null(kind, n_null, score_null, matched, progress, plan.until)
             if n_null and (kind != "distance" or decay is not None) else None for kind in KINDS}
    paired = [np.concatenate([_unit_gains(fits[r].fc, t[r].fc, fold) for fits, t, fold in
                              zip(pooled, twins, folds, strict=True)]) for r in range(len(path))]
    means = scores.mean(0)
    done = [null for null in nulls.values() if null is not None]
    explained = [r for r in range(len(path))
                 if done and clears(r, means[r], twin_scores[r], done, paired[r])]
    free = pooled[0][-1].free
    base = [baseline_scores(plan.brain(fold.people), plan.ground(fold).maps, plan.maps is not None, fold, free)
            for fold in folds]
    errors = [heldout_error(pooled[0][r].fc, folds[0]) if len(folds) == 1 else
              float(scores[:, r].std(ddof=1) / np.sqrt(len(folds))) for r in range(len(path))]
    return {"scores": means, "errors": errors, "twins": twin_scores, "nulls": nulls,
            "over_twins": [jackknife(gains) for gains in paired],
            "explained": explained[-1] if explained else None,
            "baselines": {name: None if base[0][name] is None else float(np.mean([b[name] for b in base]))
                          for name in base[0]}}


def fit_twin(plan, fold, path):
    """Fit the path without coupling: the same freedom, no connectome."""
    return climb_path(plan.ground(fold, _disconnected), path, starts=plan.starts, seed=plan.seed,
                      steps=plan.steps)


def _disconnected(brain):
    # Vanishing, not zero: a connectome without any weight is refused as a mistake.
    return dataclasses.replace(brain, weights=brain.weights * 1e-300)


def _unit_gains(fc, twin, fold):
    return np.array([fc_score(fc, unit) - fc_score(twin, unit) for unit in fold.score])
