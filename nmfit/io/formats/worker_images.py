"""GIFTI, CIFTI and NIfTI, opened in the process apart: see `worker`."""

import os

import numpy as np


class Refused(Exception):
    """What was found and what to do, for the caller's sentence."""


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
