"""Which linear twin takes chance out of a simulation, if any does: measured, not assumed."""

import functools

import jax
import numpy as np

from ..compare.connectivity import correlation
from .twin import controlled_covariances, holds

GOOD, WORTH = 0.2, 0.5     # of the seeds' standard deviation that a twin leaves: enough, and worth a second simulation


@functools.partial(jax.jit, static_argnames=("plan", "tr", "band", "closure"))
def _each(network, observation, plan, keys, tr, band, closure):
    corrected, plain, linear, abscissa = controlled_covariances(network, observation, plan, keys, tr, band, closure)
    return jax.vmap(correlation)(corrected), jax.vmap(correlation)(plain), holds(linear, abscissa)


def best_twin(network, observation, plan, keys, tr, band):
    """Return which twin takes most chance out of FC, and what it leaves of the standard deviation over seeds.

    The twin at rest is tried first, and the statistical one where that has no stable state of rest or leaves more than
    a fifth.

    Parameters
    ----------
    network, observation
    plan : Plan
    keys : typed keys ``[s]``, two at least
    tr, band : seconds, Hz

    Returns
    -------
    kind : "rest", "closure", or "none" where no twin exists or halves the deviation
    left : float, 1 for "none"
    """
    if any("theta" in model.states for model in network.groups.values()):       # phases never rest
        return "none", 1.0
    best = ("none", 1.0)
    for kind in ("rest", "closure") if network.lengths is None and network.colour is None else ("rest",):
        corrected, plain, usable = jax.device_get(_each(network, observation, plan, keys, tr, band, kind == "closure"))
        if usable and np.isfinite(corrected).all() and np.isfinite(plain).all():
            spread, plainly = (float(np.sqrt(np.mean(np.var(fcs, axis=0)))) for fcs in (corrected, plain))
            best = (kind, spread / plainly) if spread < min(WORTH, best[1]) * plainly else best
        if best[1] <= GOOD:
            break
    return best
