"""Climb for spectra at sensors under a loss of the user's own, such as Whittle's likelihood of whole cross-spectra.

Such a loss is no sum of squares, so that `fit_sensor_rung` does not serve it: Jansen-Rit columns, from
shared parameters to noise per region, node parameters per region, noise and sensitivity per sensor, by L-BFGS.
"""

import dataclasses
import time

import numpy as np

from ...errors import InputError
from ...models import JansenRit
from ...network import Network
from .answer import trial_row
from .ground import LEVELS, SpectrumGround, fit_spectrum_rung, pooled
from .judge import channel_scores, judge
from .populations import NO_COUPLING

NODE_PARAMETERS = ("p", "C", "a", "b", "A", "B")
SHRINKAGES = (1e-6, 1e-5)
START_COUPLING = 10.0       # 1/s: the strongest region's summed input weight where a climb begins
WEAK_COUPLING = 0.1         # 1/s: where coupling is let in after a climb without it


def climb_under_loss(target, brain, leadfield, loss, *, max_rung, starts, steps, progress):
    """Return the ground of all but the score part, the rungs tried, and the kept ones refitted with their twins.

    Beside them how to climb on permuted parcels, see `climb_by_slopes`; there is nothing for channels left out.
    """
    if max_rung not in LEVELS:
        raise InputError("max_rung", f"found {max_rung!r}", f"Under a loss choose one of {', '.join(LEVELS)}.")
    ground = ground_of(target, brain, leadfield, loss)
    tried = _climb(ground, LEVELS[:LEVELS.index(max_rung) + 1], starts, steps, progress)
    kept = [t.fitted for t in tried if t.kept]
    both = pooled(ground)
    whole = [_refitted(both, f, steps) for f in kept]
    if progress is not None:
        progress.start("without coupling")
    apart = dataclasses.replace(both, network=ground.network.replace({"G": NO_COUPLING}), coupled=False)
    path = [(f.level, f.shrinkage) for f in kept]
    twins = along(apart, path, steps)
    whole = [_no_worse(both, f, twin, steps) for f, twin in zip(whole, twins, strict=True)]
    return both, tried, whole, twins, lambda ground, _, steps: along(ground, path, steps), None


def along(ground, path, steps):
    """Fit rungs one from another; ``path`` is a list of (level, shrinkage)."""
    fits = []
    for level, shrinkage in path:
        fits.append(fit_spectrum_rung(ground, level, fits[-1] if fits else None, starts=1, shrinkage=shrinkage,
                                      steps=steps))
    return fits


def _refitted(ground, fitted, steps):
    """Refit a rung from its optimum to more data; where that loses its state of rest, keep what there was."""
    again = fit_spectrum_rung(ground, fitted.level, fitted, shrinkage=fitted.shrinkage, steps=steps)
    return again if again.stable else fitted


def _no_worse(ground, fitted, twin, steps):
    """Return the lower of a rung and of one begun where the climb without coupling ended, which it contains."""
    if fitted.loss <= twin.loss:
        return fitted
    joined = dataclasses.replace(twin, network=twin.network.replace({"G": WEAK_COUPLING}))
    again = fit_spectrum_rung(ground, fitted.level, joined, shrinkage=fitted.shrinkage, steps=steps)
    return again if again.abscissa < 0 and again.loss < fitted.loss else fitted


def ground_of(target, brain, leadfield, loss=None):
    """Return where the climb starts, the connectome normalised."""
    network = Network.of(brain, JansenRit(), G=START_COUPLING, delays=brain.lengths is not None)
    network = network.replace({name: np.full(brain.n, float(network.value(name)))
                               for name in (*NODE_PARAMETERS, "noise")})
    return SpectrumGround(network, leadfield, target.psd["fit"], target.dof["fit"], target, NODE_PARAMETERS,
                          target.bins["fit"], loss=loss,
                          cross=None if target.cross is None else target.cross["fit"])


def _climb(ground, levels, starts, steps, progress):
    kept, tried = None, []
    for level in levels:
        began = time.monotonic()
        if progress is not None:
            progress.start(level)
        shrinkages = SHRINKAGES if level != "shared" else (0.0,)
        fits = [fit_spectrum_rung(ground, level, None if kept is None else kept.fitted, starts=starts, shrinkage=s,
                                  steps=steps) for s in shrinkages]
        best = max(fits, key=lambda f: channel_scores(f, ground.target).mean())
        now = judge(best, kept, ground.target, began)
        tried.append(now)
        if now.kept:
            kept = now
        if progress is not None:
            progress.rung_done(trial_row(now, None, None, now.fitted))
    return tried
