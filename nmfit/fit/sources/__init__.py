"""Spectra of regions, without a lead field: resonances of one person, or of many people under a population."""

from .fit import fit_sources

__all__ = ["fit_sources"]
