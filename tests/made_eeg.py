"""EEG made for tests: a recording with alpha, and the smallest writer of EDF."""

import numpy as np

NAMES = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2", "T7", "T8", "Cz", "Pz")


def potentials(seconds=20.0, sfreq=200.0, s=None, seed=0):
    """Return ``[t, s]`` volts: a shared background, 10 Hz behind, noise of each channel's own."""
    rng, s = np.random.default_rng(seed), s or len(NAMES)
    t = np.arange(round(seconds * sfreq)) / sfreq
    shared = np.cumsum(rng.normal(size=(len(t), 3)), axis=0)
    shared -= np.linspace(0, 1, len(t))[:, None] * shared[-1]
    weights = rng.normal(size=(3, s))
    back = np.linspace(0, 1, s)
    alpha = np.sin(2 * np.pi * 10 * t + 0.2 * np.cumsum(rng.normal(size=len(t))))
    data = shared @ weights + 8 * alpha[:, None] * back + rng.normal(0, 1, (len(t), s))
    return 1e-6 * data


def write_edf(path, data, sfreq, names, physical=400.0):
    """Write EDF with one-second records; ``data [t, s]`` in volts, stored as microvolts."""
    records, s = len(data) // round(sfreq), len(names)

    def field(values, width):
        return "".join(f"{value!s:<{width}}"[:width] for value in values)

    header = field(["0"], 8) + field(["X", "X"], 80) + "01.01.20" + "00.00.00"
    header += field([256 * (s + 1)], 8) + field([""], 44) + field([records], 8)
    header += field([1], 8) + field([s], 4)
    header += field(names, 16) + field([""] * s, 80) + field(["uV"] * s, 8) + field([-physical] * s, 8)
    header += field([physical] * s, 8) + field([-32768] * s, 8) + field([32767] * s, 8) + field([""] * s, 80)
    header += field([round(sfreq)] * s, 8) + field([""] * s, 32)
    counts = np.round((np.asarray(data) * 1e6 + physical) / (2 * physical) * 65535 - 32768)
    blocks = counts[:records * round(sfreq)].reshape(records, round(sfreq), s).swapaxes(1, 2)
    path.write_bytes(header.encode("ascii") + np.clip(blocks, -32768, 32767).astype("<i2").tobytes())
    return path
