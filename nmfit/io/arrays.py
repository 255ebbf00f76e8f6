"""NumPy files, without ever loading a pickle."""

import io
import math
import zipfile

import numpy as np

from ..errors import InputError
from .files import LARGEST, disguise, fingerprint, parsing, read_bytes, split_key

NUMBERS = "biuf"
TEXT = "US"
NAMES = ("labels", "region_labels", "region_names")      # what names of regions are called beside an array
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_array(path, kinds=NUMBERS):
    """Read one array from ``file.npy``, ``file.npz`` (holding one array) or ``file.npz::key``.

    Parameters
    ----------
    path : str or path
    kinds : str
        The kinds of dtype that will do: `NUMBERS` or `TEXT`.

    Returns
    -------
    array : numpy.ndarray
    sha256 : dict of str to str
    """
    file, key = split_key(path)
    raw = read_bytes(file)
    sha256 = fingerprint(file, raw)
    if file.suffix.lower() == ".npz":
        return _from_archive(file, raw, key, kinds), sha256
    if key is not None:
        raise InputError(path, "a key after ::", "Only .npz files have keys.")
    return _from_bytes(file, raw, kinds), sha256


def _from_archive(file, raw, key, kinds):
    if not raw.startswith(b"PK"):
        raise InputError(file, f"named .npz, but it is {disguise(raw) or 'not a zip archive'}",
                         "Give the file its true name, or write it again.")
    with parsing(file, "an .npz archive"), zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        if key is None and kinds == NUMBERS and len(members) == 2:
            members = {name: info for name, info in members.items() if name not in NAMES} or members
        if key is None:
            if len(members) != 1:
                raise InputError(file, f"{len(members)} arrays ({', '.join(members)})",
                                 f"Say which one: {file.name}::{next(iter(members), 'name')}.", "one")
            key = next(iter(members))
        if key not in members:
            raise InputError(f"{file}::{key}", "no such array", f"Choose one of {', '.join(members)}.")
        if members[key].file_size > LARGEST:
            raise InputError(f"{file}::{key}", f"{members[key].file_size / 1e9:.1f} GB",
                             "Give a table of regions, not of voxels.")
        return _from_bytes(f"{file}::{key}", archive.read(members[key]), kinds)


def archive_names(path, shape):
    """Return the names of regions that an .npz holds beside its array, or None, and whether they name rows, too."""
    file, _ = split_key(path)
    if file.suffix.lower() != ".npz" or len(shape) != 2:
        return None, False
    with parsing(file, "an .npz archive"), zipfile.ZipFile(file) as archive:
        held = [info.filename.removesuffix(".npy") for info in archive.infolist()]
    name = next((name for name in NAMES if name in held), None)
    if name is None:
        return None, False
    names, _ = read_array(f"{file}::{name}", TEXT)
    if names.ndim != 1 or len(names) != shape[1]:
        return None, False
    return tuple(names.astype(str).tolist()), shape[0] == shape[1]


def _from_bytes(where, raw, kinds):
    if not raw.startswith(b"\x93NUMPY"):
        raise InputError(where, f"not a NumPy array but {disguise(raw) or 'something else'}",
                         "Give the file its true name, or write it again.")
    stream = io.BytesIO(raw)
    with parsing(where, "a NumPy array"):
        version = np.lib.format.read_magic(stream)
        if version not in HEADERS:
            raise InputError(where, f"NumPy format {version}", "Save a plain array of numbers.")
        shape, fortran, dtype = HEADERS[version](stream)
        if dtype.hasobject:
            raise InputError(where, "a pickled array of Python objects, which is never opened",
                             "Save it as plain numbers, for example with .astype(float).")
        if dtype.kind not in kinds:
            raise InputError(where, f"an array of {dtype}",
                             "Save plain numbers." if kinds == NUMBERS else "Save an array of strings.")
        rest = len(raw) - stream.tell()
        if math.prod(shape) * dtype.itemsize != rest:
            raise InputError(where, f"{rest} bytes for an array of {' x '.join(map(str, shape))} {dtype}",
                             "The file is damaged: write it again.", f"{math.prod(shape) * dtype.itemsize}")
        flat = np.frombuffer(raw, dtype=dtype, offset=stream.tell())
        return flat.reshape(shape, order="F" if fortran else "C").astype(dtype.newbyteorder("="))
