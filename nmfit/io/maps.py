"""Reading maps: one number per region, such as myelin or a gradient."""

import numpy as np

from ..errors import InputError
from ..network.names import are_names, some
from .cells import read_cells
from .files import split_key
from .matching import match_regions
from .tables import MISSING, check_suffix


def read_maps(path, labels, trust_order=False, map_names=None):
    """Read a table of maps in the order of given regions.

    Parameters
    ----------
    path : str or path
        A table with a header, a column ``region`` (else the first column names the regions), and one column
        per map.
    labels : sequence of str
        The regions wanted, in order. Others in the file are passed over.
    trust_order, map_names
        See `match_regions`.

    Returns
    -------
    names : tuple of str
        Of the ``m`` maps.
    maps : array ``[m, n]``

    Raises
    ------
    InputError
        Naming regions that the file lacks, and values that are missing or do not vary.
    """
    names, rows = region_rows(path, "Give a column 'region' and one column per map.")
    if len(set(names)) != len(names) or "" in names:
        raise InputError(f"{path}, header", f"maps named {some(names)}", "Give each map a name of its own.")
    regions = tuple(region for region, _, _ in rows)
    labels = tuple(labels)
    match = match_regions(labels, regions, ("connectome", str(path)), drop=are_names(labels),
                          trust_order=trust_order, map_names=map_names)
    if len(match.first) != len(labels):
        lacking = [label for i, label in enumerate(labels) if i not in set(match.first.tolist())]
        raise InputError(path, f"no row for {some(lacking)}", "Give every region of the connectome a row.")
    chosen = [rows[j] for j in match.second]
    maps = np.array([[_number(cells[i], f"{place}column {name} ({region})") for region, cells, place in chosen]
                     for i, name in enumerate(names)])
    flat = [name for name, values in zip(names, maps, strict=True) if np.ptp(values) == 0]
    if flat:
        raise InputError(f"{path}, column {flat[0]}", "the same value in every region",
                         "Leave it out: a map has to vary.")
    return names, maps


def region_rows(path, remedy):
    """Read a table of text whose rows are regions.

    Parameters
    ----------
    path : str or path
        A table with a header and a column ``region`` (else the first column names the regions).
    remedy : str
        What to write instead, where it is no such table.

    Returns
    -------
    names : tuple of str
        Of the other columns.
    rows : list of (region, cells, place)
        ``place`` says file and line, for a refusal: ``"maps.tsv, line 3, "``.
    """
    file, _ = split_key(path)
    check_suffix(file, (".csv", ".tsv", ".txt"))
    cells = read_cells(file)
    header, body = cells.rows[0], cells.rows[1:]
    if len(header) < 2 or not body:
        raise InputError(file, f"{len(header)} columns and {len(body)} rows under the header", remedy)
    for line, row in zip(cells.lines[1:], body, strict=True):
        if len(row) != len(header):
            raise InputError(f"{file}, line {line}", f"{len(row)} columns",
                             "Give every row the same columns.", f"{len(header)} as in the header")
    at = next((i for i, name in enumerate(header) if name.lower() == "region"), 0)
    regions = [row[at] for row in body]
    twice = [region for region in dict.fromkeys(regions) if regions.count(region) > 1]
    if twice:
        raise InputError(f"{file}, column {header[at]}", f"regions given more than once: {some(twice)}",
                         "Give each region one row.")
    return tuple(header[:at] + header[at + 1:]), [
        (region, [*row[:at], *row[at + 1:]], f"{file}, line {line}, ")
        for region, line, row in zip(regions, cells.lines[1:], body, strict=True)]


def _number(cell, where):
    try:
        value = float(cell)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        missing = cell.lower() in MISSING
        raise InputError(where, "no value" if missing else f"{cell[:40]!r}, which is not a finite number",
                         "Give every region a number.")
    return value
