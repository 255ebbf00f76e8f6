"""Label files: region names, and where there are any, their places."""

import dataclasses

import numpy as np

from ..errors import InputError
from .arrays import TEXT, read_array
from .cells import read_cells
from .files import is_path, split_key
from .objects import masker_names
from .tables import SUFFIXES, check_suffix

NAME_COLUMNS = ("label", "labels", "name", "names", "region", "regions", "node", "roi", "parcel")
KEY_COLUMNS = ("index", "id", "value", "key", "number", "label")
PLACE_COLUMNS = (("x", "y", "z"), ("x.mni", "y.mni", "z.mni"), ("x_mni", "y_mni", "z_mni"), ("r", "a", "s"))


@dataclasses.dataclass(frozen=True, eq=False)
class Labels:
    """Names of regions in order.

    Attributes
    ----------
    names : tuple of str
    centroids : array ``[n, 3]`` in mm, or None
    source : str
    sha256 : dict of str to str
    keys : tuple of int or None
        The whole numbers that stand for the regions in a label image, where the file tells them.
    seen : tuple of int or None
        Places of the regions that an instrument sees: see `naming`.
    """

    names: tuple[str, ...]
    centroids: np.ndarray | None = None
    source: str = ""
    sha256: dict = dataclasses.field(default_factory=dict)
    keys: tuple[int, ...] | None = None
    seen: tuple[int, ...] | None = None

    def naming(self, count):
        """Return the names for data of ``count`` regions: of the seen ones alone, where those are so many."""
        if self.seen is None or count != len(self.seen):
            return self
        return dataclasses.replace(
            self, names=tuple(self.names[i] for i in self.seen), seen=None,
            centroids=None if self.centroids is None else self.centroids[list(self.seen)],
            keys=None if self.keys is None else tuple(self.keys[i] for i in self.seen))


def read_labels(labels):
    """Read region names.

    Parameters
    ----------
    labels : str, path, sequence of str, fitted masker of nilearn's, or Labels
        A text file with one name per line, or with an index before it; or a table with a column ``label``,
        ``name`` or ``region``, whose columns ``x``, ``y``, ``z`` are centroids in mm; or ``file.npz::key``.

    Returns
    -------
    Labels
    """
    if isinstance(labels, Labels):
        return labels
    names = None if is_path(labels) else masker_names(labels)
    if names is not None:
        return Labels(names, source="labels (a masker)")
    if not is_path(labels):
        return Labels(tuple(str(label) for label in labels), source="labels")
    file, _ = split_key(labels)
    check_suffix(file, SUFFIXES)
    if file.suffix.lower() in (".npy", ".npz"):
        array, sha256 = read_array(labels, kinds=TEXT)
        if array.ndim != 1:
            raise InputError(labels, f"an array with {array.ndim} axes", "Give one name per region.", "one")
        return Labels(tuple(array.astype(str).tolist()), None, str(labels), sha256)
    cells = read_cells(file, whole_lines=True)
    names, places, keys = _from_table(cells, file) if cells.separator else _from_lines(cells, file)
    for line, name in zip(cells.lines[-len(names):], names, strict=True):
        if not name:
            raise InputError(f"{file}, line {line}", "no name", "Name every region.")
    return Labels(names, places, str(file), cells.sha256, keys if keys and len(set(keys)) == len(keys) else None)


def _from_table(cells, file):
    width = len(cells.rows[0])
    for line, row in zip(cells.lines, cells.rows, strict=True):
        if len(row) != width:
            raise InputError(f"{file}, line {line}", f"{len(row)} columns",
                             "Give every row the same columns.", f"{width}")
    header = [cell.lower() for cell in cells.rows[0]]
    body = cells.rows[1:]
    candidates = [header.index(name) for name in NAME_COLUMNS if name in header]
    if not candidates:
        raise InputError(f"{file}, line {cells.lines[0]}", f"columns {', '.join(cells.rows[0])[:100]}",
                         "Name one column 'label', and x, y, z where there are places; or give one name per line.")
    if not body:
        raise InputError(file, "a header and no names", "Write the file again.")
    # Some tables call a number the label and give the name in another column.
    at = next((c for c in candidates if not all(_number(row[c]) is not None for row in body)), candidates[0])
    columns = [header.index(name) for name in KEY_COLUMNS if name in header]
    column = next((c for c in columns if c != at and all(row[c].isdigit() for row in body)), None)
    keys = None if column is None else tuple(int(row[column]) for row in body)
    places = next((names for names in PLACE_COLUMNS if set(names) <= set(header)), None)
    if places is None:
        return tuple(row[at] for row in body), None, keys
    centroids = []
    for line, row in zip(cells.lines[1:], body, strict=True):
        place = [_number(row[header.index(name)]) for name in places]
        if None in place:
            name = places[place.index(None)]
            raise InputError(f"{file}, line {line}, column {name}", f"{row[header.index(name)]!r}",
                             "Give a coordinate in mm.")
        centroids.append(place)
    return tuple(row[at] for row in body), np.array(centroids), keys


def _from_lines(cells, file):
    """Take one name per line, without the index before it and the numbers behind it that atlas files have."""
    words, keys = [row[0].split() for row in cells.rows], None
    if all(len(w) > 1 and w[0].isdigit() for w in words):
        keys, words = tuple(int(w[0]) for w in words), [w[1:] for w in words]
        while all(len(w) > 1 and _number(w[-1]) is not None for w in words):
            words = [w[:-1] for w in words]
    elif len(words) > 1 and words[0][0].lower() in NAME_COLUMNS and len(words[0]) == 1:
        words = words[1:]
    if not words:
        raise InputError(file, "no names", "Give one name per line.")
    return tuple(" ".join(w) for w in words), None, keys


def _number(cell):
    try:
        return float(cell)
    except ValueError:
        return None
