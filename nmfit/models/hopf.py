"""The normal form of an oscillation's onset."""

from math import pi
from typing import ClassVar

import jax.numpy as jnp

from ..parameters import param, pytree
from .contract import Model


@pytree
class Hopf(Model):
    """Supercritical Hopf normal form.

    ``dx/dt = (a - beta r2) x - w y + c_x + sigma xi_x``,
    ``dy/dt = (a - beta r2) y + w x + c_y + sigma xi_y`` with ``r2 = x^2 + y^2`` and ``w = 2 pi f``. Below
    the onset (a < 0) noise is damped at the rate ``-a``; above it a cycle of radius ``sqrt(a / beta)`` runs
    at ``f``. The BOLD signal is ``x`` itself, so ``f`` lies in the BOLD band there. Diffusive coupling
    enters both components.

    References
    ----------
    Deco, Kringelbach, Jirsa & Ritter 2017, Sci Rep 7:3095, eqs 1-3.
    """

    states: ClassVar = ("x", "y")
    channels: ClassVar = ("x", "y")
    coupling: ClassVar = "diffusive"
    fit_first: ClassVar = ("a",)
    rotation: ClassVar = "f"
    rests_at_start: ClassVar = True
    damped: ClassVar = {"a": (-5.0, -0.001)}
    time_scale: ClassVar = 20.0
    clock: ClassVar = ("f",)
    cost: ClassVar = "lowest"
    source: ClassVar = "Deco et al. 2017, Sci Rep 7:3095"
    good_for: ClassVar = "FC and spectra of any band with few parameters; the first model to try"
    not_for: ClassVar = "statements about synapses, excitation and inhibition, or firing rates"

    a: float = param(-0.02, "1/s", (-500.0, 0.5), "distance from the onset of oscillation (negative: damped)")
    f: float = param(0.05, "Hz", (0.005, 60.0), "frequency of the oscillation")
    beta: float = param(1.0, "1/s", (0.1, 10.0), "strength of the amplitude limit")
    sigma: float = param(0.02, "", (1e-4, 1.0), "noise amplitude per square root of a second")

    def drift(self, x, c):
        """Return the normal form's velocity, ``[2, n]``."""
        u, v = x
        growth = self.a - self.beta * (u * u + v * v)
        turn = 2 * pi * self.f
        return jnp.stack([growth * u - turn * v + c[0], growth * v + turn * u + c[1]])

    def diffusion(self, x):
        """Return equal noise on both components."""
        return self.sigma * jnp.ones_like(x)

    def output(self, x):
        """Return both components."""
        return x

    def bold_drive(self, x):
        """Return ``x``, the BOLD signal itself where ``f`` lies in the BOLD band."""
        return x[0]

    def eeg_source(self, x):
        """Return ``x``."""
        return x[0]

    def start(self):
        """Return the rest state, where the linear theory below the onset holds."""
        return jnp.zeros(2)
