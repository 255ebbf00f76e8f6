"""What sensors see of coupled populations, and how it changes with every coordinate of every region, in closed form.

With ``R = (I - h K)^-1``, ``T = R - I`` and ``q = h_o / h`` regions respond to their noise by ``E = q T g + g_o``. A
coordinate of region j changes ``h_j``, ``g_j``, ``q_j`` and ``g_oj`` alone, so ``R`` by a matrix of rank one,
``dR = R e_j (dh_j / h_j) e_j^T T``. The slopes of all powers with respect to all coordinates of all regions are a few
products of the size of the network at every frequency, however many coordinates a region has.
"""

import dataclasses
from math import log, pi

import jax
import jax.numpy as jnp

from ...dynamics.alone import ALONE, one_by_one
from ...dynamics.local import complexed, imaginary
from ...dynamics.products import split_product
from ...dynamics.resolvent import operator
from ...parameters import pytree, static, to_bounded
from ..gauss_newton import regionwise
from .populations import placed, transfers

SENSOR_ROWS = ("sensitivity", "floor", "aperiodic", "exponent")


@pytree
class SensorProblem:
    """What is held while spectra at sensors are fitted.

    Attributes
    ----------
    networks : tuple of Network, one population in every region each
    leadfield : LeadField
    origin, spread : tuples of ``[p, n]`` and ``[p]``, of each population, see `space.Block`
    coupling : ``[m]``, coupling strength of each population where its coordinate is 0
    sensor_origin, sensor_spread : ``[4, s]`` and ``[4]``, of `SENSOR_ROWS`
    coherence : unconstrained, where its coordinate is 0
    freqs, fine : ``[c]``, ``[v]`` Hz, where coupling is computed, and where regions alone are
    finer : ``[v, c]``, interpolation from the ones to the others
    smear : ``[f, v]``, what the estimate's window does
    bounds, sensor_bounds : of each population's coordinates, of the sensors'
    coupled : whether regions hear each other; if not, nothing of the network's size is solved
    """

    networks: tuple
    leadfield: object
    origin: tuple
    spread: tuple
    coupling: object
    sensor_origin: object
    sensor_spread: object
    coherence: object
    freqs: object
    fine: object
    finer: object
    smear: object
    bounds: tuple = static(default=())
    sensor_bounds: tuple = static(default=())
    coupled: bool = static(default=True)


@pytree
class Point:
    """Coordinates: of regions a tuple of ``[p, n]``, ``coupling [m]``, ``coherence``, ``sensors [4, s]``."""

    regions: tuple
    coupling: object
    coherence: object
    sensors: object


@pytree
class Seen:
    """log10 power ``[f, s]`` at a point, the sources' part of the power, and slopes of the logarithm.

    ``by_region`` is a tuple of ``[f, s, n, p]``; ``by_coupling [m, f, s]``, ``by_coherence [f, s]``; ``by_sensor
    [4, f, s]``, since a sensor's coordinate changes this sensor alone.
    """

    log_psd: object
    sources: object
    by_region: tuple
    by_coupling: object
    by_coherence: object
    by_sensor: object


def network_at(point, problem, k):
    """Return the k-th population's network at a point, and its state of rest."""
    network = problem.networks[k].replace({"G": problem.coupling[k] * jnp.exp(point.coupling[k])})
    return placed(network, region_values(point.regions[k], problem, k))


def region_values(moves, problem, k):
    """Return what the coordinates ``[p, n]`` of the k-th population stand for."""
    free = problem.origin[k] + problem.spread[k][:, None] * moves
    return jnp.stack([to_bounded(row, bounds) for row, bounds in zip(free, problem.bounds[k], strict=True)])


def leadfield_at(point, problem):
    """Return the lead field at a point."""
    free = problem.sensor_origin + problem.sensor_spread[:, None] * point.sensors
    values = {name: to_bounded(row, bounds)
              for name, row, bounds in zip(SENSOR_ROWS, free, problem.sensor_bounds, strict=True)}
    share = jax.nn.sigmoid(problem.coherence + point.coherence)
    return dataclasses.replace(problem.leadfield, coherence=share, **values | {"exponent": values["exponent"][0]})


def through_network(parts, k, gain, spread):
    """Return the power at sensors at one frequency, coherent and incoherent, and its slopes.

    Parameters
    ----------
    parts : complex ``[4, n]``
        ``h, g, q, g_o``.
    k : complex ``[n, n]``
        The network's operator.
    gain, spread : ``[s, n]``
        Coherent gain, and power gain of the incoherent modes.

    Returns
    -------
    power : ``[2, s]``, one-sided
    slopes : complex ``[2, 4, s, n]``
        The real part of ``slopes * (dh / h, dg, dq, dg_o)`` is the change of the power.
    by_coupling : ``[2, s]``, per e-fold of the coupling
    """
    h, g, q, g_o = parts
    eye, wide, weight = complexed(jnp.eye(h.size)), complexed(gain), complexed(spread)
    inverse = jnp.linalg.inv(eye - h[:, None] * k)
    t = inverse - eye
    f = t * g
    e = q[:, None] * f + jnp.diag(g_o)
    v = split_product(wide, e)
    back, met, own = jnp.conj(v), split_product(jnp.conj(v), f.T), split_product(f, jnp.conj(e).T)
    coherent = jnp.stack([split_product(wide * q, inverse) * met, split_product(wide * q, t) * back, wide * met,
                          wide * back])
    incoherent = jnp.stack([split_product(weight, q[:, None] * inverse * own.T),
                            split_product(weight, q[:, None] * t * jnp.conj(e)),
                            weight * jnp.diagonal(own), weight * jnp.conj(jnp.diagonal(e))])
    more = q[:, None] * split_product(inverse, f)
    power = jnp.stack([squared(v).sum(-1), spread @ squared(e).sum(-1)])
    by_coupling = jnp.stack([jnp.real(back * split_product(wide, more)).sum(-1),
                             spread @ jnp.real(jnp.conj(e) * more).sum(-1)])
    return 2 * power, 4 * jnp.stack([coherent, incoherent]), 4 * by_coupling


def squared(z):
    """Return ``|z|^2``."""
    return jnp.real(z) ** 2 + jnp.imag(z) ** 2


def population_seen(point, problem, k, gain, spread, share):
    """Return one population's power ``[v, s]`` at sensors of sensitivity 1, and the slopes of its logarithm.

    Slopes are by regions' coordinates ``[v, s, n, p]``, by coupling and by coherence, ``[v, s]``. What regions show
    alone is computed at all frequencies, what coupling makes of it at few, and its logarithm interpolated.
    """
    network, moves = network_at(point, problem, k)[0], point.regions[k]
    weight, apart = share * gain**2 + (1 - share) * spread, gain**2 - spread

    def local(moves, freqs):
        placed_there, x = placed(network, region_values(moves, problem, k))
        return jnp.stack(transfers(placed_there, problem.leadfield, x, 2 * pi * freqs)[0])

    def folded(array, count):
        return array.reshape(-1, count, *array.shape[1:]).sum(0)          # w and -w are one frequency

    def alone(freqs):
        parts, slopes = regionwise(lambda m: local(m, freqs), moves)
        own = folded(2 * squared(parts[3]), freqs.size)
        by = folded(4 * jnp.real(jnp.conj(parts[3])[..., None] * slopes[3]), freqs.size)
        power = own @ weight.T
        return parts, slopes, power, weight[..., None] * by[:, None] / power[..., None, None], own @ apart.T / power

    _, _, fine, fine_slopes, fine_apart = alone(problem.fine)
    if not problem.coupled:
        return fine, fine_slopes, jnp.zeros_like(fine), fine_apart * share * (1 - share)
    parts, slopes, lonely, lonely_slopes, lonely_apart = alone(problem.freqs)
    w = 2 * pi * problem.freqs
    w = w if parts.shape[1] == w.size else jnp.concatenate([w, -w])

    def at_one(here, slope, k_here):                                       # [4, n], [4, n, p], [n, n]
        power, change, by_coupling = through_network(here, k_here, gain, spread)
        mixed = complexed(share) * change[0] + complexed(1 - share) * change[1]
        slope = slope.at[0].divide(here[0][:, None])
        by_region = sum(sign * jnp.einsum("asn,anp->snp", part(mixed), part(slope))
                        for sign, part in ((1.0, jnp.real), (-1.0, jnp.imag)))
        return power, by_region, share * by_coupling[0] + (1 - share) * by_coupling[1]

    found = one_by_one(at_one, jnp.moveaxis(parts, 1, 0), jnp.moveaxis(slopes, 1, 0),
                       operator(network, imaginary(w)))
    power, by_region, by_coupling = (folded(array, problem.freqs.size) for array in found)
    total = share * power[:, 0] + (1 - share) * power[:, 1]
    psd = fine * jnp.exp(problem.finer @ jnp.log(total / lonely))
    changed = by_region / total[..., None, None] - lonely_slopes
    by_region = fine_slopes + jnp.einsum("vc,c...->v...", problem.finer, changed)
    by_share = fine_apart + problem.finer @ ((power[:, 0] - power[:, 1]) / total - lonely_apart)
    return psd, by_region, problem.finer @ (by_coupling / total), by_share * share * (1 - share)


def gains(leadfield):
    """Return coherent gain and power gain of the incoherent modes, both ``[s, n]``, and the coherent share."""
    shape = jnp.shape(leadfield.gain)[:2]
    coherent = jnp.ndim(leadfield.gain) == 2
    gain = jnp.asarray(leadfield.gain) if coherent else jnp.zeros(shape)
    if leadfield.modes is None:
        return gain, jnp.zeros(shape), jnp.ones(())
    spread = jnp.sum(jnp.asarray(leadfield.modes) ** 2, -1)
    return gain, spread, jnp.asarray(leadfield.coherence) if coherent else jnp.zeros(())


def sensors_see(point, problem):
    """Return what the sensors see of all populations and of their own noise at a point, with slopes."""
    leadfield = leadfield_at(point, problem)
    gain, spread, share = gains(leadfield)
    sensed = jnp.asarray(leadfield.sensitivity) ** 2
    parts = [population_seen(point, problem, k, gain, spread, share) for k in range(len(problem.networks))]
    smear = problem.smear
    sources = smear @ sum(psd for psd, *_ in parts) * sensed

    def noise(moves):
        return smear @ leadfield_at(dataclasses.replace(point, sensors=moves), problem).noise_psd(problem.fine)

    own = noise(point.sensors)
    psd = sources + own

    def per_log10(change):
        return change / (psd * log(10)).reshape(psd.shape + (1,) * (change.ndim - 2))

    by_region = tuple(per_log10(jnp.einsum("fv,v...->f...", smear, (p * sensed)[..., None, None] * slopes))
                      for p, slopes, _, _ in parts)
    by_coupling = jnp.stack([per_log10(smear @ (p * slope) * sensed) for p, _, slope, _ in parts])
    by_coherence = per_log10(sum(smear @ (p * slope) * sensed for p, _, _, slope in parts))
    by_sensor = []
    for row in range(len(SENSOR_ROWS)):
        one = jnp.zeros_like(point.sensors).at[row].set(1.0)
        by_sensor.append(per_log10(jax.jvp(noise, (point.sensors,), (one,))[1]))
    slope = jax.jvp(lambda m: leadfield_at(dataclasses.replace(point, sensors=m), problem).sensitivity,
                    (point.sensors,), (jnp.zeros_like(point.sensors).at[0].set(1.0),))[1]
    by_sensor[0] = per_log10(2 * sources * slope / leadfield.sensitivity)
    return Seen(log_psd=jnp.log10(psd), sources=sources, by_region=by_region, by_coupling=by_coupling,
                by_coherence=by_coherence, by_sensor=jnp.stack(by_sensor))


sensors_see_compiled = jax.jit(sensors_see, compiler_options=ALONE)
network_at_compiled = jax.jit(network_at, static_argnums=2, compiler_options=ALONE)
