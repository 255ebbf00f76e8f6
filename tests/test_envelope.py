"""Envelope FC: the closed form against Gaussian series and scipy, and fits of it from target to table."""

import dataclasses
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from made_result import make_result
from scipy import special

import nmfit
from nmfit import cli
from nmfit.compare import series, traced
from nmfit.compare.closed import analytic_covariance
from nmfit.compare.empirical import fc_score, upper
from nmfit.compare.envelope import Envelope, envelope_correlation
from nmfit.dynamics import linearise
from nmfit.errors import InputError
from nmfit.fit.envelopes import unresolved
from nmfit.fit.fc import plan_of
from nmfit.fit.ground import problem_of, with_drive
from nmfit.fit.objective import fc_objective
from nmfit.fit.rungs import Rung, blocks_of
from nmfit.fit.space import origin_theta
from nmfit.io.inputs import read_inputs
from nmfit.models import Hopf
from nmfit.network import Connectome, Network
from nmfit.observe import Direct

N, BAND, RATE = 6, (8.0, 13.0), 100.0
RNG = np.random.default_rng(3)
PLACES = RNG.normal(size=(N, 3)) * 60
WEIGHTS = np.exp(-np.linalg.norm(PLACES[:, None] - PLACES, axis=-1) / 60) * (1 - np.eye(N)) * RNG.uniform(
    0.3, 1, (N, N))
WEIGHTS = WEIGHTS + WEIGHTS.T
BRAIN = Connectome(WEIGHTS, lengths=np.linalg.norm(PLACES[:, None] - PLACES, axis=-1),
                   labels=tuple(f"r{i}" for i in range(N)))


def pair(c):
    return jnp.asarray(np.array([[1.0, c], [np.conj(c), 1.0]]))


def test_amplitudes_follow_the_hypergeometric_function():
    for c in (0.0, 0.2, 0.5j, 0.6 + 0.5j, -0.9, 0.999):
        expected = (special.hyp2f1(-0.5, -0.5, 1, abs(c) ** 2) - 1) / (4 / np.pi - 1)
        assert float(envelope_correlation(pair(c))[0, 1]) == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("c", [0.4j, 0.5 + 0.6j, -0.3 - 0.2j, 0.7])
@pytest.mark.parametrize("orthogonal", [False, True])
def test_closed_form_equals_gaussian_draws(c, orthogonal):
    rng = np.random.default_rng(5)
    z = rng.normal(size=(400_000, 2, 2)) @ [1.0, 1j]
    z[:, 1] = np.conj(c) * z[:, 0] + np.sqrt(1 - abs(c) ** 2) * z[:, 1]
    a, b = np.abs(z.T)
    if orthogonal:
        b = np.abs(np.imag(z[:, 1] * np.conj(z[:, 0]) / a))
    # five standard errors of a correlation of so many draws
    assert float(envelope_correlation(pair(c), orthogonal)[0, 1]) == pytest.approx(np.corrcoef(a, b)[0, 1], abs=0.008)


def test_it_is_smooth_where_nothing_lags_and_ignores_leakage_without_a_lag():
    def lagged(x):
        one, c = jnp.ones((), complex), lax.complex(0.3, x)
        return envelope_correlation(jnp.stack([jnp.stack([one, c]), jnp.stack([jnp.conj(c), one])]), True)[0, 1]

    assert float(lagged(0.0)) == 0.0
    assert float(jax.grad(lagged)(0.0)) == 0.0
    for x in (1e-3, 0.029, 0.031, 0.5):                            # on both sides of the series
        near = float(lagged(x + 1e-5) - lagged(x - 1e-5)) / 2e-5
        assert float(jax.grad(lagged)(x)) == pytest.approx(near, rel=1e-5, abs=1e-9)
    mix = jnp.asarray([[1.0, 0.4], [0.4, 1.0]])
    apart = jnp.eye(2, dtype=complex)
    assert float(Envelope(orthogonal=True, leakage=mix).expected(apart)[0, 1]) == pytest.approx(0.0, abs=1e-12)
    assert float(Envelope(orthogonal=False, leakage=mix).expected(apart)[0, 1]) > 0.3


def recorded(network, seconds, seed):
    """Return a Gaussian series of a network's own cross-spectrum."""
    rng, samples = np.random.default_rng(seed), round(seconds * RATE)
    freqs = np.fft.rfftfreq(samples, 1 / RATE)
    inside = (freqs > BAND[0] - 2) & (freqs < BAND[1] + 2)
    with jax.enable_x64(True):
        cross = np.asarray(linearise(network, Direct(reads="eeg_source")).cross_spectrum(freqs[inside]))
    z = np.zeros((freqs.size, N), complex)
    drawn = rng.normal(size=(inside.sum(), N, 2)) @ [1, 1j] / np.sqrt(2)
    z[inside] = np.einsum("fst,ft->fs", np.linalg.cholesky(cross), drawn)
    return np.fft.irfft(z * np.sqrt(samples * RATE / 2), samples, axis=0)


def truth():
    network = Network.of(BRAIN.normalised("none", "max"), Hopf(a=-4.0, f=10.5), G=15.0, delays=True)
    return network.replace({"noise": np.exp(0.5 * np.random.default_rng(1).normal(size=N))})


@pytest.mark.parametrize("orthogonal", [False, True])
def test_a_networks_envelopes_are_what_its_series_show(orthogonal):
    data = recorded(truth(), 1500.0, 2)
    seen = series.envelope_fc(data, 1 / RATE, BAND, orthogonal)
    np.testing.assert_allclose(traced.envelope_fc(jnp.asarray(data), 1 / RATE, BAND, orthogonal), seen, atol=1e-10)
    covariance = analytic_covariance(linearise(truth(), Direct(reads="eeg_source")), BAND, 100)
    expected = np.asarray(Envelope(orthogonal=orthogonal).expected(covariance))
    # 5 Hz for 1500 s hold about 7500 independent amplitudes
    assert np.abs(upper(expected) - upper(seen)).max() < 4.5 / np.sqrt(7500)
    assert upper(expected).max() > (0.03 if orthogonal else 0.3)


def test_a_network_as_it_stands_is_fitted_to_envelopes():
    data = recorded(truth(), 600.0, 4)
    target = nmfit.fc_target(data, tr=1 / RATE, band=BAND, envelope="amplitude", labels=BRAIN.labels)
    with pytest.raises(InputError, match="how they scatter"):
        nmfit.recover(dataclasses.replace(make_result(), context=types.SimpleNamespace(
            plan=types.SimpleNamespace(target=target))))
    network = truth().replace({"G": 3.0})
    result = nmfit.fit(target, network, free={"G": "shared"}, starts=1, steps=12)
    (row,) = [row for row in result.parameters if row["name"] == "G"]
    assert row["value"] == pytest.approx(15.0, rel=0.4)
    assert target.samples == pytest.approx(0.75 * 600 * 5)
    low, high = row["ci95"]
    assert low < 15.0 < high < 45.0


@pytest.mark.long
def test_standard_errors_of_envelopes_are_how_far_refits_scatter():
    found, told = [], []
    for seed in range(16):
        fc = series.envelope_fc(recorded(truth(), 400.0, 50 + seed), 1 / RATE, BAND, orthogonal=False)
        target = nmfit.fc_target(fc, tr=1 / RATE, band=BAND, envelope="amplitude", labels=BRAIN.labels,
                                 n_volumes=40_000)
        result = nmfit.fit(target, truth(), free={"G": "shared"}, starts=1, steps=30, loss=nmfit.loss.FCMSE())
        (row,) = [row for row in result.parameters if row["name"] == "G"]
        found.append(np.log(row["value"]))
        told.append(row["se"] / row["value"])
    # a standard deviation of 16 is known to a fifth
    assert np.std(found, ddof=1) == pytest.approx(np.median(told), rel=0.5)


@pytest.mark.long
def test_envelopes_are_fitted_from_recordings_to_the_table():
    runs = [recorded(truth(), 120.0, seed) for seed in range(3)]
    target = nmfit.fc_target(runs, tr=1 / RATE, band=BAND, envelope="amplitude", labels=BRAIN.labels)
    assert "amplitude envelopes in 8 to 13 Hz" in " ".join(target.notes)
    assert target.select([1, 0]).envelope == target.envelope
    result = nmfit.fit(target, BRAIN, n_null=0, max_rung="shared", starts=1, steps=12, sc_transform="none")
    with jax.enable_x64(True):
        covariance = analytic_covariance(linearise(truth(), Direct(reads="eeg_source")), BAND, 100)
    expected = np.asarray(Envelope(orthogonal=False).expected(covariance))
    assert fc_score(np.asarray(result.arrays["fc_model"]), expected) > 0.8
    rows = {row["name"]: row for row in result.parameters}
    assert rows["G"]["value"] > 0
    assert rows["speed"]["flag"] != "fixed"
    assert rows["G"]["se"] > 0                                              # over people
    assert "amplitude envelopes" in result.methods()
    assert "confirmation_skipped" in result.record["flags"]
    assert not any(flag.startswith("time_scales") for flag in result.record["flags"])


@pytest.mark.long
def test_orthogonal_envelopes_reach_the_objective_with_a_gradient():
    target = nmfit.fc_target(recorded(truth(), 240.0, 1), tr=1 / RATE, band=BAND, envelope="orthogonal",
                             labels=BRAIN.labels)
    ground = plan_of(target, BRAIN).ground(target.final)
    assert ground.network.lengths is not None
    assert ground.fastest > 50
    network = with_drive(ground.network.replace({"a": np.linspace(-6, -3, N)}), 0.0)
    blocks = blocks_of(network, Rung("shared"), jnp.asarray(ground.maps), True, ground.slowest, ground.fastest)
    problem, theta = problem_of(ground, network, blocks, 0.0), origin_theta(blocks)
    objective = jax.jit(fc_objective)
    slope = jax.jit(jax.grad(fc_objective))(theta, problem)["G"]
    ends = [float(objective(theta | {"G": jnp.full(1, h)}, problem)) for h in (1e-5, -1e-5)]
    assert float(slope[0]) == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-5)
    assert abs(float(slope[0])) > 1e-3


@pytest.mark.long
def test_the_command_line_fits_a_matrix_of_orthogonal_envelopes(tmp_path, capsys):
    data = recorded(truth(), 300.0, 1)
    parts = {"sc.csv": WEIGHTS, "lengths.csv": BRAIN.lengths,
             "fc.csv": series.envelope_fc(data[:20000], 1 / RATE, BAND),
             "held.csv": series.envelope_fc(data[20000:], 1 / RATE, BAND)}
    for name, values in parts.items():
        np.savetxt(tmp_path / name, values, delimiter=",", header=",".join(BRAIN.labels), comments="")
    given = [f"--{option}={tmp_path / name}" for option, name in (("fc", "fc.csv"), ("sc", "sc.csv"), (
        "lengths", "lengths.csv"), ("heldout-fc", "held.csv"))]
    assert cli.main(["fit", *given, "--envelope", "orthogonal", "-o", str(tmp_path / "no")]) == 2
    assert "--band" in capsys.readouterr().err
    assert cli.main(["fit", *given, "--envelope", "orthogonal", "--band", "8", "13", "--max-rung", "shared",
                     "--n-null", "0", "--sc-transform", "none", "-o", str(tmp_path / "out")]) in (0, 1)
    assert nmfit.load_result(tmp_path / "out").record["provenance"]["target"]["envelope"] == "orthogonal"


def test_a_file_of_currents_is_read_as_a_series(tmp_path):
    data = recorded(truth(), 150.0, 1)
    for name, values in {"sources.csv": data, "sc.csv": WEIGHTS, "lengths.csv": BRAIN.lengths}.items():
        np.savetxt(tmp_path / name, values, delimiter=",", header=",".join(BRAIN.labels), comments="")
    files = {"sc": [tmp_path / "sc.csv"], "lengths": [tmp_path / "lengths.csv"], "bold": [tmp_path / "sources.csv"]}
    target, brain, *_ = read_inputs(**files, tr=1 / RATE, band=BAND, envelope="orthogonal")
    assert target.envelope.orthogonal
    assert brain.lengths is not None
    with pytest.raises(InputError, match="leave --engine out"):
        read_inputs(**files, tr=1 / RATE, band=BAND, envelope="orthogonal", windows=(60.0, 10.0))


def test_a_matrix_of_envelopes_lets_regions_ring_in_the_middle_of_the_band():
    target = nmfit.fc_target(np.eye(N) * 0.7 + 0.3, band=BAND, envelope="amplitude", labels=BRAIN.labels, tr=1 / RATE,
                             n_volumes=60_000)
    assert target.samples == pytest.approx(5 * 600)
    ground = plan_of(target, BRAIN).ground(target.final)
    assert float(ground.network.value("f")) == 10.5
    assert np.asarray(ground.network.value("a")) == pytest.approx(-0.5 * 5 * np.pi)


def test_a_resonance_between_the_nodes_costs():
    band, nodes = BAND, 48
    assert float(unresolved(-4.0, band, nodes)) == 0.0
    assert float(unresolved(-0.3, band, nodes)) > float(unresolved(-0.6, band, nodes)) > 0.0


def test_what_cannot_be_is_refused():
    data = recorded(truth(), 240.0, 1)
    given = {"tr": 1 / RATE, "labels": BRAIN.labels}
    for options, said in (({"envelope": "orthogonal"}, "no band"), ({"envelope": "x", "band": BAND}, "Choose one"),
                          ({"leakage": np.eye(N)}, "without envelope="),
                          ({"envelope": "amplitude", "band": BAND, "leakage": np.eye(2)}, "rows recorded"),
                          ({"envelope": "amplitude", "band": BAND, "gsr": True}, "without the regression")):
        with pytest.raises(InputError, match=said):
            nmfit.fc_target(data, **given, **options)
    target = nmfit.fc_target(data, **given, band=BAND, envelope="orthogonal")
    with pytest.raises(InputError, match="nothing lags"):
        nmfit.fit(target, WEIGHTS)
    with pytest.raises(InputError, match="no currents"):
        nmfit.fit(target, Network.of(BRAIN, nmfit.ReducedWongWang(), delays=True))
    with pytest.raises(InputError, match="no currents"):
        nmfit.fit(target, BRAIN, model="ReducedWongWang")
    with pytest.raises(InputError, match="does not measure"):
        nmfit.fit(target, BRAIN, engine="simulated")
    with pytest.raises(InputError, match="not Gaussian"):
        nmfit.fit(target, BRAIN, loss=nmfit.loss.Wishart(samples=10.0))
