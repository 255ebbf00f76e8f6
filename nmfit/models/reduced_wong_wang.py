"""Slow NMDA gating of one population, the workhorse of BOLD functional connectivity."""

from typing import ClassVar

import jax.numpy as jnp

from ..parameters import param, pytree
from .contract import Model
from .curves import firing_rate


@pytree
class ReducedWongWang(Model):
    """Reduced Wong-Wang model of one excitatory population.

    ``dS/dt = -S / tau_S + (1 - S) gamma H(I) + sigma xi`` with ``I = w J_N S + J_N c + I_0`` and
    ``H(I) = (a I - b) / (1 - exp(-d (a I - b)))``, where ``c = G sum_j W_ij S_j``. An isolated region rests
    at S = 0.034, firing at 0.56 Hz; with rows of ``W`` that sum to one the quiet state ends at G = 0.898, and
    a second, active state exists from G = 0.255 on.

    References
    ----------
    Deco, Ponce-Alvarez, Mantini, Romani, Hagmann & Corbetta 2013, J Neurosci 33:11239. Others run it with
    ``w = 0.6`` and ``I_0 = 0.33``, which is not the paper's set.
    """

    states: ClassVar = ("S",)
    channels: ClassVar = ("S",)
    coupling: ClassVar = "additive"
    fit_first: ClassVar = ("w", "I_0")
    time_scale: ClassVar = 0.1
    clock: ClassVar = ("tau_S",)
    cost: ClassVar = "lowest"
    source: ClassVar = "Deco et al. 2013, J Neurosci 33:11239"
    good_for: ClassVar = "FC of BOLD from noise about a quiet state, at the lowest cost of any synaptic model"
    not_for: ClassVar = "EEG and MEG (it has no rhythm), and statements about inhibition"

    w: float = param(0.9, "", (0.0, 2.0), "local recurrence")
    I_0: float = param(0.3, "nA", (0.25, 0.4), "external input")
    J_N: float = param(0.2609, "nA", (0.1, 0.5), "strength of a synapse")
    a: float = param(270.0, "1/nC", (100.0, 500.0), "gain of the firing curve")
    b: float = param(108.0, "Hz", (50.0, 200.0), "threshold of the firing curve")
    d: float = param(0.154, "s", (0.03, 0.5), "curvature of the firing curve")
    gamma: float = param(0.641, "", (0.1, 2.0), "gating opened by a spike")
    tau_S: float = param(0.1, "s", (0.02, 0.5), "decay time of the gating")
    sigma: float = param(0.001 * 1000**0.5, "", (1e-3, 0.5), "noise amplitude per square root of a second")

    def rate(self, x, c):
        """Return the firing rate in Hz, ``[n]``."""
        current = self.w * self.J_N * x[0] + self.J_N * c[0] + self.I_0
        return firing_rate(self.a * current - self.b, self.d)

    def drift(self, x, c):
        """Return the velocity of the gating, ``[1, n]``."""
        S = x[0]
        return (-S / self.tau_S + (1.0 - S) * self.gamma * self.rate(x, c))[None]

    def diffusion(self, x):
        """Return the noise of the gating."""
        return self.sigma * jnp.ones_like(x)

    def output(self, x):
        """Return the gating."""
        return x

    def bold_drive(self, x):
        """Return the gating ``S``."""
        return x[0]

    eeg_source = None

    def start(self):
        """Return a point below the quiet state, from which every network climbs to its lowest branch."""
        return jnp.array([0.03])
