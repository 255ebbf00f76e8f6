"""Channels that are predicted from others, and how sure an alpha frequency is."""

import types

import mne
import numpy as np
import pytest

import nmfit as nf
from nmfit.compare.recording_eeg import SensorSpectrum
from nmfit.compare.spherical_spline import spherical_spline, spread_out
from nmfit.fit.spectrum.channels import channels_left_out
from nmfit.fit.spectrum.measures import alpha_interval
from nmfit.fit.spectrum.search import SensorGround

MONTAGE = mne.channels.make_standard_montage("biosemi32")


def places():
    return np.array(list(MONTAGE.get_positions()["ch_pos"].values()))


def test_interpolation_is_that_of_mne():
    at, rng = places(), np.random.default_rng(0)
    values = np.einsum("sk,kt->st", np.column_stack([at, at**2]), rng.normal(size=(6, 50)))
    raw = mne.io.RawArray(values, mne.create_info(MONTAGE.ch_names, 100.0, "eeg"), verbose="error")
    raw.set_montage(MONTAGE)
    raw.info["bads"] = ["Cz", "O1"]
    bad = [raw.ch_names.index(name) for name in raw.info["bads"]]
    good = np.setdiff1d(np.arange(len(at)), bad)
    own = np.array([channel["loc"][:3] for channel in raw.info["chs"]])
    middle = np.zeros(3) if np.allclose(np.ptp(np.linalg.norm(own, axis=1)), 0, atol=1e-6) else own.mean(0)
    raw.interpolate_bads(origin=tuple(middle), method={"eeg": "spline"}, verbose="error")
    found = spherical_spline(own[good] - middle, own[bad] - middle) @ values[good]
    np.testing.assert_allclose(found, raw.get_data()[bad], atol=1e-3 * np.abs(values).max())


def test_left_out_channels_are_spread_and_not_the_edge():
    at = places()
    chosen = spread_out(at, 6)
    assert len(set(chosen.tolist())) == 6
    apart = np.linalg.norm(at[chosen][:, None] - at[chosen], axis=-1) + 9 * np.eye(6)
    typical = np.linalg.norm(at[:, None] - at, axis=-1) + 9 * np.eye(len(at))
    assert apart.min() > typical.min(1).mean()          # no two of them are neighbours
    away = np.linalg.norm(at[:, None] - at[chosen], axis=-1).min(1)
    assert away.max() < 0.6 * np.ptp(at[:, 0])           # nobody is far from one of them


def recorded(rng, dof, freqs, channels=2):
    truth = 1 / freqs + 4 * np.exp(-0.5 * ((freqs - 10.2) / 1.0) ** 2)
    psd = truth[:, None] * rng.chisquare(dof, (freqs.size, channels)) / dof
    return types.SimpleNamespace(freqs=freqs, psd={"fit": psd}, dof={"fit": dof}, ch_names=("O1", "O2"), s=channels,
                                 dependence=None, window=None)


@pytest.mark.parametrize("dof", [20, 80])
def test_the_interval_of_an_alpha_frequency_holds_the_truth(dof):
    rng, freqs = np.random.default_rng(1), np.arange(2.0, 30.0, 0.5)
    found = [alpha_interval(recorded(rng, dof, freqs), "fit") for _ in range(60)]
    held = np.mean([low <= 10.2 <= high for _, (low, high) in found])
    assert held >= 0.85
    assert np.median([error for error, _ in found]) < 0.6


def test_without_degrees_of_freedom_nobody_knows():
    target = recorded(np.random.default_rng(2), 40, np.arange(2.0, 30.0, 0.5))
    target.dof["fit"] = None
    assert alpha_interval(target, "fit") == (None, None)


def test_left_out_channels_are_hidden_from_the_climb_and_scored_beside_splines():
    rng, at, freqs = np.random.default_rng(3), places(), np.arange(2.0, 30.0, 0.5)
    truth = np.exp(20 * at[:, 1] + 5 * np.sin(40 * at[:, 0]))[None] / freqs[:, None]
    score = truth * rng.chisquare(60, truth.shape) / 60
    target = nf.spectrum_target(SensorSpectrum(freqs, truth, MONTAGE.ch_names, dof=60, positions=at), fmin=2, fmax=30,
                                heldout=SensorSpectrum(freqs, score, MONTAGE.ch_names, dof=60, positions=at))
    ground, seen = SensorGround(None, None, truth.copy(), 60, target, target.bins["fit"]), []

    def climb(ground, _steps):
        seen.append(ground)
        return types.SimpleNamespace(psd=truth)

    found = channels_left_out(ground, climb)
    out = np.flatnonzero(~seen[0].watched)
    assert found["channels"] == [MONTAGE.ch_names[i] for i in out]
    assert out.size == 6
    assert np.ptp(seen[0].psd[:, out], axis=1).max() < 1e-12              # nothing of their own is left to see
    np.testing.assert_array_equal(ground.psd, truth)
    assert found["score"] > 0.97
    assert found["mean"] < found["spline"] < found["score"]


def test_without_places_nothing_is_left_out():
    target = types.SimpleNamespace(positions=None, s=32)
    assert channels_left_out(types.SimpleNamespace(target=target), None) is None
