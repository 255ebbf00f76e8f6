"""Fit models to functional connectivity: prepare, climb, gather evidence, answer."""

import dataclasses
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import jax
import numpy as np

from ..compare.envelope import KINDS
from ..errors import InputError
from ..models import MODELS, Model, recommend
from ..network import Connectome, Network
from ..network.surrogates import harmonics
from ..observe import Balloon, Direct
from .answer import build_result, trial_row
from .compare_results import digest_of
from .comparisons import gather
from .envelopes import NODES as ENVELOPE_NODES
from .envelopes import check_envelope, in_band
from .evidence import NullChains, climb_path, heldout, surrogate
from .ground import Ground
from .ladder import climb, try_rung
from .maps import standardised
from .objective import NODES, checked_loss, unstable_cost
from .rungs import LEVELS, check_ladder, default_ladder
from .threads import one_core_each

TRANSFORMS = ("none", "sqrt", "log1p")
HARMONICS = 3
CLIMB_SHARE = 0.4          # of a budget; the rest is for what the answer is held against
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
    until: float | None = None
    optimiser: object = None
    coupling: str | None = None

    def ground(self, fold_or_split, make=None):
        """Return the ground of a split or of a fold's pool, its connectome replaced by ``make`` if given."""
        people = fold_or_split.people
        raw = self.brain(people)
        brain = raw.normalised(self.transform, self.norm)
        if make is not None:
            brain = make(brain)
        fc = getattr(fold_or_split, "fit", None)
        pairs = getattr(fold_or_split, "pairs", None)
        model, start, envelope, fastest = self.model, START_INPUT, self.target.envelope, None
        if envelope is not None:
            model, start, fastest = in_band(model, self.target.band)
        if model.rotation is not None and fold_or_split.frequency is not None:
            model = dataclasses.replace(model, **{model.rotation: fold_or_split.frequency})
        network = Network.of(brain, model, G=start / brain.weights.sum(1).mean(), coupling=self.coupling,
                             fic=hasattr(model, "balanced"), delays=envelope is not None and brain.lengths is not None)
        # One value per region from the start, so that all rungs have one structure and compile once.
        network = network.replace({name: np.full(brain.n, float(network.value(name)))
                                   for name in ("noise", *model.fit_first[:1])})
        maps = harmonics(brain.weights, HARMONICS) if self.maps is None else self.maps
        return Ground(network, instrument_of(model) if envelope is None else Direct(reads="eeg_source"), maps,
                      fold_or_split.pool if fc is None else fc,
                      np.triu(np.ones((brain.n, brain.n)), 1) if pairs is None else pairs, self.target.band,
                      self.target.slowest, self.nodes(model), self.loss,
                      self.target.projector, self.keep, lambda name: dataclasses.replace(
                          self, model=MODELS[name]()).ground(fold_or_split, lambda _: brain), self.optimiser, envelope,
                      fastest)

    def nodes(self, model):
        """Return how many quadrature nodes a model's FC takes."""
        if self.target.envelope is not None:
            return ENVELOPE_NODES
        return NODES if model.rotation is not None else FAST_NODES

    def brain(self, people=None):
        """Return the connectome of some people: the one there is, or the mean of theirs."""
        if len(self.brains) == 1 or people is None:
            return Connectome.mean(self.brains)
        return Connectome.mean([self.brains[i] for i in people])


def fit(target, brain, *, model=None, maps=None, map_names=None, sc_transform=None, sc_norm="max", n_null=19,
        seed=0, max_rung="region", ladder=None, starts=8, steps=None, null_steps=None, loss=None, confirm=True,
        progress=None, command=None, keep=None, budget=None, optimiser=None, coupling=None):
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
    budget : float, optional
        Seconds. Less than half go to the climb, which begins no level that would not be over in time, and says so;
        wrong connectomes are drawn while there is time; the answer is confirmed only if some is left. What has begun
        is finished, so that a call may take longer.
    optimiser : optax.GradientTransformation, optional
        For every search, such as ``optax.adam(0.05)``; L-BFGS with a line search unless given. Not with ``keep``, since
        nothing tells one from another.
    coupling : {"additive", "diffusive"}, optional
        Of every model in the ladder; what each one's paper uses unless given. Diffusive coupling of a synaptic model
        holds the sum of what a region hears fixed: its own recurrence gives way by ``G sum_j W_ij``, so that
        hubs rest where others do, and are damped the more.

    Returns
    -------
    Result

    Raises
    ------
    InputError
        Where sizes, names or options do not fit.
    """
    began = time.monotonic()
    if budget is not None and not budget > 0:
        raise InputError("budget", f"found {budget!r}", "Give seconds, above 0.")
    if optimiser is not None and not {"init", "update"} <= set(dir(optimiser)):
        raise InputError("optimiser", f"found {optimiser!r}", "Give an optax transformation, such as optax.adam(0.05).")
    if optimiser is not None and keep is not None:
        raise InputError("optimiser", "an optimiser of one's own beside kept searches, which know none",
                         "Leave keep out.")
    levels = levels_of(target, model, max_rung, ladder)
    if ladder is not None or isinstance(model, list | tuple) or model is None:
        model = levels[0][0].model
    max_rung = levels[-1][0].level
    plan = plan_of(target, brain, model=model, maps=maps, transform=sc_transform, norm=sc_norm, seed=seed,
                   starts=starts, steps=steps, null_steps=null_steps, loss=loss, keep=keep, coupling=coupling)
    plan = dataclasses.replace(plan, optimiser=optimiser)
    plan = plan if budget is None else dataclasses.replace(plan, until=began + float(budget))
    with jax.enable_x64(True), one_core_each():
        return _run(plan, levels, sc_transform, n_null, confirm, progress, began, map_names, command)


def levels_of(target, model, max_rung, levels):
    """Return the ladder that was given, or the default one of a model; refuse one that is none."""
    if levels is not None:
        return check_ladder(levels, MODELS)
    if max_rung not in LEVELS:
        raise InputError("max_rung", f"found {max_rung!r}", f"Choose one of {', '.join(LEVELS)}.")
    model = recommend(target).model if model is None else model
    names = list(model) if isinstance(model, list | tuple) else [model]
    own = isinstance(model, Model)               # of one's own, or with values of one's own: taken as it is
    unknown = [] if own else [name for name in names if name not in MODELS]
    if unknown or not names:
        raise InputError("model", f"found {unknown[0] if unknown else names!r}", f"Choose one of {', '.join(MODELS)}.")
    names = [type(model).__name__] if own else names
    # Regressing out the global signal takes a shared drive out of the data, too.
    return default_ladder(names, max_rung, drive=not target.gsr)


def instrument_of(model):
    """Return what reads BOLD from a model: nothing for one that turns in the BOLD band, else the haemodynamics."""
    return Direct() if model.rotation is not None else Balloon()


def plan_of(target, brain, *, model="Hopf", maps=None, transform=None, norm="max", seed=0, starts=8,
            steps=None, null_steps=None, loss=None, keep=None, coupling=None):
    """Check what `fit` was given, and hold it together; see there."""
    loss = checked_loss(loss, target)
    model = MODELS[model]() if isinstance(model, str) else model
    brains = tuple(brain) if isinstance(brain, list | tuple) else (brain,)
    brains = tuple(b if isinstance(b, Connectome) else Connectome(b) for b in brains)
    check_envelope(target, [model], all(b.lengths is not None for b in brains))
    for b in brains:
        if b.n != target.n:
            raise InputError(b.source or "connectome", f"{b.n} regions where the FC has {target.n}",
                             "Give a connectome of the same parcellation.")
        if target.labels is not None and b.named and tuple(target.labels) != tuple(b.labels):
            first = next(i for i, (x, y) in enumerate(zip(target.labels, b.labels, strict=True)) if x != y)
            raise InputError(b.source or "connectome", f"region {first + 1} is {b.labels[first]} where the FC has "
                             f"{target.labels[first]}", "Bring both into one order by name (match_regions).")
    if maps is not None:
        maps = standardised(maps, target.n)
    return Plan(target, brains, model, maps, norm, transform or "none", int(seed), int(starts), steps, null_steps,
                loss, keep, coupling=coupling)


def select_path(plan, fold, levels, fixed_transform, starts, report=None, until=None):
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
                   steps=plan.steps, until=until)
    return plan, trials


def _run(plan, levels, fixed_transform, n_null, confirm, progress, began, map_names, command):
    target = plan.target

    def report(trial):
        if progress is not None:
            progress.rung_done(trial_row(trial))

    if progress is not None:
        progress.start("shared")
    until = None if plan.until is None else began + CLIMB_SHARE * (plan.until - began)
    plan, trials = select_path(plan, target.final, levels, fixed_transform, plan.starts, report, until)
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
                        confirm=confirm and in_time(plan) and target.envelope is None, map_names=map_names,
                        progress=progress, began=began,
                        provenance=_provenance(plan, began, command, n_null, levels[-1][0].level))


def in_time(plan):
    """Return whether there is time left, where it is counted."""
    return plan.until is None or time.monotonic() < plan.until


def _score_folds(plan, levels, path, fixed_transform):
    """Fit the path on every pool; where people take turns, also let every fold choose its own path."""
    target, pooled, nested = plan.target, [], []
    for fold in target.folds:
        fits = climb_path(plan.ground(fold), path, starts=plan.starts, seed=plan.seed, steps=plan.steps)
        pooled.append(fits)
        if target.final is fold or fold.score is None:
            continue
        own, trials = select_path(plan, fold, levels, fixed_transform, max(2, plan.starts // 2))
        own_path = [(t.rung, t.shrinkage) for t in trials if t.kept]
        if own_path != path or own.transform != plan.transform:
            fits = climb_path(own.ground(fold), own_path, starts=plan.starts, seed=plan.seed, steps=plan.steps)
        nested.append((own_path[-1][0].name, heldout(fits[-1].fc, fold)))
    return pooled, nested


def versions():
    """Return the versions of what computes a fit."""
    packages = ("nmfit", "jax", "jaxlib", "optax", "numpy", "scipy")
    return {name: version(name) for name in packages} | {"python": platform.python_version()}


def _provenance(plan, began, command, n_null, max_rung):
    brain = plan.brains[0]
    return {"versions": versions(),
            "command": command or f"nmfit.fit in {Path(sys.argv[0]).name or 'Python'}", "seed": plan.seed,
            "dtype": "float64", "device": jax.default_backend(), "n_null": n_null, "max_rung": max_rung,
            "loss": None if plan.loss is None else str(plan.loss),
            "optimiser": "L-BFGS" if plan.optimiser is None else "the caller's own",
            "input_sha256": {k: v for source in (*plan.brains, plan.target) for k, v in source.sha256.items()},
            "connectome": {"transform": plan.transform, "norm": plan.norm, "notes": list(brain.notes),
                           "people": len(plan.brains)},
            "target": {"digest": digest_of(plan.target), "design": plan.target.design, "band": plan.target.band,
                       "tr": plan.target.tr, "volumes": plan.target.volumes, "gsr": plan.target.gsr,
                       "envelope": None if plan.target.envelope is None else KINDS[not plan.target.envelope.orthogonal],
                       "nuisance": 0 if plan.target.nuisance is None else len(plan.target.nuisance),
                       "notes": list(plan.target.notes)},
            "seconds": time.monotonic() - began}

