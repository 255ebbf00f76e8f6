"""Nodes and weights on the frequency axis, known before tracing."""

import numpy as np


def interval_rule(low, high, nodes, rate):
    """Return angular frequencies and weights of a Gauss-Legendre rule.

    Parameters
    ----------
    low, high : float
        rad/s; an infinite `high` is reached by ``w = low + rate * tan(t)``.
    nodes : int
    rate : float or traced number
        Scale in rad/s of the map of an infinite axis, where half of the nodes lie below; unused for an interval.
    """
    t, weight = np.polynomial.legendre.leggauss(nodes)
    if np.isfinite(high):
        return 0.5 * (high - low) * t + 0.5 * (high + low), 0.5 * (high - low) * weight
    t, weight = np.pi / 4 * (t + 1), np.pi / 4 * weight
    return low + rate * np.tan(t), weight * rate / np.cos(t) ** 2
