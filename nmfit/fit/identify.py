"""What the data determine: the curvature of the loss at the optimum, its directions in words, errors if it is true.

With ``J`` the derivative of FC by the free coordinates, ``H = 2 (dr/dfc J)^T (dr/dfc J)`` is the Gauss-Newton
curvature of a loss ``sum r^2``, and ``V`` the covariance of its slope when the data are Gaussian samples of the fitted
model; ``H^-1 V H^-1`` is then the covariance of the estimate. Coordinates are changes relative to a parameter's own
size, so that a direction with a standard error of 0.5 is known to within half of itself.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from ..compare.empirical import upper
from ..compare.loss import FC, MeanFC, Seen, Wanted
from ..compare.series import fisher_z
from ..dynamics import form_of
from .envelope_errors import envelope_slopes
from .ground import predict, problem_of
from .space import at_bound, is_free, off_bounds
from .threads import side_by_side

STEP = 1e-4                # of a coordinate: truncation and rounding of the differences are both near 1e-8
KNOWN = 0.5                # relative standard error below which a direction counts as determined
TIED = 0.9                 # correlation of two estimates from which they are reported
SPREAD = 0.5               # by how much a parameter plausibly varies, relative to itself, for the recovery expected
RECOVERED = 0.8
MOST = 400                 # coordinates
MOST_SLOW = 120            # the same where a prediction costs a solve per frequency
DEFAULT_LOSS = FC() + 5.0 * MeanFC()


@dataclasses.dataclass(frozen=True)
class Coordinate:
    """One free direction of a fit.

    Attributes
    ----------
    block : name of the parameter
    column : index into its theta
    kind : "level", "map" or "region"
    name : for sentences
    """

    block: str
    column: int
    kind: str
    name: str


@dataclasses.dataclass(frozen=True, eq=False)
class Determined:
    """What the data say about every coordinate.

    Attributes
    ----------
    coordinates : tuple of Coordinate, ``p``
    sizes : array ``[p]``, relative change of the parameter per unit of theta; signed for levels
    curvature, slopes : arrays ``[p, p]``, ``H`` (with the prior's share) and ``V``, per unit of theta
    data_curvature : array ``[p, p]``, ``H`` without the prior
    samples : float, effective number of samples behind the data
    samples_from : "data" or "misfit"
    stuck : names of parameters that ended at a bound
    blocks, theta : the freedom and the optimum, off the bounds (`space.off_bounds`): what a parameter at a bound leaves
        open widens the errors of the others, as if the bound were not there
    returned : ``{name: r}`` over copies of the data that were fitted (`copies.brief_recovery`), or None
    """

    coordinates: tuple
    sizes: np.ndarray
    curvature: np.ndarray
    slopes: np.ndarray
    data_curvature: np.ndarray
    samples: float
    samples_from: str
    stuck: tuple = ()
    blocks: tuple = ()
    theta: dict | None = None
    returned: dict | None = None

    @property
    def covariance(self):
        """Covariance of the estimate of theta if the model is true, ``[p, p]``."""
        inverse = self.inverse
        return inverse @ self.slopes @ inverse

    @property
    def freedom(self):
        """Effective degrees of freedom, ``tr(H^-1 H_data)``: what the prior leaves of the free coordinates."""
        return float(np.trace(self.inverse @ self.data_curvature))

    @property
    def inverse(self):
        """Inverse of the curvature, ``[p, p]``; what nothing determines at all is left out."""
        # Per relative change, so that what is cut off depends on the data and not on where a bijection is flat.
        scale = np.outer(self._scale, self._scale)
        return np.linalg.pinv(self.curvature / scale, rcond=1e-12, hermitian=True) / scale

    @property
    def _scale(self):
        return np.where(self.sizes == 0, 1.0, self.sizes)

    @property
    def errors(self):
        """Standard error of every coordinate, relative to the parameter's size, ``[p]``."""
        return np.abs(self.sizes) * np.sqrt(np.maximum(np.diag(self.covariance), 0.0))

    @property
    def recovery(self):
        """Correlation of truth and estimate to be expected where truths vary by half their size, ``[p]``."""
        return 1.0 / np.sqrt(1.0 + (self.errors / SPREAD) ** 2)

    def directions(self):
        """Return relative standard errors, best first, and unit directions in columns, of what the data alone say."""
        size = self._scale
        h = self.data_curvature / np.outer(size, size)
        values, vectors = np.linalg.eigh(0.5 * (h + h.T))
        v = vectors.T @ (self.slopes / np.outer(size, size)) @ vectors
        floor = 1e-14 * max(values.max(), 1e-300)
        error = np.sqrt(np.maximum(np.diag(v), 1e-300)) / np.maximum(values, floor)
        order = np.argsort(error)
        return error[order], vectors[:, order]

    def correlations(self):
        """Return (name, name, r) of all pairs of shared coordinates whose estimates move together."""
        cov, shared = self.covariance, [k for k, c in enumerate(self.coordinates) if c.kind != "region"]
        sd = np.sqrt(np.maximum(np.diag(cov), 1e-300))
        r = cov / np.outer(sd, sd) * np.outer(np.sign(self.sizes), np.sign(self.sizes))
        return [(self.coordinates[i].name, self.coordinates[j].name, float(r[i, j]))
                for n, i in enumerate(shared) for j in shared[n + 1:] if abs(r[i, j]) > TIED]


def coordinates_of(blocks, map_names=None):
    """Return the free coordinates of blocks; where every region moves, levels and slopes are in them already."""
    found = []
    for block in blocks:
        if block.name == "edge_gain" or not is_free(block):
            continue
        if block.basis is None:
            found.append(Coordinate(block.name, 0, "level", block.name))
            continue
        free = np.any(np.asarray(block.basis) != 0, axis=0)
        regional = np.asarray(block.penalty) > 0
        if free[regional].any():
            found += [Coordinate(block.name, int(k), "region", block.name) for k in np.flatnonzero(free & regional)]
            continue
        for k in np.flatnonzero(free):
            name = block.name if k == 0 else f"{block.name} along {_map_name(map_names, k - 1)}"
            found.append(Coordinate(block.name, int(k), "map" if k else "level", name))
    return tuple(found)


def _map_name(names, k):
    return str(names[k]) if names is not None and k < len(names) else f"map {k + 1}"


def identify(fitted, ground, samples=None, map_names=None):
    """Return what the data determine at a fit's optimum.

    Parameters
    ----------
    fitted : Fitted
    ground : Ground
        That it was fitted on.
    samples : float, optional
        Effective number of samples behind the data (`series.effective_samples`, over all recordings); unless given,
        as many as would leave the misfit by chance.
    map_names : sequence of str, optional

    Returns
    -------
    Determined, or None where there are too many coordinates
    """
    ground = ground.under(fitted.rung.model)
    coordinates = coordinates_of(fitted.blocks, map_names)
    most = MOST if form_of(ground.network, ground.observation) == "symmetric" else MOST_SLOW
    if fitted.rung.level == "edges" or not 0 < len(coordinates) <= most:
        return None
    blocks, theta = off_bounds(fitted.blocks, fitted.theta)
    problem = problem_of(ground, fitted.network, blocks, fitted.shrinkage)
    derivative = fc_derivative(problem, theta, coordinates)
    sizes = relative_sizes(blocks, theta, coordinates)
    loss = DEFAULT_LOSS if problem.loss is None else problem.loss
    fc, pairs = jnp.asarray(fitted.fc), problem.pairs
    h = _gauss_newton(loss, fc, pairs, derivative)
    by_block = {b.name: np.asarray(b.penalty) for b in fitted.blocks}
    prior = np.array([by_block[c.block][c.column] for c in coordinates]) * 2.0 * fitted.shrinkage
    said = "data"
    if samples is None:
        at = upper(np.asarray(pairs)) > 0
        error = (upper(fisher_z(fitted.fc)) - upper(fisher_z(ground.fc)))[at]
        samples, said = float(1.0 / np.mean(error**2)), "misfit"
    if ground.envelope is None:
        v = _slope_covariance(loss, fc, pairs, derivative, float(samples))
    else:
        v = envelope_slopes(loss, theta, problem, fc, derivative, float(samples))
    return Determined(coordinates, sizes, h + np.diag(prior), v, h, float(samples), said,
                      tuple(at_bound(fitted.blocks, fitted.theta)), blocks, theta)


def fc_derivative(problem, theta, coordinates):
    """Return ``dFC / dtheta``, ``[p, n, n]``, by central differences of the prediction, which is compiled already."""
    def slope(coordinate):
        ends = []
        for sign in (1.0, -1.0):
            moved = dict(theta)
            moved[coordinate.block] = moved[coordinate.block].at[coordinate.column].add(sign * STEP)
            ends.append(np.asarray(predict(moved, problem)[0]))
        return (ends[0] - ends[1]) / (2.0 * STEP)

    return np.stack(side_by_side(slope, coordinates))


def relative_sizes(blocks, theta, coordinates):
    """Return by how much of its own size a parameter changes per unit of each coordinate, ``[p]``."""
    by_name = {b.name: b for b in blocks}
    sizes = []
    for c in coordinates:
        block, at = by_name[c.block], theta[c.block]
        value = np.atleast_1d(np.asarray(block.value(at)))
        ends = [np.atleast_1d(np.asarray(block.value(at.at[c.column].add(sign * STEP)))) for sign in (1.0, -1.0)]
        slope = (ends[0] - ends[1]) / (2.0 * STEP)
        size = np.abs(value).mean()
        if c.kind == "region":
            i = int(np.argmax(np.abs(slope)))
            sizes.append(slope[i] * np.sign(value[i]) / max(abs(value[i]), 1e-300))
        elif c.kind == "level":
            sizes.append((slope * np.sign(value)).mean() / max(size, 1e-300))
        else:
            sizes.append(np.sqrt((slope**2).mean()) / max(size, 1e-300))
    return np.array(sizes)


def value_errors(determined):
    """Return ``{name: standard error of each value}`` if the model is true, in the values' own units."""
    covariance, found = determined.covariance, {}
    for block in determined.blocks:
        at = [k for k, c in enumerate(determined.coordinates) if c.block == block.name]
        if not at:
            continue
        columns = [determined.coordinates[k].column for k in at]
        with jax.enable_x64(True):
            slope = np.asarray(jax.jacobian(block.value)(determined.theta[block.name]))
        slope = slope.reshape(-1, slope.shape[-1])[:, columns]
        found[block.name] = np.sqrt(np.maximum(np.einsum(
            "ik,kl,il->i", slope, covariance[np.ix_(at, at)], slope), 0.0))
    return found


def _gauss_newton(loss, fc, pairs, derivative):
    """Return ``2 J^T J`` of the residuals, where the data are what the model expects: for a likelihood its information.

    Other residuals move with the model alone, whatever the data are.
    """
    expected = Wanted(fc=fc, pairs=pairs)
    moved = np.asarray(jax.lax.map(
        lambda d: jax.jvp(lambda m: loss.residuals(Seen(fc=m), expected), (fc,), (d,))[1], jnp.asarray(derivative)))
    return 2.0 * moved @ moved.T


def _slope_covariance(loss, fc, pairs, derivative, samples):
    """Return the covariance of the loss's slope when the data are ``samples`` Gaussian draws of the model.

    The slope along a coordinate is, to first order, ``tr(B S)`` of the sample correlations ``S``. A correlation follows
    the covariance by ``dS_ij = dC_ij - R_ij (dC_ii + dC_jj) / 2``, and ``var tr(M C) = 2 tr(M R M R) / samples``.
    """
    def response(d):
        def slope(data):
            wanted = Wanted(fc=data, pairs=pairs)
            return jax.jvp(lambda m: loss(Seen(fc=m), wanted), (fc,), (d,))[1]

        return jax.grad(slope)(fc)

    b = np.asarray(jax.lax.map(response, jnp.asarray(derivative)))
    b = 0.5 * (b + np.swapaxes(b, 1, 2))
    b = b - np.einsum("pii->pi", b)[:, :, None] * np.eye(b.shape[1])
    r = np.asarray(fc)
    m = b - np.einsum("pij,ij->pi", b, r)[:, :, None] * np.eye(b.shape[1])
    mr = m @ r
    return 2.0 / samples * np.einsum("pij,qji->pq", mr, mr, optimize=True)
