"""Haemodynamic kernels, written as the small linear systems whose impulse responses they are.

So written, a kernel needs no grid, its level does not depend on a step, and both engines read one definition.
"""

from typing import ClassVar

import jax.numpy as jnp

from ..parameters import param, pytree, static
from .contract import Observation


@pytree
class GammaKernel(Observation):
    """Difference of two gamma densities of integer shapes ``m1 < m2`` and one rate ``b``.

    ``h(t) = amplitude (b^m1 t^(m1-1) / (m1-1)! - ratio b^m2 t^(m2-1) / (m2-1)!) exp(-b t)``: the outputs of
    stages m1 and m2 of a chain of equal leaky stages, ``dx_1/dt = b (u - x_1)``,
    ``dx_j/dt = b (x_(j-1) - x_j)``. The response peaks near ``(m1 - 1) / b``.

    `canonical` has the shapes of SPM's double gamma (peak 5 s, undershoot near 16 s), `mixture` those of
    TVB's mixture of gammas.
    """

    reads: ClassVar = "bold_drive"

    rate: float = param(1.0, "1/s", (0.5, 2.0), "rate of every stage; the peak is at (shape - 1) / rate")
    ratio: float = param(1 / 6, "", (0.0, 1.0), "area of the undershoot over that of the response")
    amplitude: float = param(1.0, "", (1e-4, 1e4), "area of the response")
    shapes: tuple = static(default=(6, 16))
    gain: object = None

    @classmethod
    def canonical(cls, **changed):
        """Return the double gamma of SPM: shapes 6 and 16, ratio 1/6."""
        return cls(**changed)

    @classmethod
    def mixture(cls, **changed):
        """Return TVB's mixture of gammas: shapes 6 and 13, ratio 0.4."""
        return cls(**{"shapes": (6, 13), "ratio": 0.4} | changed)

    @property
    def states(self):
        """Names of the stages."""
        return tuple(f"stage{j}" for j in range(1, self.shapes[1] + 1))

    def drift(self, h, u):
        """Return the velocity of the stages, ``[m2, n]``."""
        before = jnp.concatenate([jnp.broadcast_to(jnp.asarray(u), jnp.shape(h[0]))[None], h[:-1]])
        return self.rate * (before - h)

    def read(self, h, u):  # noqa: ARG002 (the contract passes the drive)
        """Return the response less the undershoot, ``[n]``."""
        response, undershoot = self.shapes
        return self.amplitude * (h[response - 1] - self.ratio * h[undershoot - 1])

    def start(self):
        """Return empty stages."""
        return jnp.zeros(self.shapes[1])


@pytree
class VolterraKernel(Observation):
    """First-order Volterra kernel of Friston 2000, a damped oscillator.

    ``h(t) = k1 V0 / 3 exp(-t / (2 tau_s)) sin(w t) / w`` with ``w^2 = 1/tau_f - 1/(4 tau_s^2)``:
    ``ds/dt = u/3 - s/tau_s - z/tau_f``, ``dz/dt = s``, ``BOLD = k1 V0 z``. It is the response of inflow
    alone: the peak comes after 0.8 s, since the delay of the balloon is missing; take `Balloon` or
    `GammaKernel` for a realistic lag. TVB sums this kernel over 4 ms samples without their width, less
    one: its signal is ``k1 V0 (250 z - 1)``.

    References
    ----------
    Friston, Mechelli, Turner & Price 2000, NeuroImage 12:466.
    """

    reads: ClassVar = "bold_drive"
    states: ClassVar = ("s", "z")

    tau_s: float = param(0.8, "s", (0.3, 3.0), "decay time of the vasodilatory signal")
    tau_f: float = param(0.4, "s", (0.1, 5.0), "time constant of flow feedback")
    k1: float = param(5.6, "", (0.1, 20.0), "signal per unit of flow")
    V0: float = param(0.02, "", (0.005, 0.1), "resting blood volume fraction")
    gain: object = None

    def drift(self, h, u):
        """Return the oscillator's velocity, ``[2, n]``."""
        s, z = h
        return jnp.stack([u / 3 - s / self.tau_s - z / self.tau_f, s])

    def read(self, h, u):  # noqa: ARG002 (the contract passes the drive)
        """Return the flow response as BOLD, ``[n]``."""
        return self.k1 * self.V0 * h[1]

    def start(self):
        """Return rest."""
        return jnp.zeros(2)
