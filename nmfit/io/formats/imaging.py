"""GIFTI, CIFTI and NIfTI, as tables of regions."""

from ...errors import InputError
from ..files import fingerprint_of
from ..table import Table
from .apart import read_apart

SECONDS = {"sec": 1.0, "SECOND": 1.0, "msec": 1e-3, "usec": 1e-6}


def read_gifti(file, _atlas=None):
    """Read a matrix from GIFTI, as micapipe writes connectomes and FC: the upper triangle, without names."""
    _, arrays = read_apart("gifti", file, "a GIFTI file")
    values = arrays["values"]
    if values.ndim != 2:
        raise InputError(file, f"an array with {values.ndim} axes", "Give a matrix over regions.", "two")
    return Table(values.astype(float), None, None, str(file), fingerprint_of(file))


def read_cifti(file, atlas=None):
    """Read ``.ptseries.nii``, ``.pconn.nii``, ``.pscalar.nii``, or ``.dtseries.nii`` over an atlas ``.dlabel.nii``."""
    meta, arrays = read_apart("cifti", file, "a CIFTI file", atlas=atlas and str(atlas))
    if "needs_atlas" in meta:
        raise InputError(file, f"{meta['needs_atlas']} grayordinates and no parcels",
                         "Give their parcels: --atlas FILE.dlabel.nii (atlas=).")
    rows = tuple(meta["rows"]) if "rows" in meta else None
    columns = tuple(meta["columns"])
    notes = _coverage(meta, atlas)
    return Table(arrays["values"].astype(float), columns, rows, str(file),
                 fingerprint_of(file, *([atlas] if atlas else [])), notes, tr=_seconds(meta, file))


def read_nifti(file, atlas=None):
    """Read the mean series of each region of a label image."""
    meta, arrays = read_apart("nifti", file, "a NIfTI image", atlas=atlas and str(atlas))
    if "needs_atlas" in meta:
        raise InputError(file, f"{meta['needs_atlas']} voxels and no regions",
                         "Give a label image in the same space: --atlas FILE.nii.gz (atlas=).")
    return Table(arrays["values"], tuple(meta["columns"]), None, str(file), fingerprint_of(file, atlas),
                 _coverage(meta, atlas), tr=_seconds(meta, file), keys=tuple(meta["keys"]))


def _coverage(meta, atlas):
    if atlas is None:
        return ()
    empty = [name for name, size in zip(meta["columns"], meta["sizes"], strict=True) if not size]
    lost = f"; nothing lies in {', '.join(empty[:6])}" if empty else ""
    return (f"means over the {len(meta['columns'])} regions of {str(atlas).rsplit('/', 1)[-1]}{lost}",)


def _seconds(meta, file):
    """Return the time from row to row in seconds where the file tells it in a unit of time."""
    step, unit = meta.get("step"), meta.get("unit")
    if not step or unit not in SECONDS:
        return None
    if not 0 < step * SECONDS[unit] < 1e4:
        raise InputError(file, f"a time step of {step:g} {unit}", "Write the file again, or give the TR (--tr).")
    return step * SECONDS[unit]
