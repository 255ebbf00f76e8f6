"""How a loss's slope scatters where data are envelope correlations: by draws, since these are no Gaussian moments."""

import jax
import jax.numpy as jnp
import numpy as np

from ..compare.closed import analytic_covariance
from ..compare.loss import Seen, Wanted
from ..compare.series import correlated_envelopes
from ..dynamics.alone import ALONE
from .objective import placed_linear

DRAWS = 200               # the standard error of a standard error is then 5 %
MOST = 500                # samples in a draw; the scatter of more follows as one over their number


@jax.jit(compiler_options=ALONE)
def _analytic(theta, problem):
    return problem.envelope.leaked(analytic_covariance(placed_linear(theta, problem), problem.band, problem.nodes))


@jax.jit
def _pull(loss, fc, wanted):
    return jax.grad(lambda seen: loss(Seen(fc=seen), wanted))(fc)


def envelope_slopes(loss, theta, problem, fc, derivative, samples, seed=0):
    """Return the covariance ``[p, p]`` of the loss's slope over envelopes of so many Gaussian samples of the model.

    Parameters
    ----------
    loss : Loss
    theta : dict by block
    problem : FcProblem
    fc : array ``[n, n]``, what the model expects
    derivative : array ``[p, n, n]``, of it by the coordinates
    samples : float
        Independent complex samples behind the data: a band of B Hz holds B of them a second.
    seed : int
    """
    values, vectors = np.linalg.eigh(np.asarray(_analytic(theta, problem)))
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    rng, count = np.random.default_rng([seed, 8]), int(np.clip(samples, 3, MOST))
    slopes = []
    for _ in range(DRAWS):
        z = rng.normal(size=(count, len(root), 2)) @ [1.0, 1j] @ root.T
        wanted = Wanted(fc=jnp.asarray(correlated_envelopes(z, problem.envelope.orthogonal)), pairs=problem.pairs)
        slopes.append(np.einsum("pij,ij->p", derivative, np.asarray(_pull(loss, jnp.asarray(fc), wanted))))
    return np.atleast_2d(np.cov(np.stack(slopes).T)) * count / samples
