"""What is known of the oscillators: amplitudes, frequencies, onsets and synchrony; see test_model_facts."""

from math import pi, sqrt

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from branches import cycle, drift, eigenvalues, flow, jacobian, onset, rest
from scipy.integrate import solve_ivp
from scipy.linalg import solve_continuous_lyapunov

from nmfit.models import FitzHughNagumo, Hopf, Kuramoto, StuartLandau

MS = 1e-3


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
