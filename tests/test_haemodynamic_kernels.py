"""Kernels as linear systems against their closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm
from scipy.stats import gamma

from nmfit.observe import GammaKernel, VolterraKernel


def impulse_response(kernel, times):
    a = np.asarray(jax.jacfwd(kernel.drift)(kernel.start(), 0.0))
    b = np.asarray(jax.jacfwd(kernel.drift, argnums=1)(kernel.start(), 0.0))
    c = np.asarray(jax.grad(kernel.read)(kernel.start(), 0.0))
    return np.array([c @ expm(a * t) @ b for t in times])


@pytest.mark.parametrize("kernel", [GammaKernel.canonical(), GammaKernel.mixture(),
                                    GammaKernel(shapes=(3, 5), rate=0.7, ratio=0.3, amplitude=2.0)])
def test_gamma_kernel_is_the_difference_of_two_gamma_densities(kernel):
    t = np.linspace(0, 30, 61)
    response, undershoot = kernel.shapes
    closed = kernel.amplitude * (gamma.pdf(t, response, scale=1 / kernel.rate)
                                 - kernel.ratio * gamma.pdf(t, undershoot, scale=1 / kernel.rate))
    assert np.allclose(impulse_response(kernel, t), closed, atol=1e-12)


def test_canonical_and_mixture_peak_at_five_seconds():
    t = np.arange(3, 7, 0.05)
    for kernel in (GammaKernel.canonical(), GammaKernel.mixture()):
        assert abs(t[np.argmax(impulse_response(kernel, t))] - 5.0) < 0.1


def test_volterra_kernel_is_the_damped_sine():
    kernel = VolterraKernel()
    t = np.arange(0, 16, 0.01)
    w = np.sqrt(1 / kernel.tau_f - 1 / (4 * kernel.tau_s**2))
    closed = np.exp(-t / (2 * kernel.tau_s)) * np.sin(w * t) / w / 3
    found = impulse_response(kernel, t) / (kernel.k1 * kernel.V0)
    assert np.allclose(found, closed, atol=1e-12)
    assert abs(t[np.argmax(found)] - 0.802) < 0.006
    first_zero = t[np.flatnonzero(found[1:] < 0)[0]]
    assert abs(first_zero - 2.163) < 0.011
    assert abs(found.sum() * 0.01 - kernel.tau_f / 3) < 1e-4


@pytest.mark.parametrize("kernel", [GammaKernel(), VolterraKernel()])
def test_names_shapes_and_rest(kernel):
    h = jnp.zeros((len(kernel.states), 3))
    assert kernel.start().shape == (len(kernel.states),)
    assert np.all(np.asarray(kernel.drift(h, jnp.zeros(3))) == 0)
    assert kernel.drift(h, jnp.ones(3)).shape == h.shape
    assert kernel.read(h, jnp.ones(3)).shape == (3,)
