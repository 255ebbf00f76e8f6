"""Fit regional spectra, as source-space atlases give them, without a lead field: climb, judge, score once."""

import dataclasses
import time
from difflib import get_close_matches

import jax
import numpy as np
from scipy import stats

from ...errors import InputError
from ...network import Connectome
from ...network.names import some
from ...network.surrogates import harmonics
from ..evidence import run_null, surrogate
from ..maps import standardised
from ..threads import one_core_each, side_by_side
from .answer import bin_scores, build_sources_result, log_data, r2_of
from .ground import (
    FittedSources,
    SourcesGround,
    begin,
    extended,
    fit_standing,
    freedom_of,
    likely,
    with_population,
)

# Name: (time scales, whether parameters follow maps, whether every region has its own).
RUNGS = {"shared": (1, False, False), "maps": (1, True, False), "region": (1, True, True),
         "two scales": (2, True, True), "three scales": (3, True, True)}
SHRINKAGES = (0.01, 0.1)
RESONANCES = (10.0, 20.0, 38.0)     # Hz, where the time scales begin
ROLL_OFFS = ((0.96, 12.0), (10.0, 4.0))      # share of the highest frequency, order: data low-passed, or not
MAPS = 3
LEFT_OUT, STRIDE, FEWEST_BINS = 4, 2, 8
FEWEST_PEOPLE = 6
FEWEST_FITTED = 6
KINDS = ("permuted", "rewired")


@dataclasses.dataclass(frozen=True, eq=False)
class Tried:
    """A rung tried: its fit, its score on what chooses, and the verdict."""

    fitted: FittedSources
    choose: float
    kept: bool
    reason: str
    seconds: float


def fit_sources(target, brain, *, maps=None, n_null=19, seed=0, max_rung="three scales", progress=None, command=None,
                keep=None):
    """Explain the spectra of regions by a network of oscillators, one to three time scales in every region.

    Climbs from one damped oscillator with shared parameters (`Hopf`) to parameters along maps, to every region's own,
    shrunken, to two and three time scales per region; every rung with an aperiodic part without a resonance, one
    roll-off of the data and one unit per person. A rung is kept only when it predicts what chooses better by more than
    its standard error: over frequencies for one person, over people where there are several, who then share the rung
    and nothing else. What was kept is refitted to all that may be fitted, and scored once, beside the same climb
    without coupling and on wrong connectomes.

    Populations of unlike time scale hear their own kind in other regions, through the connectome, with one coupling
    strength. Regions of the connectome without a spectrum take part unseen.

    Parameters
    ----------
    target : SpectrumTarget, or list of them
        Channels are regions, by the connectome's names; any unit, another one for every person if need be.
    brain : Connectome, or list of them
        Raw weights, divided by their largest row sum here; tract lengths give delays. One for all, or one per person.
    maps : array ``[m, n]``, optional
        The connectome's first harmonics unless given.
    n_null : int
        Wrong connectomes of each kind.
    seed : int
    max_rung : {"shared", "maps", "region", "two scales", "three scales"}
    progress : Progress, optional
    command : str, optional
    keep : function ``(key, compute) -> arrays``, optional
        Remembers finished searches, so that an interrupted call goes on where it stood: see `nmfit.io.Ledger`.

    Returns
    -------
    Result, or list of them

    Raises
    ------
    InputError
        Where names, sizes or options do not fit.
    """
    began = time.monotonic()
    if max_rung not in RUNGS:
        raise InputError("max_rung", f"found {max_rung!r}", f"Choose one of {', '.join(RUNGS)}.")
    people = people_of(target, brain)
    with jax.enable_x64(True), one_core_each():
        both = [grounds(t, b, regions_of(t, b), maps, keep) for t, b in people]
        names = list(RUNGS)[:list(RUNGS).index(max_rung) + 1]
        climbs = climb([choosing for _, choosing in both], names, progress)

        def finish(person):
            (one, own), (ground, _), tried = person
            path = [t.fitted for t in tried if t.kept]
            apart = dataclasses.replace(ground, coupled=False)
            whole, twins = ([extended(f, on) for f in refit(path, on.at_bins())] for on in (ground, apart))
            tried = [t if t.kept else dataclasses.replace(t, fitted=extended(t.fitted, ground)) for t in tried]
            nulls = {}
            if n_null and "score" in one.psd:
                nulls = {kind: connectome_null(kind, path, ground, n_null, seed, one, progress) for kind in KINDS}
            return build_sources_result(one, own, ground, tried, whole, twins, nulls, seed, command, began)

        everyone = list(zip(people, both, climbs, strict=True))
        # Nulls run side by side themselves.
        results = [finish(person) for person in everyone] if n_null else side_by_side(finish, everyone)
    return results if isinstance(target, list | tuple) else results[0]


def people_of(target, brain):
    """Return pairs of a target and a connectome, one per person."""
    targets = list(target) if isinstance(target, list | tuple) else [target]
    brains = list(brain) if isinstance(brain, list | tuple) else [brain] * len(targets)
    if not targets or len(brains) != len(targets):
        raise InputError("brain", f"{len(brains)} connectomes for {len(targets)} people",
                         "Give one connectome for all, or one per person.")
    return [(t, b if isinstance(b, Connectome) else Connectome(b)) for t, b in zip(targets, brains, strict=True)]


def regions_of(target, brain):
    """Return the indices in the connectome of the regions that have a spectrum.

    Raises
    ------
    InputError
        Naming the regions that the connectome does not have.
    """
    missing = [name for name in target.ch_names if name not in brain.labels]
    if len(missing) == target.s:
        raise InputError("spectra", f"channels {some(missing)}, none of them a region of the connectome",
                         "Give leadfield= for sensors, or name regions as the connectome does (labels).",
                         f"names like {brain.labels[0]}")
    if missing:
        near = get_close_matches(missing[0], brain.labels, 3, 0.0)
        raise InputError("spectra", f"no region {some(missing)} in the connectome", "Rename or drop these spectra.",
                         f"names like {', '.join(near)}")
    for role, psd in target.psd.items():
        empty = np.argwhere(~(psd > 0))
        if len(empty):
            f, s = empty[0]
            raise InputError("spectra", f"no power in {target.ch_names[s]} at {target.freqs[f]:g} Hz ({role})",
                             "Drop this region, or narrow the band (fmin, fmax).")
    fewest = int(target.bins["fit"].sum())
    if fewest < FEWEST_FITTED:
        raise InputError("spectra", f"{fewest} frequencies to fit", "Give a finer spectrum or a wider band.",
                         f"{FEWEST_FITTED} or more")
    return np.array([brain.labels.index(name) for name in target.ch_names])


def grounds(target, brain, seen, maps, keep=None):
    """Return the ground of all that may be fitted, and (ground to fit, data, bins) for what chooses.

    Of all that may be fitted the ground holds every frequency, for what chooses those alone that take part.

    A single spectrum has no part that chooses: every region leaves out a quarter of its bins for that, never those at
    the ends, and others than its neighbours in the list leave out.
    """
    brain = brain.normalised("none", "rowsum")
    maps = standardised(harmonics(brain.weights, MAPS) if maps is None else maps, brain.n)

    bins = np.repeat(target.bins["fit"][:, None], target.s, axis=1)
    fit = SourcesGround(brain, seen, target.freqs, log_data(target, "fit"), bins, maps, keep=keep)
    at = target.bins["fit"]
    if "choose" in target.psd:
        shares = [target.dof[role] or 1.0 for role in ("fit", "choose")]
        both = np.average([10 ** fit.data, 10 ** log_data(target, "choose")], axis=0, weights=shares)
        return dataclasses.replace(fit, data=np.log10(both)), (fit.at_bins(), log_data(target, "choose")[at], bins[at])
    inner = np.flatnonzero(at)[1:-2] if at.sum() >= FEWEST_BINS else []
    left = np.zeros_like(bins)
    for j, f in enumerate(inner):
        left[f] = (j + STRIDE * np.argsort(np.argsort(target.ch_names))) % LEFT_OUT == 0   # by name, not by place
    kept = dataclasses.replace(fit.at_bins(), counts=(bins & ~left)[at])
    return fit, (kept, fit.data[at], (left if left.any() else bins)[at])


def climb(choosings, names, progress=None):
    """Fit rung after rung to every person, and keep those that predict what chooses; return each person's trials."""
    kept, trials, shrinkages = [None] * len(choosings), [[] for _ in choosings], [None] * len(choosings)
    for name in names:
        began = time.monotonic()
        if progress is not None:
            progress.start(name)

        def best_of(person, name=name):
            (ground, data, counts), below, known = person
            tries = SHRINKAGES if RUNGS[name][2] and known is None else (known or SHRINKAGES[0],)
            fits = [fit_rung(name, ground, below, value) for value in tries]
            return fits[int(np.argmax([bin_scores(fitted.log_psd, data, counts).mean() for fitted in fits]))]

        fits = side_by_side(best_of, list(zip(choosings, kept, shrinkages, strict=True)))
        if RUNGS[name][2]:
            shrinkages = [fitted.shrinkage for fitted in fits]
        scores = [bin_scores(f.log_psd, *what[1:]) for f, what in zip(fits, choosings, strict=True)]
        keep, reason = True, "the first rung is where the climb starts"
        if kept[0] is not None:
            gains = [s - bin_scores(f.log_psd, *what[1:]) for s, f, what in zip(scores, kept, choosings, strict=True)]
            keep, reason = _judged(gains)
        seconds = (time.monotonic() - began) / len(fits)
        for own, fitted, score in zip(trials, fits, scores, strict=True):
            own.append(Tried(fitted, float(score.mean()), keep, reason, seconds))
        kept = fits if keep else kept
    return trials


def _judged(gains):
    """Return whether gains ``[person][frequency]`` are more than chance, and the sentence that says so."""
    people = len(gains) >= FEWEST_PEOPLE
    units = np.array([g.mean() for g in gains]) if people else np.mean(gains, axis=0)
    asked = stats.t.ppf(0.95, units.size - 1) * units.std(ddof=1) / np.sqrt(units.size)
    keep = bool(units.mean() > asked)
    return keep, (f"R2 of what chooses changes by {units.mean():+.3f}, {'more' if keep else 'no more'} than "
                  f"{asked:.3f}, what {units.size} {'people' if people else 'frequencies'} ask for")


def fit_rung(name, ground, below, shrinkage):
    """Fit a rung from where the rung below ended, or from the likeliest of several starts."""
    count, maps, regions = RUNGS[name]
    if below is None:
        top = ground.freqs[ground.bins][-1]
        starts = [begin(ground, share * top, order, resonance(ground, 0)) for share, order in ROLL_OFFS]
    else:
        starts = [below.standing]
        for k in range(len(below.standing.networks), count):
            level = 0.2 * float(np.median(10 ** ground.data[ground.counts]) / ground.unit)
            starts = [with_population(starts[0], ground, resonance(ground, k), level)]
    freedoms = [freedom_of(s, ground, maps=maps, regions=regions, shrinkage=shrinkage) for s in starts]
    first = likely(starts, ground, freedoms)
    return fit_standing(name, starts[first], ground, freedoms[first], shrinkage=shrinkage, starts=len(starts))


def resonance(ground, k):
    """Return the frequency at which the k-th time scale of a region begins, inside the band, in Hz."""
    low, high = ground.freqs[ground.bins][[0, -1]]
    inside = low < RESONANCES[k] < high
    return RESONANCES[k] if inside else float(low * (high / low) ** ((k + 1) / (len(RESONANCES) + 1)))


def refit(path, ground):
    """Refit the rungs of a path on a ground, each from where it stands."""
    out = []
    for fitted in path:
        _, maps, regions = RUNGS[fitted.name]
        networks = fitted.standing.networks
        if not ground.coupled:
            networks = tuple(network.replace({"G": 0.0}) for network in networks)
        standing = dataclasses.replace(fitted.standing, networks=networks)
        freedom = freedom_of(standing, ground, maps=maps, regions=regions, shrinkage=fitted.shrinkage)
        out.append(fit_standing(fitted.name, standing, ground, freedom, shrinkage=fitted.shrinkage,
                                outer=2 if fitted is path[-1] else 1))
    return out


def connectome_null(kind, path, ground, count, seed, target, progress):
    """Return a null of wrong connectomes, each climbed anew from its own lowest rung, beside the right one."""
    def scores(brain):
        wrong, below, out = dataclasses.replace(ground, brain=brain), None, []
        for fitted in path:
            below = fit_rung(fitted.name, wrong.at_bins(), below, fitted.shrinkage)
            out.append(r2_of(extended(below, wrong), target, "score"))
        return out

    def one(which, index):
        rng = np.random.default_rng([seed, 1 + KINDS.index(which), index])
        return scores(surrogate(which, ground.brain, rng, None))

    return run_null(kind, count, one, scores(ground.brain), progress)
