"""What is known of each model from its canonical equations: rest, eigenvalues, onsets, folds, cycles.

The numbers were computed from the papers' equations at high accuracy, apart from this package; those of time
are in the papers' own unit, mostly milliseconds, so that a wrong conversion at a declaration shows here.
"""

from math import exp, pi, sqrt

import jax.numpy as jnp
import numpy as np
import pytest
from branches import cycle, drift, eigenvalues, flow, fold, jacobian, onset, rest
from scipy.linalg import expm
from scipy.optimize import brentq, fsolve

from nmfit.models import QIF, JansenRit, ReducedWongWang, ThresholdLinear, WilsonCowan, WongWang

MS = 1e-3


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
