"""The people of a study: a folder of recordings and connectomes, read person by person."""

import glob
import os
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..network.names import some
from .bold import read_bold
from .cells import read_cells
from .connectome import read_connectome
from .files import GLOB, split_key
from .matching import align
from .people_regions import align_people
from .quality import read_quality

SERIES = re.compile(r"_(bold|timeseries)\.(tsv|csv|npy|ptseries\.nii)$")
WEIGHTS, LENGTHS = re.compile(r"_weights\.(tsv|csv|npy)$"), re.compile(r"_lengths\.(tsv|csv|npy)$")
# Of the tables that pipelines put beside series under the same endings: confounds, coverage, ALFF, ReHo, ...
NO_SERIES = re.compile(r"_desc-confounds_|_stat-(?!mean_)[A-Za-z0-9]+_")
ONE_OF = ("atlas", "seg", "task", "space", "feature", "desc")       # entities that one cohort has one value of
PERSON = re.compile(r"sub-[A-Za-z0-9]+")
QUALITY = ("mean_fd", "tsnr")
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


def read_people(folder, *, bold=None, sc=None, lengths=None, labels=None, atlas=None, map_names=None, only=None,
                tr=None, drop_bad=False, trust_order=False, outside=None):
    """Read everybody in a folder; who cannot be read is named with the reason, and the others are read.

    Files are found by name at any depth: ``sub-01[_ses-1]_*bold.tsv`` (or ``timeseries``; .csv, .npy and .ptseries.nii
    as well), ``sub-01*_weights.csv`` and ``sub-01*_lengths.csv``; ``participants.tsv`` holds covariates by
    ``participant_id`` and ``labels.tsv`` the regions. Mean framewise displacement and signal-to-noise come from the
    confounds beside the recordings where `participants.tsv` has none (`read_quality`).

    Parameters
    ----------
    folder : path
    bold : str, optional
        Pattern of the recordings, such as ``*_atlas-4S156Parcels_*timeseries.tsv``, where names alone do not tell.
        A pattern is looked up where it stands, else at any depth of the folder; every file belongs to the person whose
        ``sub-`` its name, or the folder nearest to it, bears.
    sc, lengths : str or path, optional
        One connectome for everybody; or a pattern of one for each, such as ``*_connectivity.mat::KEY``.
    labels, atlas, map_names, trust_order
        See `read_bold`.
    only : sequence of str, optional
        Labels of the people to read, with or without ``sub-``.
    tr : float, optional
        Seconds; what the ``.json`` beside each recording says unless given.
    drop_bad : bool
        Drop regions that are bad, or missing, in somebody from everybody; who lacks regions is left out unless given.
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
    outside = None if outside is None else Path(outside).resolve()
    series = _series(folder, outside) if bold is None else _by_person(folder, bold, outside)
    if not series:
        raise InputError(folder, "no recording", "Name recordings like sub-01_bold.tsv, one row per volume, or say "
                         "which they are: --bold PATTERN.")
    if only:
        wanted = [name if name.startswith("sub-") else f"sub-{name}" for name in only]
        absent = [name for name in wanted if name not in series]
        if absent:
            raise InputError("--participant-label", f"no recording of {absent[0]}",
                             f"Choose among {', '.join(list(series)[:5])}, ...")
        series = {name: series[name] for name in wanted}
    labels = folder / LABELS if labels is None and (folder / LABELS).is_file() else labels
    weights, tracts = (_connectomes(folder, given, ending, outside) for given, ending in
                       ((sc, WEIGHTS), (lengths, LENGTHS)))
    shared = None if isinstance(weights, dict) else read_connectome(
        weights, None if isinstance(tracts, dict) else tracts, labels, map_names=map_names)
    sessions, brains, unread, notes = {}, {}, {}, []
    for name, files in series.items():
        try:
            brain = shared or _own(name, weights, tracts, labels, map_names)
            runs = read_bold(files, tr, labels, drop_bad, atlas, trust_order, map_names)
            brain, runs, said = align(brain, runs, drop_bad, trust_order, map_names)
        except InputError as problem:
            unread[name] = str(problem)
            continue
        sessions[name], brains[name] = runs, brain
        notes += [*said, *brain.notes]
    brains, sessions, left_out, told = align_people(brains, sessions, drop_bad)
    covariates, more = _with_quality(_covariates(folder), sessions)
    return People(sessions, brains, covariates, unread | left_out, tuple(dict.fromkeys((*notes, *told, *more))))


def _series(folder, outside):
    """Return everybody's recordings by their usual names; images of parcels where there are no tables."""
    found = {name: [file for file in files if not NO_SERIES.search(file)]
             for name, files in _named(folder, SERIES, outside).items()}
    found = {name: [file for file in files if not file.endswith(".nii")] or files for name, files in found.items()
             if files}
    names = [Path(file).name for files in found.values() for file in files]
    for entity in ONE_OF:
        values = sorted({value for name in names for value in re.findall(rf"_{entity}-([A-Za-z0-9]+)", name)})
        if len(values) > 1:
            like = next(name for name in names if f"_{entity}-{values[0]}_" in name)
            raise InputError(folder, f"recordings of {len(values)} kinds, {entity}- {', '.join(values[:8])}", "Say "
                             f"which: --bold '*_{entity}-{values[0]}_*{like[like.rindex('_'):]}'.", "one")
    return found


def _named(folder, ending, outside):
    """Return files whose names begin with ``sub-`` and end as the pattern says, ``{person: [file]}``, sorted."""
    found = {}
    for path in sorted(folder.rglob("sub-*")):
        person = PERSON.match(path.name)
        if person and ending.search(path.name) and not _inside(path, outside):
            found.setdefault(person[0], []).append(str(path))
    return found


def _by_person(folder, pattern, outside):
    """Return the files of a pattern, ``{person: [file or file::key]}``, sorted by name."""
    text, mark, key = os.path.expanduser(os.fspath(pattern)).partition("::")
    paths = glob.glob(text, recursive=True) or ([] if os.path.isabs(text) else map(str, folder.rglob(text)))
    found = {}
    for path in sorted(paths):
        people = PERSON.findall(path)
        if people and not _inside(Path(path), outside):
            found.setdefault(people[-1], []).append(path + mark + key)
    return dict(sorted(found.items()))


def _inside(path, outside):
    return outside is not None and outside in path.resolve().parents


def _connectomes(folder, given, ending, outside):
    """Return one file for everybody, or ``{person: [file]}``."""
    if given is None:
        return _named(folder, ending, outside)
    if not any(c in str(split_key(given)[0]) for c in GLOB):
        return str(given)
    found = _by_person(folder, given, outside)
    if not found:
        raise InputError(given, "no file of anybody matches", "Give a pattern of files that bear sub- in their names.")
    return found


def _own(name, weights, lengths, labels, map_names):
    tracts = lengths.get(name, []) if isinstance(lengths, dict) else lengths
    mine = {"weights": weights.get(name, []), "lengths": tracts}
    for kind, files in mine.items():
        if isinstance(files, list) and len(files) > 1:
            raise InputError(name, f"{len(files)} files of {kind}: {some([Path(f).name for f in files], 3)}",
                             "Leave one, or say which (--sc PATTERN, --lengths PATTERN).")
    if not mine["weights"]:
        raise InputError(name, "no connectome", f"Add {name}_weights.csv, or give one for everybody with --sc, or a "
                         "pattern of one for each.")
    return read_connectome(mine["weights"], mine["lengths"] or None, labels, map_names=map_names)


def _with_quality(covariates, sessions):
    """Add motion and signal-to-noise from the confounds beside recordings, where nobody has been given any."""
    given, notes, told = {column for known in covariates.values() for column in known}, [], dict.fromkeys(QUALITY, 0)
    for name, runs in sessions.items():
        try:
            found = [read_quality(run) for run in runs]
        except InputError as problem:
            notes.append(f"motion of {name} is not known: {problem}")
            continue
        for column in QUALITY:
            values = [value for one in found if (value := getattr(one, column)) is not None]
            if values and column not in given:
                covariates[name] = covariates.get(name, {}) | {column: float(np.mean(values))}
                told[column] += 1
    return covariates, notes + [f"{column} of {count} people from beside their recordings"
                                for column, count in told.items() if count]


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
