"""The families of neural mass models; one file each, listed by hand."""

from ..errors import InputError
from .contract import Model
from .fitzhugh_nagumo import FitzHughNagumo
from .guide import describe
from .hopf import Hopf
from .jansen_rit import JansenRit
from .kuramoto import Kuramoto
from .pitfalls import Facts, cautions
from .qif import QIF
from .recommend import Advice, advise, recommend
from .reduced_wong_wang import ReducedWongWang
from .stuart_landau import StuartLandau
from .threshold_linear import ThresholdLinear
from .wilson_cowan import WilsonCowan
from .wong_wang import WongWang

MODELS = {model.__name__: model for model in (
    Hopf, StuartLandau, FitzHughNagumo, Kuramoto, ThresholdLinear, WilsonCowan, WongWang, ReducedWongWang,
    JansenRit, QIF,
)}


def model_named(name, where="model"):
    """Return the model class of a name, whatever its case; `where` is what a refusal speaks of."""
    known = {one.lower(): model for one, model in MODELS.items()}
    if name.lower() not in known:
        raise InputError(where, f"found '{name}'", f"Choose one of {', '.join(MODELS)}.")
    return known[name.lower()]


__all__ = ["MODELS", "QIF", "Advice", "Facts", "FitzHughNagumo", "Hopf", "JansenRit", "Kuramoto", "Model",
           "ReducedWongWang", "StuartLandau", "ThresholdLinear", "WilsonCowan", "WongWang", "advise", "cautions",
           "describe", "model_named", "recommend"]
