"""The resolvent of networks with one channel, a solve and no product: what spectra at sensors are fitted with.

Where regions hear one channel ``h`` is a number per region, and ``(I - h K)^-1 = I + h K (I - h K)^-1``. So what comes
in from the others needs no product with ``K``: ``E = (h_o / h) ((I - h K)^-1 - I) g + g_o``.
"""

import jax.numpy as jnp

from .closed_loop import inverse
from .local import complexed, imaginary
from .resolvent import operator, regional_transfers, through_instrument


def has_one_channel(network):
    """Return whether the form holds: one channel, and instruments that see every region."""
    return len(network.channels) == 1 and network.seen is None


def one_channel_response(network, observation, x, w):
    """Return what `resolvent.response` does, for a network with one channel whose regions all hear it."""
    local = regional_transfers(network, observation, x, w)                # [f, 2, 1 + m, n]
    h, g = local[:, 0, 0], local[:, 0, 1:]
    h_o, g_o = local[:, 1, 0], local[:, 1, 1:]
    eye = complexed(jnp.eye(network.n))
    resolvent = inverse(eye - h[:, :, None] * operator(network, imaginary(w)))
    ratio = h_o / h
    e = (ratio[:, :, None] * (resolvent - eye))[:, :, None] * g[:, None] + g_o.swapaxes(1, 2)[..., None] * eye[:, None]
    return through_instrument(network, observation, x, w, e.reshape(w.size, network.n, -1))
