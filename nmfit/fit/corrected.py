"""The engine above the closed form: fit what the simulation shows, where noise bends it away from the closed form.

The closed form is the quick model, the simulation the dear one. What the simulated FC has over the closed form's where
the last fit ended is added to the closed form, whose slope is exact, for the next one, and measured again there. Where
that settles the simulation itself is fitted, but for how what is added changes with the parameters.

References
----------
Echeverria & Hemker 2005, Comput Methods Appl Math 5:107 (defect correction by a coarse model).
"""

import dataclasses
import time

import jax
import jax.numpy as jnp
import numpy as np

from ..compare.empirical import fc_score, upper
from .confirm import Beside, confirm_fc, length_of, simulator_of
from .ground import TOLERANCE, ended, predict, problem_of
from .minimise import STATUSES, minimise
from .objective import data_loss, fc_objective_along
from .space import as_theta, as_vector, place
from .under_noise import Acting

SEEDS = 8
ROUNDS = 6
STEPS = 60                 # of a search between two simulations
MIXED = 0.5                # share of a new measurement that moves what is added, so that rounds do not swing
SETTLED = 0.01             # rms over pairs of regions by which what is added still moves


@dataclasses.dataclass(frozen=True, eq=False)
class Corrected:
    """A fit of what simulation shows.

    Attributes
    ----------
    fitted : Fitted
        Its FC is the simulated one, its loss that one's.
    ground : Ground
        With what is added to the closed form there, for errors about this optimum.
    losses : list of float, of the simulated FC, round by round; the first is the closed form's fit
    """

    fitted: object
    ground: object
    losses: list

    @property
    def helped(self):
        """Whether the simulated FC is nearer to the data than that of the closed form's fit."""
        return self.fitted.loss < self.losses[0]


def corrected(fitted, ground, target, seed=0, progress=None):
    """Go on from a fit in closed form to one of the simulated FC, under the model's own noise.

    Parameters
    ----------
    fitted : Fitted
    ground : Ground
        That it was fitted on.
    target : FcTarget
        Its TR, length and band.
    seed : int
        All rounds share their noise; `confirm_fc` draws its own.
    progress : Progress, optional

    Returns
    -------
    Corrected, or None where the simulation leaves the finite numbers
    """
    ground = ground.under(fitted.rung.model)
    tr, seconds = length_of(target)
    keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), 21), SEEDS)
    simulator = simulator_of(fitted, [Acting("linear", fitted.network, {}, None)], ground.observation, seconds, tr,
                             keys)
    bare = problem_of(ground, fitted.network, fitted.blocks, fitted.shrinkage)
    theta, added, best, losses = fitted.theta, None, None, []
    for made in range(1, ROUNDS + 1):
        network = place(bare.network, bare.blocks, theta)
        linear, abscissa, _ = predict(theta, bare)
        fc, _ = Beside(network, ground, target, simulator).fc(network)
        if progress is not None:
            progress.step(made, total=ROUNDS, what="fitted to what simulation shows:")
        if fc is None or not np.isfinite(fc).all():
            break
        lacks = fc - np.asarray(linear)
        losses.append(float(data_loss(jnp.asarray(fc), bare)))
        if losses[-1] == min(losses):
            best = dataclasses.replace(fitted, network=network, theta=theta, fc=fc, loss=losses[-1],
                                       abscissa=float(abscissa)), lacks
        moved = lacks if added is None else MIXED * (lacks - added)
        if np.sqrt(np.mean(upper(moved) ** 2)) < SETTLED:
            break
        added = moved if added is None else added + moved
        found = minimise(fc_objective_along, as_vector(bare.blocks, theta),
                         dataclasses.replace(bare, offset=jnp.asarray(added)), STEPS, TOLERANCE)
        theta = as_theta(bare.blocks, found.theta)
        fitted = dataclasses.replace(fitted, steps=fitted.steps + int(found.steps), start_loss=losses[0],
                                     status=ended(STATUSES[int(found.status)], bare.blocks, theta))
    if best is None:
        return None
    return Corrected(best[0], dataclasses.replace(ground, offset=best[1]), losses)


def confirmed(fitted, ground, empirical, target, seed=0, progress=None, until=None):
    """Confirm a fit by simulation; where that disagrees, fit what it shows, and confirm that with noise of its own.

    Parameters act as fitted under a closure, which is left alone. After ``until``, a time of `time.monotonic`, nothing
    is fitted any more.

    Returns
    -------
    confirmation : dict, see `confirm_fc`; with ``corrected``, the closed form's ``score`` and ``rmse`` before and the
        ``losses`` of the rounds, where the simulation was fitted
    fitted, ground : what holds in the end
    """
    told = confirm_fc(fitted, ground, empirical, target, seed=seed, progress=progress)
    late = until is not None and time.monotonic() > until
    if told["agrees"] or told["score"] is None or told["engine"] == "closure" or late:
        return told, fitted, ground
    found = corrected(fitted, ground, target, seed, progress)
    if found is None or not found.helped:
        return told, fitted, ground
    again = confirm_fc(found.fitted, found.ground, empirical, target, seed=seed, progress=progress, factors=(1.0,))
    before = {name: told[name] for name in ("score", "rmse", "sigma")} | {
        "closed_form": fc_score(fitted.fc, empirical), "losses": found.losses, "seeds": SEEDS}
    sweep = [*told["sweep"], *({**row, "engine": "simulated"} for row in again["sweep"])]
    return again | {"corrected": before, "engine": "simulated", "sweep": sweep}, found.fitted, found.ground
