"""Excitation and inhibition with balanced firing: the dynamic mean field model."""

from typing import ClassVar

import jax
import jax.numpy as jnp

from ..parameters import param, pytree
from .contract import Model
from .curves import firing_rate

NEWTON_STEPS = 15


@pytree
class WongWang(Model):
    """Wong-Wang model of an excitatory and an inhibitory population.

    ``dS_E/dt = -S_E / tau_E + (1 - S_E) gamma r_E + sigma xi_E``,
    ``dS_I/dt = -S_I / tau_I + r_I + sigma xi_I`` with ``r = phi(I) = (a I - b) / (1 - exp(-d (a I - b)))``
    of each population and the currents ``I_E = W_E I_0 + w J_N S_E + J_N c - J S_I + I_ext`` and
    ``I_I = W_I I_0 + J_N S_E - S_I + lam J_N c``, where ``c = G sum_j W_ij S_E,j``. With ``J = 1``
    everywhere a network saturates where ``G`` times a row sum nears 0.5; `balanced` gives the ``J`` of each
    region that keeps all of them at 3 Hz. ``lam = 1`` lets long fibres excite the inhibitory population
    too.

    References
    ----------
    Deco, Ponce-Alvarez, Hagmann, Romani, Mantini & Corbetta 2014, J Neurosci 34:7886, eqs 5-10; closed-form
    balance after Herzog et al. 2024.
    """

    states: ClassVar = ("S_E", "S_I")
    channels: ClassVar = ("S_E",)
    coupling: ClassVar = "additive"
    fit_first: ClassVar = ("w", "J_N")
    time_scale: ClassVar = 0.01
    clock: ClassVar = ("tau_E", "tau_I")
    cost: ClassVar = "low"
    source: ClassVar = "Deco et al. 2014, J Neurosci 34:7886"
    good_for: ClassVar = "FC of BOLD with balanced excitation and inhibition, gradients of recurrence"
    not_for: ClassVar = "EEG and MEG rhythms (it has no alpha); strong coupling without balanced inhibition"

    w: float = param(1.4, "", (0.5, 2.5), "local recurrence of excitation")
    J_N: float = param(0.15, "nA", (0.05, 0.3), "strength of an excitatory synapse")
    J: float = param(1.0, "nA", (0.1, 20.0), "strength of inhibition; `balanced` gives it in closed form")
    lam: float = param(0.0, "", (-0.5, 2.0), "long fibres onto inhibition, relative to those onto excitation")
    I_0: float = param(0.382, "nA", (0.25, 0.5), "background input")
    I_ext: float = param(0.0, "nA", (-0.1, 0.2), "further input to excitation, a task for instance")
    W_E: float = param(1.0, "", (0.5, 1.5), "share of the background input to excitation")
    W_I: float = param(0.7, "", (0.3, 1.2), "share of the background input to inhibition")
    a_E: float = param(310.0, "1/nC", (100.0, 600.0), "gain of the excitatory firing curve")
    b_E: float = param(125.0, "Hz", (50.0, 250.0), "threshold of the excitatory firing curve")
    d_E: float = param(0.16, "s", (0.03, 0.5), "curvature of the excitatory firing curve")
    a_I: float = param(615.0, "1/nC", (200.0, 1200.0), "gain of the inhibitory firing curve")
    b_I: float = param(177.0, "Hz", (80.0, 350.0), "threshold of the inhibitory firing curve")
    d_I: float = param(0.087, "s", (0.02, 0.3), "curvature of the inhibitory firing curve")
    gamma: float = param(0.641, "", (0.1, 2.0), "excitatory gating opened by a spike")
    tau_E: float = param(0.1, "s", (0.02, 0.5), "decay time of excitatory gating")
    tau_I: float = param(0.01, "s", (0.002, 0.05), "decay time of inhibitory gating")
    sigma: float = param(0.01 * 1000**0.5, "", (0.01, 1.0), "noise amplitude per square root of a second")

    def rates(self, x, c):
        """Return the firing rates of both populations in Hz, ``[2, n]``."""
        S_E, S_I = x
        local = self.J_N * S_E
        far = self.J_N * c[0]
        current_E = self.W_E * self.I_0 + self.w * local + far - self.J * S_I + self.I_ext
        current_I = self.W_I * self.I_0 + local - S_I + self.lam * far
        return jnp.stack([firing_rate(self.a_E * current_E - self.b_E, self.d_E),
                          firing_rate(self.a_I * current_I - self.b_I, self.d_I)])

    def drift(self, x, c):
        """Return the velocity of both gatings, ``[2, n]``."""
        S_E, S_I = x
        r_E, r_I = self.rates(x, c)
        return jnp.stack([-S_E / self.tau_E + (1.0 - S_E) * self.gamma * r_E, -S_I / self.tau_I + r_I])

    def diffusion(self, x):
        """Return equal noise on both gatings."""
        return self.sigma * jnp.ones_like(x)

    def output(self, x):
        """Return the excitatory gating."""
        return x[:1]

    def bold_drive(self, x):
        """Return the excitatory gating ``S_E``."""
        return x[0]

    eeg_source = None

    def start(self):
        """Return a point near the isolated rest at ``J = 1``, where balanced regions rest too."""
        return jnp.array([0.16, 0.039])

    def balanced(self, strength, rate=3.0):
        """Return the ``J`` at which every region of a network fires at one rate: feedback inhibition control.

        ``J = (W_E I_0 + I_ext + w J_N S_E + J_N strength S_E - I_E) / S_I``: at a common rate every gating
        ``S_E`` is known, so nothing is iterated over the network. Differentiable in everything,
        ``strength`` included. Parameters that set ``S_E`` (``tau_E``, ``gamma``) must be shared by all
        regions.

        Parameters
        ----------
        strength : float or array ``[n]``
            Summed weights a region hears, ``G sum_j W_ij``.
        rate : float
            Excitatory firing rate in Hz; the paper's target, a current of ``b_E / a_E - 0.026``, is 3.063 Hz.
        """
        opened = self.tau_E * self.gamma * rate
        S_E = opened / (1.0 + opened)
        far = self.J_N * strength * S_E
        excess = _root(lambda u: firing_rate(u, self.d_E) - rate, rate)
        quiet = self.W_I * self.I_0 + self.J_N * S_E + self.lam * far
        # The inhibitory rate inhibits itself: r_I = phi(a_I (quiet - tau_I r_I) - b_I) has one root, above 0.
        r_I = _root(lambda q: q - firing_rate(self.a_I * (quiet - self.tau_I * q) - self.b_I, self.d_I), 0.0)
        current = (excess + self.b_E) / self.a_E
        heard = self.W_E * self.I_0 + self.I_ext + self.w * self.J_N * S_E + far
        return (heard - current) / (self.tau_I * r_I)


def _root(f, start):
    # Newton from the side where a convex or concave monotone curve never overshoots. Its last step, at the root,
    # carries the exact gradient.
    def step(_, x):
        value, slope = jax.jvp(f, (x,), (jnp.ones_like(x),))
        return x - value / slope

    like = jax.eval_shape(f, start)
    x = jnp.broadcast_to(jnp.asarray(start, like.dtype), like.shape)
    return jax.lax.fori_loop(0, NEWTON_STEPS, step, x)
