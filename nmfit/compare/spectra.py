"""Empirical spectra as a target: a recording or spectra, checked and divided among the roles."""

import numpy as np

from ..errors import InputError
from ..network.names import some
from ..observe.kinds import power_unit
from .recording_eeg import SensorRecording, SensorSpectrum
from .sensor_checks import FEWEST_TO_TELL, unlike_amplitudes
from .spectral_target import SpectrumTarget
from .welch import cross_spectra, degrees_of_freedom, smearing, welch_psd, window_starts

ROLES = {"fit": 0.5, "choose": 0.25, "score": 0.25}
WITHOUT_SCORE = {"fit": 0.65, "choose": 0.35}
FEWEST_WINDOWS = 4
MAINS_WIDTH = 1.0         # Hz on either side


def spectrum_target(data, psd=None, *, fmin=1.0, fmax=40.0, seconds=4.0, gap=2.0, roles=None, heldout=None,
                    ch_names=None, dof=None, unit=None, reference="average", cross=False):
    """Turn a recording, or spectra, into a target with the roles fit, choose and score.

    A recording is cut into contiguous blocks with gaps, and each block's spectrum estimated by Welch's method (Hann
    windows, half overlapping). Spectra with several epochs are cut likewise. A single spectrum can be held out by
    frequency only: even bins fit, odd ones score, which tests interpolation. What `heldout` holds is the score part,
    whatever the rest is.

    Parameters
    ----------
    data : SensorRecording, SensorSpectrum, or array of frequencies ``[f]``
        As ``nmfit.spectrum_target`` also a path or an mne Raw, Epochs or Spectrum, which `nmfit.read_eeg` reads first.
    psd : array ``[f, s]`` or ``[e, f, s]``, optional
        Linear power, beside frequencies.
    fmin, fmax : float
        Hz, both included. The mains, and what a filter took away, are left out.
    seconds : float
        Length of a window: its inverse is the spacing of the frequencies.
    gap : float
        Seconds left out between blocks.
    roles : dict of role to share, optional
        In order of time; default half to fit, a quarter each to choose and to score.
    heldout : like `data`, optional
    ch_names, dof, unit, reference : for arrays; see `SensorSpectrum`
    cross : bool
        Keep whole cross-spectra, too, of a recording: what `loss.Whittle` reads.

    Raises
    ------
    InputError
        Naming what is too short, too coarse or out of band.
    """
    if not 0 < fmin < fmax:
        raise InputError("fmin, fmax", f"found {fmin:g} to {fmax:g} Hz", "Give 0 < fmin < fmax.")
    if isinstance(data, SensorRecording):
        return _from_recording(data, heldout, fmin, fmax, seconds, gap, roles, cross)
    if not isinstance(data, SensorSpectrum):
        data = _as_spectrum(data, psd, ch_names, dof, unit, reference)
    return _from_spectrum(data, heldout, fmin, fmax, roles)


def blocks(stretches, sfreq, roles, gap):
    """Cut stretches into contiguous blocks with gaps, one per role.

    Parameters
    ----------
    stretches : sequence of (start, stop)
    sfreq : float
    roles : dict of role to share
    gap : float
        Seconds, of what can be used.

    Returns
    -------
    dict of role to list of (start, stop)
    """
    usable = _samples(stretches)
    between = round(gap * sfreq)
    room = usable - between * (len(roles) - 1)
    total, at, found = sum(roles.values()), 0, {}
    for role, share in roles.items():
        length = max(0, int(room * share / total))
        length = length if len(found) < len(roles) - 1 else max(0, usable - at)  # what rounding left
        found[role] = _slice_of(stretches, at, at + length)
        at += length + between
    return found


def _samples(stretches):
    return sum(b - a for a, b in stretches)


def _slice_of(stretches, first, last):
    """Return the parts of stretches that hold their samples ``first`` to ``last``, counted over all of them."""
    before, parts = 0, []
    for a, b in stretches:
        start, stop = max(first - before, 0), min(last - before, b - a)
        if stop > start:
            parts.append((a + start, a + stop))
        before += b - a
    return parts


def _from_recording(recording, heldout, fmin, fmax, seconds, gap, roles, whole):
    where, sfreq = recording.source or "EEG", recording.sfreq
    if sfreq < 2 * fmax:
        raise InputError(where, f"a sampling rate of {sfreq:g} Hz for frequencies up to {fmax:g} Hz",
                         f"Lower fmax to {0.45 * sfreq:.3g} Hz.", f"{2 * fmax:g} Hz or more")
    if not seconds * fmin >= 1:
        raise InputError("seconds", f"windows of {seconds:g} s for {fmin:g} Hz", "Lengthen the windows or raise fmin.",
                         f"{1 / fmin:g} s or more")
    flat = [recording.ch_names[i] for i in np.flatnonzero(
        np.max([np.ptp(recording.data[a:b], axis=0) for a, b in recording.stretches], axis=0) == 0)]
    if flat:
        raise InputError(where, f"nothing but one value in {some(flat)}",
                         "Leave these channels out (pick), and take the reference of the others.")
    fmin, fmax, notes = _within_filters(recording, fmin, fmax)
    length = round(seconds * sfreq)
    roles = dict(roles or (ROLES if heldout is None else WITHOUT_SCORE))
    parts = {role: (recording, at) for role, at in blocks(recording.stretches, sfreq, roles, gap).items()}
    if heldout is not None:
        parts["score"] = (_same_channels(recording, heldout), heldout.stretches)
    freqs = np.fft.rfftfreq(length, 1 / sfreq)
    kept, excluded = _kept(freqs, fmin, fmax, recording.line_noise)
    psd, dof, cross = {}, {}, {}
    for role, (of, at) in parts.items():
        starts = window_starts(at, length, length // 2)
        if len(starts) < FEWEST_WINDOWS:
            raise InputError(where, f"{_samples(at) / sfreq:.1f} s for the '{role}' part",
                             "Give a longer recording, or shorter windows (--seconds, seconds=).",
                             f"{FEWEST_WINDOWS} windows of {seconds:g} s or more")
        psd[role] = welch_psd(of.data, sfreq, starts, length)[kept]
        if whole:
            cross[role] = cross_spectra(of.data, sfreq, starts, length, kept)
        dof[role] = degrees_of_freedom(starts, length)
    nodes, smear = smearing(freqs[kept], sfreq, length)
    return SpectrumTarget(
        freqs=freqs[kept], psd=psd, dof=dof, bins={role: np.ones(kept.sum(), bool) for role in psd}, nodes=nodes,
        smear=smear, ch_names=recording.ch_names, unit=power_unit(recording.kind),
        reference=recording.reference,
        design="blocks" if heldout is None else "heldout", positions=recording.positions, excluded=excluded,
        dependence=_dependence(recording, length, kept), window=length,
        cross=cross or None, source=recording.source,
        sha256=recording.sha256 | (heldout.sha256 if heldout is not None else {}),
        notes=tuple([*recording.notes, *notes,
                     *_unlike(next(iter(psd.values())), recording.ch_names),
                     *(f"the mains at {recording.line_noise:g} Hz left out" for _ in excluded[:1]),
                     f"Welch: Hann windows of {seconds:g} s, half overlapping; "
                     + ", ".join(f"{role} {_samples(at) / sfreq:.0f} s" for role, (_, at) in parts.items())]))


def _unlike(psd, ch_names):
    """Return in words which channels ``psd [f, s]`` tells from the rest by their amplitude."""
    times = unlike_amplitudes(0.5 * np.log(psd).mean(0)) if len(ch_names) >= FEWEST_TO_TELL else {}
    return [f"{ch_names[i]} has {by:.2g} times the usual amplitude: leave it out (pick) if it is bad"
            for i, by in times.items()]


def _within_filters(recording, fmin, fmax):
    """Narrow the band to what the recording's filters kept."""
    if recording.band is None:
        return fmin, fmax, []
    low, high = recording.band
    notes = []
    if low is not None and fmin < low < fmax:
        notes.append(f"a high-pass at {low:g} Hz: fmin raised from {fmin:g} Hz")
        fmin = low
    if high is not None and fmin < high < fmax:
        notes.append(f"a low-pass at {high:g} Hz: fmax lowered from {fmax:g} Hz")
        fmax = high
    return fmin, fmax, notes


def _kept(freqs, fmin, fmax, mains):
    slack = 1e-9 * fmax
    kept = (freqs >= fmin - slack) & (freqs <= fmax + slack)
    excluded = []
    for harmonic in () if mains is None else np.arange(mains, fmax + MAINS_WIDTH, mains):
        inside = np.abs(freqs - harmonic) <= MAINS_WIDTH
        if (kept & inside).any():
            excluded.append((float(harmonic - MAINS_WIDTH), float(harmonic + MAINS_WIDTH)))
        kept &= ~inside
    if kept.sum() < 2:
        raise InputError("fmin, fmax", f"{int(kept.sum())} frequencies between {fmin:g} and {fmax:g} Hz",
                         "Widen the band, or give a finer spectrum.", "2 or more")
    return kept, tuple(excluded)


def _same_channels(recording, heldout):
    if not isinstance(heldout, SensorRecording):
        raise InputError("held-out data", f"{type(heldout).__name__} beside a recording", "Give a recording, too.")
    if heldout.kind != recording.kind:
        raise InputError(heldout.source or "held-out data", f"sensors of kind '{heldout.kind}'",
                         "Read both recordings with one kind.", f"'{recording.kind}'")
    if heldout.sfreq != recording.sfreq:
        raise InputError(heldout.source or "held-out data", f"sampled at {heldout.sfreq:g} Hz",
                         "Resample one of the recordings.", f"{recording.sfreq:g} Hz")
    if heldout.reference != recording.reference:
        raise InputError(heldout.source or "held-out data", f"reference {heldout.reference}",
                         "Read both recordings with one reference.", recording.reference)
    return heldout if heldout.ch_names == recording.ch_names else heldout.pick(recording.ch_names)


def _dependence(recording, length, kept):
    starts = window_starts(recording.stretches, length, length // 2)
    independent = degrees_of_freedom(starts, length) / 2
    cross = cross_spectra(recording.data, recording.sfreq, starts, length, kept)
    power = np.real(np.einsum("fss->fs", cross))
    coherence = np.abs(cross) ** 2 / (power[:, :, None] * power[:, None, :])
    # the estimate of no coherence is 1/K on average, not 0
    unbiased = np.clip((independent * coherence - 1) / (independent - 1), 0, 1)
    return (unbiased**2).mean(0)


def _as_spectrum(freqs, psd, ch_names, dof, unit, reference):
    if psd is None:
        raise InputError("spectrum_target", f"{type(freqs).__name__} alone",
                         "Give a recording (of an array nmfit.read_eeg makes one), a spectrum, or frequencies and "
                         "psd=.")
    names = ch_names if ch_names is not None else [f"channel_{i + 1}" for i in range(np.shape(psd)[-1])]
    return SensorSpectrum(freqs=freqs, psd=psd, ch_names=tuple(names), dof=dof, unit=unit or "V^2/Hz",
                          reference=reference)


def _from_spectrum(spectrum, heldout, fmin, fmax, roles):
    kept, _ = _kept(spectrum.freqs, fmin, fmax, None)
    freqs, notes, flags = spectrum.freqs[kept], list(spectrum.notes), []
    everything = np.ones(freqs.size, bool)
    values = spectrum.psd[..., kept, :]
    parts = _epoch_parts(values, spectrum.dof, roles or (ROLES if heldout is None else WITHOUT_SCORE))
    bins, design = {}, "blocks"
    if parts is None:
        whole, dof = _mean(values, spectrum.dof)
        parts = {"fit": (whole, dof)}
        if heldout is None:
            even = np.arange(freqs.size) % 2 == 0
            bins, design = {"fit": even, "score": ~even}, "bins"
            parts["score"] = (whole, dof)
            flags.append("interpolated")
            notes.append("one spectrum alone: even frequencies fit, odd ones score, which tests interpolation only")
    if heldout is not None:
        if not isinstance(heldout, SensorSpectrum) or heldout.ch_names != spectrum.ch_names or \
                not np.array_equal(heldout.freqs, spectrum.freqs):
            raise InputError("held-out data", "other channels or frequencies than the rest",
                             "Give a spectrum computed in the same way.")
        parts["score"], design = _mean(heldout.psd[..., kept, :], heldout.dof), "heldout"
    if any(dof is None for _, dof in parts.values()):
        notes.append("degrees of freedom unknown: no noise ceiling, no likelihood (dof= gives them)")
    return SpectrumTarget(
        freqs=freqs, psd={role: p for role, (p, _) in parts.items()}, dof={role: d for role, (_, d) in parts.items()},
        bins={role: bins.get(role, everything) for role in parts}, nodes=freqs, smear=None,
        ch_names=spectrum.ch_names, unit=spectrum.unit, reference=spectrum.reference, design=design,
        positions=spectrum.positions, source=spectrum.source, sha256=spectrum.sha256, flags=tuple(flags),
        notes=tuple(notes))


def _mean(values, dof):
    if values.ndim == 2:
        return values, dof
    return values.mean(0), None if dof is None else dof * len(values)


def _epoch_parts(values, dof, roles):
    """Return contiguous blocks of epochs, one epoch left out between them, or None where there are too few."""
    if values.ndim == 2 or len(values) < FEWEST_WINDOWS * len(roles) + len(roles) - 1:
        return None
    at = blocks([(0, len(values))], 1.0, roles, 1.0)
    return {role: _mean(values[a:b], dof) for role, ((a, b),) in at.items()}
