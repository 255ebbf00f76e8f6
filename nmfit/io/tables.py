"""One reader for numeric matrices and series: .csv .tsv .txt .npy .npz."""

import math
from pathlib import Path

import numpy as np

from ..errors import InputError
from .arrays import archive_names, read_array
from .cells import read_cells
from .files import split_key
from .formats import kind_of, read_format
from .table import Table

SUFFIXES = (".csv", ".tsv", ".txt", ".npy", ".npz")
MISSING = frozenset({"", "n/a", "na", "nan", "none", "null", "."})
# A first column with one of these names counts or names rows; it is no region.
NAMES_ROWS = frozenset({"node", "region", "regions", "label", "labels", "name", "names", "roi", "parcel"})
COUNTS_ROWS = frozenset({"index", "time", "t", "volume", "frame", "tr", "unnamed: 0"})


def read_table(path, atlas=None):
    """Read a table of numbers, from text or from any of the `formats`.

    Text is split at tabs, else semicolons, else commas, else spaces, whichever its first row has. A header
    row and a first column of names are recognised by not being numbers; lines that start with ``#`` become
    notes; ``n/a``, ``nan`` and empty cells become NaN. NumPy files are read without pickle.

    Parameters
    ----------
    path : str or path
        ``.csv``, ``.tsv``, ``.txt``, ``.npy``, ``.npz`` with one array, or ``file.npz::key``; ``.mat`` and
        HDF5, ``file.mat::key``; GIFTI; CIFTI; NIfTI.
    atlas : path, optional
        Label image, for NIfTI and for CIFTI's grayordinates.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        With file, row, column and value, where a cell is not a number or a row has another length.
    """
    file, key = split_key(path)
    kind = kind_of(file)
    if kind is not None:
        return read_format(kind, file, key, atlas)
    check_suffix(file, SUFFIXES)
    if file.suffix.lower() in (".npy", ".npz"):
        array, sha256 = read_array(path)
        names, square = archive_names(path, array.shape)
        return Table(array.astype(float), names, names if square else None, str(path), sha256,
                     () if names is None else (f"region names from '{file.name}' itself",))
    return _from_cells(read_cells(file), file)


def check_suffix(file, known):
    """Refuse a file whose name ends in something that is not read here."""
    if Path(file).suffix.lower() not in known:
        raise InputError(file, f"a file ending in {''.join(Path(file).suffixes[-2:]) or 'nothing'}",
                         "Write it as a .tsv table (or one of the others).", ", ".join(known))


def _from_cells(cells, file):
    rows, lines, notes = cells.rows, cells.lines, list(cells.notes)
    header = None
    if _is_header(rows):
        header, rows, lines = rows[0], rows[1:], lines[1:]
        if not rows:
            raise InputError(file, "a header and no numbers", "Write the file again.")
    width = len(rows[0])
    for line, row in zip(lines, rows, strict=True):
        if len(row) != width:
            raise InputError(f"{file}, line {line}", f"{len(row)} columns",
                             "Give every row the same columns.", f"{width} as in line {lines[0]}")
    if header is not None and len(header) == width - 1:
        header = ["", *header]  # R writes no name above the row names
    if header is not None and len(header) != width:
        raise InputError(f"{file}, line {lines[0]}", f"{width} columns under a header of {len(header)}",
                         "Give every column one name.")
    use = _first_column(header, rows, file)
    names = tuple(row[0] for row in rows) if use == "names" else None
    if use == "counts":
        notes.append(f"first column '{header[0]}' only counts rows: dropped")
    if use != "values":
        header, rows = header and header[1:], [row[1:] for row in rows]
    if header is not None and _counts(header):
        notes.append("header only counts columns: no region names")
        header = None
    values = _numbers(rows, lines, file, header, shift=int(use != "values"))
    return Table(values, tuple(header) if header else None, names, str(file), cells.sha256, tuple(notes))


def _is_header(rows):
    first = rows[0]
    if len(first) > 2 and len(rows) not in (1, len(first)) and _counts(first):
        return True  # 0, 1, 2, ... over the columns, as pandas writes it, and no row of a square matrix
    if first[0] == "" and len(first) > 1 and _counts(first[1:]):
        return True
    body = first[1:] or first
    words = sum(not _is_number(cell) and cell.lower() not in MISSING for cell in body)
    return 2 * words > len(body)


def _first_column(header, rows, file):
    """Say what the first column holds: "values" like the others, "names" of rows, or "counts" of rows."""
    cells = [row[0] for row in rows]
    above = None if header is None else header[0].lower()
    words = sum(not _is_number(cell) and cell.lower() not in MISSING for cell in cells)
    if len(rows[0]) == 1:
        return "values"
    if 2 * words > len(cells):
        return "names"
    if above in COUNTS_ROWS or (above in ("", *NAMES_ROWS) and _counts(cells)):
        return "counts"
    if above == "":
        raise InputError(f"{file}, column 1", "numbers under no name", "Name the column, or leave it out.")
    return "names" if above in NAMES_ROWS else "values"


def _counts(names):
    return list(names) in ([str(i) for i in range(len(names))], [str(i + 1) for i in range(len(names))])


def _is_number(cell):
    try:
        float(cell.replace(",", "."))  # a decimal comma is refused as a value, but it is no name
    except ValueError:
        return False
    return True


def _numbers(rows, lines, file, header, shift):
    values = np.empty((len(rows), len(rows[0])))
    for i, (line, row) in enumerate(zip(lines, rows, strict=True)):
        for j, cell in enumerate(row):
            if cell.lower() in MISSING:
                values[i, j] = math.nan
                continue
            try:
                if "_" in cell:  # Python reads 1_000 as a number; a file that holds this is damaged
                    raise ValueError
                values[i, j] = float(cell)
            except ValueError:
                name = f" ({header[j]})" if header else ""
                hint = "Use a point as decimal mark." if "," in cell else "Give a number, or n/a."
                raise InputError(f"{file}, line {line}, column {j + 1 + shift}{name}",
                                 f"{cell[:40]!r}, which is not a number", hint) from None
    return values
