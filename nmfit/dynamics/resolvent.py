"""From noise to what an instrument reads, at every frequency, with one solve of size ``nk`` per frequency.

With the local transfer functions ``h = C (iw - A)^-1 B``, ``g = C (iw - A)^-1 D`` and, for what the instrument
reads, ``h_o`` and ``g_o``, and the network operator ``K(w)``, the response to the noise sources is
``E = h_o M g + g_o`` with ``M = K (I - h K)^-1``, and the cross-spectrum ``E E^H`` (two-sided, per rad/s).
"""

import jax
import jax.numpy as jnp

from .alone import one_by_one
from .closed_loop import closed, turning
from .local import complexed, imaginary, jacobian, local_system, solve_small, transfer
from .noise import Sources

SETTLED = 1e-13             # relative change of an instrument's states in one step of Newton's


def operator(network, s):
    """Return ``K(s) = G W exp(-s tau)``, ``[f, n, n]``, the own term of diffusive coupling undelayed."""
    strengths, delays = network.strengths(), network.delays()
    if delays is None:
        k = jnp.broadcast_to(complexed(strengths), (s.size, *strengths.shape))
    else:
        k = complexed(strengths) * jnp.exp(-s[:, None, None] * complexed(delays))
    own = network.own(strengths)
    return k if own is None else k - complexed(jnp.diag(own))


def instrument_transfer(observation, u, w):
    """Return the instrument's transfer function per region, ``[f, n]`` (ones where it has no states)."""
    direct = jax.jvp(lambda v: observation.read(_rest(observation, u), v), (u,), (jnp.ones_like(u),))[1]
    if not observation.states:
        return complexed(jnp.broadcast_to(direct, (w.size, u.size)))
    h = settled(observation, u)
    a = jacobian(lambda s: observation.drift(s, u), h)
    b = jax.jvp(lambda v: observation.drift(h, v), (u,), (jnp.ones_like(u),))[1].T[..., None]
    c = jacobian(lambda s: observation.read(s, u)[None], h)
    return complexed(direct) + transfer(a, b, c, imaginary(w))[..., 0, 0]


def _rest(observation, u):
    return jnp.repeat(jnp.asarray(observation.start())[:, None], u.size, axis=1)


def settled(observation, u):
    """Return the instrument's state of rest under a constant drive (Newton, then one step for the derivative)."""
    def newton(held, h, drive):
        a = jacobian(lambda s: held.drift(s, drive), jax.lax.stop_gradient(h))
        return h - solve_small(jax.lax.stop_gradient(a), observation_drift(held, h, drive).T[..., None])[..., 0].T

    def observation_drift(held, h, drive):
        return held.drift(h, drive)

    frozen, still = jax.lax.stop_gradient((observation, u))

    def unsettled(carry):
        _, moved, count = carry
        return (moved > SETTLED) & (count < 30)

    def settle(carry):
        before, _, count = carry
        after = newton(frozen, before, still)
        return after, jnp.max(jnp.abs(after - before) / (1.0 + jnp.abs(before))), count + 1

    first = _rest(observation, still)
    h, _, _ = jax.lax.while_loop(unsettled, settle, (first, jnp.full((), jnp.inf, first.dtype), 0))
    return newton(observation, jax.lax.stop_gradient(h), u)


def regional_transfers(network, observation, x, w):
    """Return what every region does alone, ``[f, k + 1, k + m, n]``: rows are what it sends and what is read of it.

    Columns are what it hears and its noise: ``h, g`` in the first ``k`` rows, ``h_o, g_o`` in the last.
    """
    c = network.input(network.output(x))
    amplitude = network.diffusion(x)
    noisy = {name: states for name, _, states in Sources.of(network).groups}
    kinds = sorted(set().union(*noisy.values()))
    parts = {}
    for name, at in network.members:
        model, here = network.groups[name], x[name]
        a, b, heard = local_system(network, name, here, c[:, jnp.array(at)])
        seen = jnp.zeros((len(at), 1, len(here)), here.dtype)
        if name in network.viewed:
            seen = jacobian(lambda s, m=model: getattr(m, observation.reads)(s)[None], here)
        enters = jnp.stack([jnp.eye(len(here))[s] if s in noisy[name] else jnp.zeros(len(here)) for s in kinds], -1)
        d = amplitude[name].T[:, :, None] * enters
        through = transfer(a, jnp.concatenate([b, d], -1), jnp.concatenate([heard, seen], -2), imaginary(w))
        parts[name] = jnp.moveaxis(through, 1, -1)
    return network.in_order(parts)


def response(network, observation, x, w):
    """Return the response ``E [f, r, n m]`` of ``r`` regional readings to the ``n m`` noise sources.

    The sources are ordered region by region within each of the ``m`` kinds: the states, by index, that any group's
    noise enters.
    """
    local = regional_transfers(network, observation, x, w)                # [f, k + 1, k + m, n]
    channels = local.shape[1] - 1
    h, g = local[:, :channels, :channels], local[:, :channels, channels:]
    view = slice(None) if network.seen is None else jnp.array(network.seen)
    read = local[:, channels][..., view]
    h_o, g_o = read[:, :channels], read[:, channels:]
    n, eye, (strength, wired) = network.n, complexed(jnp.eye(network.n))[view], _wiring(network)

    # One frequency after the other: what a frequency needs stays near the processor.
    def at(w, h, g, h_o, g_o):
        heard = closed(strength, wired(w), h).reshape(channels, n, channels, n)[:, view]
        through = jnp.sum(h_o[..., None, None] * heard, axis=0)           # [r, k, n]
        e = jnp.sum(through[:, :, None] * g, axis=1)                      # [r, m, n]
        return e + g_o.T[:, :, None] * eye[:, None]

    e = one_by_one(at, jnp.asarray(w), h, g, h_o, g_o)
    return through_instrument(network, observation, x, w, e.reshape(w.size, network.n_seen, -1))


def rotating_response(network, observation, x, w):
    """Return the same response for a model whose two states are one rotating plane, from ``n x n`` solves.

    In ``z = x + iy`` region i obeys ``z' = (a_i + i w_i) z + K z + sigma (xi_x + i xi_y)``; the reading is
    ``Re(conj(c) z)``, so that ``z`` at ``w`` and ``z`` at ``-w`` are two independent sources of it.
    """
    (name, _), = network.members
    model = network.groups[name]
    c = network.input(network.output(x))
    a = jacobian(lambda s: model.drift(s, c), x[name])
    seen = jacobian(lambda s: getattr(model, observation.reads)(s)[None], x[name])
    pole = complexed(a[:, 0, 0], a[:, 1, 0])
    amplitude = network.diffusion(x)[name][0]
    both, (strength, wired) = jnp.concatenate([w, -w]), _wiring(network)
    delta = imaginary(both)[:, None] - pole
    e = one_by_one(lambda w, delta: turning(strength, wired(w), delta), both, delta)
    e = e * complexed(amplitude / jnp.sqrt(2.0))
    phase = complexed(seen[:, 0, 0], -seen[:, 0, 1])
    if network.seen is not None:
        phase, e = phase[jnp.array(network.seen)], e[:, jnp.array(network.seen)]
    e = jnp.concatenate([phase[:, None] * e[:w.size], jnp.conj(phase[:, None] * e[w.size:])], axis=-1)
    return through_instrument(network, observation, x, w, e)


def _wiring(network):
    """Return the coupling strength, and what it multiplies as a function of the frequency in rad/s."""
    unit = network.replace({"G": jnp.ones(())})
    still = unit.between() if network.lengths is None else None
    return jnp.asarray(network.coupling.G), lambda w: operator(unit, imaginary(w[None]))[0] if still is None else still


def through_instrument(network, observation, x, w, e):
    """Apply the instrument's transfer function and, where noise has a memory, the noise's."""
    seen = instrument_transfer(observation, network.read(x, observation.reads), w)
    if network.colour is not None:
        tau = jnp.asarray(network.colour.tau)
        seen = seen / complexed(jnp.ones_like(w), w * tau)[:, None]
    return seen[:, :, None] * e


def with_drive(network, e):
    """Append the columns of a shared drive: every region's source of one kind, weighted by the region's gain."""
    if network.drive is None:
        return e
    gain = jnp.broadcast_to(jnp.asarray(network.drive.gain), (network.n,))
    kinds = e.reshape(*e.shape[:-1], -1, network.n)
    return jnp.concatenate([e, jnp.einsum("...mi,i->...m", kinds, complexed(gain))], axis=-1)
