"""Locked phases, the noise around them, and fits that begin there."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import solve_continuous_lyapunov

import nmfit
from nmfit.compare.scans import scan_target
from nmfit.dynamics.locked import locked, velocity
from nmfit.fit.skeleton import begun_locked
from nmfit.models import Hopf, Kuramoto
from nmfit.network import Connectome, Network
from nmfit.observe import Direct

N, TR, BAND = 6, 2.0, (0.01, 0.1)
F = np.linspace(0.04, 0.06, N)[[2, 0, 4, 1, 5, 3]]
RAW = np.random.default_rng(0).uniform(0.1, 1.0, (N, N))
np.fill_diagonal(RAW, 0.0)
_locked = jax.jit(locked)


def directed(G=0.12, sigma=0.1, f=F, alpha=0.2):
    return Network.of(Connectome(RAW, symmetric=False), Kuramoto(f=f, sigma=sigma, alpha=alpha), G=G, drive=0.5)


def test_phases_lock_where_an_integrator_ends():
    def turning(_, theta):
        return 2 * np.pi * F + 0.12 * np.sum(RAW * np.sin(theta[None] - theta[:, None] - 0.2), axis=1)

    end = solve_ivp(turning, (0.0, 600.0), np.zeros(N), rtol=1e-10, atol=1e-10).y[:, -1]
    found = _locked(directed())
    assert bool(found.settled)
    assert bool(found.stable)
    np.testing.assert_allclose(found.phases, end - end.mean(), atol=1e-6)


def test_differences_vary_as_lyapunov_says():
    network = directed()
    found = _locked(network)
    # An oracle in other coordinates: differences to the last region, which have no neutral direction.
    J = np.asarray(jax.jacfwd(lambda p: velocity(network, p))(found.phases))
    np.testing.assert_allclose(J.sum(1), 0.0, atol=1e-12)
    D = np.eye(N)[:-1] - np.eye(N)[-1]
    back = np.linalg.pinv(D)
    Q = 0.01 * (np.eye(N) + 0.25)
    C = back @ solve_continuous_lyapunov(D @ J @ back, -D @ Q @ D.T) @ back.T
    V = np.diag(C)[:, None] + np.diag(C) - 2 * C
    phases = np.asarray(found.phases)
    np.testing.assert_allclose(found.fc, np.cos(phases[:, None] - phases) * np.exp(-V / 2), atol=1e-12)


def test_fc_of_locked_phases_is_what_simulation_shows():
    network = directed(sigma=0.05)
    data = nmfit.simulate(network, 4000.0, observe=Direct(), sample=1.0, dt=0.1, runs=4, seed=1).data
    shown = np.mean([np.corrcoef(run.T) for run in data], axis=0)
    assert np.abs(shown - np.asarray(_locked(network).fc)).max() < 0.01
    assert 1 - shown.min() > 0.05


def test_derivatives_equal_differences():
    @jax.jit
    def total(values):
        return jnp.sum(locked(directed().replace(values)).fc)

    at = {"G": 0.12, "sigma": 0.1, "alpha": 0.2, "f": jnp.asarray(F)}
    move = {"G": 0.3, "sigma": -0.2, "alpha": 0.4, "f": 0.02 * jnp.linspace(0.0, 5.0, N)}
    slope = jax.jvp(total, (at,), (move,))[1]
    h = 1e-5
    ends = [total({k: v + sign * h * move[k] for k, v in at.items()}) for sign in (1, -1)]
    assert float(slope) == pytest.approx(float(ends[0] - ends[1]) / (2 * h), rel=1e-6)
    gradient = jax.jit(jax.grad(total))(at)
    assert float(sum(jnp.sum(gradient[k] * jnp.asarray(move[k])) for k in at)) == pytest.approx(float(slope), rel=1e-9)


def test_too_weak_a_coupling_locks_nothing():
    found = _locked(directed(G=0.001))
    assert not found.stable
    assert np.isnan(found.fc).all()


@pytest.fixture(scope="module")
def target():
    data = nmfit.simulate(rhythm(F), 500.0, sample=TR, dt=0.2, runs=4, seed=2).data
    return scan_target(list(data[:2]), heldout=list(data[2:]), tr=TR, band=BAND, window=40.0, step=20.0)


def rhythm(f=0.05, G=0.05, sigma=0.15):
    return Network.of(RAW + RAW.T, Kuramoto(f=f, sigma=sigma), G=G)


def test_a_fit_begins_where_phases_lock(target):
    with jax.enable_x64(False):                             # as a user's JAX is
        found = nmfit.fit(target, rhythm(G=0.02), free={"G": "shared", "f": "region"}, seeds=2, score_seeds=3,
                          steps=2, dt=0.2)
    begun = found.begun
    assert begun.kept
    assert begun.after < 0.1 * begun.before
    assert found.start_loss == begun.before
    assert found.history[0] == pytest.approx(begun.after, rel=1e-6)
    # FC is the same for frequencies mirrored at their mean: it tells how far they are apart, not which way round.
    assert abs(np.corrcoef(found.parameters["f"], F)[0, 1]) > 0.9
    assert np.mean(found.parameters["f"]) == pytest.approx(0.05, rel=0.1)
    assert "locked phases" in found.summary()
    assert "locked phases" in found.result.record["simulated"]["begun"]["told"]


@pytest.mark.parametrize("network", [
    Network.of(RAW + RAW.T, Hopf(a=-0.2, f=0.05), G=0.05),
    Network.of(Connectome(RAW + RAW.T, 100.0 * (RAW + RAW.T)), Kuramoto(f=0.05), G=0.05, delays=True),
], ids=["no phases", "delays"])
def test_what_does_not_lock_so_has_no_skeleton(network):
    theta = {"G": np.zeros(1)}
    problem = types.SimpleNamespace(network=network, loss=nmfit.loss.FC())
    assert begun_locked(problem, theta, None) == (theta, None)
    rhythmic = types.SimpleNamespace(network=rhythm(), loss=nmfit.loss.FCD())
    assert begun_locked(rhythmic, theta, None) == (theta, None)
