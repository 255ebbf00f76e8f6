"""Bringing regions of different files together: by name, and where nobody gave names, by order."""

import difflib
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..network.names import are_names, canonical, numbers, some
from .name_map import read_name_map

NEAREST = 5


class Match(NamedTuple):
    """Which regions of two files are the same: ``first[k]`` is ``second[k]``.

    Attributes
    ----------
    first, second : arrays of int
        Indices into each file's regions, in the order of the first.
    notes : tuple of str
    """

    first: np.ndarray
    second: np.ndarray
    notes: tuple[str, ...] = ()


def match_regions(first, second, where=("connectome", "BOLD"), times=None, drop=False, trust_order=False,
                  map_names=None):
    """Find the regions of one file in another.

    Names decide: exactly, else apart from case, separators and where the hemisphere stands. Where a side has
    no names nothing tells the order, so that the caller has to vouch for it.

    Parameters
    ----------
    first, second : tuple of str, or int
        Region names, or how many regions there are where they have no names.
    where : pair of str
        What to call the two in a message.
    times : int, optional
        Rows of the second's data, to tell a transposed array.
    drop : bool
        Keep the regions both have instead of refusing when one lacks some.
    trust_order : bool
        Match by order where a side has no names and both have as many regions; a note says so.
    map_names : path, or dict of str to str, optional
        Joins two schemes of names: see `read_name_map`.

    Returns
    -------
    Match

    Raises
    ------
    InputError
        Naming the regions that are missing and the names nearest to them.
    """
    if not isinstance(first, int) and not isinstance(second, int) and are_names(first) and are_names(second):
        return _by_name(first, second, where, drop, read_name_map(map_names))
    return _by_order(first, second, where, times, drop, trust_order)


def align(brain, recordings, drop=False, trust_order=False, map_names=None):
    """Bring a connectome and recordings to the same regions, in the connectome's order.

    Parameters
    ----------
    brain : Connectome
    recordings : list of Recording
    drop : bool
        Keep the regions all have instead of refusing when one lacks some.
    trust_order, map_names
        See `match_regions`.

    Returns
    -------
    brain : Connectome
    recordings : list of Recording
    notes : tuple of str
        How they were matched, and what was dropped.
    """
    here = brain.source or "connectome"
    notes, kept, found = [], np.arange(brain.n), []
    for recording in recordings:
        labels = recording.labels if recording.labels is not None else recording.n
        match = match_regions(brain.labels, labels, (here, recording.source or "BOLD"),
                              recording.data.shape[0], drop, trust_order, map_names)
        notes += match.notes
        found.append(dict(zip(match.first.tolist(), match.second.tolist(), strict=True)))
        kept = np.intersect1d(kept, match.first)
    if not np.array_equal(kept, np.arange(brain.n)):
        brain = brain.select(kept)
    aligned = []
    for recording, place in zip(recordings, found, strict=True):
        at = [place[i] for i in kept.tolist()]
        aligned.append(recording if at == list(range(recording.n)) else recording.select(at))
    return brain, aligned, tuple(dict.fromkeys(notes))


def _by_name(ours, theirs, where, drop, same):
    first, second = ([same.get(name, name) for name in names] for names in (ours, theirs))
    exact = {name: j for j, name in enumerate(second)}
    pairs = {i: exact[name] for i, name in enumerate(first) if name in exact}
    # The rest apart from spelling, where that tells every region from every other.
    alike, mine = ({canonical(name): i for i, name in enumerate(names)} for names in (second, first))
    if len(alike) == len(second) and len(mine) == len(first):
        pairs = {i: alike[key] for key, i in mine.items() if key in alike} | pairs
    if len(set(pairs.values())) < len(pairs):
        twice = [theirs[j] for j in pairs.values() if list(pairs.values()).count(j) > 1]
        raise InputError(where[1], f"{twice[0]}, which stands for several regions of {where[0]}",
                         "Give each region a name of its own in the map of names (--map-names).")
    a, b = np.array(sorted(pairs.items()), dtype=int).reshape(-1, 2).T
    unlike = [f"{ours[i]} = {theirs[j]}" for i, j in pairs.items() if ours[i] != theirs[j]]
    notes = [f"{where[0]} and {where[1]} spell regions differently, for example {some(unlike, 3)}: matched "
             f"{'by the map of names' if same else 'apart from case and hemisphere'}"] if unlike else []
    taken = set(pairs.values())
    only_first = [name for i, name in enumerate(ours) if i not in pairs]
    only_second = [name for j, name in enumerate(theirs) if j not in taken]
    if only_first or only_second:
        if not pairs or not drop:
            _refuse_names(((where[1], only_first, theirs), (where[0], only_second, ours)), bool(pairs))
        notes += [f"regions only in {name}, dropped: {some(lost)}"
                  for name, lost in zip(where, (only_first, only_second), strict=True) if lost]
    return Match(a, b, tuple(notes))


def _by_order(first, second, where, times, drop, trust_order):
    (a, total), (b, other), unnamed = *map(_places, (first, second)), [
        name for name, labels in zip(where, (first, second), strict=True)
        if isinstance(labels, int) or not are_names(labels)]
    if total != other:
        _refuse_counts(total, other, where, times)
    if not trust_order:
        raise InputError(" and ".join(unnamed), f"no region names, so that nothing tells the order of {total} regions",
                         "Give them (--labels FILE, labels=), or vouch for one order in both with --trust-order "
                         "(trust_order=True).")
    at = {place: j for j, place in enumerate(b)}
    pairs = np.array([(i, at[place]) for i, place in enumerate(a) if place in at], dtype=int).reshape(-1, 2)
    lost = max(len(a), len(b)) - len(pairs)
    if lost and not drop:
        raise InputError(" and ".join(where), f"{lost} of {total} regions are in one of them only",
                         "Drop them everywhere (--drop-bad).")
    notes = [f"no region names in {' and '.join(unnamed)}: matched by order, {total} regions"]
    notes += [f"{lost} of {total} regions that one of them lacks: dropped"] if lost else []
    return Match(pairs[:, 0], pairs[:, 1], tuple(notes))


def _places(labels):
    """Return the place of each region among all there were, and how many those are."""
    if isinstance(labels, int):
        return range(labels), labels
    return numbers(labels) or (range(len(labels)), len(labels))


def _refuse_counts(m, n, where, times):
    if times == m:
        raise InputError(where[1], f"{times} rows x {n} columns, transposed: {where[0]} has {m} regions",
                         "Give one row per volume and one column per region.")
    raise InputError(where[1], f"{n} regions", "Give both in one atlas.", f"{m} as in {where[0]}")


def _refuse_names(lacking, some_match):
    said = []
    for name, lost, there in lacking:
        if lost:
            near = difflib.get_close_matches(lost[0], there, n=NEAREST, cutoff=0.3)
            like = f" (nearest to {lost[0]}: {', '.join(near)})" if near else ""
            said.append(f"{name} lacks {len(lost)} region{'s' * (len(lost) > 1)}: {some(lost)}{like}")
    raise InputError("regions", "; ".join(said),
                     "Give both in one atlas, or drop what only one has (--drop-bad)." if some_match
                     else "Give both in one atlas, with the same names, or join their names with --map-names FILE.")
