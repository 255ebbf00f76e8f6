"""Empirical spectra with the three roles they play: what a fit sees, what chooses, what is scored once."""

import dataclasses
from typing import ClassVar

import numpy as np

from ..shown import Shown


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SpectrumTarget(Shown):
    """Power spectral densities of ``s`` channels (or regions) and how they may be used.

    Build one with `spectrum_target`.

    Attributes
    ----------
    freqs : array ``[f]``, Hz
        What is compared: without the mains.
    psd : dict of role to array ``[f, s]``
        One-sided, linear. Roles are "fit", "choose" and "score".
    dof : dict of role to float or None
        Degrees of freedom of each value.
    bins : dict of role to array of bool ``[f]``
        The frequencies that count in each role.
    nodes : array ``[m]``, Hz
        Where a model's spectrum is wanted.
    smear : array ``[f, m]`` or None
        What the estimate's window does to it; None where nodes and freqs are the same.
    ch_names, unit, reference, positions : of the channels
    design : "blocks", "bins" or "heldout"
    excluded : tuple of (low, high), Hz left out
    dependence : array ``[s, s]`` or None
        Mean over frequencies of the fourth power of the channels' coherence magnitude, for the ceiling's interval.
    window : samples per window, or None
    cross : dict of role to complex array ``[f, s, s]``, one-sided cross-spectra, or None where only powers are known
    """

    shown_as: ClassVar = "spectrum_target"

    freqs: np.ndarray
    psd: dict
    dof: dict
    bins: dict
    nodes: np.ndarray
    smear: np.ndarray | None
    ch_names: tuple[str, ...]
    unit: str
    reference: str
    design: str
    positions: np.ndarray | None = None
    excluded: tuple = ()
    dependence: np.ndarray | None = None
    window: int | None = None
    source: str = ""
    sha256: dict = dataclasses.field(default_factory=dict)
    flags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    cross: dict | None = None

    def __repr__(self):
        told = ", ".join(f"{role} {dof:.0f} dof" if dof else role for role, dof in self.dof.items())
        return (f"<SpectrumTarget: {self.s} channels, {self.freqs.size} frequencies {self.freqs[0]:g}-"
                f"{self.freqs[-1]:g} Hz, {told}>")

    @property
    def s(self):
        """Number of channels."""
        return len(self.ch_names)

    def expected(self, psd):
        """Return what the estimate of a spectrum ``[m, s]`` at the nodes would be on average, ``[f, s]``."""
        return psd if self.smear is None else self.smear @ psd

    def select(self, indices):
        """Return the target of some channels, in the order given; their reference stays what it was.

        Parameters
        ----------
        indices : array of int, or of bool ``[s]``
        """
        at = np.arange(self.s)[np.asarray(indices)]
        return dataclasses.replace(
            self, psd={role: psd[:, at] for role, psd in self.psd.items()},
            ch_names=tuple(self.ch_names[i] for i in at),
            positions=None if self.positions is None else self.positions[at],
            cross=None if self.cross is None else {role: c[:, at][:, :, at] for role, c in self.cross.items()},
            dependence=None if self.dependence is None else self.dependence[np.ix_(at, at)])
