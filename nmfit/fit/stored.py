"""What `fit.json` and `fit.npz` must hold, and how they are read back."""

import io
import json
import zipfile
import zlib

import numpy as np

from ..errors import InputError
from . import schema

SPECTRA = ("eeg", "sources")               # modalities whose arrays are spectra
OF_SPECTRA = ("labels", "weights", "freqs", "ch_names", "psd_fit", "psd_model")
REQUIRED_ARRAYS = {"eeg": OF_SPECTRA, "sources": OF_SPECTRA,
                   "other": ("labels", "weights", "fc_fit", "fc_model")}
PSD_ARRAYS = ("psd_fit", "psd_score", "psd_model", "psd_sources")      # [channels, frequencies]
SQUARE_ARRAYS = ("weights", "lengths", "fc_fit", "fc_score", "fc_model", "fc_explained")


def read_record(path):
    """Return the record that a file holds; an `InputError` says what is wrong with one that can't be read."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except FileNotFoundError:
        raise InputError(path, "no such file", "Name a folder that Result.save wrote.") from None
    except (OSError, ValueError, RecursionError) as problem:
        raise InputError(path, f"not readable as JSON ({problem})", "Fit again or restore it.") from None
    found = record.get("schema") if isinstance(record, dict) else None
    if found != schema.SCHEMA:
        raise InputError(path, f"schema {found!r}", "Load it with the version of nmfit that wrote it.",
                         f"{schema.SCHEMA}")
    return record


def _refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


def read_arrays(path):
    """Return the arrays that a file holds, by name; no pickle is loaded."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise InputError(path, "no such file", "Fit again or restore the file beside fit.json.") from None
    except (OSError, ValueError, EOFError, KeyError, TypeError, AttributeError, MemoryError, SyntaxError,
            RuntimeError, zipfile.BadZipFile, zlib.error) as problem:
        raise InputError(path, f"not readable as arrays ({problem})", "Fit again or restore it.") from None


def fault_of(record, arrays):
    """Return where record and arrays are not what they should be, and how, or None."""
    fault = schema.first_fault(record)
    if fault:
        return f"fit.json: {fault[0]}", fault[1]
    names = [rung["name"] for rung in record["rungs"]]
    for answer in ("chosen", "explained"):
        if record[answer] is not None and record[answer] not in names:
            return f"fit.json: {answer}", f"'{record[answer]}' is not among the rungs {names}"
    required = REQUIRED_ARRAYS.get(record["modality"], REQUIRED_ARRAYS["other"])
    missing = [name for name in required if name not in arrays]
    if missing:
        return "fit.npz", f"no array '{missing[0]}'"
    n = arrays["labels"].size
    if arrays["labels"].dtype.kind != "U" or arrays["labels"].ndim != 1 or n < 2:
        return "fit.npz: labels", f"{_form(arrays['labels'])} where names belong"
    shapes = {name: (n, n) for name in SQUARE_ARRAYS} | {"centroids": (n, 3)}
    if record["modality"] in SPECTRA:
        names, f = arrays["ch_names"], arrays["freqs"].size
        if names.dtype.kind != "U" or names.ndim != 1:
            return "fit.npz: ch_names", f"{_form(names)} where names belong"
        shapes |= {"freqs": (f,)} | {name: (names.size, f) for name in PSD_ARRAYS} | {"positions": (names.size, 3)}
    for name, array in arrays.items():
        if name in shapes and (array.shape != shapes[name] or array.dtype.kind != "f"):
            return f"fit.npz: {name}", f"{_form(array)} where numbers of shape {shapes[name]} belong"
        if name.startswith(("null_", "history_")) and (array.ndim != 1 or array.dtype.kind != "f"):
            return f"fit.npz: {name}", f"{_form(array)} where a list of numbers belongs"
    return None


def _form(array):
    return f"{array.dtype} of shape {array.shape}"
