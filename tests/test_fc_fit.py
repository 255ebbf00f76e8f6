"""Fitting FC: what is free, how it is minimised, when a rung is kept, what a score is held against, what is said."""

import dataclasses
import sys
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm, solve_continuous_lyapunov

import nmfit as nf
from nmfit.compare.empirical import (
    fc_score,
)
from nmfit.compare.fc_ceiling import reliability_and_ceiling
from nmfit.errors import InputError
from nmfit.fit.ground import Ground, fit_rung, problem_of
from nmfit.fit.maps import standardised
from nmfit.fit.minimise import Status, minimise
from nmfit.fit.objective import fc_objective, predicted_fc
from nmfit.fit.rungs import LEVELS, Rung, blocks_of, default_ladder
from nmfit.fit.space import at_bound, free_count, is_free, origin_theta, penalty, place
from nmfit.models import Hopf, JansenRit, ReducedWongWang
from nmfit.network import Connectome, Network
from nmfit.network.surrogates import harmonics
from nmfit.observe import Direct

N, TR, BAND = 12, 2.0, (0.01, 0.1)


@cache
def brain(n=N, seed=0):
    """Return a connectome of two hemispheres with names and places, denser where regions are near."""
    rng = np.random.default_rng(seed)
    half = n // 2
    left = np.column_stack([-rng.uniform(8, 60, half), rng.uniform(-80, 60, half), rng.uniform(-30, 60, half)])
    places = np.concatenate([left, left * [-1, 1, 1]])
    far = np.linalg.norm(places[:, None] - places[None], axis=-1)
    weights = np.exp(-far / 35.0) * np.exp(rng.normal(0, 1.0, (n, n)))
    weights = np.triu(weights, 1)
    weights += weights.T
    labels = [f"{side}_{i}" for side in "LR" for i in range(half)]
    return Connectome(weights / weights.max(), 1.2 * far, labels, places)


def hopf(G=0.15, a=-0.08, wiring=None, **changed):
    """Return a network of regions whose parameters are known, one value per region as the ladder has them."""
    wiring = brain() if wiring is None else wiring
    model = Hopf(f=0.05, a=np.broadcast_to(a, wiring.n).astype(float))
    network = Network.of(wiring, model, G=G, drive=np.zeros(wiring.n))
    return network.replace({"noise": np.ones(wiring.n)} | changed)


@cache
def exact_fc():
    return fc_of(hopf())


def fc_of(network, band=BAND):
    from nmfit.compare.connectivity import correlation
    from nmfit.dynamics import linearise

    return np.asarray(jax.jit(lambda v: correlation(linearise(v, Direct()).covariance(band)[0]))(network))


def ground(fc=None, network=None, maps=None, band=BAND, slowest=0.005):
    network = hopf(G=0.05, a=-0.02) if network is None else network
    maps = harmonics(np.asarray(network.weights), 2) if maps is None else maps
    return Ground(network, Direct(), maps, exact_fc() if fc is None else fc, np.triu(np.ones((network.n,) * 2), 1),
                  band, slowest)


def recordings(people, volumes=300, wiring=None, seed=0, G=0.15, a=-0.08):
    """Draw BOLD of the linear Hopf network, exactly, step by step: z' = (a + iw) z + K z + noise, x = Re z."""
    wiring = brain() if wiring is None else wiring
    rng = np.random.default_rng(seed)
    K = G * (wiring.weights - np.diag(wiring.weights.sum(1)))
    turn = 2 * np.pi * 0.05 * np.eye(wiring.n)
    A = np.block([[K + a * np.eye(wiring.n), -turn], [turn, K + a * np.eye(wiring.n)]])
    whole = solve_continuous_lyapunov(A, -np.eye(len(A)))
    step = expm(A * TR)
    kick = np.linalg.cholesky(whole - step @ whole @ step.T)
    found = []
    for person in range(people):
        x, series = np.linalg.cholesky(whole) @ rng.normal(size=len(A)), []
        for _ in range(volumes):
            x = step @ x + kick @ rng.normal(size=len(A))
            series.append(x[:wiring.n])
        found.append(nf.Recording(np.array(series), TR, labels=wiring.labels, subject=f"{person}", source=f"p{person}"))
    return found


# ------------------------------------------------------------------------------------------------------------- space

@pytest.mark.parametrize("drive", [False, True])
@pytest.mark.parametrize("level", LEVELS)
def test_a_rung_starts_where_the_network_stands(level, drive):
    network = hopf(G=0.3, a=np.linspace(-0.3, -0.05, N), noise=np.linspace(0.5, 1.5, N), drive=np.full(N, 0.4))
    free = blocks_of(network, Rung(level, drive), harmonics(brain().weights, 2), True, 0.005)
    placed = place(network, free, origin_theta(free))
    for name in ("G", "a", "noise", "drive"):
        np.testing.assert_allclose(placed.value(name), network.value(name), rtol=1e-10)
    np.testing.assert_allclose(placed.strengths(), network.strengths(), rtol=1e-12)
    assert [b.name for b in free if is_free(b)] == [
        "G", "a", *(["noise"] if level != "shared" else []), *(["drive"] if drive else []),
        *(["edge_gain"] if level == "edges" else [])]


@pytest.mark.parametrize("known", [True, False], ids=["level known", "level unknown"])
@pytest.mark.parametrize("level", LEVELS)
def test_free_parameters_are_the_rank_of_what_can_move(level, known):
    network = hopf(drive=np.full(N, 0.4))
    free = blocks_of(network, Rung(level, True), harmonics(brain().weights, 2), known, 0.005)
    rng = np.random.default_rng(0)
    theta = {b.name: jnp.asarray(0.1 * rng.normal(size=np.shape(b.penalty))) for b in free}
    flat, back = jax.flatten_util.ravel_pytree(theta)
    moved = jax.jit(jax.jacfwd(lambda z: jnp.concatenate([
        (jnp.atleast_1d(b.value(back(z)[b.name])) / jnp.abs(b.value(theta[b.name])).max()).ravel()
        if b.name != "edge_gain" else b.value(back(z)[b.name]).ravel() for b in free])))(flat)
    assert free_count(free) == np.linalg.matrix_rank(moved, tol=1e-7)


def test_one_unit_moves_a_value_by_about_its_own_size():
    network = hopf(G=0.3, a=-0.05)
    for block in blocks_of(network, Rung("region"), np.zeros((0, N)), True, 0.005)[:2]:
        start = np.atleast_1d(block.value(origin_theta([block])[block.name]))
        moved = np.atleast_1d(block.value(jnp.zeros(np.shape(block.penalty)).at[0].set(0.1)))
        assert 0.05 < np.max(np.abs(moved - start) / np.abs(start)) < 0.2


def test_only_rates_of_growth_keep_away_from_zero():
    rate = blocks_of(hopf(), Rung("shared"), np.zeros((0, N)), True, 0.02)[1]
    assert rate.bounds == (-5.0, -0.02)
    network = Network.of(brain(), JansenRit(p=np.full(N, 420.0)), G=1.0, drive=np.zeros(N))
    drive = blocks_of(network, Rung("shared"), np.zeros((0, N)), True, 0.02)[1]
    assert (drive.name, drive.bounds) == ("p", (316.0, 800.0))
    np.testing.assert_allclose(drive.value(jnp.zeros(np.shape(drive.penalty))), 420.0)


def test_edges_move_both_ways_as_one():
    *_, edges = blocks_of(hopf(), Rung("edges"), np.zeros((0, N)), True, 0.005)
    gains = edges.value(jnp.arange(edges.penalty.size, dtype=float))
    np.testing.assert_array_equal(gains, gains.T)
    assert edges.penalty.size == np.count_nonzero(np.triu(brain().weights))


# ---------------------------------------------------------------------------------------------------------- minimise

def bowl(theta, data):
    return jnp.sum((theta["x"] - data) ** 2) + 0.5


def valley(theta, data):
    x, y = theta["x"]
    return data * (y - x**2) ** 2 + (1 - x) ** 2


def cliff(theta, data):
    # Falls towards 1, is lost beyond 1.1: the first long step lands there.
    x = theta["x"][0]
    return jnp.where(x > data, jnp.nan, (x - 1.0) ** 4 + 0.1)


def rough(theta, data):
    return jnp.sum(jnp.sqrt(theta["x"])) + data


@jax.custom_jvp
def plain(x):
    return 0.0 * jnp.sum(x)


@plain.defjvp
def _(primals, tangents):
    return plain(*primals), jnp.sum(primals[0] * tangents[0])


def misled(theta, data):
    return plain(theta["x"]) + data


def run(objective, start, data, steps=100, tolerance=1e-12):
    found = minimise(objective, {"x": jnp.asarray(start, dtype=float)}, jnp.asarray(data, dtype=float), steps,
                     tolerance)
    history = np.asarray(found.history)[:int(found.steps) + 1]
    return found, tuple(Status)[int(found.status)], history


@pytest.mark.parametrize(("objective", "start", "data", "steps", "status"), [
    (bowl, [3.0, -2.0], [1.0, 2.0], 100, Status.CONVERGED),
    (valley, [-1.2, 1.0], 100.0, 300, Status.CONVERGED),
    (valley, [-1.2, 1.0], 100.0, 4, Status.STEP_LIMIT),
    (rough, [-1.0, 2.0], 0.0, 100, Status.NON_FINITE_START),
    (rough, [0.0, 2.0], 0.0, 100, Status.NON_FINITE_START),           # a finite loss with an infinite slope
    (misled, [1.0, 2.0], 0.0, 100, Status.STALLED),
])
def test_a_search_ends_with_its_reason(objective, start, data, steps, status):
    found, said, history = run(objective, start, data, steps)
    assert said is status
    assert len(Status(status).value) > 20
    if status is not Status.NON_FINITE_START:
        assert np.all(np.diff(history) <= 0)
        assert float(found.loss) == history[-1] == pytest.approx(float(objective(found.theta, jnp.asarray(data))))
        assert float(found.start_loss) == history[0]
    else:
        np.testing.assert_array_equal(found.theta["x"], start)
        assert int(found.steps) == 0
    if status is Status.CONVERGED:
        np.testing.assert_allclose(found.theta["x"], [1.0, 2.0] if objective is bowl else [1.0, 1.0], atol=1e-4)


def test_a_search_longer_than_its_history_has_not_converged(monkeypatch):
    monkeypatch.setattr(sys.modules[Status.__module__], "LONGEST", 6)
    found, said, _ = run(valley, [-1.2, 1.0], 100.0, 300)
    assert (said, int(found.steps)) == (Status.STEP_LIMIT, 6)


@pytest.mark.parametrize("start", [-4.0, 0.9, -40.0])
def test_a_cliff_beyond_the_optimum_is_no_end(start):
    found, said, history = run(cliff, [start], 1.1)
    assert float(found.loss) == pytest.approx(0.1, abs=1e-4)
    assert np.isfinite(history).all()
    assert said is not Status.NON_FINITE_START


def test_same_seed_same_bits():
    fits = [fit_rung(ground(), Rung("maps", True), starts=3, seed=3, steps=15) for _ in range(2)]
    for name in fits[0].theta:
        np.testing.assert_array_equal(fits[0].theta[name], fits[1].theta[name])
    np.testing.assert_array_equal(fits[0].fc, fits[1].fc)
    assert fits[0].loss == fits[1].loss
    assert fits[0].starts == 3


# ------------------------------------------------------------------------------------------------------------- rungs

def test_the_ladder_is_listed_with_and_without_a_drive():
    levels = default_ladder(max_rung="region")
    assert [[r.name for r in level] for level in levels] == [
        ["shared", "shared + drive"], ["maps", "maps + drive"], ["region", "region + drive"]]
    assert [r.name for level in default_ladder(max_rung="edges", drive=False) for r in level] == list(LEVELS)


@pytest.mark.parametrize("drive", [False, True])
def test_a_rung_loses_nothing_of_the_rung_below(drive):
    rng = np.random.default_rng(1)
    noisy = exact_fc() + 0.1 * np.triu(rng.normal(size=(N, N)), 1)
    here, below = ground(noisy + noisy.T - exact_fc()), None
    for level in LEVELS:
        fitted = fit_rung(here, Rung(level, drive), below, shrinkage=1e-4, starts=1, seed=0, steps=12)
        if below is not None:
            # What shrinkage cost below is not paid again: a rung is shrunken towards the rung below it.
            unpaid = below.loss - below.shrinkage * float(penalty(below.blocks, below.theta))
            assert fitted.start_loss == pytest.approx(unpaid, rel=1e-8)
            assert fitted.loss <= fitted.start_loss
            assert fitted.free > below.free
        below = fitted
    assert below.loss < 0.9 * unpaid


def test_known_parameters_are_recovered_from_exact_fc():
    fitted = fit_rung(ground(), Rung("shared"), starts=3, seed=0)
    assert fitted.loss < 0.004                                             # the barrier's share
    assert float(fitted.network.value("G")) == pytest.approx(0.15, rel=0.15)
    np.testing.assert_allclose(fitted.network.value("a"), -0.08, rtol=0.15)
    assert fc_score(fitted.fc, exact_fc()) > 0.9995
    assert fitted.status is Status.CONVERGED
    assert fitted.abscissa < 0


def test_a_regional_pattern_is_recovered_from_exact_fc():
    rates = -0.05 - 0.15 * np.random.default_rng(2).uniform(size=N)
    here = ground(fc_of(hopf(a=rates)))
    below = fit_rung(here, Rung("shared"), starts=2, seed=0)
    fitted = fit_rung(here, Rung("region"), below, shrinkage=1e-6, seed=0, steps=300)
    assert fitted.loss < 0.3 * below.loss
    assert np.corrcoef(fitted.network.value("a"), rates)[0, 1] > 0.9
    assert np.mean(fitted.network.value("noise")) == pytest.approx(1.0)
    assert fc_score(fitted.fc, here.fc) > 0.999


def test_an_unstable_network_costs_more_than_any_stable_one():
    here = ground()
    free = blocks_of(here.network, Rung("shared"), here.maps, True, 0.005)
    problem = problem_of(here, here.network, free, 0.0)
    stable = float(fc_objective(origin_theta(free), problem))
    network = here.network.replace({"a": np.full(N, 0.3)})
    wild = dataclasses.replace(problem, network=network, blocks=())
    assert stable < 2.1 < float(fc_objective({}, wild))
    assert float(predicted_fc({}, wild)[1]) == pytest.approx(0.3)


def test_maps_are_standardised_and_a_flat_one_is_refused_by_its_number():
    maps = standardised([[0.0, 1.0, 5.0]], 3)
    np.testing.assert_allclose([maps.mean(), maps.std()], [0.0, 1.0], atol=1e-15)
    with pytest.raises(InputError, match="map 2 has the same value in every region"):
        standardised([[0.0, 1.0, 2.0], [1.0, 1.0, 1.0]], 3)
    with pytest.raises(InputError, match="one column per region"):
        standardised([[0.0, 1.0]], 3)


def test_the_ceiling_of_people_who_take_turns_has_an_interval_that_shrinks_with_people():
    rng, widths = np.random.default_rng(0), []
    mix = rng.normal(size=(12, 4))
    for count in (6, 24):
        people = [(mix + 0.5 * rng.normal(size=mix.shape)) @ rng.normal(size=(4, 300)) + rng.normal(size=(12, 300))
                  for _ in range(count)]
        _, ceiling = reliability_and_ceiling(nf.fc_target([p.T for p in people], tr=2.0, band=None))
        low, high = ceiling["ci95"]
        assert low < ceiling["value"] < high or high == 1.0
        widths.append(high - low)
    assert widths[0] > 1.3 * widths[1] > 0.0


def test_a_level_at_its_bound_does_not_take_the_differences_between_regions_with_it():
    # The shared optimum lies at the fastest damping; far out its bijection is flat, and slopes along maps do nothing.
    network = hopf().replace({"a": -4.0 * np.exp(0.8 * np.linspace(-1.5, 1.5, N)), "G": 3.0})
    here = ground(fc=fc_of(network, BAND), band=BAND)
    fitted = fit_rung(here, Rung("shared"))
    block = next(b for b in fitted.blocks if b.name == "a")
    assert np.abs(np.asarray(block.unbounded(fitted.theta["a"]))).max() < 12.0
    far = origin_theta(fitted.blocks)
    far["a"] = far["a"].at[0].set(-60.0)
    problem = problem_of(here, fitted.network, fitted.blocks, 0.0)
    slope = jax.grad(fc_objective)(far, problem)
    assert float(slope["a"][0]) < -1e-3                     # downhill leads back
    assert at_bound(fitted.blocks, far) == ["a"]


def test_a_rung_says_which_parameter_may_differ_between_regions():
    network = Network.of(brain(), ReducedWongWang(), G=0.1, drive=np.zeros(N))
    free = blocks_of(network, Rung("maps", False, "ReducedWongWang", free=("I_0",)), np.zeros((1, N)), True, 0.01)
    assert [b.name for b in free] == ["G", "I_0", "noise", "drive"]
    assert free[1].bounds == network.declared()["I_0"].bounds
    usual = blocks_of(network, Rung("maps", False, "ReducedWongWang"), np.zeros((1, N)), True, 0.01)
    assert usual[1].name == "w"
