"""The families of neural mass models; one file each, listed by hand."""

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

__all__ = ["MODELS", "QIF", "Advice", "Facts", "FitzHughNagumo", "Hopf", "JansenRit", "Kuramoto", "Model",
           "ReducedWongWang", "StuartLandau", "ThresholdLinear", "WilsonCowan", "WongWang", "advise", "cautions",
           "describe", "recommend"]
