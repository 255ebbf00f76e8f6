"""Fit a network through a lead field to spectra: climb, judge, score once, answer."""

import dataclasses
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from ..compare.spectral_ceiling import r_squared_ceiling
from ..compare.spectral_losses import r_squared
from ..dynamics import linearise
from ..dynamics.stability import unstable_roots
from ..errors import InputError
from ..models import JansenRit
from ..network import Connectome, Network
from ..parameters import declarations
from .minimise import Status
from .result import Result
from .spectrum_evidence import climb_spectrum, explained_rung, gain_error, parcel_null
from .spectrum_ground import LEVELS, SpectrumGround, fit_spectrum_rung
from .spectrum_measures import alpha_measures, occipital, shape_r_squared
from .spectrum_objective import UNSTABLE
from .threads import one_core_each

NODE_PARAMETERS = ("p", "C", "a", "b", "A", "B")
SHRINKAGES = (1e-6, 1e-5)
START_COUPLING = 10.0       # 1/s: the strongest region's summed input weight where a climb begins
NO_COUPLING = 1e-4          # 1/s: vanishing, not zero, where every region would be a root of its own and none leads
FEWEST_NULLS = 19           # below it no p of 0.05 can be reached
SOURCES_AT_LEAST = 0.8      # share of occipital alpha power that has to come from the sources


@dataclasses.dataclass(frozen=True, eq=False)
class Tried:
    """A rung tried: its fit, its score on what chooses, and the verdict."""

    fitted: object
    choose: float
    gain: float
    needed: float
    share: float | None
    kept: bool
    reason: str
    seconds: float


def fit_spectrum(target, brain, leadfield, *, seed=0, max_rung="sensors", starts=2, steps=None, n_null=19,
                 progress=None, command=None):
    """Explain the spectra of EEG channels by a Jansen-Rit network seen through a lead field.

    Climbs from shared parameters to noise amplitude per region, node parameters per region and noise per sensor;
    keeps a rung only when it predicts the choose part better by more than its standard error over channels, when
    sources carry the occipital alpha and when no root lies right of the axis; refits what was kept to fit and choose
    parts together; opens the score part once, beside the same climb without coupling.

    Parameters
    ----------
    target : SpectrumTarget
    brain : Connectome
        Raw weights, divided by their largest row sum here; tract lengths give delays.
    leadfield : LeadField
        Regions in the order of the connectome; channels are matched by name.
    seed : int
        For the record: starts are placed by design, nothing is drawn.
    max_rung : {"shared", "noise", "region", "sensors"}
    starts : int
    steps : int, optional
        Step limit of every fit.
    n_null : int
        Lead fields with permuted parcels to refit, each rung cut short; the coupling is not tried by them but by the
        climb without coupling.
    progress : Progress, optional
    command : str, optional

    Returns
    -------
    Result

    Raises
    ------
    InputError
        Where sizes, names or options do not fit.
    """
    began = time.monotonic()
    brain = brain if isinstance(brain, Connectome) else Connectome(brain)
    if max_rung not in LEVELS:
        raise InputError("max_rung", f"found {max_rung!r}", f"Choose one of {', '.join(LEVELS)}.")
    leadfield = _matched(target, brain, leadfield)
    with jax.enable_x64(True), one_core_each():
        ground = _ground(target, brain.normalised("none", "rowsum"), leadfield)
        tried = _climb(ground, LEVELS[:LEVELS.index(max_rung) + 1], starts, steps, progress)
        kept = [t.fitted for t in tried if t.kept]
        pooled = _pooled(ground)
        if not kept:
            raise InputError("model JansenRit", "no stable state of rest was found, which the closed form needs",
                             "Widen --fmin and --fmax, or give more starts.")
        whole = [_refitted(pooled, f, steps) for f in kept]
        if progress is not None:
            progress.start("without coupling")
        apart = dataclasses.replace(pooled, network=ground.network.replace({"G": NO_COUPLING}), coupled=False)
        path = [(f.level, f.shrinkage) for f in kept]
        twins = climb_spectrum(apart, path, steps=steps)
        null = None
        if n_null and "score" in target.psd and target.design != "bins":
            null = parcel_null(pooled, path, brain.hemispheres(), n_null, lambda f: _score(f, target, "score"),
                               seed=seed, steps=steps, progress=progress)
        return _answer(ground, brain, tried, whole, twins, null, seed, command, began)


def _refitted(ground, fitted, steps):
    """Refit a rung from its optimum to more data; where that loses its state of rest, keep what there was."""
    again = fit_spectrum_rung(ground, fitted.level, fitted, shrinkage=fitted.shrinkage, steps=steps)
    return again if again.abscissa < 0 and again.loss < UNSTABLE else fitted


def _matched(target, brain, leadfield):
    leadfield = leadfield if tuple(leadfield.ch_names) == target.ch_names else leadfield.pick(target.ch_names)
    if tuple(leadfield.labels) == tuple(brain.labels):
        return leadfield
    missing = [label for label in brain.labels if label not in leadfield.labels]
    if missing:
        raise InputError("lead field", f"no region {missing[0]} ({len(missing)} of {brain.n} are missing)",
                         "Give a lead field of the connectome's regions.", f"names like {leadfield.labels[0]}")
    return leadfield.order([leadfield.labels.index(label) for label in brain.labels])


def _ground(target, brain, leadfield):
    network = Network.of(brain, JansenRit(), G=START_COUPLING, delays=brain.lengths is not None)
    network = network.replace({name: np.full(brain.n, float(network.value(name)))
                               for name in (*NODE_PARAMETERS, "noise")})
    return SpectrumGround(network, leadfield, target.psd["fit"], target.dof["fit"], target, NODE_PARAMETERS,
                          target.bins["fit"])


def _pooled(ground):
    """Return the ground of the fit and choose parts together, weighted by their degrees of freedom."""
    target = ground.target
    if "choose" not in target.psd:
        return ground
    dofs = [target.dof[role] for role in ("fit", "choose")]
    weights = [1.0, 1.0] if None in dofs else dofs
    psd = sum(w * target.psd[role] for w, role in zip(weights, ("fit", "choose"), strict=True)) / sum(weights)
    return dataclasses.replace(ground, psd=psd, dof=None if None in dofs else sum(dofs))


def _climb(ground, levels, starts, steps, progress):
    kept, tried = None, []
    for level in levels:
        began = time.monotonic()
        if progress is not None:
            progress.start(level)
        shrinkages = SHRINKAGES if level != "shared" else (0.0,)
        fits = [fit_spectrum_rung(ground, level, None if kept is None else kept.fitted, starts=starts, shrinkage=s,
                                  steps=steps) for s in shrinkages]
        best = max(fits, key=lambda f: _channel_scores(f, ground.target).mean())
        now = _judge(best, kept, ground.target, began)
        tried.append(now)
        if now.kept:
            kept = now
        if progress is not None:
            progress.rung_done(_row(now, None, None, None, now.fitted))
    return tried


def _channel_scores(fitted, target):
    """Return every channel's share of R2 on what chooses; their mean is R2."""
    role = "choose" if "choose" in target.psd else "fit"
    at = target.bins[role]
    data = np.log10(target.psd[role][at])
    squares = ((np.log10(fitted.psd[at]) - data) ** 2).sum(0)
    return 1.0 - squares * target.s / ((data - data.mean()) ** 2).sum()


def _judge(fitted, below, target, began):
    scores = _channel_scores(fitted, target)
    share = alpha_measures(fitted, target, "fit")["source_share"]
    roots = _unstable(fitted)
    gain, needed = float(scores.mean()), 0.0
    reason = "the first rung is where the climb starts"
    kept = fitted.abscissa < 0
    if below is not None:
        each = scores - _channel_scores(below.fitted, target)
        gain = float(each.mean())
        needed, against = _asked(fitted, below.fitted, each, target)
        kept = gain > needed
        reason = (f"R2 on the choose part changes by {gain:+.3f}, {'more' if kept else 'no more'} than {needed:.3f}, "
                  f"{against}")
    if share is not None and share < SOURCES_AT_LEAST and below is not None:
        kept, reason = False, f"{reason}; but sources carry only {share:.0%} of occipital alpha"
    if not (fitted.abscissa < 0 and fitted.loss < UNSTABLE):
        kept, reason = False, f"{reason}; no stable state of rest"
    if roots:
        kept, reason = kept and below is None, f"{reason}; {roots} unstable roots"
    return Tried(fitted, float(scores.mean()), gain, needed, share, bool(kept), reason, time.monotonic() - began)


def _asked(fitted, below, each, target):
    """Return what a gain must exceed, and what that is in words.

    The channels are this person's own, what varies is the stretch of time: where the scatter of the estimate is known
    it says how much of a gain is chance, else the spread over channels has to.
    """
    role = "choose" if "choose" in target.psd else "fit"
    if target.dof[role] is not None:
        data, at = np.log10(target.psd[role]), target.bins[role]
        total = ((data[at] - data[at].mean()) ** 2).sum()
        error = gain_error(np.log10(fitted.psd), np.log10(below.psd), target, role) / total
        return float(stats.norm.ppf(0.95) * error), "1.64 standard errors of so short a stretch"
    # Channels cohere: as many count as would be independent.
    count = target.s if target.dependence is None else target.s**2 / target.dependence.sum()
    count = max(float(count), 2.0)
    error = each.std(ddof=1) / np.sqrt(count)
    return float(stats.t.ppf(0.95, count - 1) * error), f"what {count:.0f} independent channels ask for"


def _unstable(fitted):
    linear = linearise(fitted.network, fitted.leadfield)
    return unstable_roots(fitted.network, linear.x)


def _score(fitted, target, role):
    if role not in target.psd:
        return None
    at = target.bins[role]
    return float(r_squared(jnp.asarray(fitted.psd[at]), jnp.asarray(target.psd[role][at]), target.dof[role]))


def _row(tried, score, error, twin, fitted):
    return {"name": tried.fitted.level, "model": "JansenRit", "engine": "linear", "free_parameters": fitted.free,
            "starts": fitted.starts, "steps": fitted.steps, "loss": fitted.loss, "score_fit": None,
            "score_choose": tried.choose, "score_heldout": score, "score_heldout_se": error,
            "seconds": tried.seconds, "status": fitted.status.name.lower(), "kept": tried.kept,
            "reason": tried.reason, "drive": False, "coupling_zero": twin}


def _answer(ground, brain, tried, whole, twins, null, seed, command, began):
    target, best = ground.target, whole[-1]
    kept = iter(zip(whole, twins, strict=True))
    rows = []
    for one in tried:
        fitted, twin = next(kept) if one.kept else (one.fitted, None)
        row = _row(one, _score(fitted, target, "score") if one.kept else None, None,
                   None if twin is None else _score(twin, target, "score"), fitted)
        row["score_fit"] = _score(fitted, target, "fit")
        rows.append(row)
    pooled, has_score = _pooled(ground), "score" in target.psd
    ceiling = {"value": None, "ci95": None}
    if has_score and target.dof["score"] is not None:
        value, low, high = r_squared_ceiling(target)
        ceiling = {"value": float(value), "ci95": [low, high]}
    baselines, reliability = {}, None
    if has_score and target.design != "bins":
        data = jnp.asarray(target.psd["score"])
        mean = 10 ** np.log10(pooled.psd).mean(1, keepdims=True) * np.ones((1, target.s))
        baselines = {"mean_spectrum": float(r_squared(jnp.asarray(mean), data)),
                     "coupling_zero": _score(twins[-1], target, "score")}
        reliability = float(r_squared(jnp.asarray(pooled.psd), data))
    role = "score" if has_score else "fit"
    measures = alpha_measures(best, target, role)
    measures["shape_r2"] = shape_r_squared(best, target, role)
    measures["unstable_roots"] = _unstable(best)
    explained = None
    if null is not None:
        explained = explained_rung([f.level for f in whole], [_score(f, target, "score") for f in whole],
                                   [_score(f, target, "score") for f in twins], null)
    flags = [*target.flags, "nulls_skipped" if null is None else "nulls_capped", "confirmation_skipped",
             "standard_errors_skipped"]
    flags += ["few_nulls"] if null is not None and null.asked < FEWEST_NULLS else []
    flags += ["template_leadfield"] if ground.leadfield.template else []
    flags += ["not_converged"] if best.status is not Status.CONVERGED else []
    flags += ["near_critical"] if best.abscissa > -1.0 else []
    flags += ["unstable"] if measures["unstable_roots"] or best.abscissa >= 0 else []
    share = measures["source_share"]
    flags += ["noise_carries_alpha"] if share is not None and share < SOURCES_AT_LEAST else []
    none = {"value": None, "ci95": None}
    record = {
        "schema": 1, "status": best.status.name.lower(), "flags": flags, "modality": "eeg", "rungs": rows,
        "chosen": best.level, "explained": explained, "ceiling": ceiling,
        "reliability": none if reliability is None else {"value": reliability, "ci95": None},
        "baselines": baselines, "nulls": {
            "permuted": None if null is None else null.row(len(whole) - 1, _score(best, target, "score")),
            "rewired": None, "distance": None},
        "stability": {"max_real_eigenvalue": best.abscissa, "unstable_roots": measures["unstable_roots"]},
        "confirmation": dict.fromkeys(("score", "difference", "sampling_error", "agrees", "sigma")),
        "parameters": _parameter_rows(best, brain.labels, target.ch_names), "spectrum": measures,
        "provenance": _provenance(ground, brain, seed, command, began)}
    arrays = {"labels": np.array(brain.labels), "weights": np.asarray(ground.network.weights), "freqs": target.freqs,
              "psd_fit": pooled.psd.T, "psd_model": best.psd.T,
              "psd_sources": best.sources.T, "ch_names": np.array(target.ch_names)}
    if has_score:
        arrays["psd_score"] = target.psd["score"].T
    if target.positions is not None:
        arrays["positions"] = np.asarray(target.positions, float)
    for name in ("lengths", "centroids"):
        if getattr(brain, name) is not None:
            arrays[name] = np.asarray(getattr(brain, name), float)
    if null is not None:
        arrays["null_permuted"] = null.scores[:, -1]
    arrays |= {f"history_{fitted.level}": fitted.history for fitted in whole}
    return Result(record, arrays)


def _parameter_rows(fitted, labels, channels):
    rows, sensor = [], declarations(fitted.leadfield)
    declared = fitted.network.declared() | sensor
    for block in fitted.blocks:
        value = np.atleast_1d(np.asarray(getattr(fitted.leadfield, block.name) if block.name in sensor
                                         else fitted.network.value(block.name)))
        names = channels if block.name in sensor else labels
        shared = value.size == 1 or np.allclose(value, value[0], rtol=1e-9)
        low, high = block.bounds
        for name, one in zip([None] if shared else names, value[:1] if shared else value, strict=True):
            rows.append({"name": block.name, "region": name, "value": float(one), "se": None, "ci95": None,
                         "bounds": [low if np.isfinite(low) else None, high if np.isfinite(high) else None],
                         "unit": declared[block.name].unit, "flag": None})
    return rows


def _provenance(ground, brain, seed, command, began):
    target = ground.target
    versions = {name: version(name) for name in ("nmfit", "jax", "jaxlib", "optax", "numpy", "scipy", "mne")}
    return {"versions": versions | {"python": platform.python_version()},
            "command": command or f"nmfit.fit in {Path(sys.argv[0]).name or 'an interactive session'}", "seed": seed,
            "dtype": "float64", "device": jax.default_backend(),
            "input_sha256": {**brain.sha256, **target.sha256},
            "connectome": {"transform": "none", "norm": "rowsum", "notes": list(brain.notes)},
            "target": {"design": target.design, "band": [float(target.freqs[0]), float(target.freqs[-1])],
                       "notes": list(target.notes), "occipital": occipital(target)[1]},
            "leadfield": {"template": ground.leadfield.template, "reference": ground.leadfield.reference},
            "seconds": time.monotonic() - began}
