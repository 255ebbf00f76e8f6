"""Two engines that answer one question: what would the instrument see?"""

from .linearised import Linear, linearise

__all__ = ["Linear", "linearise"]
