"""What a gradient through a simulation keeps in memory, read off its own trace."""

import dataclasses
from typing import NamedTuple

import jax
import numpy as np

from .simulated import integrate

CHUNKS = 7                 # traced, not run: what is stacked so many times is kept by each


class Kept(NamedTuple):
    """Bytes that the derivative of some runs keeps: by every chunk of steps, and once."""

    chunk: float
    once: float
    runs: int


def kept(plan, network, observation, by=None):
    """Return what the derivative of a simulation keeps where nothing is computed again.

    Nothing is run: the derivative is traced, and what its forward pass hands to its backward pass is counted; further
    what a compiler lays beside it for every step: noise, readings and their slopes, the past that is being filled.

    Parameters
    ----------
    plan : Plan
    network, observation
    by : (function, values), optional
        What is free: the function makes of such values the pairs of network and instrument that are run under one
        noise. Everything but the connectome of the one network unless given.
    """
    samples = CHUNKS * max(1, plan.chunk // plan.every)
    short = dataclasses.replace(plan, every=min(plan.every, plan.chunk), samples=samples, block=None, checkpoint=False,
                                warmup=0)
    fixed = {name: getattr(network, name) for name in ("weights", "lengths", "edge_gain")}
    build, values = by or (lambda pair: [(dataclasses.replace(pair[0], **fixed), pair[1])], (network, observation))

    def run(values):
        return [integrate(*pair, short, jax.random.key(0, impl="threefry2x32")).signal for pair in build(values)]

    with jax.enable_x64(True):
        values = jax.tree.map(lambda v: jax.ShapeDtypeStruct(np.shape(v), plan.precision), values)
        signals, back = jax.eval_shape(lambda v: jax.vjp(run, v), values)
    leaves = [v for v in jax.tree.leaves(back) if not jax.dtypes.issubdtype(v.dtype, jax.dtypes.extended)]
    stacked = [v for v in leaves if v.shape[:1] == (CHUNKS,)]
    sizes = [sum(v.size * v.dtype.itemsize for v in part) for part in (leaves, stacked)]
    size, runs = np.dtype(plan.precision).itemsize, len(signals)
    beside = size * plan.chunk * (plan.sources.count + 2 * network.n_seen)
    rows = size * len(network.channels) * network.n * (plan.history + plan.chunk) if plan.history else 0
    return Kept(sizes[1] / CHUNKS + runs * beside, sizes[0] - sizes[1] + runs * rows, runs)
