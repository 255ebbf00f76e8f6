"""Integration schemes as numbers: where a stage looks, and what it weighs."""

from typing import NamedTuple

from jax import tree


class Scheme(NamedTuple):
    """Explicit Runge-Kutta whose every stage starts from the slope of the one before.

    Attributes
    ----------
    nodes : where each stage looks, as a fraction of the step
    weights : what each stage's slope counts
    limit : largest step times fastest rate that is accepted; twice to four times below the edge of stability
    """

    nodes: tuple
    weights: tuple
    limit: float


SCHEMES = {
    # order 1; with noise strong 1/2 (1 where noise does not depend on the state), weak 1; Ito
    "euler_maruyama": Scheme((0.0,), (1.0,), 0.5),
    # order 2; with noise that does not depend on the state strong 1, weak 2 for linear systems; Stratonovich
    "heun": Scheme((0.0, 1.0), (0.5, 0.5), 0.5),
    # order 4 (2 with delays, which are linear between steps); noise is constant over a step, strong 1; Stratonovich
    "rk4": Scheme((0.0, 0.5, 0.5, 1.0), (1 / 6, 1 / 3, 1 / 3, 1 / 6), 1.0),
}


def advance(scheme, x, dt, velocity, kick=None):
    """Return the state one step later.

    Parameters
    ----------
    scheme : Scheme
    x : state, any tree of arrays
    dt : float
    velocity : function of (state, node)
    kick : function of the state, or None
        The noise of the whole step, ``diffusion(x) dW``.
    """
    total = move = None
    for node, weight in zip(scheme.nodes, scheme.weights, strict=True):
        at = x if move is None else _added(x, node, move)
        move = tree.map(lambda v: dt * v, velocity(at, node))
        if kick is not None:
            move = _added(move, 1.0, kick(at))
        total = tree.map(lambda m, w=weight: w * m, move) if total is None else _added(total, weight, move)
    return _added(x, 1.0, total)


def _added(x, factor, move):
    return tree.map(lambda a, b: a + factor * b, x, move)
