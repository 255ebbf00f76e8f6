"""Whether a rung for spectra at sensors is kept: held out, carried by sources, stable."""

import dataclasses
import time

import numpy as np
from scipy import stats

from .answer import SOURCES_AT_LEAST
from .evidence import gain_error
from .measures import alpha_measures

WORTH = 0.02       # of what a rung leaves unexplained: a population in every region must take more, or it fits trifles


@dataclasses.dataclass(frozen=True, eq=False)
class Tried:
    """A rung tried: its fit, its score on what chooses, and the verdict."""

    fitted: object
    choose: float
    gain: float
    needed: float
    share: float | None
    kept: bool
    reason: str
    seconds: float


def channel_scores(fitted, target):
    """Return every channel's share of R2 on what chooses; their mean is R2."""
    role = "choose" if "choose" in target.psd else "fit"
    at = target.bins[role]
    data = np.log10(target.psd[role][at])
    squares = ((np.log10(fitted.psd[at]) - data) ** 2).sum(0)
    return 1.0 - squares * target.s / ((data - data.mean()) ** 2).sum()


def judge(fitted, below, target, began):
    """Return whether a rung is kept over the one below, a `Tried` or None, and why."""
    scores = channel_scores(fitted, target)
    share = alpha_measures(fitted, target, "fit")["source_share"]
    roots = fitted.unstable
    gain, needed = float(scores.mean()), 0.0
    reason = "the first rung is where the climb starts"
    kept = fitted.abscissa < 0
    if below is not None:
        each = scores - channel_scores(below.fitted, target)
        gain = float(each.mean())
        needed, against = _asked(fitted, below.fitted, each, target)
        if len(fitted.networks) > len(below.fitted.networks) and needed < WORTH * (1.0 - below.choose):
            needed, against = WORTH * (1.0 - below.choose), f"{WORTH:.0%} of what was left to explain"
        kept = gain > needed
        reason = (f"R2 on the choose part changes by {gain:+.3f}, {'more' if kept else 'no more'} than {needed:.3f}, "
                  f"{against}")
    if share is not None and share < SOURCES_AT_LEAST and below is not None:
        kept, reason = False, f"{reason}; but sources carry only {share:.0%} of occipital alpha"
    if not fitted.stable:
        kept, reason = False, f"{reason}; no stable state of rest"
    if roots:
        kept, reason = kept and below is None, f"{reason}; {roots} unstable roots"
    return Tried(fitted, float(scores.mean()), gain, needed, share, bool(kept), reason, time.monotonic() - began)


def _asked(fitted, below, each, target):
    """Return what a gain must exceed, and what that is in words.

    The channels are this person's own, what varies is the stretch of time: where the scatter of the estimate is known
    it says how much of a gain is chance, else the spread over channels has to.
    """
    role = "choose" if "choose" in target.psd else "fit"
    if target.dof[role] is not None:
        data, at = np.log10(target.psd[role]), target.bins[role]
        total = ((data[at] - data[at].mean()) ** 2).sum()
        error = gain_error(np.log10(fitted.psd), np.log10(below.psd), target, role) / total
        return float(stats.norm.ppf(0.95) * error), "1.64 standard errors of so short a stretch"
    # Channels cohere: as many count as would be independent.
    count = target.s if target.dependence is None else target.s**2 / target.dependence.sum()
    count = max(float(count), 2.0)
    error = each.std(ddof=1) / np.sqrt(count)
    return float(stats.t.ppf(0.95, count - 1) * error), f"what {count:.0f} independent channels ask for"
