"""Slopes of a simulated loss: reverse mode where it is right, else what still is, measured before anything is fitted.

Where trajectories diverge, the derivative of a simulation grows with its length until it says nothing of the mean
loss, which is as smooth as ever. Then these are left, in this order: differences of the loss over steps wide enough to
show through chance, where few coordinates are free; reverse mode that looks back no further than the growth allows; the
slope of the loss smoothed over a Gaussian of coordinates. Each is believed only if the loss really rises along it.
"""

import dataclasses
from typing import NamedTuple

import jax
import numpy as np
from jax.flatten_util import ravel_pytree
from scipy.stats import t as student

TRUSTED = 1e-2              # of the slope: what reverse mode may differ from finite differences
WIDTHS = (1e-3, 1e-4, 1e-5)
FEW = 12                    # free coordinates up to which differences replace a gradient
WIDE = (0.02, 0.06, 0.18)   # of a coordinate, whose unit is the parameter's own size
CHANCE = 0.01               # that a slope is believed in where there is none, over all looks together
GAIN = 10.0                 # what a tangent may grow by within the horizon
OFF = 4.0                   # times the true slope along it, or that part of it: what a gradient cut short may be
PAIRS = 8                   # of opposite steps in a smoothed slope


@dataclasses.dataclass(frozen=True)
class Health:
    """What a gradient through the simulation is worth at a point.

    Attributes
    ----------
    slope, difference : along the estimator's own direction, by itself and by central differences: with the same noise
        for the whole gradient, over a wide step and under other noise for everything else
    error : their distance relative to the slope
    growth : e-folds per second of d signal / d theta over a scan, the fastest of all scans
    estimator : "gradient" (reverse mode, whole), "windowed" (reverse mode, no further back than the horizon),
        "smoothed", "differences" or "none"; "search" where no gradient was asked for
    horizon : seconds that a windowed gradient looks back, else None
    width : step of differences or spread of a smoothed slope, in coordinates, else None
    """

    slope: float
    difference: float
    error: float
    growth: float
    estimator: str
    horizon: float | None = None
    width: float | None = None


def told_slopes(health):
    """Return in words what slopes were used and how good they are."""
    ways = {"gradient": "the whole gradient", "windowed": f"the gradient over the last {health.horizon or 0:.2g} s",
            "smoothed": f"differences along random steps of {health.width or 0:g}",
            "differences": f"differences over steps of {health.width or 0:g}", "none": "none is usable",
            "search": "none were asked for"}
    off = f", {health.error:.1e} from differences" if health.estimator in ("gradient", "windowed", "smoothed") else ""
    return f"{ways[health.estimator]}{off}, growth {health.growth:+.2g} /s"


class Measured(NamedTuple):
    """Slope of the mean loss along a direction, the step it was measured over, whether it stands clear of chance."""

    slope: float
    width: float
    seen: bool


def whole_gradient(value, value_and_grad, tangents, theta, seconds):
    """Return the `Health` of reverse mode through the whole scan: "gradient" or "none".

    Parameters
    ----------
    value, value_and_grad : functions of theta
    tangents : function of (theta, direction), `simulated_objective.tangent_sizes`
    seconds : float, of a scan
    """
    norm, direction = _direction(value_and_grad(theta)[1])
    if not np.isfinite(norm) or norm == 0.0:
        along = jax.tree.map(lambda v: np.full(np.shape(v), 1 / np.sqrt(_count(theta))), theta)
        return Health(norm, np.nan, np.inf, 0.0 if norm == 0.0 else _growth(tangents(theta, along), seconds), "none")
    differences = [float(value(moved(theta, direction, h)) - value(moved(theta, direction, -h))) / (2 * h)
                   for h in WIDTHS]
    best = min(differences, key=lambda d: abs(d - norm) if np.isfinite(d) else np.inf)
    error = abs(best - norm) / norm if np.isfinite(best) else np.inf
    return Health(norm, best, error, _growth(tangents(theta, direction), seconds),
                  "gradient" if error < TRUSTED else "none")


def next_best(whole, each, value, windowed, theta, seconds):
    """Return the `Health` of what replaces a gradient that cannot be used, and its function of theta.

    Parameters
    ----------
    whole : Health of the whole gradient
    each : function of theta, the loss of single scans ``[s]`` under noise that nothing else sees
    value : function of theta, what is minimised
    windowed : function of a horizon in seconds; it returns a function of theta that gives value and gradient, and the
        horizon as it is
    theta : dict of arrays
    seconds : float, of a scan

    Returns
    -------
    health, value_and_slopes : the function is None where nothing is usable
    """
    if _count(theta) <= FEW:
        found = _along_axes(each, theta)
        if not found.seen:
            return dataclasses.replace(whole, estimator="none"), None
        slopes = by_differences(value, found.width)
        return dataclasses.replace(whole, estimator="differences", width=found.width), slopes
    candidates = []
    if whole.growth > 0 and np.log(GAIN) / whole.growth < 0.5 * seconds:
        candidates.append(lambda: ("windowed", *windowed(np.log(GAIN) / whole.growth), None))
    candidates += [lambda width=width: ("smoothed", by_smoothing(value, width), None, width) for width in WIDE[1:]]
    for candidate in candidates:
        name, slopes, horizon, width = candidate()
        norm, direction = _direction(slopes(theta)[1])
        if not np.isfinite(norm) or norm == 0.0:
            continue
        there = wide_slope(each, theta, direction, len(candidates))
        cut = name == "windowed" and not norm / OFF < there.slope < norm * OFF
        if there.seen and there.slope > 0 and not cut:
            return Health(norm, there.slope, abs(there.slope - norm) / norm, whole.growth, name, horizon, width), slopes
    return dataclasses.replace(whole, estimator="none"), None


def wide_slope(each, theta, direction, looks=1):
    """Return the `Measured` slope of the mean loss along a direction, over the shortest step that shows it.

    ``looks`` directions are tried in all: Student's t over scans, by Bonferroni.
    """
    for width in WIDE:
        ends = [np.asarray(each(moved(theta, direction, side * width))) for side in (1, -1)]
        slopes = (ends[0] - ends[1]) / (2 * width)
        mean, error = slopes.mean(), slopes.std(ddof=1) / np.sqrt(slopes.size)
        clear = error * student.ppf(1 - CHANCE / (2 * looks * len(WIDE)), slopes.size - 1)
        seen = bool(np.isfinite(mean) and abs(mean) > clear)
        if seen:
            break
    return Measured(float(mean), width, seen)


def by_differences(value, width=WIDE[0]):
    """Return a function that gives a value and its slopes by central differences, one coordinate at a time."""
    def value_and_slopes(theta):
        axes = _axes(theta)
        rises = [float(value(moved(theta, axis, width)) - value(moved(theta, axis, -width))) for axis in axes]
        slopes = jax.tree.map(lambda v: np.zeros(np.shape(v)), theta)
        for axis, rise in zip(axes, rises, strict=True):
            slopes = moved(slopes, axis, rise / (2 * width))
        return value(theta), slopes

    return value_and_slopes


def by_smoothing(value, width, pairs=PAIRS, seed=0):
    """Return a function that gives a value and the slopes of its mean over a Gaussian of coordinates.

    ``E[L(theta + s z) z] / s`` from pairs of opposite steps of width ``s``; the steps are others at every call, and the
    same calls give the same numbers. Nesterov & Spokoiny 2017, Found Comput Math 17:527.
    """
    rng = np.random.default_rng(seed)

    def value_and_slopes(theta):
        slopes = jax.tree.map(lambda v: np.zeros(np.shape(v)), theta)
        for _ in range(pairs):
            step = jax.tree.map(lambda v: rng.normal(size=np.shape(v)), theta)
            rise = float(value(moved(theta, step, width)) - value(moved(theta, step, -width)))
            slopes = moved(slopes, step, rise / (2 * width * pairs))
        return value(theta), slopes

    return value_and_slopes


def moved(theta, direction, h):
    """Return theta a step along a direction."""
    return jax.tree.map(lambda v, d: v + h * d, theta, direction)


def _along_axes(each, theta):
    """Return the first slope that is seen along a coordinate, else the last."""
    for axis in _axes(theta):
        along = wide_slope(each, theta, axis, _count(theta))
        if along.seen:
            break
    return along


def _axes(theta):
    """Return the coordinates' own directions."""
    flat, back = ravel_pytree(jax.tree.map(lambda v: np.asarray(v, float), theta))
    return [back(row) for row in np.eye(flat.size)]


def _count(theta):
    return sum(np.size(v) for v in jax.tree.leaves(theta))


def _direction(gradient):
    """Return a gradient's length, and the gradient over it."""
    leaves = [np.asarray(g, float) for g in jax.tree.leaves(gradient)]
    norm = float(np.sqrt(sum((g**2).sum() for g in leaves)))
    return norm, jax.tree.map(lambda g: np.asarray(g) / norm if norm else np.zeros(np.shape(g)), gradient)


def _growth(sizes, seconds):
    """Return the fastest e-folds per second of tangents ``[s, 10]`` in ten stretches of scans, as far as finite."""
    return max(_growth_of(row, seconds) for row in np.atleast_2d(sizes))


def _growth_of(sizes, seconds):
    usable = np.isfinite(sizes) & (sizes > 0)
    sizes = sizes if usable.all() else sizes[:np.argmin(usable)]
    if sizes.size < 2:
        return np.inf if sizes.size == 1 else 0.0
    return float(np.log(sizes[-1] / sizes[0]) / (0.1 * (sizes.size - 1) * seconds))
