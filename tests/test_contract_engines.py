"""The contract of both engines, held for every model: gradients, an adaptive solver, and each other."""

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from nmfit.dynamics import linearise
from nmfit.dynamics.simulate import simulate
from nmfit.models import MODELS
from nmfit.network import Network
from nmfit.observe import Direct

W = np.array([[0.0, 1.0, 0.4], [1.0, 0.0, 0.2], [0.4, 0.2, 0.0]])
RESTING = [name for name in MODELS if name != "Kuramoto"]
BEATS = {"f": 2.0, "a": -1.0}
COUPLING = {"Kuramoto": 3.0, "JansenRit": 3.0, "ThresholdLinear": 0.05, "QIF": 0.05}
SMALL = {"ThresholdLinear": 1.0, "JansenRit": 0.2, "WongWang": 0.01, "ReducedWongWang": 0.01, "QIF": 0.05,
         "FitzHughNagumo": 0.02, "WilsonCowan": 0.02, "Hopf": 0.01, "StuartLandau": 0.01}

pytestmark = pytest.mark.long


def network_of(name, **changes):
    beats = BEATS if name in ("Hopf", "StuartLandau") else {}
    return Network.of(W, MODELS[name](**beats | changes), G=COUPLING.get(name, 0.2))


@pytest.mark.parametrize("name", RESTING)
def test_linear_gradients_equal_central_differences_for_every_parameter(name):
    network = network_of(name)
    freqs = np.array([0.3, 1.0, 2.0]) / (2 * np.pi * network.groups["all"].pace())
    told = network.declared()
    names = [n for n in told if n != "edge_gain"]
    sizes = {n: abs(float(network.value(n))) or 0.1 * min(abs(b) for b in told[n].bounds if b) for n in names}
    rng = np.random.default_rng(3)
    mix = rng.normal(size=(3, 3))

    @jax.jit
    def value_and_gradient(z):
        def value(z):
            moved = {n: jnp.asarray(network.value(n)) + sizes[n] * z[i] for i, n in enumerate(names)}
            linear = linearise(network.replace(moved), Direct())
            inside, abscissa = linear.covariance((float(freqs[0]), float(freqs[-1])), 12)
            inside = inside / jnp.trace(inside)
            scaled = abscissa * network.groups["all"].time_scale
            return jnp.sum(mix * inside) + jnp.sum(jnp.sin(jnp.log(linear.psd(freqs)))) + scaled

        return jax.value_and_grad(value)(z)

    zero, h = np.zeros(len(names)), 2e-4
    values = [[value_and_gradient(zero + k * h * e)[0] for k in (-2, -1, 1, 2)] for e in np.eye(len(names))]
    differences = np.array(values) @ [1, -8, 8, -1] / (12 * h)
    gradient = np.asarray(value_and_gradient(zero)[1])
    assert np.all(np.isfinite(gradient))
    assert np.linalg.norm(gradient - differences) < 1e-6 * np.linalg.norm(gradient)


@pytest.mark.parametrize("name", MODELS)
def test_trajectories_follow_an_adaptive_solver(name):
    network = network_of(name)
    pace = network.groups["all"].pace()
    start = np.asarray(network.start()["all"])
    rng = np.random.default_rng(1)
    start = start + 0.05 * (0.2 + np.abs(start)) * rng.uniform(size=start.shape)
    _, build = jax.flatten_util.ravel_pytree({"all": start})

    @jax.jit
    def velocity(v):
        x = build(v)
        return jax.flatten_util.ravel_pytree(network.drift(x, network.input(network.output(x))))[0]

    seconds = 5 * min(pace, 1.0)
    run = simulate(network, seconds, sample=seconds / 10, dt=pace / 400, seed=None, warmup=0, scheme="rk4",
                   start={"all": start})
    found = solve_ivp(lambda _, v: np.asarray(velocity(v)), (0, seconds), start.ravel(), t_eval=run.times, rtol=1e-10,
                      atol=1e-12, method="DOP853")
    reads = jax.jit(jax.vmap(lambda v: network.read(build(v), "bold_drive")))(found.y.T)
    np.testing.assert_allclose(run.data, reads, rtol=1e-6, atol=1e-7 * np.abs(reads).max())


@pytest.mark.parametrize("name", RESTING)
def test_both_engines_agree_within_sampling_error(name):
    network = network_of(name, sigma=SMALL[name])
    linear = linearise(network, Direct())
    slowest = -1 / float(linear.abscissa())
    expected = np.asarray(linear.covariance(nodes=400)[0])
    pace = network.groups["all"].pace()
    run = simulate(network, 60 * slowest, sample=min(slowest, pace) / 2, warmup=10 * slowest, runs=32, seed=2)
    parts = run.data - run.data.mean((0, 1))
    each = np.einsum("rti,rtj->rij", parts, parts) / parts.shape[1]
    error = each.std(0, ddof=1) / np.sqrt(len(each))
    size = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert np.all(np.abs(each.mean(0) - expected) < 4 * error + 0.02 * size)


@pytest.mark.parametrize("name", RESTING)
def test_relabelling_permutes_both_answers(name):
    order = np.array([2, 0, 1])
    moved = W[np.ix_(order, order)]
    model = network_of(name).groups["all"]
    networks = [Network.of(w, model, G=COUPLING.get(name, 0.2)) for w in (W, moved)]
    answers = [np.asarray(linearise(n, Direct()).psd([1 / model.pace()])) for n in networks]
    np.testing.assert_allclose(answers[1], answers[0][:, order], rtol=1e-8)
    start = np.asarray(networks[0].start()["all"]) * (1 + 0.01 * np.arange(3))
    runs = [simulate(n, 2 * min(model.pace(), 1.0), sample=min(model.pace(), 1.0) / 5, seed=None, warmup=0,
                     start={"all": s}).data for n, s in zip(networks, (start, start[:, order]), strict=True)]
    np.testing.assert_allclose(runs[1], runs[0][:, order], rtol=1e-10, atol=1e-14)
