"""What one fit needs, read together and brought to the same regions."""

import dataclasses
from pathlib import Path

import numpy as np

from ..compare.target import fc_target
from ..errors import InputError
from ..network import Connectome
from .bold import read_bold
from .connectome import read_connectome
from .fc import read_fc
from .files import expand, fingerprint, split_key
from .maps import read_maps
from .matching import align, match_regions


def read_inputs(*, sc, lengths=None, labels=None, bold=None, fc=None, heldout_bold=None, heldout_fc=None, tr=None,
                n_volumes=None, maps=None, band=None, drop_bad=False, gsr=None):
    """Read the files of one fit; regions are those of the connectome, in its order.

    Parameters
    ----------
    sc, lengths : list of paths or patterns
        One connectome, one per recording in the order of the recordings (each fit then averages those of the
        people it may see), or any other number, which are averaged.
    labels, maps : path, optional
    bold, heldout_bold : list of paths or patterns, optional
    fc, heldout_fc : path, optional
    tr : float, optional
        Seconds.
    n_volumes : int, optional
        Behind an FC matrix.
    band : (low, high), optional
        In Hz; 0.01 to 0.1 for BOLD and the whole band for a matrix unless given.
    drop_bad : bool
        Drop regions that are missing or constant somewhere, everywhere.
    gsr : bool, optional
        Whether the global signal was regressed out of the data; what sidecars say unless given.

    Returns
    -------
    target : FcTarget
    brain : Connectome or list of Connectome
    names : tuple of str or None
        Of the maps.
    maps : array ``[m, n]`` or None
    """
    files = expand(sc)
    runs = None if bold is None else read_bold(bold, tr, labels, drop_bad)
    brains = _connectomes(files, lengths, labels, runs)
    whole = Connectome.mean(brains)
    held = None if heldout_bold is None else read_bold(heldout_bold, tr, labels, drop_bad)
    if runs is not None:
        common, aligned, notes = align(whole, [*runs, *(held or [])], drop_bad)
        notes += tuple(note for run in aligned for note in run.notes)
        data, scored = aligned[:len(runs)], aligned[len(runs):] or None
        if heldout_fc is not None:
            scored, more = _matrix(heldout_fc, labels, common, drop=False)
            notes += more
    else:
        if held is not None:
            raise InputError("--heldout-bold", "BOLD to score an FC matrix", "Give --heldout-fc, or --bold.")
        common, notes = _regions_of_matrix(fc, labels, whole, drop_bad)
        (data, more), scored = _matrix(fc, labels, common, drop_bad), None
        notes += more
        if heldout_fc is not None:
            scored, more = _matrix(heldout_fc, labels, common, drop_bad)
            notes += more
    kept = [whole.labels.index(label) for label in common.labels]
    names, values = (None, None) if maps is None else read_maps(maps, common.labels)
    target = fc_target(data, band=_band(band), labels=common.labels if runs is None else None, heldout=scored,
                       n_volumes=n_volumes, tr=tr, gsr=gsr)
    lost = [label for label in whole.labels if label not in common.labels]
    target = dataclasses.replace(
        target, notes=tuple(dict.fromkeys((*notes, *target.notes))),
        sha256=target.sha256 | _fingerprints(fc, heldout_fc, maps),
        flags=(*target.flags, *([f"dropped_regions:{', '.join(lost)}"] if lost else [])))
    return target, [brain.select(kept) for brain in brains] if len(brains) > 1 else common, names, values


def _connectomes(files, lengths, labels, runs):
    """Return one connectome per person where there are as many as recordings, else their mean alone."""
    tracts = [None] * len(files) if lengths is None else expand(lengths)
    if len(tracts) == 1:
        tracts = tracts * len(files)
    if len(files) < 2 or runs is None or len(files) != len(runs):
        return [read_connectome(files, None if lengths is None else tracts, labels)]
    if len(tracts) != len(files):
        raise InputError("--lengths", f"{len(tracts)} matrices", "Give one for all, or one for each connectome.",
                         f"1 or {len(files)}")
    for file, run in zip(files, runs, strict=True):
        person = split_key(file)[0].name.split("_")[0]
        if person.startswith("sub-") and run.subject.startswith("sub-") and person != run.subject:
            raise InputError(file, f"the connectome of {person} beside the recording of {run.subject}",
                             "Give connectomes in the order of the recordings.")
    return [read_connectome(file, tract, labels) for file, tract in zip(files, tracts, strict=True)]


def _regions_of_matrix(path, labels, brain, drop):
    values, names = read_fc(path, labels)
    match = match_regions(brain.labels, len(values) if names is None else names, _places(brain, path), drop=drop)
    kept = np.sort(match.first)
    return (brain if len(kept) == brain.n else brain.select(kept)), match.notes


def _matrix(path, labels, brain, drop):
    """Return an FC matrix in the connectome's order."""
    values, names = read_fc(path, labels)
    match = match_regions(brain.labels, len(values) if names is None else names, _places(brain, path), drop=drop)
    if len(match.first) != brain.n:
        lacking = [brain.labels[i] for i in np.setdiff1d(np.arange(brain.n), match.first)]
        raise InputError(path, f"no region {lacking[0]}", "Give FC of the same regions.")
    at = match.second[np.argsort(match.first)]
    return values[np.ix_(at, at)], match.notes


def _fingerprints(*paths):
    """Return ``{file name: sha256}`` of the files that are named."""
    found = {}
    for path in paths:
        if path is not None:
            file = split_key(path)[0]
            found |= fingerprint(file, Path(file).read_bytes())
    return found


def _places(brain, path):
    return brain.source or "connectome", str(path)


def _band(band):
    return "default" if band is None else tuple(band)
