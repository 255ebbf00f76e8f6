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

MOST_MEMORY = 16 << 30     # bytes of address space: a damaged header may ask for any amount
LIBRARIES = {"matlab": "scipy.io", "hdf5": "h5py", "gifti": "nibabel", "cifti": "nibabel", "nifti": "nibabel",
             "eeg": "mne"}


class Refused(Exception):
    """What was found and what to do, for the caller's sentence."""


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


def gifti(path):
    """Return the matrix of a GIFTI file: one array, or one column per array."""
    import nibabel

    with open(path, "rb") as file:
        raw = file.read()
    for mark, what in ((b"ExternalFileBinary", "data in another file, which is never followed"),
                       (b"<!ENTITY", "XML entities, which are never expanded")):
        if mark in raw:
            raise Refused(what)
    arrays = [np.asarray(part.data) for part in nibabel.gifti.GiftiImage.from_bytes(raw).darrays]
    if not arrays:
        raise Refused("no array")
    if len(arrays) > 1 and any(a.shape != arrays[0].shape or a.ndim != 1 for a in arrays):
        raise Refused("arrays of unlike shapes, as a surface has, and no matrix")
    return {}, {"values": arrays[0] if len(arrays) == 1 else np.stack(arrays, axis=1)}


def cifti(path, atlas=None):
    """Return series, matrices or maps over parcels; grayordinates are averaged over the parcels of an atlas."""
    import nibabel

    image = _whole(path, nibabel.Cifti2Image)
    rows, columns = (image.header.get_axis(i) for i in range(2))
    meta, data = {}, image.dataobj
    if isinstance(rows, nibabel.cifti2.SeriesAxis):
        meta = {"step": float(rows.step), "unit": rows.unit}
    elif isinstance(rows, nibabel.cifti2.ParcelsAxis | nibabel.cifti2.ScalarAxis):
        meta = {"rows": [str(name) for name in rows.name], "square": isinstance(rows, nibabel.cifti2.ParcelsAxis)}
    if isinstance(columns, nibabel.cifti2.ParcelsAxis):
        return meta | {"columns": [str(name) for name in columns.name]}, {"values": np.asarray(data)}
    if not isinstance(columns, nibabel.cifti2.BrainModelAxis) or not isinstance(rows, nibabel.cifti2.SeriesAxis):
        raise Refused(f"{type(rows).__name__} x {type(columns).__name__}, neither series nor parcels")
    if atlas is None:
        return meta | {"needs_atlas": int(data.shape[1])}, {}
    label_image = _whole(atlas, nibabel.Cifti2Image)
    names, models = (label_image.header.get_axis(i) for i in range(2))
    if not isinstance(names, nibabel.cifti2.LabelAxis) or not isinstance(models, nibabel.cifti2.BrainModelAxis):
        raise Refused(f"the atlas {os.path.basename(atlas)} is no .dlabel.nii")
    table = {key: str(name) for key, (name, _) in names.label[0].items() if key != 0}
    labels = _carried(np.asarray(label_image.dataobj)[0].astype(int), models, columns)
    return meta | _means(lambda a, b: np.asarray(data[a:b]), data.shape[0], labels, table)


def _carried(labels, models, columns):
    """Return the label of each grayordinate of a series, by structure and vertex or voxel."""
    found = np.zeros(len(columns), dtype=int)
    theirs = {name: (part, own) for name, part, own in models.iter_structures()}
    for name, part, own in columns.iter_structures():
        if name not in theirs:
            continue
        at, there = theirs[name]
        surface = name in own.nvertices
        mine, other = (own.vertex, there.vertex) if surface else (own.voxel, there.voxel)
        keys = {tuple(np.atleast_1d(place)): label for place, label in zip(other, labels[at], strict=True)}
        found[part] = [keys.get(tuple(np.atleast_1d(place)), 0) for place in mine]
    return found


def nifti(path, atlas=None):
    """Return the mean series of every region of a label image."""
    import nibabel

    image = _whole(path, nibabel.Nifti1Image | nibabel.Nifti2Image)
    zooms, (_, time_unit) = image.header.get_zooms(), image.header.get_xyzt_units()
    meta = {"step": float(zooms[3]) if len(zooms) > 3 else None, "unit": time_unit}
    if len(image.shape) != 4:
        raise Refused(f"an image of {' x '.join(map(str, image.shape))}, which has no time")
    if atlas is None:
        return meta | {"needs_atlas": int(np.prod(image.shape[:3]))}, {}
    label_image = _whole(atlas, nibabel.Nifti1Image | nibabel.Nifti2Image)
    shape = label_image.shape[:3]
    if shape != image.shape[:3] or np.prod(label_image.shape) != np.prod(shape):
        raise Refused(f"voxels {' x '.join(map(str, image.shape[:3]))} beside an atlas of "
                      f"{' x '.join(map(str, label_image.shape))}: resample the atlas to the images")
    if not np.allclose(label_image.affine, image.affine, atol=1e-2):
        raise Refused("another position in space than the atlas (their affines differ): resample it to the images")
    values = np.asarray(label_image.dataobj).reshape(-1).astype(float)
    labels = np.round(values).astype(int)
    if not np.isfinite(values).all() or np.abs(values - labels).max() > 1e-3:
        raise Refused(f"the atlas {os.path.basename(atlas)} holds values that are no whole numbers")
    size = int(np.prod(shape))
    table = {int(key): str(int(key)) for key in np.unique(labels) if key > 0}

    def volumes(a, b):
        return np.asarray(image.dataobj[..., a:b], dtype=float).reshape(size, -1).T
    return meta | _means(volumes, image.shape[3], labels, table)


def _means(chunk, count, labels, table):
    keys = np.array(sorted(table))
    inside = np.isin(labels, keys)
    place = np.searchsorted(keys, labels[inside])
    sizes = np.bincount(place, minlength=len(keys)).astype(float)
    means = np.full((count, len(keys)), np.nan)
    for a in range(0, count, 50):
        block = chunk(a, min(a + 50, count))
        for i, row in enumerate(block, a):
            own = row[inside].astype(float)
            with np.errstate(all="ignore"):
                means[i] = np.bincount(place, weights=own, minlength=len(keys)) / sizes
    return {"columns": [table[key] for key in keys.tolist()], "keys": keys.tolist(), "sizes": sizes.tolist(),
            "values": means}


def _whole(path, kinds):
    """Open an image after checking that the file holds the bytes its header speaks of, and no others."""
    import gzip

    import nibabel

    image = nibabel.load(path, keep_file_open=True)
    if not isinstance(image, kinds):
        raise Refused(f"a {type(image).__name__}")
    header = getattr(image, "nifti_header", image.header)
    shape = image.dataobj.shape
    if max(shape, default=0) < 1 or min(shape) < 1:
        raise Refused(f"an image of {' x '.join(map(str, shape))}")
    wanted = int(np.prod(shape, dtype=float)) * image.dataobj.dtype.itemsize + int(image.dataobj.offset)
    held = os.path.getsize(path)
    if path.lower().endswith(".gz"):
        held = 0
        with gzip.open(path) as file:     # to the end, so that its checksum is looked at
            while held <= wanted and (block := file.read(1 << 22)):
                held += len(block)
    if held != wanted:
        raise Refused(f"{held} bytes where its header speaks of {wanted}")
    if header["magic"].tobytes()[:2] != b"n+":
        raise Refused("no NIfTI file by itself, but half of a pair")
    return image


def eeg(path, epochs=False):
    """Return what mne opens: data in volts, and what is known of the channels."""
    import warnings

    import mne

    folder = os.path.dirname(os.path.abspath(path))
    if path.lower().endswith(".vhdr"):
        _stays_beside(path, folder)
    if path.lower().endswith((".fif", ".fif.gz")):
        _chain_is_whole(path)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        opened = (mne.read_epochs if epochs else mne.io.read_raw)(path, preload=False, verbose="WARNING")
        files = sorted({os.path.abspath(str(name)) for name in (getattr(opened, "filenames", None) or []) if name}
                       | {os.path.abspath(path)})
        away = [name for name in files if os.path.dirname(os.path.realpath(name)) not in (
            folder, os.path.realpath(folder))]
        if away:
            raise Refused("data in another folder, which is never followed")
        if epochs:
            opened.load_data()
            data = opened.get_data(copy=True, verbose="ERROR")
        else:
            opened.load_data(verbose="ERROR")
            data = opened.get_data(reject_by_annotation="NaN", verbose="ERROR")
    info = opened.info
    meta = {"warnings": [" ".join(str(w.message).split()) for w in heard], "files": files, "epochs": bool(epochs),
            "sfreq": float(info["sfreq"]), "names": list(info["ch_names"]), "kinds": list(info.get_channel_types()),
            "bads": list(info["bads"]), "highpass": float(info["highpass"]), "lowpass": float(info["lowpass"])}
    places = np.array([channel["loc"][:3] for channel in info["chs"]], dtype=float).reshape(-1, 3)
    return meta, {"data": data, "positions": places}


def _stays_beside(path, folder):
    """Refuse a BrainVision header whose files lie elsewhere, and data that are no whole number of samples."""
    with open(path, encoding="latin-1") as file:
        said = dict(line.strip().split("=", 1) for line in file if "=" in line)
    for key in ("DataFile", "MarkerFile"):
        if any(mark in said.get(key, "") for mark in "/\\"):
            raise Refused(f"{key} {said[key][:60]!r}, a path that leaves its folder")
    width = {"INT_16": 2, "INT_32": 4, "IEEE_FLOAT_32": 4}.get(said.get("BinaryFormat"))
    data = os.path.join(folder, said.get("DataFile", "").replace("$b", os.path.basename(path)[:-5]))
    if width and said.get("NumberOfChannels", "").isdigit() and os.path.isfile(data):
        sample = width * int(said["NumberOfChannels"])
        if sample and os.path.getsize(data) % sample:
            raise Refused(f"{os.path.getsize(data)} bytes of data, no whole number of samples of {sample}")


BLOCK_START, BLOCK_END, RAW_DATA = 104, 105, 102
IN_RAW_DATA = {BLOCK_START, BLOCK_END, 108, 208, 300, 301, 303}     # kinds of tags that hold samples, or tell of gaps


def _chain_is_whole(path):
    """Refuse FIF whose chain of tags does not end where the file does, or holds what no data block holds."""
    import gzip

    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        size, at, blocks = file.seek(0, os.SEEK_END), 0, []
        while at < size:
            file.seek(at)
            head = file.read(16)
            if len(head) < 16:
                raise Refused("a tag cut short at its end")
            kind, _, length, after = struct.unpack(">4i", head)
            if length < 0 or at + 16 + length > size:
                raise Refused(f"a tag at byte {at + 1} that goes beyond the end of the file")
            if kind <= 0 or (blocks and blocks[-1] == RAW_DATA and kind not in IN_RAW_DATA):
                raise Refused(f"a tag at byte {at + 1} of kind {kind}, which has no place there")
            if kind == BLOCK_START and length == 4:
                blocks.append(struct.unpack(">i", file.read(4))[0])
            elif kind == BLOCK_END and blocks:
                blocks.pop()
            if after == -1:
                return
            if after < 0 or 0 < after <= at:
                raise Refused(f"a tag at byte {at + 1} that points nowhere")
            at = after or at + 16 + length
        raise Refused("no end: it was cut short")


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
        job, arrays = request.pop("job"), {}
        try:
            importlib.import_module(LIBRARIES[job])
            _send(answers, {"ready": True}, {})
            meta = JOBS[job](**request)
            meta, arrays = meta if isinstance(meta, tuple) else (meta, {"values": meta.pop("values")})
        except Refused as problem:
            meta = {"refused": str(problem)}
        except ModuleNotFoundError as problem:
            meta = {"missing": problem.name}
        except BaseException as problem:
            meta = {"error": f"{type(problem).__name__}: {' '.join(str(problem).split())[:300]}"}
        _send(answers, meta, arrays)


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
