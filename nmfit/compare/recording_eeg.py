"""What EEG files become: a recording of sensors, or spectra somebody computed."""

import dataclasses

import numpy as np

from ..errors import InputError
from ..network.names import some
from ..network.repair import names
from ..observe.reference import NONE, rereference

SLOWEST_RATE, FASTEST_RATE = 20.0, 1e5       # Hz: outside the number is in another unit, or no EEG


def checked_rate(sfreq, where):
    """Return a sampling rate in Hz; refuse what is none, and numbers in another unit."""
    try:
        rate = float(sfreq)
    except (TypeError, ValueError):
        rate = 0.0
    if not (np.isfinite(rate) and rate > 0):
        raise InputError(where, f"sampling rate {sfreq!r}", "Give it in Hz.")
    if not SLOWEST_RATE <= rate <= FASTEST_RATE:
        factor, unit = (1e3, "kHz") if rate < SLOWEST_RATE else (1e-3, "mHz")
        raise InputError(where, f"sampling rate {rate:g} Hz ({factor * rate:g} Hz if this is {unit})", "Give it in Hz.",
                         f"{SLOWEST_RATE:g} to {FASTEST_RATE:g} Hz")
    return rate


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SensorRecording:
    """Potentials at ``s`` sensors over ``t`` samples, checked once, when it is made.

    Attributes
    ----------
    data : array ``[t, s]``
        Volts, the reference applied; read-only.
    sfreq : float
        Samples per second.
    ch_names : tuple of str
    positions : array ``[s, 3]`` or None
        Metres, in the head frame (x right, y front, z up).
    reference : str
        "average" (of these channels), the name of a channel that dropped out, or "none": as recorded.
    stretches : tuple of (start, stop)
        Samples between which nothing is cut; everything unless given. What lies outside is not used.
    bads : tuple of str
        Channels left out as bad or flat.
    line_noise : float or None
        Frequency of the mains that was found, Hz.
    band : (low, high)
        What the acquisition or a filter kept, Hz.
    source, subject : str
    sha256 : dict
    notes : tuple of str
        What was repaired, left out or is odd.
    kind : {"eeg", "mag", "grad"}
        Of the sensors; fields and gradients are in the units of `observe.kinds`.

    Raises
    ------
    InputError
        For shapes and names that disagree, values that are not finite, and a sampling rate that is none.
    """

    data: np.ndarray
    sfreq: float
    ch_names: tuple[str, ...]
    positions: np.ndarray | None = None
    reference: str = NONE
    stretches: tuple = ()
    bads: tuple[str, ...] = ()
    line_noise: float | None = None
    band: tuple[float, float] | None = None
    source: str = ""
    subject: str = ""
    sha256: dict = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    kind: str = "eeg"

    def __post_init__(self):
        where = self.source or "EEG"
        data = _array(self.data, 2, where, "one row per sample and one column per channel")
        if len(data) == 0 or data.shape[1] == 0:
            raise InputError(where, f"{len(data)} samples x {data.shape[1]} channels", "Give a recording with some.")
        if len(self.ch_names) == len(data) != data.shape[1]:
            raise InputError(where, f"transposed: {len(data)} rows with {len(data)} channel names",
                             "Give one row per sample and one column per channel.")
        sfreq = checked_rate(self.sfreq, where)
        data.setflags(write=False)
        for name, value in {
            "data": data, "sfreq": sfreq, "ch_names": names(self.ch_names, data.shape[1], where),
            "positions": _positions(self.positions, data.shape[1], where),
            "stretches": tuple((int(a), int(b)) for a, b in self.stretches) or ((0, len(data)),),
            "notes": tuple(dict.fromkeys(self.notes)),
        }.items():
            object.__setattr__(self, name, value)
        outside = [(a, b) for a, b in self.stretches if not 0 <= a < b <= len(data)]
        if outside:
            raise InputError(where, f"a stretch from {outside[0][0]} to {outside[0][1]}", "Give first and last samples "
                             "of stretches that the data hold.", f"within 0 to {len(data)}")
        used = np.concatenate([data[a:b] for a, b in self.stretches])
        bad = [self.ch_names[i] for i in np.flatnonzero(~np.isfinite(used).all(0))]
        if bad:
            raise InputError(where, f"values that are not finite in {some(bad)}", "Drop these channels.")

    def __repr__(self):
        left_out = [f"without {some(self.bads)}"] if self.bads else []
        told = [f"{self.s} channels, {self.seconds:.0f} s at {self.sfreq:g} Hz", f"reference {self.reference}",
                *left_out, *([f"from {self.source}"] if self.source else [])]
        return f"<SensorRecording: {', '.join(told)}>"

    @property
    def s(self):
        """Number of channels."""
        return self.data.shape[1]

    @property
    def seconds(self):
        """How much of it can be used."""
        return sum(b - a for a, b in self.stretches) / self.sfreq

    def pick(self, ch_names):
        """Return the recording of some channels, in the order given, an average reference taken anew over these.

        Raises
        ------
        InputError
            Naming the channels it does not have.
        """
        missing = [name for name in ch_names if name not in self.ch_names]
        if missing:
            raise InputError(self.source or "EEG", f"no channel {some(missing)}",
                             "Choose among its channels.", some(self.ch_names, 12))
        at = [self.ch_names.index(name) for name in ch_names]
        fewer = dataclasses.replace(self, data=self.data[:, at], ch_names=tuple(ch_names),
                                    positions=None if self.positions is None else self.positions[at])
        return fewer.rereferenced("average") if self.reference == "average" else fewer

    def rereferenced(self, reference):
        """Return the recording against another reference: "average" or a channel, which then drops out."""
        data, kept = rereference(self.data, self.ch_names, reference, axis=1)
        at = [self.ch_names.index(name) for name in kept]
        return dataclasses.replace(self, data=data, ch_names=kept, reference=reference,
                                   positions=None if self.positions is None else self.positions[at])


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SensorSpectrum:
    """Power spectral densities that were computed elsewhere, checked once, when it is made.

    Attributes
    ----------
    freqs : array ``[f]``, Hz, rising
    psd : array ``[f, s]``, or ``[e, f, s]`` where there is one per epoch
        One-sided, linear, in `unit`.
    ch_names : tuple of str
        Channels or regions.
    dof : float or None
        Degrees of freedom of every value ``[f, s]`` (of one epoch's, where there are epochs): 2 for one
        periodogram, 2 K for the mean of K independent ones.
    unit : str
        "V^2/Hz", or another text where the unit is not known.
    positions, reference, bads, source, sha256, notes : as in `SensorRecording`

    Raises
    ------
    InputError
        For shapes that disagree, frequencies that do not rise, and values that are no powers: negative ones are
        named as the logarithm they probably are.
    """

    freqs: np.ndarray
    psd: np.ndarray
    ch_names: tuple[str, ...]
    dof: float | None = None
    unit: str = "V^2/Hz"
    positions: np.ndarray | None = None
    reference: str = "average"
    bads: tuple[str, ...] = ()
    source: str = ""
    sha256: dict = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self):
        where = self.source or "spectrum"
        freqs = _array(self.freqs, 1, f"{where} (freqs)", "a list of frequencies")
        psd = _array(self.psd, np.ndim(self.psd) if np.ndim(self.psd) == 3 else 2, where,
                     "one row per frequency and one column per channel")
        if psd.shape[-2] != freqs.size:
            turned = ", which looks transposed" if psd.shape[-1] == freqs.size else ""
            raise InputError(where, f"{psd.shape[-2]} rows for {freqs.size} frequencies{turned}",
                             "Give one row per frequency and one column per channel.")
        if freqs.size < 2 or not np.all(np.diff(freqs) > 0) or freqs[0] < 0 or not np.isfinite(freqs).all():
            raise InputError(f"{where} (freqs)", "they do not rise from 0 Hz on", "Give frequencies in Hz, in order.")
        ch_names = names(self.ch_names, psd.shape[-1], where)
        wrong = ~np.isfinite(psd) | (psd < 0)
        if wrong.any():
            which = some([ch_names[i] for i in np.flatnonzero(wrong.any(tuple(range(psd.ndim - 1))))])
            if np.isfinite(psd).all():
                raise InputError(where, f"negative power in {which}: this looks like a logarithm or decibels",
                                 "Give linear power: 10 ** (dB / 10).")
            raise InputError(where, f"values that are not finite in {which}", "Drop these channels.")
        dead = [ch_names[i] for i in np.flatnonzero((psd == 0).all(tuple(range(psd.ndim - 1))))]
        if dead:
            raise InputError(where, f"no power at all in {some(dead)}", "Drop these channels.")
        if self.dof is not None and not self.dof > 0:
            raise InputError(f"{where} (dof)", f"found {self.dof!r}",
                             "Give a positive number: 2 per independent window.")
        psd.setflags(write=False)
        freqs.setflags(write=False)
        for name, value in {"freqs": freqs, "psd": psd, "ch_names": ch_names,
                            "positions": _positions(self.positions, len(ch_names), where),
                            "notes": tuple(dict.fromkeys(self.notes))}.items():
            object.__setattr__(self, name, value)

    def __repr__(self):
        shape = f"{len(self.ch_names)} channels, {self.freqs.size} frequencies {self.freqs[0]:g}-{self.freqs[-1]:g} Hz"
        return f"<SensorSpectrum: {shape}, {self.unit}>"


def _array(values, axes, where, expected):
    if np.iscomplexobj(values):
        raise InputError(where, "complex numbers", "Give real values.")
    try:
        array = np.array(values, dtype=float)
    except (TypeError, ValueError):
        raise InputError(where, "values that are not numbers", "Give an array of numbers.") from None
    if array.ndim != axes:
        raise InputError(where, f"an array with {array.ndim} axes", f"Give {axes}.", expected)
    return array


def _positions(positions, s, where):
    if positions is None:
        return None
    positions = _array(positions, 2, f"{where} (positions)", "one row x, y, z per channel, in metres")
    if positions.shape != (s, 3) or not np.isfinite(positions).all():
        raise InputError(f"{where} (positions)", f"shape {positions.shape} or values that are not finite",
                         "Give x, y, z in metres for every channel.", f"{s} x 3")
    positions.setflags(write=False)
    return positions
