"""Reading functional connectivity matrices."""

import dataclasses

import numpy as np

from ..errors import InputError
from ..network.names import numbered
from ..network.repair import square
from .matrices import name_regions, read_matrix

ROUNDING = 1e-4  # a table with four digits is still symmetric and within 1


@dataclasses.dataclass(frozen=True, eq=False)
class Correlations:
    """A checked FC matrix; it unpacks as ``values, labels = read_fc(...)``.

    Attributes
    ----------
    data : array ``[n, n]``
        Pearson correlations, symmetric, 1 on the diagonal.
    labels : tuple of str or None
    source : str
    sha256 : dict of str to str
    notes : tuple of str
        What was repaired.
    units : str
    """

    data: np.ndarray
    labels: tuple[str, ...] | None
    source: str = ""
    sha256: dict = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    units: str = "Pearson r"

    def __iter__(self):
        return iter((self.data, self.labels))


def read_fc(fc, labels=None, map_names=None):
    """Read a matrix of correlations.

    Parameters
    ----------
    fc : str, path or array ``[n, n]``
        Pearson correlations; the diagonal may be 1, 0 or missing.
    labels : str, path or sequence of str, optional
        Region names in the order of the rows; see `read_labels`.
    map_names : path or dict, optional
        See `match_regions`.

    Returns
    -------
    Correlations
        It unpacks into the matrix and the names.

    Raises
    ------
    InputError
        Naming the two regions whose value is missing, beyond 1 or not the same in both directions.
    """
    matrix = read_matrix(fc, "FC")
    n = square(matrix.values, matrix.where)
    names, _, sha256, notes = name_regions(matrix.names, n, labels, matrix.where, map_names)
    notes = [*matrix.notes, *notes]
    try:
        values = np.array(matrix.values, dtype=float)
    except (TypeError, ValueError):
        raise InputError(matrix.where, "values that are not numbers", "Give correlations.") from None
    called = names or numbered(n)
    diagonal = np.diag(values)
    odd = ~((np.abs(diagonal - 1) <= ROUNDING) | (np.abs(diagonal) <= ROUNDING) | np.isnan(diagonal))
    if odd.any():
        i = int(np.argmax(odd))
        raise InputError(matrix.where, f"{diagonal[i]:g} on the diagonal at {called[i]} (row {i + 1})",
                         "Give Pearson correlations, not covariances.", "1 or 0")
    np.fill_diagonal(values, 1.0)
    if n > 2 and not (np.triu(values, 1).any() and np.tril(values, -1).any()):
        filled = np.triu(values, 1).any()
        if not filled and not np.tril(values, -1).any():
            raise InputError(matrix.where, "every correlation between two regions is 0", "Write the matrix again.")
        values = np.triu(values, 1) + np.triu(values, 1).T if filled else np.tril(values, -1) + np.tril(values, -1).T
        np.fill_diagonal(values, 1.0)
        notes.append(f"{'upper' if filled else 'lower'} triangle only: mirrored")
    apart = np.abs(values - values.T)
    for wrong, what, remedy in (
            (~np.isfinite(values), "{0:g}", "Drop such regions from FC and connectome."),
            (np.abs(values) > 1 + ROUNDING, "{0:g}, beyond 1,", "Give correlations (tanh of Fisher z)."),
            (apart > ROUNDING, "{0:g} one way, {1:g} the other", "Give a symmetric matrix.")):
        if wrong.any():
            i, j = np.argwhere(wrong)[0]
            more = f", and {wrong.sum() - 1} more entries are like it" if wrong.sum() > 1 else ""
            place = f"between {called[i]} and {called[j]} (row {i + 1}, column {j + 1})"
            raise InputError(matrix.where, f"{what.format(values[i, j], values[j, i])} {place}{more}", remedy)
    return Correlations(np.clip((values + values.T) / 2, -1, 1), names, matrix.where,
                        (matrix.sha256 or {}) | sha256, tuple(notes))
