"""Square matrices over regions, whatever they came as."""

from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..network.repair import square
from .files import is_path
from .labels import read_labels
from .matching import match_regions
from .objects import named_array
from .tables import read_table


class Matrix(NamedTuple):
    """A square array ``[n, n]``, its region names or None, and where it came from."""

    values: np.ndarray
    names: tuple[str, ...] | None
    where: str
    notes: tuple[str, ...] = ()
    sha256: dict | None = None


def read_matrix(source, noun):
    """Read a square matrix from a file, or take an array.

    Parameters
    ----------
    source : str, path, array ``[n, n]``, or a table of pandas or xarray
    noun : str
        What to call an array in messages.

    Returns
    -------
    Matrix
    """
    if not is_path(source):
        values, names, _ = named_array(source, noun)
        square(values, noun)
        return Matrix(values, names, noun)
    table = read_table(source)
    square(table.values, table.source)
    for i, (row, column) in enumerate(zip(table.rows or (), table.columns or (), strict=False)):
        if row != column:
            raise InputError(f"{table.source}, row {i + 1}", f"row {row!r} but column {column!r}",
                             "Give rows and columns the same regions in the same order.")
    return Matrix(table.values, table.columns or table.rows, table.source, table.notes, table.sha256)


def without_unassigned(matrix, labels):
    """Drop row and column 0 of a matrix that ``tck2connectome -keep_unassigned`` wrote, where its command says so."""
    said = any("keep_unassigned" in note for note in matrix.notes)
    n = len(matrix.values)
    if not said or matrix.names is not None or labels is None or len(read_labels(labels).names) != n - 1:
        return matrix
    note = "row and column 0 hold streamlines of no region (-keep_unassigned): dropped"
    return matrix._replace(values=np.asarray(matrix.values)[1:, 1:], notes=(*matrix.notes, note))


def name_regions(matrix_names, n, labels, where, map_names=None):
    """Bring names that stand in a matrix's file and names that were given apart from it together.

    Parameters
    ----------
    matrix_names : tuple of str or None
        Names in the file, in its order.
    n : int
    labels : anything `read_labels` takes, or None
    where : str
    map_names : see `match_regions`

    Returns
    -------
    names : tuple of str or None
    centroids : array ``[n, 3]`` or None
    sha256 : dict
    notes : tuple of str
    """
    if labels is None:
        return matrix_names, None, {}, ()
    given = read_labels(labels).naming(n)
    match = match_regions(n if matrix_names is None else matrix_names, given.names, (where, given.source),
                          trust_order=True, map_names=map_names)   # a label file is the order of a bare matrix
    places = None if given.centroids is None else given.centroids[match.second]
    notes = () if matrix_names is None else match.notes  # a bare matrix takes its label file's order, plainly
    return tuple(given.names[i] for i in match.second), places, given.sha256, notes
