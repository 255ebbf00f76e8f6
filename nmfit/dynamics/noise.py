"""Noise: which states have it, and normal numbers that depend on the key, the step and the source alone.

A number is a function of its place. So a longer run, another chunk, another block of checkpoints or a batch never
changes what was drawn before, and nothing has to be kept to draw it again in the backward pass.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from ..parameters import declarations

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
OWN, SHARED = 0, 1


def threefry(key, counter):
    """Return Threefry-2x32 with 20 rounds, two words from a key and a counter of two words each (uint32).

    Written out, because unrolled rounds fuse with what turns bits into normal numbers: half the time of
    `jax.random.normal` on a CPU.

    References
    ----------
    Salmon, Moraes, Dror & Shaw 2011, Parallel random numbers: as easy as 1, 2, 3, SC11.
    """
    schedule = (key[0], key[1], key[0] ^ key[1] ^ jnp.uint32(0x1BD11BDA))
    a, b = counter[0] + schedule[0], counter[1] + schedule[1]
    for block in range(5):
        for turn in ROTATIONS[block % 2]:
            a = a + b
            b = ((b << jnp.uint32(turn)) | (b >> jnp.uint32(32 - turn))) ^ a
        a = a + schedule[(block + 1) % 3]
        b = b + schedule[(block + 2) % 3] + jnp.uint32(block + 1)
    return a, b


def normals(key, first, steps, sources, stream=OWN):
    """Return standard normal numbers ``[steps, sources]`` in float32.

    The number at step t and source i is a function of ``(key, stream, t, i)``. float32 in every precision: 24 bits
    of a normal number are more than a simulation can tell, cost a quarter of 53, and let runs in both precisions
    share their noise.

    Parameters
    ----------
    key : typed key of ``jax.random`` (Threefry)
    first : int32, step of the first row
    steps, sources : int
    stream : int
        Keeps the shared sources apart from the regions' own.
    """
    words = jax.random.key_data(key)
    if words.shape != (2,):
        raise ValueError(f"a Threefry key is needed, found key data of shape {words.shape}")
    pairs = (sources + 1) // 2
    when = (first + jnp.arange(steps, dtype=jnp.int32)).astype(jnp.uint32)[:, None]
    where = jnp.arange(pairs, dtype=jnp.uint32)[None] + jnp.uint32(stream << 31)
    shape = (steps, pairs)
    bits = threefry(words, (jnp.broadcast_to(when, shape), jnp.broadcast_to(where, shape)))
    bits = jnp.concatenate(bits, axis=1)[:, :sources]
    # 24 bits to the open interval (-1, 1), symmetric about 0 and exact in float32
    uniform = (bits >> jnp.uint32(8)).astype(jnp.float32) * jnp.float32(2**-23) + jnp.float32(2**-24 - 1)
    return jnp.float32(2**0.5) * jax.lax.erf_inv(uniform)


def remembered(tau, dt, eta, kicks):
    """Return the last noise and what Ornstein-Uhlenbeck noise adds in every step, ``[steps, sources]``.

    ``tau d eta = -eta dt + dW`` by the trapezoid, whose variance ``1 / (2 tau)`` is exact at every step, and whose
    sum over steps is that of the white noise less ``tau`` times the change of ``eta``.

    Parameters
    ----------
    tau, dt : float
    eta : ``[sources]``
    kicks : ``[steps, sources]``, increments dW
    """
    keep, let = (1 - dt / (2 * tau)) / (1 + dt / (2 * tau)), 1 / (tau + dt / 2)

    def step(eta, kick):
        after = keep * eta + let * kick
        return after, 0.5 * dt * (eta + after)

    return jax.lax.scan(step, eta, kicks)


@dataclasses.dataclass(frozen=True)
class Sources:
    """Which states of which group have noise: known before anything runs, so only they are drawn.

    Attributes
    ----------
    groups : tuple of (name, regions, tuple of state indices)
    shared : tuple of state indices that a shared drive enters, empty without one
    """

    groups: tuple
    shared: tuple = ()

    @classmethod
    def of(cls, network):
        """Find the noisy states of a network from its models' diffusion at the declared defaults."""
        found = tuple((name, len(at), getattr(network.groups[name], "noisy", None) or _noisy(network.groups[name]))
                      for name, at in network.members)
        indices = sorted({state for _, _, states in found for state in states})
        return cls(groups=found, shared=() if network.drive is None else tuple(indices))

    @property
    def own(self):
        """Number of sources that belong to one state of one region."""
        return sum(regions * len(states) for _, regions, states in self.groups)

    @property
    def count(self):
        """Number of sources, shared ones included."""
        return self.own + len(self.shared)

    def draw(self, key, first, steps):
        """Return ``[steps, count]`` standard normal numbers, the regions' own first."""
        own = normals(key, first, steps, self.own)
        if not self.shared:
            return own
        return jnp.concatenate([own, normals(key, first, steps, len(self.shared), SHARED)], axis=1)

    def mixed(self, network, z):
        """Return ``xi_i + gain_i xi_0`` of every own source, ``[steps, own]``."""
        own = z[:, : self.own]
        if not self.shared:
            return own
        gain, members = jnp.broadcast_to(network.drive.gain, (network.n,)), dict(network.members)
        common = [z[:, self.own + self.shared.index(state), None] * gain[np.array(members[name])]
                  for name, _, states in self.groups for state in states]
        return own + jnp.concatenate(common, axis=1)

    def enter(self, amplitudes, z):
        """Return amplitude times number for every state, a dict of ``[d, n_g]``, zero where there is no noise."""
        kicks, offset = {}, 0
        for name, regions, states in self.groups:
            amplitude, end = amplitudes[name], offset + regions * len(states)
            numbers = z[offset:end].reshape(len(states), regions)
            offset = end
            if len(states) == amplitude.shape[0]:
                kicks[name] = amplitude * numbers
                continue
            rows = [jnp.zeros_like(row) for row in amplitude]
            for row, state in enumerate(states):
                rows[state] = amplitude[state] * numbers[row]
            kicks[name] = jnp.stack(rows)
        return kicks


def _noisy(model):
    # At the declared defaults, since a parameter may be traced, or zero today and fitted tomorrow.
    usual = dataclasses.replace(model, **{name: d.default for name, d in declarations(model).items()})
    leaves, structure = jax.tree.flatten(usual)
    numbers = all(isinstance(leaf, int | float) for leaf in leaves)
    find = _noisy_as_declared if numbers else _noisy_as_declared.__wrapped__
    return find(type(model), structure, tuple(leaves))


@functools.cache
def _noisy_as_declared(kind, structure, leaves):
    # Structure, not values, also where the caller is being traced. Once per kind, so nothing need be compiled for it.
    del kind                                           # in the key only
    model = jax.tree.unflatten(structure, leaves)
    with jax.ensure_compile_time_eval(), jax.enable_x64(True):
        start = jnp.asarray(model.start())
        probes = [np.asarray(model.diffusion(start * stretch + shift)) for stretch, shift in ((1.0, 0.0), (1.1, 0.05))]
    return tuple(int(i) for i in np.flatnonzero(np.any([p != 0 for p in probes], axis=0)))
