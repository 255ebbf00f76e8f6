"""Files that hold several arrays by name: .mat and HDF5, QSIRecon's connectivity among them."""

import math
import re

from ...errors import InputError
from ..files import LARGEST, fingerprint_of
from ..table import Table
from .apart import read_apart

WHAT = {"matlab": "a MATLAB file", "hdf5": "an HDF5 file"}
NUMBERS = re.compile(r"^(double|single|logical|sparse|u?int\d+|[<>|]?[fiu]\d|float\d+|bool)$")
TEXTS = re.compile(r"^(cell|char|object|<?[US]\d+|\|S\d+)$")
LABELS = re.compile(r"^(atlas_(?P<atlas>.+?)_)?(region_)?(labels?|names?)$", re.IGNORECASE)


def read_keyed(kind, file, key):
    """Read one matrix, and the names of its regions where the file holds them.

    QSIRecon's ``atlas_<A>_<measure>_connectivity`` answers to ``<A>/<measure>``, with any separators.

    Parameters
    ----------
    kind : "matlab" or "hdf5"
    file : path
    key : str or None

    Returns
    -------
    Table
    """
    what = WHAT[kind]
    meta, _ = read_apart(kind, file, what)
    held = meta["held"]
    matrices = [name for name, (shape, dtype) in held.items()
                if NUMBERS.match(dtype) and len(shape) == 2 and min(shape) > 1]
    texts = [name for name, (shape, dtype) in held.items() if TEXTS.match(dtype) and math.prod(shape) > 1]
    atlases = [match["atlas"] for name in texts if (match := LABELS.match(name)) and match["atlas"]]
    notes = ()
    if meta.get("elsewhere"):
        notes = (f"links to other files, which are never followed: {', '.join(meta['elsewhere'][:3])}",)
    name = _chosen(file, key, matrices, atlases)
    size = math.prod(held[name][0]) * 8
    if size > LARGEST:
        raise InputError(f"{file}::{name}", f"{size / 1e9:.1f} GB", "Give a table of regions, not of voxels.")
    atlas = next((a for a in atlases if name.startswith(f"atlas_{a}_")), None)
    labels = [t for t in texts if (match := LABELS.match(t.rsplit("/", 1)[-1])) and match["atlas"] == atlas
              and math.prod(held[t][0]) in held[name][0]]
    labels = labels or [t for t in texts if atlas is None and kind == "matlab" and held[t][1] == "cell"
                        and math.prod(held[t][0]) in held[name][0]]
    wanted = [name, *labels[:1]] if len(labels) == 1 else [name]
    _, arrays = read_apart(kind, file, what, names=wanted)
    values = arrays[name].astype(float)
    names = None
    if len(wanted) == 2:
        names = tuple(str(text).strip() for text in arrays[wanted[1]].ravel().tolist())
        if len(names) == values.shape[1] and all(names):
            notes = (*notes, f"region names from '{wanted[1]}'")
        else:
            names = None
    square = values.shape[0] == values.shape[1]
    return Table(values, names, names if square else None, f"{file}::{name}" if key or len(matrices) > 1 else str(file),
                 fingerprint_of(file), notes)


def _chosen(file, key, matrices, atlases):
    """Return the variable that a key names; without one, the only matrix there is."""
    spoken = {_spoken(name, atlases): name for name in matrices}
    if not matrices:
        raise InputError(file, "no matrix of numbers", "Write regions by regions, or times by regions.")
    if key is None:
        if len(matrices) > 1:
            raise InputError(file, f"{len(matrices)} matrices: {', '.join(list(spoken)[:40])}",
                             f"Say which one: {file.name}::{next(iter(spoken))}.", "one")
        return matrices[0]
    alike = {_plain(name): name for name in matrices}
    found = key if key in matrices else spoken.get(key) or alike.get(_plain(key))
    if found is None:
        raise InputError(f"{file}::{key}", "no such matrix", f"Choose one of {', '.join(list(spoken)[:40])}.")
    return found


def _spoken(name, atlases):
    for atlas in sorted(atlases, key=len, reverse=True):
        if name.startswith(f"atlas_{atlas}_") and name.endswith("_connectivity"):
            return f"{atlas}/{name[len(atlas) + 7:-13]}"
    return name


def _plain(name):
    words = "_".join(word for word in re.split(r"[^a-z0-9]+", name.lower()) if word)
    return re.sub(r"_connectivity$", "", re.sub(r"^atlas_", "", words))
