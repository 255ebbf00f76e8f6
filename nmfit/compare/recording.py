"""The recording: BOLD time series of one run of one person."""

import dataclasses

import numpy as np

from ..errors import InputError
from ..network.names import are_names, numbered, pick, some
from ..network.repair import names

SLOWEST_TR = 20.0  # seconds; beyond it the number is milliseconds


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Recording:
    """BOLD of ``t`` volumes and ``n`` regions, checked once, when it is made.

    Attributes
    ----------
    data : array ``[t, n]``
        One row per volume, one column per region, float64 and read-only.
    tr : float
        Seconds from one volume to the next.
    labels : tuple of str or None
        Region names, in the order of the columns.
    subject : str
        Whose it is.
    source : str
        The file.
    sha256 : dict
        Of every file, by name.
    notes : tuple of str
        What was repaired or is odd.
    allow_bad : bool
        True lets regions pass that are constant or hold values that are not numbers, until `select` drops
        them.
    gsr : bool
        Whether the global signal was regressed out before; models are then compared after the same projection.
    confounds : tuple of str
        Names of everything that was regressed out before, as the pipeline calls it.
    filtered : (low, high) or None
        What a filter left before, in Hz.

    Raises
    ------
    InputError
        Without a TR or with one in milliseconds, for a transposed array, and for bad regions, which it names.
    """

    data: np.ndarray
    tr: float | None = None
    labels: tuple[str, ...] | None = None
    subject: str = ""
    source: str = ""
    sha256: dict = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    allow_bad: bool = False
    gsr: bool = False
    confounds: tuple[str, ...] = ()
    filtered: tuple[float, float] | None = None

    def __post_init__(self):
        where = self.source or "BOLD"
        data = _numbers(self.data, where)
        _check_orientation(data, self.labels, where)
        labels = None if self.labels is None else names(self.labels, data.shape[1], where)
        object.__setattr__(self, "tr", _seconds(self.tr, where))
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "notes", tuple(dict.fromkeys(self.notes)))
        object.__setattr__(self, "data", data)
        data.setflags(write=False)
        if not self.allow_bad:
            self._check_regions(where)

    def __repr__(self):
        t, n = self.data.shape
        more = [] if self.named else ["no names"]
        more += [f"from {self.source}"] if self.source else []
        who = f"{self.subject}: " if self.subject else ""
        return f"<Recording {who}{', '.join([f'{t} volumes x {n} regions', f'TR {self.tr:g} s', *more])}>"

    @property
    def n(self):
        """Number of regions."""
        return self.data.shape[1]

    @property
    def named(self):
        """Whether the regions were named, and not only counted."""
        return are_names(self.labels)

    @property
    def seconds(self):
        """How long it is."""
        return self.data.shape[0] * self.tr

    def bad_regions(self):
        """Return the indices of regions that are constant or hold a value that is not a finite number."""
        finite = np.isfinite(self.data).all(0)
        spread = np.zeros(self.n)
        spread[finite] = np.ptp(self.data[:, finite], axis=0)
        return np.flatnonzero(~finite | (spread == 0))

    def select(self, indices):
        """Return the recording of some regions, in the order given.

        Parameters
        ----------
        indices : array of int, or of bool ``[n]``
        """
        at = np.arange(self.n)[np.asarray(indices)]
        labels = pick(self.labels or numbered(self.n), at)
        return dataclasses.replace(self, data=self.data[:, at], labels=labels, allow_bad=False)

    def name_of(self, index):
        """Return what to call a region in a sentence."""
        return self.labels[index] if self.labels is not None else f"column {index + 1}"

    def _check_regions(self, where):
        lost = np.flatnonzero(~np.isfinite(self.data).any(1))
        if lost.size:
            raise InputError(where, f"no values at all in volume {some(lost + 1)}",
                             "Interpolate censored volumes, or write the series without censoring.")
        bad = self.bad_regions()
        if bad.size:
            i = bad[0]
            missing = np.flatnonzero(~np.isfinite(self.data[:, i]))
            kind = f"the constant {self.data[0, i]:g}"
            if missing.size:
                kind = f"{missing.size} values that are not numbers (first at volume {missing[0] + 1})"
            others = f"; also bad: {some([self.name_of(j) for j in bad[1:]])}" if bad.size > 1 else ""
            raise InputError(where, f"region {self.name_of(i)} holds {kind}{others}",
                             "Drop such regions everywhere with drop_bad=True (--drop-bad), or mend them.")


def _numbers(values, where):
    if np.iscomplexobj(values):
        raise InputError(where, "complex numbers", "Give real BOLD values.")
    try:
        data = np.array(values, dtype=float)
    except (TypeError, ValueError):
        raise InputError(where, "values that are not numbers", "Give an array of numbers.") from None
    if data.ndim != 2:
        raise InputError(where, f"an array with {data.ndim} axes", "Give one recording at a time.",
                         "two: (times, regions)")
    if min(data.shape) < 2:
        raise InputError(where, f"{data.shape[0]} volumes x {data.shape[1]} regions",
                         "Give at least two of each.")
    return data


def _check_orientation(data, labels, where):
    t, n = data.shape
    if labels is not None and not isinstance(labels, str) and len(labels) == t and len(labels) != n:
        raise InputError(where, f"transposed: {t} rows x {n} columns with {t} region names",
                         "Give one row per volume and one column per region.")
    if labels is None and t < n:
        raise InputError(where, f"{t} rows x {n} columns, which looks transposed",
                         "Give one row per volume and one column per region, or names that confirm it.")


def _seconds(tr, where):
    if tr is None:
        raise InputError(where, "no repetition time (TR)",
                         "Give tr= (--tr) in seconds, or a .json beside the file with RepetitionTime.")
    try:
        tr = float(tr)
    except (TypeError, ValueError):
        raise InputError(where, f"TR {tr!r}", "Give the TR as a number of seconds.") from None
    if not 0 < tr <= SLOWEST_TR:
        milliseconds = f" ({tr / 1000:g} s if these are milliseconds)" if tr > SLOWEST_TR else ""
        raise InputError(where, f"TR {tr:g}{milliseconds}", "Give the TR in seconds.",
                         f"0 to {SLOWEST_TR:g} s")
    return tr
