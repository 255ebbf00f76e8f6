"""An instrument that reads a region as it is."""

from typing import ClassVar

import jax.numpy as jnp

from ..parameters import pytree, static
from .contract import Observation


@pytree
class Direct(Observation):
    """The observable itself, region by region: ``read(u) = u``.

    What a BOLD-band model such as `Hopf` needs for BOLD, and any model for source-level spectra.
    """

    states: ClassVar = ()
    reads: str = static(default="bold_drive")
    gain: object = None

    def drift(self, h, u):  # noqa: ARG002
        """Return nothing: there are no states."""
        return jnp.zeros((0, *jnp.shape(u)))

    def read(self, h, u):  # noqa: ARG002
        """Return the drive."""
        return u

    def start(self):
        """Return no state."""
        return jnp.zeros(0)
