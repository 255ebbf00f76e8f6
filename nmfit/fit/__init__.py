"""Fit: minimise, climb, validate. The room is also its main verb: ``nmfit.fit(target, brain)``."""

import sys
import types

from .fc import fit
from .result import Result, load_result


class _Room(types.ModuleType):
    """A package that can be called, since the front door's verb has the room's name."""

    def __call__(self, target, brain, **options):
        return fit(target, brain, **options)


sys.modules[__name__].__class__ = _Room

__all__ = ["Result", "fit", "load_result"]
