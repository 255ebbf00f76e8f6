"""Empirical spectra: Welch as scipy has it, degrees of freedom, smearing, roles, ceilings."""

import os
from pathlib import Path

import numpy as np
import pytest
from made_eeg import NAMES, potentials
from scipy.signal import lfilter, welch

from nmfit.compare import SensorRecording, SensorSpectrum, r_squared, r_squared_ceiling, spectrum_target
from nmfit.compare.spectra import blocks
from nmfit.compare.welch import bin_correlation, degrees_of_freedom, smearing, welch_psd, window_starts
from nmfit.errors import InputError

SFREQ = 200.0


def recording(data=None, sfreq=SFREQ, **more):
    data = potentials(80.0) if data is None else data
    names = NAMES[:data.shape[1]]
    return SensorRecording(data=data, sfreq=sfreq, ch_names=names, **{"reference": "average"} | more)


@pytest.mark.parametrize("length", [400, 401])
def test_equals_scipys_welch(length):
    data = potentials()
    starts = window_starts([(0, len(data))], length, length // 2)
    expected = welch(data, SFREQ, nperseg=length, noverlap=length - length // 2, axis=0)[1]
    assert np.allclose(welch_psd(data, SFREQ, starts, length), expected, rtol=1e-10)


def test_the_target_of_one_role_equals_scipys_welch():
    whole = recording()
    target = spectrum_target(whole, roles={"fit": 1.0})
    freqs, psd = welch(whole.data, SFREQ, nperseg=800, axis=0)
    inside = (freqs >= 1) & (freqs <= 40)
    assert np.allclose(target.freqs, freqs[inside])
    assert np.allclose(target.psd["fit"], psd[inside])


@pytest.mark.parametrize("starts", [np.arange(0, 6001, 200), np.arange(0, 6001, 400), np.array([0, 100, 1500, 1600])])
def test_degrees_of_freedom_of_overlapping_windows(starts):
    noise = np.random.default_rng(0).normal(size=(6400, 400))
    psd = welch_psd(noise, 1.0, starts, 400)[10:150:5]                 # bins apart: independent
    observed = 2 * psd.mean() ** 2 / psd.var()
    assert np.isclose(degrees_of_freedom(starts, 400), observed, rtol=0.06)
    if starts[1] == 400:
        assert np.isclose(degrees_of_freedom(starts, 400), 2 * len(starts))


def test_neighbouring_bins_correlate_as_the_taper_says():
    assert np.allclose(bin_correlation(400, 4), [1, 4 / 9, 1 / 36, 0], atol=1e-12)


@pytest.mark.parametrize(("damping", "tolerance"), [(6.0, 2e-3), (2.0, 4e-3)])
def test_smearing_gives_the_expectation_of_the_estimate(damping, tolerance):
    """A resonance at 10 Hz: the expectation is a sum over its autocovariance, in closed form."""
    length, f0 = 800, 10.0
    lags = np.arange(length) / SFREQ
    covariance = np.exp(-damping * lags) * np.cos(2 * np.pi * f0 * lags)
    taper = np.hanning(length + 1)[:-1]
    overlap = np.correlate(taper, taper, "full")[length - 1:] / (taper @ taper)
    freqs = np.arange(4, 161) * SFREQ / length
    phase = np.cos(2 * np.pi * np.outer(freqs, lags))
    weights = np.where(lags == 0, 1.0, 2.0)
    expected = 2 / SFREQ * phase @ (weights * overlap * covariance)
    nodes, matrix = smearing(freqs, SFREQ, length)
    lags = np.arange(40 * length) / SFREQ                               # the true spectrum of the samples
    covariance = np.exp(-damping * lags) * np.cos(2 * np.pi * f0 * lags)
    true = 2 / SFREQ * (2 * np.cos(2 * np.pi * np.outer(nodes, lags)) @ covariance - 1)
    found = matrix @ true
    assert np.max(np.abs(np.log10(found / expected))) < tolerance
    assert np.max(np.abs(np.log10(np.interp(freqs, nodes, true) / expected))) > 2 * tolerance
    assert np.allclose(matrix.sum(1), 1)


def test_roles_are_contiguous_blocks_with_gaps():
    target = spectrum_target(recording())
    whole = recording()
    room = 16000 - 2 * 400
    fit, choose, score = whole.data[:room // 2], whole.data[room // 2 + 400:][:room // 4], whole.data[-(room // 4):]
    for role, part in (("fit", fit), ("choose", choose), ("score", score)):
        freqs, psd = welch(part, SFREQ, nperseg=800, axis=0)
        assert np.allclose(target.psd[role], psd[(freqs >= 1) & (freqs <= 40)]), role
    assert target.dof["fit"] > target.dof["choose"] > 10
    assert target.design == "blocks"


def test_no_window_crosses_a_cut():
    assert blocks([(0, 50), (100, 150)], 1.0, {"fit": 1, "score": 1}, 10.0) == {
        "fit": [(0, 45)], "score": [(105, 150)]}
    assert blocks([(0, 30), (100, 170)], 1.0, {"fit": 1, "score": 1}, 0.0) == {
        "fit": [(0, 30), (100, 120)], "score": [(120, 170)]}
    data = potentials(80.0)
    data[8000:8200] = 1.0                                              # what was rejected never enters
    cut = spectrum_target(recording(data, stretches=((0, 8000), (8200, 16000))))
    assert max(p.max() for p in cut.psd.values()) < 1e-6


def test_the_mains_and_what_filters_took_are_left_out():
    target = spectrum_target(recording(line_noise=50.0), fmax=80.0)
    assert not ((target.freqs > 49) & (target.freqs < 51)).any()
    assert target.freqs[-1] == 80.0
    assert target.excluded == ((49.0, 51.0),)
    assert spectrum_target(recording(line_noise=50.0)).excluded == ()
    filtered = spectrum_target(recording(band=(2.0, 30.0)))
    assert (filtered.freqs[0], filtered.freqs[-1]) == (2.0, 30.0)
    assert any("fmax lowered" in note for note in filtered.notes)


def test_another_recording_is_the_score_part():
    other = recording(potentials(40.0, seed=9))
    target = spectrum_target(recording(), heldout=other)
    freqs, psd = welch(other.data, SFREQ, nperseg=800, axis=0)
    assert np.allclose(target.psd["score"], psd[(freqs >= 1) & (freqs <= 40)])
    with pytest.raises(InputError, match="reference none"):
        spectrum_target(recording(), heldout=recording(reference="none"))
    with pytest.raises(InputError, match="sampled at 100 Hz"):
        spectrum_target(recording(), heldout=recording(sfreq=100.0))


def test_one_spectrum_is_held_out_by_bins():
    freqs, psd = np.arange(1.0, 41), np.random.default_rng(0).gamma(2.0, size=(40, 3))
    target = spectrum_target(freqs, psd, dof=20)
    assert target.design == "bins"
    assert "interpolated" in target.flags
    assert not (target.bins["fit"] & target.bins["score"]).any()
    assert (target.bins["fit"] | target.bins["score"]).all()
    assert target.expected(psd) is psd
    assert target.select([2, 0]).ch_names == ("channel_3", "channel_1")


def test_epochs_of_a_spectrum_become_blocks():
    each = np.random.default_rng(0).gamma(1.0, size=(40, 60, 3))
    target = spectrum_target(SensorSpectrum(freqs=np.arange(60.0), psd=each, ch_names=("a", "b", "c"), dof=2))
    assert target.design == "blocks"
    assert target.dof["fit"] == 38
    assert np.allclose(target.psd["fit"], each[:19, 1:41].mean(0))
    assert np.allclose(target.psd["score"], each[30:, 1:41].mean(0))
    assert np.allclose(target.psd["choose"], each[20:29, 1:41].mean(0))


@pytest.mark.parametrize(("change", "words"), [
    (lambda: spectrum_target(recording(), fmax=150.0), "a sampling rate of 200 Hz"),
    (lambda: recording(sfreq=0.2), "200 Hz if this is kHz"),
    (lambda: spectrum_target(recording(potentials(80.0) * (np.arange(len(NAMES)) != 1))), f"one value in {NAMES[1]}"),
    (lambda: spectrum_target(recording(potentials(35.0))), "7.8 s for the 'choose' part"),
    (lambda: spectrum_target(recording(), fmin=0.1), "windows of 4 s for 0.1 Hz"),
    (lambda: spectrum_target(recording(), fmin=30, fmax=20), "Give 0 < fmin < fmax"),
    (lambda: spectrum_target(np.arange(1.0, 41)), "a spectrum, or frequencies and psd="),
    (lambda: spectrum_target(np.arange(1.0, 41), -np.ones((40, 2))), "looks like a logarithm"),
    (lambda: spectrum_target(np.arange(1.0, 41), np.ones((2, 40))), "transposed"),
    (lambda: spectrum_target(np.arange(1.0, 41)[::-1], np.ones((40, 2))), "do not rise"),
    (lambda: spectrum_target(np.arange(1.0, 41), np.zeros((40, 2))), "no power at all"),
    (lambda: r_squared_ceiling(spectrum_target(np.arange(1.0, 41), np.ones((40, 2)))), "degrees of freedom"),
])
def test_unusable_spectra_are_named(change, words):
    with pytest.raises(InputError, match=words):
        change()


def coloured(rng, seconds, s):
    """Channels that share sources: an AR(2) resonance at 10 Hz and pink-ish noise, of known spectrum."""
    t = int(seconds * 100)
    pole = 0.97 * np.exp(2j * np.pi * 0.1)
    filters = [np.real(np.poly([pole, pole.conj()])), np.array([1, -0.95]), np.array([1.0])]
    mixing = np.random.default_rng(1).normal(size=(len(filters), s)) + np.eye(len(filters), s) * 2
    sources = np.stack([lfilter([1.0], a, rng.normal(size=t + 500))[500:] for a in filters], axis=1)

    def true(freqs):
        z = np.exp(-2j * np.pi * freqs / 100)
        power = np.stack([2 / 100 / np.abs(np.polyval(a[::-1], z)) ** 2 for a in filters], axis=1)
        return power @ mixing**2

    return sources @ mixing, true


def coverage(count):
    inside, scores, ceilings = 0, [], []
    for seed in range(count):
        data, true = coloured(np.random.default_rng(seed), 60, 8)
        target = spectrum_target(recording(data, sfreq=100.0, reference="none"), seconds=2.0,
                                 roles={"fit": 0.5, "score": 0.5})
        score = float(r_squared(target.expected(true(target.nodes)), target.psd["score"], target.dof["score"]))
        ceiling, low, high = r_squared_ceiling(target)
        inside += low <= score <= high
        scores.append(score)
        ceilings.append(ceiling)
    return inside, np.mean(scores), np.mean(ceilings)


def test_the_truth_scores_at_the_ceiling():
    inside, score, ceiling = coverage(20)
    assert inside >= 17
    assert abs(score - ceiling) < 0.01


@pytest.mark.long
def test_the_ceilings_interval_holds_the_truth():
    inside, score, ceiling = coverage(200)
    assert inside >= 186
    assert abs(score - ceiling) < 0.005


@pytest.mark.shared
@pytest.mark.parametrize("name", ["eegmmidb_S001R02", "eegmat_Subject10_1"])
def test_real_spectra_equal_the_kept_ones(name):
    from nmfit.io import read_eeg
    folder = os.environ.get("NMFIT_DATA")
    if not folder:
        pytest.skip("NMFIT_DATA is not set")
    kept = np.load(Path(folder) / "eeg" / "psd" / f"{name}.npz")
    target = spectrum_target(read_eeg(Path(folder) / "eeg" / f"{name}.edf"), roles={"fit": 1.0})
    at = np.searchsorted(kept["freqs"], target.freqs)
    assert np.allclose(kept["freqs"][at], target.freqs)
    assert np.allclose(target.psd["fit"], kept["psd"][:, at].T, rtol=1e-3)
