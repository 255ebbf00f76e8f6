"""Standard errors of a fit through simulation, from its loss's residuals and scans simulated at the optimum.

With ``J`` the slopes of the residuals under the fit's own noise, ``H = 2 J^T J`` and the prior's share, and ``V`` how
the loss's slope scatters when each fresh scan takes the data's place, ``H^-1 V H^-1`` is the covariance of the estimate
if the model is true; both the data's scans and the few that were simulated in the fit are drawn anew in it.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from ..compare.empirical import functional_connectivity
from ..compare.scans import thinned
from ..compare.series import analytic, band_pass, fcd_values, order_parameter, trimmed
from .identify import Determined, coordinates_of, relative_sizes
from .simulated_objective import at_point, predicted
from .slopes import FEW
from .space import at_bound, off_bounds

WIDTH = 0.02              # of a coordinate: wide enough that chance under the same noise is small beside it
FEWEST = 4                # scans whose scatter says anything

_predicted = at_point(predicted)


@jax.jit
def _value(loss, seen, wanted):
    return loss(seen, wanted)


@jax.jit
def _residuals(loss, seen, wanted):
    return loss.residuals(seen, wanted)


def determined_by_scans(theta, problem, signals, target, left=1.0):
    """Return what the data determine (`identify.Determined`).

    None where more is free than `FEW`, a term has no residuals, or fewer than `FEWEST` scans are at hand.

    Parameters
    ----------
    theta : dict by block, where the fit ended
    problem : SimulatedProblem, with the fit's own noise
    signals : array ``[s, t, n]``, fresh scans simulated there
    target : ScanTarget
    left : float
        What a linear twin leaves of the chance in the fit's own scans, as a share of a standard deviation.
    """
    coordinates, loss = coordinates_of(problem.blocks), problem.loss
    if not 0 < len(coordinates) <= FEW or len(signals) < FEWEST:
        return None
    theta = {name: jnp.asarray(value) for name, value in theta.items()}
    stuck, (blocks, theta) = tuple(at_bound(problem.blocks, theta)), off_bounds(problem.blocks, theta)
    problem = dataclasses.replace(problem, blocks=blocks)
    seen = _predicted(theta, problem)
    expected = problem.wanted._replace(fc=seen.fc, fcd=seen.fcd, order=seen.order)
    if loss.residuals(seen, expected) is None:
        return None

    def moved(coordinate, by):
        return _predicted(theta | {coordinate.block: theta[coordinate.block].at[coordinate.column].add(by)}, problem)

    ends = [(moved(c, WIDTH), moved(c, -WIDTH)) for c in coordinates]

    def slopes(function, wanted):
        return np.stack([np.asarray(function(loss, up, wanted) - function(loss, down, wanted)) / (2.0 * WIDTH)
                         for up, down in ends])

    moves = slopes(_residuals, expected)
    pulls = np.stack([slopes(_value, _measured(scan, target, problem)) for scan in signals])
    h = 2.0 * moves @ moves.T
    penalty = {block.name: np.asarray(block.penalty) for block in problem.blocks}
    prior = 2.0 * float(problem.shrinkage) * np.array([penalty[c.block][c.column] for c in coordinates])
    scatter = np.atleast_2d(np.cov(pulls.T)) * (1.0 / target.fit.runs + left**2 / len(problem.keys))
    return Determined(coordinates, relative_sizes(blocks, theta, coordinates), h + np.diag(prior), scatter, h,
                      float(target.fit.runs), "data", stuck, blocks, theta)


def _measured(scan, target, problem):
    """Return one simulated scan as the data were measured."""
    fcd, order = problem.wanted.fcd, problem.wanted.order
    passed = trimmed(scan, target.tr, target.band)
    if fcd is not None:
        fcd = thinned(fcd_values(passed, target.tr, target.window, target.step))
    if order is not None:
        order = order_parameter(np.angle(analytic(band_pass(scan, target.tr, target.band))))
    return problem.wanted._replace(fc=functional_connectivity(scan, target.tr, target.band), fcd=fcd, order=order)
