"""The loss of a rung for FC, as a function of its free coordinates."""

import jax.numpy as jnp

from ..compare.connectivity import correlation, fc_loss
from ..dynamics import linearise
from ..parameters import pytree, static
from .space import penalty, place

NODES = 24
BARRIER = 2e-4            # a hundredth of the model's own rate costs 0.004 in loss
UNSTABLE = 10.0           # worse than any stable fit: 1 - r is at most 2


@pytree
class FcProblem:
    """Everything that an FC fit holds fixed: network, instrument, freedom, data.

    Attributes
    ----------
    network, observation
    blocks : tuple of Block
    target, pairs : ``[n, n]``
    shrinkage : weight of the Gaussian prior on the shrunken coordinates
    band : (low, high) in Hz or None
    nodes : quadrature nodes where the band integral has no closed form
    """

    network: object
    observation: object
    blocks: tuple
    target: object
    pairs: object
    shrinkage: object
    band: tuple | None = static(default=None)
    nodes: int = static(default=NODES)


def predicted_fc(theta, problem, nodes=None):
    """Return the model's FC in the band and its stability figure."""
    network = place(problem.network, problem.blocks, theta)
    linear = linearise(network, problem.observation)
    covariance, abscissa = linear.covariance(problem.band, nodes or problem.nodes)
    return correlation(covariance), abscissa, linear.converged


def barrier(abscissa, network):
    """Return what nearness to instability costs: nothing while the slowest mode is faster than the model itself."""
    scale = max(model.time_scale for model in network.groups.values())
    distance = jnp.log(jnp.maximum(-abscissa * scale, 1e-12))
    return BARRIER * jnp.minimum(distance, 0.0) ** 2


def fc_objective(theta, problem):
    """Return the penalised loss; an unstable or missing state of rest costs more than any stable one."""
    fc, abscissa, converged = predicted_fc(theta, problem)
    value = fc_loss(fc, problem.target, problem.pairs) + problem.shrinkage * penalty(problem.blocks, theta)
    value = value + barrier(abscissa, problem.network)
    return jnp.where((abscissa < 0) & converged, value, UNSTABLE)
