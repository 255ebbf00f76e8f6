"""Connectomes, coupling, and the network that joins models with them."""

from .connectome import Connectome
from .coupling import Coupling, OrnsteinUhlenbeck, SharedDrive
from .network import Network
from .stimulus import Stimulus

__all__ = ["Connectome", "Coupling", "Network", "OrnsteinUhlenbeck", "SharedDrive", "Stimulus"]
