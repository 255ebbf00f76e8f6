"""The simulated engine: a network and its instrument, step by step, of which only samples are kept."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from .delays import Delayed, Instant
from .noise import remembered
from .schemes import SCHEMES, advance

WARMUP = 0x77


class State(NamedTuple):
    """Where a simulation stands; hand it back as ``x0`` with the same key and it goes on as if never stopped.

    Attributes
    ----------
    x : dict of ``[d, n_g]``, the network
    h : ``[d, n]``, the instrument
    memory : past outputs, empty without delays
    step : steps since the end of the warm-up, negative during it
    eta : noise with a memory, by source, empty where noise is white
    left : (step, index) of the first value that was not finite, index -1 while there is none; only watched runs know
    """

    x: dict
    h: object
    memory: object
    step: object
    eta: object
    left: object


class Series(NamedTuple):
    """The signal ``[t, r]`` of sensors or regions, what regions sent ``[t, k, n]`` where asked, the last state."""

    signal: object
    outputs: object
    final: State


def integrate(network, observation, plan, key=None, *, noise=None, x0=None):
    """Simulate a network and what an instrument sees of it.

    Pure: it can be compiled (``plan`` static), differentiated in both modes, and batched over keys, parameters and
    starts. The last whole block is run to its end, so `Series.final` may lie a little after the last sample.

    Parameters
    ----------
    network : Network
    observation : Observation
    plan : Plan
        Made by `Plan.of` for this network; its parameters may move, its structure may not.
    key : typed key, optional
        Without key and noise the run is deterministic.
    noise : array ``[plan.steps, plan.sources.count]``, optional
        Standard normal numbers to use instead of drawn ones (`Sources.draw`); they do not serve the warm-up.
    x0 : State, or dict of arrays ``[d, n_g]``, optional
        Where to start; the models' own start otherwise. Past outputs have always been those of the start. A `State`
        needs no warm-up and gets none.

    Returns
    -------
    Series
    """
    dtype = jnp.dtype(plan.precision)
    network, observation = (jax.tree.map(lambda v: jnp.asarray(v, dtype), noun) for noun in (network, observation))
    state = _begun(network, observation, plan, x0, dtype)
    if plan.warmup and not isinstance(x0, State):
        # Nothing of the warm-up is differentiated: no residuals are kept, and chaos in it costs nothing.
        still, quiet = lax.stop_gradient((network, observation))
        early = None if key is None else jax.random.fold_in(key, WARMUP)
        state, _ = lax.scan(_group(still, quiet, plan, early), state, None, length=plan.warmup // plan.group)
        state = lax.stop_gradient(state)
    state, (signal, outputs) = _blocks(_group(network, observation, plan, key), state, plan, noise)
    signal = signal[: plan.samples]
    if plan.projected and observation.gain is not None:
        signal = signal @ observation.gain.T
    return Series(signal, None if outputs is None else outputs[: plan.samples], state)


def _begun(network, observation, plan, x0, dtype):
    if isinstance(x0, State):
        return x0
    x = jax.tree.map(lambda v: jnp.asarray(v, dtype), network.start() if x0 is None else x0)
    h = jnp.repeat(jnp.asarray(observation.start(), dtype)[:, None], network.n_seen, axis=1)
    return State(x=x, h=h, memory=_coupling(network, plan).start(network.output(x)),
                 step=jnp.full((), -plan.warmup, jnp.int32),
                 eta=() if network.colour is None else jnp.zeros(plan.sources.own, dtype),
                 left=jnp.full((2,), -1, jnp.int32))


def _coupling(network, plan):
    return Delayed(network, plan) if plan.history else Instant(network)


def _blocks(group, state, plan, noise):
    # checkpoints outside, samples inside; the scans differ in what they keep, never in what they compute
    groups = plan.steps // plan.group
    lengths = (groups,) if plan.block is None else (groups // plan.block, plan.block)
    if noise is not None:
        noise = noise.reshape(*lengths, plan.group // plan.chunk, plan.chunk, noise.shape[-1])
    if plan.block is None:
        state, kept = lax.scan(group, state, noise, length=lengths[0])
    else:
        block = partial(lax.scan, group, length=plan.block)
        if plan.checkpoint:
            block = jax.checkpoint(block, prevent_cse=False)
        state, kept = lax.scan(block, state, noise, length=lengths[0])
    return state, jax.tree.map(lambda v: v.reshape(-1, *v.shape[len(lengths) + 1:]), kept)


def _group(network, observation, plan, key):
    """Return the scan body of one group: some chunks, of which whole samples come out."""
    chunk = _chunk(network, observation, plan, key)
    if plan.checkpoint:
        chunk = jax.checkpoint(chunk, prevent_cse=False)

    def group(state, noise):
        if plan.group == plan.chunk:
            return chunk(state, None if noise is None else noise[0])
        state, (signal, outputs) = lax.scan(chunk, state, noise, length=plan.group // plan.chunk)
        return state, (_sampled(signal, plan.average), None if outputs is None else outputs[-1])

    return group


def _chunk(network, observation, plan, key):
    """Return the scan body of one chunk: noise, steps of the network, steps of the instrument."""
    coupling, root = _coupling(network, plan), plan.dt**0.5
    take_step = _step(network, observation, plan, coupling)

    def chunk(state, z):
        if plan.horizon is not None:
            given = state.step % plan.horizon == 0
            state = jax.tree.map(lambda v: jnp.where(given, lax.stop_gradient(v), v), state)
        if z is None and key is not None:
            z = plan.sources.draw(key, state.step, plan.chunk)
        if z is not None:
            z = plan.sources.mixed(network, root * z.astype(plan.precision))
        eta = state.eta
        if z is not None and network.colour is not None:
            eta, z = remembered(network.colour.tau, plan.dt, eta, z)
        memory = coupling.opened(state.memory, plan.chunk)
        at = jnp.arange(plan.chunk, dtype=jnp.int32)
        steps = (at, z, state.step + at)
        (x, memory, left), (drive, outputs) = lax.scan(take_step, (state.x, memory, state.left), steps)
        if observation.states or plan.average:
            # means over the steps, by the trapezoid: ends alone would come half a step late
            before = network.read(state.x, observation.reads)
            drive = 0.5 * (drive + jnp.concatenate([before[None], drive[:-1]]))
        h, signal = _seen(observation, plan, state.h, drive)
        if plan.watch:
            # the step was counted within the chunk
            fresh = (state.left[1] < 0) & (left[1] >= 0)
            left = left.at[0].add(jnp.where(fresh, state.step, 0))
        state = State(x, h, coupling.closed(memory, plan.chunk), state.step + plan.chunk, eta, left)
        per = max(plan.chunk // plan.every, 1)
        signal, outputs = jax.tree.map(lambda v: v.reshape(per, -1, *v.shape[1:]).swapaxes(0, 1), (signal, outputs))
        return state, (_sampled(signal, plan.average), None if outputs is None else outputs[-1])

    return chunk


def _step(network, observation, plan, coupling):
    """Return the scan body of one step."""
    scheme = SCHEMES[plan.scheme]

    def step(carry, at):
        (x, memory, left), (s, z, count) = carry, at
        y = network.output(x)
        memory = coupling.committed(memory, s, y)
        now = count.astype(plan.precision) * plan.dt
        held = coupling.input(memory, y, 0, now)

        def velocity(x, node):
            if node == 0 or plan.frozen_coupling:
                return network.drift(x, held)
            return network.drift(x, coupling.input(memory, network.output(x), node, now + node * plan.dt))

        kick = None if z is None else lambda x: plan.sources.enter(network.diffusion(x), z)
        x = advance(scheme, x, plan.dt, velocity, kick)
        if plan.watch:
            lost = ~jnp.isfinite(jnp.concatenate([x[name].ravel() for name, _ in network.members]))
            now = jnp.stack([s, jnp.argmax(lost).astype(jnp.int32)])
            left = jnp.where((left[1] < 0) & jnp.any(lost), now, left)
        return (x, memory, left), (network.read(x, observation.reads), network.output(x) if plan.outputs else None)

    return step


def _seen(observation, plan, h, drive):
    """Return the instrument's state and its signal ``[steps, n]`` for the drive ``[q, n]`` of every step."""
    if not observation.states:
        return h, jax.vmap(lambda u: observation.read(h, u))(drive)
    means = drive.reshape(-1, plan.ratio, drive.shape[1]).mean(1)

    def step(h, u):
        h = advance(SCHEMES["rk4"], h, plan.ratio * plan.dt, lambda h, _: observation.drift(h, u))
        return h, observation.read(h, u)

    return lax.scan(step, h, means)


def _sampled(values, average):
    """Return the mean over the first axis, or its last entry."""
    return values.mean(0) if average else values[-1]
