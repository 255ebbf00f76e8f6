"""Fits through the simulation: gradients, recovery, roll-back, scores on fresh noise, sentences."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chaos import EACH_TO_EACH, chaotic, lyapunov_exponent

import nmfit
from nmfit.compare.scans import scan_target
from nmfit.dynamics.plan import Plan
from nmfit.dynamics.simulate import keys_of
from nmfit.errors import InputError
from nmfit.fit.simulated import _keys, _problem, _usual, fit_simulated
from nmfit.fit.simulated_descent import slopes_at
from nmfit.fit.simulated_errors import determined_by_scans
from nmfit.fit.simulated_objective import losses_of_scans, simulated_objective
from nmfit.fit.slopes import by_differences, whole_gradient
from nmfit.fit.space import freed, observed, origin_theta, place
from nmfit.fit.stochastic import Outcome, descend
from nmfit.fit.twin_choice import best_twin
from nmfit.models import FitzHughNagumo, Hopf, JansenRit, Kuramoto, ReducedWongWang
from nmfit.network import Network
from nmfit.observe import Balloon, Direct
from nmfit.report import words

N, TR, BAND = 5, 2.0, (0.01, 0.1)
WEIGHTS = np.abs(np.random.default_rng(0).normal(size=(N, N)))
WEIGHTS = np.triu(WEIGHTS, 1) + np.triu(WEIGHTS, 1).T
value_and_grad = jax.jit(jax.value_and_grad(simulated_objective))


def kuramoto(G=0.05, sigma=0.3):
    return Network.of(WEIGHTS, Kuramoto(f=np.linspace(0.045, 0.055, N), sigma=sigma), G=G)


def recorded(network, runs, seed=0, seconds=500.0):
    return list(nmfit.simulate(network, seconds, observe=Direct(), sample=TR, dt=0.2, runs=runs, seed=seed).data)


@pytest.fixture(scope="module")
def target():
    data = recorded(kuramoto(), 6)
    return scan_target(data[:3], heldout=data[3:], tr=TR, band=BAND, window=40.0, step=20.0)


def test_scans_are_measured_as_data(target):
    assert target.n == N
    assert target.fit.fcd.size == 3 * (lambda w: w * (w - 1) // 2)(len(target.windows()[0]))
    assert 0 < target.fit.twin_ks < 1
    (r, r_error), (ks, ks_error) = target.real["r"], target.real["ks"]
    assert -1 < r < 1
    assert 0 < ks < 1
    assert min(r_error, ks_error) > 0
    assert 2 < target.fit.samples < 250
    given = scan_target(fc=target.fit.fc, fcd=target.fit.fcd, tr=TR, volumes=250, band=BAND)
    np.testing.assert_array_equal(given.fit.fcd, np.sort(target.fit.fcd))


def problem_of(target, network, loss, control="none", keys=2):
    free = _usual(network)
    blocks = tuple(freed(network, Direct(), name, sharing, np.zeros((0, N))) for name, sharing in free.items())
    plan = Plan.of(network, Direct(), 250 * TR, sample=TR, dt=0.2, warmup=0.0)
    problem = _problem(target, network, Direct(), blocks, loss, plan, _keys(0, "fit", keys), control, 0.0)
    return problem, origin_theta(blocks)


def test_gradient_of_every_term_against_differences(target):
    loss = (nmfit.loss.FC() + nmfit.loss.MeanFC() + 0.5 * nmfit.loss.FCD() + nmfit.loss.Metastability()
            + nmfit.loss.Synchrony() + nmfit.loss.FCMSE())
    problem, theta = problem_of(target, kuramoto(0.05, 0.2), loss)
    value, slope = jax.jit(jax.value_and_grad(simulated_objective))(theta, problem)
    assert np.isfinite(value)
    rng = np.random.default_rng(1)
    direction = {k: jnp.asarray(rng.normal(size=v.shape)) for k, v in theta.items()}
    f = jax.jit(simulated_objective)
    h = 1e-6
    ends = [float(f({k: v + s * h * direction[k] for k, v in theta.items()}, problem)) for s in (1, -1)]
    numeric = (ends[0] - ends[1]) / (2 * h)
    assert float(sum(jnp.sum(slope[k] * direction[k]) for k in theta)) == pytest.approx(numeric, rel=1e-4)


@pytest.mark.long
def test_kuramoto_is_recovered_and_scored_on_fresh_noise(target):
    result = nmfit.fit(target, WEIGHTS, engine="simulated", model=kuramoto(0.15, 0.2), steps=25, rate=0.2, seeds=3,
                       score_seeds=6, dt=0.2, free={"G": "shared", "sigma": "shared"},
                       loss=nmfit.loss.FCMSE() + nmfit.loss.FCD())
    assert result.outcome is Outcome.STEP_LIMIT
    assert result.health.estimator == "gradient"            # held against differences with all terms above
    assert result.loss < 0.5 * result.start_loss
    assert float(result.parameters["G"] / result.parameters["sigma"] ** 2) == pytest.approx(0.05 / 0.3**2, rel=0.4)
    assert {"r", "mean_fc", "ks", "total", "group_r"} <= set(result.scores)
    assert result.held_out
    assert "slopes: the whole gradient" in result.summary()


def bowl(theta):
    return jnp.sum((theta["x"] - 1.0) ** 2)


def test_descent_rolls_back_and_says_so():
    def cliff(theta):
        value = jnp.where(theta["x"][0] > 0.5, jnp.nan, -theta["x"][0])
        return value, {"x": jnp.full(1, -1.0)}

    lost = descend(cliff, {"x": np.zeros(1)}, steps=200, rate=0.2)
    assert lost.outcome is Outcome.DIVERGED
    assert lost.theta["x"][0] <= 0.5
    assert np.isfinite(lost.loss)
    assert lost.rollbacks > 5
    never = descend(lambda t: (np.nan, t), {"x": np.zeros(1)}, steps=3, rate=0.1)
    assert never.outcome is Outcome.NON_FINITE_START
    found = descend(jax.value_and_grad(bowl), {"x": np.zeros(3)}, steps=150, rate=0.1)
    np.testing.assert_allclose(found.theta["x"], 1.0, atol=0.02)
    slopes = by_differences(bowl)({"x": np.zeros(3)})[1]["x"]
    np.testing.assert_allclose(slopes, -2.0, atol=1e-8)


def test_chaos_is_named():
    def chaotic(theta):
        x = 0.4 + 1e-3 * theta["x"][0]
        return jax.lax.fori_loop(0, 400, lambda _, v: 3.9 * v * (1 - v), x)

    value, start = jax.jit(chaotic), {"x": np.zeros(1)}
    whole = whole_gradient(value, jax.jit(jax.value_and_grad(chaotic)), lambda *_: np.geomspace(1, 1e100, 10), start,
                           10.0)
    assert whole.estimator == "none"
    assert whole.growth > 10
    smooth = whole_gradient(bowl, jax.value_and_grad(bowl), lambda *_: np.ones(10), {"x": jnp.zeros(3)}, 10.0)
    assert smooth.estimator == "gradient"
    assert smooth.error < 1e-6


def test_the_chaotic_network_is_chaotic_and_a_resting_one_is_not():
    mean, error = lyapunov_exponent(chaotic())
    assert mean > 1 + 3 * error
    assert lyapunov_exponent(Network.of(EACH_TO_EACH, JansenRit(), G=0.5), parts=200)[0] < 0


@pytest.fixture(scope="module")
def chaotic_scans():
    network = chaotic().replace({"B": np.array([22.0, 20.0, 24.0, 22.0])})
    data = nmfit.simulate(network, 10.0, observe=Direct(), sample=0.1, dt=1e-3, runs=6, seed=3).data
    return scan_target(list(data), tr=0.1, band=(0.5, 4.0), window=4.0, step=2.0)


@pytest.mark.long
def test_no_gradient_through_chaos_is_trusted(chaotic_scans):
    found = fit_simulated(chaotic_scans, EACH_TO_EACH, model=chaotic(), free={"G": "shared"}, loss=nmfit.loss.FCMSE(),
                          steps=2, rate=0.5, seeds=1, score_seeds=2, dt=1e-3, seconds=20.0)
    assert found.health.growth > 0.5
    assert found.health.error > 0.1
    assert found.health.estimator in ("differences", "none")
    assert np.isfinite(found.loss)


@pytest.mark.long
def test_slopes_of_many_parameters_through_chaos_lead_downhill_under_other_noise(chaotic_scans):
    network, free = chaotic(), dict.fromkeys(("A", "B", "a", "C"), "region")
    blocks = tuple(freed(network, Direct(), name, how, np.zeros((0, 4))) for name, how in free.items())
    plan = Plan.of(network, Direct(), 10.0, sample=0.1, dt=1e-3, warmup=2.0)
    problem = _problem(chaotic_scans, network, Direct(), blocks, nmfit.loss.FCMSE() + nmfit.loss.MeanFC(), plan,
                       _keys(0, "fit", 8), "none", 0.0)
    theta = {name: np.asarray(v) for name, v in origin_theta(blocks).items()}
    health, slopes = slopes_at(problem, theta, _keys(0, "slopes", 16))
    assert health.growth > 0.5
    assert health.estimator in ("windowed", "smoothed")
    assert (health.horizon or 0) < 5.0
    found = descend(slopes, theta, steps=15, rate=0.05)
    other = dataclasses.replace(problem, keys=_keys(1, "elsewhere", 48))
    before, after = (np.asarray(jax.jit(losses_of_scans)(t, other)) for t in (theta, found.theta))
    gain = before - after
    assert gain.mean() > 2 * gain.std(ddof=1) / np.sqrt(gain.size)


@pytest.mark.long
@pytest.mark.parametrize("model", [Hopf(a=0.05, f=0.05, sigma=0.15), FitzHughNagumo(I=1.0, sigma=1.0)])
def test_cycles_fit_through_simulation(model):
    network = Network.of(WEIGHTS, model, G=0.05)
    slow = isinstance(model, Hopf)
    dt, seconds = (0.2, 500.0) if slow else (2e-4, 5.0)
    data = list(nmfit.simulate(network, seconds, observe=Direct(), sample=TR if slow else 0.005, dt=dt, runs=3).data)
    scans = scan_target(data, tr=TR if slow else 0.005, band=BAND if slow else (20.0, 45.0),
                        window=40.0 if slow else 2.0, step=20.0 if slow else 1.0)
    result = fit_simulated(scans, WEIGHTS, model=network.replace({"G": 0.01}), free={"G": "shared"}, steps=15,
                           rate=0.3, seeds=3, score_seeds=4, dt=dt, loss=nmfit.loss.FCMSE(), observe=Direct(),
                           control="auto" if slow else "none")
    assert result.loss < result.start_loss
    assert np.isfinite([v for pair in result.scores.values() for v in pair]).all()


def test_standard_errors_come_from_fresh_scans(target):
    problem, theta = problem_of(target, kuramoto(0.05, 0.2), nmfit.loss.FCMSE() + 0.5 * nmfit.loss.FCDMSE())
    fresh = np.stack(recorded(kuramoto(0.05, 0.2), 6, seed=5))
    assert target.fit.runs == 3
    known = determined_by_scans(theta, problem, fresh, target)
    assert {"G", "sigma"} <= {c.name for c in known.coordinates}
    assert (known.errors > 0).all()
    fewer = dataclasses.replace(target, fit=dataclasses.replace(target.fit, runs=1))
    rarer = determined_by_scans(theta, problem, fresh, fewer)
    np.testing.assert_allclose(rarer.slopes, known.slopes * (1 + 1 / 2) / (1 / 3 + 1 / 2))       # two scans of its own
    with_area = dataclasses.replace(problem, loss=nmfit.loss.FCD())
    assert determined_by_scans(theta, with_area, fresh, target) is None                # an area has no curvature
    assert determined_by_scans(theta, problem, fresh[:2], target) is None


@pytest.mark.long
def test_standard_errors_are_how_far_refits_scatter():
    network, found, told = Network.of(WEIGHTS, Hopf(a=-0.05, f=0.05), G=0.02), [], []
    for seed in range(14):
        scans = scan_target(recorded(network, 2, seed=seed), tr=TR, band=BAND, window=40.0, step=20.0)
        fit = fit_simulated(scans, WEIGHTS, model=network, free={"G": "shared"}, loss=nmfit.loss.FCMSE(), steps=15,
                            rate=0.15, seeds=4, score_seeds=12, dt=0.2, seed=seed)
        found.append(np.log(float(fit.parameters["G"])))
        row = next(r for r in fit.result.parameters if r["name"] == "G")
        told.append(row["se"] / row["value"])
    # a standard deviation of 14 is known to a fifth
    assert np.std(found, ddof=1) == pytest.approx(np.median(told), rel=0.5)


@pytest.mark.long
def test_the_twin_stands_in_for_length(target):
    network = Network.of(WEIGHTS, Hopf(a=-0.05, f=0.05), G=0.02)
    values = {}
    for control in ("none", "rest"):
        problem, theta = problem_of(target, network, nmfit.loss.FCMSE(), control)
        f = jax.jit(simulated_objective)
        values[control] = [float(f(theta, dataclasses.replace(problem, keys=_keys(k, "fit", 2)))) for k in range(6)]
    assert np.std(values["rest"]) < 0.5 * np.std(values["none"])


@pytest.mark.long
def test_haemodynamics_are_recovered_by_region():
    truth = Balloon(kappa=np.linspace(0.5, 0.8, N))
    # fast, weak and linear: what is left to fit is the instrument
    network = Network.of(WEIGHTS, ReducedWongWang(tau_S=0.5, sigma=0.005), G=0.1)
    data = list(nmfit.simulate(network, 600.0, observe=truth, sample=TR, dt=0.02, runs=3, seed=1).data)
    scans = scan_target(data, tr=TR, band=(0.01, 0.2), window=40.0, step=20.0)
    problem = functools.partial(_problem, scans, network, Balloon(), loss=nmfit.loss.FCMSE(), control="none",
                                shrinkage=0.0)
    with jax.enable_x64(True):
        block = freed(network, Balloon(), "bold.kappa", "region", np.zeros((0, N)))
        plan = Plan.of(network, Balloon(), 600.0, sample=TR, dt=0.02)
        # the same noise as the data's, so that the truth fits without an error
        here = problem(blocks=(block,), plan=plan, keys=keys_of(1, "simulate", 3))
        found = descend(lambda t: value_and_grad(t, here), {"bold.kappa": np.zeros(N + 1)}, steps=60, rate=0.1)
        kappa = np.asarray(observed(Balloon(), (block,), found.theta).kappa)
    assert found.loss < 0.2 * found.start_loss
    assert np.corrcoef(kappa, truth.kappa)[0, 1] > 0.9


def test_instrument_parameters_are_blocks():
    block = freed(kuramoto(), Balloon(), "bold.kappa", "region", np.zeros((0, N)))
    theta = {"bold.kappa": jnp.zeros(N + 1).at[1].set(0.5)}
    kappa = np.asarray(observed(Balloon(), (block,), theta).kappa)
    assert kappa[0] > 0.64
    np.testing.assert_allclose(kappa[1:], 0.64)
    assert place(kuramoto(), (block,), theta).n == N
    with pytest.raises(InputError, match="instrument has none"):
        freed(kuramoto(), Balloon(), "bold.nothing", "shared", np.zeros((0, N)))


def test_sentences(target):
    with pytest.raises(InputError, match="Choose one"):
        fit_simulated(target, WEIGHTS, free={"G": "everywhere"})
    with pytest.raises(InputError, match="none of that name"):
        fit_simulated(target, WEIGHTS, free={"nothing": "shared"}, dt=0.2)
    with pytest.raises(InputError, match="FCD needs fcd"):
        fit_simulated(scan_target(fc=np.eye(N), tr=TR, volumes=250), WEIGHTS, loss=nmfit.loss.FCD())
    with pytest.raises(InputError, match="one length"):
        scan_target([np.zeros((90, 3)) + np.random.default_rng(0).normal(size=(90, 3)),
                     np.random.default_rng(1).normal(size=(80, 3))], tr=TR)
    censored = nmfit.Recording(np.random.default_rng(2).normal(size=(90, 3)), TR, notes=("12 volumes censored",))
    with pytest.raises(InputError, match="without censoring"):
        scan_target([censored])
    with pytest.raises(InputError, match="TR nor length"):
        fit_simulated(nmfit.fc_target(np.eye(N)), WEIGHTS)
    with pytest.raises(InputError, match="4 regions where"):
        fit_simulated(target, WEIGHTS[:4, :4])


@pytest.mark.long
def test_a_twin_is_on_wherever_it_helps(target):
    network = Network.of(WEIGHTS, Hopf(a=-0.1, f=0.05), G=0.005)
    found = nmfit.fit(target, WEIGHTS, engine="simulated", model=network, free={"G": "shared"}, seeds=2, score_seeds=3,
                      steps=3, rate=0.3, dt=0.5, loss=nmfit.loss.FCMSE())
    assert found.twin == "rest"
    assert found.chance_left < 0.5
    assert found.health.estimator == "gradient"
    assert found.loss < found.start_loss
    made = found.result.record["simulated"]
    assert made["twin"] == {"kind": "rest", "left": found.chance_left}
    (endless, error), (_, plain) = found.scores["expected_r"], found.scores["group_r"]
    assert error < 0.5 * plain
    assert -1 < endless < 1
    assert "linear twin (at rest)" in found.summary()
    assert "scans without end" in words.confirmation(found.result.record)


def test_the_twin_is_chosen_by_what_it_leaves_and_phases_have_none():
    def chosen(network):
        plan = Plan.of(network, Direct(), 250 * TR, sample=TR, dt=0.5)
        return best_twin(network, Direct(), plan, _keys(0, "twin", 4), TR, BAND)

    kind, left = chosen(Network.of(WEIGHTS, Hopf(a=-0.1, f=0.05), G=0.005))
    assert kind == "rest"
    assert 0 < left < 0.2
    assert chosen(kuramoto()) == ("none", 1.0)
