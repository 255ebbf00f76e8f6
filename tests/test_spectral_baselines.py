"""Predictors of spectra without a brain."""

import types

import numpy as np

from nmfit.compare.spectral_baselines import peaks_and_slope, smoothed

FREQS = np.arange(1.0, 40.5, 0.5)


def test_peaks_and_slope_find_a_spectrum_of_their_own_kind():
    logs = -12 - 1.3 * np.log10(FREQS) + 0.9 * np.exp(-0.5 * ((FREQS - 10.2) / 1.1) ** 2)
    logs = np.stack([logs, logs + 0.4 * np.exp(-0.5 * ((FREQS - 19.0) / 2.0) ** 2)], 1)
    found, count = peaks_and_slope(FREQS, 10**logs)
    np.testing.assert_allclose(np.log10(found), logs, atol=1e-3)
    assert count == 2 * 8


def test_the_smoothing_is_what_predicts_the_choose_part_best():
    rng = np.random.default_rng(0)
    truth = np.exp(-0.05 * FREQS)[:, None] * np.ones(6)
    target = types.SimpleNamespace(psd={role: truth * rng.chisquare(20, truth.shape) / 20
                                        for role in ("fit", "choose")})
    found = smoothed(target, target.psd["fit"])
    assert np.abs(np.log(found / truth)).mean() < 0.5 * np.abs(np.log(target.psd["fit"] / truth)).mean()
