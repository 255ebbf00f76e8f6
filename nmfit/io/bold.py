"""Reading BOLD time series."""

import dataclasses
import hashlib
import re
from pathlib import Path

import numpy as np

from ..compare.recording import Recording
from ..errors import InputError
from ..network.names import pick, some
from .censoring import censoring
from .files import expand, is_path, split_key
from .labels import read_labels
from .matching import match_regions
from .name_map import read_name_map
from .objects import named_array
from .sidecar import read_sidecar
from .tables import read_table


def read_bold(bold, tr=None, labels=None, drop_bad=False, atlas=None, trust_order=False, map_names=None):
    """Read recordings and bring them to the same regions in the same order.

    Parameters
    ----------
    bold : str, path, array ``[t, n]``, table of pandas or xarray, Recording, or a list of those
        Tables with one row per volume and one column per region, or images (see `read_table`); a pattern such as
        ``sub-*_bold.tsv`` is sorted by name.
    tr : float, optional
        Repetition time in seconds. Unless given it is ``RepetitionTime`` in the ``.json`` beside the file, else what
        the file itself says.
    labels : str, path, sequence of str or masker, optional
        Region names in the order of the columns; see `read_labels`.
    drop_bad : bool
        Drop regions that are constant or hold missing values in anybody, from everybody, with a note.
    atlas : path, optional
        Label image over which voxels, or grayordinates, are averaged.
    trust_order, map_names
        See `match_regions`.

    Returns
    -------
    list of Recording

    Raises
    ------
    InputError
        One sentence with file, place, what was found and what to do.
    """
    names = None if labels is None else read_labels(labels)
    same = read_name_map(map_names)
    recordings = [_one(source, i, tr, names, atlas, same) for i, source in enumerate(_several(bold))]
    if not recordings:
        raise InputError("BOLD", "no recording", "Give at least one.")
    check_different(recordings)
    recordings = _same_regions(recordings, drop_bad, trust_order, same)
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


def _one(source, index, tr, labels, atlas, same):
    if isinstance(source, Recording):
        return source
    if not is_path(source):
        values, names, step = named_array(source, "BOLD")
        names = names if labels is None else labels.naming(values.shape[-1]).names
        return Recording(values, step if tr is None else tr, names, f"recording_{index + 1}", allow_bad=True)
    table = read_table(source, atlas)
    where, data = table.source, table.values
    if data.ndim != 2:
        raise InputError(where, f"an array with {data.ndim} axes", "Give one recording at a time.",
                         "two: (times, regions)")
    if table.rows is not None and table.columns is None:
        raise InputError(where, f"transposed, names in the first column ({some(table.rows, limit=2)})",
                         "Give one row per volume and one column per region.")
    if table.rows is not None:
        raise InputError(where, f"names for its rows ({some(table.rows, limit=2)}): a matrix, and no series",
                         "Give the time series; a matrix of correlations goes to --fc.")
    data, names, sha256, notes = _named(table, labels, atlas, same)
    said = read_sidecar(source)
    seconds, more = said.repetition_time(tr, table.tr)
    file = split_key(source)[0]
    subject = re.match(r"sub-[A-Za-z0-9]+", file.name)
    return Recording(data, seconds, names, subject[0] if subject else file.stem, where, sha256,
                     notes + more + censoring(file, len(data)), allow_bad=True, gsr=said.gsr,
                     confounds=said.confounds, filtered=said.filtered)


def _named(table, labels, atlas, same):
    """Return data ``[t, n]``, names, fingerprints and notes: the table's own, or in the order of a label file."""
    names, data = table.columns, table.values
    if table.keys is not None:
        numbering = _numbering(table.keys, labels, _beside_atlas(atlas))
        if numbering is None and labels is None:
            raise InputError(atlas, f"{len(table.keys)} regions without names", "Give a table of names with the "
                             "numbers in the image: --labels FILE (labels=), columns 'index' and 'name'.")
        if numbering is not None:
            table = dataclasses.replace(table, columns=_by_number(table, numbering), keys=None,
                                        sha256=table.sha256 | numbering.sha256)
            return _named(table, labels if labels is not numbering else None, atlas, same)
        names = None
    if labels is None:
        return data, names, table.sha256, table.notes
    labels = labels.naming(data.shape[1])
    match = match_regions(labels.names, data.shape[1] if names is None else names, (labels.source, table.source),
                          len(data), trust_order=True, map_names=same)
    notes = table.notes + (() if names is None else match.notes)
    return data[:, match.second], labels.names, table.sha256 | labels.sha256, notes


def _numbering(keys, *tables):
    """Return the first table that has a name for every number of a label image, else the first with numbers."""
    numbered = [table for table in tables if table is not None and table.keys is not None]
    return next((table for table in numbered if set(keys) <= set(table.keys)), numbered[0] if numbered else None)


def _by_number(table, labels):
    """Return the names of the regions of a label image by the numbers that stand for them."""
    names = dict(zip(labels.keys, labels.names, strict=True))
    unknown = [key for key in table.keys if key not in names]
    if unknown:
        raise InputError(labels.source, f"no name for the numbers {some(unknown)} of the atlas",
                         "Give the table that belongs to the atlas.")
    return tuple(names[key] for key in table.keys)


def _beside_atlas(atlas):
    """Return the labels in the ``.tsv`` that BIDS puts beside an atlas, or None."""
    path = Path(str(atlas).removesuffix(".gz")).with_suffix(".tsv")
    return read_labels(path) if path.is_file() else None


def check_different(recordings):
    """Refuse the same data twice, among recordings and between what is fitted and what is held out."""
    seen = {}
    for recording in recordings:
        key = hashlib.sha256(recording.data.tobytes()).digest()
        if key in seen:
            raise InputError(_name(recording), f"the same data as {seen[key]}",
                             "Give each recording once: a copy would make any score look better.")
        seen[key] = _name(recording)


def _same_regions(recordings, drop, trust_order, same):
    """Bring recordings to the regions of the first that has names, in its order."""
    first = next((recording for recording in recordings if recording.named), recordings[0])
    keep, found = np.arange(first.n), []
    for recording in recordings:
        match = match_regions(_regions(first), _regions(recording), (_name(first), _name(recording)),
                              recording.data.shape[0], drop, trust_order or not first.named, same)
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
