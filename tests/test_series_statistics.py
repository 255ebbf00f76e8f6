"""Statistics of series: against scipy and others, and each traced twin against its numpy form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import signal, stats

from nmfit.compare import empirical, series, traced
from nmfit.compare.welch import cross_spectra
from nmfit.errors import InputError

TR, BAND = 0.72, (0.01, 0.1)
RNG = np.random.default_rng(5)
MIX = RNG.normal(size=(6, 6)) + 2 * np.eye(6)
DATA = signal.lfilter([1.0], [1.0, -0.9], RNG.normal(size=(700, 6)), axis=0) @ MIX
STARTS, LENGTH = series.fcd_windows(len(DATA), TR, 40.0, 10.0)
SEG = tuple(int(s) for s in series.segments(len(DATA), 128))


def same(a, b, tolerance=1e-10):
    np.testing.assert_allclose(np.asarray(b), np.asarray(a), rtol=tolerance, atol=tolerance)


def test_twins_agree():
    x = jnp.asarray(DATA)
    same(empirical.band_pass(DATA, TR, BAND), traced.band_pass(x, TR, BAND), 1e-8)
    same(empirical.band_pass(DATA, TR, None), traced.band_pass(x, TR, None))
    fc = empirical.functional_connectivity(DATA, TR, BAND)
    same(fc, traced.functional_connectivity(x, TR, BAND))
    same(series.fisher_z(fc), traced.fisher_z(jnp.asarray(fc)))
    same(series.lagged_covariance(DATA, 3), traced.lagged_covariance(x, 3))
    same(series.fcd(DATA, TR, 40.0, 10.0), traced.fcd(x, tuple(STARTS), LENGTH))
    same(series.fcd_values(DATA, TR, 40.0, 10.0), traced.fcd_values(x, tuple(STARTS), LENGTH))
    z = series.analytic(DATA)
    same(z, traced.analytic(x))
    same(series.order_parameter(np.angle(z)), traced.order_of_analytic(traced.analytic(x)))
    same(series.order_parameter(np.angle(z)), traced.order_parameter(jnp.asarray(np.angle(z))))
    same(series.metastability(np.angle(z)), traced.metastability(traced.order_of_analytic(traced.analytic(x))))
    for orthogonal in (False, True):
        same(series.envelope_correlation(DATA, orthogonal), traced.envelope_correlation(x, orthogonal))
    cross = cross_spectra(DATA, 1 / TR, SEG, 128)
    same(cross, traced.cross_spectra(x, 1 / TR, SEG, 128))
    same(series.coherence(DATA, 1 / TR, 128), traced.coherence(jnp.asarray(cross)))
    freqs = np.fft.rfftfreq(128, TR)
    psd = np.real(np.einsum("fii->fi", cross))
    same(series.band_power(psd, freqs, BAND), traced.band_power(jnp.asarray(psd), jnp.asarray(freqs), BAND))
    a, b = RNG.normal(size=50), RNG.normal(0.3, 1.2, size=71)
    same(series.wasserstein(a, b), traced.wasserstein(jnp.asarray(a), jnp.asarray(b)))
    for odd in (DATA[:699], DATA[:700]):
        same(signal.hilbert(odd, axis=0), series.analytic(odd))
        same(series.analytic(odd), traced.analytic(jnp.asarray(odd)))


def test_scipy_agrees():
    a, b = RNG.normal(size=50), RNG.normal(0.3, 1.2, size=71)
    assert series.ks_distance(a, b) == pytest.approx(stats.ks_2samp(a, b).statistic, abs=1e-12)
    assert series.wasserstein(a, b) == pytest.approx(stats.wasserstein_distance(a, b), abs=1e-12)
    options = {"fs": 1 / TR, "nperseg": 128, "detrend": "constant"}
    same(signal.coherence(DATA[:, 0], DATA[:, 1], **options)[1], series.coherence(DATA, 1 / TR, 128)[:, 0, 1])
    cross = cross_spectra(DATA, 1 / TR, SEG, 128)
    same(signal.csd(DATA[:, 1], DATA[:, 0], **options)[1], cross[:, 0, 1])
    # the area of a spectrum is the variance of its segments
    full = series.band_power(np.real(np.einsum("fii->fi", cross)), np.fft.rfftfreq(128, TR), (0, 1))
    freqs, welch = signal.welch(DATA, axis=0, **options)
    same(welch.sum(0) * freqs[1], full)


def test_gradients_are_finite_and_right():
    x, direction = jnp.asarray(DATA[:200, :4]), jnp.asarray(RNG.normal(size=(200, 4)))
    starts, length = series.fcd_windows(200, TR, 30.0, 10.0)
    goal = jnp.asarray(RNG.uniform(-0.2, 0.8, 90))
    functions = {
        "fc": lambda v: jnp.sum(traced.functional_connectivity(v, TR, BAND)[0] ** 2),
        "fcd": lambda v: traced.wasserstein(traced.fcd_values(v, tuple(starts), length), goal),
        "metastability": lambda v: traced.metastability(traced.order_of_analytic(traced.analytic(v))),
        "envelope": lambda v: jnp.sum(traced.envelope_correlation(v, True)[0] ** 2),
        "coherence": lambda v: jnp.sum(traced.coherence(traced.cross_spectra(v, 1 / TR, (0, 64), 100))[:, 0, 1]),
        "lagged": lambda v: jnp.sum(traced.lagged_covariance(v, 2) ** 2),
    }
    for name, f in functions.items():
        f = jax.jit(f)
        slope = float(jnp.sum(jax.jit(jax.grad(f))(x) * direction))
        h = 1e-5
        numeric = float(f(x + h * direction) - f(x - h * direction)) / (2 * h)
        assert slope == pytest.approx(numeric, rel=2e-4, abs=1e-8), name


def test_surrogate_keeps_the_linear_part_and_loses_the_rest():
    t = np.arange(1000) * TR
    burst = np.where((t % 240) < 80, 1.0, 0.1)[:, None]                # synchrony that comes and goes
    noise = RNG.normal(size=(1000, 5))
    data = empirical.band_pass(burst * noise[:, :1] + 0.3 * noise, TR, None)
    twin = series.phase_randomised(data, 1)
    same(np.abs(np.fft.rfft(data, axis=0)), np.abs(np.fft.rfft(twin, axis=0)), 1e-8)
    same(np.cov(data.T), np.cov(twin.T), 1e-8)
    starts, length = series.fcd_windows(1000, TR, 40.0, 10.0)
    levels = [series.window_correlations(v, starts, length).mean(1).std() for v in (data, twin)]
    assert levels[0] > 2 * levels[1]


def test_orthogonal_envelopes_ignore_leakage():
    rng = np.random.default_rng(2)
    source = empirical.band_pass(rng.normal(size=(6000, 2)), 0.01, (8.0, 12.0))
    leaky = source @ np.array([[1.0, 0.4], [0.4, 1.0]])
    assert series.envelope_correlation(leaky)[0, 1] > 0.4
    assert abs(series.envelope_correlation(leaky, orthogonal=True)[0, 1]) < 0.1


def test_order_of_locked_and_spread_phases():
    locked = np.full((10, 8), 0.3)
    spread = np.tile(np.arange(8) * 2 * np.pi / 8, (10, 1))
    assert series.order_parameter(locked) == pytest.approx(1.0)
    assert series.order_parameter(spread) == pytest.approx(0.0, abs=1e-12)
    assert series.metastability(np.concatenate([locked, spread])) == pytest.approx(0.5)


def test_effective_samples_of_a_band_are_twice_band_times_time():
    data = empirical.band_pass(np.random.default_rng(3).normal(size=(4000, 12)), TR, BAND)
    assert series.effective_samples(data) == pytest.approx(2 * 0.09 * 4000 * TR, rel=0.1)
    white = np.random.default_rng(4).normal(size=(3000, 10))
    assert series.effective_samples(white) == pytest.approx(3000, rel=0.1)


def test_sentences():
    with pytest.raises(InputError, match="longer window"):
        series.fcd_windows(500, 2.0, window=4.0)
    with pytest.raises(InputError, match="longer run or a shorter window"):
        series.fcd_windows(60, 1.0, window=55.0)
    with pytest.raises(InputError, match="shorter lag"):
        series.lagged_covariance(DATA, 700)
    with pytest.raises(InputError, match="longer recording or shorter segments"):
        series.segments(100, 128)
    with pytest.raises(InputError, match="no frequency"):
        series.band_power(np.ones(5), np.arange(5.0), (0.2, 0.4))
