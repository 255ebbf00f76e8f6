"""Firing rates that are linear above a threshold: slow networks from fast regions."""

from typing import ClassVar

import jax
import jax.numpy as jnp

from ..parameters import param, pytree
from .contract import Model


@pytree
class ThresholdLinear(Model):
    """Threshold-linear rates of an excitatory and an inhibitory population.

    ``tau_E dr_E/dt = -r_E + beta_E [I_E]+``, ``tau_I dr_I/dt = -r_I + beta_I [I_I]+`` and noise
    ``sigma xi`` on both, with ``I_E = (1 + eta) (w_EE r_E + mu_EE c) - w_EI r_I + B_E`` and
    ``I_I = (1 + eta) (w_IE r_E + mu_IE c) - w_II r_I + B_I``, where ``c = G sum_j W_ij r_E,j``. ``eta`` is
    a region's own excess of excitation: 0.68 times its place in the hierarchy (0 to 1) in the paper. While
    both currents are positive the model is linear, so its closed form is exact. The background ``B`` holds
    an isolated region at 10 and 35 Hz; `background` gives it in a network.

    References
    ----------
    Chaudhuri, Knoblauch, Gariel, Kennedy & Wang 2015, Neuron 88:419, eqs 1-2.
    """

    states: ClassVar = ("r_E", "r_I")
    channels: ClassVar = ("r_E",)
    coupling: ClassVar = "additive"
    fit_first: ClassVar = ("eta", "w_EE")
    damped: ClassVar = {"w_EE": (12.0, 30.0)}
    time_scale: ClassVar = 0.01
    clock: ClassVar = ("tau_E", "tau_I")
    cost: ClassVar = "low"
    source: ClassVar = "Chaudhuri et al. 2015, Neuron 88:419"
    good_for: ClassVar = "time scales along a cortical hierarchy, on directed connectomes; exact closed form"
    not_for: ClassVar = "rhythms, saturation, or rates that touch zero"

    eta: float = param(0.0, "", (-0.5, 1.5), "excess of excitation, from the place in the hierarchy")
    w_EE: float = param(24.3, "pA/Hz", (12.0, 49.0), "strength of excitation onto excitation")
    w_EI: float = param(19.7, "pA/Hz", (9.5, 40.0), "strength of inhibition onto excitation")
    w_IE: float = param(12.2, "pA/Hz", (6.0, 25.0), "strength of excitation onto inhibition")
    w_II: float = param(12.5, "pA/Hz", (6.0, 25.0), "strength of inhibition onto inhibition")
    mu_EE: float = param(33.7, "pA/Hz", (0.0, 60.0), "strength of long fibres onto excitation")
    mu_IE: float = param(25.3, "pA/Hz", (0.0, 60.0), "strength of long fibres onto inhibition")
    B_E: float = param(10 / 0.066 - 243.0 + 689.5, "pA", (0.0, 3000.0), "background to excitation")
    B_I: float = param(35 / 0.351 - 122.0 + 437.5, "pA", (0.0, 3000.0), "background to inhibition")
    beta_E: float = param(0.066, "Hz/pA", (0.033, 0.132), "slope of the excitatory rate")
    beta_I: float = param(0.351, "Hz/pA", (0.175, 0.7), "slope of the inhibitory rate")
    tau_E: float = param(0.02, "s", (0.005, 0.1), "excitatory time constant")
    tau_I: float = param(0.01, "s", (0.005, 0.1), "inhibitory time constant")
    sigma: float = param(5.0, "", (0.05, 100.0), "noise amplitude in Hz per square root of a second")

    def drift(self, x, c):
        """Return the velocity of both rates, ``[2, n]``."""
        r_E, r_I = x
        gain = 1.0 + self.eta
        onto_E = gain * (self.w_EE * r_E + self.mu_EE * c[0]) - self.w_EI * r_I + self.B_E
        onto_I = gain * (self.w_IE * r_E + self.mu_IE * c[0]) - self.w_II * r_I + self.B_I
        return jnp.stack([(-r_E + self.beta_E * jax.nn.relu(onto_E)) / self.tau_E,
                          (-r_I + self.beta_I * jax.nn.relu(onto_I)) / self.tau_I])

    def diffusion(self, x):
        """Return equal noise on both rates."""
        return self.sigma * jnp.ones_like(x)

    def output(self, x):
        """Return the excitatory rate."""
        return x[:1]

    def bold_drive(self, x):
        """Return the excitatory rate in Hz."""
        return x[0]

    def eeg_source(self, x):
        """Return the excitatory rate in Hz."""
        return x[0]

    def start(self):
        """Return the rates that the background holds."""
        return jnp.array([10.0, 35.0])

    def background(self, strength, rates=(10.0, 35.0)):
        """Return ``(B_E, B_I)`` that hold every region of a network at the same rates.

        Parameters
        ----------
        strength : float or array ``[n]``
            Summed weights a region hears, ``G sum_j W_ij``.
        rates : tuple of float
            Excitatory and inhibitory rate in Hz.
        """
        r_E, r_I = rates
        gain = 1.0 + self.eta
        far = strength * r_E
        return (r_E / self.beta_E - gain * (self.w_EE * r_E + self.mu_EE * far) + self.w_EI * r_I,
                r_I / self.beta_I - gain * (self.w_IE * r_E + self.mu_IE * far) + self.w_II * r_I)
