"""Which of several fits of the same data predicts better: paired differences with intervals; ties are called ties."""

import dataclasses
import hashlib

import numpy as np

from ..compare.empirical import fc_score, jackknife
from ..errors import InputError
from .beyond_fc import held_against, verdict

FEWEST_UNITS = 3
TOLD = {"fc": ("FC", "r"), "lagged": ("correlation at a lag of one TR", "R2"), "spectrum": ("spectra of regions", "R2")}


def unit_arrays(target, pooled):
    """Return the chosen rung's score on every unit of the score parts, ``{"unit_scores": [u]}``."""
    if target.folds[0].score is None:
        return {}
    scores = [fc_score(fits[-1].fc, unit) for fits, fold in zip(pooled, target.folds, strict=True)
              for unit in fold.score]
    return {"unit_scores": np.array(scores, dtype=float)}


def digest_of(target):
    """Return what fixes the data of a target and the roles they play, sha256."""
    digest = hashlib.sha256()
    for fold in (*target.folds, target.final):
        for array in (fold.pool, fold.score, *(s.fit for s in fold.splits), *(s.choose for s in fold.splits)):
            if array is not None:
                array = np.ascontiguousarray(array, dtype=float)
                digest.update(f"{array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


@dataclasses.dataclass(frozen=True, eq=False)
class Comparison:
    """Results held against the first of them.

    Attributes
    ----------
    names : list of str
    scores : list of float
    rows : list of dict
        For each result but the first: ``name``, ``difference`` of scores to the first, ``ci95``, ``units`` (how many
        pairs stand behind it), ``of`` ("people", "blocks" or "regions left out in turn") and ``verdict``.
    beyond : list of dict
        Where scans were given, for each result and each ``statistic`` (fc, lagged, spectrum): ``score``, what the mean
        of the ``others`` scores, ``difference`` to the first, ``ci95``, ``scans`` and ``verdict``.
    """

    names: list
    scores: list
    rows: list
    beyond: list = dataclasses.field(default_factory=list)

    def summary(self):
        """Return the comparison as text."""
        width = max(map(len, self.names))
        lines = [f"{self.names[0]:<{width}}  r = {self.scores[0]:.3f}"]
        for row, score in zip(self.rows, self.scores[1:], strict=True):
            low, high = row["ci95"]
            lines.append(f"{row['name']:<{width}}  r = {score:.3f}  {row['difference']:+.3f} (95 % {low:+.3f} to "
                         f"{high:+.3f}, {row['units']} {row['of']}): {row['verdict']}")
        for row in self.beyond:
            what, how = TOLD[row["statistic"]]
            told = f"  {row['name']:<{width}}  {how} = {row['score']:.3f}"
            if row["name"] == self.names[0]:
                lines += [f"{what}, {row['scans']} scans; the mean of the others: {how} = {row['others']:.3f}", told]
            else:
                low, high = row["ci95"]
                lines.append(f"{told}  {row['difference']:+.3f} (95 % {low:+.3f} to {high:+.3f}): {row['verdict']}")
        return "\n".join(lines) + "\n"


def compare(results, scans=None, *, tr=None):
    """Compare fits of the same data by what they predict of its score part.

    Differences are paired: by person or block where at least three score, else by leaving out one region after the
    other, which knows nothing of how the score would change with other people. An interval that holds 0 is a tie.

    Parameters
    ----------
    results : list of Result, or dict of name to Result
        At least two; the first is what the others are held against.
    scans : list of Recording or of arrays ``[t, n]``, optional
        Three or more that no fit saw: models whose FC ties are told apart by lagged correlation and by the spectra of
        regions, both in closed form at the optimum (`beyond_fc`).
    tr : float, optional
        Seconds; for arrays.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        Where data, roles or nulls differ, or nothing was scored.
    """
    named = dict(results) if isinstance(results, dict) else {_name(r, k): r for k, r in enumerate(results)}
    if len(named) < 2:
        raise InputError("results", f"{len(named)} of them", "Give at least two.")
    names, given = list(named), list(named.values())
    _check_same(names, given)
    scores = [r.score for r in given]
    rows = [_row(name, given[0], other) for name, other in zip(names[1:], given[1:], strict=True)]
    return Comparison(names, scores, rows, [] if scans is None else held_against(names, given, scans, tr))


def _name(result, k):
    rung = result.rung(result.chosen)
    return f"{k + 1}: {rung['model']} {rung['name']}"


def _check_same(names, given):
    told = [(r.record["provenance"].get("target", {}).get("digest"), r.record["provenance"].get("n_null"))
            for r in given]
    for name, result, (data, nulls) in zip(names, given, told, strict=True):
        if result.score is None or data is None:
            raise InputError(name, "no held-out score" if data is not None else "no record of its data",
                             "Compare fits of FC whose data have a score part.")
        if data != told[0][0]:
            raise InputError(name, f"other data, or other roles of them, than {names[0]}",
                             "Fit all of them to one target.")
        if nulls != told[0][1]:
            raise InputError(name, f"{nulls} wrong connectomes of each kind where {names[0]} has {told[0][1]}",
                             "Fit with equal n_null.")


def _row(name, first, other):
    a, b = (r.arrays.get("unit_scores") for r in (first, other))
    if a is not None and b is not None and len(a) == len(b) >= FEWEST_UNITS:
        difference, error = jackknife(b - a)
        count, of = len(a), "people" if first.record["provenance"]["target"]["design"] != "blocks" else "blocks"
    else:
        difference, error, count = _regions_left_out(first, other)
        of = "regions left out in turn"
    return {"name": name, "units": int(count), "of": of, **verdict(difference, error, count)}


def _regions_left_out(first, other):
    data = first.arrays["fc_score"]
    models = [first.arrays["fc_model"], other.arrays["fc_model"]]

    def gain(keep):
        at = np.ix_(keep, keep)
        return fc_score(models[1][at], data[at]) - fc_score(models[0][at], data[at])

    n = len(data)
    left = np.array([gain(np.delete(np.arange(n), i)) for i in range(n)])
    return gain(np.arange(n)), float(np.sqrt((n - 1) * np.var(left))), n
