"""The simulated engine against closed forms, other integrators and the linear engine."""

import dataclasses
import json
from functools import partial
from math import exp, factorial, pi
from pathlib import Path
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import signal, stats
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from nmfit.dynamics import linearise
from nmfit.dynamics.noise import SHARED, Sources, normals, threefry
from nmfit.dynamics.plan import Plan
from nmfit.dynamics.simulate import simulate
from nmfit.dynamics.simulated import integrate
from nmfit.dynamics.simulation import Simulation, SimulationDiverged
from nmfit.dynamics.steps import coarse_step
from nmfit.dynamics.sweep import sweep
from nmfit.errors import InputError
from nmfit.models import MODELS, Hopf, JansenRit, Kuramoto
from nmfit.models.contract import Model
from nmfit.network import Connectome, Network
from nmfit.observe import Balloon, Direct
from nmfit.parameters import param, pytree

RUN = jax.jit(integrate, static_argnames="plan")
DRAW = jax.jit(Sources.draw, static_argnums=(0, 3))
PAIR = np.array([[0.0, 1.0], [1.0, 0.0]])
TRIANGLE = np.array([[0.0, 1.0, 0.5], [0.3, 0.0, 0.2], [0.0, 0.8, 0.0]])


@pytree
class Leaky(Model):
    """One Ornstein-Uhlenbeck process per region, heard with its sign reversed: ``dx = (c - k x) dt + sigma dW``."""

    states: ClassVar = ("x",)
    channels: ClassVar = ("x",)
    coupling: ClassVar = "additive"
    fit_first: ClassVar = ("k",)
    time_scale: ClassVar = 1.0
    cost: ClassVar = "lowest"
    source: ClassVar = "Uhlenbeck & Ornstein 1930"
    good_for: ClassVar = "tests"
    not_for: ClassVar = "brains"

    k: float = param(1.0, "1/s", (-10.0, 100.0), "leak")
    sigma: float = param(1.0, "", (-1.0, 10.0), "noise")

    def drift(self, x, c):
        return c - self.k * x

    def diffusion(self, x):
        return self.sigma * jnp.ones_like(x)

    def output(self, x):
        return -x

    def bold_drive(self, x):
        return x[0]

    eeg_source = None

    def start(self):
        return jnp.zeros(1)


@pytree
class Swing(Model):
    """A noisy damped spring: ``x'' = -9 x - 0.4 x' + c + xi``."""

    states: ClassVar = ("x", "v")
    channels: ClassVar = ("x",)
    coupling: ClassVar = "additive"
    fit_first: ClassVar = ("stiffness",)
    time_scale: ClassVar = 1.0
    cost: ClassVar = "lowest"
    source: ClassVar = "Hooke 1678"
    good_for: ClassVar = "tests"
    not_for: ClassVar = "brains"

    stiffness: float = param(9.0, "", (1.0, 100.0), "restoring force")

    def drift(self, x, c):
        return jnp.stack([x[1], -self.stiffness * x[0] - 0.4 * x[1] + c[0]])

    def diffusion(self, x):
        return jnp.stack([jnp.zeros_like(x[0]), jnp.ones_like(x[1])])

    def output(self, x):
        return x[:1]

    def bold_drive(self, x):
        return x[0]

    eeg_source = None

    def start(self):
        return jnp.zeros(2)


def alone(model, regions=2, **options):
    """Return regions without any coupling."""
    return Network.of(np.ones((regions, regions)) - np.eye(regions), model, G=0.0, **options)


def wired(weights, lengths, model, **options):
    brain = Connectome(weights=np.asarray(weights, float), lengths=np.asarray(lengths, float), symmetric=False)
    return Network.of(brain, model, delays=True, **options)


class TestNoise:
    @pytest.mark.parametrize(("key", "counter", "expected"), [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ])
    def test_threefry_gives_the_published_words(self, key, counter, expected):
        words = threefry([jnp.uint32(k) for k in key], [jnp.uint32(c) for c in counter])
        assert tuple(int(w) for w in words) == expected

    def test_numbers_depend_on_their_place_alone(self):
        key = jax.random.key(3)
        whole = normals(key, 0, 40, 7)
        assert np.array_equal(whole[11:31], normals(key, 11, 20, 7))
        assert not np.array_equal(whole, normals(key, 0, 40, 7, SHARED))
        assert not np.array_equal(whole, normals(jax.random.key(4), 0, 40, 7))
        assert np.unique(np.asarray(whole)).size > 275

    def test_numbers_are_standard_normal_and_independent(self):
        z = np.asarray(normals(jax.random.key(0), 0, 4000, 50), float)
        assert stats.kstest(z.ravel()[:100_000], "norm").pvalue > 1e-3
        assert abs(z.mean()) < 4 / z.size**0.5
        assert abs(z.var() - 1) < 4 * (2 / z.size) ** 0.5
        between = np.corrcoef(z.T)[np.triu_indices(50, 1)]
        assert abs(between).max() < 5.5 / 4000**0.5
        assert abs(np.mean(z[1:] * z[:-1])) < 4 / z.size**0.5

    def test_only_noisy_states_are_drawn(self):
        mixed = Network.of(TRIANGLE, {"a": (JansenRit(), [2, 0]), "b": (JansenRit(), [1])})
        assert Sources.of(mixed).groups == (("a", 2, (4,)), ("b", 1, (4,)))
        assert Sources.of(mixed).count == 3
        assert Sources.of(alone(Hopf(), 3, drive=0.5)).count == 8
        assert Sources.of(alone(Leaky(sigma=0.0), 3)).count == 3

    def test_noise_passed_in_is_the_noise_drawn(self):
        network = Network.of(TRIANGLE, Hopf(f=1.0, a=-0.5), drive=0.3)
        plan = Plan.of(network, Direct(), 20, sample=0.1, dt=0.02, warmup=0)
        key = jax.random.key(1)
        drawn = DRAW(plan.sources, key, jnp.int32(0), plan.steps)
        assert np.array_equal(RUN(network, Direct(), plan, key).signal,
                              RUN(network, Direct(), plan, noise=drawn).signal)

    def test_a_shared_drive_correlates_regions_without_coupling(self):
        s = simulate(alone(Leaky(), 30, drive=0.7), 1000, dt=0.02, sample=0.5, scheme="euler_maruyama")
        r = s.fc()[np.triu_indices(30, 1)].mean()
        assert r == pytest.approx(0.49 / 1.49, abs=0.08)


class TestOrnsteinUhlenbeck:
    def test_variance_and_autocovariance(self):
        s = simulate(alone(Leaky(k=2.0, sigma=0.6), 40), 450, dt=0.02, sample=0.1, warmup=3)
        x = s.data - s.data.mean()
        for lag in (0, 2, 5):
            expected = 0.36 / 4 * exp(-2.0 * lag * 0.1)
            assert np.mean(x[: 4500 - lag] * x[lag:]) == pytest.approx(expected, abs=0.03 * 0.09)

    @pytest.mark.parametrize(("scheme", "ratio"), [
        ("euler_maruyama", 1 / (1 - 0.2 / 2)), ("heun", (2 - 0.2) / (2 - 0.2 + 0.02)), 
        pytest.param("rk4", 1 - 0.04 / 12, marks=pytest.mark.long)])
    def test_stationary_variance_at_a_coarse_step_is_the_schemes_own(self, scheme, ratio):
        # in closed form from each scheme's stability polynomial: weak orders 1, 2 and 2
        s = simulate(alone(Leaky(k=2.0), 40), 2000, dt=0.1, sample=1.0, warmup=5, scheme=scheme)
        assert s.data.var() / 0.25 == pytest.approx(ratio, abs=0.02)

    def test_noise_grows_with_time_not_with_steps(self):
        network = alone(Leaky(k=0.0, sigma=0.5), 20)
        for dt in (0.1, 0.05):
            moves = np.diff(simulate(network, 400.0, dt=dt, sample=2.0, warmup=0).data, axis=0)
            assert moves.var() == pytest.approx(0.25 * 2.0, rel=0.08)

    def test_means_over_the_interval_have_less_variance(self):
        s = simulate(alone(Leaky(k=1.0), 40), 400, dt=0.05, sample=1.0, warmup=5, average=True)
        assert s.data.var() == pytest.approx(exp(-1.0), rel=0.05)  # (T - 1 + e^-T) / T^2 at T = 1
        assert s.times[0] == pytest.approx(0.5)


START = {"all": np.array([[0.4, -0.3, 0.1], [0.2, 0.5, -0.6]])}
TURNING = partial(Hopf, a=0.4, f=1.0)


def ends(network, scheme, steps, **options):
    """Return the states after 1 s at several steps."""
    found = []
    for dt in steps:
        plan = Plan.of(network, Direct(), 1.0, dt=dt, sample=1.0, warmup=0, scheme=scheme, outputs=True, **options)
        found.append(np.asarray(RUN(network, Direct(), plan, x0=START).outputs[-1]))
    return found


class TestOrder:
    NETWORK = Network.of(TRIANGLE, TURNING(), G=0.8)

    @pytest.fixture(scope="class")
    @classmethod
    def exact(cls):
        @jax.jit
        def velocity(flat):
            x = {"all": flat.reshape(2, 3)}
            return cls.NETWORK.drift(x, cls.NETWORK.input(cls.NETWORK.output(x)))["all"].ravel()

        found = solve_ivp(lambda _, x: velocity(x), (0, 1), START["all"].ravel(), rtol=1e-11, atol=1e-12)
        return found.y[:, -1].reshape(2, 3)

    @pytest.mark.parametrize(("scheme", "order"), [("euler_maruyama", 1), ("heun", 2), ("rk4", 4)])
    def test_without_delays(self, scheme, order, exact):
        errors = [np.linalg.norm(x - exact) for x in ends(self.NETWORK, scheme, (1 / 100, 1 / 200))]
        assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.2)

    def test_frozen_coupling_is_first_order(self, exact):
        coarse, fine = (np.linalg.norm(x - exact)
                        for x in ends(self.NETWORK, "heun", (0.01, 0.005), frozen_coupling=True))
        assert np.log2(coarse / fine) == pytest.approx(1, abs=0.1)

    @pytest.mark.parametrize(("frozen", "order"), [(False, 2), pytest.param(True, 1, marks=pytest.mark.long)])
    def test_with_delays_from_below_one_step_to_many(self, frozen, order):
        lengths = [[0, 133.7, 51.3], [287.1, 0, 3.1], [0, 91.9, 0]]
        network = wired(TRIANGLE, lengths, TURNING(), G=0.8, speed=1.0)
        # the finest step is the reference; its own error is below a fiftieth of what is measured
        coarse, fine, exact = ends(network, "heun", (1 / 64, 1 / 128, 1 / 2048), frozen_coupling=frozen)
        coarse, fine = np.linalg.norm(coarse - exact), np.linalg.norm(fine - exact)
        assert np.log2(coarse / fine) == pytest.approx(order, abs=0.35 if frozen else 0.25)

    @pytest.mark.long
    def test_strong_order_with_additive_noise(self):
        # Wiener paths at three steps: the coarse runs get the sums of the fine run's numbers
        network = Network.of(TRIANGLE, TURNING(sigma=0.3), G=0.8)
        z, found = np.random.default_rng(0).standard_normal((12, 2048, 6)), []
        for each in (1, 32, 64):
            plan = Plan.of(network, Direct(), 1.0, dt=each / 2048, sample=1.0, warmup=0)
            coarse = np.zeros((12, plan.steps, 6))
            coarse[:, : 2048 // each] = z.reshape(12, -1, each, 6).sum(2) / each**0.5
            run = jax.jit(jax.vmap(lambda w, p=plan: integrate(network, Direct(), p, noise=w, x0=START).signal))
            found.append(np.asarray(run(coarse)))
        fine, coarse = (np.sqrt(np.mean((x - found[0]) ** 2)) for x in found[1:])
        assert np.log2(coarse / fine) == pytest.approx(1.0, abs=0.25)


class TestDelays:
    def test_a_change_arrives_after_its_delay(self):
        # region 0 decays from 1; region 1 rests at what it has always heard until the news arrives
        network = wired([[0, 0], [2.0, 0]], [[0, 0], [25.0, 0]], Leaky(k=5.0), G=1.0, speed=1.0)
        plan = Plan.of(network, Direct(), 0.4, dt=1e-3, sample=1e-3, warmup=0)
        x0 = {"all": np.array([[1.0, -2.0 / 5.0]])}
        x, t = np.asarray(RUN(network, Direct(), plan, x0=x0).signal)[:, 1], plan.times
        before = t < 0.025 + 1e-9
        assert np.allclose(x[before], -0.4, atol=1e-12)
        assert abs(x[~before][0] + 0.4) > 1e-6
        late = np.maximum(t - 0.025, 0)
        assert np.allclose(x, -0.4 * np.exp(-5 * late) - 2.0 * late * np.exp(-5 * late), atol=2e-5)

    @pytest.mark.parametrize("dt", [pytest.param(0.01, marks=pytest.mark.long), 0.013])
    def test_delayed_feedback_against_the_method_of_steps(self, dt):
        # x' = -x(t - 1) from the past 1: x = sum_j (-1)^j (t - j + 1)^j / j! over t - j + 1 > 0
        network = wired(PAIR, 1000.0 * PAIR, Leaky(k=0.0), G=1.0, speed=1.0)
        plan = Plan.of(network, Direct(), 3.9, dt=dt, sample=0.13, warmup=0)
        x = np.asarray(RUN(network, Direct(), plan, x0={"all": np.ones((1, 2))}).signal)
        exact = [sum((-1) ** j * (t - j + 1) ** j / factorial(j) for j in range(6) if t - j + 1 > 0 or j == 0)
                 for t in plan.times]
        assert np.abs(x - np.array(exact)[:, None]).max() < 2e-4

    def test_equals_no_delay_where_lengths_vanish(self):
        plain = Network.of(TRIANGLE, TURNING(), G=0.8)
        plan = Plan.of(plain, Direct(), 1.0, dt=0.01, sample=0.1, warmup=0)
        delayed = dataclasses.replace(plain, lengths=np.zeros((3, 3)))
        late = dataclasses.replace(plan, history=3, degree=2, shorter_than_step=True)
        assert np.allclose(RUN(plain, Direct(), plan, x0=START).signal, RUN(delayed, Direct(), late, x0=START).signal,
                           rtol=1e-12, atol=1e-14)

    def test_what_outgrows_the_plan_is_never_a_number(self):
        network = wired(PAIR, 100.0 * PAIR, Leaky(), G=0.2, speed=10.0)
        plan = Plan.of(network, Direct(), 1.0, dt=1e-3, sample=0.1, warmup=0)
        assert np.isfinite(RUN(network, Direct(), plan, x0={"all": np.ones((1, 2))}).signal).all()
        slower = network.replace({"speed": 5.0})
        assert np.isnan(RUN(slower, Direct(), plan).signal).all()
        roomy = Plan.of(network, Direct(), 1.0, dt=1e-3, sample=0.1, warmup=0, speed=(4.0, 12.0))
        assert np.isfinite(RUN(slower, Direct(), roomy).signal).all()


class TestOtherPrograms:
    @pytest.mark.parametrize(("program", "name"), [("tvb", "Hopf"), ("tvb", "JansenRit"), ("neurolib", "WilsonCowan")])
    def test_frozen_coupling_follows_their_delayed_networks(self, program, name):
        # outputs of TVB (Heun; single precision in its past) and neurolib (Euler): see oracles/README.md
        with np.load(Path(__file__).parent / "oracles" / f"{program}.npz", allow_pickle=False) as data:
            prefix = f"network/{name}/"
            case = {key.removeprefix(prefix): data[key] for key in data if key.startswith(prefix)}
        given = {k: np.array(v) for k, v in json.loads(str(case["parameters"])).items()}
        network = wired(case["weights"], 1000.0 * case["delays"], MODELS[name](), G=float(case["G"]), speed=1.0)
        network = network.replace(given)  # theirs lie outside our bounds
        theirs, seconds = case["coarse"], float(case["seconds"])
        plan = Plan.of(network, Direct(), seconds, dt=float(case["step"]), sample=seconds / theirs.shape[-1], warmup=0,
                       scheme="heun" if program == "tvb" else "euler_maruyama", frozen_coupling=True, outputs=True)
        ours = RUN(network, Direct(), plan, x0={"all": case["start"]}).outputs
        sent = jax.vmap(network.output)({"all": jnp.asarray(np.moveaxis(theirs, -1, 0))})
        assert ours.shape == sent.shape
        assert np.abs(ours - sent).max() < (1e-6 if program == "tvb" else 1e-12) * np.abs(sent).max()


class TestModels:
    @pytest.mark.parametrize("scheme", ["heun", pytest.param("rk4", marks=pytest.mark.long)])
    def test_hopf_cycle(self, scheme):
        s = simulate(alone(Hopf(a=0.3, f=2.0)), 20, dt=0.002, sample=0.01, warmup=40, seed=None, scheme=scheme,
                     start={"all": [[0.1, 0.1], [0.0, 0.0]]})
        crossings = np.flatnonzero(np.diff(np.sign(s.data[:, 0])) > 0)
        assert s.data.max() == pytest.approx(0.3**0.5, rel=2e-3)
        assert (crossings.size - 1) / np.ptp(s.times[crossings]) == pytest.approx(2.0, rel=2e-3)

    @pytest.mark.parametrize("dt", [2e-4, 1e-4])
    def test_jansen_rit_cycles_at_10_94_hz(self, dt):
        s = simulate(alone(JansenRit(p=220.0)), 4, observe=Direct(reads="eeg_source"), dt=dt, sample=1e-3, warmup=4,
                     seed=None)
        x, mean = s.data[:, 0], s.data[:, 0].mean()
        up = np.flatnonzero((x[:-1] < mean) & (x[1:] >= mean))
        at = s.times[up] + 1e-3 * (mean - x[up]) / (x[up + 1] - x[up])
        assert (at.size - 1) / np.ptp(at) == pytest.approx(10.938, abs=0.005)
        assert np.ptp(x) == pytest.approx(2.946, abs=0.01)

    def test_kuramoto_pair_locks_at_its_phase_difference(self):
        network = Network.of(PAIR, Kuramoto(f=np.array([10.0, 10.5])), G=5.0)
        plan = Plan.of(network, Direct(), 3.0, sample=0.1, warmup=0)
        theta = np.asarray(RUN(network, Direct(), plan).final.x["all"])[0]
        assert theta[1] - theta[0] == pytest.approx(np.arcsin(pi / 10.0), abs=1e-6)

    def test_two_groups_with_different_states_follow_the_matrix_exponential(self):
        weights = np.array([[0, 0.5, 0.2, 0], [0.7, 0, 0, 0.3], [0, 0.4, 0, 0.1], [0.6, 0, 0.9, 0]])
        groups = {"swing": (Swing(), [3, 0]), "leaky": (Leaky(k=2.0), [1, 2])}
        network = Network.of(Connectome(weights=weights, symmetric=False), groups, G=0.8)
        start = {"swing": np.array([[0.3, -0.2], [0.5, 0.1]]), "leaky": np.array([[1.0, -0.4]])}
        s = simulate(network, 2.0, dt=0.005, sample=0.1, warmup=0, seed=None, scheme="rk4", start=start)
        # positions 0..3, then the velocities of regions 0 and 3
        full = np.zeros((6, 6))
        full[1, 1] = full[2, 2] = -2.0
        full[0, 4] = full[3, 5] = 1.0
        full[4, [0, 4]] = full[5, [3, 5]] = -9.0, -0.4
        heard = 0.8 * weights * np.array([1.0, -1.0, -1.0, 1.0])
        full[[1, 2], :4] += heard[[1, 2]]
        full[4, :4] += heard[0]
        full[5, :4] += heard[3]
        x0 = np.array([-0.2, 1.0, -0.4, 0.3, 0.1, 0.5])
        exact = np.array([expm(full * t) @ x0 for t in s.times])[:, :4]
        assert np.abs(s.data - exact).max() < 1e-7

    @pytest.mark.parametrize("name", [pytest.param(n, marks=() if n == "Kuramoto" else pytest.mark.long)
                                      for n in MODELS])
    def test_every_model_runs_in_float32_inside_a_float64_process(self, name):
        network = wired(PAIR, 20.0 * PAIR, MODELS[name](), G=0.05)
        plan = Plan.of(network, Direct(), 0.004, sample=2e-4, warmup=0, precision="float32")
        series = RUN(network, Direct(), plan, jax.random.key(0))
        assert series.signal.dtype == np.float32
        assert np.isfinite(series.signal).all()


class TestInstruments:
    def test_balloon_is_quiet_at_rest_and_reaches_its_steady_state(self):
        network = alone(Leaky(k=1.0), 2)
        rest = simulate(network, 20, observe=Balloon(), seed=None, warmup=0, dt=0.02)
        assert np.abs(rest.data).max() < 1e-14
        u = 0.2
        held = network.replace({"k": 0.0})
        plan = Plan.of(held, Balloon(), 120, sample=1.0, dt=0.02, warmup=0)
        s = RUN(held, Balloon(), plan, x0={"all": np.array([[u, 0.0]])})
        f = 1 + u / 0.32
        v = f**0.32
        q = v * (1 - 0.6 ** (1 / f)) / 0.4
        k1, k2 = 4.3 * 40.3 * 0.4 * 0.04, 25.0 * 0.4 * 0.04
        assert s.signal[-1, 0] == pytest.approx(0.04 * (k1 * (1 - q) + k2 * (1 - q / v)), rel=1e-6)

    def test_balloon_of_a_swing_against_an_adaptive_solver(self):
        network, observe = alone(Swing()), Balloon()
        s = simulate(network, 20, observe=observe, dt=0.002, sample=0.5, warmup=0, seed=None,
                     start={"all": np.array([[0.3, 0.3], [0.0, 0.0]])})

        @jax.jit
        def velocity(z):
            moved = jnp.stack([z[1], -9 * z[0] - 0.4 * z[1]])
            return jnp.concatenate([moved, observe.drift(z[2:, None], z[:1])[:, 0]])

        found = solve_ivp(lambda _, z: velocity(z), (0, 20), [0.3, 0, 0, 0, 0, 0], rtol=1e-8, atol=1e-11,
                          t_eval=s.times)
        exact = np.asarray(observe.read(jnp.asarray(found.y[2:]), None))
        assert np.abs(s.data[:, 0] - exact).max() < 5e-4 * np.abs(exact).max()

    def test_a_gain_projects_regions_onto_sensors(self):
        network, gain = alone(Leaky(), 3), np.array([[1.0, -1.0, 0.5], [0.0, 2.0, 0.0]])
        options = {"dt": 0.02, "sample": 0.1}
        regions = simulate(network, 5, **options)
        sensors = simulate(network, 5, observe=Direct(gain=gain), **options)
        assert sensors.labels == ("sensor_1", "sensor_2")
        assert np.allclose(sensors.data, regions.data @ gain.T, rtol=1e-12)

    @pytest.mark.parametrize("average", [True, pytest.param(False, marks=pytest.mark.long)])
    def test_samples_do_not_depend_on_how_chunks_divide_them(self, average):
        network = Network.of(TRIANGLE, Swing(), G=0.3)
        plan = Plan.of(network, Direct(), 24, dt=0.01, sample=2.0, warmup=0, average=average)
        assert (plan.chunk, plan.every) == (400, 200)
        key, parts = jax.random.key(0), dataclasses.replace(plan, chunk=50)
        found = RUN(network, Direct(), plan, key).signal
        assert np.allclose(found, RUN(network, Direct(), parts, key).signal, atol=1e-12)
        every = dataclasses.replace(plan, chunk=100, every=1, samples=2400, average=False)
        fast = np.asarray(RUN(network, Direct(), every, key).signal)
        middle = 0.5 * (fast + np.concatenate([np.zeros((1, 3)), fast[:-1]]))
        expected = middle.reshape(12, 200, 3).mean(1) if average else fast[199::200]
        assert np.allclose(found, expected, atol=1e-12)


class TestRepeats:
    NETWORK = wired(PAIR, 300.0 * PAIR, Hopf(a=-0.5, f=1.0), G=0.4)
    PLAN = Plan.of(NETWORK, Direct(), 40, sample=0.1, dt=0.02, warmup=5, speed=(5.0, 20.0))
    HOW: ClassVar = {"sample": 0.2, "dt": 0.02, "warmup": 5}

    @pytest.fixture(scope="class")
    @classmethod
    def base(cls):
        return simulate(cls.NETWORK, 10, **cls.HOW).data

    @pytest.fixture(scope="class")
    @classmethod
    def whole(cls):
        return np.asarray(RUN(cls.NETWORK, Direct(), cls.PLAN, jax.random.key(0)).signal)

    def test_same_seed_same_bits(self, base):
        assert np.array_equal(base, simulate(self.NETWORK, 10, **self.HOW).data)
        assert not np.array_equal(base, simulate(self.NETWORK, 10, seed=8, **self.HOW).data)

    def test_runs_differ_and_the_first_is_the_single_run(self, base):
        several = simulate(self.NETWORK, 10, runs=3, **self.HOW).data
        assert several.shape == (3, 50, 2)
        assert np.allclose(several[0], base, atol=1e-12)
        assert abs(np.corrcoef(several[:, :, 0])[np.triu_indices(3, 1)]).max() < 0.9

    def test_a_longer_run_begins_as_the_shorter(self, base):
        assert np.array_equal(base, simulate(self.NETWORK, 31.4, **self.HOW).data[:50])

    def test_float32_follows_float64(self, base):
        single = simulate(self.NETWORK, 10, precision="float32", **self.HOW).data
        assert single.dtype == np.float64
        assert 0 < np.abs(base - single).max() < 1e-5

    def test_works_where_the_user_has_not_asked_for_float64(self, base):
        with jax.enable_x64(False):
            again = simulate(self.NETWORK, 10, **self.HOW).data
            assert jnp.asarray(1.0).dtype == jnp.float32
        assert np.array_equal(again, base)

    def test_memory_settings_do_not_change_a_bit(self, whole):
        plan = dataclasses.replace(self.PLAN, block=3)
        assert np.array_equal(whole, RUN(self.NETWORK, Direct(), plan, jax.random.key(0)).signal)

    def test_going_on_from_the_last_state_equals_the_unbroken_run(self, whole):
        key, half = jax.random.key(0), dataclasses.replace(self.PLAN, samples=200)
        assert half.steps * 2 == self.PLAN.steps == 2000
        first = RUN(self.NETWORK, Direct(), half, key)
        second = RUN(self.NETWORK, Direct(), half, key, x0=first.final)
        assert np.array_equal(np.concatenate([first.signal, second.signal]), whole)

    def test_batches_over_parameters_agree_with_single_runs(self, whole):
        values = jnp.array([0.1, 0.4, 0.9])
        batch = jax.jit(jax.vmap(lambda g: integrate(self.NETWORK.replace({"G": g, "speed": 10 * g + 6}), Direct(),
                                                     self.PLAN, jax.random.key(0)).signal))(values)
        assert np.allclose(batch[1], whole, atol=1e-12)
        assert np.ptp(batch, axis=0).max() > 0.01


def loss_of(network, plan, noise):
    """Return the loss of relative changes of every parameter, and their names."""
    told = network.declared()
    names = [n for n in told if n != "edge_gain"]
    sizes = {n: abs(float(network.value(n))) or 0.1 * min(abs(b) for b in told[n].bounds if b) for n in names}

    @jax.jit
    def loss(change):
        moved = network.replace({n: network.value(n) + sizes[n] * c for n, c in zip(names, change, strict=True)})
        x = integrate(moved, Direct(), plan, noise=noise).signal
        x = x - x.mean(0)
        return jnp.log(jnp.mean(x * x)) + x[-1, 0] / jnp.sqrt(jnp.mean(x * x))

    return loss, len(names)


class TestGradients:
    @pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in ("Hopf", "JansenRit") else pytest.mark.long)
                                      for n in MODELS])
    def test_two_seconds_against_finite_differences(self, name):
        model = MODELS[name](**({"f": 10.0, "a": -1.0} if name in ("Hopf", "StuartLandau") else {}))
        network = wired(PAIR, 20.0 * PAIR, model, G=0.2)
        plan = Plan.of(network, Direct(), 2.0, sample=0.01, warmup=0, speed=(9.0, 11.0))
        noise = DRAW(plan.sources, jax.random.key(0), jnp.int32(0), plan.steps)
        loss, count = loss_of(network, plan, noise)
        zero, h = np.zeros(count), 1e-5
        gradient = np.asarray(jax.grad(loss)(zero))
        differences = np.array([(loss(h * e) - loss(-h * e)) / (2 * h) for e in np.eye(count)])
        assert np.linalg.norm(gradient) > 1e-3
        assert np.linalg.norm(gradient - differences) < 1e-4 * np.linalg.norm(gradient)

    NETWORK = wired(TRIANGLE, 300.0 * (TRIANGLE > 0), Hopf(a=-0.5, f=2.0), G=0.3)
    PLAN = Plan.of(NETWORK, Direct(), 8.0, sample=0.02, dt=0.01, warmup=0)

    @classmethod
    def loss(cls, g, gains, plan):
        moved = cls.NETWORK.replace({"G": g, "edge_gain": gains})
        return jnp.mean(integrate(moved, Direct(), plan, jax.random.key(0)).signal ** 2)

    def test_checkpoints_keep_the_gradient(self):
        grad = jax.jit(jax.grad(self.loss, (0, 1)), static_argnums=2)
        nested = grad(0.3, np.zeros((3, 3)), dataclasses.replace(self.PLAN, block=1))
        kept = grad(0.3, np.zeros((3, 3)), dataclasses.replace(self.PLAN, checkpoint=False))
        assert np.allclose(nested[0], kept[0], rtol=1e-10)
        assert np.allclose(nested[1], kept[1], rtol=1e-9, atol=1e-18)
        assert not np.any(np.asarray(nested[1])[TRIANGLE == 0])

    @pytest.mark.long
    def test_forward_mode_agrees(self):
        gains = np.zeros((3, 3))
        loss = jax.jit(lambda g: self.loss(g, gains, self.PLAN))
        _, forward = jax.jvp(loss, (0.3,), (1.0,))
        assert forward == pytest.approx(float(jax.grad(loss)(0.3)), rel=1e-9)

    def test_nothing_of_the_warm_up_is_differentiated(self):
        network = alone(Leaky(k=1.0))
        plan = Plan.of(network, Direct(), 1.0, dt=0.01, sample=1.0, warmup=5.0)
        rested = dataclasses.replace(plan, warmup=0)
        key = jax.random.key(0)

        @partial(jax.jit, static_argnums=2)
        @jax.value_and_grad
        def last(k, x0, plan):
            return integrate(network.replace({"k": k}), Direct(), plan, key, x0=x0).signal[-1, 0]

        # the same run from where the warm-up ended, held fixed; the last state of the warm-up by going back from 1 s
        # where the warm-up ended, by going back from the last sample; the same run from there has the same gradient
        z = np.asarray(DRAW(plan.sources, key, jnp.int32(-500), 600), float)[:, 0]
        step, kick = 1 - 0.01 + 0.01**2 / 2, (1 - 0.01 / 2) * 0.1
        moved = [sum(step ** (len(part) - 1 - i) * kick * v for i, v in enumerate(part)) for part in (z[:500], z[500:])]
        end, slope = last(1.0, None, plan)
        start = (end - moved[1]) / step**100
        again, expected = last(1.0, {"all": jnp.full((1, 2), start)}, rested)
        assert again == pytest.approx(float(end), rel=1e-9)
        assert slope == pytest.approx(float(expected), rel=1e-9)
        assert abs(start - moved[0]) > 1e-3  # the warm-up has noise of its own

    @pytest.mark.long
    def test_memory_of_a_gradient_stays_within_its_budget(self):
        network = Network.of(np.ones((20, 20)) - np.eye(20), Hopf(f=10.0, a=-1.0), G=0.02)
        plan = Plan.of(network, Direct(), 60, dt=2e-3, sample=0.02, warmup=0)

        def loss(a, plan):
            return jnp.mean(integrate(network.replace({"a": a}), Direct(), plan, jax.random.key(0)).signal ** 2)

        grad = jax.jit(jax.grad(loss), static_argnums=1)
        chosen = []
        once = plan.memory(network, Direct())
        assert plan.within(network, Direct(), once) == plan
        for budget in (10**9, once - 1):
            within = plan.within(network, Direct(), budget)
            taken = grad.lower(-1.0, within).compile().memory_analysis().temp_size_in_bytes
            assert within.memory(network, Direct()) / 4 < taken < 1.2 * within.memory(network, Direct())
            chosen.append((within.checkpoint, within.block is not None))
        assert chosen == [(False, False), (True, True)]


class TestDivergence:
    def test_says_when_where_and_what(self):
        network = Network.of(PAIR, Leaky(k=np.array([1.0, -9.0])), G=0.0)
        how = {"dt": 0.05, "sample": 0.5, "seed": None, "start": {"all": np.ones((1, 2))}, "labels": ("M1", "V1")}
        with pytest.raises(SimulationDiverged, match=r"at 8\d\.\d+ s in region V1, state x") as caught:
            simulate(network, 200, warmup=0, **how)
        assert (caught.value.region, caught.value.state, caught.value.run) == ("V1", "x", 0)
        after = caught.value.time - 100
        with pytest.raises(SimulationDiverged, match="in the warm-up") as caught:
            simulate(network, 1, warmup=100, **how)
        assert caught.value.time == pytest.approx(after, abs=0.5)

    def test_swept_points_that_diverge_are_marked(self):
        s = sweep(Network.of(PAIR, Leaky()), {"G": [0.1, 90.0, 0.2]}, 50, dt=0.005, sample=0.5, warmup=5)
        assert s.diverged.tolist() == [False, True, False]
        assert np.isnan(s["fc"]).all(axis=(1, 2)).tolist() == [False, True, False]


class TestFrontDoor:
    NETWORK = Network.of(PAIR, Hopf(a=-0.5, f=1.0), G=0.4)

    def test_agrees_with_the_linear_engine(self):
        weights = np.array([[0, 1, 0, 0.5], [1, 0, 0.3, 0], [0, 0.3, 0, 1], [0.5, 0, 1, 0]])
        network = wired(weights, 400.0 * (weights > 0), Swing(), G=0.4, speed=1.0)
        s = simulate(network, 4000, sample=0.2, dt=0.04, warmup=50, runs=4)
        freqs = np.linspace(0.05, 2.0, 79)
        exact = np.asarray(jax.jit(lambda f: linearise(network, Direct()).cross_spectrum(f))(freqs))
        found = s.cross_spectrum(freqs, nperseg=500)
        assert np.abs(found - exact).max() < 0.15 * np.abs(exact).max()
        assert np.allclose(found[:, 0, 0].real, s.psd(freqs, nperseg=500)[:, 0])
        covariance = np.sum(exact.real, axis=0) * (freqs[1] - freqs[0])
        assert np.allclose(s.covariance(), covariance, atol=0.06 * covariance.max())

    def test_spectra_are_welchs(self):
        s = simulate(self.NETWORK, 60, sample=0.1)
        freqs, expected = signal.welch(s.data, 10.0, nperseg=200, axis=0)
        assert np.allclose(s.freqs(200), freqs[1:])
        assert np.allclose(s.psd(freqs[1:-1], nperseg=200), expected[1:-1], rtol=1e-9)
        assert np.allclose(np.einsum("frr->fr", s.cross_spectrum([0.7, 1.3])), s.psd([0.7, 1.3]))

    def test_a_ten_hertz_sine_peaks_at_ten_hertz(self):
        t = np.arange(1, 1001) * 0.01
        s = Simulation(data=np.sin(2 * pi * 10 * t)[:, None], times=t, labels=("a",), sample=0.01, dt=0.01)
        freqs = np.linspace(1, 49, 481)
        assert freqs[np.argmax(s.psd(freqs)[:, 0])] == pytest.approx(10.0)

    def test_sweep_is_a_labelled_grid_of_simulations(self):
        options = {"sample": 0.1, "dt": 0.02, "warmup": 2}
        done = []
        s = sweep(self.NETWORK, {"G": [0.0, 0.4], "a": [-1.0, [-0.5, -0.7], -0.2]}, 30, freqs=[1.0, 2.0], batch=4,
                  statistics=("fc", "psd", "sd", "data"), progress=lambda *p: done.append(p), **options)
        assert s.names == ("G", "a")
        assert s["fc"].shape == (2, 3, 2, 2)
        assert s["psd"].shape == (2, 3, 2, 2)
        assert s["data"].shape == (2, 3, 1, 300, 2)
        assert done == [(4, 6), (6, 6)]
        one = simulate(self.NETWORK, 30, params={"a": [-0.5, -0.7]}, **options)
        assert np.allclose(s["fc"][1, 1], one.fc(), atol=1e-9)
        assert np.allclose(s["psd"][1, 1], one.psd([1.0, 2.0]), rtol=1e-9)
        assert np.allclose(s["sd"][1, 1], one.data.std(0), rtol=1e-9)
        assert s["fc"][1, 0, 0, 1] > s["fc"][0, 0, 0, 1]

    def test_order_rises_with_coupling(self):
        f = 10 + np.tan(pi * (np.arange(40) + 0.5) / 40 - pi / 2) * 0.1
        network = Network.of((np.ones((40, 40)) - np.eye(40)) / 40, Kuramoto(f=f, sigma=0.01))
        gamma = 2 * pi * 0.1
        s = sweep(network, {"G": [0.5 * gamma, 4 * gamma, 12 * gamma]}, 30, statistics=("order", "metastability"),
                  sample=0.05, dt=0.005, warmup=10)
        order = s["order"]
        assert order[0] < 0.4
        assert order[1] == pytest.approx(0.5**0.5, abs=0.12)
        assert order[2] > 0.85

    @pytest.mark.parametrize(("change", "words"), [
        ({"dt": 1.0, "sample": 1.0}, "too coarse for Hopf, whose fastest rate is"),
        ({"seconds": 0.0}, "seconds: found 0"),
        ({"seconds": 0.5, "sample": 1.0}, "hold no sample"),
        ({"scheme": "milstein"}, "euler_maruyama, heun, rk4"),
        ({"precision": "float16"}, "float64, float32"),
        ({"seed": -1}, "seed"),
        ({"runs": 0}, "runs"),
        ({"params": {"b": 1.0}}, "parameter 'b'"),
        ({"params": {"a": 5.0}}, "inside the bounds, expected|found 5"),
        ({"params": {"a": [0.1, 0.1, 0.1]}}, "one per region"),
        ({"start": {"all": np.zeros((1, 2))}}, "start of group 'all'"),
        ({"labels": ["a"]}, "one name per signal"),
        ({"warmup": -1.0}, "warmup"),
    ])
    def test_refuses_before_anything_runs(self, change, words):
        options = {"seconds": 10.0, "sample": 0.1} | change
        with pytest.raises(InputError, match=words):
            simulate(self.NETWORK, options.pop("seconds"), **options)

    def test_refuses_a_step_that_no_delay_resolves(self):
        network = wired(PAIR, 100.0 * PAIR, Leaky(), G=0.1)
        with pytest.raises(InputError, match="longer than the longest delay"):
            simulate(network, 10, dt=0.02, sample=0.02)
        assert Plan.of(network, Direct(), 10).dt <= 0.01 / 4

    def test_a_coarse_step_keeps_variances(self):
        network = Network.of(PAIR, Hopf(a=np.array([-5.0, -0.05]), sigma=1e-3), G=0.0)
        step = coarse_step(network, Direct())
        plan = Plan.of(network, Direct(), 4000, sample=1.0, dt=step)
        x = np.asarray(integrate(network, Direct(), plan, jax.random.key(0)).signal)
        assert plan.dt > 4 * Plan.of(network, Direct(), 10, sample=1.0).dt
        assert np.allclose(x.var(0), 1e-6 / (2 * np.array([5.0, 0.05])), rtol=0.25)
        growing = Network.of(PAIR, Hopf(a=0.5, f=0.01), G=0.0)
        assert np.isclose(coarse_step(growing, Direct()), 0.25 / (2 * 0.5))

    def test_refuses_instruments_that_a_model_has_not(self):
        with pytest.raises(InputError, match="Leaky has no eeg_source"):
            simulate(alone(Leaky()), 10, observe=Direct(reads="eeg_source"))

    def test_refuses_the_fc_of_silence(self):
        s = simulate(self.NETWORK, 10, seed=None)
        with pytest.raises(InputError, match="does not vary"):
            s.fc()
