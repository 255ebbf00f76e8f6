"""Climb: fit a rung on what may be seen, judge it on what chooses, keep it only if that says so."""

import dataclasses
import time

import numpy as np
from scipy import stats

from ..compare.empirical import jackknife, pearson
from .ground import fit_rung
from .threads import side_by_side

SHRINKAGES = (1e-5, 1e-4, 1e-3)
ALPHA = 0.05              # chance of keeping a rung that gains nothing, shared by the alternatives of a level
REJECTIONS_TO_STOP = 2
OUT_OF_TIME = "the time given did not suffice for"
STARTS = {"shared": 2, "maps": None, "region": 1, "edges": 1}     # None: as many as the user asks


@dataclasses.dataclass(frozen=True, eq=False)
class Trial:
    """A rung tried: its fits on every split, what they predict of what chooses, and the verdict.

    Attributes
    ----------
    rung : Rung
    fits : list of Fitted, one per split
    scores : array, r of every unit of the choose parts
    shrinkage : float
    gain, gain_se, needed : against the rung below, its standard error, and what was asked of it
    kept : bool
    reason : one sentence
    seconds : float
    """

    rung: object
    fits: list
    scores: np.ndarray
    shrinkage: float
    gain: float
    gain_se: float | None
    needed: float
    kept: bool
    reason: str
    seconds: float


def unit_scores(fits, splits):
    """Return r of each unit's FC with the prediction of the split that did not see it."""
    scores = []
    for fitted, split in zip(fits, splits, strict=True):
        at = split.choose_pairs > 0
        scores += [pearson(fitted.fc[at], unit[at]) for unit in split.choose]
    return np.array(scores)


def starts_of(rung, asked):
    """Return how many starts a rung takes."""
    return STARTS[rung.level] or asked


def try_rung(rung, grounds, splits, below, *, starts, seed, steps=None):
    """Fit a rung on every split at every shrinkage; return the best trial before any verdict."""
    began = time.monotonic()
    shrinkages = SHRINKAGES if rung.level in ("region", "edges") else (0.0,)
    jobs = [(k, s) for s in shrinkages for k in range(len(grounds))]
    fits = side_by_side(lambda job: fit_rung(
        grounds[job[0]], rung, None if below is None else below.fits[job[0]], shrinkage=job[1],
        starts=starts_of(rung, starts), seed=seed, steps=steps), jobs)
    by_shrinkage = {s: [f for f, job in zip(fits, jobs, strict=True) if job[1] == s] for s in shrinkages}
    scored = {s: unit_scores(fits, splits) for s, fits in by_shrinkage.items()}
    best = max(shrinkages, key=lambda s: scored[s].mean())
    return Trial(rung, by_shrinkage[best], scored[best], best, 0.0, None, 0.0, False, "",
                 time.monotonic() - began)


def judge(trial, below, null_gains=None, among=1):
    """Return the trial with its verdict.

    Kept when the mean paired gain over units exceeds t_q(n-1) times its jackknife standard error, where q is 0.95 for a
    rung that is tried alone and ``1 - 0.05 / m`` for each of ``m`` alternatives, since the luckiest of several rises by
    chance more often than one (Bonferroni); where one unit is all there is, when it exceeds what the same rung gains
    under the nulls by the nulls' standard deviation.
    """
    if below is None:
        return dataclasses.replace(trial, kept=True, gain=float(trial.scores.mean()),
                                   reason="the first rung is where the climb starts")
    gain, error = jackknife(trial.scores - below.scores)
    richer = trial.rung.model != below.rung.model
    if null_gains is not None:
        error = None
        needed = float(np.mean(null_gains) + np.std(null_gains, ddof=1))
        against = f"what wrong connectomes gain by the same step ({np.mean(null_gains):+.3f} on average)"
    elif error is None:
        needed, against = 0.0, "nothing, since a single unit has no standard error"
    else:
        n = trial.scores.size
        times = stats.t.ppf(1.0 - ALPHA / among, n - 1)
        needed = float(times * error)
        against = f"{times:.2f} standard errors over {n} units ({needed:.3f})"
    kept = gain > needed
    lead = f"on the choose part r changes by {gain:+.3f}"
    reason = f"{lead}, {'more' if kept else 'no more'} than {against}"
    if richer:
        reason = f"{trial.rung.model} {'beats' if kept else 'ties with or loses to'} {below.rung.model}: {reason}"
    return dataclasses.replace(trial, kept=bool(kept), gain=gain, gain_se=error, needed=needed, reason=reason)


def climb(levels, grounds, splits, *, starts, seed, ceiling=None, nulls=None, report=None, steps=None,
          until=None):
    """Climb a ladder and return every trial in order.

    At each level the alternatives (with and without a shared drive) start from the last kept rung; of those that
    help the first is kept, unless a later one predicts better by more than its standard error. Two levels in a row
    that do not help end the climb, and so does a score at the ceiling.

    Parameters
    ----------
    levels : tuple of tuple of Rung
    grounds : list of Ground, one per split
    splits : tuple of Split
    ceiling : float, optional
        Highest mean unit score any predictor could reach.
    nulls : NullChains, optional
        The same climb under wrong connectomes, where no standard error tells what a gain is worth.
    report : function, optional
        Called with every judged trial.
    until : float, optional
        A time of `time.monotonic`: a level that would not be over by then, were it as quick as the last, is not begun.
    """
    trials, kept, rejected, took = [], None, 0, 0.0
    for level in levels:
        began, judged = time.monotonic(), []
        if trials and until is not None and began + took > until:
            names = ", ".join(f"'{rung.name}'" for rung in level)
            trials[-1] = dataclasses.replace(trials[-1], reason=f"{trials[-1].reason}; {OUT_OF_TIME} {names}")
            break
        for rung in level:
            if not rung.model:
                rung = dataclasses.replace(rung, model=kept.rung.model)
            trial = try_rung(rung, grounds, splits, kept, starts=starts, seed=seed, steps=steps)
            gains = None if nulls is None else nulls.gains(rung, trial.shrinkage)
            judged.append(judge(trial, kept, gains, len(level)))
        helping = [t for t in judged if t.kept]
        winner = _simplest_of_equals(helping) if helping else None
        for t in judged:
            lead = "" if kept is None else f"{t.reason}; "
            final = t if t is winner or not t.kept else dataclasses.replace(
                t, kept=False, reason=f"{lead}{_why_not(t, winner)}")
            trials.append(final)
            if report is not None:
                report(final)
        took = time.monotonic() - began
        if winner is None:
            # Another model at the same freedom is a step aside: that it does not help says nothing of more freedom.
            rejected += all(rung.model in ("", kept.rung.model) for rung in level)
        else:
            kept, rejected = winner, 0
            if nulls is not None:
                nulls.keep(winner.rung)
        if rejected >= REJECTIONS_TO_STOP:
            break
        if ceiling is not None and kept.scores.mean() >= ceiling:
            break
    return trials


def _why_not(trial, winner):
    if trial.scores.mean() > winner.scores.mean():
        return f"'{winner.rung.name}', which frees less, predicts as well within its standard error"
    return f"'{winner.rung.name}' predicts better"


def _simplest_of_equals(trials):
    """Return the first trial unless a later one helps by more than its standard error asks."""
    best = trials[0]
    for other in trials[1:]:
        if judge(other, best).kept:
            best = other
    return best
