"""What pipelines write beside text and NumPy: found out by content, read apart, returned as a table."""

import gzip
import struct
import zipfile
import zlib
from pathlib import Path

from ...errors import InputError
from ..files import parsing
from .imaging import read_cifti, read_gifti, read_nifti
from .keyed import read_keyed

CIFTI_INTENTS = range(3000, 3100)
SPOKEN = {"matlab": "a MATLAB file (.mat)", "hdf5": "an HDF5 file (.h5)", "gifti": "a GIFTI file (.gii)",
          "cifti": "a CIFTI file (.nii)", "nifti": "a NIfTI image (.nii)", "tvb": "a TVB connectivity (.zip)"}
# Which kinds may stand behind a suffix; a suffix that is not here says nothing.
SUFFIXES = {".mat": ("matlab", "hdf5"), ".h5": ("hdf5",), ".hdf5": ("hdf5",), ".gii": ("gifti",),
            ".nii": ("nifti", "cifti"), ".zip": ("tvb",), ".csv": (), ".tsv": (), ".txt": (), ".npy": (), ".npz": ()}
REMEDIES = {".zip": "Give a connectivity of TVB's, with weights.txt inside."}


def kind_of(path):
    """Return which of the `formats` a file is, by its first bytes, or None for text, NumPy and what is not there.

    Raises
    ------
    InputError
        Where the name promises something else than the content.
    """
    path = Path(path)
    suffix = next((s.lower() for s in reversed(path.suffixes) if s.lower() != ".gz"), "")
    if path.is_dir():
        raise InputError(path, "a folder", "Give a file.")
    if not path.is_file():
        return None
    kind = _sniffed(path, suffix)
    allowed = SUFFIXES.get(suffix)
    if kind is None and allowed:
        with path.open("rb") as file:
            size = len(file.read(1))
        raise InputError(path, "an empty file" if not size else "named "
                         f"{suffix}, but it is not {' or '.join(SPOKEN[k] for k in allowed)}",
                         REMEDIES.get(suffix, "The file is damaged, or has the wrong name: write it again."))
    if kind is not None and allowed is not None and kind not in allowed:
        raise InputError(path, f"named {suffix}, but it is {SPOKEN[kind]}", "Give the file its true name.")
    return kind


def read_format(kind, file, key=None, atlas=None):
    """Read a file of a kind that `kind_of` found out.

    Parameters
    ----------
    kind : str
    file : path
    key : str, optional
        Which array, in a file of several.
    atlas : path, optional

    Returns
    -------
    Table
    """
    if kind in ("matlab", "hdf5"):
        return read_keyed(kind, file, key)
    if key is not None:
        raise InputError(f"{file}::{key}", "a key after ::", "Only .npz, .mat and HDF5 files have keys.")
    if kind == "tvb":
        raise InputError(file, "a TVB connectivity", "Give it as the connectome (--sc).")
    return {"gifti": read_gifti, "cifti": read_cifti, "nifti": read_nifti}[kind](file, atlas)


def _sniffed(path, suffix):
    head = _head(path)
    if head[:8] == b"\x89HDF\r\n\x1a\n" or b"MATLAB 7.3" in head[:128]:
        return "hdf5"
    if b"MATLAB 5.0" in head[:128] or (suffix == ".mat" and _is_old_matlab(head)):
        return "matlab"
    if head[344:348] == b"n+1\x00" or head[4:8] == b"n+2\x00":
        intents = [struct.unpack(f"{order}i", head[504:508])[0] for order in "<>"] if len(head) >= 508 else []
        return "cifti" if head[4:8] == b"n+2\x00" and any(i in CIFTI_INTENTS for i in intents) else "nifti"
    if b"<GIFTI" in head:
        return "gifti"
    return "tvb" if head[:4] == b"PK\x03\x04" and _holds_weights(path) else None


def _head(path):
    """Return the first bytes, of what is inside where the file is compressed."""
    with path.open("rb") as file:
        head = file.read(2048)
    if head[:2] != b"\x1f\x8b":
        return head
    try:
        with gzip.open(path) as file:
            return file.read(2048)
    except (OSError, EOFError, zlib.error):
        return head


def _is_old_matlab(head):
    return len(head) >= 20 and struct.unpack("<5i", head[:20])[0] in range(0, 5000) and head[:1] != b"\x89"


def _holds_weights(path):
    try:
        with parsing(path, "an archive"), zipfile.ZipFile(path) as archive:
            names = [name.rsplit("/", 1)[-1].lower() for name in archive.namelist()]
    except InputError:
        return False
    return any(name.startswith("weights") and ".npy" not in name for name in names)
