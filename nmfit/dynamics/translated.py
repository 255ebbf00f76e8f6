"""From slopes as they act under noise to the parameters that have them: statistical linearisation without a search.

A network that is linearised at rest shows its slopes under no noise at all. Where regions are rotating planes, another
network is known at once that shows the same slopes, and so the same covariance, under its own noise: what the noise
takes off growth and turning is put on beforehand, for a Stuart-Landau oscillator ``a = a_eff + 4 beta v`` and
``f = f_eff + 4 gamma v / (2 pi)``, with ``v`` the whole-axis variance of a component. A fit of ``a_eff`` is so a fit
under the closure, exactly and at no cost.
"""

from math import pi
from typing import NamedTuple

import jax
import jax.numpy as jnp

from .alone import alone
from .closure import ACCEPTED, Moments, closed_at
from .cubature import averaged
from .local import jacobian
from .symmetric import band_covariance
from .symmetrise import is_one_state, one_state_form, rotates

STILL = 1e-9               # of a turn: what counts as none


class Translated(NamedTuple):
    """A network that shows under its noise what another shows at rest.

    Attributes
    ----------
    network : with growth, and where it has shear turning, per region
    moved : dict of what was replaced, ``{name: [n]}``
    consistent : whether the closure's own equations hold there
    defect : what a Gaussian misses, below 1 where the closure is valid
    """

    network: object
    moved: dict
    consistent: bool
    defect: float


def can_translate(network):
    """Return whether `translate` knows the way: one group of rotating planes, symmetric weights, no delays."""
    return is_one_state(network) and rotates(network)


def translate(network, reads="bold_drive"):
    """Return the network whose slopes under its noise are those of ``network`` at rest.

    Parameters
    ----------
    network : Network
        Stable, of the kind that `can_translate` names; its values are numbers, not traced.
    reads : "bold_drive" or "eeg_source"

    Returns
    -------
    Translated
    """
    (name, _), = network.members
    model = network.groups[name]
    growth, turn, variance = _taken(network)
    damping = next(iter(model.damped))
    moved = {damping: network.value(damping) + growth}
    if float(jnp.abs(turn).max()) > STILL:
        moved[model.rotation] = network.value(model.rotation) + turn
    there = network.replace(moved)
    found = _checked(there, variance, reads)
    return Translated(there, moved, bool(found.residual < ACCEPTED), float(found.defect))


@alone()
def _taken(network):
    """Return what noise takes off growth (1/s) and turning (Hz) of every region, and the planes' covariance."""
    (name, _), = network.members
    model, x = network.groups[name], network.start()
    J, Q, _, centre = one_state_form(network, x)
    variance, _ = band_covariance(J, Q, 0.0, jnp.inf, centre)
    quiet = jnp.zeros_like(x[name])

    def drift(s):
        return model.drift(s, quiet)

    slopes = jacobian(drift, x[name]) - averaged(drift, x[name], jnp.diagonal(variance)[:, None, None] * jnp.eye(2))[1]
    return slopes[:, 0, 0], slopes[:, 1, 0] / (2 * pi), variance


@alone("reads")
def _checked(network, variance, reads):
    found = closed_at(network, Moments(network.start(), jnp.kron(variance, jnp.eye(2))), reads)
    return jax.tree.map(jnp.asarray, found._replace(network=None, x=None))
