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
    model : the class it stands for
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
    model: type = static(default=Model)
    turns: bool = static(default=False)

    @property
    def states(self):
        """Names of the states."""
        return self.model.states

    @property
    def channels(self):
        """Names of the channels."""
        return self.model.channels

    @property
    def coupling(self):
        """Kind of coupling."""
        return self.model.coupling

    @property
    def time_scale(self):
        """Time scale of the model it stands for."""
        return self.model.time_scale

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
