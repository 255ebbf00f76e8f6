"""Spectra as a target, straight from a file or from what mne holds."""

import functools
import os

import mne

from ..compare import spectra
from .eeg import read_eeg

OF_MNE = (mne.io.BaseRaw, mne.BaseEpochs, mne.time_frequency.Spectrum, mne.time_frequency.EpochsSpectrum)


@functools.wraps(spectra.spectrum_target)
def spectrum_target(data, psd=None, *, heldout=None, reference="average", **options):
    """Read files and what mne holds, which `compare` knows nothing of, then make the target."""
    def read(source):
        return read_eeg(source, reference=reference) if isinstance(source, (str, os.PathLike, *OF_MNE)) else source

    return spectra.spectrum_target(read(data), psd, heldout=read(heldout), reference=reference, **options)
