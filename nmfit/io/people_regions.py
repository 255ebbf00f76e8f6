"""Bringing everybody of a cohort to the same regions in the same order."""

from collections import Counter

import numpy as np

from ..errors import InputError
from ..network.names import are_names, some
from .matching import align, match_regions

LEAST = 0.5              # of the regions that most people have; who shares fewer is in another atlas


def align_people(brains, sessions, drop=False):
    """Bring everybody to the regions, and the order, that most people have, by name.

    Parameters
    ----------
    brains : dict of str to Connectome
    sessions : dict of str to list of Recording
    drop : bool
        Drop regions that somebody lacks from everybody, instead of leaving those people out.

    Returns
    -------
    brains, sessions : dicts, of those who can be compared
    left_out : dict of str to str, and why
    notes : tuple of str
    """
    brains, sessions, left_out, found, own = dict(brains), dict(sessions), {}, {}, {}
    for name, runs in sessions.items():
        try:
            if brains[name].named and any(run.named and run.labels != brains[name].labels for run in runs):
                brains[name], sessions[name], _ = align(brains[name], runs)
            own[name] = _labels(brains[name], sessions[name])
        except InputError as problem:
            left_out[name] = f"{name}: {problem}"
    usual = Counter(map(frozenset, own.values())).most_common(1)
    reference = next((labels for labels in own.values() if frozenset(labels) == usual[0][0]), ())
    for name, labels in own.items():
        try:
            match = match_regions(reference, labels, ("most people", name), drop=drop,
                                  trust_order=not are_names(reference) and not are_names(labels))
            if len(match.first) < LEAST * len(reference):
                raise InputError(name, f"{len(match.first)} of {len(reference)} regions that most people have",
                                 "Give everybody in one atlas.")
            found[name] = match
        except InputError as problem:
            left_out[name] = f"{name}: {problem}"
    kept = np.arange(len(reference))
    for match in found.values():
        kept = np.intersect1d(kept, match.first)
    lacking = {reference[i]: name for name, match in reversed(found.items())
               for i in np.setdiff1d(np.arange(len(reference)), match.first)}
    for name, match in found.items():
        at = match.second[np.searchsorted(match.first, kept)]
        if not np.array_equal(at, np.arange(brains[name].n)):
            brains[name] = brains[name].select(at)
            sessions[name] = [run.select(at) for run in sessions[name]]
    told = [f"{region} ({name})" for region, name in sorted(lacking.items())]
    notes = (f"dropped in everybody, since somebody lacks them: {some(told, 20)}",) if told else ()
    return ({name: brains[name] for name in found}, {name: sessions[name] for name in found}, left_out, notes)


def _labels(brain, runs):
    if brain.named:
        return tuple(brain.labels)
    named = next((run.labels for run in runs if run.named), None)
    return tuple(brain.labels if named is None else named)
