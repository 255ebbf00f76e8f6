"""Spectra of sensors: populations fitted through a lead field, from the ladder's rungs to what the score part says."""

from .fit import fit_spectrum

__all__ = ["fit_spectrum"]
