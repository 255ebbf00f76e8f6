"""What was done to BOLD before it came here: declared with the data, undergone by the model, too."""

import numpy as np

from ..errors import InputError
from ..network.names import some
from .recording import Recording

DEFAULT_BAND = (0.01, 0.1)
DEPENDENT = 1e-8           # of the largest singular value: below it a weighted sum says nothing new
GSR_NOTE = "global signal regressed out of the data: the model's covariance is projected alike, without a shared drive"


def declared(data, heldout, name, given):
    """Return what was given, or else what all recordings say of `name`; they must say the same.

    Parameters
    ----------
    data, heldout : what `fc_target` was given
    name : "gsr" or "filtered"
    given : what the call says; None leaves it to the recordings
    """
    if given is not None:
        return given
    said = {getattr(run, name): run for part in (data, heldout)
            for run in (part if isinstance(part, list | tuple) else [part]) if isinstance(run, Recording)}
    if len(said) > 1:
        (one, a), (other, b) = list(said.items())[:2]
        raise InputError(b.source or "BOLD", f"{_told(name, other)}, while {a.source or 'another run'} has "
                         f"{_told(name, one)}", "Give runs that were processed alike.")
    return next(iter(said), None)


def _told(name, value):
    if name == "gsr":
        return f"{'a' if value else 'no'} global-signal regression"
    return "no filter" if value is None else f"a filter of {value[0]:g} to {value[1]:g} Hz"


def within_filter(band, filtered, matrix):
    """Return the band that model and data share, and a note where a filter of before decides it.

    Parameters
    ----------
    band : (low, high) in Hz, None or "default"
    filtered : (low, high) in Hz that a filter of before left, or None
    matrix : whether the data are a matrix, of which no band can be cut out any more

    Raises
    ------
    InputError
        For a filter that is none, and a band that reaches where nothing is left.
    """
    if filtered is None:
        return band, ()
    low, high = (float(edge) for edge in filtered)
    if not 0 <= low < high:
        raise InputError("filter", f"found {low:g} to {high:g} Hz", "Give low and high with 0 <= low < high.")
    told = f"filtered before: {low:g} to {high:g} Hz"
    if band is not None and not isinstance(band, str):
        if band[0] < low - 1e-12 or band[1] > high + 1e-12:
            raise InputError("band", f"{band[0]:g} to {band[1]:g} Hz where a filter left {low:g} to {high:g} Hz",
                             "Narrow the band to what the filter left.")
        return band, (told,)
    wanted = DEFAULT_BAND if isinstance(band, str) and not matrix else (low, high)
    both = (max(low, wanted[0]), min(high, wanted[1]))
    if not both[0] < both[1]:
        raise InputError("band", f"the usual {wanted[0]:g} to {wanted[1]:g} Hz where a filter left {low:g} to "
                         f"{high:g} Hz", "Give the band of the data.")
    return both, (f"{told}; compared from {both[0]:g} to {both[1]:g} Hz",)


def nuisance_weights(nuisance, n):
    """Return weighted sums of regions that were regressed out, checked, ``[q, n]``, or None.

    Raises
    ------
    InputError
        For another number of regions and values that are not finite.
    """
    if nuisance is None:
        return None
    try:
        rows = np.atleast_2d(np.asarray(nuisance, float))
    except (TypeError, ValueError):
        rows = np.full((1, 1), np.nan)
    if rows.ndim != 2 or rows.shape[1] != n or not np.isfinite(rows).all():
        raise InputError("nuisance", f"shape {rows.shape} or values that are not finite",
                         "Give one row per signal that was regressed out, one weight per region.", f"[q, {n}]")
    if not np.abs(rows).sum(1).all():
        empty = int(np.argmin(np.abs(rows).sum(1)))
        raise InputError("nuisance", f"row {empty + 1} holds zeros alone", "Leave it out.")
    if len(rows) > n // 2:
        raise InputError("nuisance", f"{len(rows)} signals out of {n} regions", "Give fewer than half as many.")
    return rows


def projector(n, gsr, nuisance):
    """Return an orthonormal basis ``[n, q]`` of all weighted sums that were regressed out, or None."""
    rows = [*([np.ones(n)] if gsr else []), *([] if nuisance is None else nuisance)]
    if not rows:
        return None
    turned, size, _ = np.linalg.svd(np.stack(rows, axis=1), full_matrices=False)
    return turned[:, size > DEPENDENT * size[0]]


def notes_of(data, gsr, nuisance):
    """Return in words what was regressed out, and what a model undergoes of it."""
    notes = [GSR_NOTE] if gsr else []
    if nuisance is not None:
        notes.append(f"{len(nuisance)} weighted {'sums' if len(nuisance) > 1 else 'sum'} of regions regressed out of "
                     "the data: the model's covariance is projected alike")
    others = confounds(data)
    if others:
        notes.append(f"regressed out before: {some(others)}; a model knows nothing of them, they cost the data "
                     f"{len(others)} degrees of freedom")
        if min(share_left(run) for run in runs_of(data)) <= 0:
            notes.append("as many of them as a filter left dimensions: how many samples FC is worth is unknown")
    return tuple(notes)


def confounds(data):
    """Return the names of what was regressed out and is no sum of regions, over all recordings."""
    return tuple(dict.fromkeys(name for run in runs_of(data) for name in run.confounds if not is_global(name)))


def runs_of(data):
    """Return the recordings among data."""
    return [run for run in (data if isinstance(data, list | tuple) else [data]) if isinstance(run, Recording)]


def share_left(run):
    """Return the share of a recording's degrees of freedom that regressing confounds out of it left, 0 to 1.

    A confound that no region makes is an arbitrary direction of the space that the series lives in: least squares
    takes one dimension, and from what is left the same share of variances and covariances, on average, so that the
    expectation of a correlation stays and only its scatter grows. That space has a dimension per volume, or
    ``2 B T`` where a filter left a band of ``B`` Hz: confounds are filtered as the data are.

    References
    ----------
    Lindquist et al. 2019, Hum Brain Mapp 40:2358; Bright, Tench & Murphy 2017, NeuroImage 154:159.
    """
    dimensions = len(run.data)
    if run.filtered is not None:
        low, high = run.filtered
        dimensions = min(dimensions, 2.0 * (min(high, 0.5 / run.tr) - low) * run.seconds)
    return max(0.0, 1.0 - len(confounds(run)) / dimensions)


def is_global(name):
    """Return whether a confound is the global signal, or made of it (derivatives, powers)."""
    return name.lower().startswith(("global_signal", "globalsignal"))
