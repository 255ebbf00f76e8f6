"""The parts that the linear engine's cost comes from equal their plain forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nmfit.dynamics.krylov import DENSE, leading_eigenvalues
from nmfit.dynamics.products import gram
from nmfit.dynamics.resolvent import closed


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

    def plain(k, h):
        wide = jnp.kron(jnp.eye(channels).astype(k.dtype), k).astype(complex)
        local = jnp.einsum("abi,ij->aibj", h, jnp.eye(n).astype(complex)).reshape(wide.shape)
        return wide @ jnp.linalg.inv(jnp.eye(channels * n).astype(complex) - local @ wide)

    def value(form, k, h):
        return jnp.real(jnp.sum(weight * form(k, h) ** 2))

    np.testing.assert_allclose(closed(k, h), plain(k, h), rtol=1e-11, atol=1e-12)
    for found, expected in zip(*(jax.grad(value, argnums=(1, 2))(form, k, h) for form in (closed, plain)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-11 * float(jnp.abs(expected).max()))


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
