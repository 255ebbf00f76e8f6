"""Many parameter sets at once, on a labelled grid."""

import dataclasses
import itertools
from functools import partial

import jax
import numpy as np

from ..errors import InputError
from ..observe import Direct, check_seen
from .plan import Plan, has_series
from .simulate import checked, finite, keys_of, named
from .simulated import integrate
from .simulation import Simulation

STATISTICS = ("fc", "covariance", "psd", "mean", "sd", "order", "metastability", "data")


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Sweep:
    """Statistics on a grid of parameters: the first axes are the parameters', in the order of `names`.

    Attributes
    ----------
    values : dict of name to the values along its axis
    statistics : dict of name to array ``[*grid, ...]``; ``sweep["fc"]`` is short for ``sweep.statistics["fc"]``
    diverged : ``[*grid]``, where a run left the finite range; statistics are NaN there
    labels : names of the regions or sensors
    freqs : Hz, of ``"psd"``
    sample, dt : seconds
    """

    values: dict
    statistics: dict
    diverged: np.ndarray
    labels: tuple
    freqs: np.ndarray | None
    sample: float
    dt: float

    def __getitem__(self, name):
        if name not in self.statistics:
            raise InputError(f"statistic '{name}'", "it was not computed", f"Choose from {', '.join(self.statistics)}.")
        return self.statistics[name]

    def __repr__(self):
        axes = ", ".join(f"{name} [{len(v)}]" for name, v in self.values.items())
        return f"Sweep({axes}: {', '.join(self.statistics)}; {int(self.diverged.sum())} diverged)"

    @property
    def names(self):
        """Names of the parameters, one per leading axis."""
        return tuple(self.values)


def sweep(network, values, seconds, *, statistics=("fc",), freqs=None, observe=None, sample=None, dt=None,
          warmup=None, seed=0, runs=1, batch=8, scheme="heun", precision="float64", average=False,
          frozen_coupling=False, labels=None, progress=None):
    """Simulate every combination of some parameters' values.

    Every point has the same noise, so that points differ by their parameters alone.

    Parameters
    ----------
    network : Network
    values : dict
        Name to a sequence of values, each a number or one per region.
    seconds : float
    statistics : sequence of str
        ``"fc"``, ``"covariance"``, ``"psd"`` (with ``freqs``), ``"mean"``, ``"sd"`` (of each signal), ``"order"``
        and ``"metastability"`` (mean and standard deviation over time of the order parameter), ``"data"``.
    freqs : array, optional
        Hz, for ``"psd"``.
    batch : int
        Points simulated at once. Part of the answer: other widths differ in the last bits.
    progress : function of (done, all), optional
        Called after every batch.
    observe, sample, dt, warmup, seed, runs, scheme, precision, average, frozen_coupling, labels
        As for `simulate`; a step that is chosen suits the corners of the grid.

    Returns
    -------
    Sweep

    Examples
    --------
    >>> from nmfit.models import Hopf
    >>> from nmfit.network import Network
    >>> network = Network.of([[0.0, 1.0], [1.0, 0.0]], Hopf(f=0.05, a=-0.02))
    >>> sweep(network, {"G": [0.0, 0.2], "a": [-0.1, -0.05, -0.02]}, 300, sample=2.0)["fc"].shape
    (2, 3, 2, 2)
    """
    observe = Direct() if observe is None else observe
    check_seen(network, observe)
    _check_statistics(statistics, freqs)
    grid = {name: [checked(network, {name: v})[name] for v in along] for name, along in values.items()}
    if not grid or not all(map(len, grid.values())):
        raise InputError("values", "a parameter without values", "Give every parameter at least one value.")
    grid = {name: np.stack(np.broadcast_arrays(*along)) for name, along in grid.items()}
    points = [dict(zip(grid, combination, strict=True)) for combination in itertools.product(*grid.values())]
    phases = bool({"order", "metastability"} & set(statistics))
    plan = _suited(network, observe, grid, seconds, sample=sample, dt=dt, warmup=warmup, scheme=scheme,
                   precision=precision, average=average, frozen_coupling=frozen_coupling, outputs=phases,
                   projected=observe.gain is None or has_series(observe))
    names, width = named(network, observe, labels), min(int(batch), len(points))
    found, lost = {name: [] for name in statistics}, []
    with jax.enable_x64(precision == "float64"):
        keys = None if seed is None else keys_of(seed, "simulate", runs)
    for first in range(0, len(points), width):
        part = points[first:first + width]
        filled = part + part[-1:] * (width - len(part))
        stacked = {name: np.stack([point[name] for point in filled]) for name in grid}
        with jax.enable_x64(precision == "float64"):
            series = jax.device_get(_points(network, observe, stacked, keys, plan=plan))
        good = finite(series)
        for i in range(len(part)):
            lost.append(not good[i])
            sent = None if series.outputs is None else np.asarray(series.outputs[i], float)
            one = Simulation(data=np.asarray(series.signal[i], float), times=plan.times, labels=names,
                             sample=plan.sample, dt=plan.dt, outputs=sent, observe=None if plan.projected else observe)
            for name in statistics:
                found[name].append(_statistic(one, name, freqs, good[i]))
        if progress is not None:
            progress(min(first + width, len(points)), len(points))
    shape = tuple(len(along) for along in grid.values())
    return Sweep(values=grid,
                 statistics={name: np.array(v).reshape(*shape, *np.shape(v[0])) for name, v in found.items()},
                 diverged=np.array(lost).reshape(shape), labels=names,
                 freqs=None if freqs is None else np.atleast_1d(np.asarray(freqs, float)), sample=plan.sample,
                 dt=plan.dt)


@partial(jax.jit, static_argnames="plan")
def _points(network, observe, values, keys, *, plan):
    def point(values):
        here = network.replace(values).regulated()
        if keys is None:
            return jax.tree.map(lambda v: v[None], integrate(here, observe, plan))
        return jax.vmap(lambda key: integrate(here, observe, plan, key))(keys)

    return jax.vmap(point)(values)


def _suited(network, observe, grid, seconds, **options):
    """Return a plan whose step and past suit every corner of the grid."""
    ends = [sorted(along, key=np.mean)[:: max(len(along) - 1, 1)] for along in grid.values()]
    corners = [network.replace(dict(zip(grid, c, strict=True))).regulated() for c in itertools.product(*ends)]
    if "speed" in grid:
        options["speed"] = (float(min(grid["speed"])), float(max(grid["speed"])))
    plans = [Plan.of(corner, observe, seconds, **options) for corner in corners]
    if options["dt"] is None:
        options["dt"] = min(plan.dt for plan in plans)
        options["sample"] = options["sample"] or min(plan.sample for plan in plans)
        plans = [Plan.of(corner, observe, seconds, **options) for corner in corners]
    return plans[0]


def _check_statistics(statistics, freqs):
    unknown = [name for name in statistics if name not in STATISTICS]
    if unknown or not statistics:
        raise InputError("statistics", f"found {unknown or 'none'}", "Choose some.", ", ".join(STATISTICS))
    if "psd" in statistics and freqs is None:
        raise InputError("freqs", "missing", "Give the frequencies of the spectra in Hz.")


def _statistic(simulation, name, freqs, good):
    # A diverged point has NaN in the right shape; its numbers would overflow on the way to NaN.
    data = simulation.data if good else np.zeros_like(simulation.data) + np.arange(simulation.times.size)[:, None]
    usable = simulation if good else dataclasses.replace(
        simulation, data=data, outputs=None if simulation.outputs is None else np.ones_like(simulation.outputs))
    value = {
        "fc": usable.fc,
        "covariance": usable.covariance,
        "psd": lambda: usable.psd(freqs),
        "mean": lambda: usable.data.mean((0, 1)),
        "sd": lambda: usable.data.std(1).mean(0),
        "order": lambda: usable.order().mean(),
        "metastability": lambda: usable.order().std(-1).mean(),
        "data": lambda: usable.data,
    }[name]()
    return value if good else np.full_like(value, np.nan)
