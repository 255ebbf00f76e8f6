"""A lead field without anybody's head: MNE's four-shell sphere around a template's electrodes."""

from difflib import get_close_matches

import mne
import numpy as np

from ..compare.sensor_checks import check_head, fit_sphere
from ..errors import InputError
from ..network.names import numbered, some
from ..observe import LeadField
from ..observe.reference import AVERAGE
from .sensors import MNI_LIKE, MONTAGE, as_montage, builtin_montage, clean_names, head_positions

BRAIN = 0.90             # radius of the innermost of the four shells, of the head's
MARGIN = 0.005           # m: a dipole on the shell itself has no potential
FEWEST_CHANNELS = 6
FARTHEST_MM = 200.0
ORIENTATIONS = ("fixed", "radial", "isotropic", "mixed")


def sphere_leadfield(ch_names, centroids_mm, normals=None, *, labels=None, orientation=None, montage=None,
                     positions=None, reference=AVERAGE):
    """Compute a template lead field offline, from names of electrodes and centroids of regions.

    Its topographies correlate about 0.93 (median) with those of boundary elements. Regions beyond the innermost
    shell, less 5 mm, are pulled in along their radius.

    Parameters
    ----------
    ch_names : sequence of str
    centroids_mm : array ``[n, 3]``
        MNI coordinates in mm.
    normals : array ``[n, 3]``, optional
        Mean outward normals of the cortex, of any length.
    labels : sequence of str, optional
    orientation : {"fixed", "radial", "isotropic", "mixed"}, optional
        "fixed": dipoles along the normals, the default where there are any. "radial": away from the sphere's centre.
        "isotropic": three directions of equal power, independent of each other and between regions. "mixed": along the
        normals (or radial) as the coherent part, isotropic as the incoherent one, with `LeadField.coherence` to be
        fitted; the default without normals, since isotropic sources alone have topographies too smooth for a head's.
    montage : str, path, dict or mne montage, optional
        Unless given, the template "colin27_1005".
    positions : array ``[s, 3]``, optional
        Electrodes in metres in the head frame, instead of a montage; the sphere is scaled to them.
    reference : "average", "none" or a channel

    Returns
    -------
    LeadField
        With ``template=True``.

    Raises
    ------
    InputError
        For channels without a position, with the nearest names; for too few channels, for centroids that are not mm.
    """
    centroids, labels = _centroids(centroids_mm, labels)
    normals = None if normals is None else _directions(normals, labels)
    orientation = _orientation(orientation, normals)
    free, outward, normals = _free_gain(tuple(ch_names), centroids, normals, montage, positions)
    along = outward if orientation == "radial" or normals is None else normals
    gain = np.einsum("snd,nd->sn", free, along)
    modes = free / np.sqrt(3)
    given = {"isotropic": {"gain": modes}, "mixed": {"gain": gain, "spread": modes}}.get(orientation, {"gain": gain})
    return LeadField.of(ch_names=ch_names, labels=labels, reference=reference, template=True, **given)


def _free_gain(ch_names, centroids, normals, montage, positions):
    """Return gains ``[s, n, 3]`` in V/(A m), infinite reference; outward directions and normals, head frame."""
    mounted, electrodes = _electrodes(ch_names, montage, positions)
    in_mni = positions is None and (montage is None or str(montage).startswith(MNI_LIKE))
    template = mounted if in_mni else builtin_montage(MONTAGE)
    to_head = mne.channels.compute_native_head_t(template)
    dipoles = mne.transforms.apply_trans(to_head, centroids / 1000.0)
    info = mne.create_info(list(ch_names), 1000.0, "eeg", verbose="ERROR")
    with mne.utils.use_log_level("ERROR"):
        if in_mni:
            info.set_montage(mounted)
            sphere = mne.make_sphere_model("auto", "auto", info)
        else:  # electrodes of another frame: their sphere takes the place of the template's
            places = dict(zip(ch_names, electrodes, strict=True))
            info.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"))
            (middle, reach), (centre, radius) = _template_sphere(template), fit_sphere(electrodes)
            dipoles = centre + (dipoles - middle) * radius / reach
            sphere = mne.make_sphere_model(centre, radius)
        centre, radius = np.asarray(sphere["r0"]), float(sphere.radius)
        away = dipoles - centre
        distance = np.linalg.norm(away, axis=1)
        outward = away / distance[:, None]
        dipoles = centre + outward * np.minimum(distance, BRAIN * radius - MARGIN)[:, None]
        source = mne.setup_volume_source_space(pos={"rr": dipoles, "nn": outward}, sphere_units="m")
        identity = mne.transforms.Transform("mri", "head", np.eye(4))
        forward = mne.make_forward_solution(info, identity, source, sphere, meg=False, eeg=True, mindist=0.0)
    if forward["nsource"] != len(dipoles) or tuple(forward["info"]["ch_names"]) != ch_names:
        raise InputError("lead field", f"{forward['nsource']} of {len(dipoles)} regions lie inside the sphere",
                         "Check the centroids.")
    free = forward["sol"]["data"].reshape(len(ch_names), len(dipoles), 3)
    if normals is not None:
        normals = mne.transforms.apply_trans(to_head, normals, move=False)
    return free, outward, normals


def _electrodes(ch_names, montage, positions):
    """Return the montage (None where positions are given) and positions in the head frame, checked."""
    if len(ch_names) < FEWEST_CHANNELS:
        raise InputError("lead field", f"{len(ch_names)} channels", "Give more channels; so few hold no topography.",
                         f"{FEWEST_CHANNELS} or more")
    if positions is not None:
        positions = np.asarray(positions, dtype=float)
        if positions.shape != (len(ch_names), 3) or not np.isfinite(positions).all():
            raise InputError("positions", f"shape {positions.shape}", "Give x, y, z in metres for every channel.",
                             f"{len(ch_names)} x 3")
        check_head(positions, "positions")
        return None, positions
    mounted = as_montage(montage)
    unknown = [name for name in ch_names if name not in mounted.ch_names]
    if unknown:
        renamed, _, _ = clean_names(unknown, mounted.ch_names)
        near = list(renamed.values()) or get_close_matches(unknown[0], mounted.ch_names, 5, 0.0)
        raise InputError("lead field", f"no position for {some(unknown)}",
                         "Use the montage's names, or give positions=.", f"names like {some(near, 5)}")
    return mounted, head_positions(ch_names, mounted, "montage")


def _template_sphere(template):
    names = ["Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4", "T8", "P7", "P3", "Pz", "P4", "P8",
             "O1", "O2"]
    return fit_sphere(head_positions(names, template, "template"))


def _centroids(centroids_mm, labels):
    centroids = np.asarray(centroids_mm, dtype=float)
    if centroids.ndim != 2 or centroids.shape[1] != 3:
        raise InputError("centroids", f"shape {centroids.shape}", "Give x, y, z in mm for every region.")
    labels = numbered(len(centroids)) if labels is None else tuple(str(label) for label in labels)
    if len(labels) != len(centroids):
        raise InputError("centroids", f"{len(centroids)} rows for {len(labels)} regions", "Give one row per region.")
    lost = [label for label, place in zip(labels, centroids, strict=True) if not np.isfinite(place).all()]
    if lost:
        raise InputError("centroids", f"no finite place for {some(lost)}", "Give x, y, z in mm.")
    extent = np.abs(centroids).max()
    if not 1.0 < extent < FARTHEST_MM:
        raise InputError("centroids", f"the farthest is {extent:.3g} from the origin", "Give MNI coordinates in mm.",
                         f"1 to {FARTHEST_MM:g} mm")
    return centroids, labels


def _directions(normals, labels):
    normals = np.asarray(normals, dtype=float)
    if normals.shape != (len(labels), 3):
        raise InputError("normals", f"shape {normals.shape}", "Give nx, ny, nz for every region.", f"{len(labels)} x 3")
    size = np.linalg.norm(normals, axis=1)
    none = [label for label, length in zip(labels, size, strict=True) if not (np.isfinite(length) and length > 0)]
    if none:
        raise InputError("normals", f"no direction for {some(none)}", "Give nx, ny, nz, or leave normals out.")
    return normals / size[:, None]


def _orientation(orientation, normals):
    if orientation is None:
        return "mixed" if normals is None else "fixed"
    if orientation not in ORIENTATIONS:
        raise InputError("orientation", f"found {orientation!r}", f"Choose one of {', '.join(ORIENTATIONS)}.")
    if orientation == "fixed" and normals is None:
        raise InputError("orientation", "'fixed' without normals", "Give normals, or choose 'mixed'.")
    return orientation
