"""Excitatory and inhibitory populations with refractoriness: gamma oscillations and bistability."""

from math import exp
from typing import ClassVar

import jax
import jax.numpy as jnp

from ..parameters import param, pytree, static
from .contract import Model


@pytree
class WilsonCowan(Model):
    """Wilson-Cowan model: shares of active excitatory and inhibitory cells.

    ``tau_E dE/dt = -E + (k_E - r_E E) S_E(w_EE E - w_EI I + P + c)``,
    ``tau_I dI/dt = -I + (k_I - r_I I) S_I(w_IE E - w_II I + Q)`` and noise ``sigma xi`` on both, with
    ``S(u) = 1 / (1 + exp(-a (u - theta)))``, less its value at zero where ``shifted``. ``w_XY`` is the
    strength of Y onto X. Three sets are in use under one name: the defaults (rest with a damped 29 Hz, a
    cycle from P = 0.783 on), `original` (25 Hz at its P = 1.25) and `bistable` (two rest states between P =
    -0.511 and 0.283, no cycle).

    References
    ----------
    Wilson & Cowan 1972, Biophys J 12:1, eqs 11, 12, 15.
    """

    states: ClassVar = ("E", "I")
    channels: ClassVar = ("E",)
    coupling: ClassVar = "additive"
    fit_first: ClassVar = ("P", "w_EE")
    damped: ClassVar = {"P": (-2.0, 0.78)}
    time_scale: ClassVar = 0.0025
    clock: ClassVar = ("tau_E", "tau_I")
    cost: ClassVar = "medium"
    source: ClassVar = "Wilson & Cowan 1972, Biophys J 12:1"
    good_for: ClassVar = "gamma and beta rhythms of excitation and inhibition; bistable populations"
    not_for: ClassVar = "alpha with its waveform, potentials in mV, or firing rates in Hz"

    w_EE: float = param(16.0, "", (0.0, 30.0), "strength of excitation onto excitation")
    w_EI: float = param(12.0, "", (0.0, 30.0), "strength of inhibition onto excitation")
    w_IE: float = param(15.0, "", (0.0, 30.0), "strength of excitation onto inhibition")
    w_II: float = param(3.0, "", (0.0, 30.0), "strength of inhibition onto inhibition")
    P: float = param(0.65, "", (-2.0, 5.0), "external input to excitation")
    Q: float = param(0.0, "", (-2.0, 5.0), "external input to inhibition")
    a_E: float = param(1.5, "", (0.5, 3.0), "steepness of the excitatory curve")
    a_I: float = param(1.5, "", (0.5, 3.0), "steepness of the inhibitory curve")
    theta_E: float = param(3.0, "", (1.0, 6.0), "input at the middle of the excitatory curve")
    theta_I: float = param(3.0, "", (1.0, 6.0), "input at the middle of the inhibitory curve")
    k_E: float = param(1.0, "", (0.5, 1.5), "largest share of excitatory cells that can be active")
    k_I: float = param(1.0, "", (0.5, 1.5), "largest share of inhibitory cells that can be active")
    r_E: float = param(1.0, "", (0.0, 2.0), "refractoriness of excitatory cells")
    r_I: float = param(1.0, "", (0.0, 2.0), "refractoriness of inhibitory cells")
    tau_E: float = param(0.0025, "s", (0.001, 0.03), "excitatory time constant")
    tau_I: float = param(0.00375, "s", (0.001, 0.03), "inhibitory time constant")
    sigma: float = param(0.1, "", (1e-3, 10.0), "noise amplitude per square root of a second")
    shifted: bool = static(default=False)

    @classmethod
    def original(cls, **changes):
        """Return the set of the 1972 paper's oscillation (its figure 11), 25 Hz."""
        a_E, a_I, theta_E, theta_I = 1.3, 2.0, 4.0, 3.7
        given = {"w_EE": 16.0, "w_EI": 12.0, "w_IE": 15.0, "w_II": 3.0, "a_E": a_E, "a_I": a_I,
                 "theta_E": theta_E, "theta_I": theta_I, "tau_E": 0.008, "tau_I": 0.008, "P": 1.25,
                 "shifted": True, "k_E": 1 - 1 / (1 + exp(a_E * theta_E)),
                 "k_I": 1 - 1 / (1 + exp(a_I * theta_I))}
        return cls(**given | changes)

    @classmethod
    def bistable(cls, **changes):
        """Return the set with two rest states, which noise switches between (as in The Virtual Brain)."""
        given = {"w_EE": 12.0, "w_EI": 4.0, "w_IE": 13.0, "w_II": 11.0, "a_E": 1.2, "a_I": 1.0,
                 "theta_E": 2.8, "theta_I": 4.0, "tau_E": 0.01, "tau_I": 0.01, "P": 0.0, "shifted": True}
        return cls(**given | changes)

    def active(self, u, steepness, middle):
        """Return the share of sensitive cells that an input ``u`` makes active, ``S(u)``."""
        share = jax.nn.sigmoid(steepness * (u - middle))
        return share - jax.nn.sigmoid(-steepness * middle) if self.shifted else share

    def drift(self, x, c):
        """Return the velocity of both shares, ``[2, n]``."""
        E, I = x  # noqa: E741
        onto_E = self.active(self.w_EE * E - self.w_EI * I + self.P + c[0], self.a_E, self.theta_E)
        onto_I = self.active(self.w_IE * E - self.w_II * I + self.Q, self.a_I, self.theta_I)
        return jnp.stack([(-E + (self.k_E - self.r_E * E) * onto_E) / self.tau_E,
                          (-I + (self.k_I - self.r_I * I) * onto_I) / self.tau_I])

    def diffusion(self, x):
        """Return equal noise on both shares."""
        return self.sigma * jnp.ones_like(x)

    def output(self, x):
        """Return the excitatory share."""
        return x[:1]

    def bold_drive(self, x):
        """Return the excitatory share ``E``."""
        return x[0]

    def eeg_source(self, x):
        """Return the excitatory share ``E``."""
        return x[0]

    def start(self):
        """Return a point near the lower rest state."""
        return jnp.array([0.05, 0.03])
