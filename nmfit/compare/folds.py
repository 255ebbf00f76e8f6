"""Empirical FC with the three roles its data play: what a fit sees, what chooses, what is scored once."""

import dataclasses
from typing import ClassVar

import numpy as np

from ..shown import Shown
from .fc_ceiling import reliability_and_ceiling
from .upstream import projector

CORRELATION_TIMES = 10.0


@dataclasses.dataclass(frozen=True, eq=False)
class Split:
    """One division of the data that a fit may see into what is fitted and what chooses.

    Attributes
    ----------
    fit : array ``[n, n]``, group FC of the fit part
    choose : array ``[u, n, n]``, FC of each unit of the choose part
    pairs, choose_pairs : arrays ``[n, n]``, weights of the pairs in each part (upper triangle)
    frequency : peak frequency of the fit part in Hz, or None
    people : indices of the people whose connectomes the fit may average, or None for all
    """

    fit: np.ndarray
    choose: np.ndarray
    pairs: np.ndarray
    choose_pairs: np.ndarray
    frequency: float | None
    people: tuple[int, ...] | None = None

    def select(self, at):
        """Return the split of some regions, in the order given."""
        square = np.ix_(at, at)
        return dataclasses.replace(
            self, fit=self.fit[square], choose=self.choose[:, at][:, :, at],
            **{name: np.triu(_both(getattr(self, name))[square], 1) for name in ("pairs", "choose_pairs")})


@dataclasses.dataclass(frozen=True, eq=False)
class Fold:
    """What one outer fold sees: inner splits to choose with, a pool to fit last, a part to score once.

    Attributes
    ----------
    splits : tuple of Split
    pool : array ``[n, n]``, group FC of everything but the score part
    score : array ``[u, n, n]`` or None
    frequency : peak frequency of the pool in Hz, or None
    score_reliability : reliability of the group FC of the score part, or None
    units : array ``[u, n, n]``, FC of each person in the pool, for the jackknife, or None
    people : indices of the people in the pool, or None for all
    """

    splits: tuple[Split, ...]
    pool: np.ndarray
    score: np.ndarray | None
    frequency: float | None
    score_reliability: float | None
    units: np.ndarray | None = None
    people: tuple[int, ...] | None = None

    def select(self, at):
        """Return the fold of some regions, in the order given."""
        stacks = {name: None if getattr(self, name) is None else getattr(self, name)[:, at][:, :, at]
                  for name in ("score", "units")}
        return dataclasses.replace(self, splits=tuple(split.select(at) for split in self.splits),
                                   pool=self.pool[np.ix_(at, at)], **stacks)


@dataclasses.dataclass(frozen=True, eq=False)
class FcTarget(Shown):
    """Empirical functional connectivity and how it may be used.

    Build one with `fc_target`.

    Attributes
    ----------
    folds : tuple of Fold
        One where a score part is fixed; several where people take turns.
    final : Fold
        Everything that the reported model may see; the one fold itself where a score part is fixed.
    labels : tuple of str, or None
    band : (low, high) in Hz, or None for the whole band
    tr : float or None
    design : "people", "blocks", "heldout" or "matrix"
    volumes : volumes per run behind the score, or None
    units : how many people (or blocks) choose
    flags, notes : tuples of str
    gsr : whether the global signal was regressed out of the data
    nuisance : array ``[q, n]``, other weighted sums of (z-scored) regions that were, or None
    envelope : Envelope, where FC is that of amplitude envelopes, or None
    samples : effective number of independent samples behind `Fold.pool` of `final`, or None where unknown
    """

    shown_as: ClassVar = "fc_target"

    folds: tuple[Fold, ...]
    final: Fold
    labels: tuple | None
    band: tuple | None
    tr: float | None
    design: str
    volumes: int | None
    units: int
    flags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sha256: dict = dataclasses.field(default_factory=dict)
    gsr: bool = False
    samples: float | None = None
    nuisance: np.ndarray | None = None
    envelope: object = None

    @property
    def n(self):
        """Number of regions."""
        return self.folds[0].pool.shape[0]

    @property
    def projector(self):
        """Basis ``[n, q]`` of all that was regressed out and a model undergoes, too (`closed.regressed`), or None."""
        return projector(self.n, self.gsr, self.nuisance)

    @property
    def slowest(self):
        """Slowest damping rate that runs of this length can show, 1/s: ten correlation times in a run.

        A slower mode is one random swing in every run, so that the FC of a run is far from its expectation.
        """
        length = 600.0 if self.volumes is None or self.tr is None else self.volumes * self.tr
        return CORRELATION_TIMES / length

    @property
    def ceiling(self):
        """Best r that any model could reach on the score part, ``{"value", "ci95"}``: the root of its reliability."""
        return reliability_and_ceiling(self)[1]

    @property
    def reliability(self):
        """What the fit part itself scores on the score part, ``{"value", "ci95"}``."""
        return reliability_and_ceiling(self)[0]

    def select(self, indices):
        """Return the target of some regions, in the order given; what was measured over all of them stays.

        Parameters
        ----------
        indices : array of int, or of bool ``[n]``
        """
        at = np.arange(self.n)[np.asarray(indices)]
        folds = tuple(fold.select(at) for fold in self.folds)
        final = folds[0] if self.final is self.folds[0] else self.final.select(at)
        return dataclasses.replace(self, folds=folds, final=final,
                                   nuisance=None if self.nuisance is None else self.nuisance[:, at],
                                   envelope=None if self.envelope is None else self.envelope.select(at),
                                   labels=None if self.labels is None else tuple(self.labels[i] for i in at))


def _both(matrix):
    return matrix + matrix.T
