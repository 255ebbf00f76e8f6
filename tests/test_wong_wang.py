"""The firing curve of both Wong-Wang models, and inhibition that balances a network."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from nmfit.compare.connectivity import correlation
from nmfit.dynamics import linearise
from nmfit.models import Hopf, ReducedWongWang, WongWang
from nmfit.models.curves import firing_rate
from nmfit.network import Network
from nmfit.observe import Direct
from nmfit.parameters import declarations


class TestFiringRate:
    """The curve of both Wong-Wang models, above all where its formula is 0/0."""

    d = 0.154

    def test_value_and_slopes_at_the_removable_singularity(self):
        slope = jax.grad(firing_rate)
        found = jax.jit(lambda u, d: (firing_rate(u, d), slope(u, d), jax.grad(slope)(u, d),
                                      jax.grad(firing_rate, argnums=1)(u, d)))(0.0, self.d)
        np.testing.assert_allclose(found, [1 / self.d, 0.5, self.d / 6, -1 / self.d**2], rtol=1e-14)

    def test_equals_the_formula_away_from_it(self):
        u = np.concatenate([np.linspace(-60, -1, 60), np.linspace(1, 60, 60)])
        np.testing.assert_allclose(firing_rate(u, self.d), u / (1 - np.exp(-self.d * u)), rtol=1e-12)

    def test_odd_part_is_half_the_ramp_exactly(self):
        u = np.geomspace(1e-9, 1e3, 200)
        np.testing.assert_allclose(firing_rate(u, self.d) - firing_rate(-u, self.d), u, rtol=1e-12, atol=1e-14 / self.d)

    @pytest.mark.parametrize("order", [0, 1, 2])
    def test_branches_join_smoothly(self, order):
        curve = firing_rate
        for _ in range(order):
            curve = jax.grad(curve)
        curve = jax.jit(partial(curve, d=self.d))
        edge = 0.03 / self.d
        for side in (-edge, edge):
            inside, outside = float(curve(side * (1 - 1e-13))), float(curve(side * (1 + 1e-13)))
            assert inside == pytest.approx(outside, rel=(1e-14, 1e-12, 1e-9)[order])

    @pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
    def test_nothing_overflows_far_out(self, dtype):
        u = np.array([-1e5, -700.0, 700.0, 1e5])
        d = jnp.full(4, self.d, dtype)
        value, slopes = jax.jit(jax.vmap(jax.value_and_grad(firing_rate, argnums=(0, 1))))(jnp.asarray(u, dtype), d)
        np.testing.assert_allclose(value, np.maximum(u, 0), rtol=1e-6, atol=1e-30)
        np.testing.assert_allclose(slopes[0], u > 0, rtol=1e-6, atol=1e-30)
        assert np.all(np.isfinite(slopes[1]))


@pytest.mark.parametrize("lam", [0.0, 1.0])
def test_balanced_inhibition_holds_every_region_at_its_rate(lam):
    rng = np.random.default_rng(11)
    W = rng.uniform(0, 1, (6, 6)) * (1 - np.eye(6))
    model = WongWang(lam=lam, w=rng.uniform(1.0, 1.8, 6), I_ext=0.01)
    strength = 0.4 * W.sum(1)
    balanced, drift = jax.jit(WongWang.balanced), jax.jit(WongWang.drift)
    for rate in (3.0, 6.0):
        J = balanced(model, strength, rate)
        held = dataclasses.replace(model, J=J)
        S_E = 0.1 * 0.641 * rate / (1 + 0.1 * 0.641 * rate)
        c = jnp.asarray(0.4 * W @ np.full(6, S_E))[None]
        # The inhibitory gating follows from its own equation; found here by bisection, not by Newton.
        low, high = np.zeros(6), np.ones(6)
        for _ in range(60):
            middle = 0.5 * (low + high)
            up = np.asarray(drift(held, jnp.stack([jnp.full(6, S_E), jnp.asarray(middle)]), c)[1]) > 0
            low, high = np.where(up, middle, low), np.where(up, high, middle)
        x = jnp.stack([jnp.full(6, S_E), jnp.asarray(low)])
        np.testing.assert_allclose(held.rates(x, c)[0], rate, rtol=1e-11)
        np.testing.assert_allclose(held.drift(x, c)[0], 0.0, atol=1e-10)


def test_balanced_inhibition_is_differentiable():
    balanced = jax.jit(lambda s, w, r: WongWang(w=w).balanced(s, r))
    check_grads(balanced, (jnp.array([0.2, 1.5]), 1.4, 3.0), order=1, eps=1e-5)


def test_balanced_inhibition_in_float32():
    model = jax.tree.map(lambda v: jnp.asarray(v, jnp.float32), WongWang())
    J = model.balanced(jnp.zeros(2, jnp.float32), jnp.asarray(3.0, jnp.float32))
    assert J.dtype == jnp.float32
    np.testing.assert_allclose(J, 1.01073, rtol=1e-4)


def test_balanced_inhibition_converges_over_the_bounds(monkeypatch):
    rng = np.random.default_rng(12)
    model = WongWang(**{name: low + (high - low) * rng.uniform(0.01, 0.99, 400)
                        for name, (low, high) in ((n, t.bounds) for n, t in declarations(WongWang).items())})
    model = dataclasses.replace(model, tau_E=0.1, gamma=0.641, lam=rng.uniform(0, 2, 400))
    strength = np.geomspace(1e-2, 30.0, 400)
    J = model.balanced(strength)
    monkeypatch.setattr("nmfit.models.wong_wang.NEWTON_STEPS", 60)
    np.testing.assert_allclose(J, model.balanced(strength), rtol=1e-10)


def weights_of(n):
    W = np.random.default_rng(13).uniform(0, 1, (n, n)) * (1 - np.eye(n))
    return W + W.T


def test_a_recurrence_that_gives_way_to_what_is_heard_damps_hubs_as_hopf_does():
    # I = w J_N S + J_N G sum_j W_ij (S_j - S_i): all regions rest as one alone, and the Jacobian is -d - k G L.
    W, G, model = weights_of(6), 0.2, ReducedWongWang()
    rest = np.asarray(linearise(Network.of(np.zeros((6, 6)) + 1e-9 * W, model, G=G), Direct()).x["all"][0])
    linear = linearise(Network.of(W, model, G=G, coupling="diffusive"), Direct())
    np.testing.assert_allclose(linear.x["all"][0], rest, rtol=1e-6)
    x = jnp.asarray(rest)[None]
    d, k = (float(jax.jacfwd(lambda s, c: model.drift(s, c)[0], at)(x[:, 0], jnp.zeros(1))[0]) for at in (0, 1))
    hopf = linearise(Network.of(W, Hopf(a=d, f=0.05), G=k * G), Direct())
    np.testing.assert_allclose(correlation(linear.covariance()[0]), correlation(hopf.covariance()[0]), rtol=1e-6)


def test_balance_holds_the_rate_whatever_the_coupling():
    W = weights_of(5)
    for coupling in ("additive", "diffusive"):
        network = Network.of(W, WongWang(), G=0.1, coupling=coupling, fic=True).regulated()
        linear = linearise(network, Direct())
        c = network.input(network.output(linear.x))
        rates = network.groups["all"].rates(linear.x["all"], c)
        np.testing.assert_allclose(rates[0], 3.0, rtol=1e-6)
