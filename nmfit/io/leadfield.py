"""Lead fields from mne's forward solutions, from tables and from arrays."""

import os
import warnings

import mne
import nibabel
import numpy as np

from ..errors import InputError
from ..network.names import some
from ..observe import LeadField, rereference
from ..observe.kinds import sensor_kind
from ..observe.reference import AVERAGE, NONE
from .files import parsing
from .labels import read_labels
from .matching import match_regions
from .tables import read_table

KEPT = 0.99                # share of a parcel's incoherent power that its modes keep
NO_PARCEL = frozenset({"unknown", "???", "medial_wall", "medial wall", "corpuscallosum",
                       "background+freesurfer_defined_medial_wall"})
HEMISPHERES = {"lh": 0, "rh": 1}


def read_leadfield(source, *, ch_names=None, labels=None, parcels=None, reference=AVERAGE, orientation="mixed",
                   kind="eeg", trust_order=False, map_names=None):
    """Read a lead field and bring it to regions.

    Parameters
    ----------
    source : path, mne Forward, or array ``[s, n]`` or ``[s, n, 3]`` in V/(A m)
        ``-fwd.fif``; a table whose first column names channels and whose header names regions; ``file.npz::key``.
    ch_names, labels : sequences of str, or label file, optional
        For what the source does not name; a table that names its rows and columns is put in their order, by name.
        With a Forward that has one dipole per region, `labels` names them.
    parcels : list of mne Label, or pair of ``.annot`` files (left, right), optional
        Regions of a cortical Forward; each needs a dipole at least.
    reference : "average", "none" or a channel
    orientation : {"mixed", "fixed", "isotropic"}
        Of a Forward. "fixed": the mean over a parcel's dipoles along their normals, which cancel across a sulcus.
        "mixed": that as the coherent part, and beside it the parcel's dipoles one by one as the incoherent part
        (99 % of their power kept), shared out by `LeadField.coherence`. "isotropic": three directions, no normals.
    kind : {"eeg", "mag", "grad"}
        Sensors of a Forward to use. Gains of magnetometers are in 1e-7 T/(A m), of gradiometers in 1e-5 T/m/(A m), as
        `read_eeg` holds their data; neither has a reference. A table of theirs is to be in these units already.
    trust_order, map_names
        Of the regions of a table: see `match_regions`.

    Returns
    -------
    LeadField

    Raises
    ------
    InputError
        Naming the channels, regions or shapes that do not fit.
    """
    if isinstance(source, mne.Forward):
        return _from_forward(source, "lead field (mne Forward)", labels, parcels, reference, orientation, kind)
    if isinstance(source, (str, os.PathLike)) and str(source).endswith((".fif", ".fif.gz")):
        with parsing(source, "a forward solution"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the file's name
            forward = mne.read_forward_solution(source, verbose="ERROR")
        return _from_forward(forward, str(source), labels, parcels, reference, orientation, kind)
    where, reference = "lead field", reference if sensor_kind(kind).referenced else NONE
    if isinstance(source, (str, os.PathLike)):
        table = read_table(source)
        source, where = table.values, str(source)
        bad = np.argwhere(~np.isfinite(source)) if source.ndim == 2 else np.zeros((0, 2), int)
        if len(bad):
            i, j = bad[0]
            raise InputError(f"{where}, row {i + 1}, column {j + 1}", f"{source[i, j]:g}", "Give every gain a number.")
        if table.rows is not None:
            source, ch_names = _channels(source, table.rows, ch_names, where)
        if table.columns is not None and labels is not None:
            labels = read_labels(labels).names
            match = match_regions(labels, table.columns, ("connectome", where), drop=True, trust_order=trust_order,
                                  map_names=map_names)
            if len(match.first) != len(labels):
                lacking = [label for i, label in enumerate(labels) if i not in set(match.first.tolist())]
                raise InputError(where, f"no column for {some(lacking)}", "Give a lead field of the same regions.",
                                 f"names like {labels[0]}")
            source = source[:, match.second]
        labels = table.columns if labels is None else labels
    if ch_names is None or labels is None:
        raise InputError(where, f"no names of {'channels' if ch_names is None else 'regions'}",
                         "Give ch_names= and labels=.")
    return LeadField.of(source, ch_names, read_labels(labels).names, reference=reference)


def _channels(gain, own, wanted, where):
    """Return the rows of a table in the order of the channels that are wanted, by name, whatever their case."""
    if wanted is None:
        return gain, own
    places = {name.lower(): i for i, name in enumerate(own)}
    lacking = [name for name in wanted if name.lower() not in places]
    if lacking or len(places) < len(own):
        raise InputError(where, f"no row for {some(lacking)}" if lacking else "a channel that stands in two rows",
                         "Give a lead field of the recording's channels.", f"rows like {some(own, 3)}")
    return gain[[places[name.lower()] for name in wanted]], tuple(wanted)


def _from_forward(forward, where, labels, parcels, reference, orientation, kind):
    sensors = sensor_kind(kind)
    reference = reference if sensors.referenced else NONE
    if orientation not in ("mixed", "fixed", "isotropic"):
        raise InputError("orientation", f"found {orientation!r}", "Choose one of mixed, fixed, isotropic.")
    with parsing(where, "a forward solution"), mne.utils.use_log_level("ERROR"):
        there = set(forward["info"].get_channel_types())
        if kind not in there:
            raise InputError(where, f"no {sensors.name} channel among its {', '.join(sorted(there))}",
                             f"Give a forward solution for {sensors.name}s, or choose another kind.")
        picked = mne.pick_types_forward(forward, meg=kind if kind != "eeg" else False, eeg=kind == "eeg")
    ch_names = list(picked["info"]["ch_names"])
    count = picked["nsource"]
    names, groups = _groups(picked["src"], labels, parcels, count, where)
    free = _gains(picked, fixed=False, factor=sensors.factor)
    if orientation == "isotropic":
        if free is None:
            raise InputError(where, "a forward solution of fixed orientation", "Give a free one, or choose 'fixed'.")
        each = [free[:, group].reshape(len(ch_names), -1) / np.sqrt(3 * len(group)) for group in groups]
        return LeadField.of(_modes(each, ch_names, reference), ch_names, names, reference=reference)
    if all(space["type"] == "vol" for space in picked["src"]):
        raise InputError(where, "a volume, whose dipoles have no normals", "Choose orientation='isotropic'.")
    gain = _gains(picked, fixed=True, factor=sensors.factor)
    mean = np.stack([gain[:, group].mean(1) for group in groups], axis=1)
    spread = None
    if orientation == "mixed" and max(map(len, groups)) > 1:
        spread = _modes([gain[:, group] / np.sqrt(len(group)) for group in groups], ch_names, reference)
    return LeadField.of(mean, ch_names, names, spread=spread, reference=reference)


def _gains(forward, fixed, factor):
    """Return gains ``[s, v]`` along the normals, or free ones ``[s, v, 3]`` (None where there are none left)."""
    already = mne.forward.is_fixed_orient(forward)
    if not fixed:
        if already:
            return None
        return factor * forward["sol"]["data"].reshape(len(forward["sol"]["data"]), -1, 3)
    if not already:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # without patch statistics mne takes each vertex' own normal, and says so
            forward = mne.convert_forward_solution(forward, surf_ori=True, force_fixed=True, use_cps=True,
                                                   verbose="ERROR")
    return factor * forward["sol"]["data"]


def _modes(columns, ch_names, reference):
    """Return modes ``[s, n, q]``, orthogonal per region, that keep 99 % of the power of each region's columns."""
    found = []
    for own in columns:
        # what the reference takes away must not count as power
        _, size, turn = np.linalg.svd(rereference(own, ch_names, reference)[0], full_matrices=False)
        power = np.cumsum(size**2)
        rank = int(np.searchsorted(power, KEPT * power[-1])) + 1
        found.append(own @ turn[:rank].T)
    modes = np.zeros((len(ch_names), len(found), max(own.shape[1] for own in found)))
    for i, own in enumerate(found):
        modes[:, i, :own.shape[1]] = own
    return modes


def _groups(spaces, labels, parcels, count, where):
    """Return names of regions, and for each the columns of its dipoles."""
    if parcels is None:
        names = None if labels is None else read_labels(labels).names
        if names is None or len(names) != count:
            told = "no regions" if names is None else f"{len(names)} regions"
            raise InputError(where, f"{count} dipoles and {told}",
                             "Give parcels= (labels from mne.read_labels_from_annot, or the .annot files), or one "
                             "label per dipole.")
        return names, [[i] for i in range(count)]
    parcels = _parcels(parcels)
    starts = np.cumsum([0, *(len(space["vertno"]) for space in spaces)])
    names, groups, empty = [], [], []
    for name, hemisphere, vertices in parcels:
        at = HEMISPHERES[hemisphere]
        own = spaces[at]["vertno"] if at < len(spaces) else []
        group = starts[at] + np.flatnonzero(np.isin(own, vertices))
        names.append(name)
        groups.append(group)
        if not len(group):
            empty.append(name)
    if empty:
        raise InputError(where, f"no dipole lies in {some(empty)}",
                         "Give a finer source space, or leave these parcels out.")
    return tuple(names), groups


def _parcels(parcels):
    """Return (name, hemisphere, vertices) of every parcel."""
    if isinstance(parcels, (str, os.PathLike)):
        raise InputError("parcels", f"one file ({parcels})", "Give the files of both hemispheres: (left, right).")
    parcels = list(parcels)
    if parcels and all(isinstance(p, (str, os.PathLike)) for p in parcels):
        if len(parcels) != 2:
            raise InputError("parcels", f"{len(parcels)} files", "Give two: (left, right).")
        return [parcel for file, hemisphere in zip(parcels, HEMISPHERES, strict=True)
                for parcel in _from_annotation(file, hemisphere)]
    return [(str(p.name), p.hemi, p.vertices) for p in parcels
            if str(p.name).rsplit("-", 1)[0].lower() not in NO_PARCEL]


def _from_annotation(file, hemisphere):
    with parsing(file, "an annotation"):
        at, _, names = nibabel.freesurfer.read_annot(file)
    names = [name.decode() if isinstance(name, bytes) else name for name in names]
    return [(f"{name}-{hemisphere}", hemisphere, np.flatnonzero(at == i)) for i, name in enumerate(names)
            if name.lower() not in NO_PARCEL and (at == i).any()]
