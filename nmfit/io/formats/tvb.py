"""TVB's connectivity archives: weights, tract lengths and centres."""

import io
import zipfile
from typing import NamedTuple

import numpy as np

from ...errors import InputError
from ..files import LARGEST, fingerprint, parsing, read_bytes

PARTS = {"weights": ("weights.txt",), "lengths": ("tract_lengths.txt", "tracts.txt"),
         "centres": ("centres.txt", "centers.txt", "region_centres.txt")}


class Connectivity(NamedTuple):
    """Weights ``[n, n]`` (row i, column j: from j to i), lengths in mm, names, centroids in mm."""

    weights: np.ndarray
    lengths: np.ndarray | None
    names: tuple[str, ...] | None
    centroids: np.ndarray | None
    sha256: dict


def read_tvb(path):
    """Read a TVB connectivity; members are read in memory, wherever in the archive they say they lie.

    Parameters
    ----------
    path : path

    Returns
    -------
    Connectivity

    Raises
    ------
    InputError
        Naming the member, what was found and what to do.
    """
    raw = read_bytes(path)
    with parsing(path, "a TVB connectivity"), zipfile.ZipFile(io.BytesIO(raw)) as archive:
        found = {part: _member(archive, path, names) for part, names in PARTS.items()}
        text = {part: None if info is None else archive.read(info).decode("utf-8")
                for part, info in found.items()}
    if text["weights"] is None:
        raise InputError(path, "no weights.txt", "Give a connectivity as TVB exports it.")
    weights = _matrix(text["weights"], f"{path}, weights.txt")
    lengths = None if text["lengths"] is None else _matrix(text["lengths"], f"{path}, tract_lengths.txt")
    names, places = (None, None) if text["centres"] is None else _centres(text["centres"], f"{path}, centres.txt")
    if names is not None and len(names) != len(weights):
        raise InputError(f"{path}, centres.txt", f"{len(names)} regions", "Give each region of the weights one line.",
                         f"{len(weights)} as in weights.txt")
    return Connectivity(weights, lengths, names, places, fingerprint(path, raw))


def _member(archive, path, names):
    infos = [info for info in archive.infolist()
             if info.filename.replace("\\", "/").rsplit("/", 1)[-1].lower() in names]
    if len(infos) > 1:
        raise InputError(path, f"{len(infos)} members {names[0]}: {', '.join(i.filename for i in infos)}",
                         "Give an archive of one connectivity.", "one")
    if infos and infos[0].file_size > LARGEST // 8:
        raise InputError(f"{path}, {names[0]}", f"{infos[0].file_size / 1e9:.1f} GB",
                         "Give a table of regions, not of voxels.")
    return infos[0] if infos else None


def _matrix(text, where):
    rows = [line.split() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    widths = {len(row) for row in rows}
    if len(widths) != 1:
        raise InputError(where, f"rows of {len(widths)} different lengths" if widths else "no rows",
                         "Write the file again.")
    return np.array([[_number(cell, where, i, j) for j, cell in enumerate(row)] for i, row in enumerate(rows)])


def _centres(text, where):
    names, places = [], []
    for i, line in enumerate(line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")):
        cells = line.split()
        if len(cells) < 4:
            raise InputError(f"{where}, row {i + 1}", f"{line.strip()[:60]!r}", "Write: name x y z.")
        names.append(" ".join(cells[:-3]))
        places.append([_number(cell, where, i, j) for j, cell in enumerate(cells[-3:], len(cells) - 3)])
    return tuple(names), np.array(places)


def _number(cell, where, i, j):
    try:
        if "_" in cell:
            raise ValueError
        return float(cell)
    except ValueError:
        raise InputError(f"{where}, row {i + 1}, column {j + 1}", f"{cell[:40]!r}, which is not a number",
                         "Give a number.") from None
