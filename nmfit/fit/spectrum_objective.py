"""The loss of a rung for spectra at sensors, as a function of its free coordinates."""

import dataclasses
from math import pi

import jax.numpy as jnp

from ..compare.spectral_losses import log10_residuals
from ..dynamics import linearise
from ..dynamics.resolvent import response
from ..parameters import declarations, pytree
from .space import penalty, place

UNSTABLE = 10.0           # squared decades: worse than any stable fit
NARROWEST = 2.0           # 1/s: a resonance more weakly damped than this is held back (half width 0.3 Hz)
BARRIER = 2e-3            # squared decades at a damping of NARROWEST / e


@pytree
class SpectrumProblem:
    """Everything that a fit of spectra holds fixed.

    Attributes
    ----------
    network, leadfield
    blocks : tuple of Block, of the network's parameters and of the lead field's
    data : ``[f, s]``, one-sided power
    bias : mean of the logarithm of such an estimate over that of the truth, log10; 0 where unknown
    counts : ``[f]``, 1 where a frequency takes part, else 0
    freqs : ``[m]`` Hz, where the model is computed
    finer : ``[v, m]``, cubic interpolation of log power from `freqs` to ``fine`` ``[v]`` Hz
    smear : ``[f, v]``, what the estimate's window does
    shrinkage : weight of the Gaussian prior on the shrunken coordinates
    """

    network: object
    leadfield: object
    blocks: tuple
    data: object
    bias: object
    counts: object
    freqs: object
    fine: object
    finer: object
    smear: object
    shrinkage: object


def placed(theta, problem):
    """Return network and lead field with every block at ``theta``."""
    sensor = declarations(problem.leadfield)
    network = place(problem.network, [b for b in problem.blocks if b.name not in sensor], theta)
    values = {b.name: b.value(theta[b.name]) for b in problem.blocks if b.name in sensor}
    return network, dataclasses.replace(problem.leadfield, **values)


def source_psd(leadfield, e):
    """Return the one-sided power ``[f, s]`` that regional responses ``e [f, n, m]`` have at the sensors.

    ``2 (c sum_m |L E|^2 + (1 - c) sum_i sum_q g_iq^2 sum_m |E_im|^2)``, see `LeadField`.
    """
    total = 0.0
    if jnp.ndim(leadfield.gain) == 2:
        gain = jnp.asarray(leadfield.gain)
        # A real matrix times a complex one is two real products.
        total = jnp.sum((gain @ jnp.real(e)) ** 2 + (gain @ jnp.imag(e)) ** 2, axis=-1)
        if leadfield.modes is None:
            return 2.0 * total
    share = leadfield.coherence if jnp.ndim(leadfield.gain) == 2 else jnp.zeros(())
    own = jnp.sum(jnp.real(e) ** 2 + jnp.imag(e) ** 2, axis=-1)
    incoherent = own @ jnp.sum(jnp.asarray(leadfield.modes) ** 2, axis=-1).T
    return 2.0 * (share * total + (1.0 - share) * incoherent)


def predicted_psd(theta, problem):
    """Return what the estimate would be on average and the part of it that comes from sources, both ``[f, s]``.

    Beside them the stability figure, 1/s, and whether a state of rest was found.
    """
    network, leadfield = placed(theta, problem)
    linear = linearise(network, leadfield)
    e = response(network, leadfield, linear.x, 2 * pi * problem.freqs)
    fine = 10.0 ** (problem.finer @ jnp.log10(source_psd(leadfield, e)))
    sources = problem.smear @ fine
    noise = problem.smear @ leadfield.noise_psd(problem.fine)
    return sources + noise, sources, linear.abscissa(), linear.converged


def spectrum_objective(theta, problem):
    """Return the mean squared residual of log10 power with its penalties; no stable state costs more than any.

    A smooth barrier keeps resonances wide enough to be resolved by the frequencies at hand.
    """
    psd, _, abscissa, converged = predicted_psd(theta, problem)
    residuals = log10_residuals(psd, problem.data) + problem.bias
    stable = (abscissa < 0) & converged
    damping = jnp.where(stable, -abscissa, NARROWEST)
    barrier = BARRIER * jnp.maximum(jnp.log(NARROWEST / damping), 0.0) ** 2
    misfit = jnp.sum(problem.counts * jnp.mean(residuals**2, axis=1)) / jnp.sum(problem.counts)
    value = misfit + barrier + problem.shrinkage * penalty(problem.blocks, theta)
    return jnp.where(stable, value, UNSTABLE)
