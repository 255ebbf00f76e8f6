"""Fit a network through a lead field to spectra: climb, judge, score once, answer."""

import time

import jax

from ...compare.loss import Loss
from ...errors import InputError
from ...network import Connectome
from ...observe.leadfield import LeadField
from ..threads import one_core_each
from .answer import build_spectrum_result, r2_on
from .channels import channels_left_out
from .check import check_sensors
from .climb import climb_by_slopes
from .evidence import parcel_null
from .under_loss import climb_under_loss


def fit_spectrum(target, brain, leadfield, *, seed=0, max_rung="sensors", starts=2, steps=None, n_null=19,
                 loss=None, progress=None, command=None, keep=None):
    """Explain the spectra of EEG channels by a network of populations seen through a lead field.

    Climbs from one damped oscillator with shared parameters (`Hopf`) to Jansen and Rit's columns at equal freedom, to
    a second and a third population in every region, each begun where the data exceed the fit most, to parameters
    along maps, to every region's own, shrunken, to noise and sensitivity per sensor. Keeps a rung only when it
    predicts the choose part better by more than the scatter of so short a stretch, when sources carry the occipital
    alpha and when no root lies right of the axis. What was kept is refitted to fit and choose parts together, then
    once more with coupling let in; the score part is opened once, for both. Fits a fifth fewer channels and predicts
    those.

    Parameters
    ----------
    target : SpectrumTarget
    brain : Connectome
        Raw weights, divided by their largest row sum here; tract lengths give delays, centroids maps.
    leadfield : LeadField
        Regions in the order of the connectome; channels are matched by name.
    seed : int
        Of the nulls; starts are placed by design.
    max_rung : str
        "shared", "columns", "two scales", "three scales", "maps", "maps two scales", "maps three scales", "region" or
        "sensors".
    starts : int
        Where a model enters: peaks of the data that an oscillator begins at, potentials at which columns rest.
    steps : int, optional
        Step limit of every fit.
    n_null : int
        Lead fields with permuted parcels to refit the highest kept rung to, coupling included and cut short, beside the
        right one under the same protocol. Every parcel takes its region's values along, so that what is tried is the
        place: who hears whom, and the maps.
    loss : Loss, optional
        An expression of `nmfit.loss` that reads spectra, such as ``LogPSD() + 0.1 * Whittle()``: fitted by another
        climb, of columns alone (rungs "shared", "noise", "region" and "sensors"). The mean squared residual of log10
        power unless given. Scores are R2 of log10 power in every case.
    progress : Progress, optional
    command : str, optional
    keep : function ``(key, compute) -> arrays``, optional
        Remembers finished searches, so that an interrupted call goes on where it stood: see `nmfit.io.Ledger`. Not of
        fits under a loss of one's own.

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
    _check_loss(loss, target)
    leadfield = _matched(target, brain, leadfield)
    with jax.enable_x64(True), one_core_each():
        normalised, told = brain.normalised("none", "rowsum"), {"max_rung": max_rung, "starts": starts, "steps": steps,
                                                                "progress": progress}
        if loss is None:
            found = climb_by_slopes(target, normalised, leadfield, keep=keep, **told)
        else:
            found = climb_under_loss(target, normalised, leadfield, loss, **told)
        both, tried, whole, twins, permuted, climb = found
        if not whole:
            raise InputError("the spectra", "no stable state of rest was found, which the closed form needs",
                             "Widen --fmin and --fmax, or give more starts.")
        null = None
        if n_null and "score" in target.psd and target.design != "bins":
            null = parcel_null(both, permuted, brain.hemispheres(), n_null, lambda f: r2_on(f, target, "score"),
                               seed=seed, steps=steps, progress=progress)
        left_out = None
        if climb is not None:
            if progress is not None:
                progress.start("channels left out")
            left_out = channels_left_out(both, climb, steps)
        return build_spectrum_result(both, brain, tried, whole, twins, null, left_out, seed, command, began)


def _matched(target, brain, leadfield):
    if not isinstance(leadfield, LeadField):
        raise InputError("leadfield", f"found {type(leadfield).__name__}",
                         "Read it with nmfit.read_leadfield(gain, ch_names=, labels=), which matches names.")
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
