"""The exact mean field of quadratic integrate-and-fire neurons."""

from math import pi
from typing import ClassVar

import jax.numpy as jnp

from ..parameters import param, pytree
from .contract import Model


@pytree
class QIF(Model):
    """Montbrio-Pazo-Roxin model: rate and mean potential of infinitely many spiking neurons.

    ``tau dr/dt = Delta / (pi tau) + 2 r V``, ``tau dV/dt = V^2 + eta + J tau r - (pi tau r)^2 + c``, and
    noise ``sigma xi`` on ``V``, with ``r`` in Hz and ``V`` without unit; regions send ``tau r``, spikes per
    time constant. From eta = -5.74 to -3.14 two states rest stably; at the defaults they are a quiet node
    (8 Hz) and an active focus (103 Hz, ringing at 53 Hz). ``Delta`` and ``J`` are seen as ``eta / Delta``
    and ``J / sqrt(Delta)`` alone, besides the scale of time.

    References
    ----------
    Montbrio, Pazo & Roxin 2015, Phys Rev X 5:021028, eqs 12a, b (at tau = 1).
    """

    states: ClassVar = ("r", "V")
    channels: ClassVar = ("r",)
    coupling: ClassVar = "additive"
    fit_first: ClassVar = ("eta", "J")
    time_scale: ClassVar = 0.01
    clock: ClassVar = ("tau",)
    cost: ClassVar = "high"
    source: ClassVar = "Montbrio, Pazo & Roxin 2015, Phys Rev X 5:021028"
    good_for: ClassVar = "the exact mean of spiking neurons; switching between quiet and active states"
    not_for: ClassVar = "long runs at low cost: steps must stay below a fiftieth of tau"

    eta: float = param(-5.0, "", (-15.0, 5.0), "mean excitability")
    J: float = param(15.0, "", (0.0, 25.0), "strength of local synapses")
    Delta: float = param(1.0, "", (0.1, 3.0), "spread of excitability")
    tau: float = param(0.01, "s", (0.001, 0.03), "membrane time constant")
    sigma: float = param(1.0, "", (0.01, 100.0), "noise amplitude per square root of a second")

    def drift(self, x, c):
        """Return the velocity of rate and potential, ``[2, n]``."""
        r, V = x
        spikes = self.tau * r
        return jnp.stack([(self.Delta / (pi * self.tau) + 2.0 * r * V) / self.tau,
                          (V * V + self.eta + self.J * spikes - (pi * spikes) ** 2 + c[0]) / self.tau])

    def diffusion(self, x):
        """Return noise on the potential alone."""
        return jnp.stack([jnp.zeros_like(x[0]), self.sigma * jnp.ones_like(x[1])])

    def output(self, x):
        """Return the spikes per time constant, ``tau r``."""
        return (self.tau * x[0])[None]

    def bold_drive(self, x):
        """Return the firing rate in Hz."""
        return x[0]

    def eeg_source(self, x):
        """Return the mean potential ``V``."""
        return x[1]

    def start(self):
        """Return a point near the quiet state at the default time constant."""
        return jnp.array([8.1, -1.96])
