"""The deterministic skeleton first: where a phase model's fit through simulation begins.

Locked phases and small noise about them give FC and its derivatives without simulating (`locked`). A search on that is
over in a moment, and its end serves as the start of the descent if the simulation, too, is better there.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from ..compare.expression import Sum
from ..compare.loss import Seen
from ..dynamics.alone import ALONE
from ..dynamics.locked import locked
from ..parameters import to_free
from .minimise import minimise
from .space import penalty, place

STEPS, TOLERANCE = 200, 1e-6
STRONGER = 2.0 ** np.arange(0, 9)        # times the coupling at the start: weaker than some, nothing locks
AWAY = 1e3                               # the loss where nothing locks
ANCHOR = 1e-4                            # what FC does not tell, such as the common tempo, stays where it began,
RATE = 1.0                               # and above all the common rate, which has its place in a band


@dataclasses.dataclass(frozen=True)
class Begun:
    """What the skeleton brought.

    Attributes
    ----------
    before, after : loss of the simulation at the parameters given and at the skeleton's, under the fit's noise
    kept : whether the descent begins at the skeleton's
    """

    before: float
    after: float
    kept: bool

    def __str__(self):
        return (f"locked phases: simulated loss {self.before:.4f} -> {self.after:.4f}"
                + ("" if self.kept else ", not taken"))


def skeleton_objective(theta, problem):
    """Return the penalised loss of the FC of locked phases."""
    network = place(problem.network, problem.blocks, theta)
    found = locked(network)
    value = problem.loss(Seen(fc=jnp.where(found.stable, found.fc, jnp.eye(len(found.fc)))), problem.wanted)
    value += problem.shrinkage * penalty(problem.blocks, theta) + ANCHOR * sum(jnp.sum(v**2) for v in theta.values())
    value += RATE * (jnp.mean(network.value("f")) / jnp.mean(problem.network.value("f")) - 1.0) ** 2
    return jnp.where(found.stable, value, AWAY)


_objective = jax.jit(skeleton_objective, compiler_options=ALONE)


def begun_locked(problem, theta, value):
    """Return where the descent of a fit begins, and what the skeleton had to do with it.

    Parameters
    ----------
    problem : SimulatedProblem
    theta : dict of arrays, the start that was given
    value : function of (theta, problem), the simulated loss

    Returns
    -------
    theta : dict of arrays
    begun : Begun, or None where there is no skeleton: another model, delays, a loss without FC, or nothing that locks
    """
    terms = tuple(term for term in problem.loss.parts if tuple(term.reads) == ("fc",))
    network = problem.network
    (name, *others) = network.groups
    if (others or network.groups[name].states != ("theta",) or network.lengths is not None or network.seen is not None
            or network.colour is not None or network.stimuli or not terms):
        return theta, None
    held = dataclasses.replace(problem, loss=Sum(terms=terms), keys=None, begun=None, found=None, plan=None)
    starts = [theta] + [stronger for stronger in (_with_coupling(theta, problem, factor) for factor in STRONGER[1:])
                        if stronger is not None]
    losses = [float(_objective(start, held)) for start in starts]
    best = int(np.argmin(losses))
    if not losses[best] < AWAY:
        return theta, None
    found = minimise(skeleton_objective, starts[best], held, STEPS, TOLERANCE)
    after = {key: np.asarray(v, float) for key, v in found.theta.items()}
    pair = [float(value(point, problem)) for point in (theta, after)]
    kept = bool(pair[1] < pair[0] or not np.isfinite(pair[0]))
    return (after if kept else theta), Begun(pair[0], pair[1], kept)


def _with_coupling(theta, problem, factor):
    """Return the start with the shared coupling times a factor, or None where it is not free or leaves its bounds."""
    for block in problem.blocks:
        if block.name == "G" and block.basis is None:
            value = float(block.value(np.asarray(theta["G"]))) * factor
            low, high = block.bounds
            if low < value < high:
                move = (float(to_free(value, block.bounds)) - float(block.origin)) / float(block.spread)
                return theta | {"G": np.full_like(theta["G"], move)}
    return None
