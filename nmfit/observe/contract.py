"""What an instrument is: the same contract as a model, driven by the regions."""

from abc import ABC, abstractmethod
from typing import ClassVar

import jax.numpy as jnp

from ..errors import InputError


class Observation(ABC):
    """An instrument: per region a small system driven by what it reads, then a linear projection.

    Class attributes
    ----------------
    reads : "bold_drive" or "eeg_source", the model function that drives it
    states : names of its states per region (empty where it has none)

    Attributes
    ----------
    gain : array ``[s, n]`` or None
        Projection of the regions onto sensors; None where every region is its own sensor.
    """

    reads: ClassVar[str]
    states: ClassVar[tuple[str, ...]]
    gain: object = None

    @abstractmethod
    def drift(self, h, u):
        """Return dh/dt ``[d, n]`` for the drive ``u [n]``, per second."""

    @abstractmethod
    def read(self, h, u):
        """Return the regional signal ``[n]`` before projection."""

    @abstractmethod
    def start(self):
        """Return the state ``[d]`` at rest."""

    def project(self, e):
        """Return the sensors' response ``[..., s, m]`` for the regions' response ``e [..., n, m]`` to ``m`` sources."""
        return jnp.asarray(self.gain).astype(e.dtype) @ e

    def project_covariance(self, covariance):
        """Return the sensors' covariance ``[..., s, s]`` for the regions' ``[..., n, n]``."""
        gain = jnp.asarray(self.gain).astype(covariance.dtype)
        return gain @ covariance @ gain.T

    def check_reads(self, network):
        """Refuse a network of which some region that is seen has nothing for the instrument to read."""
        for name in network.viewed:
            model = network.groups[name]
            if getattr(model, self.reads, None) is None:
                raise InputError(f"group '{name}'", f"{type(model).__name__} has no {self.reads}",
                                 "Choose another instrument or another model.")
