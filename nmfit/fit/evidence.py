"""What a score is worth: the same climb on wrong connectomes, without coupling, and no model at all."""

import dataclasses
import time

import numpy as np

from ..compare import baselines
from ..compare.empirical import fc_score, group_fc, jackknife
from ..network import surrogates
from .ground import fit_rung
from .ladder import ALPHA, starts_of, unit_scores
from .threads import side_by_side

KINDS = ("permuted", "rewired", "distance")
LOST = 3                  # nulls at or above the score after which no p of 0.05 can follow
CHUNK = 4
FEWEST_NULLS = 19         # below it no p of ALPHA can be reached


def climb_path(ground, path, *, starts, seed, steps=None):
    """Fit the rungs of a path one from another; ``path`` is a list of (rung, shrinkage)."""
    fits = []
    for rung, shrinkage in path:
        fits.append(fit_rung(ground, rung, fits[-1] if fits else None, shrinkage=shrinkage,
                             starts=starts_of(rung, starts), seed=seed, steps=steps))
    return fits


def heldout(fc, fold):
    """Return r with the group FC of the score part, or None where there is none."""
    return None if fold.score is None else fc_score(fc, group_fc(fold.score))


def heldout_error(fc, fold):
    """Return the jackknife standard error of `heldout` over the units of the score part, or None."""
    units = fold.score
    if units is None or len(units) < 2:
        return None
    left = [fc_score(fc, group_fc(np.delete(units, u, axis=0))) for u in range(len(units))]
    return float(np.sqrt((len(units) - 1) * np.var(left)))


class NullChains:
    """Wrong connectomes that climb beside the right one, so that a gain can be held against theirs."""

    def __init__(self, grounds, split, *, starts, seed, steps=None):
        self.grounds, self.split = grounds, split
        self.options = {"seed": seed, "steps": steps}
        self.starts = starts
        self.below = [None] * len(grounds)
        self.tried = {}

    def gains(self, rung, shrinkage):
        """Return what each null gains by the rung; None at the first one, where there is nothing below."""
        fits = side_by_side(lambda pair: fit_rung(pair[0], rung, pair[1], shrinkage=shrinkage,
                                                  starts=starts_of(rung, self.starts), **self.options),
                            list(zip(self.grounds, self.below, strict=True)))
        self.tried[rung] = fits
        if self.below[0] is None:
            return None
        return np.array([unit_scores([new], [self.split])[0] - unit_scores([old], [self.split])[0]
                         for new, old in zip(fits, self.below, strict=True)])

    def keep(self, rung):
        """Move every null to the rung that was kept."""
        self.below = self.tried[rung]


def surrogate(kind, brain, rng, decay):
    """Return a wrong connectome of a kind; ``decay`` in mm is for the one that knows distances only."""
    match kind:
        case "permuted":
            return surrogates.permuted(brain, rng)
        case "rewired":
            return surrogates.rewired(brain, rng)
        case "distance":
            return surrogates.distance_only(brain, rng, decay)
    raise ValueError(kind)


@dataclasses.dataclass(frozen=True, eq=False)
class Null:
    """Scores of one kind of null, and of the right connectome under the same protocol.

    Attributes
    ----------
    kind : str
    scores : array ``[m, rungs]``, one row per wrong connectome, one column per kept rung, in order
    asked : int
    real : array ``[rungs]`` or None
        Scores of the right connectome, fitted with the step limit of the nulls.
    """

    kind: str
    scores: np.ndarray
    asked: int
    real: np.ndarray | None = None

    def p(self, rung, score):
        """Return p of a rung's score, by Besag and Clifford where sampling stopped early."""
        above = int((self.scores[:, rung] >= score).sum())
        if len(self.scores) < self.asked:
            return max(above, 1) / len(self.scores)
        return (above + 1) / (len(self.scores) + 1)

    def adjusted(self, rung):
        """Return p of a rung among all rungs looked at: how many nulls stand out as far at any rung.

        The highest of several rungs to clear its nulls clears them by luck more often than one that was named
        beforehand. The right connectome and the wrong ones are standardised together, so that under the null
        hypothesis they are exchangeable, and the largest deviation over rungs of each is what counts.

        References
        ----------
        Westfall & Young 1993, Resampling-Based Multiple Testing (single-step maxT).
        """
        if len(self.scores) < self.asked:
            return self.p(rung, self.real[rung])
        everyone = np.vstack([self.real, self.scores])
        spread = everyone.std(axis=0)
        z = (everyone - everyone.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        return float(1 + (z[1:].max(axis=1) >= z[0, rung]).sum()) / len(everyone)

    def row(self, rung, score):
        """Return the record of `fit.json`; margin and p are against what was fitted as the nulls were.

        ``p_adjusted`` is p among all rungs, and what "explained" asks.
        """
        own, score = self.scores[:, rung], score if self.real is None else self.real[rung]
        return {"mean": own.mean(), "sd": own.std(ddof=1) if own.size > 1 else None, "margin": score - own.mean(),
                "p": self.p(rung, score), "p_adjusted": None if self.real is None else self.adjusted(rung),
                "n": int(own.size)}


def run_null(kind, count, score_null, scores, progress=None, until=None):
    """Draw nulls of a kind until there are enough, or until all rungs are lost to them.

    Parameters
    ----------
    kind : str
    count : int
    score_null : function
        ``(kind, index) -> [score of each rung]``.
    scores : array
        Held-out scores of the rungs under the right connectome, fitted as the nulls are.
    until : float, optional
        A time of `time.monotonic` after which no more are drawn: as if fewer had been asked for.

    References
    ----------
    Besag & Clifford 1991, Biometrika 78:301.
    """
    found = []
    for first in range(0, count, CHUNK):
        rows = side_by_side(lambda index: score_null(kind, index), range(first, min(first + CHUNK, count)))
        found += rows
        if progress is not None:
            progress.step(len(found), total=count, what=f"null: {kind}")
        if ((np.array(found) >= scores).sum(0) >= LOST).all():
            break
        if until is not None and time.monotonic() > until:
            count = len(found)
            break
    return Null(kind, np.array(found), count, np.asarray(scores))


def baseline_scores(brain, maps, maps_given, fold, free):
    """Return held-out r of predictors that hold no dynamics.

    Parameters
    ----------
    brain : Connectome
        With raw weights.
    maps : array ``[m, n]``
    maps_given : bool
        Whether the maps are the user's own (else they are the connectome's harmonics).
    fold : Fold
    free : int
        Free parameters of the chosen rung, which the factor model is given, too.
    """
    distances = brain.distances()
    return {
        "log_sc": heldout(baselines.log_weights(brain.weights), fold),
        "distance": None if distances is None else heldout(
            baselines.decay_with_distance(distances, fold.pool, surrogates.DECAYS), fold),
        "k_factor": heldout(baselines.factors(fold.pool, free), fold),
        "map_only" if maps_given else "harmonics": heldout(baselines.from_maps(maps, fold.pool), fold),
        "reliability": heldout(fold.pool, fold),
    }


def clears(rung, score, twin, nulls, paired):
    """Return whether a rung clears every null and its coupling-0 twin.

    ``paired`` holds the differences to the twin for each unit of the score part; where there are two units or more
    their mean must exceed twice its jackknife standard error, else the plain difference must be positive.
    """
    mean, error = jackknife(paired)
    beats_twin = score > twin and (error is None or mean > 2.0 * error)
    return beats_twin and all(beaten(null, rung, score) for null in nulls)


def beaten(null, rung, score):
    """Return whether a rung clears a null, by itself and among all rungs that were looked at."""
    if null.real is None:
        return null.p(rung, score) <= ALPHA
    return null.p(rung, null.real[rung]) <= ALPHA and null.adjusted(rung) <= ALPHA
