"""Fit: minimise, climb, validate. The room is also its main verb: ``nmfit.fit(target, brain)``."""

import sys
import types

from .. import compare
from ..compare.folds import FcTarget
from ..compare.scans import ScanTarget
from ..compare.spectral_target import SpectrumTarget
from ..errors import InputError
from ..models import Kuramoto
from ..network import Network
from .bayes import sample_posterior
from .compare_results import compare as compare_results
from .fc import fit as fit_fc
from .joint import fit_joint
from .order import in_one_order
from .placed import fit_placed
from .recover import recover
from .result import Result, load_result
from .rungs import Rung, default_ladder
from .simulated import SimulatedFit, fit_simulated
from .sources import fit_sources
from .spectrum import fit_spectrum


def fit(target, brain, *, engine=None, **options):
    """Fit what a target holds: functional connectivity (`fit_fc`) or spectra.

    Spectra with ``leadfield=`` are those of sensors (`fit_spectrum`), without it those of regions (`fit_sources`).
    Scans (`scan_target`), or FC with ``engine="simulated"``, are fitted through the simulation (`fit_simulated`): for
    models without a state of rest, and for FCD. A phase model is, unless told otherwise.
    A `Network` in place of a connectome is fitted as it stands, mixed or partly unseen (`fit_placed`);
    ``engine="joint"`` fits FC in closed form and FCD through the simulation (`fit_joint`).
    """
    if engine not in (None, "linear", "simulated", "joint"):
        raise InputError("engine", f"found {engine!r}", "Choose one, or none.", "linear, simulated, joint")
    if engine == "joint":
        return fit_joint(target, brain, **options)
    model = options.get("model")
    phases = isinstance(target, FcTarget) and (model == "Kuramoto" or isinstance(model, Kuramoto))
    if isinstance(target, ScanTarget) or engine == "simulated" or (phases and engine is None):
        if engine == "linear":
            raise InputError("engine", "linear, for scans", "Make the target with fc_target.")
        return fit_simulated(target, brain, **options)
    if isinstance(brain, Network):
        return fit_placed(target, brain, **options)
    many = isinstance(target, list | tuple) and all(isinstance(one, SpectrumTarget) for one in target)
    if many and options.get("leadfield") is not None:
        raise InputError("target", f"{len(target)} spectra of sensors", "Fit one person after the other.")
    if isinstance(target, SpectrumTarget) or (many and target):
        if options.get("leadfield") is None:
            options.pop("leadfield", None)
            return fit_sources(target, brain, **options)
        return in_one_order(fit_spectrum, target, brain, options)
    return in_one_order(fit_fc, target, brain, options)


class _Room(types.ModuleType):
    """A package that can be called, since the front door's verb has the room's name."""

    def __call__(self, target, brain, **options):
        return fit(target, brain, **options)


class _CompareRoom(types.ModuleType):
    """The room of comparisons, to which this one, above it, gives its verb: ``nmfit.compare(results)``."""

    def __call__(self, results, scans=None, **options):
        return compare_results(results, scans, **options)


sys.modules[__name__].__class__ = _Room
compare.__class__ = _CompareRoom

__all__ = ["Result", "Rung", "SimulatedFit", "compare", "default_ladder", "fit", "fit_fc", "fit_simulated",
           "fit_sources", "fit_spectrum", "load_result", "recover", "sample_posterior"]
