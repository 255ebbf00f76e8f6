"""The process apart in which risky files are opened: see `apart`. It runs by path and imports nothing of the package.

A request is one line of JSON, ``{"job": name, ...}``. The answer is two lengths (8 bytes each), JSON, and an .npz of
arrays. A line ``{"ready": true}`` comes first, when the job's library is imported, so that only reading is timed.
"""

import importlib
import io
import json
import os
import signal
import struct
import sys

import numpy as np

sys.path.append(os.path.dirname(os.path.abspath(__file__)))     # last, so that nothing here stands for anything else
from worker_eeg import eeg
from worker_images import Refused, cifti, gifti, nifti

MOST_MEMORY = 16 << 30     # bytes of address space: a damaged header may ask for any amount
LIBRARIES = {"matlab": "scipy.io", "hdf5": "h5py", "gifti": "nibabel", "cifti": "nibabel", "nifti": "nibabel",
             "eeg": "mne"}


def matlab(path, names=None):
    """Return what a MATLAB file holds, and the variables that are named."""
    from scipy.io import loadmat, whosmat

    held = {name: [list(shape), kind] for name, shape, kind in whosmat(path)}
    if names is None:
        return {"held": held}, {}
    found = loadmat(path, variable_names=names, squeeze_me=False, verify_compressed_data_integrity=True)
    return {"held": held}, {name: _plain(found[name]) for name in names}


def _plain(value):
    """Return an array of numbers, or of text where a cell array or a char array holds strings."""
    array = np.asarray(value)
    if array.dtype.kind == "O":
        return np.array([str(np.asarray(cell).ravel()[0]) if np.size(cell) else "" for cell in array.ravel()], "U")
    if hasattr(value, "toarray"):
        return value.toarray()
    return array


def hdf5(path, names=None):
    """Return what an HDF5 file holds, links to elsewhere left out, and the data sets that are named."""
    import h5py

    with h5py.File(path, "r") as file:
        matlab_made = b"MATLAB 7.3" in open(path, "rb").read(128)  # noqa: SIM115
        sets, elsewhere = {}, []

        def walk(group, place):
            for name in group:
                at = f"{place}{name}"
                link = group.get(name, getlink=True)
                if not isinstance(link, h5py.HardLink):
                    elsewhere.append(at)
                    continue
                item = group[name]
                if isinstance(item, h5py.Group):
                    if len(at) < 200 and name != "#refs#":
                        walk(item, f"{at}/")
                elif item.external or item.is_virtual:
                    elsewhere.append(at)
                else:
                    sets[at] = item

        walk(file, "")
        held = {name: [list(item.shape or ()), str(item.dtype)] for name, item in sets.items()}
        arrays = {}
        for name in names or ():
            item = sets[name]
            if h5py.check_ref_dtype(item.dtype):          # MATLAB's cell arrays of strings
                arrays[name] = np.array(["".join(map(chr, np.asarray(file[ref]).ravel())) for ref in item[()].ravel()])
            elif h5py.check_string_dtype(item.dtype):
                arrays[name] = np.array(item.asstr()[()], "U")
            else:
                values = item[()]
                arrays[name] = values.T if matlab_made else values
        return {"held": held, "elsewhere": elsewhere}, arrays


JOBS = {"matlab": matlab, "hdf5": hdf5, "gifti": gifti, "cifti": cifti, "nifti": nifti, "eeg": eeg}


def main():
    """Answer requests until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)        # the parent decides
    if sys.platform.startswith("linux"):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)                                       # what libraries print is no answer
    for line in sys.stdin.buffer:
        request = json.loads(line)
        job, limit, arrays = request.pop("job"), request.pop("limit"), {}
        try:
            importlib.import_module(LIBRARIES[job])
            _send(answers, {"ready": True}, {})
            _allow(limit)
            meta = JOBS[job](**request)
            meta, arrays = meta if isinstance(meta, tuple) else (meta, {"values": meta.pop("values")})
        except Refused as problem:
            meta = {"refused": str(problem)}
        except ModuleNotFoundError as problem:
            meta = {"missing": problem.name}
        except BaseException as problem:
            meta = {"error": f"{type(problem).__name__}: {' '.join(str(problem).split())[:300]}"}
        _allow(0.0)
        _send(answers, meta, arrays)


def _allow(seconds):
    """End this process after so many seconds of computing; a machine that is busy with others does not count."""
    if hasattr(signal, "ITIMER_PROF"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _send(answers, meta, arrays):
    stream = io.BytesIO()
    meta = meta | {"arrays": list(arrays)}             # a name from a damaged file is no name for a member
    if arrays:
        np.savez(stream, *arrays.values())
    said, held = json.dumps(meta).encode(), stream.getbuffer()
    answers.write(struct.pack(">QQ", len(said), len(held)))
    answers.write(said)
    answers.write(held)
    answers.flush()


if __name__ == "__main__":
    main()
