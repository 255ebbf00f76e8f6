"""Checking and mending the arrays of a connectome; every repair is a sentence."""

import re

import numpy as np

from ..errors import InputError
from .names import some

NUMBER = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)(?!\w)")
LONGEST_MM = 2000.0  # no tract of a human head is a tenth of this: beyond it the unit is not mm


def square(matrix, where):
    """Return the size of a square matrix."""
    shape = np.shape(matrix)
    if len(shape) != 2 or shape[0] != shape[1]:
        raise InputError(where, f"shape {' x '.join(map(str, shape)) or 'of a single number'}",
                         "Give one row and one column per region.", "a square matrix")
    if shape[0] < 2:
        raise InputError(where, f"{shape[0]} regions", "Give at least two regions.")
    return shape[0]


def names(labels, n, where):
    """Return labels as a tuple of ``n`` different, non-empty strings."""
    if isinstance(labels, str):
        raise InputError(f"{where} (labels)", f"the single string {labels!r}",
                         "Give a list of names (read_connectome also takes a label file).")
    labels = tuple(str(label).strip() for label in labels)
    if len(labels) != n:
        raise InputError(f"{where} (labels)", f"{len(labels)} names", "Give one name per region.", f"{n}")
    empty = [i + 1 for i, label in enumerate(labels) if not label]
    if empty:
        raise InputError(f"{where} (labels)", f"no name for region {some(empty)}", "Name every region.")
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise InputError(f"{where} (labels)", f"names used more than once: {some(twice)}",
                         "Give each region a name of its own.")
    return labels


def weights(matrix, labels, symmetric, where):
    """Return checked weights ``[n, n]`` and the list of what was repaired."""
    matrix, notes = _checked(matrix, labels, where, "weight",
                             "Give counts or densities of tracts; a correlation matrix is FC, not weights.")
    if not matrix.any():
        raise InputError(where, "every weight between two regions is 0", "Give connected regions.")
    if symmetric:
        matrix, mirrored = _mirrored(matrix)
        notes += mirrored
    apart = np.abs(matrix - matrix.T).max() / matrix.max()
    if apart > 0 and symmetric:
        matrix = (matrix + matrix.T) / 2
        if apart > 1e-6:  # below that it is rounding
            notes.append(f"asymmetric by up to {apart:.2g} of the largest weight: averaged with its transpose"
                         " (symmetric=False keeps directions)")
    elif apart > 1e-6:
        notes.append(f"asymmetric by up to {apart:.2g} of the largest weight: kept, W[i, j] is from j to i")
    alone = [label for i, label in enumerate(labels) if not matrix[i].any() and not matrix[:, i].any()]
    if alone:
        notes.append(f"without any connection: {some(alone)}")
    return matrix, notes


def lengths(matrix, labels, symmetric, where):
    """Return checked tract lengths ``[n, n]`` in mm and the list of what was repaired."""
    n = square(matrix, where)
    if n != len(labels):
        raise InputError(where, f"{n} regions", "Give lengths for the regions of the weights.",
                         f"{len(labels)}")
    matrix, notes = _checked(matrix, labels, where, "length",
                             "Give tract lengths in mm, 0 where there is no tract.")
    longest = matrix.max()
    if not 1 <= longest <= LONGEST_MM:
        raise InputError(where, f"the longest tract is {longest:g}",
                         "Give lengths in mm (metres times 1000).", f"1 to {LONGEST_MM:g} mm")
    if symmetric:
        matrix, mirrored = _mirrored(matrix)
        notes += mirrored
    if symmetric and not np.array_equal(matrix, matrix.T):
        # 0 mm means "not found in this direction": the other direction then speaks alone.
        found = (matrix > 0).astype(float)
        apart = np.abs(matrix - matrix.T)[(matrix > 0) & (matrix.T > 0)].max(initial=0.0)
        matrix = (matrix + matrix.T) / np.maximum(found + found.T, 1)
        if apart > 1e-6 * longest:
            notes.append(f"lengths differ between directions by up to {apart:.3g} mm: averaged")
    return matrix, [f"lengths: {note}" if not note.startswith("lengths") else note for note in notes]


def centroids(points, labels, where):
    """Return checked centroids ``[n, 3]`` in mm."""
    where = f"{where} (centroids)"
    points = _numbers(points, where)
    if points.shape != (len(labels), 3):
        raise InputError(where, f"shape {' x '.join(map(str, points.shape))}",
                         "Give one row x, y, z per region.", f"{len(labels)} x 3")
    bad = ~np.isfinite(points).all(1)
    if bad.any():
        raise InputError(where, f"no finite position for {some(np.array(labels)[bad])}",
                         "Give all of them or none.")
    widest = float(np.ptp(points, axis=0).max())
    if not 1 <= widest <= LONGEST_MM:
        raise InputError(where, f"regions span {widest:g}", "Give centroids in mm.",
                         f"1 to {LONGEST_MM:g} mm")
    return points


def over_people(notes):
    """Say once what was repaired in several people's connectomes, with the range of its numbers.

    Parameters
    ----------
    notes : list of tuple of str
        One tuple per person.
    """
    alike = {}
    for person in notes:
        for note in person:
            words, found = NUMBER.sub("#", note), [float(x) for x in NUMBER.findall(note)]
            alike.setdefault(words, []).append(found)
    said = []
    for words, found in alike.items():
        ranges = iter([f"{min(x):g}" if min(x) == max(x) else f"{min(x):g} to {max(x):g}"
                       for x in zip(*found, strict=True)])
        said.append(f"in {len(found)} of {len(notes)}: " + re.sub("#", lambda _, r=ranges: next(r, "#"), words))
    return said


def _checked(matrix, labels, where, noun, remedy):
    matrix = _numbers(matrix, where)
    diagonal = np.diag(matrix)
    notes = []
    if np.any(diagonal != 0):  # true for NaN as well
        notes.append(f"diagonal zeroed ({np.count_nonzero(diagonal)} of {len(labels)} entries were not 0)")
        np.fill_diagonal(matrix, 0.0)
    for wrong, what in ((~np.isfinite(matrix), "not a number"), (matrix < 0, "negative")):
        if wrong.any():
            i, j = np.argwhere(wrong)[0]
            others = f", and {wrong.sum() - 1} more are {what}" if wrong.sum() > 1 else ""
            place = f"from {labels[j]} to {labels[i]} (row {i + 1}, column {j + 1})"
            raise InputError(where, f"the {noun} {place} is {matrix[i, j]:g}{others}", remedy)
    return matrix, notes


def _mirrored(matrix):
    upper, lower = np.triu(matrix).any(), np.tril(matrix).any()  # the diagonal is 0 by now
    if upper == lower:
        return matrix, []
    return matrix + matrix.T, [f"{'upper' if upper else 'lower'} triangle only: mirrored"]


def _numbers(values, where):
    if np.iscomplexobj(values):
        raise InputError(where, "complex numbers", "Give an array of real numbers.")
    try:
        return np.array(values, dtype=float)  # a copy: the caller's array is never changed
    except (TypeError, ValueError):
        raise InputError(where, "values that are not numbers", "Give an array of real numbers.") from None
