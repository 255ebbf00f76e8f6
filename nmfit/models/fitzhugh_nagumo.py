"""Fast excitation and slow recovery: excitable rest, relaxation oscillations."""

from typing import ClassVar

import jax.numpy as jnp

from ..parameters import param, pytree
from .contract import Model


@pytree
class FitzHughNagumo(Model):
    """FitzHugh-Nagumo model with a cubic in ``V`` and a linear recovery ``w``.

    ``tau_V dV/dt = -alpha V^3 + beta V^2 + gamma V - w + I + c``, ``tau_w dw/dt = V - delta - eps w``, and
    noise ``sigma xi`` on ``V``. Rest is excitable up to I = 0.726; from there to 1.332 a cycle of 29 to 35 Hz
    runs; beyond, rest is depolarised. The defaults rest below the onset, with a damped resonance at 35 Hz.

    References
    ----------
    FitzHugh 1961, Biophys J 1:445; this cubic as in Cakan, Jajcay & Obermayer 2021, Cogn Comput. Its default
    numbers are those in use, not the set of Kostova, Ravindran & Schonbek 2004.
    """

    states: ClassVar = ("V", "w")
    channels: ClassVar = ("V",)
    coupling: ClassVar = "diffusive"
    fit_first: ClassVar = ("I", "tau_w")
    damped: ClassVar = {"I": (0.0, 0.72)}
    time_scale: ClassVar = 0.001
    clock: ClassVar = ("tau_V",)
    cost: ClassVar = "medium"
    source: ClassVar = "FitzHugh 1961, Biophys J 1:445"
    good_for: ClassVar = "excitable populations, bursts on a stimulus, relaxation oscillations"
    not_for: ClassVar = "quantitative physiology: its variables have no units"

    I: float = param(0.65, "", (0.0, 2.0), "external input")  # noqa: E741
    alpha: float = param(3.0, "", (0.5, 10.0), "cubic term")
    beta: float = param(4.0, "", (0.5, 10.0), "quadratic term")
    gamma: float = param(-1.5, "", (-5.0, 2.0), "linear term")
    delta: float = param(0.0, "", (-1.0, 1.0), "offset of the recovery")
    eps: float = param(0.5, "", (0.2, 1.0), "decay of the recovery")
    tau_V: float = param(0.001, "s", (0.0002, 0.005), "time constant of excitation")
    tau_w: float = param(0.02, "s", (0.005, 0.05), "time constant of recovery")
    sigma: float = param(0.1, "", (1e-3, 10.0), "noise amplitude per square root of a second")

    def drift(self, x, c):
        """Return the velocity of excitation and recovery, ``[2, n]``."""
        V, w = x
        cubic = V * (self.gamma + V * (self.beta - self.alpha * V))
        return jnp.stack([(cubic - w + self.I + c[0]) / self.tau_V,
                          (V - self.delta - self.eps * w) / self.tau_w])

    def diffusion(self, x):
        """Return noise on the excitation alone."""
        return jnp.stack([self.sigma * jnp.ones_like(x[0]), jnp.zeros_like(x[1])])

    def output(self, x):
        """Return the excitation."""
        return x[:1]

    def bold_drive(self, x):
        """Return the excitation ``V``, for a haemodynamic stage whose gain and offset are free."""
        return x[0]

    def eeg_source(self, x):
        """Return the excitation ``V``."""
        return x[0]

    def start(self):
        """Return a point near the rest below the onset."""
        return jnp.array([0.2, 0.4])
