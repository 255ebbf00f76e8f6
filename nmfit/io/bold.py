"""Reading BOLD time series."""

import dataclasses
import hashlib
import json
import re

import numpy as np

from ..compare.recording import SLOWEST_TR, Recording
from ..errors import InputError
from ..network.names import pick, some
from .files import expand, is_path, parsing, read_bytes, split_key
from .labels import read_labels
from .matching import match_regions
from .tables import read_table


def read_bold(bold, tr=None, labels=None, drop_bad=False):
    """Read recordings and bring them to the same regions in the same order.

    Parameters
    ----------
    bold : str, path, array ``[t, n]``, Recording, or a list of those
        Tables with one row per volume and one column per region; a pattern such as ``sub-*_bold.tsv`` is
        sorted by name.
    tr : float, optional
        Repetition time in seconds. Unless given it is ``RepetitionTime`` in the ``.json`` beside the file.
    labels : str, path or sequence of str, optional
        Region names in the order of the columns; see `read_labels`.
    drop_bad : bool
        Drop regions that are constant or hold missing values in anybody, from everybody, with a note.

    Returns
    -------
    list of Recording

    Raises
    ------
    InputError
        One sentence with file, place, what was found and what to do.
    """
    names = None if labels is None else read_labels(labels)
    recordings = [_one(source, i, tr, names) for i, source in enumerate(_several(bold))]
    if not recordings:
        raise InputError("BOLD", "no recording", "Give at least one.")
    _check_different(recordings)
    recordings = _same_regions(recordings, drop_bad)
    bad = np.unique(np.concatenate([recording.bad_regions() for recording in recordings]))
    if not drop_bad or not bad.size:
        return [dataclasses.replace(recording, allow_bad=False) for recording in recordings]
    first = recordings[0]
    keep = np.setdiff1d(np.arange(first.n), bad)
    if keep.size < 2:
        raise InputError(first.source or "BOLD", f"{bad.size} of {first.n} regions are bad in someone",
                         "Check the files: nothing would be left.")
    note = f"dropped in every recording: {some([first.name_of(i) for i in bad], limit=20)}"
    return [dataclasses.replace(recording.select(keep), notes=(*recording.notes, note))
            for recording in recordings]


def _several(bold):
    if is_path(bold):
        return expand(bold)
    if isinstance(bold, Recording):
        return [bold]
    if isinstance(bold, (list, tuple)) and any(_is_one(b) for b in bold):
        return [one for b in bold for one in (expand(b) if is_path(b) else [b])]
    return list(bold) if np.ndim(bold) == 3 or np.size(bold) == 0 else [bold]


def _is_one(value):
    return is_path(value) or isinstance(value, Recording) or np.ndim(value) == 2


def _one(source, index, tr, labels):
    if isinstance(source, Recording):
        return source
    if not is_path(source):
        return Recording(source, tr, labels and labels.names, f"recording_{index + 1}", allow_bad=True)
    table = read_table(source)
    where, columns = table.source, table.columns
    if table.values.ndim != 2:
        raise InputError(where, f"an array with {table.values.ndim} axes", "Give one recording at a time.",
                         "two: (times, regions)")
    if table.rows is not None and columns is None:
        raise InputError(where, f"transposed, names in the first column ({some(table.rows, limit=2)})",
                         "Give one row per volume and one column per region.")
    notes, sha256 = table.notes, table.sha256
    data, names = table.values, columns
    if labels is not None:
        match = match_regions(labels.names, data.shape[1] if columns is None else columns,
                              (labels.source, where), data.shape[0])
        data, names, sha256 = data[:, match.second], labels.names, sha256 | labels.sha256
        notes = notes if columns is None else notes + match.notes
    seconds, more = _repetition_time(source, tr)
    subject = re.match(r"sub-[A-Za-z0-9]+", split_key(source)[0].name)
    return Recording(data, seconds, names, subject[0] if subject else split_key(source)[0].stem, where,
                     sha256, notes + more, allow_bad=True, gsr=_global_signal_regressed(source))


def _sidecar(source):
    """Return the path of the ``.json`` beside a file and what it says, empty where there is none."""
    sidecar = split_key(source)[0].with_suffix(".json")
    if not sidecar.is_file():
        return sidecar, {}
    raw = read_bytes(sidecar)
    with parsing(sidecar, "JSON"):
        said = json.loads(raw)
    return sidecar, said if isinstance(said, dict) else {}


def _global_signal_regressed(source):
    """Return whether the sidecar declares ``GlobalSignalRegression``."""
    sidecar, said = _sidecar(source)
    said = said.get("GlobalSignalRegression", False)
    if not isinstance(said, bool):
        raise InputError(sidecar, f"GlobalSignalRegression {said!r}", "Write true or false.")
    return said


def _repetition_time(source, tr):
    """Return the TR, what was given or else what the sidecar says, and a note where the two differ."""
    sidecar, said = _sidecar(source)
    said = said.get("RepetitionTime")
    if tr is not None or said is None:
        if said in (None, tr):
            return tr, ()
        return tr, (f"{sidecar.name}: RepetitionTime {said!r} ignored, TR {tr!r} was given",)
    if isinstance(said, bool) or not isinstance(said, (int, float)) or not 0 < said <= SLOWEST_TR:
        raise InputError(sidecar, f"RepetitionTime {said!r}", "Write the TR in seconds.",
                         f"0 to {SLOWEST_TR:g} s")
    return float(said), ()


def _check_different(recordings):
    seen = {}
    for recording in recordings:
        key = hashlib.sha256(recording.data.tobytes()).digest()
        if key in seen:
            raise InputError(_name(recording), f"the same data as {seen[key]}",
                             "Give each recording once: a copy would make any score look better.")
        seen[key] = _name(recording)


def _same_regions(recordings, drop):
    """Bring recordings to the regions of the first that has names, in its order."""
    first = next((recording for recording in recordings if recording.named), recordings[0])
    keep, found = np.arange(first.n), []
    for recording in recordings:
        match = match_regions(_regions(first), _regions(recording), (_name(first), _name(recording)),
                              recording.data.shape[0], drop)
        found.append(match)
        keep = np.intersect1d(keep, match.first)
    labels = first.labels if len(keep) == first.n else pick(first.labels, keep)
    aligned = []
    for recording, match in zip(recordings, found, strict=True):
        place = dict(zip(match.first.tolist(), match.second.tolist(), strict=True))
        data = recording.data[:, [place[i] for i in keep.tolist()]]
        notes = recording.notes + (match.notes if first.named and recording is not first else ())
        aligned.append(dataclasses.replace(recording, data=data, labels=labels, notes=notes))
    return aligned


def _regions(recording):
    return recording.n if recording.labels is None else recording.labels


def _name(recording):
    return recording.source or recording.subject or "BOLD"
