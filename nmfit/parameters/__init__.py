"""Declare a parameter once; its bijection, its table row and its tests derive from that line."""

from .bijection import to_bounded, to_free
from .declaration import Declaration, check_values, declarations, param
from .pytree import pytree, static

__all__ = ["Declaration", "check_values", "declarations", "param", "pytree", "static", "to_bounded", "to_free"]
