"""How well the coordinates of a fitted rung are known.

The sum of squares over channels and bins is no likelihood: channels cohere, bins of a tapered estimate overlap. So the
covariance is that of the estimate itself (a sandwich): with slopes ``J``, priors ``P`` of weight ``s`` and
``H = J^T J + s P`` it is ``H^-1 (v J^T (C x R) J + s^2 P T P) H^-1``, where ``v`` is the variance of log10 of an
estimate, ``R`` how its errors correlate between channels and ``C`` between bins. The second part is how far shrinkage
draws coordinates that vary by ``T``; how much regions (and sensors) do vary is learnt from them, see `learnt_spread`.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import cho_factor, cho_solve

from ...compare.spectral_ceiling import between_bins, log10_variance
from ...parameters import declarations, to_bounded
from ..gauss_newton import HELD
from .populations import COORDINATES, SCALES, model_name
from .slopes import SENSOR_ROWS, network_at

ROUNDS = 8                 # of what regions teach about how far they differ
TRUSTED = 4                # regions' worth of trust in the prior's spread: few regions teach little
WIDE = 1.96
UNTOLD = 0.9               # share of the prior's spread that is left where data say nothing
NEAR_BOUND = 0.01          # of the unit interval that bounds are mapped from


@dataclasses.dataclass(frozen=True, eq=False)
class Errors:
    """Covariance ``[m, m]`` of the free coordinates, and the scatter used."""

    covariance: np.ndarray
    variance: float


def errors_of(fitted, ground):
    """Return how well a fit to a ground is known.

    The scatter is that of the estimate where its degrees of freedom are known, or what the fit leaves where that is
    more: a model that misses the truth says so.
    """
    target, layout, bins = ground.target, fitted.layout, ground.bins
    shape = fitted.seen.log_psd.shape
    slopes = layout.slopes(fitted.seen)
    inside = slopes.reshape(*shape, -1)[bins]
    flat = inside.reshape(-1, slopes.shape[1])
    prior = fitted.shrinkage * layout.precisions[layout.free]
    hessian = flat.T @ flat
    factor = cho_factor(hessian + np.diag(prior))
    effective = np.trace(cho_solve(factor, hessian))
    missed = (ground.data - np.asarray(fitted.seen.log_psd))[bins].ravel()
    variance = missed @ missed / max(flat.shape[0] - effective, 0.1 * flat.shape[0])
    variance = max(variance, 0.0 if ground.dof is None else log10_variance(ground.dof))
    joint = np.eye(shape[1]) if target.dependence is None else np.sqrt(target.dependence)
    spread = np.tensordot(between_bins(target, bins), inside, 1)
    spread = np.moveaxis(np.tensordot(joint, spread, ([1], [1])), 0, 1).reshape(flat.shape)
    bias = prior**2 * learnt_spread(hessian / variance, flat.T @ missed / variance, fitted, layout)
    middle = variance * flat.T @ spread + np.diag(bias)
    left = cho_solve(factor, middle)
    covariance = cho_solve(factor, left.T)
    return Errors(0.5 * (covariance + covariance.T), float(variance))


def learnt_spread(information, slope, fitted, layout):
    """Return the variances ``[m]`` of the free coordinates about 0, learnt where many are of one kind.

    A kind is what every region, or every sensor, has for itself: as many draws of one distribution, whose variance
    maximises the evidence of the linearised fit (expectation maximisation, `ROUNDS` rounds from the prior's, which
    counts as `TRUSTED` draws). What the data do not tell stays as wide as the prior says. Other coordinates keep
    their priors.

    Parameters
    ----------
    information : ``[m, m]``, ``J^T J / v``
    slope : ``[m]``, ``J^T r / v`` with the misfit ``r``, data less model
    fitted : FittedSensors
    layout : Layout

    References
    ----------
    MacKay 1992, Neural Computation 4:415.
    """
    free = layout.free
    kinds, at = layout.kinds[free], fitted.vector[free]
    spread = 1.0 / layout.precisions[free]
    # What the linearised data say of the coordinates. It is zero where they say nothing, which what shrinkage holds
    # against the misfit is only at the very optimum: there is none of it in a search that ended at its step limit.
    pull = information @ at + slope
    for _ in range(ROUNDS):
        posterior = np.linalg.inv(information + np.diag(1.0 / spread))
        mean = posterior @ pull
        each = mean**2 + posterior.diagonal()
        for kind in np.unique(kinds[kinds >= 0]):
            of, expected = kinds == kind, 1.0 / layout.precisions[free][kinds == kind][0]
            spread[of] = (each[of].sum() + TRUSTED * expected) / (of.sum() + TRUSTED)
    return spread


def parameter_rows(fitted, errors, labels, channels):
    """Return rows of the table of parameters, with standard errors and intervals."""
    layout, point = fitted.layout, fitted.layout.point(fitted.vector)
    spreads = _spreads(layout, errors)
    several, rows = len(fitted.networks) > 1, []
    for k, network in enumerate(fitted.networks):
        prefix = f"{SCALES[k]}." if several else ""
        told, names = network.declared(), COORDINATES[model_name(network)]
        G, known = float(network.value("G")), layout.coupling[k] < HELD
        reach = float(np.exp(WIDE * spreads.coupling[k]))
        rows.append(_row(f"{prefix}G", None, G, (G / reach, G * reach) if known else None, told["G"], "fixed"))
        free = np.asarray(fitted.problem.origin[k]) + np.asarray(fitted.problem.spread[k])[:, None] * point.regions[k]
        reach = np.asarray(fitted.problem.spread[k])[:, None] * WIDE * spreads.regions[k]
        for row, (coordinate, bounds) in enumerate(zip(names, fitted.problem.bounds[k], strict=True)):
            ends = [np.asarray(to_bounded(jnp.asarray(z), bounds)) for z in (free[row] - reach[row], free[row],
                                                                            free[row] + reach[row])]
            own = layout.own[k][row]
            flat = (spreads.regions[k][row] > UNTOLD * own**-0.5) if own < HELD else np.zeros(len(labels), bool)
            edge = _at_edge(free[row], bounds)
            if coordinate == "v":
                shown = [("p", _drives(fitted, errors, k, ends))]
            else:
                shown = _shown(network, coordinate, ends)
            for name, (low, value, high) in shown:
                rows += _rows(prefix + name, labels, value, (low, high), told[name], flat, edge)
    sensor, declared = fitted.leadfield, declarations(fitted.leadfield)
    rows.append(_row("scale", None, float(sensor.scale), None, declared["scale"], "fixed"))
    if layout.coherence < HELD:
        free = float(fitted.problem.coherence + point.coherence)
        low, high = (float(1 / (1 + np.exp(-z))) for z in (free - WIDE * spreads.coherence,
                                                           free + WIDE * spreads.coherence))
        rows.append(_row("coherence", None, float(sensor.coherence), (low, high), declared["coherence"], None))
    for row, name in enumerate(SENSOR_ROWS):
        bounds, unit = fitted.problem.sensor_bounds[row], float(fitted.problem.sensor_spread[row])
        free = np.asarray(fitted.problem.sensor_origin[row]) + unit * point.sensors[row]
        known = min(layout.sensors_shared[row], layout.sensors_own[row]) < HELD
        reach = unit * WIDE * spreads.sensors[row]
        low, value, high = (np.asarray(to_bounded(jnp.asarray(z), bounds)) for z in (free - reach, free, free + reach))
        told = layout.sensors_own[row] < HELD
        flat = spreads.sensors[row] > UNTOLD * layout.sensors_own[row] ** -0.5 if told else np.zeros(layout.s, bool)
        rows += _rows(name, channels, value, (low, high) if known else None, declared[name], flat,
                      _at_edge(free, bounds))
    return rows


@dataclasses.dataclass(frozen=True, eq=False)
class _Spreads:
    """Standard deviations of coordinates: ``[p, n]`` per population, ``[m]``, a number, ``[4, s]``."""

    regions: list
    coupling: np.ndarray
    coherence: float
    sensors: np.ndarray


def _spreads(layout, errors):
    free, n, total = layout.free, len(layout.basis), 0
    whole = np.zeros((free.size, free.size))
    whole[np.ix_(free, free)] = errors.covariance
    regions = []
    for shared in layout.shared:
        p, q = shared.shape
        out = np.empty((p, n))
        for row in range(p):
            a = total + row * q + np.arange(q)
            b = total + p * q + row * n + np.arange(n)
            both = layout.basis @ whole[np.ix_(a, b)]
            out[row] = np.einsum("iq,qr,ir->i", layout.basis, whole[np.ix_(a, a)], layout.basis) + 2 * np.diag(
                both) + whole[b, b]
        regions.append(np.sqrt(np.maximum(out, 0.0)))
        total += p * (q + n)
    m, rows, s = layout.coupling.size, len(SENSOR_ROWS), layout.s
    diagonal = np.sqrt(np.maximum(np.diag(whole), 0.0))
    first = total + m + 1
    together = first + np.arange(rows)
    own = first + rows + np.arange(rows * s).reshape(rows, s)
    sensors = np.array([whole[a, a] + 2 * whole[a, b] + whole[b, b] for a, b in zip(together, own, strict=True)])
    return _Spreads(regions, diagonal[total:total + m], float(diagonal[total + m]), np.sqrt(np.maximum(sensors, 0.0)))


def _shown(network, coordinate, ends):
    """Yield the model's parameters that a coordinate stands for, with their low, middle and high values."""
    if coordinate != "rate":
        yield coordinate, ends
        return
    (model,) = network.groups.values()
    for rate in ("A", "B", "a", "b"):
        value = np.asarray(getattr(model, rate))
        yield rate, [value * end / ends[1] for end in ends]


def _drives(fitted, errors, k, ends):
    """Return low, middle and high values of the drives that hold columns at potentials between ``ends``, mV.

    A drive is what holds a column there less what it hears, so that it is known no better than the coupling is. The
    reach along the potential, which bends near the onset, is widened by as much as a linear step in everything is
    wider than one in the potential alone.
    """
    layout, free = fitted.layout, np.flatnonzero(fitted.layout.free)
    point = layout.point(fitted.vector)

    def drives(moves, coupling):
        there = dataclasses.replace(point, regions=(*point.regions[:k], moves, *point.regions[k + 1:]),
                                    coupling=coupling)
        return network_at(there, fitted.problem, k)[0].value("p")

    value, push = jax.linearize(drives, jnp.asarray(point.regions[k]), jnp.asarray(point.coupling))
    value, units = np.asarray(value), [layout.point(row) for row in np.eye(layout.precisions.size)[free]]
    moves = jnp.stack([jnp.asarray(unit.regions[k]) for unit in units])
    slopes = np.asarray(jax.vmap(push)(moves, jnp.stack([jnp.asarray(unit.coupling) for unit in units])))   # [m, n]
    whole = np.sqrt(np.einsum("mn,mk,kn->n", slopes, errors.covariance, slopes, optimize=True))
    low, middle, high = (np.asarray(model_held(fitted.networks[k], end)) for end in ends)
    own = np.maximum((high - low) / (2 * WIDE), np.finfo(float).tiny)
    wider = np.maximum(whole / own, 1.0)
    return value - wider * (middle - low), value, value + wider * (high - middle)


def model_held(network, v):
    """Return the drives (1/s) that hold columns that hear nobody at potentials ``v [n]``, mV."""
    (model,) = network.groups.values()
    return model.held_at(jnp.asarray(v))[1]


def _at_edge(free, bounds):
    share = 1 / (1 + np.exp(-np.asarray(free)))
    return ~((share > NEAR_BOUND) & (share < 1 - NEAR_BOUND)) & bool(np.isfinite(bounds).all())


def _rows(name, labels, value, ci, declared, flat, edge):
    shared = np.ptp(value) <= 1e-9 * np.abs(value).max()
    out = []
    for i, label in enumerate([None] if shared else labels):
        flag = "at_bound" if edge[i] else "flat" if flat[i] else None
        out.append(_row(name, label, float(value[i]), None if ci is None else (float(ci[0][i]), float(ci[1][i])),
                        declared, "fixed" if ci is None else flag))
    return out


def _row(name, label, value, ci, declared, flag):
    low, high = declared.bounds
    return {"name": name, "region": label, "value": value,
            "se": None if ci is None else (ci[1] - ci[0]) / (2 * WIDE), "ci95": None if ci is None else list(ci),
            "bounds": [low if np.isfinite(low) else None, high if np.isfinite(high) else None], "unit": declared.unit,
            "flag": flag if ci is None or flag != "fixed" else None}
