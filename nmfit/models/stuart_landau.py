"""An oscillation whose frequency depends on its amplitude."""

from math import pi
from typing import ClassVar

import jax.numpy as jnp

from ..parameters import param, pytree
from .contract import Model


@pytree
class StuartLandau(Model):
    """Stuart-Landau oscillator with shear.

    ``dz/dt = (a + 2 pi i f) z - (1 + i gamma) |z|^2 z + c + sigma (xi_x + i xi_y)``, ``z = x + i y``. Below
    the onset (a < 0) it is damped noise at ``f``; above it a cycle of radius ``sqrt(a)`` runs at
    ``f - gamma a / (2 pi)``. With ``gamma = 0`` it is `Hopf` at ``beta = 1``. It commutes with rotations of
    ``z`` for every ``gamma``.

    References
    ----------
    Landau 1944; Stuart 1960, J Fluid Mech 9:353; for shear Kuramoto 1984, Chemical Oscillations, Waves, and
    Turbulence.
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
    source: ClassVar = "Kuramoto 1984, Chemical Oscillations, Waves, and Turbulence"
    good_for: ClassVar = "oscillations whose frequency moves with their amplitude, near and past the onset"
    not_for: ClassVar = "statements about synapses, excitation and inhibition, or firing rates"

    a: float = param(-0.02, "1/s", (-500.0, 0.5), "distance from the onset of oscillation (negative: damped)")
    f: float = param(0.05, "Hz", (0.005, 60.0), "frequency of a small oscillation")
    gamma: float = param(0.0, "", (-3.0, 3.0), "shear: how much a larger oscillation is slower")
    sigma: float = param(0.02, "", (1e-4, 1.0), "noise amplitude per square root of a second")

    def drift(self, x, c):
        """Return the velocity of real and imaginary part, ``[2, n]``."""
        u, v = x
        square = u * u + v * v
        growth = self.a - square
        turn = 2 * pi * self.f - self.gamma * square
        return jnp.stack([growth * u - turn * v + c[0], growth * v + turn * u + c[1]])

    def diffusion(self, x):
        """Return equal noise on both components."""
        return self.sigma * jnp.ones_like(x)

    def output(self, x):
        """Return both components."""
        return x

    def bold_drive(self, x):
        """Return ``Re z``, the BOLD signal itself where ``f`` lies in the BOLD band."""
        return x[0]

    def eeg_source(self, x):
        """Return ``Re z``."""
        return x[0]

    def start(self):
        """Return the rest state, where the linear theory below the onset holds."""
        return jnp.zeros(2)
