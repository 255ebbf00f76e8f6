"""What instruments see."""

from .balloon import Balloon
from .contract import Observation, check_seen
from .direct import Direct
from .kernels import GammaKernel, VolterraKernel
from .leadfield import LeadField
from .reference import rereference
from .regional import RegionalSpectra

__all__ = ["Balloon", "Direct", "GammaKernel", "LeadField", "Observation", "RegionalSpectra", "VolterraKernel",
           "check_seen", "rereference"]
