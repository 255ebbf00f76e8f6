"""The families of neural mass models; one file each, listed by hand."""

from .contract import Model
from .hopf import Hopf
from .jansen_rit import JansenRit

MODELS = {model.__name__: model for model in (Hopf, JansenRit)}

__all__ = ["MODELS", "Hopf", "JansenRit", "Model"]
