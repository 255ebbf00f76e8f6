"""Motion and signal-to-noise of a recording, from the confounds that pipelines write beside it."""

import dataclasses
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..network.names import some
from .cells import read_cells
from .files import fingerprint_of, split_key
from .tables import MISSING

# What lies beside a series: one row per volume (fMRIPrep, XCP-D), or one row per run (XCP-D).
TABLES = ("_desc-confounds_timeseries.tsv", "_desc-confounds_regressors.tsv", "_motion.tsv", "_qc.tsv")
MOTION = ("framewise_displacement", "mean_fd", "fd_mean", "fd")
SNR = ("tsnr", "mean_tsnr", "t_snr")
MOST_MM = 0.5          # a volume that moved more is counted


@dataclasses.dataclass(frozen=True)
class Quality:
    """How much somebody moved, and how clear the signal is.

    Attributes
    ----------
    mean_fd : float or None
        Mean framewise displacement, mm.
    moved : float or None
        Share of volumes that moved by more than 0.5 mm.
    tsnr : float or None
        Temporal signal-to-noise: what the table says, else the median over regions of mean over standard deviation,
        where the series still has its mean.
    source : str
    sha256 : dict of str to str
    """

    mean_fd: float | None = None
    moved: float | None = None
    tsnr: float | None = None
    source: str = ""
    sha256: dict = dataclasses.field(default_factory=dict)


def read_quality(recording):
    """Read motion and signal-to-noise of a recording.

    Parameters
    ----------
    recording : Recording, or path
        A recording is looked up by its file: the table with the same BIDS entities, or fewer, in the same folder. A
        path names the table of confounds itself.

    Returns
    -------
    Quality
        None where nothing tells.

    Raises
    ------
    InputError
        For a table without any such column, or with cells that are no numbers.
    """
    if isinstance(recording, str | Path):
        return _from_table(Path(recording), required=True)
    table = _beside(split_key(recording.source)[0]) if recording.source else None
    found = Quality() if table is None else _from_table(table)
    if found.tsnr is None:
        found = dataclasses.replace(found, tsnr=_clearness(recording.data))
    return found


def _beside(file):
    own = set(file.name.split(".")[0].split("_"))
    found = [path for ending in TABLES for path in sorted(file.parent.glob(f"*{ending}"))
             if set(_entities(path.name, ending)) <= own]
    return found[0] if found else None


def _entities(name, ending):
    return [word for word in name.removesuffix(ending).split("_") if not word.startswith(("desc-", "space-", "stat-"))]


def _from_table(path, required=False):
    cells = read_cells(path)
    header = [name.lower() for name in cells.rows[0]]
    at = {what: next((header.index(name) for name in names if name in header), None)
          for what, names in (("motion", MOTION), ("snr", SNR))}
    if required and at["motion"] is None and at["snr"] is None:
        raise InputError(path, f"columns {some(cells.rows[0])}", "Give a table of confounds.",
                         f"one of {', '.join((*MOTION, *SNR))}")
    motion, snr = (None if at[what] is None else _column(cells, at[what], path) for what in ("motion", "snr"))
    return Quality(None if motion is None else float(np.mean(motion)),
                   float(np.mean(motion > MOST_MM)) if motion is not None and len(motion) > 1 else None,
                   None if snr is None else float(np.mean(snr)), str(path), fingerprint_of(path))


def _column(cells, at, path):
    values = []
    for line, row in zip(cells.lines[1:], cells.rows[1:], strict=True):
        cell = row[at] if at < len(row) else ""
        if cell.lower() in MISSING:
            continue                                   # the first volume has no displacement
        try:
            values.append(float(cell))
        except ValueError:
            raise InputError(f"{path}, line {line}, column {at + 1} ({cells.rows[0][at]})", f"{cell[:40]!r}",
                             "Give a number, or n/a.") from None
    values = np.array(values)
    if not values.size or not np.isfinite(values).all() or (values < 0).any():
        raise InputError(f"{path}, column {cells.rows[0][at]}", "no values" if not values.size else
                         "values that are negative or not finite", "Write the table again.")
    return values


def _clearness(data):
    """Return the median over regions of mean / standard deviation, or None where the mean was taken away."""
    spread = data.std(0)
    ratio = np.abs(data.mean(0)) / np.where(spread > 0, spread, np.inf)
    middle = float(np.median(ratio))
    return middle if middle > 5.0 else None
