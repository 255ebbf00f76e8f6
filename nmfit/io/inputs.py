"""What one fit needs, read together and brought to the same regions."""

import dataclasses
from functools import partial

import numpy as np

from ..compare.scans import scan_target
from ..compare.target import fc_target
from ..errors import InputError
from ..network import Connectome
from .bold import check_different, read_bold
from .connectome import read_connectome
from .fc import read_fc
from .files import expand, fingerprint_of, split_key
from .maps import read_maps
from .matching import align, match_regions
from .name_map import read_name_map
from .unseen import labels_of_data, observed_part, without_unseen


def read_inputs(*, sc, lengths=None, labels=None, bold=None, fc=None, heldout_bold=None, heldout_fc=None, tr=None,
                n_volumes=None, maps=None, band=None, drop_bad=False, gsr=None, nuisance=None,
                filtered=None, atlas=None, trust_order=False, map_names=None, windows=None,
                observed=None, envelope=None):
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
    nuisance : path, optional
        Table of weights over regions, one column for every other signal that was regressed out.
    filtered : (low, high), optional
        In Hz, what a filter left before; what sidecars say unless given.
    atlas : path, optional
        Label image, for BOLD in voxels or grayordinates.
    trust_order, map_names
        See `match_regions`.
    windows : (length, step) in seconds, optional
        Measure BOLD as scans, with their dynamics, for a fit through simulation; not a matrix.
    observed : sequence of str, optional
        Regions of the connectome that the data are about. The others stay in the connectome, which then has more
        regions than the target, and in the maps; data may hold them (they go without) or lack them.
    envelope : {"orthogonal", "amplitude"}, optional
        See `fc_target`.

    Returns
    -------
    target : FcTarget or ScanTarget
    brain : Connectome or list of Connectome
    names : tuple of str or None
        Of the maps.
    maps : array ``[m, n]`` or None
    """
    files = expand(sc)
    rules = {"drop": drop_bad, "trust_order": trust_order, "map_names": read_name_map(map_names)}
    of_data = labels_of_data(labels, observed)
    series = {"tr": tr, "labels": of_data, "drop_bad": drop_bad, "atlas": atlas, "trust_order": trust_order,
              "map_names": rules["map_names"]}
    runs = None if bold is None else read_bold(bold, **series)
    brains = _connectomes(files, lengths, labels, runs, rules["map_names"])
    every = Connectome.mean(brains)
    whole, seen = observed_part(every, observed)
    looked = partial(without_unseen, brain=every, seen=seen, map_names=rules["map_names"])
    held = None if heldout_bold is None else read_bold(heldout_bold, **series)
    if runs is not None:
        check_different([*runs, *(held or [])])
        common, aligned, notes = align(whole, [looked(run) for run in (*runs, *(held or []))], **rules)
        notes += tuple(note for run in aligned for note in run.notes)
        data, scored = aligned[:len(runs)], aligned[len(runs):] or None
        if heldout_fc is not None:
            scored, more = _matrix(heldout_fc, of_data, common, {**rules, "drop": False}, looked)
            notes += more
    else:
        if held is not None:
            raise InputError("--heldout-bold", "BOLD to score an FC matrix", "Give --heldout-fc, or --bold.")
        common, notes = _regions_of_matrix(fc, of_data, whole, rules, looked)
        (data, more), scored = _matrix(fc, of_data, common, rules, looked), None
        notes += more
        if heldout_fc is not None:
            scored, more = _matrix(heldout_fc, of_data, common, rules, looked)
            notes += more
            if np.array_equal(scored, data):
                raise InputError(heldout_fc, f"the same data as {fc}",
                                 "Give others: on what it was fitted to, any model looks good.")
    kept = [whole.labels.index(label) for label in common.labels]
    mapped = common.labels if seen is None else every.labels
    names, values = (None, None) if maps is None else read_maps(maps, mapped, trust_order, map_names)
    band, censored = _band(band, [*(runs or []), *(held or [])])
    if windows is not None and nuisance is not None:
        raise InputError("--nuisance", "a fit through simulation, which does not undergo the regression",
                         "Fit in closed form, or give scans without it.")
    if windows is not None and envelope is not None:
        raise InputError("--envelope", "a fit through simulation, which does not measure envelopes",
                         "Fit in closed form (leave --engine out).")
    if windows is not None and runs is not None and heldout_fc is None:
        target = scan_target(data, heldout=scored, band=(0.01, 0.1) if band == "default" else band, window=windows[0],
                             step=windows[1], gsr=gsr)
    else:
        target = fc_target(data, band=band, labels=common.labels if runs is None else None, heldout=scored,
                           n_volumes=n_volumes, tr=tr, gsr=gsr, filtered=filtered, envelope=envelope,
                           nuisance=None if nuisance is None else read_maps(nuisance, common.labels, trust_order,
                                                                            map_names)[1])
    lost = [label for label in whole.labels if label not in common.labels]
    target = dataclasses.replace(
        target, notes=tuple(dict.fromkeys((*notes, *target.notes))),
        sha256=target.sha256 | _fingerprints(fc, heldout_fc, maps, nuisance),
        flags=(*target.flags, *censored, *([f"dropped_regions:{', '.join(lost)}"] if lost else [])))
    if seen is not None:
        return target, every, names, values
    return target, [brain.select(kept) for brain in brains] if len(brains) > 1 else common, names, values


def _connectomes(files, lengths, labels, runs, map_names):
    """Return one connectome per person where there are as many as recordings, else their mean alone."""
    tracts = [None] * len(files) if lengths is None else expand(lengths)
    if len(tracts) == 1:
        tracts = tracts * len(files)
    if len(files) < 2 or runs is None or len(files) != len(runs):
        return [read_connectome(files, None if lengths is None else tracts, labels, map_names=map_names)]
    if len(tracts) != len(files):
        raise InputError("--lengths", f"{len(tracts)} matrices", "Give one for all, or one for each connectome.",
                         f"1 or {len(files)}")
    for file, run in zip(files, runs, strict=True):
        person = split_key(file)[0].name.split("_")[0]
        if person.startswith("sub-") and run.subject.startswith("sub-") and person != run.subject:
            raise InputError(file, f"the connectome of {person} beside the recording of {run.subject}",
                             "Give connectomes in the order of the recordings.")
    return [read_connectome(file, tract, labels, map_names=map_names)
            for file, tract in zip(files, tracts, strict=True)]


def _regions_of_matrix(path, labels, brain, rules, looked):
    values, names = looked(read_fc(path, labels, rules["map_names"]))
    match = match_regions(brain.labels, len(values) if names is None else names, _places(brain, path), **rules)
    kept = np.sort(match.first)
    return (brain if len(kept) == brain.n else brain.select(kept)), match.notes


def _matrix(path, labels, brain, rules, looked):
    """Return an FC matrix in the connectome's order."""
    found = looked(read_fc(path, labels, rules["map_names"]))
    values, names = found
    match = match_regions(brain.labels, len(values) if names is None else names, _places(brain, path), **rules)
    if len(match.first) != brain.n:
        lacking = [brain.labels[i] for i in np.setdiff1d(np.arange(brain.n), match.first)]
        raise InputError(path, f"no region {lacking[0]}", "Give FC of the same regions.")
    at = match.second[np.argsort(match.first)]
    return values[np.ix_(at, at)], (*found.notes, *match.notes)


def _fingerprints(*paths):
    """Return ``{file name: sha256}`` of the files that are named."""
    found = {}
    for path in paths:
        if path is not None:
            found |= fingerprint_of(split_key(path)[0])
    return found


def _places(brain, path):
    return brain.source or "connectome", str(path)


def _band(band, runs):
    """Return the band, and the flag of a censored series: what a filter needs is what censoring took out."""
    censored = next((run for run in runs if any(note.startswith("censored") for note in run.notes)), None)
    if censored is None:
        return "default" if band is None else tuple(band), []
    if band is not None:
        raise InputError(censored.source or "BOLD", "a censored series, which no filter can be run over",
                         "Leave --band out (FC over the whole band), or give the series without censoring.")
    return None, ["censored_series"]
