"""Reading connectomes."""

from pathlib import Path

import numpy as np

from ..errors import InputError
from ..network import repair
from ..network.connectome import Connectome
from ..network.names import numbered
from ..network.repair import square
from .files import expand, is_path, split_key
from .formats import kind_of
from .formats.tvb import read_tvb
from .matrices import Matrix, name_regions, read_matrix, without_unassigned


def read_connectome(weights, lengths=None, labels=None, centroids=None, symmetric=True, map_names=None):
    """Read a connectome, or the mean of several people's.

    Parameters
    ----------
    weights : str, path, array ``[n, n]``, Connectome, or a list of those
        A pattern such as ``sub-*_weights.csv`` or a list gives the group average. ``W[i, j]`` (row i,
        column j) is the weight from j to i. A connectivity archive of TVB's brings lengths and centroids, too.
    lengths : like weights, optional
        Tract lengths in mm: one for all, or one for each of the weights in the same order.
    labels : str, path or sequence of str, optional
        Region names, in the order of the rows; see `read_labels`. A table may hold centroids. Where the
        matrix's own file names its regions the two are matched by name.
    centroids : array ``[n, 3]``, optional
        In mm, x to the right.
    symmetric : bool
        False keeps the directions of an asymmetric matrix.
    map_names : path or dict, optional
        See `match_regions`.

    Returns
    -------
    Connectome

    Raises
    ------
    InputError
        One sentence with file, place, what was found and what to do.
    """
    if isinstance(weights, Connectome):
        return weights
    sources = _several(weights)
    tracts = [None] * len(sources) if lengths is None else _several(lengths)
    if len(tracts) == 1:
        tracts = tracts * len(sources)
    if len(tracts) != len(sources):
        raise InputError("lengths", f"{len(tracts)} matrices of lengths",
                         "Give one for all, or one for each.", f"1 or {len(sources)}")
    for source, tract in zip(sources, tracts, strict=True):
        _check_same_person(source, tract)
    return Connectome.mean(
        source if isinstance(source, Connectome) else _one(source, tract, labels, centroids, symmetric, map_names)
        for source, tract in zip(sources, tracts, strict=True))


def _several(value):
    if is_path(value):
        return expand(value)
    if isinstance(value, np.ndarray) and value.ndim == 2:
        return [value]
    if isinstance(value, (list, tuple)) and all(is_path(v) for v in value):
        return expand(value)
    if isinstance(value, (list, tuple)) and all(isinstance(v, Connectome) or np.ndim(v) == 2 for v in value):
        return list(value)
    return list(value) if np.ndim(value) == 3 else [value]


def _check_same_person(source, tract):
    people = [_person(value) for value in (source, tract)]
    if None not in people and people[0] != people[1]:
        raise InputError(f"{source} and {tract}", "weights and lengths of different people",
                         "Give lengths in the order of the weights.")


def _person(value):
    name = Path(value).name if is_path(value) else ""
    return name.split("_")[0] if name.startswith("sub-") else None


def _one(source, tract, labels, centroids, symmetric, map_names):
    matrix, noun = None, "lengths"
    if is_path(source) and kind_of(split_key(source)[0]) == "tvb":
        archive = read_tvb(split_key(source)[0])
        matrix = Matrix(archive.weights, archive.names, str(source), (), archive.sha256)
        noun = f"{source} (lengths)" if tract is None else noun
        tract, centroids = (given if given is not None else held for given, held in (
            (tract, archive.lengths), (centroids, archive.centroids)))
    matrix = without_unassigned(read_matrix(source, "weights") if matrix is None else matrix, labels)
    n = square(matrix.values, matrix.where)
    _check_not_fc(np.asarray(matrix.values), matrix.where)
    names, places, sha256, notes = name_regions(matrix.names, n, labels, matrix.where, map_names)
    sha256, notes = (matrix.sha256 or {}) | sha256, [*matrix.notes, *notes]
    lengths = None
    if tract is not None:
        other = without_unassigned(read_matrix(tract, noun), labels)
        lengths = np.asarray(other.values)
        if np.array_equal(lengths, np.asarray(matrix.values)):
            raise InputError(other.where, f"the same numbers as the weights ({matrix.where})",
                             "Give the tract lengths in mm.")
        if matrix.names is not None and other.names is not None and other.names != matrix.names:
            raise InputError(other.where, f"regions {', '.join(other.names[:3])}, ...",
                             "Give lengths in the order of the weights.",
                             f"{', '.join(matrix.names[:3])}, ... as in {matrix.where}")
        lengths, more = repair.lengths(lengths, names or numbered(n), symmetric, other.where)
        sha256, notes = sha256 | (other.sha256 or {}), [*notes, *more]
    return Connectome(matrix.values, lengths, names, places if centroids is None else centroids,
                      source=matrix.where if is_path(source) else "", sha256=sha256, notes=tuple(notes),
                      symmetric=symmetric)


def _check_not_fc(values, where):
    """Refuse a matrix that can only be correlations: 1 all along the diagonal, nothing beyond, no pair without."""
    if values.dtype.kind not in "fiu" or len(values) < 3 or not (np.diag(values) == 1).all():
        return
    apart = values[~np.eye(len(values), dtype=bool)]
    if (np.abs(apart) < 1).all() and apart.all():
        raise InputError(where, "1 all along the diagonal and no pair without a value, which is FC",
                         "Give counts or densities of tracts; correlations go to --fc.")
