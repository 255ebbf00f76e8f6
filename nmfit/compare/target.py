"""Empirical FC as a target: recordings or a matrix, checked, with what was done to them before."""

import dataclasses
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

from ..errors import InputError
from .designs import by_blocks, by_matrix, by_people, held_out
from .empirical import ROLES, check_band, functional_connectivity
from .envelope import KINDS, envelope_of
from .recording import Recording
from .series import effective_samples, envelope_fc, trimmed
from .upstream import DEFAULT_BAND, declared, notes_of, nuisance_weights, share_left, within_filter

FEWEST_FOR_FOLDS = 6


def fc_target(data, *, band="default", tr=None, labels=None, heldout=None, n_volumes=None, gsr=None, nuisance=None,
              filtered=None, envelope=None, leakage=None):
    """Turn recordings, or an FC matrix, into a target with the roles fit, choose and score.

    Six people or more take turns in nested folds. Fewer are each cut into contiguous blocks with gaps. Data passed
    as `heldout` are the score part, whatever the rest is. A lone FC matrix can choose by masked region pairs only
    (interpolation) and has no score part.

    Parameters
    ----------
    data : list of Recording, Recording, array ``[t, n]`` or list of them, or FC matrix ``[n, n]``
    band : (low, high) in Hz, or None
        Default 0.01 to 0.1 Hz for series, the whole band for a matrix; of that what `filtered` left.
    tr : float, optional
        Seconds; for plain arrays.
    labels : sequence of str, optional
    heldout : like `data`, optional
    n_volumes : int, optional
        Volumes behind an FC matrix, for standard errors.
    gsr : bool, optional
        Whether the global signal was regressed out of the data; what the recordings say unless given. The model's
        covariance then undergoes the same projection, and no rung has a shared drive.
    nuisance : array ``[q, n]``, optional
        Other signals that were regressed out of the data and are weighted sums of its z-scored regions, one row of
        weights each (a network's mean: 1 in its regions). The model undergoes the same projection. Confounds that no
        region makes, such as motion, need no projection: they cost degrees of freedom (`upstream.share_left`).
    filtered : (low, high), optional
        What a filter left of the data before, in Hz; what the recordings say unless given. Model and data are
        compared within it.
    envelope : {"orthogonal", "amplitude"}, optional
        FC is the correlation of amplitude envelopes in the band, of regions' currents in EEG or MEG (TR is then one
        over the sampling rate); "orthogonal" takes what two regions share without a lag out of each pair first. The
        model's is computed in closed form from its coherency (`compare.envelope`).
    leakage : array ``[n, n]``, optional
        How an inverse solution mixes regions, rows recorded and columns true, for the model's envelopes to undergo.

    Raises
    ------
    InputError
        Naming the run and what is wrong with it.
    """
    gsr = bool(declared(data, heldout, "gsr", gsr))
    _check_envelope(envelope, leakage, band, gsr or nuisance is not None)
    band, notes = within_filter(band, declared(data, heldout, "filtered", filtered), _as_matrix(data) is not None)
    with threadpool_limits(1):            # correlations of a hundred regions are too small for threads
        target = _target(data, band, tr, labels, heldout, n_volumes, envelope)
    nuisance = nuisance_weights(nuisance, target.n)
    if envelope is not None:
        seen = envelope_of(envelope, leakage, target.n)
        told = "orthogonalised " if seen.orthogonal else ""
        return dataclasses.replace(target, envelope=seen, samples=_in_band(target, data, tr, labels), notes=(
            *target.notes, *notes, f"FC of {told}amplitude envelopes in {band[0]:g} to {band[1]:g} Hz"))
    return dataclasses.replace(target, gsr=gsr, nuisance=nuisance, samples=_samples(target, data, tr, labels),
                               notes=(*target.notes, *notes, *notes_of(data, gsr, nuisance)))


def _in_band(target, data, tr, labels):
    """Return how many independent amplitudes the final pool holds: B a second in a band of B Hz; None where unknown."""
    width = target.band[1] - target.band[0]
    if target.design == "matrix":
        known = target.volumes is not None and target.tr is not None
        return target.volumes * target.tr * width if known else None
    share = 1.0 - ROLES["score"] if target.design == "blocks" else 1.0
    return share * width * sum(run.seconds for run in _as_runs(data, tr, labels))


def _check_envelope(envelope, leakage, band, regressed):
    if envelope is None:
        if leakage is not None:
            raise InputError("leakage", "given without envelope=", "Add envelope='amplitude' or 'orthogonal'.")
        return
    if envelope not in KINDS:
        raise InputError("envelope", f"found {envelope!r}", "Choose one.", ", ".join(KINDS))
    if band is None or isinstance(band, str):
        raise InputError("envelope", "no band", "Say with band= (--band) in which envelopes are taken, in Hz.",
                         "such as 8 to 13")
    if regressed:
        raise InputError("envelope", "regions regressed out of the data, which the closed form of envelopes does not "
                         "undergo", "Give data without the regression, or declare leakage= in its place.")


def _samples(target, data, tr, labels):
    """Return the effective number of samples that the final pool holds: of all recordings, or of what is not scored."""
    if target.design == "matrix":
        return None if target.volumes is None else float(target.volumes)
    share = 1.0 - ROLES["score"] if target.design == "blocks" else 1.0
    left = sum(effective_samples(trimmed(r.data, r.tr, target.band)) * share_left(r)
               for r in _as_runs(data, tr, labels))
    return share * left if left > 0 else None


def _target(data, band, tr, labels, heldout, n_volumes, envelope):
    matrix = _as_matrix(data)
    if matrix is not None:
        held = None if heldout is None else _as_matrix(heldout)
        if held is None and heldout is not None:
            raise InputError("held-out FC", "it is not a symmetric matrix of correlations",
                             "Give an FC matrix beside an FC matrix.", f"{len(matrix)} x {len(matrix)}")
        return by_matrix(matrix, None if band == "default" else band, tr, labels, held, n_volumes)
    band = DEFAULT_BAND if isinstance(band, str) else band
    measure = functional_connectivity if envelope is None else partial(envelope_fc, orthogonal=envelope == KINDS[0])
    runs = _as_runs(data, tr, labels)
    _check_runs(runs, band)
    if heldout is not None:
        held = _as_matrix(heldout)
        if held is not None:
            return held_out(runs, band, measure, matrix=held)
        others = _as_runs(heldout, tr, labels)
        _check_runs([runs[0], *others], band)
        return held_out(runs, band, measure, others)
    return (by_people if len(runs) >= FEWEST_FOR_FOLDS else by_blocks)(runs, band, measure)


def _as_matrix(data):
    """Return an FC matrix checked, or None where the data are series."""
    if isinstance(data, Recording | list | tuple) or np.iscomplexobj(data):
        return None
    try:
        array = np.asarray(data, dtype=float)
    except (TypeError, ValueError):
        raise InputError("BOLD", f"found {type(data).__name__}", "Give an array of numbers, an FC matrix, or what "
                         "read_bold returns.") from None
    if array.ndim != 2 or array.shape[0] != array.shape[1]:
        return None
    if not np.allclose(array, array.T, atol=1e-6, equal_nan=True):
        if np.allclose(np.diagonal(array), 1.0):
            i, j = np.unravel_index(np.nanargmax(np.abs(array - array.T)), array.shape)
            raise InputError("FC matrix", f"it is not symmetric: {array[i, j]:g} at row {i + 1}, column {j + 1} and "
                             f"{array[j, i]:g} across", "Give the correlations of every pair once, both ways alike.")
        return None
    bad = ~(np.abs(array) <= 1 + 1e-6) & ~np.eye(len(array), dtype=bool)
    if bad.any():
        i, j = np.argwhere(bad)[0]
        raise InputError("FC matrix", f"{array[i, j]:g} at row {i + 1}, column {j + 1}, which is no correlation",
                         "Give Pearson correlations (tanh of Fisher's z), without missing regions.", "-1 to 1")
    fc = array.copy()
    np.fill_diagonal(fc, 1.0)
    return fc


def _as_runs(data, tr, labels):
    data = data if isinstance(data, (list, tuple)) else [data]
    if not data:
        raise InputError("BOLD", "no run was given", "Give at least one.")
    return [d if isinstance(d, Recording) else Recording(d, tr, labels=labels,
                                                         subject=f"{i + 1}", source=f"array {i + 1}")
            for i, d in enumerate(data)]


def _check_runs(runs, band):
    first = runs[0]
    for run in runs:
        if run.data.shape[1] != first.data.shape[1]:
            raise InputError(run.source, f"{run.data.shape[1]} regions", "Give runs of one parcellation.",
                             f"{first.data.shape[1]} as in {first.source}")
        if run.tr != first.tr:
            raise InputError(run.source, f"TR {run.tr:g} s", "Give runs of one TR.", f"{first.tr:g} s")
        if band is not None:
            check_band(run.tr, band, len(run.data), run.source)
