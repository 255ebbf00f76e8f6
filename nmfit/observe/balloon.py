"""Blood flow, volume and deoxyhaemoglobin: from activity to BOLD."""

from typing import ClassVar

import jax.numpy as jnp

from ..parameters import param, pytree, static
from .contract import Observation

LEAST = 1e-3


@pytree
class Balloon(Observation):
    """Balloon-Windkessel haemodynamics of every region, in seconds.

    ``ds/dt = g u - kappa s - gamma (f - 1)``, ``df/dt = s``, ``tau dv/dt = f - v^(1/alpha)``,
    ``tau dq/dt = f E(f) / rho - v^(1/alpha) q / v`` with ``E(f) = 1 - (1 - rho)^(1/f)``, and
    ``BOLD = V0 (k1 (1 - q) + k2 (1 - q/v) + k3 (1 - v))``, a fraction of the resting signal.

    The states are ``s`` and the departures of ``f, v, q`` from 1, so that rest is 0 and small signals keep
    all their digits. Logarithms would keep flow positive no better (it reaches 0 in finite time where the
    drive is below ``-gamma``) and make the steady state hard to find for strong drives; flow stops at 0.001
    instead.

    ``kappa`` and ``gamma`` are rates: Friston 2000 measured the times 1.54 s and 2.46 s, their inverses. A
    drive in Hz wants a small `input_gain` (``f = 1 + g u / gamma`` in the steady state); a gating variable
    between 0 and 1 wants 1.

    Two sets of constants, `stephan2007` (the default) and `friston2003`; the signal equation differs, too:

    =========  =====================  ==================  ================
    signal     k1                     k2                  k3
    =========  =====================  ==================  ================
    revised    4.3 theta0 rho TE      epsilon r0 rho TE   1 - epsilon
    classical  7 rho                  2                   2 rho - 0.2
    =========  =====================  ==================  ================

    ``epsilon, theta0, r0, TE`` have no effect in the classical form. After a short pulse the signal peaks at
    4.5 s (Stephan) or 3.1 s (Friston); the often quoted 5 to 6 s belong to the double gamma.

    References
    ----------
    Friston, Harrison & Penny 2003, NeuroImage 19:1273; Stephan, Weiskopf, Drysdale, Robinson & Friston 2007,
    NeuroImage 38:387.
    """

    reads: ClassVar = "bold_drive"
    states: ClassVar = ("s", "f - 1", "v - 1", "q - 1")

    input_gain: float = param(1.0, "", (1e-4, 100.0), "vasodilatory signal per unit of the drive, 1/s^2")
    kappa: float = param(0.64, "1/s", (0.4, 0.9), "decay of the vasodilatory signal")
    gamma: float = param(0.32, "1/s", (0.2, 0.6), "feedback of flow on the vasodilatory signal")
    tau: float = param(2.0, "s", (0.5, 3.0), "transit time of blood")
    alpha: float = param(0.32, "", (0.2, 0.5), "stiffness of the vessels (volume over flow, exponent)")
    rho: float = param(0.4, "", (0.2, 0.6), "resting oxygen extraction fraction")
    V0: float = param(0.04, "", (0.005, 0.1), "resting blood volume fraction")
    epsilon: float = param(1.0, "", (0.3, 2.0), "intra- over extravascular signal")
    theta0: float = param(40.3, "1/s", (10.0, 400.0), "frequency offset at a vessel (40.3 at 1.5 T)")
    r0: float = param(25.0, "1/s", (10.0, 400.0), "slope of intravascular relaxation (25 at 1.5 T)")
    TE: float = param(0.04, "s", (0.005, 0.1), "echo time")
    signal: str = static(default="revised")
    gain: object = None

    @classmethod
    def stephan2007(cls, **changed):
        """Return the revised model with SPM12's constants."""
        return cls(**changed)

    @classmethod
    def friston2003(cls, **changed):
        """Return the classical model with the constants of Friston 2003."""
        constants = {"kappa": 0.65, "gamma": 0.41, "tau": 0.98, "rho": 0.34, "V0": 0.02}
        return cls(**constants | {"signal": "classical"} | changed)

    def drift(self, h, u):
        """Return the velocity of the four states, ``[4, n]``."""
        s, inflow, volume, content = h
        f, v = 1 + jnp.maximum(inflow, LEAST - 1), 1 + jnp.maximum(volume, LEAST - 1)
        # at the least flow only inflow counts, so that flow recovers as soon as the signal does
        df = jnp.where(inflow > LEAST - 1, s, jnp.maximum(s, 0.0))
        extraction = -jnp.expm1(jnp.log1p(-jnp.asarray(self.rho)) / f)
        outflow = v ** (1 / self.alpha)
        return jnp.stack([
            self.input_gain * u - self.kappa * s - self.gamma * inflow,
            df,
            (f - outflow) / self.tau,
            (f * extraction / self.rho - outflow * (1 + content) / v) / self.tau,
        ])

    def read(self, h, u):  # noqa: ARG002 (the contract passes the drive)
        """Return the relative BOLD signal ``[n]``."""
        _, _, volume, content = h
        k1, k2, k3 = self.signal_coefficients()
        return -self.V0 * (k1 * content + k2 * (content - volume) / (1 + volume) + k3 * volume)

    def signal_coefficients(self):
        """Return ``k1, k2, k3`` of the signal equation."""
        if self.signal == "classical":
            return 7 * self.rho, 2.0, 2 * self.rho - 0.2
        return (4.3 * self.theta0 * self.rho * self.TE, self.epsilon * self.r0 * self.rho * self.TE,
                1 - self.epsilon)

    def start(self):
        """Return rest."""
        return jnp.zeros(4)
