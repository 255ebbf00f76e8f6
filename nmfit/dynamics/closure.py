"""Statistical linearisation: means and covariances of a network that are consistent with each other.

Every function of a region is replaced by its mean and its mean slope over the Gaussian of the region's states and
inputs; the linear network so made has a covariance, and it must be the one that was averaged over:
``E f(x, c) = 0``, ``A S + S A' + Q = 0`` with ``A = E Df``. For a Stuart-Landau oscillator that is
``a_eff = a - 4 v``. Nothing is written per model. Small noise gives the linear engine back.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy.sparse.linalg import gmres

from ..errors import InputError
from .averaged import Averaged
from .cubature import averaged
from .defect import defect
from .fixed_point import fixed_point
from .local import complexed
from .noise import Sources

MARCH, NEAR = 150, 1e-3      # steps of the march, and where Newton takes over
NEWTON, ACCEPTED = 6, 1e-7


class Moments(NamedTuple):
    """Means ``{group: [d, n_g]}`` and the covariance of all states, group by group and region by region."""

    mean: dict
    covariance: jax.Array


class Closed(NamedTuple):
    """A network under the closure.

    Attributes
    ----------
    network : with `Averaged` groups
    x : their means
    residual, converged
    defect : what third and fourth moments miss, in units of what is admissible; largest over regions
    """

    network: object
    x: dict
    residual: jax.Array
    converged: jax.Array
    defect: jax.Array


def close(network, reads, found=None):
    """Find the self-consistent moments of a network and the linear network that has them.

    Parameters
    ----------
    network : Network without delays and with white noise
    reads : "bold_drive" or "eeg_source"
    found : Consistent, optional
        What `consistent` returns for this network; looked for unless given.

    Returns
    -------
    Closed
        Differentiable, by the implicit function theorem: one last Newton step with its matrix held.
    """
    if network.lengths is not None or network.colour is not None:
        has = "delays" if network.lengths is not None else "noise with a memory"
        raise InputError("closure", f"the network has {has}", "Use closure=False, or simulate.")
    still = lax.stop_gradient(network)
    moments, whole, residual = lax.stop_gradient(consistent(still) if found is None else found)
    step = _newton_step(still, moments, whole, _judged(network, moments).left)
    moments = jax.tree.map(jnp.subtract, moments, step)
    return closed_at(network, moments, reads, residual)


def closed_at(network, moments, reads, residual=None):
    """Return the network that has the average slopes of these moments; their own residual unless one is given."""
    still = lax.stop_gradient(network)
    if residual is None:
        residual = _judged(still, moments).size
    found = _averages(network, moments, reads)
    groups = {}
    noisy = {name: states for name, _, states in Sources.of(network).groups}
    for name, model in network.groups.items():
        turns = model.rotation is not None and len(network.members) == 1 and not network.stimuli
        groups[name] = Averaged(mean=moments.mean[name], heard=found.heard[name], A=found.A[name], B=found.B[name],
                                sent=found.sent[name], C=found.C[name], read=found.read[name], R=found.R[name],
                                noise=model.diffusion(moments.mean[name]), noisy=noisy[name], turns=turns,
                                states=model.states, channels=model.channels, coupling=model.coupling,
                                time_scale=model.time_scale)
    linear = network.with_groups(groups)
    finite = jnp.all(jnp.stack([jnp.all(jnp.isfinite(v)) for v in jax.tree.leaves(moments)]))
    return Closed(linear, moments.mean, residual, (residual < ACCEPTED) & finite,
                  lax.stop_gradient(defect(still, moments, found)))


class _Averages(NamedTuple):
    f: dict
    A: dict
    B: dict
    heard: dict
    sent: dict
    C: dict
    read: dict
    R: dict
    joint: dict
    whole: jax.Array


def _places(network):
    """Return where each group's states lie in the covariance."""
    places, offset = {}, 0
    for name, at in network.members:
        d = len(network.groups[name].states)
        places[name] = (offset, d, len(at))
        offset += d * len(at)
    return places


def _own_blocks(covariance, place):
    offset, d, n = place
    block = covariance[offset:offset + d * n, offset:offset + d * n].reshape(n, d, n, d)
    i = jnp.arange(n)
    return block[i, :, i, :]


def _averages(network, moments, reads=None):
    """Average every function of every region over its own Gaussian."""
    places, members = _places(network), dict(network.members)
    covariance, size = moments.covariance, moments.covariance.shape[0]
    sent, C, read, R, wired = {}, {}, {}, {}, []
    for name, at in network.members:
        model, own = network.groups[name], _own_blocks(covariance, places[name])
        sent[name], C[name] = averaged(model.output, moments.mean[name], own)
        observable = getattr(model, reads or "", None)
        if observable is None:
            read[name], R[name] = jnp.zeros((1, len(at))), jnp.zeros((len(at), 1, len(model.states)))
        else:
            read[name], R[name] = averaged(lambda x, g=observable: g(x)[None], moments.mean[name], own)
        on_wires = jax.vmap(lambda column, g=name: network.wiring.sent(g, column), 2, 2)(jnp.moveaxis(C[name], 0, 1))
        i = jnp.arange(len(at))
        rows = jnp.zeros((on_wires.shape[0], len(at), len(at), len(model.states)), covariance.dtype)
        wired.append((jnp.array(at), rows.at[:, i, i].set(on_wires).reshape(*rows.shape[:2], -1)))
    wires = wired[0][1].shape[0]
    output = jnp.zeros((wires, network.n, size), covariance.dtype)
    for (name, _), (at, rows) in zip(network.members, wired, strict=True):
        offset, d, n = places[name]
        output = output.at[:, at, offset:offset + d * n].set(rows)
    heard = jnp.einsum("ij,kjN->kiN", network.between(), output)
    mean_heard = network.input(network.in_order({g: network.wiring.sent(g, sent[g]) for g in sent}))
    f, A, B, c, joint, rows = {}, {}, {}, {}, {}, []
    for name, at in network.members:
        model, (offset, d, n) = network.groups[name], places[name]
        c[name] = network.wiring.received(name, mean_heard[:, jnp.array(members[name])])
        into = jax.vmap(lambda column, g=name: network.wiring.received(g, column), 2, 2)(heard[:, jnp.array(at)])
        moved = into @ covariance                                                  # [k, n, N]
        i = jnp.arange(n)
        with_x = moved[:, :, offset:offset + d * n].reshape(-1, n, n, d)[:, i, i]   # [k, n, d]
        with_c = jnp.einsum("knN,lnN->nkl", moved, into)
        own = _own_blocks(covariance, places[name])
        cross = jnp.moveaxis(with_x, 0, 1)
        joint[name] = jnp.block([[own, jnp.swapaxes(cross, 1, 2)], [cross, with_c]])
        both = jnp.concatenate([moments.mean[name], c[name]])
        f[name], slopes = averaged(lambda z, m=model, d=d: m.drift(z[:d], z[d:]), both, joint[name])
        A[name], B[name] = slopes[:, :, :d], slopes[:, :, d:]
        row = jnp.einsum("ndk,knN->ndN", B[name], into)
        block = row[:, :, offset:offset + d * n].reshape(n, d, n, d).at[i, :, i, :].add(A[name])
        rows.append(row.at[:, :, offset:offset + d * n].set(block.reshape(n, d, -1)).reshape(n * d, -1))
    return _Averages(f, A, B, c, sent, C, read, R, joint, jnp.concatenate(rows))


def _intensity(network, mean):
    """Return the noise intensity of all states, the shared drive's included."""
    amplitudes = network.diffusion(mean)
    noise = jnp.concatenate([amplitudes[name].T.reshape(-1) for name, _ in network.members])
    Q = jnp.diag(noise**2)
    if network.drive is not None:
        # One shared source for each kind of state, as the engines have it.
        gain = jnp.broadcast_to(jnp.asarray(network.drive.gain), (network.n,))
        kinds = jnp.concatenate([jnp.tile(jnp.arange(len(network.groups[name].states)), len(at))
                                 for name, at in network.members])
        gains = jnp.concatenate([jnp.repeat(gain[jnp.array(at)], len(network.groups[name].states))
                                 for name, at in network.members])
        shared = noise * gains
        Q = Q + jnp.where(kinds[:, None] == kinds, shared[:, None] * shared, 0.0)
    return Q


class _Judged(NamedTuple):
    """The average slopes of all states, what they leave over of the moments' equations, and how much that is."""

    whole: jax.Array
    left: Moments
    size: jax.Array


def _judged(network, moments):
    found = _averages(network, moments)
    moved = found.whole @ moments.covariance
    left = Moments(found.f, moved + moved.T + _intensity(network, moments.mean))
    return _Judged(found.whole, left, _size(network, moments, left))


def _flat(network, by_group):
    return jnp.concatenate([by_group[name].T.reshape(-1) for name, _ in network.members])


def _grouped(network, flat):
    return {name: flat[o:o + d * n].reshape(n, d).T for name, (o, d, n) in _places(network).items()}


def _size(network, moments, residual):
    """Return how far moments are from consistent, relative to the noise and to the speed of the regions."""
    Q = _intensity(network, moments.mean)
    deviation = jnp.sqrt(jnp.maximum(jnp.diagonal(moments.covariance), 1e-30))
    rate = 1.0 / min(model.time_scale for model in network.groups.values())
    drift = jnp.max(jnp.abs(_flat(network, residual.mean)) / (deviation * rate))
    scaled = residual.covariance / (deviation[:, None] * deviation)
    floor = jnp.max(jnp.abs(Q / (deviation[:, None] * deviation)))
    return jnp.maximum(jnp.max(jnp.abs(scaled)) / floor, drift)


def _modes(whole):
    values, vectors = jnp.linalg.eig(whole)
    return values, vectors, jnp.linalg.inv(vectors)


def _lyapunov(modes, right, shift):
    """Solve ``(A - shift/2) X + X (A - shift/2)' = right``."""
    values, vectors, inverse = modes
    inside = inverse @ complexed(right) @ inverse.T
    inside = inside / (values[:, None] + values - complexed(shift))
    return jnp.real(vectors @ inside @ vectors.T)


class Consistent(NamedTuple):
    """Moments that are consistent with the slopes that they average, all states' slopes, and how far off they are."""

    moments: Moments
    whole: jax.Array
    residual: jax.Array


def consistent(network):
    """Return the self-consistent moments of a network: implicit steps with slopes held, then Newton's.

    Its derivative means nothing; `close` has it.
    """
    at_rest = fixed_point(network)
    started = network.start()
    mean = {g: jnp.where(at_rest.converged, at_rest.x[g], started[g]) for g in started}
    scale = max(model.time_scale for model in network.groups.values())
    first = Moments(mean, _intensity(network, mean) * min(m.time_scale for m in network.groups.values())
                    + 1e-14 * jnp.eye(sum(v.size for v in mean.values())))

    # Averages are the dear part: each loop has them once, and hands them on with the moments.
    def march(carry):
        (moments, judged), rate, count = carry
        modes = _modes(judged.whole)
        rate_now = jnp.maximum(rate, 4.0 * jnp.max(jnp.real(modes[0])))
        covariance = _lyapunov(modes, -_intensity(network, moments.mean) - rate_now * moments.covariance, rate_now)
        values, vectors, inverse = modes
        step = jnp.real(vectors @ ((inverse @ complexed(_flat(network, judged.left.mean)))
                                   / (complexed(rate_now) - values)))
        shift = _grouped(network, step)
        moved = Moments({g: moments.mean[g] + shift[g] for g in shift}, 0.5 * (covariance + covariance.T))
        after = _judged(network, moved)
        good = jnp.isfinite(after.size)
        faster = jnp.where(after.size < 0.6 * judged.size, 0.6, jnp.where(after.size > 0.95 * judged.size, 1.6, 0.95))
        return (_either(good, (moved, after), (moments, judged)), jnp.where(good, rate_now * faster, 4 * rate),
                count + 1)

    def unfinished(carry):
        return (carry[0][1].size > NEAR) & (carry[2] < MARCH)

    begin = first, _judged(network, first)
    begin, _, _ = lax.while_loop(unfinished, march, (begin, jnp.asarray(1.0 / scale), 0))

    def newton(carry):
        (moments, judged), count = carry
        step = _newton_step(network, moments, judged.whole, judged.left)
        moved = jax.tree.map(jnp.subtract, moments, step)
        after = _judged(network, moved)
        better = jnp.isfinite(after.size) & (after.size < judged.size)
        return _either(better, (moved, after), (moments, judged)), jnp.where(better, count + 1, NEWTON)

    def rough(carry):
        return (carry[0][1].size > 1e-2 * ACCEPTED) & (carry[1] < NEWTON)

    (moments, judged), _ = lax.while_loop(rough, newton, (begin, 0))
    return Consistent(moments, judged.whole, judged.size)


def _either(first, one, other):
    return jax.tree.map(lambda a, b: jnp.where(first, a, b), one, other)


def _newton_step(network, moments, whole, residual):
    """Return ``J^-1 residual``, with the Jacobian of a network without gradients, by GMRES behind frozen slopes."""
    modes, factors = _modes(whole), jnp.linalg.inv(whole)

    def behind(r):
        mean = _grouped(network, factors @ _flat(network, r.mean))
        right = 0.5 * (r.covariance + r.covariance.T)
        return Moments(mean, _lyapunov(modes, right, jnp.zeros(())))

    linear = jax.linearize(lambda u: _judged(network, u).left, moments)[1]
    z, _ = gmres(lambda r: linear(behind(r)), residual, tol=1e-11, atol=0.0, restart=40, maxiter=5,
                 solve_method="batched")
    return behind(z)
