"""Losses as expressions: ``nmfit.loss.FC() + 0.5 * nmfit.loss.FCD()``."""

import dataclasses
from typing import ClassVar, NamedTuple

import jax.numpy as jnp
import jax.scipy.linalg as linalg

from ..errors import InputError
from ..parameters import pytree, static
from .connectivity import weighted_pearson
from .traced import fisher_z, wasserstein


class Seen(NamedTuple):
    """What a model predicts; None where an engine has no answer.

    Attributes
    ----------
    fc : ``[n, n]``
    fcd : vector, the distribution of FCD
    lagged : ``[n, n]``, covariance at the lag
    covariance : ``[n, n]``
    order : ``[t]``, Kuramoto's order
    """

    fc: object
    fcd: object = None
    lagged: object = None
    covariance: object = None
    order: object = None


class Wanted(NamedTuple):
    """What was measured, in the same names; ``pairs [n, n]`` weighs the pairs, ``samples`` are independent ones."""

    fc: object
    pairs: object
    fcd: object = None
    lagged: object = None
    covariance: object = None
    order: object = None
    samples: object = None


class Loss:
    """A term, or a weighted sum of terms: add them, multiply them by numbers."""

    def __add__(self, other):
        if not isinstance(other, Loss):
            raise InputError("loss", f"found {other!r}", "Add losses to losses.", "FC() + 0.5 * FCD()")
        return Sum(terms=(*self.parts, *other.parts))

    def __mul__(self, factor):
        if isinstance(factor, Loss) or not factor >= 0:
            raise InputError("loss", f"a factor of {factor!r}", "Multiply a loss by a number, 0 or more.")
        return Sum(terms=tuple(dataclasses.replace(t, weight=t.weight * float(factor)) for t in self.parts))

    __rmul__ = __mul__

    @property
    def parts(self):
        """The terms."""
        return (self,)

    @property
    def needs(self):
        """Names of the statistics that it reads, of `Seen`."""
        return frozenset(name for term in self.parts for name in term.reads)

    def __call__(self, seen, wanted):
        """Return the value."""
        return sum(term.weight * term.value(seen, wanted) for term in self.parts)

    def residuals(self, seen, wanted):
        """Return a vector whose sum of squares is the value, or None where a term has none."""
        found = [term.apart(seen, wanted) for term in self.parts]
        if any(part is None for part in found):
            return None
        return jnp.concatenate([jnp.sqrt(jnp.asarray(term.weight)) * jnp.ravel(part)
                                for term, part in zip(self.parts, found, strict=True)])

    def __str__(self):
        return " + ".join(f"{term.weight:g} * {type(term).__name__}" for term in self.parts)

    def check(self, available, who):
        """Refuse, in one sentence, a loss that reads what is not there."""
        for term in self.parts:
            missing = sorted(set(term.reads) - set(available))
            if missing:
                raise InputError("loss", f"{type(term).__name__} needs {missing[0]}, which {who} does not have",
                                 term.remedy, f"losses of {', '.join(sorted(available))}")


@pytree
class Sum(Loss):
    """A weighted sum of terms."""

    terms: tuple = ()

    @property
    def parts(self):
        """The terms."""
        return self.terms


class Term(Loss):
    """One term: what it reads, its value, and residuals ``r`` with ``value = sum r^2`` where there are any."""

    reads: ClassVar[tuple[str, ...]] = ("fc",)
    remedy: ClassVar[str] = "Choose another loss."

    def apart(self, seen, wanted):  # noqa: ARG002
        """Return the residuals; None where the term has none."""
        return

    def value(self, seen, wanted):
        """Return the value of the term at weight 1."""
        return jnp.sum(self.apart(seen, wanted) ** 2)


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
    remedy: ClassVar = "Give nmfit.loss.Wishart(samples=...), the effective number of samples."

    @property
    def reads(self):
        """FC, and samples unless they are given."""
        return ("fc",) if self.samples is not None else ("fc", "samples")

    def value(self, seen, wanted):
        """Return the deviance per pair, without the terms that the model does not move."""
        n = seen.fc.shape[0]
        nu = wanted.samples if self.samples is None else self.samples
        factor = jnp.linalg.cholesky(seen.fc)
        trace = jnp.trace(linalg.cho_solve((factor, True), wanted.fc))
        return nu / (n * (n - 1)) * (2.0 * jnp.sum(jnp.log(jnp.diagonal(factor))) + trace)


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
    """Area between the distributions of FCD: the differentiable twin of the Kolmogorov-Smirnov score."""

    weight: float = 1.0
    reads: ClassVar = ("fcd",)
    remedy: ClassVar = "Simulate (engine='simulated') and give series, or a distribution of FCD."

    def value(self, seen, wanted):
        """Return the first Wasserstein distance."""
        return wasserstein(seen.fcd, wanted.fcd)


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


TERMS = {term.__name__: term for term in (FC, FCMSE, MeanFC, Wishart, LaggedCovariance, FCD, Metastability, Synchrony)}


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
