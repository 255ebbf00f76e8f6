"""A model as the closure sees it: linear, with slopes averaged over what its noise makes of it."""

import jax.numpy as jnp

from ..models import Model
from ..parameters import pytree, static


@pytree
class Averaged(Model):
    """A model's regions under the closure: affine about their means.

    Attributes
    ----------
    mean, heard : means of states ``[d, n]`` and of inputs ``[k, n]``
    A, B : mean slopes of the drift, ``[n, d, d]`` and ``[n, d, k]``
    sent, C : mean outputs ``[k, n]`` and their mean slopes ``[n, k, d]``
    read, R : mean reading ``[1, n]`` of the instrument and its mean slope ``[n, 1, d]``
    noise : ``[d, n]``
    noisy : indices of the states with noise
    states, channels, coupling, time_scale : of the model it stands for
    turns : whether its planes still rotate
    """

    mean: object
    heard: object
    A: object
    B: object
    sent: object
    C: object
    read: object
    R: object
    noise: object
    noisy: tuple = static(default=())
    states: tuple = static(default=())
    channels: tuple = static(default=())
    coupling: str = static(default="additive")
    time_scale: float = static(default=1.0)
    turns: bool = static(default=False)

    @property
    def rotation(self):
        """Where the rates of turning stand, one per region; None unless planes rotate."""
        return "turning" if self.turns else None

    @property
    def turning(self):
        """Rate of turning in rad/s."""
        return self.A[:, 1, 0]

    def drift(self, x, c):
        """Return the averaged velocity."""
        return jnp.einsum("nij,jn->in", self.A, x - self.mean) + jnp.einsum("nik,kn->in", self.B, c - self.heard)

    def diffusion(self, x):  # noqa: ARG002
        """Return the noise at the mean."""
        return self.noise

    def output(self, x):
        """Return the averaged output."""
        return self.sent + jnp.einsum("nki,in->kn", self.C, x - self.mean)

    def bold_drive(self, x):
        """Return the averaged reading."""
        return (self.read + jnp.einsum("nki,in->kn", self.R, x - self.mean))[0]

    def eeg_source(self, x):
        """Return the averaged reading."""
        return self.bold_drive(x)

    def start(self):
        """Return the mean over regions."""
        return self.mean.mean(1)
