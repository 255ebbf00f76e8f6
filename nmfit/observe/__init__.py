"""What instruments see."""

from .contract import Observation
from .direct import Direct

__all__ = ["Direct", "Observation"]
