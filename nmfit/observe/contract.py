"""What an instrument is: the same contract as a model, driven by the regions."""

from abc import ABC, abstractmethod
from typing import ClassVar

import jax.numpy as jnp

from ..errors import InputError
from ..network import Network


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


def check_seen(network, observation):
    """Refuse what is no network or no instrument, and regions in which the instrument finds nothing to read."""
    if not isinstance(network, Network):
        raise InputError("network", f"found {type(network).__name__}", "Make one with nmfit.Network.of(brain, model).")
    if not isinstance(observation, Observation):
        raise InputError("observe", f"found {observation!r}", "Give an instrument, such as nmfit.observe.Balloon().")
    for name in network.viewed:
        model = network.groups[name]
        if getattr(model, observation.reads, None) is None:
            raise InputError(f"group '{name}'", f"{type(model).__name__} has no {observation.reads}",
                             "Choose another instrument or another model.")
