"""Fit models to functional connectivity: prepare, climb, gather evidence, answer."""

import dataclasses
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import jax
import numpy as np

from ..compare.empirical import pearson, upper
from ..compare.loss import Wishart
from ..errors import InputError
from ..models import MODELS, Model, recommend
from ..network import Connectome, Network
from ..network.surrogates import DECAYS, harmonics
from ..observe import Balloon, Direct
from .answer import build_result, trial_row
from .evidence import (
    KINDS,
    NullChains,
    baseline_scores,
    clears,
    climb_path,
    heldout,
    heldout_error,
    run_null,
    surrogate,
)
from .ground import Ground, fit_rung
from .ladder import climb, try_rung
from .objective import AVAILABLE, NODES, unstable_cost
from .rungs import LEVELS, check_ladder
from .rungs import ladder as default_ladder
from .threads import one_core_each

TRANSFORMS = ("none", "sqrt", "log1p")
HARMONICS = 3
START_INPUT = 0.1          # 1/s: coupling strength times mean row sum where a climb begins
FAST_NODES = 8             # a model much faster than the band is smooth there; refined at the end
GAIN_NULLS = 9             # wrong connectomes that climb beside a lone pair of matrices


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """What one call of `fit` holds fixed."""

    target: object
    brains: tuple
    model: Model
    maps: np.ndarray | None
    norm: str
    transform: str
    seed: int
    starts: int
    steps: int | None
    null_steps: int | None
    loss: object = None
    keep: object = None

    def ground(self, fold_or_split, make=None):
        """Return the ground of a split or of a fold's pool, its connectome replaced by ``make`` if given."""
        people = fold_or_split.people
        raw = self.brain(people)
        brain = raw.normalised(self.transform, self.norm)
        if make is not None:
            brain = make(brain)
        fc = getattr(fold_or_split, "fit", None)
        pairs = getattr(fold_or_split, "pairs", None)
        model = self.model
        if model.rotation is not None and fold_or_split.frequency is not None:
            model = dataclasses.replace(model, **{model.rotation: fold_or_split.frequency})
        network = Network.of(brain, model, G=START_INPUT / brain.weights.sum(1).mean(),
                             fic=hasattr(model, "balanced"))
        # One value per region from the start, so that all rungs have one structure and compile once.
        network = network.replace({name: np.full(brain.n, float(network.value(name)))
                                   for name in ("noise", *model.fit_first[:1])})
        maps = harmonics(brain.weights, HARMONICS) if self.maps is None else self.maps
        return Ground(network, instrument_of(model), maps,
                      fold_or_split.pool if fc is None else fc,
                      np.triu(np.ones((brain.n, brain.n)), 1) if pairs is None else pairs, self.target.band,
                      self.target.slowest, NODES if model.rotation is not None else FAST_NODES, self.loss,
                      self.target.gsr, self.keep, lambda name: dataclasses.replace(
                          self, model=MODELS[name]()).ground(fold_or_split, lambda _: brain))

    def brain(self, people=None):
        """Return the connectome of some people: the one there is, or the mean of theirs."""
        if len(self.brains) == 1 or people is None:
            return Connectome.mean(self.brains)
        return Connectome.mean([self.brains[i] for i in people])


def fit(target, brain, *, model=None, maps=None, map_names=None, sc_transform=None, sc_norm="max", n_null=19,
        seed=0, max_rung="region", ladder=None, starts=8, steps=None, null_steps=None, loss=None, confirm=True,
        progress=None, command=None, keep=None):
    """Find the model that explains functional connectivity, and say how sure that is.

    Climbs from shared parameters to maps to regions (to edges on request), each with and without a shared drive;
    keeps a rung only when data that it was not fitted to say so; opens the score part once; refits every kept rung
    on wrong connectomes and without coupling; confirms the answer by simulating the full model.

    Parameters
    ----------
    target : FcTarget
        See `fc_target`.
    brain : Connectome, array ``[n, n]``, or list of Connectome
        Raw weights; one connectome for all, or one per person in the order of the target's runs, of which every
        fit takes the mean over the people it may see.
    model : str, Model or list of str, optional
        Several are tried in this order, each richer one at the freedom that the simpler ones reached: see
        `default_ladder`. What `recommend` says unless given.
    maps : array ``[m, n]``, optional
        Along which regional parameters may vary; the first harmonics of the connectome unless given.
    map_names : sequence of str, optional
    sc_transform : {"none", "sqrt", "log1p"}, optional
        Of the weights; chosen on the choose part unless given.
    sc_norm : {"max", "rowsum", "spectral", "none"}
    n_null : int
        Wrong connectomes of each kind.
    seed : int
    max_rung : {"shared", "maps", "region", "edges"}
    ladder : levels of Rung, optional
        In place of `default_ladder`; ``model`` and ``max_rung`` then say nothing.
    starts : int
        Starting points where local minima are likely.
    steps, null_steps : int, optional
        Step limits of every fit and of those on wrong connectomes.
    loss : Loss, optional
        An expression of `nmfit.loss` that reads FC alone, such as ``nmfit.loss.FCMSE()``;
        ``FC() + 5 * MeanFC()`` unless given. Scores are r in every case.
    confirm : bool
        Simulate the answer.
    progress : Progress, optional
    command : str, optional
        For the record.
    keep : function ``(key, compute) -> arrays``, optional
        Remembers finished searches, so that an interrupted call goes on where it stood: see `nmfit.io.Ledger`.

    Returns
    -------
    Result

    Raises
    ------
    InputError
        Where sizes, names or options do not fit.
    """
    began = time.monotonic()
    levels = _levels(target, model, max_rung, ladder)
    if ladder is not None or isinstance(model, list | tuple) or model is None:
        model = levels[0][0].model
    max_rung = levels[-1][0].level
    plan = plan_of(target, brain, model=model, maps=maps, transform=sc_transform, norm=sc_norm, seed=seed,
                   starts=starts, steps=steps, null_steps=null_steps, loss=loss, keep=keep)
    with jax.enable_x64(True), one_core_each():
        return _run(plan, levels, sc_transform, n_null, confirm, progress, began, map_names, command)


def _levels(target, model, max_rung, levels):
    if levels is not None:
        return check_ladder(levels, MODELS)
    if max_rung not in LEVELS:
        raise InputError("max_rung", f"found {max_rung!r}", f"Choose one of {', '.join(LEVELS)}.")
    model = recommend(target).model if model is None else model
    names = [m if isinstance(m, str) else type(m).__name__ for m in (model if isinstance(model, list | tuple)
                                                                     else [model])]
    unknown = [name for name in names if name not in MODELS]
    if unknown or not names:
        raise InputError("model", f"found {unknown[0] if unknown else names!r}", f"Choose one of {', '.join(MODELS)}.")
    # Regressing out the global signal takes a shared drive out of the data, too.
    return default_ladder(names, max_rung, drive=not target.gsr)


def instrument_of(model):
    """Return what reads BOLD from a model: nothing for one that turns in the BOLD band, else the haemodynamics."""
    return Direct() if model.rotation is not None else Balloon()


def plan_of(target, brain, *, model="Hopf", maps=None, transform=None, norm="max", seed=0, starts=8,
            steps=None, null_steps=None, loss=None, keep=None):
    """Check what `fit` was given, and hold it together; see there."""
    if loss is not None:
        loss.check(AVAILABLE, "a fit of FC in closed form")
        if target.gsr and any(isinstance(term, Wishart) for term in loss.parts):
            raise InputError("loss", "a Wishart likelihood after global-signal regression, which leaves FC singular",
                             "Choose FC or FCMSE, or data without the regression.")
    model = MODELS[model]() if isinstance(model, str) else model
    brains = tuple(brain) if isinstance(brain, list | tuple) else (brain,)
    brains = tuple(b if isinstance(b, Connectome) else Connectome(b) for b in brains)
    for b in brains:
        if b.n != target.n:
            raise InputError(b.source or "connectome", f"{b.n} regions where the FC has {target.n}",
                             "Give a connectome of the same parcellation.")
        if target.labels is not None and b.named and tuple(target.labels) != tuple(b.labels):
            first = next(i for i, (x, y) in enumerate(zip(target.labels, b.labels, strict=True)) if x != y)
            raise InputError(b.source or "connectome", f"region {first + 1} is {b.labels[first]} where the FC has "
                             f"{target.labels[first]}", "Bring both into one order by name (match_regions).")
    if maps is not None:
        maps = np.atleast_2d(np.asarray(maps, float))
        if maps.shape[1] != target.n or not np.isfinite(maps).all():
            raise InputError("maps", f"shape {maps.shape} or values that are not finite",
                             "Give one finite row per map and one column per region.", f"[m, {target.n}]")
        maps = (maps - maps.mean(1, keepdims=True)) / maps.std(1, keepdims=True)
    return Plan(target, brains, model, maps, norm, transform or "none", int(seed), int(starts), steps, null_steps,
                loss, keep)


def _select(plan, fold, levels, fixed_transform, starts, report=None):
    """Choose transform and path on a fold's splits; return the plan with its transform, and the trials."""
    if fixed_transform is None:
        tried = {}
        for name in TRANSFORMS:
            candidate = dataclasses.replace(plan, transform=name)
            grounds = [candidate.ground(s) for s in fold.splits]
            tried[name] = try_rung(levels[0][0], grounds, fold.splits, None, starts=starts, seed=plan.seed,
                                   steps=plan.steps).scores.mean()
        plan = dataclasses.replace(plan, transform=max(tried, key=tried.get))
    grounds = [plan.ground(s) for s in fold.splits]
    chains = None
    if sum(len(split.choose) for split in fold.splits) < 2:
        first = fold.splits[0]
        rng = np.random.default_rng([plan.seed, 1])
        chains = NullChains([plan.ground(first, lambda b: surrogate("permuted", b, rng, None))
                             for _ in range(GAIN_NULLS)], first, starts=starts, seed=plan.seed, steps=plan.null_steps)
    trials = climb(levels, grounds, fold.splits, starts=starts, seed=plan.seed, nulls=chains, report=report,
                   steps=plan.steps)
    return plan, trials


def _run(plan, levels, fixed_transform, n_null, confirm, progress, began, map_names, command):
    target = plan.target

    def report(trial):
        if progress is not None:
            progress.rung_done(trial_row(trial))

    if progress is not None:
        progress.start("shared")
    plan, trials = _select(plan, target.final, levels, fixed_transform, plan.starts, report)
    if min(f.loss for f in trials[0].fits) >= unstable_cost(plan.loss):
        name = type(plan.model).__name__
        raise InputError(f"model {name}", "no stable state of rest was found, which the closed form needs",
                         "Choose a model that is damped at rest, such as Hopf or ReducedWongWang.")
    path = [(t.rung, t.shrinkage) for t in trials if t.kept]
    if progress is not None:
        progress.start("score")
    pooled, nested = _score_folds(plan, levels, path, fixed_transform)
    final = pooled[0] if target.final is target.folds[0] else climb_path(
        plan.ground(target.final), path, starts=plan.starts, seed=plan.seed, steps=plan.steps)
    evidence = None if target.folds[0].score is None else gather(plan, path, pooled, n_null, progress)
    return build_result(plan, trials, path, pooled, nested, final, evidence,
                        confirm=confirm, map_names=map_names, progress=progress,
                        provenance=_provenance(plan, began, command, n_null, levels[-1][0].level), began=began)


def _score_folds(plan, levels, path, fixed_transform):
    """Fit the path on every pool; where people take turns, also let every fold choose its own path."""
    target, pooled, nested = plan.target, [], []
    for fold in target.folds:
        fits = climb_path(plan.ground(fold), path, starts=plan.starts, seed=plan.seed, steps=plan.steps)
        pooled.append(fits)
        if target.final is fold or fold.score is None:
            continue
        own, trials = _select(plan, fold, levels, fixed_transform, max(2, plan.starts // 2))
        own_path = [(t.rung, t.shrinkage) for t in trials if t.kept]
        if own_path != path or own.transform != plan.transform:
            fits = climb_path(own.ground(fold), own_path, starts=plan.starts, seed=plan.seed, steps=plan.steps)
        nested.append((own_path[-1][0].name, heldout(fits[-1].fc, fold)))
    return pooled, nested


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

    twins = [[fit_twin(plan, fold, path)] for fold in folds]
    twin_scores = np.mean([[heldout(f.fc, fold) for f in t[0]] for t, fold in zip(twins, folds, strict=True)], axis=0)
    decay = None
    if plan.brain(folds[0].people).distances() is not None:
        def loss(d):
            wrong = plan.ground(folds[0], lambda b: surrogate("distance", b, np.random.default_rng(0), d))
            return fit_rung(wrong, path[0][0], starts=2, seed=plan.seed, steps=plan.null_steps).loss

        losses = {d: loss(d) for d in DECAYS}
        decay = min(losses, key=losses.get)

    def score_null(kind, index):
        rng = np.random.default_rng([plan.seed, KINDS.index(kind) + 2, index])
        made = surrogate(kind, plan.brain().normalised(plan.transform, plan.norm), rng, decay)
        if made is None:
            return None
        seed = [plan.seed, KINDS.index(kind) + 2, index]
        return on(lambda b: surrogate(kind, b, np.random.default_rng(seed), decay), plan.null_steps)

    # Like with like: where nulls are cut short, the right connectome is held against them cut as short.
    matched = scores.mean(0) if plan.null_steps == plan.steps else on(None, plan.null_steps)
    nulls = {kind: run_null(kind, n_null, score_null, matched, progress) if n_null else None for kind in KINDS}
    if decay is None:
        nulls["distance"] = None
    paired = [np.concatenate([_unit_gain(fits[r].fc, t[0][r].fc, fold) for fits, t, fold in
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
            "explained": explained[-1] if explained else None,
            "baselines": {name: None if base[0][name] is None else float(np.mean([b[name] for b in base]))
                          for name in base[0]}}


def fit_twin(plan, fold, path):
    """Fit the path without coupling: the same freedom, no connectome."""
    return climb_path(plan.ground(fold, lambda b: _disconnected(b)), path, starts=plan.starts, seed=plan.seed,
                      steps=plan.steps)


def _disconnected(brain):
    # Vanishing, not zero: a connectome without any weight is refused as a mistake.
    return dataclasses.replace(brain, weights=brain.weights * 1e-300)


def _unit_gain(fc, twin, fold):
    score = []
    for unit in fold.score:
        with_, without = (pearson(upper(p), upper(unit)) if upper(p).std() > 0 else 0.0 for p in (fc, twin))
        score.append(with_ - without)
    return np.array(score)


def _provenance(plan, began, command, n_null, max_rung):
    packages = ("nmfit", "jax", "jaxlib", "optax", "numpy", "scipy")
    brain = plan.brains[0]
    versions = {name: version(name) for name in packages} | {"python": platform.python_version()}
    return {"versions": versions,
            "command": command or f"nmfit.fit in {Path(sys.argv[0]).name or 'Python'}", "seed": plan.seed,
            "dtype": "float64", "device": jax.default_backend(), "n_null": n_null, "max_rung": max_rung,
            "input_sha256": {k: v for source in (*plan.brains, plan.target) for k, v in source.sha256.items()},
            "connectome": {"transform": plan.transform, "norm": plan.norm, "notes": list(brain.notes),
                           "people": len(plan.brains)},
            "target": {"design": plan.target.design, "band": plan.target.band, "tr": plan.target.tr,
                       "volumes": plan.target.volumes, "gsr": plan.target.gsr, "notes": list(plan.target.notes)},
            "seconds": time.monotonic() - began}

