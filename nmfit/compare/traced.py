"""The same statistics of a simulated series, traced: what a gradient goes through. Twins of `empirical`, `series`."""

from math import ceil

import jax
import jax.numpy as jnp
from jax import lax

from .connectivity import correlation


def band_pass(data, tr, band):
    """Keep an ideal band of a series ``[t, n]``; twin of `empirical.band_pass`."""
    samples = data.shape[0]
    t = jnp.linspace(-1.0, 1.0, samples, dtype=data.dtype)[:, None]
    flat = data - data.mean(0) - t * (jnp.sum(t * data, 0) / jnp.sum(t * t))
    if band is None:
        return flat
    freqs = jnp.fft.rfftfreq(samples, tr)
    inside = (freqs >= band[0]) & (freqs <= band[1])
    spectrum = jnp.fft.rfft(flat, axis=0)
    kept = jnp.where(inside[:, None], spectrum, jnp.zeros_like(spectrum))
    return jnp.fft.irfft(kept, n=samples, axis=0)


def trimmed(data, tr, band):
    """Return a series after its band-pass, one period of the top cut off at either end."""
    edge = 0 if band is None else ceil(1.0 / (band[1] * tr))
    passed = band_pass(data, tr, band)
    return passed[edge:data.shape[0] - edge]


def covariance(data):
    """Return the covariance ``[n, n]`` of a series about its mean."""
    centred = data - data.mean(0)
    return centred.T @ centred / (data.shape[0] - 1)


def functional_connectivity(data, tr, band):
    """Return Pearson's FC after band-pass and trimming; twin of `empirical.functional_connectivity`."""
    return correlation(covariance(trimmed(data, tr, band)))


def fisher_z(fc):
    """Return ``arctanh`` of an FC matrix, 0 on its diagonal."""
    off = fc * (1.0 - jnp.eye(fc.shape[-1], dtype=fc.dtype))
    return jnp.arctanh(jnp.clip(off, -1 + 1e-12, 1 - 1e-12))


def lagged_covariance(data, lag):
    """Return ``C_ij = mean of x_i(t + lag) x_j(t)``, lag in samples; twin of `series.lagged_covariance`."""
    centred = data - data.mean(0)
    return centred[lag:].T @ centred[:data.shape[0] - lag] / data.shape[0]


def window_correlations(data, starts, length):
    """Return the upper triangle of every window's FC, ``[w, p]``; ``starts`` is a tuple."""
    i, j = jnp.triu_indices(data.shape[1], 1)

    def one(start):
        return correlation(covariance(lax.dynamic_slice_in_dim(data, start, length)))[i, j]

    return jax.vmap(one)(jnp.asarray(starts))


def fcd(data, starts, length):
    """Return FCD ``[w, w]`` for windows known before tracing (`series.fcd_windows`)."""
    fcs = window_correlations(data, starts, length)
    centred = fcs - fcs.mean(1, keepdims=True)
    return correlation(centred @ centred.T)


def fcd_values(data, starts, length):
    """Return the distribution of FCD: its upper triangle as a vector."""
    matrix = fcd(data, starts, length)
    return matrix[jnp.triu_indices(matrix.shape[0], 1)]


def wasserstein(a, b):
    """Return the area between two distributions; twin of `series.wasserstein`, differentiable in both samples."""
    merged = jnp.sort(jnp.concatenate([a, b]))
    below = [jnp.searchsorted(jnp.sort(v), lax.stop_gradient(merged[:-1]), side="right").astype(merged.dtype) / v.size
             for v in (a, b)]
    return jnp.sum(lax.stop_gradient(jnp.abs(below[0] - below[1])) * jnp.diff(merged))


def quantile_gaps(a, b):
    """Return the differences of the quantiles of two samples, and the probability that each holds for, both ``[k]``.

    ``sum share |gap|`` is the first Wasserstein distance (`wasserstein`), ``sum share gap^2`` the square of the second.
    """
    edges = [jnp.arange(1, v.size + 1, dtype=v.dtype) / v.size for v in (a, b)]
    ends = jnp.sort(jnp.concatenate([jnp.zeros(1, a.dtype), *edges]))
    middle = 0.5 * (ends[1:] + ends[:-1])
    at_a, at_b = (jnp.sort(v)[jnp.minimum((middle * v.size).astype(int), v.size - 1)] for v in (a, b))
    return at_a - at_b, jnp.diff(ends)


def analytic(data):
    """Return the analytic signal of a series, complex ``[t, n]``."""
    samples = data.shape[0]
    k = jnp.arange(samples)
    keep = jnp.where((k == 0) | (2 * k == samples), 1.0, jnp.where(2 * k < samples, 2.0, 0.0)).astype(data.dtype)
    spectrum = jnp.fft.fft(data, axis=0)
    return jnp.fft.ifft(spectrum * keep[:, None].astype(spectrum.dtype), axis=0)


def order_parameter(phases):
    """Return Kuramoto's order ``[t]`` of phases ``[t, n]``, smooth where it is 0."""
    return _size(jnp.mean(jnp.cos(phases), axis=1), jnp.mean(jnp.sin(phases), axis=1))


def order_of_analytic(z):
    """Return Kuramoto's order ``[t]`` of analytic signals, without unwrapping a phase."""
    size = _size(jnp.real(z), jnp.imag(z))
    return _size(jnp.mean(jnp.real(z) / size, axis=1), jnp.mean(jnp.imag(z) / size, axis=1))


def metastability(order):
    """Return the standard deviation over time of an order ``[t]``."""
    return jnp.std(order)


def envelope_fc(data, tr, band, orthogonal=True):
    """Return the correlation of amplitude envelopes of a band ``[n, n]``; twin of `series.envelope_fc`."""
    edge = ceil(1.0 / ((band[1] - band[0]) * tr))
    return _of_envelopes(analytic(band_pass(data, tr, band))[edge:data.shape[0] - edge], orthogonal)


def envelope_correlation(data, orthogonal=False):
    """Return the correlation of amplitude envelopes ``[n, n]``; twin of `series.envelope_correlation`."""
    return _of_envelopes(analytic(data), orthogonal)


def _of_envelopes(z, orthogonal):
    re, im = jnp.real(z), jnp.imag(z)
    size = _size(re, im)
    if not orthogonal:
        return correlation(covariance(size))
    eye = jnp.eye(z.shape[1], dtype=size.dtype)

    def row(at):
        rest = jnp.abs(im * (re @ at)[:, None] - re * (im @ at)[:, None]) / (size @ at)[:, None]
        own = size @ at
        own, rest = own - own.mean(), rest - rest.mean(0)
        spread = jnp.sum(rest * rest, 0) + at                    # against itself nothing is left
        return (own @ rest) / jnp.sqrt(spread * jnp.sum(own * own))

    out = lax.map(row, eye)
    return 0.5 * (out + out.T) * (1 - eye) + eye


def cross_spectra(data, sfreq, starts, length):
    """Return Welch's one-sided cross-spectrum ``[f, n, n]`` of the same Hann segments as `welch.cross_spectra`."""
    taper = 0.5 - 0.5 * jnp.cos(2 * jnp.pi * jnp.arange(length, dtype=data.dtype) / length)

    def one(start):
        part = lax.dynamic_slice_in_dim(data, start, length)
        return jnp.fft.rfft((part - part.mean(0)) * taper[:, None], axis=0)

    e = jax.vmap(one)(jnp.asarray(starts))
    total = jnp.einsum("sfi,sfj->fij", e, jnp.conj(e))
    k = jnp.arange(length // 2 + 1)
    scale = jnp.where((k == 0) | (2 * k == length), 1.0, 2.0) / (sfreq * jnp.sum(taper**2) * len(starts))
    return total * scale[:, None, None].astype(total.dtype)


def coherence(cross):
    """Return magnitude-squared coherence of a cross-spectrum ``[f, n, n]``, of a series or in closed form."""
    power = jnp.real(jnp.diagonal(cross, axis1=-2, axis2=-1))
    return (jnp.real(cross) ** 2 + jnp.imag(cross) ** 2) / (power[..., :, None] * power[..., None, :])


def band_power(psd, freqs, band):
    """Return the power of a one-sided spectrum ``[f, ...]`` inside a band; twin of `series.band_power`."""
    inside = ((freqs >= band[0]) & (freqs <= band[1])).astype(psd.dtype)
    return jnp.tensordot(inside, psd, axes=1) * (freqs[1] - freqs[0])


def _size(re, im):
    # the root has no slope at 0
    return jnp.sqrt(jnp.maximum(re * re + im * im, jnp.finfo(re.dtype).tiny))
