"""Memory of gradients: what is estimated before anything runs, beside what the compiled gradient takes."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nmfit.dynamics.plan import Plan
from nmfit.dynamics.simulated import integrate
from nmfit.models import Hopf, JansenRit, ReducedWongWang
from nmfit.network import Connectome, Network
from nmfit.observe import Balloon, Direct

N = 20
WEIGHTS = np.ones((N, N)) - np.eye(N)


def by(network, observation, *names):
    """Return what makes a network with new values of some parameters, and those values."""
    def build(values):
        return [(network.replace(values), observation)]

    return build, {name: jnp.asarray(network.value(name), float) for name in names}


def taken(plan, by):
    """Return the bytes that the compiled value and gradient of one run takes."""
    def value(values):
        (pair,) = by[0](values)
        return jnp.mean(integrate(*pair, plan, jax.random.key(0)).signal ** 2)

    return jax.jit(jax.value_and_grad(value)).lower(by[1]).compile().memory_analysis().temp_size_in_bytes


@functools.cache
def balloon():
    network = Network.of(WEIGHTS, ReducedWongWang(), G=0.02)
    return network, Plan.of(network, Balloon(), 60.0, dt=0.02, sample=0.72, warmup=0.0), by(network, Balloon(), "G")


def test_a_gradient_through_the_balloon_takes_what_was_estimated():
    network, plan, free = balloon()
    plan = dataclasses.replace(plan, checkpoint=False)
    told = plan.memory(network, Balloon(), free)
    assert taken(plan, free) / 1.1 < told < 1.3 * taken(plan, free)
    assert told < plan.memory(network, Balloon())


@pytest.mark.long
def test_the_budget_is_kept_through_the_balloon():
    network, plan, free = balloon()
    whole = dataclasses.replace(plan, checkpoint=False).memory(network, Balloon(), free)
    kept = plan.within(network, Balloon(), whole / 4, free)
    assert (kept.checkpoint, kept.block is None, kept.chunk) == (True, True, plan.chunk)
    budget = plan.memory(network, Balloon(), free) / 3
    tight = plan.within(network, Balloon(), budget, free)
    assert tight.chunk < plan.chunk
    assert taken(tight, free) < 1.1 * tight.memory(network, Balloon(), free) <= 1.1 * budget
    # where nothing fits, the least
    assert plan.within(network, Balloon(), 1.0, free).chunk < tight.chunk


def test_shorter_chunks_change_no_sample():
    network = Network.of(WEIGHTS, ReducedWongWang(), G=0.02)
    plan = Plan.of(network, Balloon(), 60.0, dt=0.02, sample=0.72, warmup=10.0)
    run = jax.jit(integrate, static_argnames="plan")
    tight = plan.within(network, Balloon(), plan.memory(network, Balloon()) / 3)
    assert tight.chunk < plan.chunk
    np.testing.assert_array_equal(*(run(network, Balloon(), p, jax.random.key(0)).signal for p in (plan, tight)))


@pytest.mark.long
@pytest.mark.parametrize("checkpoint", [False, True])
@pytest.mark.parametrize(("model", "dt", "delays"), [
    (Hopf(f=0.05), 0.12, False), (JansenRit(), 1e-3, False), (JansenRit(), 1e-3, True)])
def test_estimates_hold_for_models_and_delays(model, dt, delays, checkpoint):
    lengths = 50.0 * WEIGHTS
    network = Network.of(Connectome(WEIGHTS, lengths=lengths), model, G=0.1, delays=delays)
    plan = Plan.of(network, Direct(), 2000 * dt, sample=10 * dt, dt=dt, warmup=0.0)
    plan = dataclasses.replace(plan, checkpoint=checkpoint)
    free = by(network, Direct(), "G", "sigma")
    told = plan.memory(network, Direct(), free)
    assert taken(plan, free) / 1.1 < told < 1.6 * taken(plan, free)
