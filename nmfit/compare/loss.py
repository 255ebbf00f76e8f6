"""Losses as expressions: ``nmfit.loss.FC() + 0.5 * nmfit.loss.FCD()``."""

from typing import ClassVar

import jax.numpy as jnp
import jax.scipy.linalg as linalg

from ..errors import InputError
from ..parameters import pytree, static
from .connectivity import weighted_pearson
from .deviance import definite, deviance_residuals
from .expression import Loss, Seen, Sum, Term, Wanted
from .spectral_losses import cross_misfit, log10_residuals, on_basis
from .traced import fisher_z, quantile_gaps, wasserstein

__all__ = ["FC", "FCD", "FCDMSE", "FCMSE", "TERMS", "LaggedCovariance", "LogPSD", "Loss", "MeanFC", "Metastability",
           "Seen", "Shape", "Sum", "Synchrony", "Term", "Wanted", "Whittle", "Wishart", "parse"]


def _share(wanted):
    return wanted.pairs / jnp.sum(wanted.pairs)


@pytree
class FC(Term):
    """``1 - r`` of the pairs' FC: blind to its level and its spread."""

    weight: float = 1.0

    def value(self, seen, wanted):
        """Return ``1 - r``."""
        return 1.0 - weighted_pearson(seen.fc, wanted.fc, wanted.pairs)

    def apart(self, seen, wanted):
        """Return half the difference of both standardised: ``1 - r = sum w (za - zb)^2 / 2``."""
        share = _share(wanted)

        def standard(v):
            v = v - jnp.sum(share * v)
            return v / jnp.sqrt(jnp.sum(share * v * v))

        return jnp.sqrt(0.5 * share) * (standard(seen.fc) - standard(wanted.fc))


@pytree
class FCMSE(Term):
    """Mean squared difference of Fisher's z over the pairs: level, spread and pattern at once."""

    weight: float = 1.0

    def apart(self, seen, wanted):
        """Return the differences of z, weighted."""
        return jnp.sqrt(_share(wanted)) * (fisher_z(seen.fc) - fisher_z(wanted.fc))


@pytree
class MeanFC(Term):
    """Squared difference of the mean FC: the level that `FC` is blind to."""

    weight: float = 1.0

    def apart(self, seen, wanted):
        """Return the one difference."""
        return jnp.sum(_share(wanted) * (seen.fc - wanted.fc))[None]


@pytree
class Wishart(Term):
    """Negative log-likelihood of the empirical correlations under the model's, for Gaussian samples.

    ``nu / (n (n - 1)) (log det R + tr(R^-1 S))`` with ``nu`` the effective number of independent samples of the
    autocorrelated data (`series.effective_samples`), per pair of regions, so that it weighs like the other terms;
    times ``n (n - 1) / 2`` it is in nats.

    Attributes
    ----------
    samples : float or None
        ``nu``; the data's own where None.
    """

    weight: float = 1.0
    samples: float | None = None
    remedy: ClassVar = "Give nmfit.loss.Wishart(samples=...), or the volumes behind the FC (n_volumes, --n-volumes)."

    @property
    def reads(self):
        """FC, and samples unless they are given."""
        return ("fc",) if self.samples is not None else ("fc", "samples")

    def value(self, seen, wanted):
        """Return the deviance per pair, without the terms that the model does not move."""
        factor = jnp.linalg.cholesky(seen.fc)
        trace = jnp.trace(linalg.cho_solve((factor, True), wanted.fc))
        return self._per_pair(seen, wanted) * (2.0 * jnp.sum(jnp.log(jnp.diagonal(factor))) + trace)

    def apart(self, seen, wanted):
        """Return the signed roots of the deviance; None where the data hold fewer samples than regions."""
        if not definite(wanted.fc):
            return None
        return jnp.sqrt(self._per_pair(seen, wanted)) * deviance_residuals(seen.fc, wanted.fc)

    def _per_pair(self, seen, wanted):
        n = seen.fc.shape[0]
        return (wanted.samples if self.samples is None else self.samples) / (n * (n - 1))


@pytree
class LaggedCovariance(Term):
    """Mean squared difference of lagged correlations ``C_ij(lag) / sqrt(C_ii(0) C_jj(0))`` over all ordered pairs.

    Its asymmetry is what tells directions, which FC cannot.

    Attributes
    ----------
    lag : seconds
    """

    weight: float = 1.0
    lag: float = static(default=1.0)
    reads: ClassVar = ("lagged", "covariance")
    remedy: ClassVar = "Give series, with a band."

    def apart(self, seen, wanted):
        """Return the differences of lagged correlations."""
        def scaled(side):
            deviation = jnp.sqrt(jnp.diagonal(side.covariance))
            return side.lagged / (deviation[:, None] * deviation)

        return (scaled(seen) - scaled(wanted)) / wanted.fc.shape[0]


@pytree
class FCD(Term):
    """Area between the distributions of FCD: the differentiable twin of the Kolmogorov-Smirnov score.

    It has no residuals: an absolute value has a slope, but no curvature. `FCDMSE` has.
    """

    weight: float = 1.0
    reads: ClassVar = ("fcd",)
    remedy: ClassVar = "Simulate (engine='simulated') and give series, or a distribution of FCD."

    def value(self, seen, wanted):
        """Return the first Wasserstein distance."""
        return wasserstein(seen.fcd, wanted.fcd)


@pytree
class FCDMSE(FCD):
    """Mean squared difference of the quantiles of FCD: the squared second Wasserstein distance."""

    weight: float = 1.0

    def apart(self, seen, wanted):
        """Return the differences of both quantile functions, weighted by the probability each holds for."""
        gaps, share = quantile_gaps(seen.fcd, wanted.fcd)
        return jnp.sqrt(share) * gaps

    value = Term.value


class OrderTerm(Term):
    """Squared difference of a statistic over time of Kuramoto's order."""

    reads: ClassVar = ("order",)
    remedy: ClassVar = "Simulate (engine='simulated') and give series, with a band."

    def apart(self, seen, wanted):
        """Return the one difference."""
        return (self.statistic(seen.order) - self.statistic(wanted.order))[None]


@pytree
class Metastability(OrderTerm):
    """Squared difference of the standard deviation over time of Kuramoto's order."""

    weight: float = 1.0
    statistic: ClassVar = staticmethod(jnp.std)


@pytree
class Synchrony(OrderTerm):
    """Squared difference of the mean over time of Kuramoto's order."""

    weight: float = 1.0
    statistic: ClassVar = staticmethod(jnp.mean)


class SpectralTerm(Term):
    """A term of power at sensors or regions."""

    reads: ClassVar = ("psd",)
    remedy: ClassVar = "Give a target of spectra (spectrum_target)."


def _of_bins(wanted):
    return jnp.sqrt(wanted.counts / jnp.sum(wanted.counts))[:, None]


@pytree
class LogPSD(SpectralTerm):
    """Mean squared difference of log10 power over frequencies and channels, squared decades."""

    weight: float = 1.0

    def apart(self, seen, wanted):
        """Return the differences, weighted; the model is compared with what such an estimate is on average."""
        residuals = log10_residuals(seen.psd, wanted.psd) + wanted.bias
        return _of_bins(wanted) * residuals / jnp.sqrt(1.0 * residuals.shape[1])


@pytree
class Shape(SpectralTerm):
    """The same after every channel's own level is taken away: where power lies in frequency, not how much there is."""

    weight: float = 1.0

    def apart(self, seen, wanted):
        """Return the differences about each channel's mean."""
        residuals = log10_residuals(seen.psd, wanted.psd)
        share = _of_bins(wanted) ** 2
        return _of_bins(wanted) * (residuals - jnp.sum(share * residuals, axis=0)) / jnp.sqrt(1.0 * residuals.shape[1])


@pytree
class Whittle(SpectralTerm):
    """Negative log-likelihood of whole cross-spectra: ``(tr(M^-1 D) + log det M) / r - 1``, mean over frequencies.

    ``M = U^T S U`` of model and data on the ``r`` dimensions that the channels span: channels are seen together, since
    they are not independent. Times frequencies, ``r`` and independent windows it is in nats (`cross_whittle`).
    Neighbouring frequencies of a tapered estimate share data, so that those nats are too many.
    """

    weight: float = 1.0
    reads: ClassVar = ("cross",)
    remedy: ClassVar = "Make the target of a recording with cross=True: powers do not tell how channels go together."

    def value(self, seen, wanted):
        """Return the misfit per dimension, without what the model does not move."""
        each = cross_misfit(seen.cross, wanted.cross, wanted.basis)
        return jnp.sum(wanted.counts * each) / (jnp.sum(wanted.counts) * wanted.basis.shape[1])

    def apart(self, seen, wanted):
        """Return the signed roots of the deviance; None where there are fewer windows than dimensions."""
        data = on_basis(wanted.cross, wanted.basis)
        if not definite(data):
            return None
        return _of_bins(wanted) * deviance_residuals(on_basis(seen.cross, wanted.basis), data) / jnp.sqrt(
            1.0 * wanted.basis.shape[1])


TERMS = {term.__name__: term for term in (FC, FCMSE, MeanFC, Wishart, LaggedCovariance, FCD, FCDMSE, Metastability,
                                          Synchrony, LogPSD, Shape, Whittle)}


def parse(text):
    """Return the loss that a text such as ``"FC + 5 * MeanFC + 0.5 * FCD"`` says; nothing is evaluated.

    Raises
    ------
    InputError
        Naming the part that is not a number times a loss.
    """
    total = None
    for part in str(text).split("+"):
        factor, _, name = part.rpartition("*")
        name = name.strip().removesuffix("()")
        try:
            weight = float(factor) if factor.strip() else 1.0
        except ValueError:
            weight = None
        if name not in TERMS or weight is None:
            raise InputError("loss", f"found '{part.strip()}'", "Write numbers times losses, joined by '+'.",
                             ", ".join(TERMS))
        term = weight * TERMS[name]()
        total = term if total is None else total + term
    return total
