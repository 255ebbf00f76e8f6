"""How well a fit of spectra under a loss of the user's own is known: a sandwich out of the loss's own residuals.

With ``J`` the slopes of the residuals at what the model expects, ``H = 2 J^T J`` and the prior's share, and ``V`` the
covariance of the loss's slope over cross-spectra drawn from the fitted model, ``H^-1 V H^-1`` is the covariance of the
estimate if the model is true. Channels cohere in the draws as the model says, and neighbouring bins share data as a
tapered estimate's do.
"""

import jax
import jax.numpy as jnp
import numpy as np

from ...compare.loss import Seen
from ...compare.spectral_ceiling import between_bins
from ...dynamics.alone import ALONE
from ..identify import STEP, Determined, coordinates_of, relative_sizes
from ..space import at_bound, off_bounds
from ..threads import side_by_side
from .ground import problem_of
from .objective import predicted_cross, predicted_psd

DRAWS = 300               # the standard error of a standard error is then 4 %
MOST = 120                # coordinates
LARGEST = 2e7             # complex numbers that slopes of cross-spectra hold, 0.3 GB


def determined_under_loss(fitted, ground, seed=0):
    """Return what the data determine (`identify.Determined`), or None.

    None where the degrees of freedom of the spectra are unknown, a term has no residuals, or too much is free.

    Parameters
    ----------
    fitted : FittedSpectrum
    ground : SpectrumGround
        That it was fitted on.
    seed : int
    """
    coordinates = coordinates_of(fitted.blocks)
    size = len(coordinates) * ground.psd.shape[0] * ground.psd.shape[1] ** 2
    if ground.dof is None or not 0 < len(coordinates) <= MOST or size > LARGEST:
        return None
    blocks, theta = off_bounds(fitted.blocks, fitted.theta)
    problem = problem_of(ground, fitted.network, fitted.leadfield, blocks, fitted.shrinkage)
    seen, loss = _seen(theta, problem), problem.loss
    slopes = side_by_side(lambda c: _slope(theta, problem, c), coordinates)
    slopes = jax.tree.map(lambda *each: jnp.stack(each), *slopes)
    expected = problem.wanted._replace(psd=seen.psd, cross=seen.cross)
    if loss.residuals(seen, expected) is None:
        return None
    moved = np.asarray(_pushed(seen, slopes, expected, loss))
    prior = {block.name: np.asarray(block.penalty) for block in fitted.blocks}
    prior = np.array([prior[c.block][c.column] for c in coordinates]) * 2.0 * fitted.shrinkage
    windows = max(1, round(0.5 * ground.dof))
    pulls = np.stack([np.asarray(_pull(seen, slopes, problem.wanted._replace(
        cross=drawn, psd=jnp.real(jnp.einsum("fss->fs", drawn))), loss))
        for drawn in _drawn(np.asarray(seen.cross), windows, ground, seed)])
    h = 2.0 * moved @ moved.T
    return Determined(coordinates, relative_sizes(blocks, theta, coordinates), h + np.diag(prior),
                      np.atleast_2d(np.cov(pulls.T)) * windows / (0.5 * ground.dof), h, 0.5 * ground.dof,
                      "data", tuple(at_bound(fitted.blocks, fitted.theta)), blocks, theta)


@jax.jit(compiler_options=ALONE)
def _seen(theta, problem):
    return Seen(psd=predicted_psd(theta, problem)[0], cross=predicted_cross(theta, problem))


def _slope(theta, problem, coordinate):
    ends = []
    for sign in (1.0, -1.0):
        moved = dict(theta)
        moved[coordinate.block] = moved[coordinate.block].at[coordinate.column].add(sign * STEP)
        ends.append(_seen(moved, problem))
    return jax.tree.map(lambda up, down: (up - down) / (2.0 * STEP), *ends)


@jax.jit(compiler_options=ALONE)
def _pushed(seen, slopes, expected, loss):
    return jax.lax.map(lambda d: jax.jvp(lambda s: loss.residuals(s, expected), (seen,), (d,))[1], slopes)


@jax.jit(compiler_options=ALONE)
def _pull(seen, slopes, wanted, loss):
    """Return the slope of the loss along every coordinate, ``[p]``, for some data."""
    pull = jax.grad(loss)(seen, wanted)
    along = jax.tree.map(lambda d, g: jnp.real(jnp.sum(d * g, axis=tuple(range(1, d.ndim)))), slopes, pull)
    return sum(jax.tree.leaves(along))


def _drawn(cross, windows, ground, seed):
    """Yield estimates ``[f, s, s]`` of a cross-spectrum from so many independent windows."""
    values, vectors = np.linalg.eigh(cross)
    root = vectors * np.sqrt(np.maximum(values, 0.0))[:, None]
    # Only the size of what neighbouring Fourier coefficients share reaches a cross-spectrum, not its sign.
    shared, turned = np.linalg.eigh(np.sqrt(between_bins(ground.target, np.ones(len(cross), bool))))
    between = turned * np.sqrt(np.maximum(shared, 0.0))
    rng = np.random.default_rng([seed, 6])
    for _ in range(DRAWS):
        z = rng.normal(size=(windows, *cross.shape[:2], 2)) @ [1.0, 1j] / np.sqrt(2.0 * windows)
        z = np.einsum("fst,fg,wgt->fsw", root, between, z, optimize=True)
        yield jnp.asarray(z @ np.conj(np.swapaxes(z, 1, 2)))
