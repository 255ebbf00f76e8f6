"""Regional spectra as a function of coordinates, the network's share in them held."""

import dataclasses
from math import pi

import jax
import jax.numpy as jnp

from ...dynamics.alone import ALONE
from ...dynamics.fixed_point import fixed_point
from ...dynamics.local import imaginary, jacobian, local_system, transfer
from ...parameters import pytree, static, to_bounded

SCALES = ("slow", "fast", "faster")        # time scales of a region, in the order in which they enter
# How far regions differ, beside each other: an amplitude by much, a frequency by little (precisions, own sizes).
PRIOR = {"aperiodic": 0.004, "exponent": 1.0, "noise": 0.015, "a": 1.0, "f": 10.0}


@pytree
class SourcesProblem:
    """What the regions' spectra are held against.

    Attributes
    ----------
    networks : one per time scale
    instrument : RegionalSpectra
    origin, spread : ``[p, n]`` and ``[p]``, see `space.Block`
    factor : ``[m, f, n]``, what the network makes of every region, for each time scale
    tilt : ``[f, n]``, change of log10 power per unit of the coupling's coordinate
    data, counts : ``[f, n]``, log10 power, and 1 where it takes part
    freqs : ``[f]`` Hz
    names : (time scale or "", parameter, bounds) of each of ``p - 1`` coordinates; the last one is the coupling
    """

    networks: tuple
    instrument: object
    origin: object
    spread: object
    factor: object
    tilt: object
    data: object
    counts: object
    freqs: object
    names: tuple = static(default=())


def alone(network, freqs):
    """Return the one-sided power ``[f, n]`` of regions that hear no fluctuation but their own diffusive loss."""
    (name, _), = network.members
    rest = fixed_point(network).x
    x, c = rest[name], network.input(network.output(rest))
    a, b, heard = local_system(network, name, x, c)
    own = network.own(network.strengths())
    a = a if own is None else a - own[:, None, None] * (b @ heard)
    noise = jax.vmap(jnp.diag)(network.diffusion({name: x})[name].T)
    seen = jacobian(lambda s: network.groups[name].eeg_source(s)[None], x)
    through = transfer(a, noise, seen, imaginary(2 * pi * freqs))[:, :, 0]
    return 2.0 * jnp.sum(jnp.real(through) ** 2 + jnp.imag(through) ** 2, axis=-1)


alone_compiled = jax.jit(alone, compiler_options=ALONE)


def placed(move, problem):
    """Return networks and instrument with every coordinate at ``move [p, n]``, the coupling where it is held."""
    networks, instrument = list(problem.networks), problem.instrument
    for row, (scale, name, bounds) in enumerate(problem.names):
        value = to_bounded(problem.origin[row] + problem.spread[row] * move[row], bounds)
        if scale:
            at = SCALES.index(scale)
            networks[at] = networks[at].replace({name: value})
        else:
            value = value if name in PRIOR else value[0]
            instrument = dataclasses.replace(instrument, **{name: value})
    return tuple(networks), instrument


def misfit(move, problem):
    """Return the residuals of log10 power ``[f, n]``, the network's factors held."""
    networks, instrument = placed(move, problem)
    power = sum(alone(network, problem.freqs) * factor
                for network, factor in zip(networks, problem.factor, strict=True))
    model = jnp.log10(instrument.psd(power, problem.freqs)) + problem.tilt * move[-1]
    return problem.counts * (model - problem.data)
