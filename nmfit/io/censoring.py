"""Whether volumes were taken out of a series, as XCP-D's table of outliers beside it tells."""

import numpy as np

from ..errors import InputError
from .cells import read_cells
from .tables import MISSING

OUTLIERS = "_outliers.tsv"


def censoring(file, volumes):
    """Return a note where the table of outliers beside a series counts more volumes than the series has.

    Parameters
    ----------
    file : path
        Of the series; the table bears the same BIDS entities, or fewer.
    volumes : int
        Rows of the series.

    Returns
    -------
    tuple of str

    Raises
    ------
    InputError
        Where the series has more volumes than the table.
    """
    table = _beside(file)
    if table is None:
        return ()
    total, kept = _counted(table)
    if volumes == total:
        return ()
    if volumes > total:
        raise InputError(file, f"{volumes} volumes", "Give the table of outliers that belongs to the series, or "
                         "remove it from the folder.", f"at most {total} as in {table.name}")
    fits = "" if volumes == kept else f", where it marks {total - kept}"
    return (f"censored: {total - volumes} of {total} volumes are missing ({table.name}{fits}); "
            "no spectrum and no dynamics can be taken from it",)


def _beside(file):
    own = set(file.name.split(".")[0].split("_"))
    found = [path for path in sorted(file.parent.glob(f"*{OUTLIERS}"))
             if set(path.name.removesuffix(OUTLIERS).split("_")) <= own]
    return max(found, key=lambda path: len(path.name)) if found else None


def _counted(table):
    cells = read_cells(table)
    rows = cells.rows[1:]
    try:
        marked = np.array([any(float(cell) != 0 for cell in row if cell.lower() not in MISSING) for row in rows])
    except ValueError:
        raise InputError(table, "cells that are neither 0 nor 1", "Write 1 for each volume to leave out.") from None
    return len(rows), int((~marked).sum())
