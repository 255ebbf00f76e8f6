"""What a file is, found out by opening it: for `nmfit check`."""

import numpy as np

from ..errors import InputError
from ..network import repair
from ..network.names import numbered, some
from ..observe.kinds import sensor_kind
from .bold import read_bold
from .connectome import read_connectome
from .eeg import read_eeg
from .fc import read_fc
from .files import fingerprint, read_bytes, split_key
from .formats import SPOKEN, kind_of
from .labels import PLACE_COLUMNS, read_labels
from .leadfield import read_leadfield
from .quality import read_quality
from .spectra import FREQUENCIES, read_psd
from .tables import read_table

EEG = (".edf", ".bdf", ".fif", ".vhdr", ".set", ".gdf", ".cnt", ".mff", ".eeg", ".nwb")
ROLES = ("sc", "lengths", "bold", "fc", "eeg", "psd", "leadfield", "labels", "maps", "atlas")
ATLASES = (".dlabel.nii", "_dseg.nii", "_dseg.nii.gz")


def look(path, role=None, *, tr=None, labels=None, atlas=None, montage=None, kind="eeg"):
    """Open a file and say what it is.

    Parameters
    ----------
    path : path, or ``file::key``
    role : one of `ROLES`, optional
        What it is given as; found out from its content unless given.
    tr, labels, atlas, montage, kind : see `read_bold`, `read_eeg`

    Returns
    -------
    dict
        ``file``, ``role``, ``what``, ``shape``, ``names`` (the first few), ``labels`` (all), ``units``, ``tr``,
        ``sha256``, ``repaired``
        (a list of sentences), and ``problem``, None or a sentence.
    """
    seen = {"file": str(path), "role": role, "what": None, "shape": None, "names": None, "labels": None,
            "units": None, "tr": None, "sha256": {}, "repaired": [], "problem": None}
    try:
        seen["role"] = role or role_of(path, atlas)
        seen |= READERS[seen["role"]](path, {"tr": tr, "labels": labels, "atlas": atlas, "montage": montage,
                                       "kind": kind})
    except InputError as problem:
        seen["problem"] = str(problem)
    return seen


def role_of(path, atlas=None):
    """Find out what a file is for: its kind first, then the shape and the values of what it holds."""
    file = split_key(path)[0]
    name = file.name.lower()
    if is_atlas(file):
        return "atlas"
    if name.endswith(("-fwd.fif", "-fwd.fif.gz", "_fwd.fif")):
        return "leadfield"
    if file.suffix.lower() in EEG or name.endswith(".fif.gz"):
        return "eeg"
    kind = kind_of(file)
    if kind == "tvb":
        return "sc"
    if kind == "nifti" and atlas is None:
        return "bold"
    try:
        table = read_table(path, atlas)
    except InputError:
        if kind is None and _is_labels(path):
            return "labels"
        raise
    values = table.values
    if (table.columns and table.columns[0].lower() in FREQUENCIES and values.ndim == 2
            and (np.diff(values[:, 0]) > 0).all()):
        return "psd"
    if values.ndim != 2 or values.shape[0] != values.shape[1]:
        if table.columns is not None and set(map(str.lower, table.columns)) >= {*PLACE_COLUMNS[0]} and _is_labels(path):
            return "labels"                # a table of regions with their places
        if values.ndim == 2 and values.shape[1] == 3 and (
                table.columns is None or tuple(map(str.lower, table.columns)) in PLACE_COLUMNS):
            raise InputError(path, "three columns without names of regions, as places have", "Write them as a table "
                             "with the columns label, x, y, z; or give the file after --bold, if it is BOLD.")
        both = table.rows is not None and table.columns is not None
        return "leadfield" if both else "bold"
    if "length" in name or "length" in table.source.rsplit("::", 1)[-1].lower():
        return "lengths"
    finite = values[np.isfinite(values)]
    ones = np.allclose(np.diag(values), 1, atol=1e-3)
    bounded = finite.size and np.abs(finite).max() <= 1 + 1e-3
    return "fc" if bounded and (ones or (finite < 0).any()) else "sc"


def is_atlas(path):
    """Return whether a file is called as label images are."""
    return split_key(path)[0].name.lower().endswith(ATLASES)


def _is_labels(path):
    try:
        return len(read_labels(path).names) > 1
    except InputError:
        return False


def _what(path, notes=()):
    """Say in words which program's file it seems to be."""
    file = split_key(path)[0]
    name, kind = file.name, kind_of(file)
    if any("tck2connectome" in note for note in notes):
        return "MRtrix csv"
    if kind == "matlab" and "_connectivity.mat" in name:
        return "QSIRecon connectivity (.mat)"
    if name.endswith(".shape.gii"):
        return "micapipe matrix (.shape.gii)"
    if name.endswith((".ptseries.nii", ".pconn.nii", ".dtseries.nii")):
        return f"CIFTI ({'.'.join(name.split('.')[-2:])})"
    if "_stat-" in name and name.endswith("_timeseries.tsv"):
        return "XCP-D series (.tsv)"
    if name.endswith("_relmat.tsv"):
        return "XCP-D matrix (.tsv)"
    return SPOKEN.get(kind, f"a table ({file.suffix})").removeprefix("a ").removeprefix("an ")


def _connectome(path, options):
    brain = read_connectome([path], labels=options["labels"])
    return {"what": _what(path, brain.notes), "shape": list(brain.weights.shape),
            **_names(brain.labels if brain.named else None),
            "units": "as in the file" + ("; tract lengths in mm" if brain.lengths is not None else ""),
            "sha256": brain.sha256, "repaired": list(brain.notes)}


def _lengths(path, _options):
    table = read_table(path)
    names = table.columns or numbered(len(table.values))
    _, notes = repair.lengths(table.values, names, True, str(path))
    return {"what": _what(path, table.notes), "shape": list(table.values.shape), "units": "mm",
            "names": None if table.columns is None else some(table.columns, 3), "sha256": table.sha256,
            "repaired": [*table.notes, *notes]}


def _bold(path, options):
    (run,) = read_bold([path], options["tr"], options["labels"], atlas=options["atlas"], drop_bad=True)
    quality = read_quality(run)
    told = [f"{what} {value:.3g}{unit}" for what, value, unit in (
        ("mean framewise displacement", quality.mean_fd, " mm"), ("signal-to-noise", quality.tsnr, ""))
        if value is not None]
    return {"what": _what(path), "shape": list(run.data.shape), "tr": run.tr,
            **_names(run.labels if run.named else None),
            "units": "as in the file", "sha256": run.sha256,
            "repaired": [*run.notes, *([", ".join(told)] if told else [])],
            "quality": {"mean_fd": quality.mean_fd, "moved": quality.moved, "tsnr": quality.tsnr}}


def _fc(path, options):
    found = read_fc(path, options["labels"])
    return {"what": _what(path), "shape": list(found.data.shape), "units": found.units, "sha256": found.sha256,
            **_names(found.labels), "repaired": list(found.notes)}


def _eeg(path, options):
    found = read_eeg(path, montage=options["montage"], kind=options["kind"])
    sort = "EEG" if found.kind == "eeg" else "MEG"
    return {"what": f"{sort} ({split_key(path)[0].suffix}), {found.sfreq:g} Hz", "shape": list(found.data.shape),
            **_names(found.ch_names), "units": sensor_kind(found.kind).unit, "sha256": found.sha256,
            "repaired": list(found.notes)}


def _psd(path, options):
    found = read_psd(path, labels=options["labels"])
    low, high = found.freqs[[0, -1]]
    return {"what": f"spectra of regions, {low:g} to {high:g} Hz", "shape": list(found.psd.shape),
            **_names(found.ch_names), "sha256": found.sha256}


def _leadfield(path, _options):
    found = read_leadfield(path)
    return {"what": "lead field", "shape": list(found.gain.shape[:2]), "names": some(found.ch_names, 3),
            "units": "V/(A m)"}


def _labels(path, _options):
    found = read_labels(path)
    more = " with centroids" if found.centroids is not None else ""
    return {"what": f"region names{more}", "shape": [len(found.names)], **_names(found.names),
            "units": "mm" if more else None, "sha256": found.sha256}


def _maps(path, _options):
    table = read_table(path)
    return {"what": "maps", "shape": list(table.values.shape), "names": some(table.columns or (), 3)}


def _atlas(path, _options):
    return {"what": "label image, over which BOLD without parcels is averaged",
            "sha256": fingerprint(path, read_bytes(path))}


def _names(labels):
    return {"names": None if labels is None else some(labels, 3), "labels": None if labels is None else list(labels)}


READERS = {"sc": _connectome, "lengths": _lengths, "bold": _bold, "fc": _fc, "eeg": _eeg, "psd": _psd,
           "leadfield": _leadfield, "labels": _labels, "maps": _maps, "atlas": _atlas}
