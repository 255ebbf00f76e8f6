"""Fit a network through a lead field to spectra: climb, judge, score once, answer."""

import dataclasses
import time

import jax
import numpy as np
from scipy import stats

from ..compare.loss import Loss
from ..errors import InputError
from ..models import JansenRit
from ..network import Connectome, Network
from .sensors import check_sensors
from .spectrum_answer import SOURCES_AT_LEAST, build_spectrum_result, count_unstable, r2_on, trial_row
from .spectrum_evidence import climb_spectrum, gain_error, parcel_null
from .spectrum_ground import LEVELS, SpectrumGround, fit_spectrum_rung, pooled
from .spectrum_measures import alpha_measures
from .threads import one_core_each

NODE_PARAMETERS = ("p", "C", "a", "b", "A", "B")
SHRINKAGES = (1e-6, 1e-5)
START_COUPLING = 10.0       # 1/s: the strongest region's summed input weight where a climb begins
WEAK_COUPLING = 0.1         # 1/s: where coupling is let in after a climb without it
NO_COUPLING = 1e-4          # 1/s: vanishing, not zero, where every region would be a root of its own and none leads


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


def fit_spectrum(target, brain, leadfield, *, seed=0, max_rung="sensors", starts=2, steps=None, n_null=19,
                 loss=None, progress=None, command=None):
    """Explain the spectra of EEG channels by a Jansen-Rit network seen through a lead field.

    Climbs from shared parameters to noise amplitude per region, node parameters per region and noise per sensor;
    keeps a rung only when it predicts the choose part better by more than the scatter of so short a stretch, when
    sources carry the occipital alpha and when no root lies right of the axis; refits what was kept to fit and choose
    parts together, also from where the same climb without coupling ended; opens the score part once, beside that climb.

    Parameters
    ----------
    target : SpectrumTarget
    brain : Connectome
        Raw weights, divided by their largest row sum here; tract lengths give delays.
    leadfield : LeadField
        Regions in the order of the connectome; channels are matched by name.
    seed : int
        For the record: starts are placed by design, nothing is drawn.
    max_rung : {"shared", "noise", "region", "sensors"}
    starts : int
    steps : int, optional
        Step limit of every fit.
    n_null : int
        Lead fields with permuted parcels to refit, each rung cut short; the coupling is not tried by them but by the
        climb without coupling.
    loss : Loss, optional
        An expression of `nmfit.loss` that reads spectra, such as ``LogPSD() + 0.1 * Whittle()``; `LogPSD` unless
        given. Scores are R2 of log10 power in every case.
    progress : Progress, optional
    command : str, optional

    Returns
    -------
    Result

    Raises
    ------
    InputError
        Where sizes, names or options do not fit.
    """
    began = time.monotonic()
    brain = brain if isinstance(brain, Connectome) else Connectome(brain)
    if max_rung not in LEVELS:
        raise InputError("max_rung", f"found {max_rung!r}", f"Choose one of {', '.join(LEVELS)}.")
    _check_loss(loss, target)
    leadfield = _matched(target, brain, leadfield)
    with jax.enable_x64(True), one_core_each():
        ground = _ground(target, brain.normalised("none", "rowsum"), leadfield, loss)
        tried = _climb(ground, LEVELS[:LEVELS.index(max_rung) + 1], starts, steps, progress)
        kept = [t.fitted for t in tried if t.kept]
        both = pooled(ground)
        if not kept:
            raise InputError("model JansenRit", "no stable state of rest was found, which the closed form needs",
                             "Widen --fmin and --fmax, or give more starts.")
        whole = [_refitted(both, f, steps) for f in kept]
        if progress is not None:
            progress.start("without coupling")
        apart = dataclasses.replace(both, network=ground.network.replace({"G": NO_COUPLING}), coupled=False)
        path = [(f.level, f.shrinkage) for f in kept]
        twins = climb_spectrum(apart, path, steps=steps)
        whole = [_no_worse(both, f, twin, steps) for f, twin in zip(whole, twins, strict=True)]
        null = None
        if n_null and "score" in target.psd and target.design != "bins":
            null = parcel_null(both, path, brain.hemispheres(), n_null, lambda f: r2_on(f, target, "score"),
                               seed=seed, steps=steps, progress=progress)
        return build_spectrum_result(both, brain, tried, whole, twins, null, seed, command, began)


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


def _matched(target, brain, leadfield):
    check_sensors(target, leadfield)
    leadfield = leadfield if tuple(leadfield.ch_names) == target.ch_names else leadfield.pick(target.ch_names)
    if tuple(leadfield.labels) == tuple(brain.labels):
        return leadfield
    missing = [label for label in brain.labels if label not in leadfield.labels]
    if missing:
        raise InputError("lead field", f"no region {missing[0]} ({len(missing)} of {brain.n} are missing)",
                         "Give a lead field of the connectome's regions.", f"names like {leadfield.labels[0]}")
    return leadfield.order([leadfield.labels.index(label) for label in brain.labels])


def _check_loss(loss, target):
    if loss is None:
        return
    if not isinstance(loss, Loss):
        raise InputError("loss", f"found {loss!r}", "Give an expression of nmfit.loss.", "LogPSD() + 0.1 * Whittle()")
    loss.check({"psd"} | ({"cross"} if target.cross is not None else set()), "this target of spectra")


def _ground(target, brain, leadfield, loss=None):
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
        best = max(fits, key=lambda f: _channel_scores(f, ground.target).mean())
        now = _judge(best, kept, ground.target, began)
        tried.append(now)
        if now.kept:
            kept = now
        if progress is not None:
            progress.rung_done(trial_row(now, None, None, now.fitted))
    return tried


def _channel_scores(fitted, target):
    """Return every channel's share of R2 on what chooses; their mean is R2."""
    role = "choose" if "choose" in target.psd else "fit"
    at = target.bins[role]
    data = np.log10(target.psd[role][at])
    squares = ((np.log10(fitted.psd[at]) - data) ** 2).sum(0)
    return 1.0 - squares * target.s / ((data - data.mean()) ** 2).sum()


def _judge(fitted, below, target, began):
    scores = _channel_scores(fitted, target)
    share = alpha_measures(fitted, target, "fit")["source_share"]
    roots = count_unstable(fitted)
    gain, needed = float(scores.mean()), 0.0
    reason = "the first rung is where the climb starts"
    kept = fitted.abscissa < 0
    if below is not None:
        each = scores - _channel_scores(below.fitted, target)
        gain = float(each.mean())
        needed, against = _asked(fitted, below.fitted, each, target)
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
