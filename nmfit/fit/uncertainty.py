"""Standard errors of fitted parameters: the jackknife over people, refitted from the optimum."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from scipy import stats

from ..compare.empirical import group_fc
from .ground import TOLERANCE, problem_of
from .minimise import minimise
from .objective import fc_objective_along
from .space import as_theta, as_vector, is_free
from .threads import side_by_side

STEPS = 150
SEPARATE = 0.95           # beyond this correlation two parameters are told apart by their ratio only


def values_of(fitted, theta=None):
    """Return the values of every freed parameter but the edges, ``{name: number or [n]}``."""
    theta = fitted.theta if theta is None else theta
    return {b.name: np.asarray(b.value(theta[b.name])) for b in fitted.blocks
            if b.name != "edge_gain" and is_free(b)}


def jackknife_values(fitted, ground, units):
    """Return ``{name: array [u, ...]}`` of refits that each leave one unit out."""
    if units is None or len(units) < 3:
        return None
    problem = problem_of(ground, fitted.network, fitted.blocks, fitted.shrinkage)

    start = as_vector(fitted.blocks, fitted.theta)

    def without(u):
        left = dataclasses.replace(problem, target=jnp.asarray(group_fc(np.delete(units, u, axis=0))))
        return values_of(fitted, as_theta(
            left.blocks, minimise(fc_objective_along, start, left, STEPS, TOLERANCE).theta))

    refits = side_by_side(without, range(len(units)))
    return {name: np.stack([r[name] for r in refits]) for name in refits[0]}


def standard_errors(refits):
    """Return the jackknife standard error of every value."""
    count = len(next(iter(refits.values())))
    return {name: np.sqrt((count - 1) * r.var(axis=0)) for name, r in refits.items()}


def interval(value, error, count, bounds):
    """Return the 95 % interval by Student's t over units, kept inside the bounds."""
    reach = stats.t.ppf(0.975, count - 1) * error
    return [float(max(value - reach, bounds[0])), float(min(value + reach, bounds[1]))]


def inseparable(refits):
    """Return pairs of shared parameters whose refits move together."""
    shared = {n: np.atleast_2d(r.T).mean(0) if r.ndim > 1 else r for n, r in refits.items()}
    names = [n for n, r in shared.items() if r.std() > 1e-12 * (1 + abs(r.mean()))]
    return [(a, b) for i, a in enumerate(names) for b in names[i + 1:]
            if abs(np.corrcoef(shared[a], shared[b])[0, 1]) > SEPARATE]
