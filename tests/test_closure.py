"""Statistical linearisation: closed forms, long simulations, and where it declines."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nmfit.dynamics import linearise
from nmfit.dynamics.cubature import averaged, fifth_degree
from nmfit.dynamics.simulate import simulate
from nmfit.errors import InputError
from nmfit.models import QIF, FitzHughNagumo, JansenRit, ReducedWongWang, StuartLandau, WongWang
from nmfit.network import Network
from nmfit.observe import Direct

N = 8
UPPER = np.triu_indices(N, 1)
RNG = np.random.default_rng(0)
DRAWN = RNG.uniform(0, 1, (N, N)) ** 3
WEIGHTS = (DRAWN + DRAWN.T) * (1 - np.eye(N))
WEIGHTS = WEIGHTS / WEIGHTS.sum(1).mean()
ONSETS, FREQUENCIES = RNG.uniform(-0.2, 0.1, N), RNG.uniform(0.04, 0.07, N)


def oscillators(sigma, a=ONSETS, G=0.1, gamma=0.0):
    return Network.of(WEIGHTS, StuartLandau(a=np.broadcast_to(a, N).copy(), f=FREQUENCIES, sigma=sigma, gamma=gamma),
                      G=G)


def correlation(covariance):
    deviation = np.sqrt(np.diag(covariance))
    return np.asarray(covariance) / np.outer(deviation, deviation)


def error(linear, run):
    return np.sqrt(np.mean((correlation(linear.covariance(nodes=96)[0]) - run.fc())[UPPER] ** 2))


@pytest.mark.parametrize("size", [1, 2, 4, 7])
def test_cubature_is_exact_to_the_fifth_degree(size):
    points, weights = fifth_degree(size)
    assert weights.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(jnp.einsum("p,pi,pj->ij", weights, points, points), np.eye(size), atol=1e-12)
    np.testing.assert_allclose(jnp.einsum("p,pi->i", weights, points**4), np.full(size, 3.0), rtol=1e-12)
    if size > 1:
        assert (weights * points[:, 0] ** 2 * points[:, 1] ** 2).sum() == pytest.approx(1.0)


def test_averages_of_a_cubic_are_exact():
    mean, covariance = np.array([[0.3], [0.1]]), np.array([[[0.5, 0.2], [0.2, 0.4]]])
    value, slope = averaged(lambda z: (z[0] ** 3 + z[0] * z[1])[None], mean, covariance)
    np.testing.assert_allclose(value, [[0.3**3 + 3 * 0.3 * 0.5 + 0.03 + 0.2]], rtol=1e-8)
    np.testing.assert_allclose(slope, [[[3 * (0.09 + 0.5) + 0.1, 0.3]]], rtol=1e-8)


@pytest.mark.parametrize(("a", "sigma", "gamma"), [(-0.1, 0.1, 0.0), (0.0, 0.1, 0.0), (0.1, 0.15, 0.0),
                                                   (0.05, 0.1, 1.5)])
def test_an_oscillator_alone_has_the_slope_of_the_closed_form(a, sigma, gamma):
    # (4 v - a) v = sigma^2 / 2, a_eff = a - 4 v, omega_eff = omega - 4 gamma v (DESIGN's closed form, beta = 1)
    linear = linearise(oscillators(sigma, a, G=0.0, gamma=gamma), Direct(), closure=True)
    v = (a + np.sqrt(a * a + 8 * sigma**2)) / 8
    slopes = linear.network.groups["all"].A
    assert linear.converged
    assert linear.engine == "closure"
    np.testing.assert_allclose(slopes[:, 0, 0], a - 4 * v, rtol=1e-7)
    np.testing.assert_allclose(slopes[:, 1, 0], 2 * np.pi * FREQUENCIES - 4 * gamma * v, rtol=1e-7)
    np.testing.assert_allclose(np.diag(linear.covariance(nodes=200)[0]), v, rtol=1e-3)
    np.testing.assert_allclose(linear.abscissa(), a - 4 * v, rtol=1e-7)


def test_small_noise_gives_the_linear_engine_back():
    network = oscillators(1e-3, ONSETS - 0.5)
    closed, at_rest = (linearise(network, Direct(), closure=c) for c in (True, False))
    np.testing.assert_allclose(closed.covariance()[0], at_rest.covariance()[0], rtol=1e-4)
    assert linearise(network, Direct(), closure="auto").engine == "linear"


@pytest.mark.parametrize("sigma", [0.1, 0.2])
def test_correlations_near_and_past_the_onset_are_those_of_a_long_simulation(sigma):
    network = oscillators(sigma)
    assert linearise(network, Direct()).abscissa() > 0            # no state of rest to linearise at
    linear = linearise(network, Direct(), closure="auto")
    run = simulate(network, 20000.0, sample=2.0, runs=4, precision="float32")
    assert linear.engine == "closure"
    assert linear.defect < 1
    assert error(linear, run) < 0.02


def test_it_declines_weak_noise_on_a_cycle():
    linear = linearise(oscillators(0.02, 0.1), Direct(), closure="auto")
    assert linear.engine == "declined"
    assert linear.defect > 3
    with pytest.raises(InputError, match="the network has noise with a memory"):
        linearise(Network.of(WEIGHTS, ReducedWongWang(), noise_tau=0.1), Direct(), closure=True)


@pytest.mark.long
def test_gradients_equal_central_differences():
    @jax.jit
    def both(a, sigma, G):
        def value(a, sigma, G):
            network = oscillators(0.1).replace({"a": a, "sigma": sigma, "G": G})
            covariance, _ = linearise(network, Direct(), closure=True).covariance((0.02, 0.09), 24)
            return jnp.sum(jnp.sin(1e3 * covariance))
        return jax.value_and_grad(value, argnums=(0, 1, 2))(a, sigma, G)

    at = (jnp.asarray(ONSETS), jnp.asarray(0.1), jnp.asarray(0.1))
    _, slopes = both(*at)
    for k, step in ((0, 1e-5), (1, 1e-6), (2, 1e-5)):
        direction = np.ones(N) / N if k == 0 else 1.0
        ends = [both(*[v + sign * step * direction if i == k else v for i, v in enumerate(at)])[0]
                for sign in (1, -1)]
        found = float(np.sum(slopes[k] * direction))
        assert float(ends[0] - ends[1]) / (2 * step) == pytest.approx(found, rel=1e-5)


@pytest.mark.parametrize(("model", "G", "seconds", "sample", "dt"), [
    (ReducedWongWang(sigma=0.2), 0.3, 2000.0, 0.1, 5e-3),
    pytest.param(WongWang(sigma=0.1), 0.2, 2000.0, 0.05, 1e-3, marks=pytest.mark.long),
    pytest.param(QIF(sigma=1.0), 0.2, 300.0, 0.01, 2e-4, marks=pytest.mark.long),
], ids=lambda v: type(v).__name__)
def test_other_families_agree_with_simulation_where_it_is_valid(model, G, seconds, sample, dt):
    network = Network.of(WEIGHTS, model, G=G)
    linear = linearise(network, Direct(), closure=True)
    assert linear.converged
    assert linear.defect < 1
    run = simulate(network, seconds, sample=sample, dt=dt, runs=4, precision="float32")
    assert error(linear, run) < 0.02
    np.testing.assert_allclose(np.diag(linear.covariance(nodes=96)[0]), np.diag(run.covariance()), rtol=0.06)


@pytest.mark.long
@pytest.mark.parametrize(("model", "G"), [(FitzHughNagumo(I=0.65, sigma=3.0), 0.1),
                                          (JansenRit(p=330.0, sigma=200.0), 2.0)], ids=lambda v: type(v).__name__)
def test_it_declines_spikes_and_jumps(model, G):
    assert linearise(Network.of(WEIGHTS, model, G=G), Direct(), closure=True).defect > 1
