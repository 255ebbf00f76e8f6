"""Populations of a region as linear systems of few coordinates, whatever their model.

Two models, three coordinates each: how strong, how far from the onset of its oscillation, how fast. An oscillator
(`Hopf`) takes its noise, damping and frequency. A column (`JansenRit`) takes its noise, the potential at which it
rests, and one factor on the rates and gains of all its synapses. It is the potential that is searched and not the drive
that holds the column there: at a given potential a column is a linear system whatever the others send, its state of
rest needs no search, and the fold of the drive is no edge.
"""

import dataclasses
import functools

import jax.numpy as jnp
import numpy as np

from ...dynamics.local import complexed, imaginary, jacobian
from ...dynamics.resolvent import instrument_transfer, regional_transfers
from ...dynamics.symmetrise import rotates
from ...models import Hopf, JansenRit
from ...network import Network
from .objective import NARROWEST

ALONE_SLOWEST = 1.0         # 1/s: the least damping of a column that hears nobody (half width 0.16 Hz)
NO_COUPLING = 1e-4          # 1/s: vanishing, not zero, where every region would be a root of its own and none leads
SCALES = ("first", "second", "third")         # populations of a region, in the order in which they enter
START_COUPLING = {"Hopf": 1.0, "JansenRit": 10.0}       # 1/s at a region's summed weight of 1
CLOCK = ("A", "B", "a", "b")               # of a column: with all of them it does the same, faster or slower
FACTORS = (0.3, 3.0)                       # on these, inside their own bounds
PEAK = 10.9                                # Hz, of a column at its defaults
COORDINATES = {"Hopf": ("noise", "a", "f"), "JansenRit": ("noise", "v", "rate")}


def model_name(network):
    """Return the name of the model that a network of one group holds."""
    (model,) = network.groups.values()
    return type(model).__name__


@functools.cache
def working_points():
    """Return the potentials (mV) between which a default column alone is damped, by `ALONE_SLOWEST` at least.

    Those its `damped` drives hold it at, less the stretch near the onset where it would ring on for longer: coupling
    brings a column nearer to the onset, and one that begins there can hear nobody.
    """
    model = JansenRit()
    v = jnp.linspace(model.v0, model.v0 + 10.0, 2000)
    x, drive = model.held_at(v)
    there = dataclasses.replace(model, p=drive)
    slopes = np.asarray(jacobian(lambda s: there.drift(s, jnp.zeros((1, v.size))), x))
    slowest = np.linalg.eigvals(slopes).real.max(1)
    drive, (low, high) = np.asarray(drive), model.damped["p"]
    fit = (drive >= np.maximum.accumulate(drive)) & (drive >= low) & (drive <= high) & (slowest <= -ALONE_SLOWEST)
    return float(v[fit][0]), float(v[fit][-1])


def bounds_of(network, name):
    """Return the bounds of a coordinate."""
    if name == "v":
        return working_points()
    if name == "rate":
        return FACTORS
    low, high = network.declared()[name].bounds
    return (low, -NARROWEST) if name == "a" and model_name(network) == "Hopf" else (low, high)


def population(brain, model, *, frequency, width=None, point=0.5, coupled=True):
    """Return a population in every region, alike in all, and its coordinates ``[3, n]``.

    Parameters
    ----------
    brain : Connectome, normalised
    model : {"Hopf", "JansenRit"}
    frequency : float
        Hz, where it resonates.
    width : float, optional
        1/s, of an oscillator.
    point : float
        Where a column rests, as a share of the potentials at which it is damped.
    coupled : bool
    """
    made = Hopf(a=-width, f=frequency, sigma=1.0) if model == "Hopf" else JansenRit()
    network = Network.of(brain, made, G=START_COUPLING[model] if coupled else NO_COUPLING,
                         delays=brain.lengths is not None)
    network = network.replace({name: np.full(brain.n, float(network.value(name))) for name in ("noise", "a")})
    if model == "Hopf":
        network = network.replace({"f": np.full(brain.n, frequency)})
        values = [1.0, -width, frequency]
    else:
        low, high = working_points()
        values = [1.0, low + point * (high - low), float(np.clip(frequency / PEAK, 0.4, 2.5))]
    values = jnp.repeat(jnp.asarray(values, dtype=float)[:, None], brain.n, axis=1)
    return placed(network, values)[0], np.array(values)


def placed(network, values):
    """Return a population at its coordinates ``[3, n]`` and its state of rest.

    A column's drive becomes what holds it at its potential, beside what it hears.
    """
    (name, model), = network.groups.items()
    if isinstance(model, Hopf):
        network = network.replace({"noise": values[0], "a": values[1], "f": values[2]})
        return network, network.start()
    default = JansenRit()
    network = network.replace({"noise": values[0]}
                              | {rate: values[2] * jnp.asarray(getattr(default, rate)) for rate in CLOCK})
    at, drive = network.groups[name].held_at(values[1])
    heard = network.input(network.output({name: at}))[0]
    return network.replace({"p": drive - heard}), {name: at}


def transfers(network, leadfield, x, w):
    """Return what regions do alone: ``h``, ``g``, ``h_o / h`` and ``g_o``, complex ``[f', n]``, and their ``w'``.

    A rotating plane is one complex state, seen at ``w`` and at ``-w``: twice as many frequencies.
    """
    seen = instrument_transfer(leadfield, network.read(x, leadfield.reads), w)
    if not rotates(network):
        local = regional_transfers(network, leadfield, x, w)
        h, g, h_o, g_o = local[:, 0, 0], local[:, 0, 1], local[:, 1, 0], local[:, 1, 1]
        return (h, g, seen * h_o / h, seen * g_o), w
    (name, model), = network.groups.items()
    c = network.input(network.output(x))
    a = jacobian(lambda s: model.drift(s, c), x[name])
    read = jacobian(lambda s: getattr(model, leadfield.reads)(s)[None], x[name])
    both = jnp.concatenate([w, -w])
    h = 1.0 / (imaginary(both)[:, None] - complexed(a[:, 0, 0], a[:, 1, 0]))
    g = h * complexed(network.diffusion(x)[name][0] / jnp.sqrt(2.0))
    q = jnp.concatenate([seen, seen]) * complexed(read[:, 0, 0], -read[:, 0, 1])
    return (h, g, q, q * g), both


