"""Kinds of sensors: what they measure, and the unit that it is held in.

Fields and gradients are held in units in which they are as large as potentials are in volts, so that one set of bounds
holds for noise, gains and scale alike: a field of 100 fT is 1e-6, as is a potential of 1 uV.
"""

import dataclasses

from ..errors import InputError


@dataclasses.dataclass(frozen=True)
class SensorKind:
    """One kind of sensors.

    Attributes
    ----------
    name : in words
    unit : what 1 is, in words
    factor : from the SI unit to that
    referenced : whether only differences are measured
    usual : amplitudes that a head makes, told
    """

    name: str
    unit: str
    factor: float
    referenced: bool
    usual: str


SENSORS = {"eeg": SensorKind("EEG", "V", 1.0, True, "0.1 to 500 uV"),
           "mag": SensorKind("magnetometer", "1e-7 T", 1e7, False, "10 fT to 50 pT"),
           "grad": SensorKind("gradiometer", "1e-5 T/m", 1e5, False, "1e-12 to 5e-9 T/m")}


def sensor_kind(kind):
    """Return a kind of sensors by its short name.

    Raises
    ------
    InputError
    """
    if kind not in SENSORS:
        raise InputError("kind", f"found {kind!r}", "Choose one kind of sensors; two kinds are two fits.",
                         ", ".join(SENSORS))
    return SENSORS[kind]


def power_unit(kind):
    """Return the unit of a power spectral density, in words."""
    unit = sensor_kind(kind).unit
    return f"{unit}^2/Hz" if kind == "eeg" else f"({unit})^2/Hz"
