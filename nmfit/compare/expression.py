"""Expressions of losses: what a term reads, its value and residuals, and their weighted sums."""

import dataclasses
from typing import ClassVar, NamedTuple

import jax.numpy as jnp

from ..errors import InputError
from ..parameters import pytree


class Seen(NamedTuple):
    """What a model predicts; None where an engine has no answer.

    Attributes
    ----------
    fc : ``[n, n]``
    fcd : vector, the distribution of FCD
    lagged : ``[n, n]``, covariance at the lag
    covariance : ``[n, n]``
    order : ``[t]``, Kuramoto's order
    psd : ``[f, s]``, one-sided power
    cross : complex ``[f, s, s]``, one-sided cross-spectrum
    """

    fc: object = None
    fcd: object = None
    lagged: object = None
    covariance: object = None
    order: object = None
    psd: object = None
    cross: object = None


class Wanted(NamedTuple):
    """What was measured, in the same names, and how it is to be weighed.

    Attributes
    ----------
    pairs : ``[n, n]``, weights of the pairs
    samples : effective number of independent samples behind FC
    counts : ``[f]``, weights of the frequencies
    bias : mean of the logarithm (base 10) of such an estimate of power over that of the truth
    basis : ``[s, r]``, the dimensions that the channels span (`welch.rank_basis`)
    """

    fc: object = None
    pairs: object = None
    fcd: object = None
    lagged: object = None
    covariance: object = None
    order: object = None
    samples: object = None
    psd: object = None
    cross: object = None
    counts: object = None
    bias: object = 0.0
    basis: object = None


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
        """Return a vector whose sum of squares is the value, or None where a term has none.

        Of a likelihood it is the value up to what the model does not move: 0 where model and data agree.
        """
        found = [term.apart(seen, wanted) for term in self.parts]
        if any(part is None for part in found):
            return None
        return jnp.concatenate([jnp.sqrt(jnp.asarray(term.weight)) * jnp.ravel(part)
                                for term, part in zip(self.parts, found, strict=True)])

    def __str__(self):
        return " + ".join(f"{term.weight:g} * {type(term).__name__}" for term in self.parts)

    def informed(self, samples):
        """Return the loss with the data's effective number of samples wherever a term asks for it."""
        filled = [dataclasses.replace(term, samples=float(samples)) if "samples" in term.reads and samples is not None
                  else term for term in self.parts]
        return filled[0] if len(filled) == 1 else Sum(terms=tuple(filled))

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
    """One term: what it reads, its value, and residuals ``r`` with ``value = sum r^2`` where there are any.

    A likelihood keeps the data's own part out of its value, which holds for data of too few samples, too; the sum of
    squares of its residuals is then the value and a constant.
    """

    reads: ClassVar[tuple[str, ...]] = ("fc",)
    remedy: ClassVar[str] = "Choose another loss."

    def apart(self, seen, wanted):  # noqa: ARG002
        """Return the residuals; None where the term has none."""
        return

    def value(self, seen, wanted):
        """Return the value of the term at weight 1."""
        return jnp.sum(self.apart(seen, wanted) ** 2)
