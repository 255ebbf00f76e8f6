"""Opening files: what is there, whether it is what its name says, and its fingerprint."""

import contextlib
import glob
import hashlib
import os
from pathlib import Path

from ..errors import InputError

LARGEST = 1 << 30  # bytes; no table of regions comes near
GLOB = "*?["

# What a file is by its first bytes, whatever its name says.
MAGIC = (
    (b"\x93NUMPY", "a NumPy array (.npy)"),
    (b"PK\x03\x04", "a zip archive (.npz, .xlsx)"),
    (b"\x1f\x8b", "gzip data (.gz)"),
    (b"\x89HDF", "an HDF5 file"),
    (b"MATLAB 5.0", "a MATLAB file (.mat)"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a PNG image"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"<?xml", "XML"),
    (b"<!DOCTYPE", "a web page"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"version https://git-lfs", "a git-lfs pointer, not the data"),
)


def expand(paths):
    """Return the list of files that a path, a pattern with ``*``, or a list of those stands for.

    A pattern's files are sorted by name; a list keeps its order. ``file.npz::key`` stays as it is.
    """
    if isinstance(paths, (str, os.PathLike)):
        text = os.path.expanduser(os.fspath(paths))
        if not any(c in text for c in GLOB) or os.path.exists(text):
            return [text]
        found = sorted(glob.glob(text))
        if not found:
            raise InputError(text, "no file matches", "Check the folder and the pattern.")
        return found
    return [file for path in paths for file in expand(path)]


def is_path(value):
    """Say whether a value names a file."""
    return isinstance(value, (str, os.PathLike))


def split_key(path):
    """Split ``file.npz::key`` into the path and the key, which is None where there is none."""
    text = os.path.expanduser(os.fspath(path))
    name, mark, key = text.partition("::")
    return Path(name), key if mark else None


def read_bytes(path):
    """Return a file's content, refusing what is missing, empty, a folder or absurdly large."""
    path = Path(path)
    try:
        if path.is_dir():
            raise InputError(path, "a folder", "Give a file.")
        size = path.stat().st_size
        if size == 0:
            raise InputError(path, "an empty file", "Write the file again.")
        if size > LARGEST:
            raise InputError(path, f"{size / 1e9:.1f} GB", "Give a table of regions, not of voxels.")
        return path.read_bytes()
    except InputError:                 # a ValueError, too
        raise
    except FileNotFoundError:
        raise InputError(path, "no such file", "Check the path.") from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise InputError(path, f"cannot be opened ({error})", "Check the path and its permissions.") from None


def fingerprint(path, raw):
    """Return ``{file name: sha256}`` of a file's content."""
    return {Path(path).name: hashlib.sha256(raw).hexdigest()}


def fingerprint_of(*paths):
    """Return ``{file name: sha256}`` of files of any size, read piece by piece."""
    found = {}
    for path in map(Path, paths):
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        found[path.name] = digest.hexdigest()
    return found


def disguise(raw):
    """Return what a file is by its first bytes, or None where those tell nothing."""
    head = raw[:64].lstrip()
    return next((what for magic, what in MAGIC if raw.startswith(magic) or head.startswith(magic)), None)


@contextlib.contextmanager
def parsing(path, what):
    """Turn whatever a parser raises on damaged bytes into one sentence.

    Parsers of third parties raise some twenty exception types on damaged files, so this is the one place that
    catches them all; the original error stays as the cause.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(path, f"cannot be read as {what} ({type(error).__name__}: {error})",
                         "The file is damaged or not what its name says: write it again.") from error
