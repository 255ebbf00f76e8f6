"""What one fit of EEG spectra needs, read together and brought to the same regions and channels."""

import dataclasses
from difflib import get_close_matches

from ..compare.spectra import spectrum_target
from ..errors import InputError
from ..network.names import are_names, some
from .connectome import read_connectome
from .eeg import read_eeg
from .files import expand
from .labels import read_labels
from .leadfield import read_leadfield
from .maps import read_maps
from .matching import match_regions
from .spectra import read_psd
from .sphere import sphere_leadfield
from .template import template as template_connectome


def read_eeg_inputs(*, eeg, heldout_eeg=None, sc=None, template=None, lengths=None, labels=None, leadfield=None,
                    centroids=None, montage=None, fmin=1.0, fmax=40.0, kind="eeg", trust_order=False, map_names=None,
                    cross=False, seconds=4.0):
    """Read the files of one fit of EEG spectra.

    Parameters
    ----------
    eeg : path
    heldout_eeg : path, optional
        Another recording, that only scores; channels that one of the two lacks are left out of both.
    sc, lengths : list of paths or patterns, optional
    template : str, optional
        A connectome that ships, in place of `sc`: see `template`.
    labels : path, optional
        Region names in the order of the matrix; may hold centroids.
    leadfield : path, optional
        ``-fwd.fif`` or a table; a sphere around a template's electrodes unless given.
    centroids : path, optional
        Table with region names and columns x, y, z in MNI mm.
    montage : str, optional
    fmin, fmax : float, Hz
    kind : {"eeg", "mag", "grad"}
        Sensors to use; those of MEG need a `leadfield`.
    trust_order, map_names
        See `match_regions`.
    cross : bool
        Keep whole cross-spectra: see `spectrum_target`.
    seconds : float
        Length of the windows of which a spectrum is the mean.

    Returns
    -------
    target : SpectrumTarget
    brain : Connectome
    leadfield : LeadField

    Raises
    ------
    InputError
        Naming the file, what was found and what to do.
    """
    brain = _brain(sc, template, lengths, labels, map_names)
    if kind != "eeg" and leadfield is None:
        raise InputError("--kind", f"'{kind}' without a lead field",
                         "Give --leadfield F-fwd.fif: there is no template.")
    recording, heldout = read_eeg(eeg, montage=montage, kind=kind), None
    if heldout_eeg is not None:
        recording, heldout = _in_common(recording, read_eeg(heldout_eeg, montage=montage, kind=kind))
    target = spectrum_target(recording, fmin=fmin, fmax=fmax, heldout=heldout, cross=cross,
                             seconds=seconds)
    if template is not None:
        target = dataclasses.replace(target, flags=(*target.flags, "template_connectome"))
    if leadfield is not None:
        return target, brain, read_leadfield(leadfield, ch_names=target.ch_names, labels=brain.labels, kind=kind,
                                             trust_order=trust_order, map_names=map_names)
    places = brain.centroids
    if centroids is not None:
        places, note = _places(centroids, brain, trust_order, map_names)
        target = dataclasses.replace(target, notes=(*target.notes, *note))
    if places is None:
        raise InputError("--eeg", "no lead field and no centroids", "Give --leadfield F, or --centroids F: a "
                         "table with the columns label, x, y, z in MNI mm.")
    return target, brain, sphere_leadfield(target.ch_names, places, labels=brain.labels, montage=montage)


def _places(centroids, brain, trust_order, map_names):
    """Return a table's coordinates of a connectome's regions, ``[n, 3]``, and how they were matched."""
    table = read_labels(centroids)
    if table.centroids is None:
        raise InputError(centroids, "no columns x, y, z", "Give the regions' MNI coordinates in mm.")
    match = match_regions(brain.labels, table.names, ("connectome", str(centroids)), drop=are_names(brain.labels),
                          trust_order=trust_order, map_names=map_names)
    if len(match.first) != brain.n:
        lost = [label for i, label in enumerate(brain.labels) if i not in set(match.first.tolist())]
        near = get_close_matches(lost[0], table.names, 3, 0.4)
        raise InputError(centroids, f"no row for {some(lost)}" + (f" (nearest: {', '.join(near)})" if near else ""),
                         "Give every region of the connectome a row.")
    return table.centroids[match.second], match.notes


def _in_common(recording, heldout):
    """Return two recordings of the channels that both have, and say in the first one's notes what is left out."""
    common = [name for name in recording.ch_names if name in heldout.ch_names]
    if not common:
        raise InputError(heldout.source, f"channels {some(heldout.ch_names)}, none of them in {recording.source}",
                         "Give a recording of the same channels.", f"names like {recording.ch_names[0]}")
    apart = [name for name in (*recording.ch_names, *heldout.ch_names) if name not in common]
    notes = (f"left out {some(apart)}: not in both recordings",) if apart else ()
    recording = dataclasses.replace(recording.pick(common), notes=(*recording.notes, *notes))
    return recording, heldout.pick(common)


def read_psd_inputs(*, psd, sc=None, template=None, lengths=None, labels=None, maps=None, dof=None, fmin=1.0,
                    fmax=40.0, trust_order=False, map_names=None):
    """Read the files of one fit of regional spectra.

    Parameters
    ----------
    psd : path
        See `read_psd`.
    sc, lengths, template, labels : as `read_eeg_inputs` takes them
    maps : path, optional
        Table of maps along which parameters may vary.
    dof : float, optional
    fmin, fmax : float, Hz
    trust_order, map_names
        See `match_regions`.

    Returns
    -------
    target : SpectrumTarget
    brain : Connectome
    maps : array ``[m, n]`` or None
    """
    brain = _brain(sc, template, lengths, labels, map_names)
    target = spectrum_target(read_psd(psd, dof=dof), fmin=fmin, fmax=fmax)
    if template is not None:
        target = dataclasses.replace(target, flags=(*target.flags, "template_connectome"))
    return target, brain, None if maps is None else read_maps(maps, brain.labels, trust_order, map_names)[1]


def _brain(sc, template, lengths, labels, map_names):
    if (sc is None) == (template is None):
        raise InputError("connectome", "none" if sc is None else "both files and a template",
                         "Give --sc F, or --template aal2-80 where you have none.")
    if template is not None:
        return template_connectome(template)
    return read_connectome(expand(sc), None if lengths is None else expand(lengths), labels, map_names=map_names)
