"""What a Gaussian of a network's states leaves over in the equations of its higher moments: where a closure holds."""

import jax
import jax.numpy as jnp

from .cubature import root_of
from .noise import normals

FOURTH, THIRD = 0.65, 0.4    # what moments may miss before correlations are wrong by 0.02 and more (see the tests)
POINTS = 2048


def defect(network, moments, found):
    """Return what the Gaussian leaves over in the equations of third and fourth moments, in what is admissible.

    With ``q = d' P^-1 d`` stationarity asks for ``E L q^2 = 0`` and, of whitened ``b``, for ``E (q - d) b = 0``; linear
    regions satisfy both. A cycle under weak noise, whose true density is a ring, misses the first by far; spikes and
    jumps between two states the second. Both are taken relative to what noise adds to ``E q^2``.
    """
    with jax.ensure_compile_time_eval():
        key = jax.random.key(0, impl="threefry2x32")
    worst = []
    noise = network.diffusion(moments.mean)
    for name, _ in network.members:
        model, d = network.groups[name], len(network.groups[name].states)
        joint, size = found.joint[name], found.joint[name].shape[-1]
        z = normals(key, jnp.int32(0), POINTS, size).astype(joint.dtype)
        z = jnp.concatenate([z, -z])
        moved = jnp.einsum("nij,pj->pin", root_of(joint), z)
        mean = jnp.concatenate([moments.mean[name], found.heard[name]])
        f = jax.vmap(lambda v, m=model, d=d: m.drift(v[:d], v[d:]))(mean + moved)
        slopes = jnp.concatenate([found.A[name], found.B[name]], axis=-1)
        beyond = f - found.f[name] - jnp.einsum("nij,pjn->pin", slopes, moved)
        own = root_of(joint[:, :d, :d])
        weights = jax.scipy.linalg.cho_solve((own, True), jnp.moveaxis(moved[:, :d], 2, 0).swapaxes(1, 2))
        q = jnp.einsum("ndp,pdn->pn", weights, moved[:, :d])
        left = 4 * jnp.mean(q * jnp.einsum("ndp,pdn->pn", weights, beyond), axis=0)
        inverse = jax.scipy.linalg.cho_solve((own, True), jnp.broadcast_to(jnp.eye(d), own.shape))
        added = (4 + 2 * d) * jnp.einsum("ndd,dn->n", inverse, noise[name] ** 2)
        white = jnp.einsum("nde,pen->pnd", jnp.linalg.inv(own), beyond)
        skew = 2 * jnp.linalg.norm(jnp.mean((q - d)[..., None] * white, axis=0), axis=-1) * (4 + 2 * d)
        worst.append(jnp.max(jnp.maximum(jnp.abs(left) / FOURTH, skew / THIRD) / added))
    return jnp.stack(worst).max()
