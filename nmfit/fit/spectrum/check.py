"""Whether spectra of sensors and a lead field speak of the same thing, asked before anything is fitted."""

import numpy as np

from ...errors import InputError

SMALLEST_POWER, LARGEST_POWER = 1e-19, 1e-7     # V^2/Hz: from below an amplifier's noise to far above any head's alpha


def check_sensors(target, leadfield):
    """Refuse another reference in data and gain, and power that is not linear V^2/Hz."""
    if target.reference != leadfield.reference:
        raise InputError("lead field", f"reference '{leadfield.reference}' where the data have '{target.reference}'",
                         "Read both with one reference: one operator has to act on data and gain.")
    size = float(np.median(target.psd["fit"]))
    if target.unit == "V^2/Hz" and not SMALLEST_POWER < size < LARGEST_POWER:
        raise InputError("spectrum", f"a median power of {size:.3g} V^2/Hz",
                         "Give linear power in V^2/Hz: uV^2/Hz times 1e-12, 10 ** (dB / 10) of decibels.",
                         f"{SMALLEST_POWER:g} to {LARGEST_POWER:g}")
