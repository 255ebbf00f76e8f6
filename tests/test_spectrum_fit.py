"""A small synthetic recording with known truth: the climb ends near its ceiling, refuses noise that eats alpha."""

import dataclasses
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nmfit
from nmfit.compare import cross_whittle, spectrum_target
from nmfit.compare.welch import rank_basis
from nmfit.dynamics.one_channel import has_one_channel, one_channel_response
from nmfit.dynamics.resolvent import response
from nmfit.errors import InputError
from nmfit.fit.evidence import Null
from nmfit.fit.result import load_result
from nmfit.fit.spectrum import under_loss
from nmfit.fit.spectrum.evidence import explained_rung, gain_error, parcels_permuted
from nmfit.fit.spectrum.ground import model_frequencies, problem_of
from nmfit.fit.spectrum.measures import alpha_peak
from nmfit.fit.spectrum.objective import (
    lonely_psd,
    predicted_cross,
    predicted_psd,
    source_psd,
    spectrum_objective,
)
from nmfit.network import Connectome
from nmfit.network.surrogates import within_hemispheres
from nmfit.observe import LeadField

REGIONS, CHANNELS = 8, 10
FREQS = np.arange(1.0, 40.5, 0.5)


def small_brain():
    rng = np.random.default_rng(1)
    weights = rng.random((REGIONS, REGIONS))
    weights = (weights + weights.T) * (1 - np.eye(REGIONS))
    places = rng.normal(size=(REGIONS, 3)) * 40
    lengths = np.linalg.norm(places[:, None] - places, axis=-1)
    return Connectome(weights, lengths=lengths, labels=tuple(f"R{i}" for i in range(REGIONS)))


def small_leadfield():
    gain = 50 * np.random.default_rng(2).normal(size=(CHANNELS, REGIONS))
    names = ("O1", "O2", *(f"E{i}" for i in range(CHANNELS - 2)))
    return LeadField.of(gain, names, [f"R{i}" for i in range(REGIONS)])


def recorded(brain, leadfield):
    """Return the power of a network of known parameters, with the scatter of 60 epochs."""
    rng = np.random.default_rng(3)
    network = nmfit.Network.of(brain.normalised("none", "rowsum"), nmfit.JansenRit(), G=10.0, speed=7.0, delays=True)
    network = network.replace({"p": np.full(REGIONS, 390.0), "noise": np.exp(0.4 * rng.normal(size=REGIONS))})
    linear = nmfit.linearise(network, leadfield)
    truth = np.asarray(linear.psd(FREQS)) + np.asarray(leadfield.noise_psd(FREQS))
    assert float(linear.abscissa()) < 0
    return truth, truth * rng.chisquare(8, size=(60, *truth.shape)) / 8


@pytest.fixture(scope="module")
def fitted():
    brain, leadfield = small_brain(), small_leadfield()
    truth, psd = recorded(brain, leadfield)
    target = spectrum_target(FREQS, psd, ch_names=leadfield.ch_names, dof=8)
    return nmfit.fit(target, brain, leadfield=leadfield, max_rung="region", n_null=0), target, truth


def test_it_finds_the_truth_behind_a_recording(fitted):
    result, _, truth = fitted
    assert result.score > 0.98 * result.record["ceiling"]["value"]
    measures = result.record["spectrum"]
    assert abs(measures["alpha_peak_model"] - measures["alpha_peak_data"]) < 0.25
    assert measures["alpha_topography_r"] > 0.95
    assert measures["source_share"] > 0.8
    assert measures["unstable_roots"] == 0
    assert result.record["stability"]["max_real_eigenvalue"] < 0
    assert np.abs(np.log10(result.arrays["psd_model"].T) - np.log10(truth)).mean() < 0.05
    assert result.arrays["psd_score"].shape == (CHANNELS, FREQS.size)
    # Nobody knows where these regions lie: no rung follows maps.
    assert [(rung["name"], rung["model"]) for rung in result.record["rungs"]] == [
        ("shared", "Hopf"), ("columns", "JansenRit"), ("two scales", "JansenRit + Hopf"), ("region", "JansenRit")]


def test_columns_are_kept_at_equal_freedom_because_columns_made_the_data(fitted):
    oscillators, columns, two, region = fitted[0].record["rungs"]
    assert all(rung["kept"] for rung in (oscillators, columns, region))
    # one population made the data: a second one gains next to nothing, and none is sought beyond it
    assert not two["kept"]
    assert "2% of what was left" in two["reason"]
    assert columns["free_parameters"] == oscillators["free_parameters"]
    assert region["free_parameters"] == columns["free_parameters"] + 3 * (REGIONS - 1)
    assert columns["score_choose"] > oscillators["score_choose"]


def test_parameters_come_with_intervals_that_hold_the_truth(fitted):
    rows = {(row["name"], row["region"]): row for row in fitted[0].parameters}
    drives = [rows["p", f"R{i}"] for i in range(REGIONS)]
    assert np.mean([row["ci95"][0] < 390 < row["ci95"][1] for row in drives]) >= 0.75
    assert all(row["se"] > 0 and row["unit"] == "1/s" for row in drives)
    assert rows["G", None]["ci95"][0] < 10 < rows["G", None]["ci95"][1]
    assert rows["scale", None]["flag"] == "fixed"
    measures = fitted[0].record["spectrum"]
    low, high = measures["alpha_peak_model_ci95"]
    assert low < measures["alpha_peak_model"] < high
    assert high - low < 0.5
    assert measures["alpha_peak_model_se"] > 0


def test_a_search_cut_short_says_what_that_means_for_intervals(fitted):
    whole, target, _ = fitted
    short = nmfit.fit(target, small_brain(), leadfield=small_leadfield(), max_rung="region", n_null=0, starts=1,
                      steps=2)
    assert short.record["status"] == "step_limit"
    assert any(flag.startswith("not_converged:intervals of single regions") for flag in short.flags)
    assert "intervals of single regions may be far too wide" in " ".join(short.summary().split())
    for result in (whole, short):
        flat = [row["name"] for row in result.parameters if row["flag"] == "flat"]
        told = [flag for flag in result.flags if flag.startswith("flat:")]
        assert len(told) == bool(flat)
        for name in set(flat):
            assert f"{name} in {flat.count(name)} of " in told[0]


def test_the_twin_without_coupling_is_fitted_as_well(fitted):
    # The truth couples weakly: what has no connectome must still explain most of it, or its search failed.
    result, _, _ = fitted
    assert result.record["baselines"]["coupling_zero"] > 0.9


@pytest.mark.long
def test_a_spectrum_result_survives_its_folder(fitted, tmp_path):
    result, _, _ = fitted
    result.save(tmp_path / "fit")
    again = load_result(tmp_path / "fit")
    assert again.record == result.record
    np.testing.assert_array_equal(again.arrays["psd_model"], result.arrays["psd_model"])
    assert {p.stem for p in (tmp_path / "fit" / "figures").iterdir()} >= {"spectra", "climb"}
    page = (tmp_path / "fit" / "report.html").read_text()
    assert "individual alpha" in page.lower()
    assert "functional connectivity" not in page.lower()


def test_gains_without_names_are_refused(fitted):
    with pytest.raises(InputError, match=r"leadfield: found ndarray\. Read it with nmfit\.read_leadfield"):
        nmfit.fit(fitted[1], small_brain(), leadfield=np.asarray(small_leadfield().gain))


def test_a_lead_field_of_other_regions_is_refused():
    brain, leadfield = small_brain(), small_leadfield()
    target = spectrum_target(FREQS, np.full((FREQS.size, CHANNELS), 1e-12), ch_names=leadfield.ch_names)
    other = LeadField.of(np.asarray(leadfield.gain), leadfield.ch_names, [f"X{i}" for i in range(REGIONS)])
    with pytest.raises(InputError, match="no region R0"):
        nmfit.fit(target, brain, leadfield=other)


def test_source_power_is_the_trace_of_the_cross_spectrum():
    rng = np.random.default_rng(4)
    gain = 10 * rng.normal(size=(5, 3))
    leadfield = LeadField.of(gain, [f"E{i}" for i in range(5)], ["a", "b", "c"], spread=rng.normal(size=(5, 3, 2)),
                             coherence=0.3)
    e = jnp.asarray(rng.normal(size=(4, 3, 6)) + 1j * rng.normal(size=(4, 3, 6)))
    cross = leadfield.project_covariance(e @ jnp.conj(jnp.swapaxes(e, -1, -2)))
    np.testing.assert_allclose(source_psd(leadfield, e), 2 * jnp.real(jnp.einsum("fss->fs", cross)), rtol=1e-12)


def small_network(**values):
    network = nmfit.Network.of(small_brain().normalised("none", "rowsum"), nmfit.JansenRit(), delays=True)
    return network.replace(values)


@pytest.mark.long
@pytest.mark.parametrize("G", [1.0, 10.0])
def test_what_coupling_changes_is_told_by_few_frequencies(G):
    leadfield, network = small_leadfield(), small_network(G=G)
    shape = (FREQS.size, CHANNELS)
    ground = types.SimpleNamespace(target=types.SimpleNamespace(nodes=FREQS, smear=None), psd=np.ones(shape), dof=None,
                                   bins=np.ones(FREQS.size))
    linear = nmfit.linearise(network, leadfield)
    exact = np.asarray(linear.psd(FREQS)) + np.asarray(leadfield.noise_psd(FREQS))
    found = jax.jit(predicted_psd)({}, problem_of(ground, network, leadfield, (), 0.0))[0]
    assert float(linear.abscissa()) < 0
    assert np.abs(np.log10(np.asarray(found) / exact)).max() < 0.02
    assert model_frequencies(1.0, 40.0).size < 30


@pytest.mark.parametrize("values", [{"G": 10.0, "noise": np.linspace(0.5, 2.0, REGIONS)}, {"G": 1e-4}])
def test_one_channel_needs_no_product(values):
    network, leadfield = small_network(**values), small_leadfield()
    x, w = nmfit.linearise(network, leadfield).x, 2 * np.pi * FREQS[::8]
    assert has_one_channel(network)
    expected = response(network, leadfield, x, w)
    np.testing.assert_allclose(one_channel_response(network, leadfield, x, w), expected, rtol=1e-9,
                               atol=1e-10 * float(jnp.abs(expected).max()))


def test_sensitivities_scale_what_channels_see_of_sources():
    leadfield, network = small_leadfield(), small_network(G=0.0)
    factors = np.linspace(0.5, 2.0, CHANNELS)
    other = dataclasses.replace(leadfield, sensitivity=factors)
    plain = nmfit.linearise(network, leadfield)
    seen = nmfit.linearise(network, other)
    np.testing.assert_allclose(seen.psd(FREQS), np.asarray(plain.psd(FREQS)) * factors**2, rtol=1e-10)
    np.testing.assert_allclose(lonely_psd(network, other, seen.x, 2 * np.pi * FREQS), seen.psd(FREQS), rtol=1e-9)
    cross = jnp.eye(REGIONS, dtype=complex)[None]
    np.testing.assert_allclose(jnp.einsum("fss->fs", other.project_covariance(cross)).real,
                               jnp.einsum("fss->fs", leadfield.project_covariance(cross)).real * factors**2,
                               rtol=1e-12)
    np.testing.assert_array_equal(other.pick(other.ch_names[2:6]).sensitivity, factors[2:6])


def test_an_alpha_peak_lies_between_bins():
    f = np.arange(1.0, 40.0, 0.5)
    assert alpha_peak(f, np.exp(-0.5 * ((f - 10.17) / 1.5) ** 2)) == pytest.approx(10.17, abs=1e-6)
    assert np.isnan(alpha_peak(f[f > 20], f[f > 20]))


def test_permuted_parcels_stay_in_their_hemisphere():
    leadfield = small_leadfield()
    sides = np.array(["L"] * 4 + ["R"] * 4)
    moved = parcels_permuted(leadfield, within_hemispheres(sides, np.random.default_rng(0)))
    own, gain = np.asarray(leadfield.gain), np.asarray(moved.gain)
    assert not np.array_equal(own, gain)
    for side in "LR":
        at = np.flatnonzero(sides == side)
        np.testing.assert_array_equal(np.sort(own[:, at], axis=1), np.sort(gain[:, at], axis=1))


def test_explained_is_the_highest_rung_that_clears_null_and_twin():
    low = np.linspace(0.1, 0.2, 19)
    null = Null("permuted", np.column_stack([low, low + 0.3, low + 0.3]), 19, np.array([0.5, 0.9, 0.45]))
    assert explained_rung(["a", "b", "c"], [0.5, 0.9, 0.9], [0.1, 0.1, 0.1], null) == "b"
    assert explained_rung(["a", "b", "c"], [0.5, 0.9, 0.9], [0.1, 0.95, 0.1], null) == "a"
    assert explained_rung(["a", "b", "c"], [0.5, 0.9, 0.9], [0.6, 0.95, 0.1], null) is None


def test_a_template_has_lengths_and_places():
    brain = nmfit.template("aal2-80")
    assert brain.n == 80
    assert brain.lengths is not None
    assert brain.centroids is not None
    with pytest.raises(InputError, match="aal2-80"):
        nmfit.template("aal3")


def test_the_error_of_a_gain_is_what_draws_of_the_estimate_show():
    rng = np.random.default_rng(5)
    truth, dof, shape = rng.normal(size=(30, 4)), 12, (30, 4)
    model, below = truth + 0.1 * rng.normal(size=shape), truth + 0.3 * rng.normal(size=shape)
    mixed = np.linalg.cholesky(np.full((4, 4), 0.6) + 0.4 * np.eye(4))
    gains = []
    for _ in range(4000):
        # Squares of Gaussians that correlate by c correlate by c^2.
        draws = (mixed @ rng.normal(size=(30, 4, dof))) ** 2
        data = truth + np.log10(draws.mean(-1))
        gains.append((((below - data) ** 2) - (model - data) ** 2).sum())
    alike = np.full((4, 4), 0.36) + 0.64 * np.eye(4)
    target = types.SimpleNamespace(bins={"choose": np.ones(30, bool)}, dof={"choose": dof}, dependence=alike**2,
                                   window=None, freqs=np.arange(30.0))
    assert np.std(gains) == pytest.approx(gain_error(model, below, target, "choose"), rel=0.07)


def made_recording(brain, leadfield, seconds=40.0, sfreq=100.0):
    """Return potentials drawn from a network's own cross-spectrum, against their average."""
    rng = np.random.default_rng(4)
    network = nmfit.Network.of(brain.normalised("none", "rowsum"), nmfit.JansenRit(), G=10.0, speed=7.0, delays=True)
    network = network.replace({"p": np.full(REGIONS, 390.0), "noise": np.ones(REGIONS)})
    samples = round(seconds * sfreq)
    freqs = np.fft.rfftfreq(samples, 1 / sfreq)[1:]
    cross = np.asarray(nmfit.linearise(network, leadfield).cross_spectrum(freqs))
    noise = np.asarray(leadfield.noise_cross_spectrum(freqs))
    # one-sided power per Hz -> Fourier coefficients of a real series
    values, vectors = np.linalg.eigh(cross + noise)
    drawn = rng.normal(size=(freqs.size, CHANNELS, 2)) @ [1, 1j] / np.sqrt(2)
    z = np.einsum("fst,ft->fs", vectors * np.sqrt(np.maximum(values, 0))[:, None, :], drawn)
    data = np.fft.irfft(np.concatenate([np.zeros((1, CHANNELS)), z * np.sqrt(samples * sfreq / 2)]), samples, axis=0)
    return nmfit.compare.SensorRecording(data=data, sfreq=sfreq, ch_names=leadfield.ch_names, reference="average")


@pytest.fixture(scope="module")
def recording():
    return made_recording(small_brain(), small_leadfield())


def test_a_spectral_loss_reads_what_the_target_holds(recording):
    target = spectrum_target(recording, fmax=30.0, seconds=2.0, gap=1.0)
    assert target.cross is None
    brain, leadfield = small_brain(), small_leadfield()
    with pytest.raises(InputError, match="cross=True"):
        nmfit.fit(target, brain, leadfield=leadfield, loss=nmfit.loss.Whittle())
    with pytest.raises(InputError, match="FC needs fc"):
        nmfit.fit(target, brain, leadfield=leadfield, loss=nmfit.loss.FC())
    plain = spectrum_target(dataclasses.replace(recording, reference="none"), fmax=30.0, seconds=2.0, gap=1.0)
    with pytest.raises(InputError, match=r"reference 'average' where the data have 'none'"):
        nmfit.fit(plain, brain, leadfield=leadfield)
    decibels = spectrum_target(FREQS, 120 + 10 * np.log10(np.ones((FREQS.size, CHANNELS)) * FREQS[:, None]),
                               ch_names=leadfield.ch_names)
    with pytest.raises(InputError, match="Give linear power"):
        nmfit.fit(decibels, brain, leadfield=leadfield)
    with pytest.raises(InputError, match="a stretch from 0 to 4000"):
        dataclasses.replace(recording, data=recording.data[:800])
    whole = spectrum_target(recording, fmax=30.0, seconds=2.0, gap=1.0, cross=True)
    for role, cross in whole.cross.items():
        np.testing.assert_allclose(np.real(np.einsum("fss->fs", cross)), whole.psd[role], rtol=1e-12)
    assert whole.select([2, 0]).cross["fit"].shape == (whole.freqs.size, 2, 2)


@pytest.mark.long
def test_expressions_reach_the_objective_of_spectra(recording):
    target = spectrum_target(recording, fmin=4.0, fmax=20.0, seconds=2.0, gap=1.0, cross=True)
    brain, leadfield = small_brain(), small_leadfield()
    values = {}
    for name, loss in {"none": None, "log": nmfit.loss.LogPSD(),
                       "sum": nmfit.loss.LogPSD() + 0.5 * nmfit.loss.Whittle()}.items():
        with jax.enable_x64(True):
            ground = under_loss.ground_of(target, brain.normalised("none", "rowsum"), leadfield, loss)
            network = ground.network.replace({"G": 5.0, "p": np.full(REGIONS, 400.0)})
            problem = problem_of(ground, network, leadfield, (), 0.0)
            values[name] = float(spectrum_objective({}, problem))
            if name == "sum":
                cross = np.asarray(predicted_cross({}, problem))
                psd = np.asarray(predicted_psd({}, problem)[0])
    assert values["log"] == pytest.approx(values["none"], rel=1e-12)
    # what is solved at all frequencies and what is interpolated from few
    np.testing.assert_allclose(np.real(np.einsum("fss->fs", cross)), psd, rtol=0.02)
    basis = rank_basis(target.cross["fit"])
    assert basis.shape == (CHANNELS, CHANNELS - 1)                 # an average reference takes a dimension
    nats = cross_whittle(cross, target.cross["fit"], 1.0, basis)
    own = np.linalg.slogdet(basis.T @ target.cross["fit"] @ basis)[1].sum()
    expected = (float(nats) + own) / (target.freqs.size * (CHANNELS - 1))
    assert values["sum"] - values["log"] == pytest.approx(0.5 * expected, rel=1e-8)


@pytest.mark.long
def test_whole_cross_spectra_are_fitted(recording):
    target = spectrum_target(recording, fmin=4.0, fmax=20.0, seconds=2.0, gap=1.0, cross=True)
    result = nmfit.fit(target, small_brain(), leadfield=small_leadfield(), loss=nmfit.loss.Whittle(), starts=1,
                       max_rung="shared", steps=40, n_null=0)
    assert result.record["provenance"]["loss"] == "1 * Whittle"
    assert result.record["rungs"][0]["loss"] < 0.2
    assert result.score > 0.8 * result.record["ceiling"]["value"]
    assert "1 * Whittle" in result.methods()
    assert "standard_errors_skipped" not in result.record["flags"]
    known = [row for row in result.parameters if row["se"] is not None]
    assert {"G", "speed", "p", "scale"} <= {row["name"] for row in known}
    assert all(row["ci95"][0] <= row["value"] <= row["ci95"][1] for row in known)
