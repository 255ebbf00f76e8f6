"""Parameter recovery: whether parameters come back from simulated copies of the user's own data."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from .context import context_of
from .determined import expected_recovery
from .evidence import climb_path
from .ground import predict, problem_of
from .identify import RECOVERED, SPREAD, coordinates_of, identify, relative_sizes
from .space import FARTHEST, off_bounds, place
from .threads import one_core_each, side_by_side

REGIONAL = 0.3             # relative spread of the truths over regions
HALVINGS = 8
GRID = 1201


@dataclasses.dataclass(frozen=True, eq=False)
class Recovery:
    """What came back from simulated copies of the data.

    Attributes
    ----------
    rows : list of dict
        ``name``; ``r`` of truth and estimate (of logarithms for levels; of regional values over regions, the mean
        over copies); ``expected`` from the curvature; ``flag``: "not_recovered" where ``r < 0.8``.
    truths, found : dict of arrays ``[copies]`` or ``[copies, n]``
    samples : effective number of samples that every copy holds
    """

    rows: list
    truths: dict
    found: dict
    samples: float

    @property
    def flags(self):
        """``not_recovered:NAME`` for every parameter that does not come back."""
        return [f"not_recovered:{row['name']}" for row in self.rows if row["flag"]]

    def summary(self):
        """Return a table as text."""
        count = len(next(iter(self.truths.values())))
        lines = [f"recovery from {count} simulated copies of the data ({self.samples:.0f} effective samples each)"]
        for row in self.rows:
            told = "not recovered" if row["flag"] else "recovered"
            expected = "at a bound" if row["expected"] is None else f"expected {row['expected']:.2f}"
            lines.append(f"  {row['name']:<24} r = {row['r']:5.2f} ({expected})  {told}")
        return "\n".join(lines) + "\n"


def recover(result, n=20, *, seed=0, steps=None):
    """Simulate copies of the user's data from known parameters, fit each as the data were, and compare.

    Truths lie around the fitted values: half their size up or down for shared parameters, less for single regions.
    A copy is a Gaussian sample of the model's FC, as long as the data; it is fitted through the same rungs.

    Parameters
    ----------
    result : Result
        Of `nmfit.fit` for FC, not loaded from a file.
    n : int
        Copies.
    seed : int
    steps : int, optional
        Step limit of every fit.

    Returns
    -------
    Recovery
    """
    context = context_of(result, "nmfit.recover")
    fitted, ground = context.final[-1], context.ground
    with jax.enable_x64(True), one_core_each():
        determined = identify(fitted, ground, context.plan.target.samples, context.map_names)
        samples = determined.samples if determined is not None else context.plan.target.samples or 100.0
        blocks, centre = off_bounds(fitted.blocks, fitted.theta)
        problem = problem_of(ground, fitted.network, blocks, fitted.shrinkage)
        coordinates = coordinates_of(blocks, context.map_names)
        sizes = relative_sizes(blocks, centre, coordinates)
        rngs = [np.random.default_rng([seed, 60, k]) for k in range(n)]
        by_name = {block.name: block for block in blocks}
        shifts = [_shift_of(by_name[c.block], centre[c.block], c, size) for c, size in zip(coordinates, sizes,
                                                                                          strict=True)]
        truths = [_truth(rng, fitted, centre, problem, coordinates, shifts, ground) for rng in rngs]

        def refit(k):
            copy = dataclasses.replace(ground, fc=sampled(truths[k][1], samples, rngs[k]))
            return climb_path(copy, context.path, starts=context.plan.starts, seed=seed, steps=steps)[-1]

        fits = side_by_side(refit, range(n))
        networks = [place(problem.network, problem.blocks, theta) for theta, _ in truths]
        return _told(networks, [f.network for f in fits], coordinates, determined, samples, ground.maps)


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


def _told(truths, found, coordinates, determined, samples, maps):
    expected = {} if determined is None else expected_recovery(determined)
    rows, told, came = [], {}, {}
    for name in dict.fromkeys(c.name for c in coordinates):
        kind, block, column = next((c.kind, c.block, c.column) for c in coordinates if c.name == name)
        a, b = (np.array([np.atleast_1d(np.asarray(net.value(block))) for net in nets]) for nets in (truths, found))
        if kind == "level":
            a, b = (np.log(np.abs(v.mean(1))) for v in (a, b))
            r = _correlation(a, b)
        elif kind == "region":
            r = float(np.mean([_correlation(x, y) for x, y in zip(a, b, strict=True)]))
        else:
            a, b = (np.log(np.abs(v)) @ maps[column - 1] / maps.shape[1] for v in (a, b))
            r = _correlation(a, b)
        told[name], came[name] = a, b
        rows.append({"name": name, "r": r, "expected": expected.get(name),
                     "flag": "not_recovered" if not r >= RECOVERED else None})
    return Recovery(rows, told, came, float(samples))


def _correlation(a, b):
    if min(np.std(a), np.std(b)) < 1e-12:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
