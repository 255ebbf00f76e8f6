"""What instruments see."""

from .balloon import Balloon
from .contract import Observation
from .direct import Direct
from .kernels import GammaKernel, VolterraKernel

__all__ = ["Balloon", "Direct", "GammaKernel", "Observation", "VolterraKernel"]
