"""What one fit of EEG spectra needs, read together and brought to the same regions and channels."""

from ..compare.spectra import spectrum_target
from ..errors import InputError
from .connectome import read_connectome
from .eeg import read_eeg
from .files import expand
from .labels import read_labels
from .leadfield import read_leadfield
from .sphere import sphere_leadfield


def read_eeg_inputs(*, sc, eeg, lengths=None, labels=None, leadfield=None, centroids=None, montage=None, fmin=1.0,
                    fmax=40.0):
    """Read the files of one fit of EEG spectra.

    Parameters
    ----------
    sc, lengths : list of paths or patterns
    eeg : path
    labels : path, optional
        Region names in the order of the matrix; may hold centroids.
    leadfield : path, optional
        ``-fwd.fif`` or a table; a sphere around a template's electrodes unless given.
    centroids : path, optional
        Table with region names and columns x, y, z in MNI mm.
    montage : str, optional
    fmin, fmax : float, Hz

    Returns
    -------
    target : SpectrumTarget
    brain : Connectome
    leadfield : LeadField
    """
    files = expand(sc)
    brain = read_connectome(files, None if lengths is None else expand(lengths), labels)
    recording = read_eeg(eeg, montage=montage)
    target = spectrum_target(recording, fmin=fmin, fmax=fmax)
    if leadfield is not None:
        return target, brain, read_leadfield(leadfield, ch_names=target.ch_names, labels=brain.labels)
    places = brain.centroids
    if centroids is not None:
        table = read_labels(centroids)
        if table.centroids is None:
            raise InputError(centroids, "no columns x, y, z", "Give the regions' MNI coordinates in mm.")
        missing = [label for label in brain.labels if label not in table.names]
        if missing:
            raise InputError(centroids, f"no region {missing[0]}", "Use the connectome's names.",
                             f"names like {brain.labels[0]}")
        places = table.centroids[[table.names.index(label) for label in brain.labels]]
    if places is None:
        raise InputError("--eeg", "no lead field and no centroids", "Give --leadfield F, or --centroids F.")
    return target, brain, sphere_leadfield(target.ch_names, places, labels=brain.labels, montage=montage)
