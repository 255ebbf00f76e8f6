"""Numbers with the names that stand beside them, whatever file they came from."""

import dataclasses

import numpy as np

from ..errors import InputError

ABSURD = 1e15          # no count, intensity, correlation or potential comes near
LARGE = 1e6            # below it nothing is absurd by its size ...
GAP = 1e6              # ... beyond it, a value so many times those behind the few largest


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """Numbers with the names that stand beside them.

    Attributes
    ----------
    values : array
        float64; what the file calls missing is NaN. Two axes from a text file, any number from NumPy.
    columns : tuple of str or None
        The header row, without its corner.
    rows : tuple of str or None
        The first column, where it names rows.
    source : str
    sha256 : dict of str to str
    notes : tuple of str
    tr : float or None
        Seconds from row to row, where the file itself tells.
    keys : tuple of int or None
        Of columns that are labels of an image, their values there.
    """

    values: np.ndarray
    columns: tuple[str, ...] | None
    rows: tuple[str, ...] | None
    source: str
    sha256: dict
    notes: tuple[str, ...] = ()
    tr: float | None = None
    keys: tuple[int, ...] | None = None

    def __post_init__(self):
        _check_sane(np.asarray(self.values), self.source)



def _check_sane(values, source):
    """Refuse numbers that only damage makes: beyond `ABSURD`, or a few that dwarf all others."""
    sizes = np.abs(values[np.isfinite(values)])
    if not sizes.size:
        return
    largest, few = sizes.max(), min(sizes.size // 4, max(64, sizes.size // 100))
    absurd = largest > ABSURD
    if not absurd and few and largest > LARGE:
        behind = np.partition(sizes, sizes.size - few - 1)[sizes.size - few - 1]
        absurd = bool(0 < behind * GAP < largest)
    if absurd:
        place = np.unravel_index(np.nanargmax(np.where(np.isfinite(values), np.abs(values), -1)), values.shape)
        where = ", ".join(f"{axis} {i + 1}" for axis, i in zip(("row", "column", "layer"), place, strict=False))
        raise InputError(f"{source}, {where}", f"{values[place]:g}, which nothing beside it comes near",
                         "The file is damaged, or holds a mark for what is missing: write n/a there.")
