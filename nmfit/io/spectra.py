"""Spectra of regions that somebody computed, from tables and archives."""

from pathlib import Path

import numpy as np

from ..compare.recording_eeg import SensorSpectrum
from ..errors import InputError
from ..observe.reference import NONE
from .arrays import TEXT, read_array
from .files import split_key
from .tables import read_table

FREQUENCIES = ("freq_hz", "freqs", "freq", "frequency", "f", "hz")
NAMES = ("labels", "ch_names", "regions")


def read_psd(path, *, labels=None, dof=None, unit=""):
    """Read spectra of regions: linear power, one row per frequency.

    Parameters
    ----------
    path : path
        A table whose first column is ``freq_hz`` and whose others are regions; or ``.npz`` with ``freqs`` ``[f]``,
        ``psd`` ``[f, n]`` (or ``[n, f]``) and ``labels``.
    labels : sequence of str, optional
        Names of the regions, where the file has none.
    dof : float, optional
        Degrees of freedom of each value, 2 per independent window.
    unit : str

    Returns
    -------
    SensorSpectrum

    Raises
    ------
    InputError
        Naming the file, what was found and what to do.
    """
    file, key = split_key(path)
    if file.suffix.lower() == ".npz":
        if key is not None:
            raise InputError(path, "one array of an archive", f"Give {file.name} itself, with freqs, psd and labels.")
        freqs, psd, names, sha256 = _archive(file)
    else:
        freqs, psd, names, sha256 = _table(path)
    names = labels if labels is not None else names
    if names is None:
        raise InputError(str(path), "no names of regions", "Name the columns, or give labels.")
    if psd.ndim == 2 and psd.shape[0] != freqs.size and psd.shape[1] == freqs.size:
        psd = psd.T
    return SensorSpectrum(freqs=freqs, psd=psd, ch_names=tuple(names), dof=dof, unit=unit, reference=NONE,
                          source=str(path), sha256=sha256)


def _table(path):
    table = read_table(path)
    columns = table.columns or ()
    if not columns or columns[0].lower() not in FREQUENCIES or table.values.ndim != 2:
        found = f"first column '{columns[0]}'" if columns else "no header"
        raise InputError(str(path), found, "Write frequencies in Hz first and name every column.",
                         "freq_hz, then one column per region")
    return table.values[:, 0], table.values[:, 1:], columns[1:], table.sha256


def _archive(file):
    freqs, sha256 = read_array(Path(f"{file}::freqs"))
    psd, _ = read_array(Path(f"{file}::psd"))
    names = None
    for key in NAMES:
        try:
            names = tuple(str(name) for name in np.ravel(read_array(Path(f"{file}::{key}"), TEXT)[0]))
            break
        except InputError:
            continue
    return freqs.astype(float), psd.astype(float), names, sha256


__all__ = ["read_psd"]
