"""The people of a cohort, and which part of each person's data plays which role."""

import dataclasses
import math
from collections import Counter

import numpy as np

from ..compare.empirical import (
    blocks,
    check_band,
    functional_connectivity,
    group_fc,
    peak_frequency,
    reliability_in_halves,
)
from ..compare.recording import Recording
from ..compare.upstream import within_filter
from ..errors import InputError
from ..io.people_regions import align_people
from ..network import Connectome

DESIGNS = ("within", "sessions")
FEWEST = 3
TWO_ROLES = {"fit": 0.65, "choose": 0.35}


@dataclasses.dataclass(frozen=True, eq=False)
class Person:
    """One person: a connectome of one's own and FC in its roles.

    Attributes
    ----------
    name : str
    brain : Connectome, raw weights
    fit, choose, score : arrays ``[n, n]``
        FC of the part that is fitted, of the part that chooses strengths and weights, and of the part that scores.
    pool : array ``[n, n]``
        FC of everything but the score part.
    parts : array ``[3, n, n]``
        FC of three parts of the pool about equally long, for standard errors.
    occasions : array ``[o, n, n]``
        FC of every session, or of the halves of the one run.
    frequency : float
        Peak frequency of the pool in Hz.
    pooled : Recording of the pool
    ceiling : float
        The highest r with the score part that can be expected of any prediction: the root of that part's reliability,
        from its halves.
    covariates : dict of str to number or str
    """

    name: str
    brain: Connectome
    fit: np.ndarray
    choose: np.ndarray
    score: np.ndarray
    pool: np.ndarray
    parts: np.ndarray
    occasions: np.ndarray
    frequency: float
    pooled: Recording
    ceiling: float
    covariates: dict = dataclasses.field(default_factory=dict)


def people_of(sessions, brains, *, band, design=None, covariates=None):
    """Divide every person's data into fit, choose and score; return the people, who failed and why, and the design.

    A single session is cut into contiguous blocks with gaps ("within"). Where everybody has two or more, the score
    part is another session ("sessions"): with two, the first is cut into fit and choose; with more, the first fits,
    the second chooses and the rest score. The two designs ask different questions, so a cohort has one of them.

    Parameters
    ----------
    sessions : dict of str to list of Recording
        Of each person, in time.
    brains : Connectome, or dict of str to Connectome
        One for all, or one for each person.
    band : (low, high) in Hz or None
    design : {"within", "sessions"}, optional
    covariates : dict of str to dict, optional
        Of each person.

    Returns
    -------
    people : list of Person
    failures : dict of str to str
    design : str
    """
    if not sessions:
        raise InputError("cohort", "nobody", "Give at least three people.")
    least = min(len(runs) for runs in sessions.values())
    if design is None:
        design = "sessions" if least > 1 else "within"
        if least == 1 and max(len(runs) for runs in sessions.values()) > 1:
            lone = next(name for name, runs in sessions.items() if len(runs) == 1)
            raise InputError("design", f"{lone} has one session where others have several",
                             "Leave such people out, or ask for design='within' (--design within) for everybody.")
    if design not in DESIGNS:
        raise InputError("design", f"found {design!r}", f"Choose one of {', '.join(DESIGNS)}.")
    if design == "sessions" and least < 2:
        raise InputError("design", "'sessions' where somebody has one", "Give two or more of everybody.")
    own = {name: brains if isinstance(brains, Connectome) else brains.get(name) for name in sessions}
    failures = {name: f"{name}: no connectome. Give one for everybody, or one for all."
                for name, brain in own.items() if brain is None}
    own, sessions, left_out, _ = align_people(own, {n: runs for n, runs in sessions.items() if n not in failures})
    people, failures = [], failures | left_out
    for name, runs in sessions.items():
        try:
            people.append(_person(name, runs, own[name], band, design, (covariates or {}).get(name, {})))
        except InputError as problem:
            failures[name] = str(problem)
    _leave_out_odd_ones(people, failures)
    people = [p for p in people if p.name not in failures]
    if len(people) < FEWEST:
        why = "".join(f"; of {name}: {reason.rstrip('.')}" for name, reason in list(failures.items())[:1])
        raise InputError("cohort", f"{len(people)} people that can be used{why}", "Give at least three people.")
    return people, failures, design


def _leave_out_odd_ones(people, failures):
    """Note who differs from most, and whose data are somebody else's."""
    def kind(person):
        return len(person.fit), person.pooled.tr, person.pooled.gsr

    kinds, seen = Counter(map(kind, people)), {}
    usual = max(kinds, key=kinds.get, default=None)
    for person in people:
        same = seen.setdefault(person.pooled.data.tobytes(), person.name)
        if kind(person) != usual:
            failures[person.name] = (f"{person.name}: {len(person.fit)} regions at TR {person.pooled.tr:g} s, global "
                                     f"signal {'regressed out' if person.pooled.gsr else 'kept'}, unlike most "
                                     f"({usual[0]}, {usual[1]:g} s). Give everybody processed alike")
        elif same != person.name:
            failures[person.name] = f"{person.name}: the same data as {same}. Give each recording once"


def _person(name, runs, brain, band, design, covariates):
    tr = runs[0].tr
    for run in runs:
        if band is not None:
            check_band(tr, band, len(run.data), run.source or name)
        within_filter(band, run.filtered, False)
        if run.n != brain.n:
            raise InputError(run.source or name, f"{run.n} regions", "Give a connectome of the same parcellation.",
                             f"{brain.n} as in the connectome")

    def fc(data):
        return functional_connectivity(data, tr, band)

    first = runs[0].data
    if design == "within":
        at = blocks(len(first), tr, band)
        fit, choose, score = (first[at[role]] for role in ("fit", "choose", "score"))
        pooled, scored = first[:at["choose"].stop], [score]
    elif len(runs) == 2:
        at = blocks(len(first), tr, band, TWO_ROLES)
        fit, choose, pooled, scored = first[at["fit"]], first[at["choose"]], first, [runs[1].data]
    else:
        fit, choose, pooled, scored = first, runs[1].data, first, [run.data for run in runs[2:]]
    parts = np.stack([*(fc(half) for half in np.array_split(fit, 2)), fc(choose)])
    occasions = [run.data for run in runs] if len(runs) > 1 else np.array_split(first, 2)
    reliability = reliability_in_halves(scored, tr, band)
    return Person(name, brain, fc(fit), fc(choose), group_fc([fc(s) for s in scored]), group_fc(parts), parts,
                  np.stack([fc(data) for data in occasions]), peak_frequency([pooled], tr, band),
                  dataclasses.replace(runs[0], data=pooled, subject=name), math.sqrt(min(max(0.0, reliability), 1.0)),
                  covariates)
