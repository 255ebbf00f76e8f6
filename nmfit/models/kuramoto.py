"""Phases alone, and when oscillators run together."""

from math import pi
from typing import ClassVar

import jax
import jax.numpy as jnp

from ..errors import InputError
from ..parameters import declarations, param, pytree
from .contract import Model


@pytree
class Kuramoto(Model):
    """Kuramoto phase oscillator, with a phase lag (Sakaguchi-Kuramoto).

    ``dtheta_i/dt = 2 pi f_i + G sum_j W_ij sin(theta_j - theta_i - alpha) + sigma xi``. The sum is linear
    in the two channels ``sin theta`` and ``cos theta``, exactly: it is
    ``c_sin cos(theta + alpha) - c_cos sin(theta + alpha)``. ``G`` is in rad/s and is not divided by the
    number of regions: give weights whose rows sum to one for the textbook's ``K``. Then Lorentzian
    frequencies of half-width ``g`` (rad/s) lock partly from ``K = 2 g`` on, with the order
    ``sqrt(1 - 2 g / K)``. The phase is never wrapped.

    References
    ----------
    Kuramoto 1975; Sakaguchi & Kuramoto 1986, Prog Theor Phys 76:576; for the brain Cabral et al. 2011,
    NeuroImage 57:130.
    """

    states: ClassVar = ("theta",)
    channels: ClassVar = ("sin", "cos")
    coupling: ClassVar = "additive"
    fit_first: ClassVar = ("f",)
    time_scale: ClassVar = 0.1
    clock: ClassVar = ("f",)
    cost: ClassVar = "low"
    source: ClassVar = "Kuramoto 1975; Sakaguchi & Kuramoto 1986, Prog Theor Phys 76:576"
    good_for: ClassVar = "synchrony, metastability and travelling phases of one rhythm"
    not_for: ClassVar = "amplitudes, spectra, or the closed form: it has no rest state to linearise at"

    f: float = param(10.0, "Hz", (0.005, 100.0), "natural frequency")
    alpha: float = param(0.0, "rad", (-pi / 2, pi / 2), "phase lag of the coupling")
    sigma: float = param(1.0, "", (0.01, 100.0), "noise amplitude in rad per square root of a second")

    @classmethod
    def drawn(cls, regions, mean, spread, seed, **changes):
        """Return the model of regions whose natural frequencies are drawn from a normal distribution.

        Parameters
        ----------
        regions : int
        mean, spread : float
            Mean and standard deviation in Hz.
        seed : int
        **changes
            Other parameters.

        Raises
        ------
        InputError
            If a drawn frequency leaves the bounds of ``f``.
        """
        with jax.enable_x64(True):
            f = jax.device_get(mean + spread * jax.random.normal(jax.random.key(seed), (regions,)))
        low, high = declarations(cls)["f"].bounds
        if not ((f > low) & (f < high)).all():
            raise InputError("Kuramoto.drawn", f"a frequency of {f.min():g} to {f.max():g} Hz",
                             "Take a smaller spread.", f"{low:g} to {high:g} Hz")
        return cls(f=f, **changes)

    def drift(self, x, c):
        """Return the velocity of the phase, ``[1, n]``."""
        lagged = x[0] + self.alpha
        return (2 * pi * self.f + c[0] * jnp.cos(lagged) - c[1] * jnp.sin(lagged))[None]

    def diffusion(self, x):
        """Return the noise of the phase."""
        return self.sigma * jnp.ones_like(x)

    def output(self, x):
        """Return ``(sin theta, cos theta)``."""
        return jnp.stack([jnp.sin(x[0]), jnp.cos(x[0])])

    def bold_drive(self, x):
        """Return ``1 + cos theta``."""
        return 1.0 + jnp.cos(x[0])

    def eeg_source(self, x):
        """Return ``sin theta``."""
        return jnp.sin(x[0])

    def start(self):
        """Return the phase zero."""
        return jnp.zeros(1)
