"""Connectomes, coupling, and the network that joins models with them."""

from .connectome import Connectome
from .coupling import Coupling, SharedDrive
from .network import Network

__all__ = ["Connectome", "Coupling", "Network", "SharedDrive"]
