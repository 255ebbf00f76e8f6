"""Envelope FC: how amplitudes of a band go together, expected of Gaussian signals in closed form."""

from math import pi

import jax.numpy as jnp

from ..errors import InputError
from ..parameters import pytree, static

ROUNDS = 9                # of the arithmetic-geometric mean, which doubles its digits in each
LITTLE = 1e-3             # below it a series in place of an arctangent, whose root has no slope at 0
KINDS = ("orthogonal", "amplitude")


@pytree
class Envelope:
    """Which correlation of amplitude envelopes data and model are compared by.

    Attributes
    ----------
    orthogonal : bool
        Whether of every pair the part that is in phase is taken out first, on both sides.
    leakage : array ``[n, n]`` or None
        How an inverse solution mixes regions: ``recorded = leakage @ true``. The model undergoes it, too.
    """

    orthogonal: bool = static(default=True)
    leakage: object = None

    def expected(self, covariance):
        """Return the envelope correlations ``[n, n]`` expected of the analytic covariance of a band, complex."""
        return envelope_correlation(self.leaked(covariance), self.orthogonal)

    def leaked(self, covariance):
        """Return an analytic covariance as the inverse solution mixes it."""
        if self.leakage is None:
            return covariance
        mixed = jnp.asarray(self.leakage).astype(covariance.dtype)
        return mixed @ covariance @ mixed.T

    def select(self, at):
        """Return it of some regions, in the order given."""
        return self if self.leakage is None else Envelope(orthogonal=self.orthogonal, leakage=self.leakage[at][:, at])


def envelope_of(kind, leakage, n):
    """Return the `Envelope` of a name among `KINDS`; refuse leakage of another shape."""
    if leakage is not None:
        leakage = jnp.asarray(leakage)
        if leakage.shape != (n, n) or not bool(jnp.all(jnp.isfinite(leakage))):
            raise InputError("leakage", f"shape {leakage.shape} or values that are not finite",
                             "Give how the inverse solution mixes regions, rows recorded, columns true.", f"[{n}, {n}]")
    return Envelope(orthogonal=kind == "orthogonal", leakage=leakage)


def envelope_correlation(covariance, orthogonal=False):
    """Return the correlation of the amplitude envelopes of a Gaussian band, ``[n, n]``.

    Two analytic signals of coherency ``c`` have Rayleigh envelopes whose correlation is
    ``(2F1(-1/2, -1/2; 1; |c|^2) - 1) / (4 / pi - 1)``, about ``0.92 |c|^2``. After orthogonalisation it is

    ``(A - B) / sqrt(2 (1 - pi / 4) (1 + 2 q - 2 B^2 / pi))``, ``q = Im(c)^2 / (1 - |c|^2)``,
    ``A = (1 + 2 q) / sqrt(1 + q)``, ``B = 1 + sqrt(q) arctan sqrt(q)``:

    coherency without a lag leaves nothing. At one time the two signals are jointly Gaussian whatever the width of the
    band, so both are exact for any stationary Gaussian process; slow changes of amplitude that such a process does not
    have are not in them. Twin of `series.envelope_correlation`.

    Parameters
    ----------
    covariance : complex ``[n, n]``, of the analytic signals (`closed.analytic_covariance`)
    orthogonal : bool

    References
    ----------
    Middleton 1948, Q Appl Math 5:445; for the orthogonalisation Hipp et al. 2012, Nat Neurosci 15:884.
    """
    own = jnp.real(jnp.diagonal(covariance))
    joint = own[:, None] * own
    eye = jnp.eye(own.size, dtype=bool)
    lag = jnp.where(eye, 0.0, jnp.imag(covariance)) ** 2 / joint
    coherence = jnp.where(eye, 0.0, jnp.real(covariance)) ** 2 / joint + lag
    return jnp.where(eye, 1.0, _orthogonal(lag / (1.0 - coherence)) if orthogonal else _rayleigh(coherence))


def _rayleigh(x):
    """Return ``(2F1(-1/2, -1/2; 1; x) - 1) / (4 / pi - 1)``: the ellipse of half axes ``1 +- sqrt(x)``, by its mean."""
    a, b, defect = jnp.ones_like(x), jnp.sqrt(1.0 - x), 0.0
    for k in range(1, ROUNDS):
        a, b, half = 0.5 * (a + b), jnp.sqrt(a * b), 0.5 * (a - b)
        defect = defect + 2.0**k * half**2
    return ((1.0 - defect) / a - 1.0) / (4.0 / pi - 1.0)


def _orthogonal(q):
    far = jnp.where(q > LITTLE, q, 1.0)
    root = jnp.sqrt(far)
    turned = jnp.where(q > LITTLE, root * jnp.arctan(root), q * (1 - q * (1 / 3 - q * (1 / 5 - q * (1 / 7 - q / 9)))))
    even, odd = (1.0 + 2.0 * q) / jnp.sqrt(1.0 + q), 1.0 + turned
    return (even - odd) / jnp.sqrt(2.0 * (1.0 - pi / 4) * (1.0 + 2.0 * q - 2.0 / pi * odd**2))
