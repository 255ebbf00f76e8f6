"""How regions hear each other: linear in the outputs, delayed by distance over speed."""

from ..parameters import param, pytree, static

KINDS = ("additive", "diffusive")


@pytree
class Coupling:
    """Linear coupling of outputs.

    Additive: ``c_i = G sum_j W_ij y_j(t - tau_ij)``. Diffusive: ``c_i = G sum_j W_ij (y_j(t - tau_ij) - y_i(t))``;
    a region's own term is never delayed. ``tau = length / speed``. ``W[i, j]`` is the weight from j to i, and G
    means something only beside the normalisation of W. Kind "mixed": pairs of groups differ (see `Wiring`).
    """

    G: float = param(0.5, "", (0.0, float("inf")), "global coupling strength, in units of the normalised weights")
    speed: float = param(10.0, "m/s", (0.5, 100.0), "conduction speed of the fibres")
    kind: str = static(default="additive")


@pytree
class SharedDrive:
    """A rank-one input common to all regions, entering wherever a region's own noise enters.

    ``dx_i = drift dt + D_i (xi_i + gain_i xi_0)``. It stands for a global signal; it is not physiology until
    somebody argues so.
    """

    gain: float = param(0.5, "", (0.0, 100.0), "shared drive relative to a region's own noise")


@pytree
class OrnsteinUhlenbeck:
    """Noise with a memory: ``dx = drift dt + D(x) eta dt`` with ``tau d eta = -eta dt + dW``.

    It has the density of white noise at low frequencies, divided by ``1 + (w tau)^2``; white in the limit of
    ``tau = 0``.
    """

    tau: float = param(0.01, "s", (1e-5, 100.0), "correlation time of the noise")
