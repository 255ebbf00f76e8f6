"""Steps that fast rates do not shorten: exact where the network is linear, second order where it bends."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import solve_discrete_lyapunov

from nmfit.dynamics.exponential import ExactPlan, exact_runs, propagator, steps_exactly
from nmfit.dynamics.linearised import linearise
from nmfit.dynamics.plan import Plan
from nmfit.dynamics.simulated import integrate
from nmfit.dynamics.steps import coarse_step
from nmfit.fit import confirm
from nmfit.models import Hopf
from nmfit.network import Connectome, Network
from nmfit.observe import Direct

WEIGHTS = np.array([[0.0, 80.0, 0.1], [80.0, 0.0, 0.2], [0.1, 0.2, 0.0]])


@pytest.fixture
def stiff():
    """Return a network with one strong edge, whose fastest rate is 160 /s and slowest near 0.1."""
    return Network.of(Connectome(WEIGHTS), Hopf(a=np.array([-0.1, -0.2, -0.5]), sigma=0.02), G=1.0,
                      drive=np.array([0.5, 0.3, 1.0]))


@pytest.mark.parametrize("dt", [0.01, 0.5])
def test_linear_statistics_are_exact_at_any_step(stiff, dt):
    linear = linearise(stiff, Direct())
    first, second, bend, kick = (m.T.astype(float) for m in propagator(stiff, linear.x, dt))
    jacobian = bend @ np.linalg.inv(second)
    covariance = solve_discrete_lyapunov(np.eye(6) + first @ jacobian, kick @ kick.T)
    assert np.allclose(covariance[:3, :3], linear.covariance()[0], rtol=2e-3, atol=1e-7)


def test_what_bends_is_followed_to_second_order(stiff):
    # the two joined regions start together: while a fast start decays within a step, one order is lost
    start = {"all": jnp.array([[0.5, 0.5, 0.4], [0.3, 0.3, -0.5]])}
    fine = Plan.of(stiff, Direct(), 4.0, sample=0.5, dt=0.002, warmup=0.0, scheme="rk4")
    truth = np.asarray(integrate(stiff, Direct(), fine, x0=start).signal)
    off = []
    for dt in (0.1, 0.05):
        plan, by = ExactPlan.of(4.0, 0.5, dt, 0.0), propagator(stiff, stiff.start(), dt)
        still = by._replace(kick=np.zeros_like(by.kick))
        runs = exact_runs(stiff, Direct(), plan, still, start, jax.random.split(jax.random.key(0), 1))
        off.append(np.abs(np.asarray(runs[0]) - truth).max())
    assert off[0] < 2e-3
    assert off[1] < off[0] / 2.5


def test_a_stiff_network_is_confirmed_in_steps_that_it_does_not_shorten(stiff, monkeypatch):
    keys = jax.random.split(jax.random.key(0), 4)

    def simulator(network):
        fitted, acts = SimpleNamespace(network=network, abscissa=-0.1), [SimpleNamespace(network=network)]
        return confirm.simulator_of(fitted, acts, Direct(), 200.0, 2.0, keys)

    seen = []
    monkeypatch.setattr(confirm, "_runs", lambda *_: seen.append("coarse"))
    signals = simulator(stiff)(stiff, stiff.start())(stiff, Direct())
    assert signals.shape == (4, 100, 3)
    assert np.isfinite(signals).all()
    assert not seen
    mild = stiff.replace({"G": np.asarray(1e-3)})
    assert coarse_step(mild, Direct()) * confirm.WORTH > coarse_step(mild, Direct(), exact=True)
    simulator(mild)(mild, mild.start())(mild, Direct())
    assert seen == ["coarse"]


def test_delays_and_noise_with_a_memory_are_not_stepped_exactly(stiff):
    assert steps_exactly(stiff, Direct())
    coloured = Network.of(Connectome(WEIGHTS), Hopf(), noise_tau=0.5)
    delayed = Network.of(Connectome(WEIGHTS, lengths=100.0 * (WEIGHTS > 0)), Hopf(), delays=True)
    assert not steps_exactly(coloured, Direct())
    assert not steps_exactly(delayed, Direct())
