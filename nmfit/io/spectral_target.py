"""Spectra as a target, straight from a file or from what mne holds."""

import functools

import mne

from ..compare import spectra
from .eeg import read_eeg
from .files import is_path


@functools.wraps(spectra.spectrum_target)
def spectrum_target(data, psd=None, *, heldout=None, reference="average", **options):
    """Read files and what mne holds, which `compare` knows nothing of, then make the target."""
    def read(source):
        return read_eeg(source, reference=reference) if is_path(source) or _of_mne(source) else source

    return spectra.spectrum_target(read(data), psd, heldout=read(heldout), reference=reference, **options)


def _of_mne(source):
    # Named here and not above: naming them loads most of mne, which draws, and reading BOLD needs none of it.
    return isinstance(source, (mne.io.BaseRaw, mne.BaseEpochs, mne.time_frequency.Spectrum,
                               mne.time_frequency.EpochsSpectrum))
