"""The connectome: who is wired to whom, how strongly and over what distance."""

import dataclasses
from typing import ClassVar

import numpy as np
from scipy.sparse.csgraph import shortest_path

from ..errors import InputError
from ..shown import Shown
from . import repair
from .names import are_names, canonical, numbered, pick, some

TRANSFORMS = {"none": np.array, "log1p": np.log1p, "sqrt": np.sqrt}
NORMS = {
    "none": lambda _: 1.0,
    "max": np.max,
    "rowsum": lambda w: w.sum(1).mean(),
    "spectral": lambda w: np.abs(np.linalg.eigvals(w)).max(),
}
MIRRORED_MM = 20.0


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Connectome(Shown):
    """Weights, tract lengths and names of ``n`` regions, checked once, when it is made.

    ``W[i, j]`` is the weight from ``j`` to ``i``: region ``i`` receives ``sum_j W[i, j] y_j``. What had to be
    repaired stands in `notes`: a diagonal is zeroed; a triangle is mirrored and an asymmetric matrix averaged
    with its transpose, unless ``symmetric=False``. Arrays are float64 and read-only; `normalised` and
    `select` return a new connectome.

    Attributes
    ----------
    weights : array ``[n, n]``
        Non-negative, in any unit.
    lengths : array ``[n, n]`` or None
        Tract lengths in mm, 0 where there is no tract.
    labels : tuple of str
        ``region_1``, ``region_2``, ... unless given.
    centroids : array ``[n, 3]`` or None
        In mm, x to the right.
    source : str
        The file or files.
    sha256 : dict
        Of every file, by name.
    notes : tuple of str
        What was repaired or is odd.
    transform : "none", "log1p" or "sqrt"
        What was applied to the raw weights.
    norm : "none", "max", "rowsum" or "spectral"
        What the transformed weights were divided by.
    symmetric : bool
        False keeps the directions of an asymmetric matrix.

    Raises
    ------
    InputError
        For matrices that are not square, not finite, negative or all zero, for sizes that disagree and for
        names that are not unique; it names the regions.
    """

    shown_as: ClassVar = "connectome"

    weights: np.ndarray
    lengths: np.ndarray | None = None
    labels: tuple[str, ...] | None = None
    centroids: np.ndarray | None = None
    source: str = ""
    sha256: dict = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    transform: str = "none"
    norm: str = "none"
    symmetric: bool = True

    def __post_init__(self):
        where = self.source or "connectome"
        n = repair.square(self.weights, f"{where} (weights)")
        labels = numbered(n) if self.labels is None else repair.names(self.labels, n, where)
        weights, notes = repair.weights(self.weights, labels, self.symmetric, f"{where} (weights)")
        lengths = self.lengths
        if lengths is not None:
            lengths, more = repair.lengths(lengths, labels, self.symmetric, f"{where} (lengths)")
            notes += more
            gaps = int(np.count_nonzero((weights > 0) & (lengths == 0)))
            notes += [f"{gaps} of {np.count_nonzero(weights)} weights have no tract length"] if gaps else []
        centroids = None if self.centroids is None else repair.centroids(self.centroids, labels, where)
        for array in (weights, lengths, centroids):
            if array is not None:
                array.setflags(write=False)
        notes = dict.fromkeys([*self.notes, *notes])  # each once, in order
        for name, value in {"weights": weights, "lengths": lengths, "labels": labels, "centroids": centroids,
                            "notes": tuple(notes)}.items():
            object.__setattr__(self, name, value)

    def __repr__(self):
        more = [f"density {np.count_nonzero(self.weights) / (self.n * (self.n - 1)):.2f}"]
        more += [f"lengths to {self.lengths.max():.0f} mm"] if self.lengths is not None else []
        more += ["centroids"] if self.centroids is not None else []
        more += [] if self.named else ["no names"]
        more += [self.scale] if self.scale != "raw" else []
        more += [f"from {self.source}"] if self.source else []
        return f"<Connectome: {self.n} regions, {', '.join(more)}>"

    @property
    def n(self):
        """Number of regions."""
        return len(self.weights)

    @property
    def named(self):
        """Whether the regions were named, and not only counted."""
        return are_names(self.labels)

    @property
    def scale(self):
        """What was done to the raw weights, to stand beside every coupling strength: ``log1p / max``."""
        done = [self.transform] if self.transform != "none" else []
        done += [f"/ {self.norm}"] if self.norm != "none" else []
        return " ".join(done) or "raw"

    @classmethod
    def mean(cls, connectomes):
        """Average the connectomes of several people.

        Weights are averaged over everybody; a length over those in whom the tract exists, since 0 mm stands
        for "no tract" and not for a short one.

        Parameters
        ----------
        connectomes : list of Connectome
            Of the same regions in the same order, on the same scale.
        """
        connectomes = list(connectomes)
        if not connectomes:
            raise InputError("connectomes", "none to average", "Give at least one.")
        first = connectomes[0]
        if len(connectomes) == 1:
            return first
        for other in connectomes[1:]:
            _check_same(first, other)
        lengths = [c.lengths for c in connectomes]
        if any(matrix is None for matrix in lengths):
            lengths = None
        else:
            present = np.sum([matrix > 0 for matrix in lengths], axis=0)
            lengths = np.sum(lengths, axis=0) / np.maximum(present, 1)
        notes = [f"mean of {len(connectomes)} connectomes", *repair.over_people([c.notes for c in connectomes])]
        return cls(np.mean([c.weights for c in connectomes], axis=0), lengths, first.labels,
                   next((c.centroids for c in connectomes if c.centroids is not None), None),
                   source=some([c.source for c in connectomes if c.source], limit=2),
                   sha256={name: digest for c in connectomes for name, digest in c.sha256.items()},
                   notes=tuple(notes), transform=first.transform, norm=first.norm, symmetric=first.symmetric)

    def normalised(self, transform="none", norm="max"):
        """Return the connectome on another scale: transformed first, then divided by one number.

        Parameters
        ----------
        transform : {"none", "log1p", "sqrt"}
            Applied to every raw weight.
        norm : {"max", "rowsum", "spectral", "none"}
            Divide by the largest weight, by the mean row sum, by the spectral radius, or by nothing.
        """
        for name, value, known in (("transform", transform, TRANSFORMS), ("norm", norm, NORMS)):
            if value not in known:
                raise InputError(name, f"found {value!r}", f"Choose one of {', '.join(known)}.")
        if transform != "none" and self.scale != "raw":
            raise InputError("transform", f"the weights are already scaled ({self.scale})",
                             f"Apply {transform} to the raw weights.")
        weights = TRANSFORMS[transform](self.weights)
        unit = float(NORMS[norm](weights))
        if not unit > 0:
            raise InputError("norm", f"the {norm} of the weights is {unit:g}", "Choose another norm.")
        return dataclasses.replace(
            self, weights=weights / unit, transform=transform if transform != "none" else self.transform,
            norm=norm if norm != "none" else self.norm)

    def select(self, indices):
        """Return the connectome of some regions, in the order given.

        Parameters
        ----------
        indices : array of int, or of bool ``[n]``
        """
        at = np.arange(self.n)[np.asarray(indices)]
        square = np.ix_(at, at)
        return dataclasses.replace(
            self, weights=self.weights[square], labels=pick(self.labels, at),
            lengths=None if self.lengths is None else self.lengths[square],
            centroids=None if self.centroids is None else self.centroids[at])

    def hemispheres(self):
        """Return "L", "R" or "" for every region: by its label, else by the sign of its centroid's x.

        Within 2 mm of the midline a centroid does not tell.
        """
        sides = np.array([canonical(label)[0] for label in self.labels], dtype="<U1")
        if self.centroids is not None:
            x = self.centroids[:, 0]
            sides = np.where(sides != "", sides, np.where(x < -2, "L", np.where(x > 2, "R", "")))
        return sides

    def homotopic(self):
        """Return the pairs ``[m, 2]`` (left, right) of regions whose names differ in the hemisphere only.

        Some atlases count their parcels in each hemisphere apart, so that equal names lie in unlike places:
        where centroids are known, a pair further than 20 mm from mirror symmetry is left out.
        """
        places = {canonical(label): i for i, label in enumerate(self.labels)}
        pairs = np.array([(i, places["R", stem]) for (side, stem), i in places.items()
                          if side == "L" and ("R", stem) in places], dtype=int).reshape(-1, 2)
        if self.centroids is None:
            return pairs
        left, right = self.centroids[pairs[:, 0]], self.centroids[pairs[:, 1]]
        return pairs[np.linalg.norm(left * [-1, 1, 1] - right, axis=1) <= MIRRORED_MM]

    def distances(self):
        """Return distances ``[n, n]`` in mm, or None where nothing tells them.

        Between centroids; without those the tract lengths, with the shortest path along tracts where there is
        no tract (and the longest of all such paths between parts that no tract joins).
        """
        if self.centroids is not None:
            return np.linalg.norm(self.centroids[:, None] - self.centroids[None], axis=-1)
        if self.lengths is None:
            return None
        paths = shortest_path(self.lengths, directed=not np.array_equal(self.lengths, self.lengths.T))
        away = np.where(self.lengths > 0, self.lengths, paths)
        return np.where(np.isfinite(away), away, away[np.isfinite(away)].max())


def _check_same(first, other):
    where = other.source or "connectome"
    if first.n != other.n:
        raise InputError(where, f"{other.n} regions", "Average connectomes of one atlas.", f"{first.n}")
    differ = [f"{b} for {a}" for a, b in zip(first.labels, other.labels, strict=True) if a != b]
    if differ:
        raise InputError(where, f"other regions than the first connectome: {some(differ)}",
                         "Give the same regions in the same order (`select` reorders).")
    if first.scale != other.scale:
        raise InputError(where, f"weights are {other.scale}", "Normalise all alike.", first.scale)
