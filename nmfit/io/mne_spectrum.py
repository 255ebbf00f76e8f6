"""Spectra handed back as mne knows them."""

import mne
import numpy as np


def to_mne_spectrum(freqs, psd, ch_names, positions=None):
    """Return spectra as an mne `SpectrumArray`, so that `plot`, `plot_topomap` and `to_data_frame` work.

    Parameters
    ----------
    freqs : array ``[f]``, Hz, evenly spaced
    psd : array ``[f, s]``, V^2/Hz
    ch_names : sequence of str
    positions : array ``[s, 3]``, optional
        Metres in the head frame; topographies need them.

    Returns
    -------
    mne.time_frequency.SpectrumArray
    """
    freqs, names = np.asarray(freqs, dtype=float), list(ch_names)
    info = mne.create_info(names, 2 * float(freqs[-1]), "eeg", verbose="ERROR")
    if positions is not None:
        places = dict(zip(names, np.asarray(positions, dtype=float), strict=True))
        info.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"), verbose="ERROR")
    return mne.time_frequency.SpectrumArray(np.asarray(psd, dtype=float).T, info, freqs, verbose="ERROR")
