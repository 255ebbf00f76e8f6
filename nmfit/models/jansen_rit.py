"""A cortical column of three populations that makes alpha."""

from typing import ClassVar

import jax
import jax.numpy as jnp

from ..parameters import param, pytree
from .contract import Model


@pytree
class JansenRit(Model):
    """Pyramidal cells with an excitatory and an inhibitory loop.

    ``y0'' = A a S(y1 - y2) - 2 a y0' - a^2 y0``, ``y1'' = A a (p + c + C2 S(C1 y0)) - 2 a y1' - a^2 y1``,
    ``y2'' = B b C4 S(C3 y0) - 2 b y2' - b^2 y2`` with ``S(v) = 2 e0 / (1 + exp(r (v0 - v)))``, ``C1 = C``,
    ``C2 = 0.8 C``, ``C3 = C4 = 0.25 C``; noise enters ``y1'`` as ``A a sigma xi``. With the default ``p`` the
    column is a stable focus near 10.9 Hz; between 90 and 316 per second it cycles. Regions hear each other's
    firing rate ``S(y1 - y2)``; the lead field reads ``y1 - y2``.

    References
    ----------
    Jansen & Rit 1995, Biol Cybern 73:357; bifurcations in Grimbert & Faugeras 2006, Neural Comput 18:3052.
    """

    states: ClassVar = ("y0", "y1", "y2", "y3", "y4", "y5")
    channels: ClassVar = ("rate",)
    coupling: ClassVar = "additive"
    fit_first: ClassVar = ("p", "C")
    damped: ClassVar = {"p": (316.0, 800.0)}
    time_scale: ClassVar = 0.02
    clock: ClassVar = ("a", "b")
    cost: ClassVar = "low"
    source: ClassVar = "Jansen & Rit 1995, Biol Cybern 73:357"
    good_for: ClassVar = "EEG and MEG spectra with an alpha peak; evoked responses"
    not_for: ClassVar = "fast gamma, firing of single cells, FC of BOLD without a haemodynamic stage"

    A: float = param(3.25, "mV", (1.0, 9.75), "excitatory gain")
    B: float = param(22.0, "mV", (5.0, 110.0), "inhibitory gain")
    a: float = param(100.0, "1/s", (25.0, 300.0), "inverse excitatory time constant")
    b: float = param(50.0, "1/s", (12.5, 150.0), "inverse inhibitory time constant")
    C: float = param(135.0, "", (65.0, 400.0), "number of synaptic contacts")
    e0: float = param(2.5, "1/s", (0.5, 10.0), "half of the largest firing rate")
    v0: float = param(6.0, "mV", (3.0, 8.0), "potential of half the largest firing rate")
    r: float = param(0.56, "1/mV", (0.2, 1.0), "steepness of the firing curve")
    p: float = param(400.0, "1/s", (0.0, 800.0), "mean external drive")
    sigma: float = param(20.0, "1/s", (0.1, 1000.0), "noise of the drive per square root of a second")

    def rate(self, v):
        """Return the firing rate ``S(v)`` at the potential ``v`` in mV."""
        return 2 * self.e0 * jax.nn.sigmoid(self.r * (v - self.v0))

    def drift(self, x, c):
        """Return the column's velocity, ``[6, n]``."""
        y0, y1, y2, y3, y4, y5 = x
        pyramidal = self.rate(y1 - y2)
        excited = self.p + c[0] + 0.8 * self.C * self.rate(self.C * y0)
        inhibited = 0.25 * self.C * self.rate(0.25 * self.C * y0)
        return jnp.stack([
            y3, y4, y5,
            self.A * self.a * pyramidal - 2 * self.a * y3 - self.a**2 * y0,
            self.A * self.a * excited - 2 * self.a * y4 - self.a**2 * y1,
            self.B * self.b * inhibited - 2 * self.b * y5 - self.b**2 * y2,
        ])

    def diffusion(self, x):
        """Return the noise of the drive, on ``y4`` alone."""
        zero = jnp.zeros_like(x[0])
        return jnp.stack([zero, zero, zero, zero, zero + self.A * self.a * self.sigma, zero])

    def output(self, x):
        """Return the pyramidal firing rate."""
        return self.rate(x[1] - x[2])[None]

    def bold_drive(self, x):
        """Return the pyramidal firing rate."""
        return self.rate(x[1] - x[2])

    def eeg_source(self, x):
        """Return the pyramidal potential ``y1 - y2`` in mV."""
        return x[1] - x[2]

    def held_at(self, v):
        """Return the state in which the column rests at a potential (mV), and the drive (1/s) that holds it there."""
        y0 = self.A / self.a * self.rate(v)
        y2 = self.B / self.b * 0.25 * self.C * self.rate(0.25 * self.C * y0)
        drive = self.a / self.A * (v + y2) - 0.8 * self.C * self.rate(self.C * y0)
        zero = jnp.zeros_like(y0)
        return jnp.stack([y0, v + y2, y2, zero, zero, zero]), drive

    def start(self):
        """Return a point near the upper branch, where the focus with an alpha peak lies."""
        return jnp.array([0.14, 26.0, 18.0, 0.0, 0.0, 0.0])
