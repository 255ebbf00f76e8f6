"""What a parameter is: a default, a unit, bounds and a sentence."""

import dataclasses
import math

import numpy as np

from ..errors import InputError

UNITS = frozenset({"", "1/s", "s", "Hz", "mV", "mV/s", "m/s", "mm", "nA", "pA", "Hz/pA", "pA/Hz", "1/mV",
                   "1/nC", "rad", "A m", "V", "V^2/Hz", "Hz^2"})


@dataclasses.dataclass(frozen=True)
class Declaration:
    """One parameter as its model states it.

    Attributes
    ----------
    default : float
    unit : str
        One of `UNITS`; the empty string is dimensionless.
    bounds : tuple of float
        Lowest and highest value; infinite where there is none.
    sentence : str
        What the parameter means.
    """

    default: float
    unit: str
    bounds: tuple[float, float]
    sentence: str


def param(default, unit, bounds, sentence):
    """Declare a model parameter.

    Parameters
    ----------
    default : float
        Strictly inside the bounds.
    unit : str
        One of `UNITS`.
    bounds : tuple of float
        ``(lowest, highest)``, either of which may be infinite.
    sentence : str
        What it means, for tables and messages.

    Raises
    ------
    ValueError
        If the default is not strictly inside the bounds or the unit is unknown.
    """
    low, high = bounds
    if not low < default < high:
        raise ValueError(f"default {default} of '{sentence}' is not strictly inside {bounds}")
    if unit not in UNITS:
        raise ValueError(f"unit '{unit}' of '{sentence}' is not one of {sorted(UNITS)}")
    return dataclasses.field(
        default=default,
        metadata={"declaration": Declaration(default, unit, (float(low), float(high)), sentence)},
    )


def declarations(owner):
    """Return the declared parameters of a class or of one of its instances, in order, by name."""
    return {f.name: f.metadata["declaration"]
            for f in dataclasses.fields(owner) if "declaration" in f.metadata}


def check_values(owner, regions=None):
    """Check every parameter of an instance against its declaration.

    Parameters
    ----------
    owner : instance with declared parameters
    regions : int, optional
        How many regions a per-region value must have; 0 for what is one number.

    Raises
    ------
    InputError
        Naming the parameter, the value, the region and the bounds.
    """
    for name, declared in declarations(owner).items():
        where = f"{type(owner).__name__}.{name}"
        try:
            value = np.asarray(getattr(owner, name), dtype=float)
        except (TypeError, ValueError):
            raise InputError(where, f"found {getattr(owner, name)!r}", "Give a number or one per region.") from None
        if value.ndim > 1 or (value.ndim == 1 and regions is not None and value.size != regions):
            raise InputError(where, f"shape {value.shape}" + (f" for {regions} regions" if regions else ""),
                             "Give one number, or one per region." if regions != 0 else "Give one number.")
        low, high = declared.bounds
        wrong = ~((value >= low) & (value <= high))
        if wrong.any():
            at = f" at region {int(np.argmax(wrong))}" if value.ndim else ""
            worst = float(value[wrong][0]) if value.ndim else float(value)
            unit = f" {declared.unit}" if declared.unit else ""
            found = f"found {worst:g}{unit}{at}" if math.isfinite(worst) else f"found {worst}{at}"
            raise InputError(where, found, "Give a value inside the bounds.", f"{low:g} to {high:g}{unit}")
