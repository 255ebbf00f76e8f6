"""The parts that the linear engine's cost comes from equal their plain forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nmfit.dynamics.closed_loop import closed, turning
from nmfit.dynamics.krylov import DENSE, leading_eigenvalues
from nmfit.dynamics.local import solve_small
from nmfit.dynamics.products import gram
from nmfit.dynamics.stability import largest_eigenvalue


def some(*shape, seed=0):
    """Return complex numbers of the given shape."""
    rng = np.random.default_rng(seed)
    return jnp.asarray(rng.normal(size=shape) + 1j * rng.normal(size=shape))


@pytest.mark.parametrize("delayed", [False, True])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_closed_loop_and_its_derivative_are_the_plain_ones(channels, delayed):
    n = 4
    k, h, weight = some(n, n), 0.2 * some(channels, channels, n, seed=1), some(channels * n, channels * n, seed=2)
    k = k if delayed else jnp.real(k)

    def plain(g, k, h):
        wide = g * jnp.kron(jnp.eye(channels).astype(k.dtype), k).astype(complex)
        local = jnp.einsum("abi,ij->aibj", h, jnp.eye(n).astype(complex)).reshape(wide.shape)
        return wide @ jnp.linalg.inv(jnp.eye(channels * n).astype(complex) - local @ wide)

    hold(closed, plain, (k, h), weight)


@pytest.mark.parametrize("delayed", [False, True])
def test_planes_that_turn_and_their_derivative_are_the_plain_ones(delayed):
    k, delta, weight = some(4, 4), 5.0 + some(4, seed=1), some(4, 4, seed=2)
    hold(turning, lambda g, k, delta: jnp.linalg.inv(jnp.diag(delta) - (g * k).astype(complex)),
         (k if delayed else jnp.real(k), delta), weight)


def hold(form, plain, at, weight):
    """Compare values and gradients of two forms, wiring free and held, coupled and not."""
    def value(form, g, *at):
        return jnp.real(jnp.sum(weight * (form(g, *at) + 0.1 * form(g, *at) ** 2)))

    for g in (jnp.asarray(0.7), jnp.asarray(0.0)):
        np.testing.assert_allclose(form(g, *at), plain(g, *at), rtol=1e-11, atol=1e-12)
        for free in ((1, 2, 3), (1, 3), (1,)):
            for found, expected in zip(*(jax.grad(value, argnums=free)(f, g, *at) for f in (form, plain)), strict=True):
                np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-11 * float(jnp.abs(expected).max()))


def test_small_systems_are_solved_as_lapack_does():
    rng = np.random.default_rng(7)
    solve, slope_of = jax.jit(solve_small), jax.jit(jax.grad(lambda b, a: jnp.sum(solve_small(a, b))))
    for d in (1, 2, 6):
        a, b = rng.normal(size=(50, d, d)) * 10.0 ** rng.integers(-3, 4, size=(50, d, 1)), rng.normal(size=(50, d, 2))
        a[0, 0, 0] = 0.0 if d > 1 else 1.0                    # a pivot that has to be exchanged
        np.testing.assert_allclose(jnp.einsum("nij,njp->nip", a, solve(a, b)), b, rtol=1e-7, atol=1e-7)
        expected = np.linalg.solve(a.swapaxes(1, 2), np.ones_like(b))
        np.testing.assert_allclose(slope_of(b, a), expected, rtol=1e-7, atol=1e-7)


def test_the_gram_matrix_has_the_plain_derivative():
    e, weight = some(3, 4, 5), jnp.real(some(4, 4, seed=1))
    plain = jax.grad(lambda e: jnp.sum(weight * jnp.real(jnp.einsum("frm,fsm->rs", e, jnp.conj(e)))))(e)
    np.testing.assert_allclose(jax.grad(lambda e: jnp.sum(weight * gram(e)))(e), plain, rtol=1e-12)


@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_the_rightmost_eigenvalue_is_found_without_the_others(spread):
    n, rng = 90, np.random.default_rng(3)
    search = jax.jit(leading_eigenvalues, static_argnums=2)
    for delay in (0.0, 0.01):
        weights = np.exp(2 * rng.normal(size=(n, n)))
        poles = -8 + 70j + spread * 10 * (rng.normal(size=n) + 1j * rng.normal(size=n))
        turned = 20 * weights / weights.sum(1) * np.exp(-poles.mean() * delay * rng.uniform(size=(n, n)))
        matrix = np.diag(poles) + turned
        found = search(jnp.asarray(matrix), float(np.abs(poles).mean()), 2)
        assert n > DENSE
        assert found[0].real == pytest.approx(np.linalg.eigvals(matrix).real.max(), rel=1e-6)


@pytest.mark.parametrize("kind", ["unlike", "close together", "one alone", "without coupling"])
def test_the_largest_eigenvalue_of_a_symmetric_matrix_and_its_slope(kind):
    n, rng = 90, np.random.default_rng(4)
    drawn = rng.normal(size=(n, n))
    turned = np.linalg.qr(drawn)[0]
    values = {"unlike": -rng.uniform(0.1, 3, n), "close together": -1 - 1e-3 * rng.uniform(size=n),
              "one alone": np.append(np.full(n - 1, -5.0), -0.02), "without coupling": np.full(n, -0.5)}[kind]
    matrix = turned * values @ turned.T if kind != "without coupling" else np.diag(values)
    found, slope = jax.jit(jax.value_and_grad(largest_eigenvalue))(jnp.asarray(0.5 * (matrix + matrix.T)))
    assert found == pytest.approx(values.max(), rel=1e-10)
    assert np.trace(slope) == pytest.approx(1.0)
    vector = turned[:, np.argmax(values)]
    if kind in ("unlike", "one alone"):
        np.testing.assert_allclose(slope, np.outer(vector, vector), atol=1e-6)
