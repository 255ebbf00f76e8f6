"""Copies of a user's data from known parameters about the fitted ones, and what comes back from fits of them."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from .ground import TOLERANCE, predict, problem_of
from .identify import RECOVERED, SPREAD, coordinates_of, relative_sizes
from .minimise import minimise
from .objective import fc_objective_along
from .space import FARTHEST, as_theta, as_vector, off_bounds, place
from .threads import side_by_side

REGIONAL = 0.3             # relative spread of the truths over regions
HALVINGS = 8
GRID = 1201
BRIEF = 20                 # copies that every fit of few parameters is asked to give back
BRIEF_STEPS = 100
SURE = 0.95                # that r is not below `RECOVERED`, before a parameter counts as recovered


@dataclasses.dataclass(frozen=True, eq=False)
class Copies:
    """Networks with known parameters and data that they made.

    Attributes
    ----------
    problem : FcProblem about the fitted values, off their bounds
    centre : dict of arrays, coordinates of the fitted values in it
    coordinates : tuple of Coordinate
    thetas : list of dict of arrays, coordinates of the truths in the problem
    data : list of arrays ``[n, n]``, FC of as many Gaussian samples as the user's data hold
    """

    problem: object
    centre: dict
    coordinates: tuple
    thetas: list
    data: list

    def truths(self):
        """Return the networks that made the copies."""
        return [place(self.problem.network, self.problem.blocks, theta) for theta in self.thetas]


def copies_of(fitted, ground, samples, rngs, map_names=None):
    """Draw truths about a fit, half their size up or down for shared parameters, and a copy of the data from each.

    Parameters
    ----------
    fitted : Fitted
    ground : Ground
        That it was fitted on.
    samples : float
        Effective number of samples behind the data.
    rngs : list of numpy Generator, one for each copy
    map_names : sequence of str, optional
    """
    blocks, centre = off_bounds(fitted.blocks, fitted.theta)
    problem = problem_of(ground, fitted.network, blocks, fitted.shrinkage)
    coordinates = coordinates_of(blocks, map_names)
    sizes = relative_sizes(blocks, centre, coordinates)
    by_name = {block.name: block for block in blocks}
    shifts = [_shift_of(by_name[c.block], centre[c.block], c, size)
              for c, size in zip(coordinates, sizes, strict=True)]
    drawn = [_truth(rng, fitted, centre, problem, coordinates, shifts, ground) for rng in rngs]
    return Copies(problem, centre, coordinates, [theta for theta, _ in drawn],
                  [sampled(fc, samples, rng) for (_, fc), rng in zip(drawn, rngs, strict=True)])


def sampled(fc, samples, rng):
    """Return the correlations of as many Gaussian samples of an FC matrix."""
    values, vectors = np.linalg.eigh(fc)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.corrcoef(root @ rng.standard_normal((len(fc), max(4, round(samples)))))


def _truth(rng, fitted, centre, problem, coordinates, shifts, ground):
    """Draw parameters around the fitted ones, nearer where they would be unstable."""
    move = {name: np.zeros(np.shape(t)) for name, t in centre.items()}
    for c, shift in zip(coordinates, shifts, strict=True):
        move[c.block][c.column] = shift((REGIONAL if c.kind == "region" else SPREAD) * rng.standard_normal())
    for _ in range(HALVINGS):
        theta = {name: centre[name] + jnp.asarray(m) for name, m in move.items()}
        fc, abscissa, converged = predict(theta, problem)
        if bool(converged) and float(abscissa) < -0.5 * min(ground.slowest, -fitted.abscissa):
            return theta, np.asarray(fc)
        move = {name: 0.5 * m for name, m in move.items()}
    return fitted.theta, fitted.fc


def _shift_of(block, theta, coordinate, size):
    """Return a function from a relative change of a parameter to the shift of a coordinate that makes it.

    A level changes the parameter's mean, a map its regions by so much on the whole (root mean square); at a bound, as
    far as there is room. Near one, shifts by the slope would leap over the whole range.
    """
    if coordinate.kind == "region":
        return lambda change: change / max(abs(size), 1e-2)
    shifts = jnp.linspace(-2.0 * FARTHEST, 2.0 * FARTHEST, GRID)

    def sizes(shift):
        value = jnp.atleast_1d(block.value(theta.at[coordinate.column].add(shift)))
        return jnp.log(jnp.abs(value.mean() if coordinate.kind == "level" else value))

    change = np.asarray(jax.vmap(sizes)(shifts) - sizes(0.0))
    if coordinate.kind == "map":
        change = np.sign(shifts) * np.sqrt((change**2).mean(1))
    order = np.argsort(change, kind="stable")
    return lambda wanted: float(np.interp(wanted, change[order], np.asarray(shifts)[order]))


def come_back(truths, found, coordinates, maps):
    """Hold networks against the truths that they were fitted to.

    Parameters
    ----------
    truths, found : lists of Network
    coordinates : tuple of Coordinate
    maps : array ``[m, n]``

    Returns
    -------
    dict
        ``{name: (truths, found, r)}``: logarithms of levels ``[copies]``, of slopes along maps ``[copies]``, regional
        values ``[copies, n]``; ``r`` over copies, or over regions, the mean over copies.
    """
    told = {}
    for name in dict.fromkeys(c.name for c in coordinates):
        kind, block, column = next((c.kind, c.block, c.column) for c in coordinates if c.name == name)
        a, b = (np.array([np.atleast_1d(np.asarray(net.value(block))) for net in nets]) for nets in (truths, found))
        if kind == "level":
            a, b = (np.log(np.abs(v.mean(1))) for v in (a, b))
        elif kind == "map":
            a, b = (np.log(np.abs(v)) @ maps[column - 1] / maps.shape[1] for v in (a, b))
        r = (float(np.mean([_correlation(x, y) for x, y in zip(a, b, strict=True)])) if kind == "region"
             else _correlation(a, b))
        told[name] = a, b, r
    return told


def brief_recovery(fitted, ground, samples, map_names=None, seed=0):
    """Return ``{name: r}`` of truth and estimate over a few copies, each fitted from where the data's own fit ended.

    What the curvature at one optimum cannot tell is in it: truths elsewhere, bounds, other optima.
    """
    rngs = [np.random.default_rng([seed, 61, k]) for k in range(BRIEF)]
    copies = copies_of(fitted, ground, samples, rngs, map_names)
    start = as_vector(copies.problem.blocks, copies.centre)

    def refit(data):
        here = dataclasses.replace(copies.problem, target=jnp.asarray(data))
        theta = as_theta(here.blocks, minimise(fc_objective_along, start, here, BRIEF_STEPS, TOLERANCE).theta)
        return place(here.network, here.blocks, theta)

    back = come_back(copies.truths(), side_by_side(refit, copies.data), copies.coordinates, ground.maps)
    return {name: r for name, (_, _, r) in back.items()}


def surely_recovered(r, count=BRIEF):
    """Return whether an ``r`` over so many copies shows recovery: the lower end of its one-sided 95 % interval does.

    References
    ----------
    Fisher 1921, Metron 1:3.
    """
    lowest = np.tanh(np.arctanh(min(r, 1.0 - 1e-12)) - stats.norm.ppf(SURE) / np.sqrt(count - 3))
    return bool(lowest >= RECOVERED)


def _correlation(a, b):
    if min(np.std(a), np.std(b)) < 1e-12:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
