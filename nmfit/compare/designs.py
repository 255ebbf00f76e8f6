"""How recordings, or an FC matrix, are divided among the roles: people, blocks, data held out, masked pairs.

``measure(data, tr, band)`` is what makes an FC matrix of a series.
"""

import numpy as np

from ..errors import InputError
from .empirical import (
    blocks,
    fc_score,
    group_fc,
    group_reliability,
    peak_frequencies,
    peak_frequency,
    reliability_in_halves,
    spearman_brown,
)
from .folds import FcTarget, Fold, Split

OUTER_FOLDS = 6
INNER_FOLDS = 3
PAIR_GROUPS = 4           # 10 blocks of region pairs ...
MATRIX_MASKS = 5          # ... two of which are masked at a time


def _triangle(n):
    return np.triu(np.ones((n, n)), 1)


def _common(runs, band, design, **more):
    return {"labels": runs[0].labels, "band": band, "tr": runs[0].tr, "design": design,
            "sha256": {name: digest for r in runs for name, digest in r.sha256.items()}, **more}


def by_people(runs, band, measure):
    """Let people take turns in nested folds: each outer fold scores some, inner folds choose among the rest."""
    fcs = np.stack([measure(r.data, r.tr, band) for r in runs])
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


def by_blocks(runs, band, measure):
    """Cut every run into contiguous blocks with gaps, one per role."""
    parts = [{role: run.data[at] for role, at in blocks(len(run.data), run.tr, band).items()} for run in runs]
    tr = runs[0].tr

    def fc(role):
        return np.stack([measure(p[role], tr, band) for p in parts])

    pairs = _triangle(runs[0].data.shape[1])
    reliability = reliability_in_halves([p["score"] for p in parts], tr, band, measure)
    fit, choose, score = fc("fit"), fc("choose"), fc("score")
    if len(runs) == 1:
        choose = np.stack([measure(h, tr, band) for h in np.array_split(parts[0]["choose"], 2)])
    frequency = peak_frequency([p["fit"] for p in parts], tr, band)
    split = Split(group_fc(fit), choose, pairs, pairs, frequency)
    pooled = np.stack([group_fc([f, f, c]) for f, c in zip(fit, fc("choose"), strict=True)])   # fit is twice as long
    fold = Fold((split,), group_fc(pooled), score, frequency, reliability, pooled)
    seconds = {role: len(parts[0][role]) * tr for role in ("fit", "choose", "score")}
    note = (f"{len(runs)} {'person' if len(runs) == 1 else 'people'}, each run cut into contiguous blocks with gaps: "
            + ", ".join(f"{role} {s:.0f} s" for role, s in seconds.items()))
    return FcTarget((fold,), fold, units=len(choose), volumes=min(len(p["score"]) for p in parts), notes=(note,),
                    **_common(runs, band, "blocks"))


def held_out(runs, band, measure, others=None, matrix=None):
    """Let data of the user's own be the score part: other runs, or an FC matrix."""
    fcs = np.stack([measure(r.data, r.tr, band) for r in runs])
    if matrix is not None:
        score, reliability, volumes = matrix[None], None, None
    else:
        score = np.stack([measure(r.data, r.tr, band) for r in others])
        volumes = min(len(r.data) for r in others)
        reliability = group_reliability(score) if len(score) > 1 else reliability_in_halves(
            [others[0].data], others[0].tr, band, measure)
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
        fit = [measure(p["fit"], runs[0].tr, band) for p in parts]
        choose = [measure(p["choose"], runs[0].tr, band) for p in parts]
        if len(runs) == 1:
            choose = [measure(h, runs[0].tr, band) for h in np.array_split(parts[0]["choose"], 2)]
        splits.append(Split(group_fc(fit), np.stack(choose), pairs, pairs,
                            peak_frequency([p["fit"] for p in parts], runs[0].tr, band)))
    if reliability is None:
        reliability = fc_score(pool, group_fc(score))
    fold = Fold(tuple(splits), pool, score, frequency(range(len(runs))), reliability, fcs)
    return FcTarget((fold,), fold, units=sum(len(s.choose) for s in splits), volumes=volumes,
                    notes=("held-out data of the user's own are the score part",), **_common(runs, band, "heldout"))


def by_matrix(fc, band, tr, labels, heldout, n_volumes):
    """Let masked blocks of region pairs of one FC matrix choose; another matrix ``[n, n]``, or None, is scored."""
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
        score = heldout[None]
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
