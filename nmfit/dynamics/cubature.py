"""Means over a Gaussian, of functions that are element-wise over regions."""

import itertools

import jax
import jax.numpy as jnp

from .local import jacobian

RELATIVE = 1e-10            # of a variance: what keeps the root of a covariance without full rank finite


def fifth_degree(size):
    """Return points ``[p, size]`` and weights ``[p]`` of the fully symmetric rule, exact to the fifth degree.

    One point in the middle, two on each axis, four in the plane of each pair of axes: 99 for seven variables.

    References
    ----------
    McNamee & Stenger 1967, Numer Math 10:327.
    """
    far, near = (size + 2.0) ** 0.5, (0.5 * size + 1.0) ** 0.5
    points, weights = [[0.0] * size], [2 / (size + 2)]
    for i, sign in itertools.product(range(size), (1, -1)):
        points.append([sign * far * (j == i) for j in range(size)])
        weights.append((4 - size) / (2 * (size + 2) ** 2))
    for (a, b), s, t in itertools.product(itertools.combinations(range(size), 2), (1, -1), (1, -1)):
        points.append([near * (s * (j == a) + t * (j == b)) for j in range(size)])
        weights.append(1 / (size + 2) ** 2)
    return jnp.array(points), jnp.array(weights)


def root_of(covariance):
    """Return the lower triangular root of covariances ``[n, D, D]``, which need not have full rank."""
    size = jnp.sqrt(jnp.maximum(jnp.diagonal(covariance, axis1=-2, axis2=-1), 1e-30))
    scaled = covariance / (size[:, :, None] * size[:, None, :])
    return size[:, :, None] * jnp.linalg.cholesky(scaled + RELATIVE * jnp.eye(size.shape[-1], dtype=size.dtype))


def averaged(function, mean, covariance):
    """Return a function's mean ``[q, n]`` and its mean Jacobian ``[n, q, D]`` over Gaussians, one per region.

    Parameters
    ----------
    function : of ``[D, n]`` to ``[q, n]``
    mean : ``[D, n]``
    covariance : ``[n, D, D]``
    """
    points, weights = fifth_degree(mean.shape[0])
    at = mean + jnp.einsum("nij,pj->pin", root_of(covariance), points)
    values, slopes = jax.vmap(lambda z: (function(z), jacobian(function, z)))(at)
    return jnp.einsum("p,pqn->qn", weights, values), jnp.einsum("p,pnqi->nqi", weights, slopes)
