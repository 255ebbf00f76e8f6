"""Standard errors under a loss of spectra: the curvature is Fisher's information, its inverse the scatter."""

import dataclasses
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nmfit
from nmfit.compare import spectrum_target
from nmfit.compare.spectral_losses import on_basis
from nmfit.fit.space import origin_theta
from nmfit.fit.spectrum.ground import SpectrumGround, blocks_of, problem_of
from nmfit.fit.spectrum.loss_errors import determined_under_loss
from nmfit.fit.spectrum.objective import predicted_cross
from nmfit.network import Network
from nmfit.observe import LeadField

N, DOF = 3, 40.0
FREQS = np.arange(6.0, 16.0, 1.0)
WEIGHTS = np.array([[0.0, 0.6, 0.4], [0.6, 0.0, 0.2], [0.4, 0.2, 0.0]])


@pytest.fixture(scope="module")
def stood():
    """Return a ground whose data are what its model expects, and that model as if it were fitted."""
    leadfield = LeadField.of(40 * (np.eye(N) + 0.3), [f"E{i}" for i in range(N)], [f"R{i}" for i in range(N)])
    network = Network.of(WEIGHTS, nmfit.Hopf(f=10.0), G=4.0).replace({"a": np.full(N, -8.0), "noise": np.ones(N)})
    target = spectrum_target(FREQS, np.ones((FREQS.size, N)), ch_names=leadfield.ch_names, dof=DOF, fmin=5.0)
    ground = SpectrumGround(network, leadfield, target.psd["fit"], DOF, target, ("a",), np.ones(FREQS.size, bool),
                            loss=nmfit.loss.Whittle(), cross=np.eye(N) * np.ones((FREQS.size, 1, 1)) + 0j)
    with jax.enable_x64(True):
        blocks = blocks_of(ground, network, leadfield, "shared")
        theta = origin_theta(blocks)
        cross = np.asarray(predicted_cross(theta, problem_of(ground, network, leadfield, blocks, 0.0)))
    ground = dataclasses.replace(ground, cross=cross, psd=np.real(np.einsum("fss->fs", cross)))
    return ground, types.SimpleNamespace(network=network, leadfield=leadfield, blocks=blocks, theta=theta,
                                         shrinkage=0.0)


def test_the_curvature_is_the_information_of_whole_cross_spectra(stood):
    ground, fitted = stood
    found = determined_under_loss(fitted, ground)
    problem = problem_of(ground, fitted.network, fitted.leadfield, fitted.blocks, 0.0)

    def whitened(coordinate, h=1e-4):
        ends = []
        for sign in (1, -1):
            theta = dict(fitted.theta)
            theta[coordinate.block] = theta[coordinate.block].at[coordinate.column].add(sign * h)
            ends.append(predicted_cross(theta, problem))
        move = on_basis((ends[0] - ends[1]) / (2 * h), problem.wanted.basis)
        return np.linalg.solve(on_basis(jnp.asarray(ground.cross), problem.wanted.basis), move)

    moves = [whitened(c) for c in found.coordinates]
    information = 0.5 * DOF * np.array([[np.trace(a @ b, axis1=1, axis2=2).real.sum() for b in moves] for a in moves])
    nats = 0.5 * DOF * FREQS.size * problem.wanted.basis.shape[1]   # of the loss, which is a mean
    np.testing.assert_allclose(nats * found.curvature, information, rtol=1e-6, atol=1e-6 * np.diag(information).max())
    # the slope's own scatter is the information, too: 300 draws of windows that share nothing
    size = np.sqrt(np.diag(information))
    np.testing.assert_allclose(nats**2 * found.slopes / np.outer(size, size), information / np.outer(size, size),
                               atol=4 * np.sqrt(2 / 300))


def test_what_cannot_be_told_is_left_out(stood):
    ground, fitted = stood
    assert determined_under_loss(fitted, dataclasses.replace(ground, dof=None)) is None
    with_prior = types.SimpleNamespace(**vars(fitted) | {"shrinkage": 0.3})
    found = determined_under_loss(with_prior, ground)
    # shared directions move at no cost
    np.testing.assert_allclose(found.curvature, found.data_curvature)
