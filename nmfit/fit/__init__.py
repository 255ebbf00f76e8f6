"""Fit: minimise, climb, validate. The room is also its main verb: ``nmfit.fit(target, brain)``."""

import sys
import types

from ..compare.spectra import SpectrumTarget
from .fc import fit as fit_fc
from .result import Result, load_result
from .rungs import Rung
from .rungs import ladder as default_ladder
from .spectrum import fit_spectrum


def fit(target, brain, **options):
    """Fit what a target holds: functional connectivity (`fit_fc`), or spectra, with ``leadfield=`` (`fit_spectrum`)."""
    if isinstance(target, SpectrumTarget):
        return fit_spectrum(target, brain, **options)
    return fit_fc(target, brain, **options)


class _Room(types.ModuleType):
    """A package that can be called, since the front door's verb has the room's name."""

    def __call__(self, target, brain, **options):
        return fit(target, brain, **options)


sys.modules[__name__].__class__ = _Room

__all__ = ["Result", "Rung", "default_ladder", "fit", "fit_fc", "fit_spectrum", "load_result"]
