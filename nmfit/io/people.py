"""The people of a study: a folder of recordings and connectomes, read person by person."""

import re
from pathlib import Path
from typing import NamedTuple

from ..errors import InputError
from .bold import read_bold
from .cells import read_cells
from .connectome import read_connectome
from .matching import align

SERIES = ("bold", "timeseries")
TABLES = (".tsv", ".csv", ".npy")
PARTICIPANTS = "participants.tsv"
LABELS = "labels.tsv"


class People(NamedTuple):
    """What a folder holds.

    Attributes
    ----------
    sessions : dict of str to list of Recording
    brains : Connectome, or dict of str to Connectome
    covariates : dict of str to dict of str to number or str
    unread : dict of str to str
        Who cannot be used, and why.
    notes : tuple of str
    """

    sessions: dict
    brains: object
    covariates: dict
    unread: dict
    notes: tuple


def read_people(folder, *, sc=None, lengths=None, labels=None, only=None, tr=None, drop_bad=False, outside=None):
    """Read everybody in a folder; who cannot be read is named with the reason, and the others are read.

    Files are found by name at any depth: ``sub-01[_ses-1]_*bold.tsv`` (or ``timeseries``; .csv and .npy as well),
    ``sub-01*_weights.csv`` and ``sub-01*_lengths.csv``; ``participants.tsv`` holds covariates by ``participant_id`` and
    ``labels.tsv`` the regions.

    Parameters
    ----------
    folder : path
    sc, lengths : path, optional
        One connectome for everybody.
    labels : path, optional
    only : sequence of str, optional
        Labels of the people to read, with or without ``sub-``.
    tr : float, optional
        Seconds; what the ``.json`` beside each recording says unless given.
    drop_bad : bool
    outside : path, optional
        A folder inside that is not looked into, such as that of the results.

    Returns
    -------
    People

    Raises
    ------
    InputError
        Where the folder holds no recording, or a person that was asked for is not there.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(folder, "no such folder", "Give the folder of the study.")
    files = _by_person(folder, None if outside is None else Path(outside).resolve())
    found = {name: kinds for name, kinds in files.items() if kinds["series"]}
    if not found:
        raise InputError(folder, "no recording", "Name recordings like sub-01_bold.tsv, one row per volume.")
    if only:
        wanted = [name if name.startswith("sub-") else f"sub-{name}" for name in only]
        absent = [name for name in wanted if name not in found]
        if absent:
            raise InputError("--participant-label", f"no recording of {absent[0]}",
                             f"Choose among {', '.join(list(found)[:5])}, ...")
        found = {name: found[name] for name in wanted}
    labels = folder / LABELS if labels is None and (folder / LABELS).is_file() else labels
    shared = None if sc is None else read_connectome(sc, lengths, labels)
    sessions, brains, unread, notes = {}, {}, {}, []
    for name, kinds in found.items():
        try:
            brain = shared or _own(name, kinds, labels)
            brain, runs, said = align(brain, read_bold(kinds["series"], tr, labels, drop_bad), drop_bad)
        except InputError as problem:
            unread[name] = str(problem)
            continue
        sessions[name], brains[name] = runs, brain
        notes += [*said, *brain.notes]
    return People(sessions, brains, _covariates(folder), unread, tuple(dict.fromkeys(notes)))


def _by_person(folder, outside):
    """Return the files of everybody by what they hold, sorted by name."""
    people = {}
    for path in sorted(folder.rglob("sub-*")):
        person = re.match(r"sub-[A-Za-z0-9]+(?=_)", path.name)
        if not person or path.suffix not in TABLES or (outside and outside in path.resolve().parents):
            continue
        kind = path.stem.rsplit("_", 1)[-1]
        kind = "series" if kind in SERIES else kind
        kinds = people.setdefault(person[0], {"series": [], "weights": [], "lengths": []})
        if kind in kinds:
            kinds[kind].append(str(path))
    return people


def _own(name, kinds, labels):
    for kind in ("weights", "lengths"):
        if len(kinds[kind]) > 1:
            raise InputError(name, f"{len(kinds[kind])} files of {kind}", "Leave one.")
    if not kinds["weights"]:
        raise InputError(name, "no connectome", f"Add {name}_weights.csv, or give one for everybody with --sc.")
    return read_connectome(kinds["weights"], kinds["lengths"] or None, labels)


def _covariates(folder):
    """Return what `participants.tsv` says of everybody; numbers where a whole column is numbers."""
    path = folder / PARTICIPANTS
    if not path.is_file():
        return {}
    (head, *rows) = read_cells(path).rows
    if head[0] != "participant_id" or any(len(row) != len(head) for row in rows):
        raise InputError(path, f"columns {', '.join(head[:4])}", "Begin with participant_id, one cell in every row.")
    columns = {name: [row[k] for row in rows] for k, name in enumerate(head) if k}
    table = {name: _numbers(cells) for name, cells in columns.items()}
    return {row[0]: {name: values[i] for name, values in table.items() if values[i] is not None}
            for i, row in enumerate(rows)}


def _numbers(cells):
    kept = [None if cell in ("", "n/a") else cell for cell in cells]
    try:
        return [None if cell is None else float(cell) for cell in kept]
    except ValueError:
        return kept
