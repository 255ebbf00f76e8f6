"""The linear twin: exact where the model is linear, a control variate where it is not."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nmfit.compare.connectivity import correlation
from nmfit.dynamics import linearise
from nmfit.dynamics.plan import Plan
from nmfit.fit.twin import controlled_fc, series_pair, twin_of
from nmfit.models import Hopf, ReducedWongWang, StuartLandau, ThresholdLinear
from nmfit.network import Network
from nmfit.observe import Balloon, Direct

N = 6
WEIGHTS = np.abs(np.random.default_rng(0).normal(size=(N, N)))
WEIGHTS = np.triu(WEIGHTS, 1) + np.triu(WEIGHTS, 1).T
BAND, FAST = (0.01, 0.1), (0.5, 3.0)


@functools.partial(jax.jit, static_argnames=("plan", "band", "closure"))
def run(network, observation, plan, keys, band=BAND, closure=False):
    return jax.vmap(lambda key: controlled_fc(
        network, observation, plan, key[None], plan.sample, band, closure))(keys)


def upper(fcs):
    i, j = np.triu_indices(N, 1)
    return np.asarray(fcs)[..., i, j]


def test_a_linear_model_has_no_error_left():
    network = Network.of(WEIGHTS, ThresholdLinear(), G=0.05)
    plan = Plan.of(network, Direct(), 10.0, sample=0.1, dt=5e-4)
    own, twin, linear = jax.jit(series_pair, static_argnames=("plan", "closure"))(
        network, Direct(), plan, jax.random.key(0), closure=False)
    np.testing.assert_allclose(own, twin, rtol=1e-9, atol=1e-9)
    exact = correlation(linear.covariance(FAST)[0])
    corrected, plain, _ = run(network, Direct(), plan, jax.random.split(jax.random.key(1), 2), FAST)
    np.testing.assert_allclose(corrected[0], exact, atol=1e-7)
    assert np.abs(upper(plain[0]) - upper(exact)).max() > 0.05


@pytest.mark.long
@pytest.mark.parametrize("model", [Hopf(a=-0.02, f=0.05), StuartLandau(a=-0.05, f=0.05, gamma=0.5, sigma=0.03),
                                   Hopf(a=0.05, f=0.05, sigma=0.15)])
def test_short_runs_agree_with_long_ones(model):
    network = Network.of(WEIGHTS, model, G=0.02)
    keys = jax.random.split(jax.random.key(2), 10)
    plan = Plan.of(network, Direct(), 864.0, sample=2.0, dt=0.2)
    corrected, plain, figure = run(network, Direct(), plan, keys, closure=True)
    assert (np.asarray(figure) < 0).all()
    assert upper(corrected).std(0).mean() < 0.25 * upper(plain).std(0).mean()
    _, truth, _ = run(network, Direct(), Plan.of(network, Direct(), 20000.0, sample=2.0, dt=0.2), keys)
    apart = upper(corrected).mean(0) - upper(truth).mean(0)
    error = np.sqrt(upper(truth).var(0, ddof=1) / len(keys))
    assert np.sqrt(np.mean(apart**2)) < 0.01 + 2 * np.sqrt(np.mean(error**2))


@pytest.mark.long
def test_instruments_have_twins():
    network = Network.of(WEIGHTS, ReducedWongWang(sigma=0.002), G=0.05)
    plan = Plan.of(network, Balloon(), 120.0, sample=2.0, dt=0.02)
    own, twin, _ = jax.jit(series_pair, static_argnames=("plan", "closure"))(
        network, Balloon(), plan, jax.random.key(0), closure=False)
    own, twin = own - own.mean(0), twin - twin.mean(0)
    assert np.abs(own - twin).max() < 0.05 * np.abs(own).max()
    _, instrument, linear = twin_of(network, Balloon(), closure=False)
    assert instrument.states == Balloon.states
    np.testing.assert_allclose(linear.covariance(BAND)[0], linearise(network, Balloon()).covariance(BAND)[0], rtol=1e-4)
    assert float(linear.abscissa()) < 0


@pytest.mark.long
def test_gradients_go_through_the_control_variate():
    network = Network.of(WEIGHTS, Hopf(a=-0.1, f=0.05), G=0.02)
    plan = Plan.of(network, Direct(), 200.0, sample=2.0, dt=0.2)
    keys = jax.random.split(jax.random.key(3), 2)

    @jax.jit
    def mean_fc(G):
        return controlled_fc(network.replace({"G": G}), Direct(), plan, keys, 2.0, BAND, closure=False)[0].mean()

    h = 1e-5
    numeric = float(mean_fc(0.02 + h) - mean_fc(0.02 - h)) / (2 * h)
    assert np.isfinite(numeric)
    exact = jax.jit(lambda G: correlation(linearise(network.replace({"G": G}), Direct()).covariance(BAND)[0]).mean())
    slope = float(exact(0.02 + h) - exact(0.02 - h)) / (2 * h)
    assert float(jax.jit(jax.grad(mean_fc))(jnp.asarray(0.02))) == pytest.approx(numeric, rel=2e-2)
    assert numeric == pytest.approx(slope, rel=0.1)
