"""Empirical FC with the three roles its data play: fit, choose, score."""

import dataclasses
from typing import ClassVar

import numpy as np
from threadpoolctl import threadpool_limits

from ..errors import InputError
from ..shown import Shown
from .empirical import (
    ROLES,
    blocks,
    check_band,
    fc_score,
    functional_connectivity,
    group_fc,
    group_reliability,
    peak_frequencies,
    peak_frequency,
    reliability_in_halves,
    spearman_brown,
)
from .recording import Recording
from .series import effective_samples, trimmed
from .upstream import DEFAULT_BAND, confounds, declared, notes_of, nuisance_weights, projector, within_filter

FEWEST_FOR_FOLDS = 6
OUTER_FOLDS = 6
INNER_FOLDS = 3
CORRELATION_TIMES = 10.0
PAIR_GROUPS = 4           # 10 blocks of region pairs ...
MATRIX_MASKS = 5          # ... two of which are masked at a time


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
                                   labels=None if self.labels is None else tuple(self.labels[i] for i in at))


def _both(matrix):
    return matrix + matrix.T


def fc_target(data, *, band="default", tr=None, labels=None, heldout=None, n_volumes=None, gsr=None, nuisance=None,
              filtered=None):
    """Turn recordings, or an FC matrix, into a target with the roles fit, choose and score.

    Six people or more take turns in nested folds. Fewer are each cut into contiguous blocks with gaps. Data passed
    as `heldout` are the score part, whatever the rest is. A lone FC matrix can choose by masked region pairs only
    (interpolation) and has no score part.

    Parameters
    ----------
    data : list of Recording, Recording, array ``[t, n]`` or list of them, or FC matrix ``[n, n]``
    band : (low, high) in Hz, or None
        Default 0.01 to 0.1 Hz for series, the whole band for a matrix; of that what `filtered` left.
    tr : float, optional
        Seconds; for plain arrays.
    labels : sequence of str, optional
    heldout : like `data`, optional
    n_volumes : int, optional
        Volumes behind an FC matrix, for standard errors.
    gsr : bool, optional
        Whether the global signal was regressed out of the data; what the recordings say unless given. The model's
        covariance then undergoes the same projection, and no rung has a shared drive.
    nuisance : array ``[q, n]``, optional
        Other signals that were regressed out of the data and are weighted sums of its z-scored regions, one row of
        weights each (a network's mean: 1 in its regions). The model undergoes the same projection. Confounds that no
        region makes, such as motion, need no declaration: a model knows nothing of them.
    filtered : (low, high), optional
        What a filter left of the data before, in Hz; what the recordings say unless given. Model and data are
        compared within it.

    Raises
    ------
    InputError
        Naming the run and what is wrong with it.
    """
    band, notes = within_filter(band, declared(data, heldout, "filtered", filtered), _as_matrix(data) is not None)
    with threadpool_limits(1):            # correlations of a hundred regions are too small for threads
        target = _target(data, band, tr, labels, heldout, n_volumes)
    gsr = bool(declared(data, heldout, "gsr", gsr))
    nuisance = nuisance_weights(nuisance, target.n)
    return dataclasses.replace(target, gsr=gsr, nuisance=nuisance, samples=_samples(target, data, tr, labels),
                               notes=(*target.notes, *notes, *notes_of(data, gsr, nuisance)))


def _samples(target, data, tr, labels):
    """Return the effective number of samples that the final pool holds: of all recordings, or of what is not scored."""
    if target.design == "matrix":
        return None if target.volumes is None else float(target.volumes)
    share = 1.0 - ROLES["score"] if target.design == "blocks" else 1.0
    return share * sum(effective_samples(trimmed(r.data, r.tr, target.band)) * (1.0 - len(confounds(r)) / len(r.data))
                       for r in _as_runs(data, tr, labels))


def _target(data, band, tr, labels, heldout, n_volumes):
    matrix = _as_matrix(data)
    if matrix is not None:
        return _matrix_target(matrix, None if band == "default" else band, tr, labels, heldout, n_volumes)
    band = DEFAULT_BAND if isinstance(band, str) else band
    runs = _as_runs(data, tr, labels)
    _check_runs(runs, band)
    held = None if heldout is None else (_as_matrix(heldout), heldout)
    people = len(runs)
    if held is not None:
        return _heldout_target(runs, held, band, tr, labels)
    if people >= FEWEST_FOR_FOLDS:
        return _people_target(runs, band)
    return _block_target(runs, band)


def _as_matrix(data):
    """Return an FC matrix checked, or None where the data are series."""
    if isinstance(data, Recording | list | tuple):
        return None
    array = np.asarray(data, dtype=float)
    if array.ndim != 2 or array.shape[0] != array.shape[1]:
        return None
    if not np.allclose(array, array.T, atol=1e-6, equal_nan=True):
        if np.allclose(np.diagonal(array), 1.0):
            i, j = np.unravel_index(np.nanargmax(np.abs(array - array.T)), array.shape)
            raise InputError("FC matrix", f"it is not symmetric: {array[i, j]:g} at row {i + 1}, column {j + 1} and "
                             f"{array[j, i]:g} across", "Give the correlations of every pair once, both ways alike.")
        return None
    bad = ~(np.abs(array) <= 1 + 1e-6) & ~np.eye(len(array), dtype=bool)
    if bad.any():
        i, j = np.argwhere(bad)[0]
        raise InputError("FC matrix", f"{array[i, j]:g} at row {i + 1}, column {j + 1}, which is no correlation",
                         "Give Pearson correlations (tanh of Fisher's z), without missing regions.", "-1 to 1")
    fc = array.copy()
    np.fill_diagonal(fc, 1.0)
    return fc


def _as_runs(data, tr, labels):
    data = data if isinstance(data, (list, tuple)) else [data]
    if not data:
        raise InputError("BOLD", "no run was given", "Give at least one.")
    return [d if isinstance(d, Recording) else Recording(np.asarray(d, float), tr, labels=labels,
                                                         subject=f"{i + 1}", source=f"array {i + 1}")
            for i, d in enumerate(data)]


def _check_runs(runs, band):
    first = runs[0]
    for run in runs:
        if run.data.shape[1] != first.data.shape[1]:
            raise InputError(run.source, f"{run.data.shape[1]} regions", "Give runs of one parcellation.",
                             f"{first.data.shape[1]} as in {first.source}")
        if run.tr != first.tr:
            raise InputError(run.source, f"TR {run.tr:g} s", "Give runs of one TR.", f"{first.tr:g} s")
        if band is not None:
            check_band(run.tr, band, len(run.data), run.source)


def _triangle(n):
    return np.triu(np.ones((n, n)), 1)


def _common(runs, band, design, **more):
    return {"labels": runs[0].labels, "band": band, "tr": runs[0].tr, "design": design,
            "sha256": {name: digest for r in runs for name, digest in r.sha256.items()}, **more}


def _people_target(runs, band):
    fcs = np.stack([functional_connectivity(r.data, r.tr, band) for r in runs])
    everyone = np.arange(len(runs))
    pairs = _triangle(fcs.shape[1])

    frequency = _median_peak(runs, band)
    single = _one_of(group_reliability(fcs), len(fcs))

    def fold(pool, score):
        splits = []
        for choose in np.array_split(pool, INNER_FOLDS):
            fit = np.setdiff1d(pool, choose)
            splits.append(Split(group_fc(fcs[fit]), fcs[choose], pairs, pairs, frequency(fit), tuple(fit)))
        reliability = spearman_brown(single, len(score)) if len(score) else None
        return Fold(tuple(splits), group_fc(fcs[pool]), fcs[score] if len(score) else None, frequency(pool),
                    reliability, fcs[pool], tuple(pool))

    turns = np.array_split(everyone, min(OUTER_FOLDS, len(runs)))
    folds = tuple(fold(np.setdiff1d(everyone, score), score) for score in turns)
    note = (f"{len(runs)} people take turns: {len(folds)} outer folds score, {INNER_FOLDS} inner folds choose; "
            "the ceiling uses agreement between all people")
    return FcTarget(folds, fold(everyone, everyone[:0]), units=len(runs), volumes=min(len(r.data) for r in runs),
                    notes=(note,), **_common(runs, band, "people"))


def _median_peak(runs, band):
    """Return a function from indices of runs to the median peak of theirs; each run is looked at once."""
    peaks = [peak_frequencies(r.data, r.tr, band) for r in runs]
    return lambda of: float(np.median(np.concatenate([peaks[i] for i in of])))


def _block_target(runs, band):
    parts = [{role: run.data[at] for role, at in blocks(len(run.data), run.tr, band).items()} for run in runs]
    tr = runs[0].tr

    def fc(role):
        return np.stack([functional_connectivity(p[role], tr, band) for p in parts])

    pairs = _triangle(runs[0].data.shape[1])
    reliability = reliability_in_halves([p["score"] for p in parts], tr, band)
    fit, choose, score = fc("fit"), fc("choose"), fc("score")
    if len(runs) == 1:
        choose = np.stack([functional_connectivity(h, tr, band) for h in np.array_split(parts[0]["choose"], 2)])
    frequency = peak_frequency([p["fit"] for p in parts], tr, band)
    split = Split(group_fc(fit), choose, pairs, pairs, frequency)
    pooled = np.stack([group_fc([f, f, c]) for f, c in zip(fit, fc("choose"), strict=True)])   # fit is twice as long
    fold = Fold((split,), group_fc(pooled), score, frequency, reliability, pooled)
    seconds = {role: len(parts[0][role]) * tr for role in ("fit", "choose", "score")}
    note = (f"{len(runs)} {'person' if len(runs) == 1 else 'people'}, each run cut into contiguous blocks with gaps: "
            + ", ".join(f"{role} {s:.0f} s" for role, s in seconds.items()))
    return FcTarget((fold,), fold, units=len(choose), volumes=min(len(p["score"]) for p in parts), notes=(note,),
                    **_common(runs, band, "blocks"))


def _heldout_target(runs, held, band, tr, labels):
    matrix, raw = held
    fcs = np.stack([functional_connectivity(r.data, r.tr, band) for r in runs])
    if matrix is not None:
        score, reliability, volumes = matrix[None], None, None
    else:
        others = _as_runs(raw, tr, labels)
        _check_runs([runs[0], *others], band)
        score = np.stack([functional_connectivity(r.data, r.tr, band) for r in others])
        volumes = min(len(r.data) for r in others)
        reliability = group_reliability(score) if len(score) > 1 else reliability_in_halves(
            [others[0].data], others[0].tr, band)
    _check_size(score, fcs.shape[1], "held-out data")
    pairs = _triangle(fcs.shape[1])
    pool, splits, frequency = group_fc(fcs), [], _median_peak(runs, band)
    if len(runs) >= 3:
        for choose in np.array_split(np.arange(len(runs)), min(INNER_FOLDS, len(runs))):
            fit = np.setdiff1d(np.arange(len(runs)), choose)
            splits.append(Split(group_fc(fcs[fit]), fcs[choose], pairs, pairs, frequency(fit), tuple(fit)))
    else:
        roles = {"fit": 0.65, "choose": 0.35}
        parts = [{k: r.data[at] for k, at in blocks(len(r.data), r.tr, band, roles).items()} for r in runs]
        fit = [functional_connectivity(p["fit"], runs[0].tr, band) for p in parts]
        choose = [functional_connectivity(p["choose"], runs[0].tr, band) for p in parts]
        if len(runs) == 1:
            choose = [functional_connectivity(h, runs[0].tr, band) for h in np.array_split(parts[0]["choose"], 2)]
        splits.append(Split(group_fc(fit), np.stack(choose), pairs, pairs,
                            peak_frequency([p["fit"] for p in parts], runs[0].tr, band)))
    if reliability is None:
        reliability = fc_score(pool, group_fc(score))
    fold = Fold(tuple(splits), pool, score, frequency(range(len(runs))), reliability, fcs)
    return FcTarget((fold,), fold, units=sum(len(s.choose) for s in splits), volumes=volumes,
                    notes=("held-out data of the user's own are the score part",), **_common(runs, band, "heldout"))


def _matrix_target(fc, band, tr, labels, heldout, n_volumes):
    n = len(fc)
    if labels is not None and len(labels) != n:
        raise InputError("labels", f"{len(labels)} names", "Give one name per region of the FC matrix.", f"{n}")
    if band is not None and not 0 < band[0] < band[1]:
        raise InputError("band", f"found {band[0]:g} to {band[1]:g} Hz", "Give low and high with 0 < low < high.")
    triangle = _triangle(n)
    # Blocks of pairs, not single pairs: neighbours in the matrix share regions, so single masked pairs leak.
    group = np.empty(n, dtype=int)      # by name, so that the order of regions changes nothing
    group[np.arange(n) if labels is None else np.argsort(np.asarray(labels, dtype=str), kind="stable")] = (
        np.random.default_rng(n).permutation(n) % PAIR_GROUPS)
    code = np.minimum(group[:, None], group) * PAIR_GROUPS + np.maximum(group[:, None], group)
    _, block = np.unique(code, return_inverse=True)
    mask = block.reshape(n, n) % MATRIX_MASKS
    splits = [Split(fc, fc[None], triangle * (mask != k), triangle * (mask == k), None) for k in range(MATRIX_MASKS)]
    flags, notes = [], ["the whole band, since nothing tells which band the FC matrix holds"] if band is None else []
    notes.append("rungs were chosen on masked blocks of region pairs: interpolation, not new data")
    score = reliability = None
    if heldout is None:
        flags.append("not_validated")
        notes.append("a lone FC matrix: nothing could be validated on data that the fit has not seen")
    else:
        score = _as_matrix(heldout)
        if score is None:
            raise InputError("held-out FC", "it is not a symmetric matrix of correlations",
                             "Give an FC matrix beside an FC matrix.", f"{n} x {n}")
        score = score[None]
        _check_size(score, n, "held-out FC")
        reliability = fc_score(fc, score[0])
    fold = Fold(tuple(splits), fc, score, None, reliability)
    return FcTarget((fold,), fold, labels=None if labels is None else tuple(labels), band=band, tr=tr, design="matrix",
                    volumes=n_volumes, units=1, flags=tuple(flags), notes=tuple(notes))


def _one_of(reliability, count):
    """Return the reliability of one measure from that of the mean of `count` (Spearman-Brown, solved)."""
    return reliability / (count - (count - 1) * reliability)


def _check_size(score, n, what):
    if score.shape[1] != n:
        raise InputError(what, f"{score.shape[1]} regions", "Give data of the same parcellation.", f"{n}")
