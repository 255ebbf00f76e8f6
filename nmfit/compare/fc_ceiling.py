"""What the FC of the score part is worth: its reliability, and the best score any model could reach."""

import numpy as np
from scipy import stats

from .empirical import fc_score, group_fc, group_reliability, spearman_brown


def reliability_and_ceiling(target):
    """Return reliability (fit part against score part) and ceiling (root of the score part's), with intervals.

    A short score part tells its own reliability badly; what the fit part reaches can be reached, so that no ceiling
    lies below it.

    Parameters
    ----------
    target : FcTarget

    Returns
    -------
    reliability, ceiling : dict of ``value`` and ``ci95``, both None without a score part
        Correlations; the interval is None where fewer than three people or blocks score.
    """
    none = {"value": None, "ci95": None}
    if target.folds[0].score is None:
        return none, none
    found, best = [], []
    for fold in target.folds:
        found.append(fc_score(fold.pool, group_fc(fold.score)))
        best.append(max(np.sqrt(np.clip(fold.score_reliability, 0.0, 1.0)), found[-1]))
    return ({"value": float(np.mean(found)), "ci95": _spread(found, target, lambda fold, units:
                                                              fc_score(fold.pool, group_fc(units)))},
            {"value": float(np.mean(best)), "ci95": _spread(
                best, target, lambda _, units: np.sqrt(max(group_reliability(units), 0.0)),
                lambda fold, units: fc_score(fold.pool, group_fc(units)))})


def _spread(values, target, statistic, luck=None):
    """Return a 95 % interval: over folds where there are several, else the jackknife over units of the score part.

    ``luck`` is a score on these units: even the truth's varies with who was measured, beside what is known of the
    reliability, and the two variances add. Where people take turns the reliability is that of all of them, the same in
    every fold: what is known of it is the jackknife over people.
    """
    if len(values) > 1 and luck is not None:
        everyone, size = target.final.units, len(target.folds[0].score)
        scores, count = [luck(fold, fold.score) for fold in target.folds], len(everyone)
        left = [spearman_brown(group_reliability(np.delete(everyone, u, axis=0)), size / (count - 1))
                for u in range(count)]
        error = np.sqrt((count - 1) * np.var(np.sqrt(np.maximum(left, 0.0))) + np.var(scores, ddof=1) / len(scores))
    elif len(values) > 1:
        error, count = np.std(values, ddof=1) / np.sqrt(len(values)), len(values)
    else:
        fold = target.folds[0]
        count = len(fold.score)
        if count < 3:
            return None
        error = np.sqrt((count - 1) * sum(
            np.var([of(fold, np.delete(fold.score, u, axis=0)) for u in range(count)])
            for of in (statistic, luck) if of is not None))
    reach, middle = stats.t.ppf(0.975, count - 1) * error, float(np.mean(values))
    return [max(middle - reach, -1.0), min(middle + reach, 1.0)]
