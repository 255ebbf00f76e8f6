"""Two engines that answer one question: what would the instrument see."""

from .linearised import Linear, form_of, linearise

__all__ = ["Linear", "form_of", "linearise"]
