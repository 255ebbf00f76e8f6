"""Spectral losses: their values, their residuals, their gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import gamma

from nmfit.compare import log10_residuals, r_squared, shape_residuals, whittle, whittle_residuals
from nmfit.compare.spectral_losses import cross_whittle
from nmfit.compare.welch import rank_basis

DOF = 24.0


@pytest.fixture
def spectra():
    rng = np.random.default_rng(0)
    model = np.exp(rng.normal(size=(30, 4)))
    return model, model * rng.chisquare(DOF, (30, 4)) / DOF


def test_the_bias_of_a_logarithm_is_known():
    rng = np.random.default_rng(1)
    model = np.ones((400, 200))
    data = rng.chisquare(DOF, model.shape) / DOF
    assert abs(float(jnp.mean(log10_residuals(model, data, DOF)))) < 1e-3
    assert float(jnp.mean(log10_residuals(model, data))) > 0.015


def test_r_squared_is_one_less_the_share_left(spectra):
    model, data = spectra
    y = np.log10(data)
    expected = 1 - ((np.log10(model) - y) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    assert np.isclose(r_squared(model, data), expected)
    assert np.isclose(r_squared(data, data), 1.0)
    assert np.isclose(r_squared(np.full_like(data, 10 ** y.mean()), data), 0.0)


def test_shape_does_not_see_the_level(spectra):
    model, data = spectra
    assert np.allclose(shape_residuals(model * np.array([1.0, 10, 100, 1e3]), data), shape_residuals(model, data))


def test_whittle_is_the_likelihood_of_a_gamma_variable(spectra):
    model, data = spectra
    other = model * 1.3

    def minus_log(m):
        return -gamma.logpdf(data, DOF / 2, scale=2 * m / DOF).sum()

    assert np.isclose(whittle(other, data, DOF) - whittle(model, data, DOF), minus_log(other) - minus_log(model))
    residuals = np.asarray(whittle_residuals(model, data, DOF))
    assert np.array_equal(np.sign(residuals), np.sign(model - data))
    assert 0.8 < residuals.std() < 1.2


def test_residuals_are_smooth_where_model_and_data_agree():
    slope = jax.vmap(jax.grad(lambda log_m: whittle_residuals(jnp.exp(log_m), jnp.ones(()), DOF)))
    at = jnp.array([-2e-2, -1.01e-2, -0.99e-2, -1e-9, 0.0, 1e-9, 0.99e-2, 1.01e-2, 2e-2])
    found = np.asarray(slope(at))
    assert np.isclose(found[4], np.sqrt(DOF / 2))
    assert np.max(np.abs(np.diff(found))) < 0.1
    h = 1e-6
    for x in (-1.0, -0.3, 0.0, 0.4, 2.0):
        up, down = (whittle_residuals(jnp.exp(x + k), jnp.ones(()), DOF) for k in (h, -h))
        assert np.isclose(slope(jnp.array([x]))[0], (up - down) / (2 * h), rtol=1e-6)


@pytest.mark.parametrize("loss", [
    lambda m, d: jnp.sum(log10_residuals(m, d, DOF) ** 2), lambda m, d: jnp.sum(shape_residuals(m, d) ** 2),
    r_squared, lambda m, d: whittle(m, d, DOF)])
def test_gradients_equal_differences(loss, spectra):
    model, data = spectra
    direction = np.random.default_rng(2).normal(size=model.shape) * model
    h = 1e-6
    expected = (loss(model + h * direction, data) - loss(model - h * direction, data)) / (2 * h)
    assert np.isclose(jnp.sum(jax.grad(loss)(jnp.asarray(model), data) * direction), expected, rtol=1e-6)


def drawn_cross(rng, truth, windows):
    """Return an estimate of a cross-spectrum from independent windows."""
    root = np.linalg.cholesky(truth)
    noise = rng.normal(size=(windows, *truth.shape[:2], 2)) @ [1.0, 1j] / np.sqrt(2)
    z = np.einsum("fst,wft->wfs", root, noise)
    return np.einsum("wfs,wft->fst", z, np.conj(z)) / windows


def test_whole_cross_spectra_are_judged_on_the_rank_they_have():
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(3, 5, 5)) + 1j * rng.normal(size=(3, 5, 5))
    truth = mix @ np.conj(np.swapaxes(mix, 1, 2)) + 2 * np.eye(5)
    data = drawn_cross(rng, truth, 400)
    average = np.eye(5) - 0.2                                      # the average reference: rank 4
    model, seen = average @ truth @ average, average @ data @ average
    basis = rank_basis(seen)
    assert basis.shape == (5, 4)
    assert float(cross_whittle(seen, seen, 400, basis)) == pytest.approx(0.0, abs=1e-8)
    # Twice the value is chi-squared with r^2 degrees of freedom per frequency where the model is true.
    value = 2 * float(cross_whittle(model, seen, 400, basis))
    assert 48 - 4 * np.sqrt(96) < value < 48 + 4 * np.sqrt(96)
    assert 2 * float(cross_whittle(1.3 * model, seen, 400, basis)) > value + 50
    other = basis @ rng.normal(size=(4, 4))                        # any basis of the same dimensions
    assert 2 * float(cross_whittle(model, seen, 400, other)) == pytest.approx(value, rel=1e-6)
    slope = jax.grad(lambda g: cross_whittle(g * model, seen, 400, basis))(1.1)
    near = [float(cross_whittle(g * model, seen, 400, basis)) for g in (1.1 + 1e-5, 1.1 - 1e-5)]
    assert float(slope) == pytest.approx((near[0] - near[1]) / 2e-5, rel=1e-5)


def test_one_channel_is_the_whittle_likelihood_of_its_power():
    model, data = np.array([2.0, 3.0])[:, None], np.array([2.5, 2.0])[:, None]
    whole = cross_whittle(model[..., None] + 0j, data[..., None] + 0j, 10, np.ones((1, 1)))
    assert float(whole) == pytest.approx(float(whittle(model, data, 20)), rel=1e-10)
