"""Climb for spectra at sensors by exact slopes: which rungs are tried, from where, and what is kept."""

import dataclasses
import time

from ...errors import InputError
from ..threads import side_by_side
from .answer import trial_row
from .ground import pooled
from .judge import channel_scores, judge
from .populations import model_name
from .rungs import LADDER, NAMES
from .search import SensorGround, fit_sensor_rung

SHRINKAGES = (0.03, 0.1)
WEAK_COUPLING = 0.1        # 1/s: where coupling is let in after a climb without it
REFIT_STEPS = 12           # of a kept rung below the last, from its optimum to little more data


def climb_by_slopes(target, brain, leadfield, *, max_rung, starts, steps, progress, keep=None):
    """Return the ground of all but the score part, the rungs tried, and the kept ones refitted with their twins.

    Beside them the ground of nulls and a function that climbs the kept rungs on it. Nulls are fitted without coupling,
    so that what is permuted is all that differs from the right lead field under the same protocol.
    """
    if max_rung not in NAMES:
        raise InputError("max_rung", f"found {max_rung!r}", f"Choose one of {', '.join(NAMES)}.")
    ground = SensorGround(brain, leadfield, target.psd["fit"], target.dof["fit"], target, target.bins["fit"],
                          keep=keep)
    tried = _climb(ground, LADDER[:NAMES.index(max_rung) + 1], starts, steps, progress)
    kept = [t.fitted for t in tried if t.kept]
    both, paths = pooled(ground), [f.path for f in kept]
    apart = dataclasses.replace(both, coupled=False)
    if not kept:
        return both, tried, [], [], apart, None
    if progress is not None:
        progress.start("all but the score part, with and without coupling")
    twins, *whole = side_by_side(lambda job: job(), [
        lambda: along(apart, paths, steps), lambda: _refitted(both, kept[-1], steps),
        *(lambda fitted=fitted: _refitted(both, fitted, min(REFIT_STEPS, steps or REFIT_STEPS))
          for fitted in kept[:-1])])
    limits = [min(REFIT_STEPS, steps or REFIT_STEPS)] * (len(kept) - 1) + [steps]
    whole = side_by_side(lambda job: _no_worse(both, *job), zip([*whole[1:], whole[0]], twins, limits, strict=True))
    return both, tried, whole, twins, apart, lambda ground, steps: along(ground, paths, steps)


def along(ground, paths, steps):
    """Return fits of the last rung of every path, each rung fitted from the one before it, and none twice.

    A path is a tuple of pairs of rung and shrinkage.
    """
    done = {(): None}
    for path in paths:
        for k, (rung, shrinkage) in enumerate(path):
            if path[:k + 1] not in done:
                done[path[:k + 1]] = fit_sensor_rung(ground, rung, done[path[:k]], starts=1, shrinkage=shrinkage,
                                                     steps=steps)
    return [done[path] for path in paths]


def _no_worse(ground, fitted, twin, steps):
    """Return the lower of a rung and of one begun where the climb without coupling ended, which it contains."""
    if fitted.loss <= twin.loss:
        return fitted
    problem = dataclasses.replace(twin.problem, coupled=True, coupling=0.0 * twin.problem.coupling + WEAK_COUPLING)
    again = fit_sensor_rung(ground, fitted.rung, dataclasses.replace(twin, problem=problem),
                            shrinkage=fitted.shrinkage, steps=steps)
    return again if again.stable and again.loss < fitted.loss else fitted


def _refitted(ground, fitted, steps):
    """Refit a rung from its optimum to more data; where that loses its state of rest, keep what there was."""
    again = fit_sensor_rung(ground, fitted.rung, fitted, shrinkage=fitted.shrinkage, steps=steps)
    return again if again.stable else fitted


def _climb(ground, ladder, starts, steps, progress):
    kept, tried, latest = None, [], {}
    for rung in ladder:
        if rung.maps and not rung.regions and not len(ground.maps):
            continue                                       # nobody knows where regions lie
        if kept is None and not rung.model:
            break
        began = time.monotonic()
        if progress is not None:
            progress.start(rung.name)
        below = latest.get(rung.model or model_name(kept.fitted.networks[0]), latest.get("Hopf"))
        shrinkages = SHRINKAGES if rung.regions else SHRINKAGES[-1:]
        fits = side_by_side(lambda s, rung=rung, below=below: fit_sensor_rung(
            ground, rung, below, starts=starts, shrinkage=s, steps=steps), shrinkages)
        best = max(fits, key=lambda f: channel_scores(f, ground.target).mean())
        now = judge(best, kept, ground.target, began)
        tried.append(now)
        if rung.model:
            latest[rung.model] = best
        if now.kept:
            kept = now
            latest[model_name(best.networks[0])] = best
        if progress is not None:
            progress.rung_done(trial_row(now, None, None, now.fitted))
    return tried
