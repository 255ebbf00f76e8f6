"""Climb for spectra at sensors by exact slopes: which rungs are tried, from where, and what is kept.

The ladder is climbed by regions that hear nothing of each other, which costs a fraction. Coupling is let in where that
ended: a coupled rung contains the one without coupling, begins beside its optimum, and no search for all the rest has
to find its way along the edge of stability.
"""

import dataclasses
import time

import numpy as np

from ...errors import InputError
from ..gauss_newton import HELD
from ..threads import side_by_side
from .answer import trial_row
from .ground import pooled
from .judge import channel_scores, judge
from .rungs import LADDER, NAMES
from .search import TOLERANCE, SensorGround, fit_sensor_rung
from .starts import coupling_let_in

SHRINKAGES = (0.01, 0.03, 0.1)
COUPLED_STEPS = 30         # of the highest rung, from the optimum without coupling
BELOW_STEPS = 6            # the same of rungs below it
APART_STEPS = 12           # of a kept rung from its optimum to little more data, and of what begins at another's
CLOSE = 5e-4               # tolerance of the highest rung: what stands in the table is no search that stopped short


def climb_by_slopes(target, brain, leadfield, *, max_rung, starts, steps, progress, keep=None):
    """Return the ground of all but the score part, the rungs tried, and the kept ones refitted with their twins.

    Beside them how to fit the highest kept rung to permuted parcels, and how to climb on other data.

    Returns
    -------
    both : SensorGround
    tried : list of Tried
    whole, twins : lists of FittedSensors
        Kept rungs with and without coupling.
    nulls : function ``(ground, order, steps)``
    climb : function ``(ground, steps)``
    """
    if max_rung not in NAMES:
        raise InputError("max_rung", f"found {max_rung!r}", f"Choose one of {', '.join(NAMES)}.")
    ground = SensorGround(brain, leadfield, target.psd["fit"], target.dof["fit"], target, target.bins["fit"],
                          coupled=False, keep=keep)
    tried = _climb(ground, LADDER[:NAMES.index(max_rung) + 1], starts, steps, progress)
    kept = [t.fitted for t in tried if t.kept]
    both = dataclasses.replace(pooled(ground), coupled=True)
    if not kept:
        return both, tried, [], [], None, None
    if progress is not None:
        progress.start("all but the score part, with and without coupling")
    apart, limit = dataclasses.replace(both, coupled=False), _least(APART_STEPS, steps)
    twins = side_by_side(lambda f: fit_sensor_rung(
        apart, f.rung, f, shrinkage=f.shrinkage, **(_highest(steps) if f is kept[-1] else {"steps": limit})), kept)
    whole = side_by_side(lambda twin: coupled(
        both, twin, **(_highest(steps) if twin is twins[-1] else {"steps": _least(BELOW_STEPS, steps)})), twins)
    whole = [twin if fitted.unstable else fitted for fitted, twin in zip(whole, twins, strict=True)]

    def nulls(ground, order, steps):
        return [coupled(ground, relabelled(ground, twins[-1], order, steps), steps)]

    def climb(ground, steps):
        fitted = along(dataclasses.replace(ground, coupled=False), kept[-1].path, steps)
        return coupled(ground, fitted, _least(APART_STEPS, steps))

    return both, tried, whole, twins, nulls, climb


def along(ground, path, steps):
    """Return the last fit of a path of pairs of rung and shrinkage, each begun where the one before ended."""
    fitted = None
    for rung, shrinkage in path:
        fitted = fit_sensor_rung(ground, rung, fitted, starts=1, shrinkage=shrinkage, steps=steps)
    return fitted


def coupled(ground, twin, steps, tolerance=TOLERANCE):
    """Return a rung with coupling, begun where it ended without; where that has no state of rest, without."""
    fitted = fit_sensor_rung(ground, twin.rung, coupling_let_in(twin), shrinkage=twin.shrinkage, steps=steps,
                             tolerance=tolerance)
    return fitted if fitted.stable else twin


def relabelled(ground, fitted, order, steps=None):
    """Return a fit without coupling after its parcels were permuted, begun where every parcel takes its values along.

    Regions that hear nothing of each other predict the same under any names. What a permutation can cost is what the
    places say: maps, and who hears whom.
    """
    parts, layout = fitted.layout.split(fitted.vector), fitted.layout
    for k, own in enumerate(layout.own):
        free = own < HELD
        along_maps = parts[2 * k] @ layout.basis.T
        moved = (along_maps + parts[2 * k + 1])[:, order] - along_maps
        parts[2 * k + 1] = np.where(free[:, None], moved, parts[2 * k + 1])
    begun = dataclasses.replace(fitted, vector=np.concatenate([part.ravel() for part in parts]), problem=
                                dataclasses.replace(fitted.problem, leadfield=dataclasses.replace(
                                    ground.leadfield, scale=fitted.problem.leadfield.scale)))
    return fit_sensor_rung(dataclasses.replace(ground, coupled=False), fitted.rung, begun, shrinkage=fitted.shrinkage,
                           steps=_least(APART_STEPS, steps))


def _highest(steps):
    return {"steps": _least(COUPLED_STEPS, steps), "tolerance": CLOSE}


def _least(limit, steps):
    return limit if steps is None else min(limit, steps)


def _climb(ground, ladder, starts, steps, progress):
    kept, tried = None, []
    for rung in ladder:
        if rung.maps and not rung.regions and not len(ground.maps):
            continue                                       # nobody knows where regions lie
        if (kept is None and not rung.model) or (kept is not None and rung.scales > len(kept.fitted.networks) + 1):
            continue                                       # it would stand on a rung that was not kept
        if rung.scales > 1 and len(kept.fitted.networks) >= rung.scales:
            continue                                       # they are there already
        began = time.monotonic()
        if progress is not None:
            progress.start(rung.name)
        below = None if kept is None else kept.fitted
        shrinkages = SHRINKAGES if rung.regions else SHRINKAGES[-1:]
        fits = side_by_side(lambda s, rung=rung, below=below: fit_sensor_rung(
            ground, rung, below, starts=starts, shrinkage=s, steps=steps), shrinkages)
        best = max(fits, key=lambda f: channel_scores(f, ground.target).mean())
        now = judge(best, kept, ground.target, began)
        tried.append(now)
        if now.kept:
            kept = now
        if progress is not None:
            progress.rung_done(trial_row(now, None, None, now.fitted))
    return tried
