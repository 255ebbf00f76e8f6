"""Slopes of simulated losses: what replaces a gradient that means nothing, and how far one cut short looks back."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nmfit.dynamics.plan import Plan
from nmfit.dynamics.simulated import integrate
from nmfit.fit.slopes import Health, by_differences, by_smoothing, next_best, wide_slope
from nmfit.models import ReducedWongWang
from nmfit.network import Network
from nmfit.observe import Balloon

MANY = 40
EXPLODED = Health(slope=1e9, difference=0.3, error=1.0, growth=2.0, estimator="none")
CHANCE = np.random.default_rng(0).normal(size=(8, MANY))


def smooth(theta):
    return 0.5 * float(np.sum((np.asarray(theta["x"]) - 1.0) ** 2))


def rough(theta):
    """Return a loss whose mean over noise is smooth and which shivers at every step under any one noise."""
    return smooth(theta) + 1e-3 * float(np.sin(1e6 * np.sum(theta["x"])))


def each(theta):
    # scans differ by chance that a small step already turns over
    return np.array([smooth(theta) + 1e-3 * np.sin(1e5 * row @ np.resize(theta["x"], MANY)) for row in CHANCE])


def lost(theta):
    return np.array([np.sin(1e5 * row @ np.resize(theta["x"], MANY)) for row in CHANCE])


def cut(factor):
    def windowed(horizon):
        return lambda theta: (rough(theta), {"x": factor * (np.asarray(theta["x"]) - 1.0)}), 0.9 * horizon

    return windowed


def test_a_gradient_cut_short_is_used_where_it_points_uphill():
    start = {"x": np.zeros(MANY)}
    health, slopes = next_best(EXPLODED, each, rough, cut(0.7), start, 60.0)
    assert health.estimator == "windowed"
    assert health.horizon == pytest.approx(0.9 * np.log(10.0) / 2.0)
    assert health.slope == pytest.approx(0.7 * np.sqrt(MANY))
    assert health.difference == pytest.approx(np.sqrt(MANY), rel=0.05)
    np.testing.assert_allclose(slopes(start)[1]["x"], -0.7)


@pytest.mark.parametrize("windowed", [cut(1e4), cut(-1.0), cut(np.nan)])
def test_one_that_does_not_is_replaced_by_a_smoothed_slope(windowed):
    health, slopes = next_best(EXPLODED, each, rough, windowed, {"x": np.zeros(MANY)}, 60.0)
    assert (health.estimator, health.horizon, health.width) == ("smoothed", None, 0.06)
    theta = {"x": np.zeros(MANY)}
    for _ in range(150):
        theta = {"x": theta["x"] - 0.02 * np.asarray(slopes(theta)[1]["x"])}
    assert smooth(theta) < 0.1 * smooth({"x": np.zeros(MANY)})


def test_growth_slower_than_the_scan_asks_for_no_window():
    slow = dataclasses.replace(EXPLODED, growth=0.01)
    assert next_best(slow, each, rough, cut(1.0), {"x": np.zeros(MANY)}, 60.0)[0].estimator == "smoothed"


def test_few_coordinates_are_stepped_one_by_one_as_wide_as_chance_asks():
    start = {"x": np.zeros(3), "y": np.zeros(2)}

    def chancy(theta):
        return smooth(theta) + np.repeat([0.02, -0.02], 4) * np.sign(theta["x"][0])

    health, slopes = next_best(EXPLODED, chancy, smooth, cut(1.0), start, 60.0)
    assert (health.estimator, health.width) == ("differences", 0.06)
    value, found = slopes(start)
    assert value == smooth(start)
    np.testing.assert_allclose(found["x"], -1.0)
    np.testing.assert_array_equal(found["y"], 0.0)


@pytest.mark.parametrize("count", [3, MANY])
def test_where_chance_hides_every_step_nothing_is_usable(count):
    health, slopes = next_best(EXPLODED, lost, rough, cut(1.0), {"x": np.zeros(count)}, 60.0)
    assert health.estimator == "none"
    assert slopes is None


def test_smoothed_slopes_are_right_in_the_mean():
    slopes = by_smoothing(smooth, 0.1, pairs=2)
    found = np.mean([slopes({"x": np.zeros(3)})[1]["x"] for _ in range(2000)], axis=0)
    np.testing.assert_allclose(found, -1.0, atol=0.1)
    np.testing.assert_allclose(by_differences(smooth)({"x": np.zeros(3)})[1]["x"], -1.0, atol=1e-10)
    assert wide_slope(each, {"x": np.zeros(3)}, {"x": np.array([1.0, 0, 0])}).seen


def test_a_derivative_looks_back_to_the_last_horizon_and_no_further():
    network, instrument = Network.of(np.ones((3, 3)) - np.eye(3), ReducedWongWang(), G=0.05), Balloon()
    plan = Plan.of(network, instrument, 80.0, sample=2.0, dt=0.02, warmup=0.0)
    near = plan.looking_back(10.0)
    assert near.horizon * near.dt == pytest.approx(10.0)
    run = jax.jit(lambda G, plan, begun: integrate(network.replace({"G": G}), instrument, plan, jax.random.key(0),
                                                   x0=begun), static_argnames="plan")
    G, one = jnp.asarray(0.05), jnp.ones(())
    signal, slope = jax.jvp(lambda G: run(G, near, None).signal, (G,), (one,))
    np.testing.assert_array_equal(signal, run(G, plan, None).signal)
    part, begun, parts = dataclasses.replace(plan, samples=5, chunk=near.chunk), None, []
    assert part.steps * part.dt == pytest.approx(10.0)
    for _ in range(8):
        parts.append(jax.jvp(lambda G, begun=begun: run(G, part, begun).signal, (G,), (one,))[1])
        begun = run(G, part, begun).final
    np.testing.assert_allclose(slope, np.concatenate(parts), rtol=1e-9, atol=1e-12)
    whole = jax.jvp(lambda G: run(G, plan, None).signal, (G,), (one,))[1]
    assert np.abs(whole[5:] - slope[5:]).max() > 0.1 * np.abs(whole).max()
