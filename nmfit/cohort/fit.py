"""Fit a cohort: the group first, then every person towards the group, each judged beside the trivial predictors."""

import dataclasses
import re
import tempfile
import time
from pathlib import Path

import jax
import numpy as np

from ..compare.empirical import group_fc
from ..compare.folds import FcTarget, Fold, Split
from ..compare.recording import Recording
from ..errors import InputError
from ..fit.fc import levels_of, plan_of, select_path, versions
from ..fit.rungs import LEVELS
from ..fit.threads import one_core_each
from ..io import Ledger, prepare_folder, write_json
from ..io.ledger import read_piece
from ..network import Connectome
from .contrast import contrasts_of, design_of
from .deviation import STRENGTHS, Prior, estimate, estimates, explore, fit_group, foretell
from .engine import engine, finished
from .people import people_of
from .result import build
from .status import GROUP, PLAN, RECORD, write_failures
from .units import Unit

FOLDS = 10
CLIMB_FOLDS = 3
FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
PILOTS = 48              # people on whom strengths are chosen, so that choosing costs no more in a large cohort


def fit_cohort(data, brains, *, folder=None, covariates=None, design=None, band=(0.01, 0.1), tr=None, model="Hopf",
               maps=None, sc_transform=None, sc_norm="max", max_rung="region", deviations=None, folds=FOLDS,
               strengths=STRENGTHS, errors=True, nulls=True, contrasts=(), starts=4, seed=0, workers=None,
               scheduler=None, slurm=None, unread=None, progress=None, command=None):
    """Fit many people: the group first, then each person shrunken towards a group that leaves the person out.

    Every person's data play three roles. The group's ladder is climbed on what is not scored; people are divided into
    folds, and the group is fitted again without each fold. A person's deviations from that group are then fitted under
    a Gaussian prior, whose strength and rung are chosen on everybody's choose part. Every score stands beside the
    person's own other part, the mean of the others, and the blend of the two, whose weights come from the choose part.

    Parameters
    ----------
    data : dict of str to Recording or list of Recording, or list of Recording
        Of each person; recordings of one `subject` are sessions of one person.
    brains : Connectome, or dict of str to Connectome, or list of Connectome
        One for all; or one for each person, by name or in the order of `data`.
    folder : path, optional
        Where results are written as they come; what stands there is not computed again.
    covariates : dict of str to dict, optional
        Of each person, such as ``{"sub-01": {"age": 31, "mean_fd": 0.12}}``.
    design : {"within", "sessions"}, optional
        Whether another part of one run scores, or another session; see `people_of`.
    band : (low, high) in Hz
    tr : float, optional
        For plain arrays.
    model : str or Model
    maps : array ``[m, n]``, optional
    sc_transform, sc_norm : see `nmfit.fit`
    max_rung : {"shared", "maps", "region", "edges"}
        The last rung of the group and of people's deviations.
    deviations : {"shared", "maps", "region", "edges"}, optional
        What is free in a person. The choose parts choose among the rungs up to the group's unless given; regional
        contrasts ask for "region".
    folds : int
        How many times the group is fitted without some people; as many as people at most.
    strengths : tuple of float
        Of the prior, from which the choose parts choose.
    errors, nulls : bool
        Standard errors of every person's parameters; fits on another person's and on the group's connectome.
    contrasts : sequence of str or dict
        Covariates with which parameters may differ; a dict has ``of`` and may have ``covariates`` and ``blocks``: see
        `contrast`.
    starts, seed : int
    workers, scheduler, slurm : see `engine`
    unread : dict of str to str, optional
        Who could not be read, and why: kept beside those whose fit fails.
    progress : CohortProgress, optional
    command : str, optional

    Returns
    -------
    CohortResult

    Raises
    ------
    InputError
        Where sizes, names or options do not fit, or fewer than three people can be used.
    """
    began = time.monotonic()
    sessions, brains = _named(data, brains, tr)
    if unread and not sessions:
        why = next(iter(unread.values()))
        raise InputError("cohort", f"nobody of {len(unread)} can be read; {why.rstrip('.')}",
                         "Mend that; it takes three people.")
    people, failures, design = people_of(sessions, brains, band=band, design=design, covariates=covariates)
    for option, level in (("max_rung", max_rung), ("deviations", deviations)):
        if level not in LEVELS and (level is not None or option == "max_rung"):
            raise InputError(option, f"found {level!r}", f"Choose one of {', '.join(LEVELS)}.")
    contrasts = [{"of": one} if isinstance(one, str) else dict(one) for one in contrasts]
    if contrasts and not errors:
        raise InputError("contrasts", "no standard errors to weigh people by", "Fit the cohort with errors=True.")
    for one in contrasts:                              # what cannot be asked is refused before anything is fitted
        design_of([p.name for p in people], {p.name: p.covariates for p in people}, **one)
    with tempfile.TemporaryDirectory() as scratch, engine(workers, scheduler, slurm) as run:
        folder = Path(scratch) if folder is None else prepare_folder(folder, overwrite=True)
        cohort = _Cohort(people, folder, run, progress, dict(unread or {}) | failures)
        (folder / RECORD).unlink(missing_ok=True)              # what it says is no longer all there is
        write_json(folder / PLAN, {"people": [p.name for p in people], "design": design,
                                   "strategies": _strategies(nulls), "unread": cohort.failures})
        with jax.enable_x64(True), one_core_each():
            plan, trials, path = _climb_group(cohort, model, maps, sc_transform, sc_norm, starts, seed, max_rung, band)
            priors = _priors(cohort, plan, path, min(folds, len(people)))
            weights = [p.brain.normalised(plan.transform, plan.norm).weights for p in people]
            choice = _choose(cohort, priors, weights, path, deviations, strengths)
            found = _fit_everybody(cohort, priors, weights, choice, errors, nulls)
        failed = write_failures(folder, cohort.failures, cohort.lost)
        record = {"design": design, "band": list(band) if band else None, "seed": seed, "people": len(people),
                  "model": type(plan.model).__name__, "connectome": {"transform": plan.transform, "norm": plan.norm},
                  "group": {"path": [rung.name for rung, _ in path],
                            "climb": [{"rung": t.rung.name, "kept": t.kept, "choose": float(t.scores.mean()),
                                       "reason": t.reason} for t in trials]},
                  "folds": len(priors) - 1, "choice": choice, "failures": failed,
                  "provenance": {"command": command, "seconds": time.monotonic() - began, "versions": versions(),
                                 "input_sha256": {k: v for p in people for source in (p.pooled, p.brain)
                                                  for k, v in source.sha256.items()}}}
        if progress is not None:
            progress.stage("scores", 1)
        with one_core_each():
            result = build(people, priors, found, record)
            result.record["contrasts"] = contrasts_of(result, contrasts, seed=seed)
        if cohort.folder != Path(scratch):
            result.save(folder)
        if progress is not None:
            progress.close()
        return result


@dataclasses.dataclass(eq=False)
class _Cohort:
    """Who is fitted, where results go, and who failed so far."""

    people: list
    folder: Path
    run: object
    progress: object
    failures: dict
    lost: dict = dataclasses.field(default_factory=dict)

    def do(self, stage, units):
        """Run a stage's units; return ``{(person, strategy): arrays}`` of those whose files stand."""
        if self.progress is not None:
            self.progress.stage(stage, len(units))
        ended = finished(self.run, units, self.folder, self.progress.done if self.progress else lambda _: None)
        self.lost |= {(d.person, d.strategy): d.reason for d in ended if d.reason}
        return {(u.person, u.strategy): read_piece(u.path(self.folder))
                for u, d in zip(units, ended, strict=True) if not d.reason}


def _named(data, brains, tr):
    """Return sessions and connectomes by person."""
    if not isinstance(data, dict):
        runs = [d if isinstance(d, Recording) else Recording(np.asarray(d, float), tr, subject=f"sub-{i + 1:02d}")
                for i, d in enumerate(data)]
        data = {}
        for run in runs:
            data.setdefault(run.subject or Path(run.source).stem, []).append(run)
    for name in data:
        if not FOLDER.fullmatch(name) or name == GROUP:
            raise InputError(f"person {name!r}", "no name of a folder",
                             "Use letters, digits, '-', '_' and '.', such as sub-01.")
    data = {name: list(runs) if isinstance(runs, list | tuple) else [runs] for name, runs in data.items()}
    if isinstance(brains, list | tuple):
        if len(brains) != len(data):
            raise InputError("brains", f"{len(brains)} connectomes", "Give one for all, or one for each person.",
                             f"1 or {len(data)}")
        brains = dict(zip(data, brains, strict=True))
    if isinstance(brains, dict):
        return data, {k: b if isinstance(b, Connectome) else Connectome(b) for k, b in brains.items()}
    return data, brains if isinstance(brains, Connectome) else Connectome(brains)


def _climb_group(cohort, model, maps, transform, norm, starts, seed, max_rung, band):
    """Find the group's path on everything but the score parts."""
    target = _group_target(cohort.people, band)
    if cohort.progress is not None:
        cohort.progress.stage("group", 1)
    plan = plan_of(target, [p.brain for p in cohort.people], model=model, maps=maps, transform=transform, norm=norm,
                   seed=seed, starts=starts, keep=Ledger(cohort.folder))
    levels = levels_of(target, plan.model, max_rung, None)
    plan, trials = select_path(plan, target.final, levels, transform, starts)
    return plan, trials, [(t.rung, t.shrinkage) for t in trials if t.kept]


def _group_target(people, band):
    """Return the target of the group's climb: people take turns, some fitted, the others' choose parts choosing."""
    everyone, first = np.arange(len(people)), people[0].pooled
    pairs = np.triu(np.ones_like(people[0].fit), 1)
    splits = []
    for out in np.array_split(everyone, CLIMB_FOLDS):
        seen = np.setdiff1d(everyone, out)
        splits.append(Split(group_fc([people[i].fit for i in seen]), np.stack([people[i].choose for i in out]), pairs,
                            pairs, _frequency(people, seen), tuple(seen.tolist())))
    fold = Fold(tuple(splits), group_fc([p.pool for p in people]), None, _frequency(people, everyone), None)
    return FcTarget((fold,), fold, people[0].brain.labels if first.labels is None else first.labels, band, first.tr,
                    "people", min(len(p.pooled.data) for p in people), len(people), gsr=first.gsr)


def _frequency(people, at):
    return float(np.median([people[i].frequency for i in at]))


def _priors(cohort, plan, path, folds):
    """Fit the group without each fold of people; return one prior per fold, everybody's last."""
    people, units, made = cohort.people, [], []
    for k in [*range(folds), None]:
        out = [] if k is None else list(range(len(people)))[k::folds]
        pool = [i for i in range(len(people)) if i not in out]
        fc = group_fc([people[i].pool for i in pool])
        fold = Fold((), fc, None, _frequency(people, pool), None)
        slim = dataclasses.replace(plan, brains=(Connectome.mean([people[i].brain for i in pool]),), keep=None,
                                   target=dataclasses.replace(plan.target, folds=(fold,), final=fold))
        ground = slim.ground(fold)
        steps = tuple((rung.level, rung.drive, rung.model, shrinkage) for rung, shrinkage in path)
        name = "everybody" if k is None else f"without_{k:02d}"
        units.append(Unit(GROUP, name, fit_group, (slim, fold, path), inputs=(
            ground.network, ground.maps, fc, steps, ground.band, ground.slowest, slim.starts, slim.seed)))
        made.append((ground, out))
    found = cohort.do("the group without each fold", units)
    if len(found) < len(units):
        raise InputError("group", next(iter(cohort.lost.values())), "Mend that, and run the same again.")
    return [Prior.of(ground, found[GROUP, unit.strategy], out)
            for unit, (ground, out) in zip(units, made, strict=True)]


def _unit(person, strategy, function, prior, *rest):
    return Unit(person.name, strategy, function, (prior, *rest), inputs=(prior.key, *rest))


def _choose(cohort, priors, weights, path, deviations, strengths):
    """Choose the rung of the deviations, unless it is given, and the strength of the prior on the choose parts."""
    last = path[-1][0]
    rungs = LEVELS[:LEVELS.index(last.level) + 1] if deviations is None else (deviations,)
    pilots = np.random.default_rng([0, len(cohort.people)]).permutation(len(cohort.people))[:PILOTS]
    units = [_unit(person, "explored", explore, _prior_of(priors, i), rungs, last.drive, weights[i], person.fit,
                   tuple(strengths), person.choose)
             for i, person in enumerate(cohort.people) if i in pilots]
    found = cohort.do("the strength of the prior", units)
    if not found:
        raise InputError("cohort", next(iter(cohort.lost.values())), "Mend that, and run the same again.")
    r = np.mean([arrays["r"] for arrays in found.values()], axis=0)
    level, at = np.unravel_index(int(np.argmax(r)), r.shape)
    return {"rung": rungs[level], "drive": last.drive, "strength": float(strengths[at]), "pilots": len(found),
            "strengths": list(map(float, strengths)), "rungs": list(rungs), "r": r.tolist(),
            "strength_by_rung": {rung: float(strengths[int(np.argmax(row))])
                                 for rung, row in zip(rungs, r, strict=True)}}


def _fit_everybody(cohort, priors, weights, choice, errors, nulls):
    """Fit every person: what is scored, its nulls, and the parameters that are reported."""
    rung, strength, units = (choice["rung"], choice["drive"]), choice["strength"], []
    for i, person in enumerate(cohort.people):
        prior = _prior_of(priors, i)
        connectomes = {"own": weights[i]}
        if nulls:
            connectomes |= {"swapped": weights[(i + 1) % len(weights)],
                            "group_connectome": np.asarray(prior.ground.network.weights)}
        units += [_unit(person, name, foretell, prior, *rung, there, person.fit, strength)
                  for name, there in connectomes.items()]
        # Parameters of different people stand around one and the same group.
        units.append(_unit(person, "parameters", estimate, priors[-1], *rung, weights[i], person.pool, strength,
                           person.parts if errors else None))
        units.append(_unit(person, "occasions", estimates, priors[-1], *rung, weights[i], person.occasions, strength))
    found = cohort.do("people", units)
    return {strategy: [found.get((p.name, strategy)) for p in cohort.people] for strategy in _strategies(nulls)}


def _strategies(nulls):
    return ["own", *(["swapped", "group_connectome"] if nulls else []), "parameters", "occasions"]


def _prior_of(priors, i):
    return next(prior for prior in priors if i in prior.out)
