"""What can be wrong with sensors: flat and bad channels, units, the mains, and where the electrodes are."""

import numpy as np
from scipy.signal import butter, sosfiltfilt, welch

from ..errors import InputError
from ..observe.kinds import sensor_kind

FLAT = 1e-2                       # of the usual amplitude
LEAST_RMS, MOST_RMS = 1e-7, 5e-4  # V in 1-40 Hz, median over channels
HEAD = (0.07, 0.12)               # m
MIDDLE = (0.0, 0.0, 0.04)         # m: of a head, which lies above the plane of ears and nasion where the frame begins
FEWEST_FOR_SPHERE = 10
FEWEST_TO_TELL = 4                # channels
OUTLIER = 5.0                     # robust standard deviations of log power between channels
UNRELATED = 0.4                   # largest correlation with any other channel, median over windows
MAINS = (50.0, 60.0)
MAINS_RATIO = 3.0


def band_rms(data, sfreq, low=1.0, high=40.0):
    """Return the amplitude of every channel within a band, ``[s]``: immune to offsets and drift."""
    freqs, psd = welch(data, sfreq, nperseg=min(len(data), round(2 * sfreq)), axis=0)
    inside = (freqs >= low) & (freqs <= min(high, 0.5 * sfreq))
    return np.sqrt(psd[inside].sum(0) * (freqs[1] - freqs[0]))


def flat_channels(data, sfreq):
    """Return the indices of channels that hold nothing: not finite, constant, or a hundredth of the others."""
    flat = ~np.isfinite(data).all(0)
    flat[~flat] = np.ptp(data[:, ~flat], axis=0) == 0
    if not flat.all():
        amplitude = band_rms(data[:, ~flat], sfreq)
        flat[~flat] = amplitude < FLAT * np.median(amplitude)
    return np.flatnonzero(flat)


def bad_channels(data, sfreq):
    """Return the indices of channels unlike the rest, with the reason for each.

    Bad is a channel whose amplitude in 1-40 Hz lies 5 robust standard deviations from the others' (on a logarithm,
    the standard deviation taken as a factor of 1.5 at least), or that follows no other channel (correlation below
    0.4 with all of them in 1-20 Hz, where most channels do follow one).

    Parameters
    ----------
    data : array ``[t, s]`` without flat channels
    sfreq : float

    Returns
    -------
    dict of int to str
    """
    if data.shape[1] < FEWEST_TO_TELL:
        return {}
    found = {i: f"{times:.2g} times the usual amplitude"
             for i, times in unlike_amplitudes(np.log(band_rms(data, sfreq))).items()}
    related = _largest_correlation(data, sfreq)
    if np.median(related) >= UNRELATED:  # else the channels are too far apart, or bipolar, for this to mean anything
        for i in np.flatnonzero(related < UNRELATED):
            found.setdefault(int(i), "follows no other channel")
    return found


def unlike_amplitudes(level):
    """Return ``{index: times}`` of channels whose log amplitude ``[s]`` lies 5 robust standard deviations away."""
    middle = np.median(level)
    spread = max(1.4826 * np.median(np.abs(level - middle)), np.log(1.5))
    return {int(i): float(np.exp(level[i] - middle)) for i in np.flatnonzero(np.abs(level - middle) > OUTLIER * spread)}


def _largest_correlation(data, sfreq):
    """Return each channel's largest correlation with another in 1-20 Hz, the median over windows of 2 s, ``[s]``."""
    top = min(20.0, 0.4 * sfreq)
    slow = sosfiltfilt(butter(2, [1.0, top], "bandpass", fs=sfreq, output="sos"), data, axis=0)
    width = min(len(data), round(2 * sfreq))
    largest = []
    for start in range(0, len(data) - width + 1, width):
        r = np.abs(np.corrcoef(slow[start:start + width].T))
        np.fill_diagonal(r, 0.0)
        largest.append(r.max(0))
    return np.median(largest, axis=0)


def check_unit(data, sfreq, where, kind="eeg"):
    """Refuse amplitudes no head makes, naming the unit they probably are in.

    Parameters
    ----------
    data : array ``[t, s]``, in the unit of the sensors' kind
    sfreq : float
    where : str
    kind : {"eeg", "mag", "grad"}

    Raises
    ------
    InputError
    """
    amplitude = float(np.median(band_rms(data, sfreq)))
    if LEAST_RMS <= amplitude <= MOST_RMS:
        return
    sensors = sensor_kind(kind)
    if kind != "eeg":
        raise InputError(where, f"a median amplitude of {amplitude / sensors.factor:.3g} "
                         f"{sensors.unit.split()[-1]} in 1-40 Hz, which no head makes",
                         "Write it in T, or T/m, or read it with nmfit.read_eeg(scale=), which multiplies.",
                         sensors.usual)
    guess = next((f"they look like {unit}" for factor, unit in ((1e-6, "microvolts"), (1e-3, "millivolts"), (1e3, "kV"))
                  if 1e-6 <= amplitude * factor <= 1e-4), "check the calibration")
    raise InputError(where, f"a median amplitude of {1e6 * amplitude:.3g} uV in 1-40 Hz: {guess}",
                     "Write it in volts, or read it with nmfit.read_eeg(scale=), which multiplies.", "0.1 to 500 uV")


def mains_frequency(data, sfreq):
    """Return 50 or 60 where the mains stand out of the spectrum in the median channel, else None."""
    freqs, psd = welch(data, sfreq, nperseg=min(len(data), round(4 * sfreq)), axis=0)
    best, ratio = None, MAINS_RATIO
    for mains in MAINS:
        near = np.abs(freqs - mains)
        around = (near > 1.0) & (near <= 4.0)
        if mains + 1 > 0.5 * sfreq or not around.any():
            continue
        peak = float(np.median(psd[near <= 0.5].max(0) / np.maximum(np.median(psd[around], axis=0), 1e-300)))
        if peak > ratio:
            best, ratio = mains, peak
    return best


def check_head(positions, where):
    """Refuse positions that lie on no head, naming the unit they probably are in.

    Raises
    ------
    InputError
    """
    _, radius = fit_sphere(positions)
    if HEAD[0] <= radius <= HEAD[1]:
        return
    guess = next((f"they look like {unit}" for factor, unit in ((1e-3, "mm"), (1e-2, "cm"), (1e-1, "dm"))
                  if HEAD[0] <= radius * factor <= HEAD[1]), "check the montage")
    raise InputError(f"{where} (electrode positions)", f"a head of {100 * radius:.3g} cm radius: {guess}",
                     "Give positions in metres, or name a montage.", f"{100 * HEAD[0]:g} to {100 * HEAD[1]:g} cm")


def fit_sphere(points):
    """Return the centre ``[3]`` and the radius of the sphere nearest to points ``[s, 3]`` on a head.

    ``|p|^2 = 2 p.c + (r^2 - |c|^2)`` is linear in ``c`` and the constant; fewer than 10 points, which may lie on a
    circle, are taken to surround the middle of a head in the head frame.
    """
    points = np.asarray(points, dtype=float)
    if len(points) < FEWEST_FOR_SPHERE:
        return np.array(MIDDLE), float(np.median(np.linalg.norm(points - MIDDLE, axis=1)))
    design = np.column_stack([2 * points, np.ones(len(points))])
    solution = np.linalg.lstsq(design, (points**2).sum(1), rcond=None)[0]
    return solution[:3], float(np.sqrt(max(solution[3] + solution[:3] @ solution[:3], 0.0)))
