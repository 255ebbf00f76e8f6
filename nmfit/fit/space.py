"""Which parameters are free and how regions share them: basis matrices over unconstrained values."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import InputError
from ..parameters import declarations, pytree, static, to_bounded, to_free

FARTHEST = 30.0          # unconstrained: beyond it a bijection is flat and no gradient leads back
WIDEST = 5.0
DEEP = 5.0               # unconstrained: within 0.7 % of the range from a bound, beyond which going on costs
EDGE = 4.9               # the same, from which a value counts as at its bound
FLAT = 1e-3              # relative change of a value per unit, below which a bijection hides what the data say of it
INSIDE = 7.0             # unconstrained: within 0.1 % of the range from a bound, and no longer flat
SHARING = ("shared", "maps", "region")
INSTRUMENT = "bold."     # what the names of an instrument's parameters begin with


@pytree
class Block:
    """One parameter's freedom: ``value = bijection(origin + spread * basis @ theta)``.

    ``theta = 0`` is where the rung below ended, so a larger column space starts there and loses nothing. One unit of
    ``theta`` changes the value by about its own size, whatever the parameter.

    Attributes
    ----------
    origin : unconstrained value at the start, a number or ``[n]``
    spread : unconstrained change per unit of ``theta``, a number or ``[n]``
    basis : ``[n, p]``; None for one shared number; for edges the symmetric index pair ``(i, j)`` of each
    penalty : ``[p]``, weight of the Gaussian prior on each coordinate (0 for shared directions)
    name : the parameter's name in `Network.declared`
    bounds : its bounds
    centred : whether the regional factors keep the mean 1 (noise, whose scale FC cannot see)
    """

    origin: object
    spread: object
    basis: object
    penalty: object
    name: str = static(default="")
    bounds: tuple = static(default=(0.0, 1.0))
    centred: bool = static(default=False)

    def value(self, theta):
        """Return the parameter's value for the coordinates ``theta [p]``."""
        if self.name == "edge_gain":
            i, j = self.basis
            full = self.origin.at[i, j].add(theta)
            return full.at[j, i].add(theta)
        value = to_bounded(self.unbounded(theta), self.bounds)
        return value / jnp.mean(value) if self.centred else value

    def unbounded(self, theta):
        """Return the unconstrained value, a number or ``[n]``, for the coordinates ``theta [p]``."""
        return self.origin + self.spread * (theta[0] if self.basis is None else self.basis @ theta)


def place(network, blocks, theta):
    """Return the network with every block's parameter at ``theta`` (a dict by name)."""
    return network.replace({block.name: block.value(theta[block.name]) for block in blocks
                            if not block.name.startswith(INSTRUMENT)}).regulated()


def observed(observation, blocks, theta):
    """Return the instrument with its own parameters, those of blocks named ``bold.*``, at ``theta``."""
    values = {block.name.removeprefix(INSTRUMENT): block.value(theta[block.name]) for block in blocks
              if block.name.startswith(INSTRUMENT)}
    return dataclasses.replace(observation, **values) if values else observation


@dataclasses.dataclass(frozen=True)
class InstrumentNames:
    """An instrument under the names that its parameters are fitted under, for `shared_block`, `regional_block`."""

    observation: object
    n: int

    def declared(self):
        """Return the declarations by fitted name."""
        return {INSTRUMENT + name: declared for name, declared in declarations(self.observation).items()}

    def damped(self):
        """Return no narrower bounds."""
        return {}

    def value(self, name):
        """Return the value of a parameter."""
        return getattr(self.observation, name.removeprefix(INSTRUMENT))


def owner_of(network, observation, name):
    """Return what has a parameter of this fitted name: the network, or its instrument under such names."""
    return InstrumentNames(observation, network.n) if name.startswith(INSTRUMENT) else network


def values_of(network, observation, names):
    """Return ``{fitted name: value}``, each one number or one per region."""
    return {name: np.asarray(owner_of(network, observation, name).value(name), float) for name in names}


def penalty(blocks, theta):
    """Return the sum of squares of all shrunken coordinates."""
    return sum(jnp.sum(block.penalty * theta[block.name] ** 2) for block in blocks)


def depth(blocks, theta):
    """Return the sum over blocks of the mean square by which values lie deeper than `DEEP` towards a bound.

    There a bijection is flat: without a cost a search is thrown far out, from where no slope leads back, and what else
    is free of the parameter, its differences between regions, is lost with its level.
    """
    total = 0.0
    for block in blocks:
        if block.name != "edge_gain":
            for sign, flat in zip((-1.0, 1.0), flat_ends(block.bounds), strict=True):
                if flat:
                    total += jnp.mean(jnp.maximum(sign * block.unbounded(theta[block.name]) - DEEP, 0.0) ** 2)
    return total


def flat_ends(bounds):
    """Return whether a bijection is flat at its lower and its upper end, for a parameter's own size.

    Towards 0 a value keeps changing by its own size, and without a bound there is nothing to run into.
    """
    finite = bool(np.isfinite(bounds).all())
    return finite and bounds[0] != 0, finite and bounds[1] != 0


def origin_theta(blocks):
    """Return ``theta = 0`` for every block."""
    return {b.name: jnp.zeros(jnp.shape(b.penalty)) for b in blocks}


def as_theta(blocks, vector):
    """Return one vector of all coordinates as a dict by block, in order."""
    ends = np.cumsum([jnp.size(b.penalty) for b in blocks])
    return {b.name: jnp.reshape(vector[end - jnp.size(b.penalty):end], jnp.shape(b.penalty))
            for b, end in zip(blocks, ends, strict=True)}


def as_vector(blocks, theta):
    """Return the coordinates of all blocks as one vector: `as_theta` the other way."""
    return jnp.concatenate([jnp.ravel(theta[b.name]) for b in blocks])


def free_count(blocks):
    """Return how many directions are free: the rank of each basis, beside the constant where a mean is fixed."""
    total = 0
    for block in blocks:
        if not is_free(block):
            continue
        if block.basis is None:
            total += 1
        elif block.name == "edge_gain":
            total += int(block.basis[0].size)
        else:
            basis = np.asarray(block.basis)
            basis = np.column_stack([basis, np.ones(len(basis))]) if block.centred else basis
            total += int(np.linalg.matrix_rank(basis)) - block.centred
    return total


def near_bound(value, bounds):
    """Return where a value has run into a bound of its own, as a mask."""
    free = np.asarray(to_free(np.clip(np.atleast_1d(np.asarray(value, float)), *bounds), bounds))
    low, high = flat_ends(bounds)
    return (low & (free < -EDGE)) | (high & (free > EDGE))


def at_bound(blocks, theta):
    """Return the names of the free parameters of which a value has run into its bound."""
    return [b.name for b in blocks if b.name != "edge_gain" and is_free(b)
            and near_bound(b.value(theta[b.name]), b.bounds).any()]


def off_bounds(blocks, theta):
    """Return blocks and coordinates at the same values, but for those that a bijection holds fast at a bound.

    These move a thousandth of their range inside, where a derivative by the coordinates tells what the value does.
    Shapes and bounds stay, so that nothing compiles again.
    """
    moved, at = [], dict(theta)
    for block in blocks:
        if block.name == "edge_gain" or not is_free(block) or not all(np.isfinite(block.bounds)):
            moved.append(block)
            continue
        free = block.unbounded(theta[block.name])
        value, slope = _with_slope(free, block.bounds)
        free = jnp.where(slope < FLAT * jnp.abs(value), jnp.clip(free, -INSIDE, INSIDE), free)
        moved.append(dataclasses.replace(block, origin=free))
        at[block.name] = jnp.zeros_like(theta[block.name])
    return tuple(moved), at


def is_free(block):
    """Return whether a block has any direction to move in."""
    return block.basis is None or block.name == "edge_gain" or bool(np.any(np.asarray(block.basis)))


def shared_block(network, name):
    """Free one number for all regions."""
    return _block(network, name, None, np.zeros(1))


def regional_block(network, name, maps, *, level=False, along_maps=False, regions=False, known_level=True,
                   slowest=0.0, fastest=None):
    """Free a parameter over regions: one level, one slope per map, every region, or none of these.

    Columns that are not free are zero, so that every rung has one shape and compiles once. Regions are shrunken
    towards the rung below; level and slopes move at no cost.

    Parameters
    ----------
    network : Network
    name : str
    maps : array ``[m, n]``, z-scored
    level, along_maps, regions : bool
        What is free.
    known_level : bool
        Whether the data tell the level; if not, regional values keep it.
    slowest : float
        1/s; a damping rate stays at least this far from 0, since a recording shows no slower mode.
    fastest : float, optional
        1/s; how fast it may be, in place of the model's own bound.
    """
    at, maps = regions_of(network, name), np.asarray(maps)
    n, maps = at.size, maps[:, at]
    each = np.eye(n) if known_level else np.eye(n) - 1.0 / n
    basis = np.concatenate([np.ones((1, n)) * (level and known_level), maps * along_maps, each * regions]).T
    penalty_of = np.concatenate([np.zeros(1 + len(maps)), np.ones(n)])
    return _block(network, name, basis, penalty_of, slowest, fastest)


def regions_of(owner, name):
    """Return the regions that a parameter belongs to: those of its group, where the name has one."""
    members = dict(getattr(owner, "members", ()))
    return np.array(members.get(name.rpartition(".")[0], range(owner.n)))


def freed(network, observation, name, sharing, maps):
    """Return the block that frees a parameter of a network, or of its instrument, by its name.

    Raises
    ------
    InputError
        For an unknown name or way of sharing.
    """
    if sharing not in SHARING:
        raise InputError(f"free '{name}'", f"found {sharing!r}", "Choose one.", ", ".join(SHARING))
    owner = owner_of(network, observation, name)
    if name not in owner.declared():
        raise InputError(f"free '{name}'", f"this {'instrument' if owner is not network else 'network'} has none of "
                         "that name", f"Choose from {', '.join(owner.declared()) or 'another instrument'}.")
    if sharing == "shared":
        return shared_block(owner, name)
    return regional_block(owner, name, maps, level=True, along_maps=True, regions=sharing == "region")


def edge_block(network):
    """Free the log-gain of every existing edge, both directions as one, shrunken towards no change."""
    i, j = np.nonzero(np.triu(np.asarray(network.weights), 1))
    origin = jnp.broadcast_to(jnp.asarray(network.edge_gain), (network.n, network.n))
    return Block(origin=origin, spread=jnp.ones(()), basis=(jnp.asarray(i), jnp.asarray(j)), penalty=jnp.ones(i.size),
                 name="edge_gain", bounds=(-np.inf, np.inf))


def _block(network, name, basis, weights, slowest=0.0, fastest=None):
    bounds = network.declared()[name].bounds
    if name in network.damped():
        low, high = network.damped()[name]
        low = low if fastest is None or high >= 0 else -fastest         # below zero it is a rate of growth
        bounds = (low, min(high, -slowest) if high < 0 else high)
    value = np.asarray(network.value(name), dtype=float)
    if basis is not None:
        value = np.broadcast_to(value, (len(basis),))
    origin, spread = frame(jnp.asarray(value), bounds)
    return Block(origin=origin, spread=spread, basis=None if basis is None else jnp.asarray(basis),
                 penalty=jnp.asarray(weights), name=name, bounds=bounds, centred=name == "noise")


@functools.partial(jax.jit, static_argnames="bounds")
def frame(value, bounds):
    """Return the unconstrained origin of a value and how far there a change by its own size is."""
    origin = jnp.clip(to_free(jnp.clip(value, *bounds), bounds), -FARTHEST, FARTHEST)
    value, slope = _with_slope(origin, bounds)
    return origin, jnp.minimum(jnp.median(jnp.abs(value) / slope), WIDEST)


def _with_slope(free, bounds):
    """Return values for unconstrained ones, and the size of their derivatives."""
    value, slope = jax.jvp(lambda z: to_bounded(z, bounds), (free,), (jnp.ones_like(free),))
    return value, jnp.abs(slope)
