"""The loss of a rung for FC, as a function of its free coordinates."""

import jax.numpy as jnp

from ..compare.closed import analytic_covariance, regressed
from ..compare.connectivity import correlation, fc_loss
from ..compare.loss import Loss, Seen, Wanted, Wishart
from ..dynamics import linearise
from ..errors import InputError
from ..parameters import pytree, static
from .envelopes import unresolved
from .space import as_theta, depth, observed, penalty, place

NODES = 24
BARRIER = 2e-4            # a hundredth of the model's own rate costs 0.004 in loss
DEPTH = 1e-4              # two units beyond `space.DEEP` cost 0.0004 in loss
UNSTABLE = 10.0           # worse than any stable fit: 1 - r is at most 2
HOPELESS = 1e5            # the same for a loss of the user's own
AVAILABLE = ("fc",)       # what a loss may read here (`Seen`)


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
    loss : Loss, or None for ``1 - r + 5 (difference of mean FC)^2``
    nuisance : basis ``[n, q]`` of weighted sums of regions that were regressed out of the data, or None
    envelope : Envelope, where FC is that of amplitude envelopes, or None
    offset : array ``[n, n]`` that is added to the closed form's FC, or None
    """

    network: object
    observation: object
    blocks: tuple
    target: object
    pairs: object
    shrinkage: object
    band: tuple | None = static(default=None)
    nodes: int = static(default=NODES)
    loss: object = None
    nuisance: object = None
    envelope: object = None
    offset: object = None


def checked_loss(loss, target, who="a fit of FC in closed form"):
    """Return the loss, told how many samples the data hold, or None where there is none; refuse what cannot be read.

    Parameters
    ----------
    loss : Loss or None
    target : FcTarget
    who : str
    """
    if loss is None:
        return None
    if not isinstance(loss, Loss):
        raise InputError("loss", f"found {loss!r}", "Give an expression of nmfit.loss.", "FC() + 0.5 * FCMSE()")
    if target.projector is not None and any(isinstance(term, Wishart) for term in loss.parts):
        raise InputError("loss", "a Wishart likelihood after a regression of regions, which leaves FC singular",
                         "Choose FC or FCMSE, or data without the regression.")
    if target.envelope is not None and any(isinstance(term, Wishart) for term in loss.parts):
        raise InputError("loss", "a Wishart likelihood of envelopes, which are not Gaussian", "Choose FC or FCMSE.")
    loss = loss.informed(target.samples)
    loss.check(AVAILABLE, who)
    return loss


def placed_linear(theta, problem):
    """Return the linearised network with every block at ``theta``."""
    network = place(problem.network, problem.blocks, theta)
    return linearise(network, observed(problem.observation, problem.blocks, theta))


def predicted_fc(theta, problem, nodes=None):
    """Return the model's FC in the band and its stability figure."""
    linear = placed_linear(theta, problem)
    if problem.envelope is not None:
        analytic = analytic_covariance(linear, problem.band, nodes or problem.nodes)
        return problem.envelope.expected(analytic), linear.abscissa(), linear.converged
    covariance, abscissa = linear.covariance(problem.band, nodes or problem.nodes)
    fc = correlation(covariance)
    fc = fc if problem.nuisance is None else correlation(regressed(fc, problem.nuisance))
    fc = fc if problem.offset is None else fc + problem.offset
    return fc, abscissa, linear.converged


def barrier(abscissa, network):
    """Return what nearness to instability costs: nothing while the slowest mode is faster than the model itself."""
    scale = max(model.time_scale for model in network.groups.values())
    distance = jnp.log(jnp.maximum(-abscissa * scale, 1e-12))
    return BARRIER * jnp.minimum(distance, 0.0) ** 2


def data_loss(fc, problem):
    """Return how far a predicted FC is from the data, without what parameters cost."""
    if problem.loss is None:
        return fc_loss(fc, problem.target, problem.pairs)
    return problem.loss(Seen(fc=fc), Wanted(fc=problem.target, pairs=problem.pairs))


def fc_objective(theta, problem):
    """Return the penalised loss; an unstable or missing state of rest costs more than any stable one."""
    fc, abscissa, converged = predicted_fc(theta, problem)
    value = data_loss(fc, problem)
    value = value + problem.shrinkage * penalty(problem.blocks, theta) + DEPTH * depth(problem.blocks, theta)
    value = value + (barrier(abscissa, problem.network) if problem.envelope is None else
                     unresolved(abscissa, problem.band, problem.nodes))
    return jnp.where((abscissa < 0) & converged, value, unstable_cost(problem.loss))


def fc_objective_along(vector, problem):
    """Return `fc_objective` at coordinates in one vector, which spares the search an operation for every block."""
    return fc_objective(as_theta(problem.blocks, vector), problem)


def unstable_cost(loss):
    """Return what an unstable state costs."""
    return UNSTABLE if loss is None else HOPELESS
