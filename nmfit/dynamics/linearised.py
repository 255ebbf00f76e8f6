"""The closed-form engine: fixed point, transfer functions, cross-spectra, covariance, with exact gradients."""

import dataclasses
from math import pi

import jax.numpy as jnp

from ..errors import InputError
from ..observe import Direct, check_seen
from ..parameters import pytree, static
from .alone import alone
from .closure import close
from .fixed_point import fixed_point
from .local import complexed, local_rate
from .products import gram
from .quadrature import interval_rule
from .resolvent import response, rotating_response, with_drive
from .stability import largest_eigenvalue, leading_root, numerical_abscissa, rightmost
from .symmetric import band_covariance
from .symmetrise import is_one_state, one_state_form, reading_of, rotates

SMALL_DEFECT = 0.02          # below it the noise hardly bends the slopes, and the fixed point answers


@pytree
class Linear:
    """A network linearised at its fixed point, seen through an instrument.

    Attributes
    ----------
    network, observation
    x : dict of arrays ``[d, n_g]``, the fixed point
    residual, converged : how well it was found
    engine : "linear", "closure", or "declined" where neither holds and the network is to be simulated
    defect : what the moments of a closure miss, below 1 where it is valid; None where it was not asked for
    form : "symmetric" (one eigendecomposition), "rotating" (complex ``n x n``) or "general" (``nk x nk``)
    """

    network: object
    observation: object
    x: dict
    residual: object
    converged: object
    defect: object = None
    engine: str = static(default="linear")
    form: str = static(default="general")

    def covariance(self, band=None, nodes=48):
        """Return the covariance of the readings and the stability figure.

        Parameters
        ----------
        band : (low, high) in Hz, or None
            An ideal zero-phase band; None for the whole axis.
        nodes : int
            Quadrature nodes where the integral has no closed form.

        Returns
        -------
        covariance : ``[r, r]``
        abscissa : float
            See `abscissa`. Unless it is negative the covariance means nothing.
        """
        return _covariance(self, None if band is None else tuple(map(float, band)), int(nodes))

    @alone()
    def response(self, w):
        """Return the response of every sensor or region to every noise source at ``w [f]`` rad/s."""
        path = rotating_response if self.form != "general" and rotates(self.network) else response
        e = with_drive(self.network, path(self.network, self.observation, self.x, w))
        return _gained(self.observation, e)

    @alone()
    def cross_spectrum(self, freqs):
        """Return the one-sided cross-spectrum per Hz, ``[f, r, r]``: ``2 S(2 pi f)``."""
        e = self.response(2 * pi * jnp.asarray(freqs))
        return complexed(jnp.full((), 2.0)) * e @ jnp.conj(jnp.swapaxes(e, -1, -2))

    @alone()
    def psd(self, freqs):
        """Return the one-sided power spectral density per Hz, ``[f, r]``."""
        e = self.response(2 * pi * jnp.asarray(freqs))
        return 2.0 * jnp.sum(jnp.real(e) ** 2 + jnp.imag(e) ** 2, axis=-1)

    @alone()
    def abscissa(self):
        """Return the stability figure, 1/s, differentiable: the largest real part of the network's eigenvalues.

        Exact where one eigendecomposition solves the network; an upper bound (the numerical abscissa) for rotating
        planes of unlike frequency; with delays or several states per region the leading root as far as it was
        tracked, which `stability.unstable_roots` confirms.
        """
        network, x = self.network, self.x
        if is_one_state(network):
            return largest_eigenvalue(one_state_form(network, x)[0])
        if rotates(network) and network.symmetric and network.lengths is None:
            return numerical_abscissa(network, x)
        several = len(network.members) > 1 and network.lengths is None
        return rightmost(network, x) if several else leading_root(network, x)


def linearise(network, observation=None, start=None, closure=False, found=None):
    """Linearise a network at the fixed point that is reached from ``start``, or under its own noise.

    Parameters
    ----------
    network : Network
    observation : Observation, optional
        `Direct` unless given: the models' own BOLD drive.
    start : dict of arrays, optional
    closure : bool or "auto"
        Average slopes over the noise (statistical linearisation): near and past the onset of oscillation, where noise
        is strong enough. "auto" takes the fixed point where noise is small, the closure where that is valid, and
        declines otherwise; it looks at numbers, so it cannot be compiled.
    found : Consistent, optional
        Of a closure: the moments, where `closure.consistent` has found them before.

    Returns
    -------
    Linear
        With its convergence and, of a closure, its `defect`; look at `Linear.abscissa` before believing a spectrum.

    Raises
    ------
    InputError
        If the instrument reads what a model does not have, or a closure is asked of a network with delays or with
        noise that has a memory.

    Examples
    --------
    >>> from nmfit.models import Hopf
    >>> from nmfit.network import Network
    >>> linear = linearise(Network.of([[0.0, 1.0], [1.0, 0.0]], Hopf(f=0.05, a=-0.02), G=0.1))
    >>> bool(linear.converged), round(float(linear.abscissa()), 6)
    (True, -0.02)
    """
    observation = Direct() if observation is None else observation
    check_seen(network, observation)
    if closure not in (True, False, "auto"):
        raise InputError("closure", f"found {closure!r}", "Choose one.", "True, False, 'auto'")
    if closure == "auto":
        return _chosen(network, observation, start)
    return _closed(network, observation, found) if closure else _at_rest(network, observation, start)


def _chosen(network, observation, start):
    at_rest = _at_rest(network, observation, start)
    stable = bool(at_rest.converged) and float(at_rest.abscissa()) < 0
    if network.lengths is not None or network.colour is not None:
        return at_rest if stable else dataclasses.replace(at_rest, engine="declined")
    closed = _closed(network, observation)
    usable = bool(closed.converged) and float(closed.abscissa()) < 0
    if stable and usable and float(closed.defect) < SMALL_DEFECT:
        return at_rest
    if usable and float(closed.defect) < 1:
        return closed
    return dataclasses.replace(at_rest, engine="declined", defect=closed.defect)


@alone()
def _closed(network, observation, found=None):
    found = close(network, observation.reads, found)
    return Linear(network=found.network, observation=observation, x=found.x, residual=found.residual,
                  converged=found.converged, defect=found.defect, engine="closure",
                  form=form_of(found.network, observation))


@alone()
def _at_rest(network, observation, start):
    found = fixed_point(network, start)
    return Linear(network=network, observation=observation, x=found.x, residual=found.residual,
                  converged=found.converged, form=form_of(network, observation))


def form_of(network, observation):
    """Return the cheapest exact form, from what is known before any number is: structure, not values."""
    if is_one_state(network) and not observation.states:
        return "symmetric"
    return "rotating" if rotates(network) else "general"


@alone("band", "nodes")
def _covariance(linear, band, nodes):
    low, high = (0.0, jnp.inf) if band is None else (2 * pi * band[0], 2 * pi * band[1])
    if linear.form == "symmetric":
        J, Q, stretch, centre = one_state_form(linear.network, linear.x)
        z, largest = band_covariance(J, Q, low, high, centre)
        if linear.network.seen is not None:
            at = jnp.array(linear.network.seen)
            stretch, z = stretch[at], z[at][:, at]
        stretch = stretch * reading_of(linear.network, linear.observation, linear.x)
        return _projected(linear.observation, stretch[:, None] * z * stretch), largest
    rate = local_rate(linear.network, linear.x) if band is None else None
    w, weights = (jnp.asarray(v) for v in interval_rule(low, high, nodes, rate))
    e = linear.response(w)
    return gram(e * complexed(jnp.sqrt(weights / pi))[:, None, None]), linear.abscissa()


def _gained(observation, e):
    return e if observation.gain is None else observation.project(e)


def _projected(observation, covariance):
    return covariance if observation.gain is None else observation.project_covariance(covariance)
