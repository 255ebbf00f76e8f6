"""What is known of each model from its canonical equations: rest, eigenvalues, onsets, folds, cycles.

The numbers were computed from the papers' equations at high accuracy, apart from this package; those of time
are in the papers' own unit, mostly milliseconds, so that a wrong conversion at a declaration shows here.
"""

from functools import partial
from math import exp, pi, sqrt

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm, solve_continuous_lyapunov
from scipy.optimize import brentq, fsolve

from nmfit.models import (
    QIF,
    FitzHughNagumo,
    Hopf,
    JansenRit,
    Kuramoto,
    ReducedWongWang,
    StuartLandau,
    ThresholdLinear,
    WilsonCowan,
    WongWang,
)

MS = 1e-3


@partial(jax.jit, static_argnames="own")
def _drift(model, x, own=0.0):
    # `own` couples the region to itself: a uniform network whose rows sum to `own`.
    return model.drift(x, own * model.output(x))


_jacobian = jax.jit(jax.jacfwd(_drift, argnums=1), static_argnames="own")


def drift(model, x, own=0.0):
    return np.asarray(_drift(model, jnp.asarray(x), own=own))


def jacobian(model, x, own=0.0):
    return np.asarray(_jacobian(model, jnp.asarray(x), own=own))


def rest(model, guess=None, own=0.0):
    guess = np.asarray(model.start() if guess is None else guess, float)
    x = fsolve(lambda s: drift(model, s, own), guess, fprime=lambda s: jacobian(model, s, own), full_output=True)[0]
    for _ in range(3):
        x = x - np.linalg.solve(jacobian(model, x, own), drift(model, x, own))
    size = np.abs(jacobian(model, x, own)) @ (np.abs(x) + 1e-9)
    assert np.all(np.abs(drift(model, x, own)) < 1e-12 * size)
    return x


def eigenvalues(model, x, own=0.0):
    values = np.linalg.eigvals(jacobian(model, x, own))
    return values[np.argsort(-values.real)]


def special(make, test, x, p):
    """Solve for a state and a parameter at which the region rests and `test(jacobian)` vanishes."""
    scale = make(p).time_scale

    def both(z):
        model = make(z[-1])
        return np.append(drift(model, z[:-1]) * scale, test(jacobian(model, z[:-1]) * scale))

    found, _, done, why = fsolve(both, np.append(x, p), xtol=1e-12, full_output=True)
    assert done == 1, why
    return found[:-1], found[-1]


def fold(make, x, p):
    return special(make, np.linalg.det, x, p)


def onset(make, x, p):
    """Return state, parameter and frequency (Hz) at which a complex pair crosses the axis."""
    def rightmost_pair(j):
        values = np.linalg.eigvals(j)
        return values.real[np.abs(values.imag) > 1e-9].max(initial=-9.0)

    x, p = special(make, rightmost_pair, x, p)
    values = eigenvalues(make(p), x)
    pair = values[np.argmin(np.abs(values.real) + 1e9 * (np.abs(values.imag) < 1e-6))]
    return x, p, abs(pair.imag) / (2 * pi)


@partial(jax.jit, static_argnames="steps")
def _runge_kutta(model, x, dt, steps):
    def advance(x, _):
        a = _drift(model, x)
        b = _drift(model, x + 0.5 * dt * a)
        c = _drift(model, x + 0.5 * dt * b)
        x = x + dt / 6 * (a + 2 * b + 2 * c + _drift(model, x + dt * c))
        return x, x

    return jax.lax.scan(advance, x, None, length=steps)[1]


def flow(model, x, seconds, dt):
    """Return times and states; the step is fine enough for errors below the tolerances used here."""
    x = jnp.asarray(x, float)
    steps = round(seconds / dt)
    return dt * np.arange(1, steps + 1), np.asarray(_runge_kutta(model, x, dt, steps)).T


def cycle(model, x, seconds, skip, read, dt=2e-4):
    """Return frequency (Hz) and peak-to-peak size of `read(x)` on the cycle reached from `x`."""
    t, states = flow(model, x, seconds, dt)
    y = read(states[:, t > skip])
    level = 0.5 * (y.max() + y.min())
    up = np.flatnonzero((y[:-1] < level) & (y[1:] >= level))
    at = up + (level - y[up]) / (y[up + 1] - y[up])
    return (len(at) - 1) / (at[-1] - at[0]) / dt, y.max() - y.min()


class TestHopf:
    def test_amplitude_follows_the_closed_form(self):
        for a, beta, r0 in ((0.4, 1.0, 0.1), (-0.3, 2.0, 0.8), (0.25, 4.0, 1.2)):
            t, (x, y) = flow(Hopf(a=a, beta=beta, f=1.5), [r0, 0.0], 4.0, 1e-3)
            r = np.sqrt(a / (beta + (a / r0**2 - beta) * np.exp(-2 * a * t)))
            np.testing.assert_allclose(np.hypot(x, y), r, rtol=1e-6)
            np.testing.assert_allclose(np.unwrap(np.arctan2(y, x)), 2 * pi * 1.5 * t, atol=1e-5)

    def test_amplitude_decays_as_a_power_at_the_onset(self):
        t, (x, y) = flow(Hopf(a=0.0, beta=2.0, f=1.5), [0.7, 0.0], 4.0, 1e-3)
        np.testing.assert_allclose(np.hypot(x, y), 0.7 / np.sqrt(1 + 4.0 * 0.49 * t), rtol=1e-6)

    def test_cycle_repels_and_attracts_at_twice_a(self):
        # In the frame that turns with the cycle the velocity is the radial one alone, with slope -2 a.
        model = Hopf(a=0.25, f=1.0, beta=4.0)
        radius = sqrt(0.25 / 4)
        np.testing.assert_allclose(drift(model, [radius, 0.0]), [0.0, 2 * pi * radius], atol=1e-12)
        assert jacobian(model, [radius, 0.0])[0, 0] == pytest.approx(-0.5, rel=1e-12)

    def test_eigenvalues_and_variance_below_the_onset(self):
        model = Hopf(a=-0.05, f=0.05, sigma=0.03)
        a = jacobian(model, [0.0, 0.0])
        np.testing.assert_allclose(eigenvalues(model, [0.0, 0.0]), -0.05 + np.array([1j, -1j]) * 2 * pi * 0.05)
        d = np.diag(np.asarray(model.diffusion(jnp.zeros(2))))
        np.testing.assert_allclose(solve_continuous_lyapunov(a, -d @ d), np.eye(2) * 0.03**2 / 0.1, atol=1e-15)


class TestStuartLandau:
    @pytest.mark.parametrize("gamma", [0.0, 1.5, -2.0])
    def test_shear_moves_the_frequency_of_the_cycle(self, gamma):
        model = StuartLandau(a=0.4, f=1.0, gamma=gamma)
        frequency, size = cycle(model, [0.3, 0.1], 60.0, 30.0, lambda s: s[0], 1e-3)
        assert frequency == pytest.approx(1.0 - gamma * 0.4 / (2 * pi), rel=1e-6)
        assert size == pytest.approx(2 * sqrt(0.4), rel=1e-5)

    def test_is_hopf_without_shear(self):
        x, c = jnp.array([0.3, -0.7]), jnp.array([0.1, 0.2])
        np.testing.assert_allclose(StuartLandau(a=0.1, f=0.07).drift(x, c), Hopf(a=0.1, f=0.07).drift(x, c), rtol=1e-14)


class TestFitzHughNagumo:
    @pytest.mark.parametrize(("V", "I"), [(0.2768544, 0.7260583), (0.6120345, 1.3315549)])
    def test_onsets(self, V, I):  # noqa: E741
        x, found, hz = onset(lambda p: FitzHughNagumo(I=p), [V + 0.01, 2 * V], I - 0.01)
        assert x[0] == pytest.approx(V, abs=1e-7)
        assert found == pytest.approx(I, abs=1e-7)
        assert hz == pytest.approx(35.365, abs=1e-3)

    @pytest.mark.parametrize(("I", "hz", "size"), [(0.8, 28.82, 0.576), (1.0, 32.74, 0.670), (1.2, 30.56, 0.633)])
    def test_cycles(self, I, hz, size):  # noqa: E741
        found = cycle(FitzHughNagumo(I=I), [0.1, 0.3], 1.0, 0.5, lambda s: s[0], 2e-5)
        np.testing.assert_allclose(found, [hz, size], rtol=1e-3)

    def test_rest_is_unique(self):
        V = np.linspace(-1, 2, 3001)
        I = np.array([(V**3 * 3 - 4 * V**2 + 1.5 * V) + V / 0.5])  # noqa: E741
        assert np.all(np.diff(I) > 0)
        at = rest(FitzHughNagumo(I=0.5))
        assert np.interp(0.5, I[0], V) == pytest.approx(at[0], abs=1e-5)


class TestKuramoto:
    def test_channels_carry_the_pairwise_sum_exactly(self):
        rng = np.random.default_rng(0)
        theta, W, f = rng.uniform(-9, 9, 5), rng.uniform(0, 1, (5, 5)), rng.uniform(8, 12, 5)
        model = Kuramoto(f=f, alpha=0.3)
        y = model.output(theta[None])
        pairwise = 2 * pi * f + (W * np.sin(theta[None, :] - theta[:, None] - 0.3)).sum(1)
        np.testing.assert_allclose(model.drift(theta[None], y @ W.T)[0], pairwise, rtol=1e-13)

    @staticmethod
    def pair(dw, k):
        f = np.array([0.1, 0.1 + dw / (2 * pi)])
        model = Kuramoto(f=f)
        swapped = jax.jit(lambda th: model.drift(th[None], k * model.output(th[None])[:, ::-1])[0])
        run = solve_ivp(lambda _, th: np.asarray(swapped(th)), (0, 40), [0.0, 0.4], rtol=1e-11, atol=1e-11,
                        method="DOP853", t_eval=np.linspace(20, 40, 2001))
        return run.t, run.y[1] - run.y[0]

    def test_a_pair_locks_at_its_phase(self):
        _, lag = self.pair(dw=1.2, k=1.0)
        np.testing.assert_allclose(lag, np.arcsin(1.2 / 2), atol=1e-6)

    def test_a_pair_apart_beats(self):
        t, lag = self.pair(dw=2.9, k=1.0)
        beat = sqrt(2.9**2 - 4.0)
        turns = np.flatnonzero(np.diff(np.floor(lag / (2 * pi))))
        assert 2 * pi * (len(turns) - 1) / (t[turns[-1]] - t[turns[0]]) == pytest.approx(beat, rel=2e-3)

    def test_a_delayed_pair_runs_slower(self):
        # Omega = omega - k sin(Omega tau); per ms: omega 2 pi 0.01, k 0.02, tau 10 ms.
        omega, k, tau = 0.0527622425482 / MS, 0.02 / MS, 10 * MS
        model = Kuramoto(f=10.0)
        theta = jnp.array([7.0])
        heard = k * model.output(theta - omega * tau)
        assert float(model.drift(theta, heard)[0]) == pytest.approx(omega, rel=1e-11)

    def test_order_of_a_lorentzian_crowd(self):
        # All-to-all, half-width 1 rad/s in the co-rotating frame, K = 2 K_c: r = sqrt(1 - K_c / K).
        many, K = 1000, 4.0
        w = 2 * pi * 10 + np.tan(pi * ((np.arange(many) + 0.5) / many - 0.5))
        model = Kuramoto(f=w / (2 * pi))
        shift = 2 * pi * 10

        def velocity(th):
            y = model.output(th[None])
            return model.drift(th[None], jnp.broadcast_to(K * y.mean(1, keepdims=True), y.shape))[0] - shift

        @jax.jit
        def run(th):
            def step(th, _):
                half = th + 0.5 * dt * velocity(th)
                th = th + dt * velocity(half)
                return th, jnp.hypot(*model.output(th[None]).mean(1))

            dt = 0.005
            return jax.lax.scan(step, th, None, length=6000)[1]

        order = np.asarray(run(jnp.zeros(many)))
        assert order[3000:].mean() == pytest.approx(sqrt(0.5), abs=0.01)

    def test_frequencies_are_drawn(self):
        model = Kuramoto.drawn(4000, 10.0, 0.5, seed=3, alpha=0.1)
        assert isinstance(model.f, np.ndarray)
        assert model.f.dtype == np.float64
        assert model.f.mean() == pytest.approx(10.0, abs=0.03)
        assert model.f.std() == pytest.approx(0.5, abs=0.03)
        assert model.alpha == 0.1
        np.testing.assert_array_equal(model.f, Kuramoto.drawn(4000, 10.0, 0.5, seed=3).f)
        assert np.any(model.f != Kuramoto.drawn(4000, 10.0, 0.5, seed=4).f)
        with pytest.raises(ValueError, match="smaller spread"):
            Kuramoto.drawn(100, 1.0, 2.0, seed=0)


class TestThresholdLinear:
    def test_rest_and_jacobian(self):
        model = ThresholdLinear()
        np.testing.assert_allclose(rest(model), [10.0, 35.0], rtol=1e-12)
        a = [[(-1 + 0.066 * 24.3) / 20, -0.066 * 19.7 / 20], [0.351 * 12.2 / 10, -(1 + 0.351 * 12.5) / 10]]
        np.testing.assert_allclose(jacobian(model, [10.0, 35.0]) * MS, a, rtol=1e-12)

    def test_linear_above_the_threshold(self):
        model = ThresholdLinear(eta=0.1)
        at, a = rest(model), jacobian(model, [10.0, 35.0])
        kick = np.array([0.5, -0.3])
        t, x = flow(model, at + kick, 0.1, 1e-4)
        np.testing.assert_allclose(x[:, -1], at + expm(a * t[-1]) @ kick, rtol=1e-7)

    def test_below_the_threshold_rates_decay(self):
        model = ThresholdLinear(B_E=0.0, B_I=0.0)
        np.testing.assert_allclose(drift(model, [1.0, 30.0]), [-1 / 0.02, -30 / 0.01])

    def test_background_holds_a_network_at_its_rates(self):
        rng = np.random.default_rng(1)
        strength, eta = rng.uniform(0, 1.5, 4), rng.uniform(0, 0.5, 4)
        loose = ThresholdLinear(eta=eta)
        B_E, B_I = loose.background(strength, (8.0, 30.0))
        model = ThresholdLinear(eta=eta, B_E=B_E, B_I=B_I)
        x = jnp.array([[8.0], [30.0]]) * jnp.ones((1, 4))
        np.testing.assert_allclose(model.drift(x, jnp.asarray(strength)[None] * 8.0), 0.0, atol=1e-9)
        B_E, B_I = ThresholdLinear().background(0.0)
        assert pytest.approx(ThresholdLinear().B_E) == B_E
        assert pytest.approx(ThresholdLinear().B_I) == B_I


class TestJansenRit:
    @staticmethod
    def steady(model, v):
        """Return the state and the drive at which `y1 - y2 = v` is at rest."""
        def rate(u):
            return 2 * model.e0 / (1 + exp(model.r * (model.v0 - u)))
        C = model.C
        y0 = model.A / model.a * rate(v)
        y2 = model.B / model.b * 0.25 * C * rate(0.25 * C * y0)
        return np.array([y0, v + y2, y2, 0, 0, 0]), (v + y2) * model.a / model.A - 0.8 * C * rate(C * y0)

    def folds(self, v0):
        def slope(v):
            model = JansenRit(v0=v0)
            x, p = self.steady(model, v)
            return np.linalg.det(jacobian(JansenRit(v0=v0, p=p), x) / 100)

        v = np.linspace(-2, 12, 141)
        s = [slope(u) for u in v]
        at = [brentq(slope, v[i], v[i + 1], xtol=1e-13) for i in range(140) if s[i] * s[i + 1] < 0]
        return sorted(self.steady(JansenRit(v0=v0), u)[1] for u in at)

    def onsets(self, v0, low, high):
        def pair(v):
            x, p = self.steady(JansenRit(v0=v0), v)
            values = np.linalg.eigvals(jacobian(JansenRit(v0=v0, p=p), x))
            return p, max(values[values.imag > 1.0], key=lambda one: one.real)

        v = np.linspace(low, high, 121)
        s = [pair(u)[1].real for u in v]
        at = [brentq(lambda u: pair(u)[1].real, v[i], v[i + 1], xtol=1e-13)
              for i in range(120) if s[i] * s[i + 1] < 0]
        # On the saddle branch a pair may cross too, but beside a root that is unstable already.
        crossed = [(p, one, JansenRit(v0=v0, p=p), self.steady(JansenRit(v0=v0), u)[0])
                   for u in at for p, one in [pair(u)]]
        return sorted((p, one.imag / (2 * pi)) for p, one, model, x in crossed
                      if eigenvalues(model, x)[0].real < 1e-3)

    def test_folds(self):
        np.testing.assert_allclose(self.folds(6.0), [-41.301410, 113.586273], atol=2e-6)

    def test_onsets(self):
        found = self.onsets(6.0, 0.0, 12.0)
        np.testing.assert_allclose([p for p, _ in found], [-12.147492, 89.829108, 315.696428], atol=2e-6)
        np.testing.assert_allclose([hz for _, hz in found], [7.24, 10.377, 11.164], atol=5e-3)

    def test_another_threshold_is_another_regime(self):
        np.testing.assert_allclose(self.folds(5.52), [-13.817, 111.789], atol=5e-4)
        p, hz = self.onsets(5.52, 4.0, 12.0)[-1]
        assert p == pytest.approx(516.065, abs=5e-4)
        assert hz == pytest.approx(11.22, abs=5e-3)

    def test_default_is_a_focus_with_an_alpha_peak(self):
        model = JansenRit()
        lead = eigenvalues(model, rest(model))[0] * MS
        assert lead.real == pytest.approx(-0.00174, abs=5e-6)
        assert abs(lead.imag) == pytest.approx(0.0686, abs=5e-5)
        lead = eigenvalues(JansenRit(p=500.0), rest(JansenRit(p=500.0)))[0]
        assert lead.real == pytest.approx(-5.1, abs=0.05)
        assert abs(lead.imag) / (2 * pi) == pytest.approx(10.4, abs=0.05)

    def cycle_from_above(self, p, **changes):
        model = JansenRit(p=p, **changes)
        # Off the upper state of rest by little, to stay on its side; the size takes seconds to settle.
        x = rest(model, [0.12, 27.0, 19.0, 0, 0, 0]) + np.array([0, 0.6, 0, 0, 0, 0])
        return cycle(model, x, 16.0, 14.0, lambda s: s[1] - s[2])

    @pytest.mark.parametrize(("p", "hz", "size"), [(150, 10.623, 2.640), (220, 10.938, 2.946), (280, 11.100, 2.192)])
    def test_alpha_cycles(self, p, hz, size):
        np.testing.assert_allclose(self.cycle_from_above(float(p)), [hz, size], rtol=1e-3)

    def test_two_cycles_coexist(self):
        slow = cycle(JansenRit(p=120.0), np.zeros(6), 6.0, 2.0, lambda s: s[1] - s[2])
        np.testing.assert_allclose(slow, [2.385, 9.94], rtol=2e-3)
        np.testing.assert_allclose(self.cycle_from_above(120.0), [10.479, 2.06], rtol=3e-3)

    def test_theta_spikes_of_the_other_threshold(self):
        np.testing.assert_allclose(self.cycle_from_above(220.0, v0=5.52), [6.80, 9.75], rtol=2e-3)


class TestWilsonCowan:
    def test_default_onset_and_folds(self):
        x, P, hz = onset(lambda p: WilsonCowan(P=p), [0.088, 0.055], 0.77)
        np.testing.assert_allclose([*x, P], [0.091497, 0.058909, 0.783394], atol=1e-6)
        assert hz == pytest.approx(43.31, abs=5e-3)
        found = [fold(lambda p: WilsonCowan(P=p), *at)[1] for at in (([0.445, 0.491], 2.703), ([0.364, 0.455], 2.839))]
        np.testing.assert_allclose(found, [2.7034, 2.839323], atol=5e-5)

    def test_default_is_damped_and_cycles_past_the_onset(self):
        assert eigenvalues(WilsonCowan(), rest(WilsonCowan()))[0].real < 0
        slow, _ = cycle(WilsonCowan(P=2.6), [0.1, 0.1], 0.6, 0.3, lambda s: s[0], 5e-5)
        fast, _ = cycle(WilsonCowan(P=1.5), [0.1, 0.1], 0.6, 0.3, lambda s: s[0], 5e-5)
        assert 10.0 < slow < 67.5
        assert 10.0 < fast < 67.5

    def test_original(self):
        for model in (WilsonCowan.original(), WilsonCowan.original(k_E=1.0, k_I=1.0)):
            hz, _ = cycle(model, [0.1, 0.1], 2.0, 1.0, lambda s: s[0])
            assert hz == pytest.approx(25.0, abs=0.05)
        # The known onset and fold are those with both k = 1; the paper's k = max S moves them by a little.
        def simpler(p):
            return WilsonCowan.original(P=p, k_E=1.0, k_I=1.0)

        _, P, hz = onset(simpler, [0.2518, 0.2034], 1.909)
        assert pytest.approx(1.909253, abs=1e-6) == P
        assert hz == pytest.approx(53.6, abs=0.05)
        assert fold(simpler, [0.0525, 0.0023], 1.083)[1] == pytest.approx(1.083016, abs=1e-6)
        assert onset(lambda p: WilsonCowan.original(P=p), [0.249, 0.198], 1.88)[1] == pytest.approx(1.879313, abs=1e-6)

    def test_bistable(self):
        near = (([0.377, 0.184], -0.51), ([0.06, 0.014], 0.28))
        found = [fold(lambda p: WilsonCowan.bistable(P=p), *at)[1] for at in near]
        np.testing.assert_allclose(found, [-0.510973, 0.283350], atol=1e-6)
        model = WilsonCowan.bistable()
        for guess in ([0.0, 0.0], [0.47, 0.45]):
            assert eigenvalues(model, rest(model, guess))[0].real < 0
        assert rest(model, [0.47, 0.45])[0] - rest(model, [0.0, 0.0])[0] > 0.2


class TestReducedWongWang:
    others = ReducedWongWang(w=0.6, I_0=0.33)

    @pytest.mark.parametrize(("model", "S", "hz", "rate"), [
        (ReducedWongWang(), 0.03435505688, 0.555, -0.0078040), (others, 0.09801845315, 1.695, -0.0067811)])
    def test_quiet_rest(self, model, S, hz, rate):
        x = rest(model)
        assert x[0] == pytest.approx(S, abs=1e-11)
        assert float(model.rate(x, jnp.zeros(1))) == pytest.approx(hz, abs=5e-4)
        assert eigenvalues(model, x)[0].real * MS == pytest.approx(rate, abs=5e-8)

    @pytest.mark.parametrize(("I_0", "S", "w"), [(0.3, 0.0802, 1.797669), (0.3, 0.5199, 1.154738)])
    def test_folds(self, I_0, S, w):
        x, found = fold(lambda p: ReducedWongWang(I_0=I_0, w=p), [S], w)
        assert found == pytest.approx(w, abs=1e-6)
        assert x[0] == pytest.approx(S, abs=5e-5)

    def test_folds_of_the_other_set(self):
        found = [fold(lambda p: ReducedWongWang(I_0=0.33, w=p), [S], 0.91)[1] for S in (0.2, 0.35)]
        np.testing.assert_allclose(sorted(found), [0.907681, 0.915077], atol=1e-6)

    def test_a_uniform_network_is_a_stronger_recurrence(self):
        np.testing.assert_allclose(rest(ReducedWongWang(), own=0.5), rest(ReducedWongWang(w=1.4)), rtol=1e-12)


class TestWongWang:
    def test_isolated_rest(self):
        model = WongWang()
        x = rest(model)
        np.testing.assert_allclose(x, [0.16475721, 0.03921845], atol=5e-9)
        np.testing.assert_allclose(model.rates(x, jnp.zeros(1)), [3.07732706, 3.92184486], atol=5e-8)
        np.testing.assert_allclose(eigenvalues(model, x).real * MS, [-0.00598243, -0.23145182], atol=5e-9)

    def test_balance_in_closed_form(self):
        model = WongWang(J=WongWang().balanced(0.0))
        assert float(model.J) == pytest.approx(1.0107300445, abs=1e-10)
        x = rest(model)
        assert x[0] == pytest.approx(0.1612849116, abs=1e-10)
        np.testing.assert_allclose(model.rates(x, jnp.zeros(1))[0], 3.0, rtol=1e-11)

    def test_target_current_of_the_paper(self):
        model = WongWang()
        for current, rate in ((-0.026, 3.06308542), (-0.0266924444, 3.0)):
            held = WongWang(J=model.balanced(0.7, rate))
            S_E = 0.0641 * rate / (1 + 0.0641 * rate)
            x = fsolve(lambda s, m=held, e=S_E: float(m.drift(jnp.array([e, s[0]]), jnp.array([0.7 * e]))[1]), [0.04])
            got = held.I_0 + (1.4 + 0.7) * 0.15 * S_E - float(held.J) * x[0] - 125 / 310
            assert got == pytest.approx(current, abs=1e-9)

    @pytest.mark.parametrize(("strength", "S_E"), [(0.25, 0.273), (0.5, 0.560), (1.0, 0.750)])
    def test_saturates_without_balance(self, strength, S_E):
        assert rest(WongWang(), [0.8, 0.06], own=strength)[0] == pytest.approx(S_E, abs=6e-4)

    def test_long_fibres_onto_inhibition_hold_back(self):
        assert rest(WongWang(lam=1.0), own=0.5)[0] < rest(WongWang(), [0.8, 0.06], own=0.5)[0]


class TestQIF:
    tau = 0.01

    def state(self, model, r, V):
        return np.array([r / model.tau, V])

    @pytest.mark.parametrize(("r", "V"), [
        (0.08113444, -1.96161999), (0.47298034, -0.33649378), (1.0305968, -0.15442988)])
    def test_three_rests(self, r, V):
        for model in (QIF(), QIF(tau=0.02)):
            x = rest(model, self.state(model, r, V))
            np.testing.assert_allclose([x[0] * model.tau, x[1]], [r, V], atol=5e-8)

    def test_the_start_is_the_quiet_state(self):
        np.testing.assert_allclose(rest(QIF()) * [0.01, 1], [0.08113444, -1.96161999], atol=5e-8)

    def test_active_focus_rings(self):
        model = QIF()
        lead = eigenvalues(model, rest(model, self.state(model, 1.03, -0.15)))[0] * model.tau
        assert lead.real == pytest.approx(-0.30886, abs=5e-6)
        assert abs(lead.imag) == pytest.approx(3.31863, abs=5e-6)
        assert abs(lead.imag) / (2 * pi * 1 * MS) == pytest.approx(528, abs=0.5)

    @pytest.mark.parametrize(("r", "eta"), [(0.162570, -3.136134), (0.753920, -5.743527)])
    def test_folds(self, r, eta):
        V = -1 / (2 * pi * r)
        x, found = fold(lambda p: QIF(eta=p), [r / self.tau, V], eta)
        assert found == pytest.approx(eta, abs=1e-6)
        assert x[0] * self.tau == pytest.approx(r, abs=1e-6)

    def test_units_can_absorb_the_spread(self):
        # eta / Delta and J / sqrt(Delta) alone matter when r, V scale with sqrt(Delta) and time with its inverse.
        D = 0.5
        one, other = QIF(tau=0.01), QIF(tau=0.01, Delta=D, eta=-5.0 * D, J=15.0 * sqrt(D))
        x = np.array([70.0, -0.4])
        scale = np.array([sqrt(D), sqrt(D)])
        np.testing.assert_allclose(drift(other, x * scale), drift(one, x) * scale * sqrt(D), rtol=1e-12)

    def test_the_rate_cannot_turn_negative(self):
        assert drift(QIF(), [0.0, -3.0])[0] > 0
