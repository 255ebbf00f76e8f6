"""Writing files so that an interruption leaves the old one or the new one, never half of one."""

import io
import json
import math
import os
import secrets
from pathlib import Path

import numpy as np

from ..errors import InputError

RESULT = "fit.json"


def write_bytes(path, content):
    """Replace a file's content in one step: a temporary file in the same folder, synced, then renamed."""
    path = Path(path)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    _sync_folder(path.parent)


def write_text(path, text):
    """Write text as UTF-8."""
    write_bytes(path, text.encode())


def write_json(path, content):
    """Write JSON; numbers that are not finite become null, NumPy's become plain ones."""
    write_text(path, json.dumps(_plain(content), indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def write_npz(path, **arrays):
    """Write arrays of numbers or text; equal arrays give equal bytes."""
    for name, array in arrays.items():
        if np.asarray(array).dtype.hasobject:
            raise TypeError(f"array '{name}' holds Python objects, which would be pickled")
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    write_bytes(path, stream.getvalue())


def write_matrix(path, matrix, labels):
    """Write ``[n, n]`` as a table with region names in the header and in the first column."""
    rows = ((label, *row) for label, row in zip(labels, matrix, strict=True))
    write_table(path, ("region", *labels), rows)


def write_table(path, columns, rows):
    """Write a tab-separated table with a header; what is not a number becomes ``n/a``.

    Numbers are written with the digits that read back the same float64.
    """
    lines = ["\t".join(_cell(value) for value in row) for row in (columns, *rows)]
    write_text(path, "\n".join(lines) + "\n")


def prepare_folder(path, overwrite=False):
    """Make a folder for a result, refusing one that holds a result already.

    Parameters
    ----------
    path : str or path
    overwrite : bool
        Let an earlier result be replaced.

    Returns
    -------
    pathlib.Path
    """
    path = Path(path).expanduser()
    if path.exists() and not path.is_dir():
        raise InputError(path, "a file", "Give a folder.")
    if (path / RESULT).exists() and not overwrite:
        raise InputError(path, f"a folder that holds a result ({RESULT})",
                         "Choose another folder, or replace it with --overwrite.")
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".{secrets.token_hex(4)}.part"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(path, f"cannot be written to ({error.strerror})", "Choose another folder.") from None
    return path


def _sync_folder(folder):
    """Make a rename survive a power cut, where the system lets folders be synced (not on Windows)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _cell(value):
    if value is None:
        return "n/a"
    if isinstance(value, str):
        text = " ".join(value.split())  # a tab or a line break would start another cell
        return f'"{text.replace(chr(34), chr(34) * 2)}"' if '"' in text else text
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value)).lower()
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    return repr(float(value)) if math.isfinite(value) else "n/a"


def _plain(value):
    match value:
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case np.ndarray():
            return _plain(value.tolist())
        case np.generic():
            return _plain(value.item())
        case float():
            return value if math.isfinite(value) else None
        case os.PathLike():
            return os.fspath(value)
    return value
