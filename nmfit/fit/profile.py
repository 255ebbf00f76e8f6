"""Profile of the loss along one shared parameter: all others minimised at every value of it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import InputError
from .context import context_of
from .ground import TOLERANCE, problem_of
from .identify import identify
from .minimise import minimise
from .objective import fc_objective_along
from .space import as_theta, as_vector
from .threads import one_core_each

POINTS = 8                 # on either side
REACH = 3.0                # standard errors on either side ...
FARTHEST = 3.0             # ... but no further than this many times the parameter's own size
STEPS = 150
CHI2 = 3.841               # chi-squared with one degree of freedom, 95 %


@dataclasses.dataclass(frozen=True, eq=False)
class Profile:
    """How the loss rises when one parameter is moved and all others follow.

    Attributes
    ----------
    name : str
    unit : str
    values : array ``[m]``, of the parameter (for a slope along a map: in units of the parameter's own size)
    rise : array ``[m]``, of the loss over its minimum
    threshold : float, rise at the ends of the 95 % interval if the model is true
    interval : (low, high); None at an end that the profile does not reach
    best : float
    """

    name: str
    unit: str
    values: np.ndarray
    rise: np.ndarray
    threshold: float
    interval: tuple
    best: float

    def summary(self):
        """Return the interval in a sentence."""
        low, high = self.interval
        unit = f" {self.unit}" if self.unit else ""
        if low is None and high is None:
            return (f"{self.name}: the data do not bound it between {self.values.min():.4g} and "
                    f"{self.values.max():.4g}{unit}")
        ends = (f"below {high:.4g}" if low is None else f"above {low:.4g}" if high is None
                else f"{low:.4g} to {high:.4g}")
        return f"{self.name} = {self.best:.4g}{unit}; the profile of the loss bounds it {ends}{unit} (95 %)"

    def plot(self):
        """Return a figure of the profile with its threshold."""
        from ..report import profiles

        return profiles.profile(self)


def profile(result, name):
    """Return the profile of a result's loss along a shared parameter; see `Result.profile`.

    The threshold is ``chi2 / 2 * (H^-1 V H^-1)_kk / (H^-1)_kk``: how high a loss that is no likelihood rises over
    1.96 standard errors. Pace & Salvan 1997, Principles of Statistical Inference, 4.
    """
    context = context_of(result, "profile")
    fitted, ground = context.final[-1], context.ground
    with jax.enable_x64(True), one_core_each():
        determined = identify(fitted, ground, context.plan.target.samples, context.map_names)
        known = [] if determined is None else [c.name for c in determined.coordinates if c.kind != "region"]
        if name not in known:
            raise InputError("profile", f"found {name!r}", "Name a free parameter that all regions share.",
                             ", ".join(known) or "none in this rung")
        k = next(i for i, c in enumerate(determined.coordinates) if c.name == name)
        return _profile(determined, k, fitted, ground)


def _profile(determined, k, fitted, ground):
    coordinate = determined.coordinates[k]
    inverse = determined.inverse
    error = float(np.sqrt(determined.covariance[k, k]))
    threshold = 0.5 * CHI2 * determined.covariance[k, k] / max(inverse[k, k], 1e-300)
    reach = min(REACH * error, FARTHEST / max(abs(determined.sizes[k]), 1e-12))
    problem = problem_of(ground, fitted.network, fitted.blocks, fitted.shrinkage)
    block = next(b for b in problem.blocks if b.name == coordinate.block)
    centre = float(fitted.theta[coordinate.block][coordinate.column])

    def held_at(shift):
        basis = jnp.ones(()) if block.basis is None else block.basis[:, coordinate.column]
        return dataclasses.replace(
            block, origin=block.origin + block.spread * basis * (centre + shift),
            spread=jnp.zeros_like(block.spread) if block.basis is None else block.spread,
            basis=None if block.basis is None else block.basis.at[:, coordinate.column].set(0.0))

    def value_of(shift):
        if coordinate.kind == "map":
            return float(abs(determined.sizes[k]) * (centre + shift))
        theta = fitted.theta[coordinate.block].at[coordinate.column].set(centre + shift)
        return float(np.mean(np.asarray(block.value(theta))))

    start = dict(fitted.theta)
    start[coordinate.block] = start[coordinate.block].at[coordinate.column].set(0.0)
    at = {0.0: _minimised(problem, block, held_at(0.0), start)}
    for sign in (1.0, -1.0):
        theta = at[0.0].theta
        for shift in sign * reach * np.arange(1, POINTS + 1) / POINTS:
            at[float(shift)] = found = _minimised(problem, block, held_at(shift), theta)
            theta = found.theta
    shifts = sorted(at)
    losses = np.array([float(at[s].loss) for s in shifts])
    rise, values = losses - losses.min(), np.array([value_of(s) for s in shifts])
    order = np.argsort(values)
    values, rise = values[order], rise[order]
    unit = fitted.network.declared()[coordinate.block].unit if coordinate.kind == "level" else ""
    best = int(np.argmin(rise))
    ends = (_crossing(values[best::-1], rise[best::-1], threshold), _crossing(values[best:], rise[best:], threshold))
    return Profile(coordinate.name, unit, values, rise, float(threshold), ends, float(values[best]))


def _minimised(problem, block, held, theta):
    blocks = tuple(held if b.name == block.name else b for b in problem.blocks)
    found = minimise(fc_objective_along, as_vector(blocks, theta), dataclasses.replace(problem, blocks=blocks), STEPS,
                     0.01 * TOLERANCE)
    return found._replace(theta=as_theta(blocks, found.theta))


def _crossing(values, rise, threshold):
    """Return where a rise from the best value outwards crosses a threshold, or None."""
    over = np.flatnonzero(rise >= threshold)
    if not over.size or over[0] == 0:
        return None
    i = over[0]
    share = (threshold - rise[i - 1]) / (rise[i] - rise[i - 1])
    return float(values[i - 1] + share * (values[i] - values[i - 1]))
