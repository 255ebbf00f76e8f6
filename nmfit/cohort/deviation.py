"""One person: how far from the group, at how strong a prior.

A person's parameters are the group's plus a deviation on the unconstrained scale, ``z = z_group + spread B theta``,
fitted by minimising ``loss(theta) + strength |theta|^2``: a Gaussian prior around the group. A rung says which
deviations are free (of the level alone, along maps, of every region); the strength is chosen on held-out data.

What the model misses in the group it would miss in everybody, and the others tell it: a person's FC is predicted as
``F_i = F_group + slope (M(theta_i) - M(theta_group))``, the slope being that of the group's FC on the model's. A
correlation as loss is blind to the scale of the model's FC, which the slope supplies.

Every function here takes and returns plain arrays and pytrees, so that it runs wherever it is sent.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from ..compare.empirical import fc_score, group_fc, upper
from ..errors import InputError
from ..fit.evidence import climb_path
from ..fit.ground import TOLERANCE, digest, predict, problem_of, with_drive
from ..fit.minimise import STATUSES, minimise
from ..fit.objective import fc_objective_along
from ..fit.rungs import Rung, blocks_of
from ..fit.space import FARTHEST, as_theta, as_vector, origin_theta
from ..fit.uncertainty import standard_errors, values_of
from ..parameters import to_free

STRENGTHS = (0.1, 0.03, 0.01, 0.003, 0.001, 3e-4)    # strongest first: each starts where the one before ended
STEPS = 200
FREE_STEPS = 1000        # where nothing shrinks the search is long, and a stop on the way would be a prior of its own
REFIT_STEPS, FREE_REFIT_STEPS = 60, 200
FLATTEST = 1e-3
REACH = 6.0              # a group's value at its bound: from further out no gradient leads a person back
TRIES, WEAKER = 8, 0.25        # a person's connectome that is unstable under the group's values starts less coupled


def fit_group(plan, fold, path):
    """Fit the group's path on the people of a fold; return FC, loss and the values of all that a rung may free."""
    fits = climb_path(plan.ground(fold), path, starts=plan.starts, seed=plan.seed, steps=plan.steps)
    last = fits[-1]
    return {"fc": last.fc, "loss": last.loss, "abscissa": last.abscissa,
            **{f"value.{b.name}": np.asarray(last.network.value(b.name)) for b in last.blocks}}


@dataclasses.dataclass(frozen=True, eq=False)
class Prior:
    """A group as it was fitted without some people, around which those people's deviations are fitted.

    Attributes
    ----------
    ground : Ground
    network : Network at the group's values
    fc : array ``[n, n]``, mean FC of the people it was fitted to
    modelled : array ``[n, n]``, the model's
    slope : of the one on the other
    out : tuple of int, the people who were left out
    key : a name for all of it
    """

    ground: object
    network: object
    fc: np.ndarray
    modelled: np.ndarray
    slope: float
    out: tuple
    key: str

    @classmethod
    def of(cls, ground, found, out):
        """Return the prior on a ground at what `fit_group` found there."""
        values = {name.removeprefix("value."): value for name, value in found.items() if name.startswith("value.")}
        network = jax.tree.map(np.asarray, with_drive(ground.network, 0.0).replace(values))
        ground = dataclasses.replace(ground, network=network, other=None, keep=None)
        key = digest((network, ground.maps, ground.fc), str(found["digest"]))
        prior = cls(ground, network, ground.fc, ground.fc, 1.0, tuple(out), key)
        problem = prior.problem("shared", True, network.weights, ground.fc)
        modelled = np.asarray(predict(origin_theta(problem.blocks), problem)[0])
        x, y = upper(modelled), upper(ground.fc)
        slope = max(float(np.cov(x, y)[0, 1] / x.var(ddof=1)), FLATTEST)
        return dataclasses.replace(prior, modelled=modelled, slope=slope)

    def problem(self, level, drive, weights, fc):
        """Return the problem of fitting one person's deviations from the group.

        Weights are brought to the group's mean strength, so that a coupling strength means the same in everybody.
        """
        ground, network = self.ground, self.network
        blocks = blocks_of(network, Rung(level, drive), jnp.asarray(ground.maps), ground.level_known, ground.slowest)
        blocks = tuple(dataclasses.replace(b, penalty=jnp.ones(jnp.shape(b.penalty)), origin=jnp.clip(
            b.origin, -REACH, REACH)) for b in blocks)
        weights = np.asarray(weights) * (np.sum(network.weights) / np.sum(weights))
        own = dataclasses.replace(network, weights=weights)
        return problem_of(dataclasses.replace(ground, fc=self.within(fc)), own, blocks, 0.0)

    def within(self, fc):
        """Return a person's FC as the model would have to give it, without what it misses in the group."""
        seen = self.modelled + (fc - self.fc) / self.slope
        np.fill_diagonal(seen, 1.0)
        return seen

    def predicted(self, problem, theta):
        """Return the prediction of a person's FC at some deviations."""
        modelled = np.asarray(predict(theta, problem)[0])
        moved = np.where(np.isfinite(modelled), modelled - self.modelled, 0.0)
        return self.fc + self.slope * moved


def descend(problem, strengths, steps=STEPS, theta=None):
    """Minimise at every strength, each from where the one before ended; return the minima."""
    theta, found = _stable_start(problem) if theta is None else theta, []
    for strength in strengths:
        start = as_vector(problem.blocks, theta)
        minimum = minimise(fc_objective_along, start, _at(problem, strength), steps, TOLERANCE)
        theta = as_theta(problem.blocks, minimum.theta)
        found.append(minimum._replace(theta=theta))
    return found


def explore(prior, levels, drive, weights, fc, strengths, choose):
    """Return r of the choose part with every rung's and strength's prediction, ``[rungs, strengths]``."""
    problems = [prior.problem(level, drive, weights, fc) for level in levels]
    return {"r": np.array([[fc_score(prior.predicted(problem, minimum.theta), choose)
                            for minimum in descend(problem, strengths)] for problem in problems])}


def foretell(prior, level, drive, weights, fc, strength):
    """Return the prediction of a person's FC, and that of the group's values on the same connectome."""
    problem = prior.problem(level, drive, weights, fc)
    minimum, = descend(problem, (strength,))
    return {"fc": prior.predicted(problem, minimum.theta),
            "before": prior.predicted(problem, origin_theta(problem.blocks)),
            "loss": minimum.loss, "steps": minimum.steps, "status": STATUSES[int(minimum.status)].name.lower(),
            "abscissa": predict(minimum.theta, problem)[1]}


def estimate(prior, level, drive, weights, fc, strength, parts=None):
    """Return a person's parameters, shrunken and not, with jackknife standard errors over parts of the recording.

    ``value.*`` in their units and ``free.*`` on the unconstrained scale; ``un.*`` before them where nothing shrinks.
    """
    problem, found, theta = prior.problem(level, drive, weights, fc), {}, None
    for prefix, at, steps, refit in (("", strength, STEPS, REFIT_STEPS), ("un.", 0.0, FREE_STEPS, FREE_REFIT_STEPS)):
        minimum, = descend(problem, (at,), steps, theta)
        theta = minimum.theta
        values = values_of(problem, theta)
        found |= {f"{prefix}value.{name}": value for name, value in values.items()}
        found |= {f"{prefix}free.{name}": value for name, value in _freed(problem, values).items()}
        found |= {f"{prefix}loss": minimum.loss, f"{prefix}steps": minimum.steps,
                  f"{prefix}status": STATUSES[int(minimum.status)].name.lower()}
        if parts is None:
            continue
        refits = []
        for u in range(len(parts)):
            left = dataclasses.replace(problem, target=jnp.asarray(prior.within(group_fc(np.delete(parts, u, axis=0)))))
            values = values_of(problem, descend(left, (at,), refit, theta)[0].theta)
            refits.append(values | {f"free.{name}": value for name, value in _freed(problem, values).items()})
        errors = standard_errors({name: np.stack([r[name] for r in refits]) for name in refits[0]})
        found |= {f"{prefix}se.{name}": error for name, error in errors.items()}
    return found


def estimates(prior, level, drive, weights, fcs, strength):
    """Return a person's parameters on several occasions, ``{name: [o, ...]}``."""
    each = [estimate(prior, level, drive, weights, fc, strength) for fc in fcs]
    return {name: np.stack([one[name] for one in each]) for name in each[0]}


def _freed(problem, values):
    bounds = {b.name: b.bounds for b in problem.blocks}
    return {name: np.clip(to_free(np.clip(value, *bounds[name]), bounds[name]), -FARTHEST, FARTHEST)
            for name, value in values.items()}


def _at(problem, strength):
    return dataclasses.replace(problem, shrinkage=jnp.asarray(float(strength)))


def _stable_start(problem):
    """Return no deviation, or where that is unstable the nearest weaker coupling that is not."""
    theta = origin_theta(problem.blocks)
    for _ in range(TRIES):
        _, abscissa, converged = predict(theta, problem)
        if bool(converged) and float(abscissa) < 0:
            return theta
        theta = theta | {"G": theta["G"] - WEAKER}
    raise InputError("connectome", "no stable state of rest near the group's parameters",
                     "Look at the weights: a few very large ones dominate.")
