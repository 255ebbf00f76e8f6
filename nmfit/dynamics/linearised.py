"""The closed-form engine: fixed point, transfer functions, cross-spectra, covariance, with exact gradients."""

from math import pi

import jax.numpy as jnp

from ..parameters import pytree, static
from .fixed_point import fixed_point
from .local import complexed, local_rate
from .quadrature import interval_rule
from .resolvent import response, rotating_response, with_drive
from .stability import leading_root, numerical_abscissa, rightmost
from .symmetric import band_covariance
from .symmetrise import is_one_state, one_state_form, reading_of, rotates


@pytree
class Linear:
    """A network linearised at its fixed point, seen through an instrument.

    Attributes
    ----------
    network, observation
    x : dict of arrays ``[d, n_g]``, the fixed point
    residual, converged : how well it was found
    form : "symmetric" (one eigendecomposition), "rotating" (complex ``n x n``) or "general" (``nk x nk``)
    """

    network: object
    observation: object
    x: dict
    residual: object
    converged: object
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
        low, high = (0.0, jnp.inf) if band is None else (2 * pi * band[0], 2 * pi * band[1])
        if self.form == "symmetric":
            J, Q, stretch, centre = one_state_form(self.network, self.x)
            z, largest = band_covariance(J, Q, low, high, centre)
            if self.network.seen is not None:
                at = jnp.array(self.network.seen)
                stretch, z = stretch[at], z[at][:, at]
            stretch = stretch * reading_of(self.network, self.observation, self.x)
            return _projected(self.observation, stretch[:, None] * z * stretch), largest
        rate = local_rate(self.network, self.x) if band is None else None
        w, weights = (jnp.asarray(v) for v in interval_rule(low, high, nodes, rate))
        e = self.response(w)
        scaled = e * complexed(jnp.sqrt(weights / pi))[:, None, None]
        flat = jnp.moveaxis(scaled, 0, 1).reshape(e.shape[1], -1)
        covariance = jnp.real(flat) @ jnp.real(flat).T + jnp.imag(flat) @ jnp.imag(flat).T
        return covariance, self.abscissa()

    def response(self, w):
        """Return the response of every sensor or region to every noise source at ``w [f]`` rad/s."""
        path = rotating_response if self.form != "general" and rotates(self.network) else response
        e = with_drive(self.network, path(self.network, self.observation, self.x, w))
        return _gained(self.observation, e)

    def cross_spectrum(self, freqs):
        """Return the one-sided cross-spectrum per Hz, ``[f, r, r]``: ``2 S(2 pi f)``."""
        e = self.response(2 * pi * jnp.asarray(freqs))
        return complexed(jnp.full((), 2.0)) * e @ jnp.conj(jnp.swapaxes(e, -1, -2))

    def psd(self, freqs):
        """Return the one-sided power spectral density per Hz, ``[f, r]``."""
        e = self.response(2 * pi * jnp.asarray(freqs))
        return 2.0 * jnp.sum(jnp.real(e) ** 2 + jnp.imag(e) ** 2, axis=-1)

    def abscissa(self):
        """Return the stability figure, 1/s, differentiable: the largest real part of the network's eigenvalues.

        Exact where one eigendecomposition solves the network; an upper bound (the numerical abscissa) for rotating
        planes of unlike frequency; with delays or several states per region the leading root as far as it was
        tracked, which `stability.unstable_roots` confirms.
        """
        network, x = self.network, self.x
        if is_one_state(network):
            J, Q, _, _ = one_state_form(network, x)
            return band_covariance(J, Q, 0.0, jnp.inf, 0.0)[1]
        if rotates(network) and network.symmetric and network.lengths is None:
            return numerical_abscissa(network, x)
        several = len(network.members) > 1 and network.lengths is None
        return rightmost(network, x) if several else leading_root(network, x)


def linearise(network, observation, start=None):
    """Linearise a network at the fixed point that is reached from ``start``.

    Parameters
    ----------
    network : Network
    observation : Observation
    start : dict of arrays, optional

    Returns
    -------
    Linear
        With its convergence; look at `Linear.abscissa` before believing a spectrum.
    """
    found = fixed_point(network, start)
    return Linear(network=network, observation=observation, x=found.x, residual=found.residual,
                  converged=found.converged, form=form_of(network, observation))


def form_of(network, observation):
    """Return the cheapest exact form, from what is known before any number is: structure, not values."""
    if is_one_state(network) and not observation.states:
        return "symmetric"
    return "rotating" if rotates(network) else "general"


def _gained(observation, e):
    return e if observation.gain is None else observation.project(e)


def _projected(observation, covariance):
    return covariance if observation.gain is None else observation.project_covariance(covariance)
