"""Statistics in closed form, of a linearised network: what `traced` says of a series that never ends."""

from math import pi

import jax.numpy as jnp

from ..dynamics.local import complexed
from ..dynamics.quadrature import interval_rule
from ..errors import InputError

AT_LEAST = 24
PER_TURN = 8               # nodes for every turn of the lag inside the band


def lagged_covariance(linear, lag, band, nodes=48):
    """Return ``C_ij(lag) = E x_i(t + lag) x_j(t)`` of an ideal band, ``[r, r]``.

    ``C(lag) = (1 / pi) int Re(S(w) exp(i w lag)) dw`` over the band, two-sided ``S`` per rad/s; exact with delays and
    through the instrument. At lag 0 it is `Linear.covariance`.

    Parameters
    ----------
    linear : Linear
    lag : float, seconds
    band : (low, high) in Hz
    nodes : int
        Quadrature nodes; more are taken where the lag turns often within the band.
    """
    if band is None:
        raise InputError("band", "none, for a lagged covariance in closed form",
                         "Give a band in Hz, since white noise reaches to any frequency.")
    low, high = 2 * pi * band[0], 2 * pi * band[1]
    turns = abs(lag) * (high - low) / (2 * pi)
    w, weights = interval_rule(low, high, max(AT_LEAST, nodes, int(PER_TURN * turns)), None)
    w, weights = jnp.asarray(w), jnp.asarray(weights)
    e = linear.response(w) * complexed(jnp.sqrt(weights / pi))[:, None, None]
    turn = complexed(jnp.cos(w * lag), jnp.sin(w * lag))
    return jnp.real(jnp.einsum("fim,fjm->ij", e * turn[:, None, None], jnp.conj(e)))


def analytic_covariance(linear, band, nodes=48):
    """Return the complex covariance ``E z_i conj(z_j)`` of the analytic signals of a band, ``[r, r]``.

    What `envelope.envelope_correlation` reads.
    """
    w, weights = interval_rule(2 * pi * band[0], 2 * pi * band[1], nodes, None)
    w, weights = jnp.asarray(w), jnp.asarray(weights)
    e = linear.response(w) * complexed(jnp.sqrt(2 * weights / pi))[:, None, None]
    return jnp.einsum("fim,fjm->ij", e, jnp.conj(e))


def regressed(covariance, nuisance=None):
    """Return the covariance after regressing weighted sums of the regions out of every region, ``[n, n]``.

    ``C - C N (N^T C N)^-1 N^T C``: what least squares leaves of every series, with each region's own slopes. Data
    whose global signal was regressed out are compared with a model whose global signal is regressed out, too.

    Parameters
    ----------
    covariance : ``[n, n]``
    nuisance : array ``[n, q]``, optional
        Weights over regions; equal ones (the global signal) unless given.
    """
    n = covariance.shape[0]
    nuisance = jnp.full((n, 1), 1.0 / n, covariance.dtype) if nuisance is None else jnp.asarray(nuisance)
    heard = covariance @ nuisance
    return covariance - heard @ jnp.linalg.solve(nuisance.T @ heard, heard.T)
