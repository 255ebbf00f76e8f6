"""The loss of a rung for spectra at sensors, as a function of its free coordinates."""

import dataclasses
from math import pi

import jax.numpy as jnp

from ...compare.loss import Seen
from ...compare.spectral_losses import log10_residuals
from ...dynamics import linearise
from ...dynamics.one_channel import has_one_channel, one_channel_response
from ...dynamics.products import real_product
from ...dynamics.resolvent import (
    regional_transfers,
    response,
    rotating_response,
    through_instrument,
    with_drive,
)
from ...dynamics.symmetrise import rotates
from ...parameters import declarations, pytree
from ..space import penalty, place

UNSTABLE = 10.0           # squared decades: worse than any stable fit
HOPELESS = 1e5            # the same for a loss of the user's own
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
    loss : Loss, or None for the mean squared residual of log10 power
    wanted : Wanted, what a loss of the user's own reads
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
    loss: object = None
    wanted: object = None


def placed(theta, problem):
    """Return network and lead field with every block at ``theta``."""
    sensor = declarations(problem.leadfield)
    network = place(problem.network, [b for b in problem.blocks if b.name not in sensor], theta)
    values = {b.name: b.value(theta[b.name]) for b in problem.blocks if b.name in sensor}
    return network, dataclasses.replace(problem.leadfield, **values)


def source_psd(leadfield, e):
    """Return the one-sided power ``[f, s]`` that regional responses ``e [f, n, m]`` have at the sensors.

    ``2 d^2 (c sum_m |L E|^2 + (1 - c) sum_i sum_q g_iq^2 sum_m |E_im|^2)``, see `LeadField`.
    """
    total = 0.0
    if jnp.ndim(leadfield.gain) == 2:
        seen = real_product(jnp.asarray(leadfield.gain), e)
        total = jnp.sum(jnp.real(seen) ** 2 + jnp.imag(seen) ** 2, axis=-1)
    if leadfield.modes is not None:
        share = leadfield.coherence if jnp.ndim(leadfield.gain) == 2 else jnp.zeros(())
        own = jnp.sum(jnp.real(e) ** 2 + jnp.imag(e) ** 2, axis=-1)
        incoherent = own @ jnp.sum(jnp.asarray(leadfield.modes) ** 2, axis=-1).T
        total = share * total + (1.0 - share) * incoherent
    return 2.0 * jnp.asarray(leadfield.sensitivity) ** 2 * total


def regional_response(network, leadfield, x, w):
    """Return the response ``[f, n, m]`` of the regions' moments to all noise, in the cheapest form that is exact."""
    if rotates(network):
        return with_drive(network, rotating_response(network, leadfield, x, w))
    form = one_channel_response if has_one_channel(network) else response
    return with_drive(network, form(network, leadfield, x, w))


def lonely_psd(network, leadfield, x, w):
    """Return the power ``[f, s]`` at the sensors if no region heard another: cheap, it needs no solve."""
    local = regional_transfers(network, leadfield, x, w)
    k = len(network.channels)
    alone = through_instrument(network, leadfield, x, w, local[:, k, k:].swapaxes(1, 2))
    return 2.0 * jnp.sum(jnp.real(alone) ** 2 + jnp.imag(alone) ** 2, axis=-1) @ leadfield.power_gain().T


def predicted_psd(theta, problem):
    """Return what the estimate would be on average and the part of it that comes from sources, both ``[f, s]``.

    Beside them the stability figure, 1/s, and whether a state of rest was found. What regions would show alone is
    computed at all frequencies, what their coupling makes of it at few, and its logarithm interpolated.
    """
    network, leadfield = placed(theta, problem)
    linear = linearise(network, leadfield)
    few, all_of_them = 2 * pi * problem.freqs, 2 * pi * problem.fine
    e = regional_response(network, leadfield, linear.x, few)
    changed = jnp.log(source_psd(leadfield, e) / lonely_psd(network, leadfield, linear.x, few))
    fine = lonely_psd(network, leadfield, linear.x, all_of_them) * jnp.exp(problem.finer @ changed)
    sources = problem.smear @ fine
    noise = problem.smear @ leadfield.noise_psd(problem.fine)
    return sources + noise, sources, linear.abscissa(), linear.converged


def predicted_cross(theta, problem):
    """Return the cross-spectrum ``[f, s, s]`` that the estimate would have on average, coupling solved everywhere."""
    network, leadfield = placed(theta, problem)
    e = regional_response(network, leadfield, linearise(network, leadfield).x, 2 * pi * problem.fine)
    seen = leadfield.project(e)
    cross = 2.0 * seen @ jnp.conj(jnp.swapaxes(seen, -1, -2))
    cross = cross + leadfield.noise_cross_spectrum(problem.fine).astype(cross.dtype)
    return jnp.einsum("fv,vst->fst", problem.smear.astype(cross.dtype), cross)


def misfit(theta, psd, problem):
    """Return the loss of what the model predicts, without penalties."""
    if problem.loss is None:
        residuals = log10_residuals(psd, problem.data) + problem.bias
        return jnp.sum(problem.counts * jnp.mean(residuals**2, axis=1)) / jnp.sum(problem.counts)
    cross = predicted_cross(theta, problem) if "cross" in problem.loss.needs else None
    return problem.loss(Seen(psd=psd, cross=cross), problem.wanted)


def spectrum_objective(theta, problem):
    """Return the mean squared residual of log10 power with its penalties; no stable state costs more than any.

    A smooth barrier keeps resonances wide enough to be resolved by the frequencies at hand.
    """
    psd, _, abscissa, converged = predicted_psd(theta, problem)
    stable = (abscissa < 0) & converged
    damping = jnp.where(stable, -abscissa, NARROWEST)
    barrier = BARRIER * jnp.maximum(jnp.log(NARROWEST / damping), 0.0) ** 2
    value = misfit(theta, psd, problem) + barrier + problem.shrinkage * penalty(problem.blocks, theta)
    return jnp.where(stable, value, unstable_cost(problem.loss))


def unstable_cost(loss):
    """Return what an unstable state costs."""
    return UNSTABLE if loss is None else HOPELESS
