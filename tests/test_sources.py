"""Regional spectra without a lead field: exact where they say so, found again, refused where they cannot be."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import least_squares

import nmfit as nf
from nmfit.cli import main
from nmfit.dynamics import linearise
from nmfit.fit import gauss_newton
from nmfit.fit.gauss_newton import HELD, Freedom
from nmfit.fit.sources import ground as sources_ground
from nmfit.fit.sources import problem as sources_problem
from nmfit.fit.sources.answer import log_data
from nmfit.fit.sources.people import from_others
from nmfit.observe import RegionalSpectra

FREQS = np.arange(2.0, 41.0)
RNG = np.random.default_rng(3)
N = 6


def made_brain(n=N, seed=0):
    rng = np.random.default_rng(seed)
    weights = np.triu(rng.uniform(0.1, 1.0, (n, n)), 1)
    return nf.Connectome(weights + weights.T, labels=[f"r{i}" for i in range(n)])


def made(dof=None, seed=1, brain=None, coupled=True):
    """Return a target, its connectome and the standing whose spectra it holds."""
    brain = made_brain() if brain is None else brain
    rng = np.random.default_rng(seed)
    freqs, n = FREQS, brain.n
    ground = sources_ground.SourcesGround(brain.normalised("none", "rowsum"), np.arange(n), freqs,
                                          np.zeros((freqs.size, n)), np.ones((freqs.size, n), bool), np.zeros((0, n)))
    standing = sources_ground.begin(ground, 400.0, 4.0, 10.0)
    network = standing.networks[0].replace({
        "f": rng.uniform(9.0, 11.0, n), "a": -rng.uniform(8.0, 16.0, n), "noise": rng.uniform(15.0, 25.0, n),
        "G": 8.0 if coupled else 0.0})
    instrument = dataclasses.replace(standing.instrument, aperiodic=rng.uniform(0.05, 0.15, n),
                                     exponent=np.full(n, 1.2))
    standing = dataclasses.replace(standing, networks=(network,), instrument=instrument)
    psd = 10 ** sources_ground.predicted(standing, ground, sources_ground.exact(standing, freqs))
    if dof is not None:
        psd = psd * rng.chisquare(dof, psd.shape) / dof
    target = nf.spectrum_target(freqs, psd, ch_names=brain.labels, dof=dof, unit="", reference="none")
    return target, brain, standing, ground


def test_small_systems_are_solved_as_lapack_does():
    a = RNG.normal(size=(5, 7, 7))
    matrices, right = a @ np.swapaxes(a, 1, 2) + 0.1 * np.eye(7), RNG.normal(size=(5, 7, 3))
    np.testing.assert_allclose(gauss_newton.solve_each(jnp.asarray(matrices), jnp.asarray(right)),
                               np.linalg.solve(matrices, right), rtol=1e-9, atol=1e-9)


def curves(move, data):
    """Three decaying exponentials per region: not linear, not flat."""
    t = jnp.linspace(0.0, 2.0, data.shape[0])[:, None]
    return jnp.exp(0.3 * move[0]) * jnp.exp(-jnp.exp(0.2 * move[1]) * t) + 0.1 * move[2] * t - data


def test_levels_and_regions_are_found_as_a_general_solver_finds_them():
    n, maps = 4, np.array([[1.0, -1.0, 0.5, -0.5]])
    data = np.exp(-np.linspace(0, 2, 9)[:, None] * RNG.uniform(0.7, 1.4, n)) + 0.05 * RNG.normal(size=(9, n))
    basis = np.concatenate([np.ones((1, n)), maps]).T
    freedom = Freedom(jnp.asarray(basis), jnp.asarray([[1e-3, 0.1], [1e-3, HELD], [1e-3, 0.2]]),
                      jnp.asarray([0.3, 0.5, HELD]))
    zero = (jnp.zeros((3, 2)), jnp.zeros((3, n)))
    found = gauss_newton.settle(curves, jnp.asarray(data), freedom, zero, 200, 1e-14)

    def flat(z):
        shared = np.zeros((3, 2))
        shared[[0, 0, 1, 2, 2], [0, 1, 0, 0, 1]] = z[:5]
        own = np.zeros((3, n))
        own[:2] = z[5:].reshape(2, n)
        weights = [1e-3, 0.1, 1e-3, 1e-3, 0.2]
        move = shared @ basis.T + own
        return np.concatenate([np.asarray(curves(jnp.asarray(move), jnp.asarray(data))).ravel(),
                               np.sqrt(weights) * z[:5], np.sqrt(np.repeat([0.3, 0.5], n)) * z[5:]])

    oracle = least_squares(flat, np.zeros(5 + 2 * n), xtol=1e-15, ftol=1e-15, gtol=1e-15)
    assert float(found.loss) == pytest.approx(2 * oracle.cost, rel=1e-7)
    error, variance = gauss_newton.laplace(curves, found.move, jnp.asarray(data), freedom, data.size)
    covariance = np.linalg.inv(oracle.jac.T @ oracle.jac)
    into = np.zeros((n, 5 + 2 * n))                          # how region i's first coordinate reads z
    into[:, 0], into[:, 1], into[:, 5:5 + n] = 1.0, maps[0], np.eye(n)
    wanted = np.sqrt(np.diag(into @ covariance @ into.T))
    np.testing.assert_allclose(np.asarray(error)[0] / np.sqrt(float(variance)), wanted, rtol=1e-4)


def test_a_region_alone_is_what_the_engine_says_without_coupling():
    _, _, standing, _ground = made(coupled=False)
    exact = linearise(standing.networks[0], standing.instrument).psd(FREQS)
    np.testing.assert_allclose(sources_problem.alone(standing.networks[0], jnp.asarray(FREQS)), exact, rtol=1e-10)


def test_the_held_share_of_the_network_makes_the_regions_exact_where_it_was_taken():
    target, _, standing, ground = made()
    powers = sources_ground.exact(standing, FREQS)
    apart = np.asarray(sources_problem.alone(standing.networks[0], jnp.asarray(FREQS)))
    assert np.abs(powers[0] / apart - 1).max() > 0.05                      # it is no formality
    standing = sources_ground._with_rows(
        dataclasses.replace(standing, names=(), origin=np.zeros((1, N)), spread=np.ones(1), own=np.zeros((1, N)),
                            shared=np.zeros((1, 1))),
        [("", name) for name in sources_ground.INSTRUMENT] + [("slow", name) for name in sources_ground.POPULATION],
        standing.networks)
    ground = dataclasses.replace(ground, data=log_data(target, "fit"))
    problem = sources_ground.problem_of(standing, ground, powers, np.zeros_like(ground.data))
    residuals = sources_problem.misfit(jnp.zeros((len(standing.names) + 1, N)), problem)
    assert np.abs(residuals).max() < 1e-9


def test_the_climb_finds_frequencies_again_and_says_how_well():
    target, brain, standing, _ = made(dof=200.0)
    result = nf.fit(target, brain, n_null=0, max_rung="region")
    assert result.record["modality"] == "sources"
    assert result.chosen == "region"
    truth = np.asarray(standing.networks[0].value("f"))
    rows = [row for row in result.parameters if row["name"] == "slow.f"]
    miss = np.array([row["value"] for row in rows]) - truth
    errors = np.array([row["se"] for row in rows])
    assert np.abs(miss).max() < 0.6
    assert (np.abs(miss) < 3.0 * errors).all()
    assert errors.max() < 0.5
    assert result.score > 0.97
    assert result.record["spectrum"]["alpha_peak_model"] == pytest.approx(
        result.record["spectrum"]["alpha_peak_data"], abs=0.5)
    rungs = {rung["name"]: rung for rung in result.record["rungs"]}
    assert rungs["region"]["score_fit"] > rungs["shared"]["score_fit"]
    assert "interpolated" in result.flags
    assert "nulls_skipped" in result.flags


@pytest.mark.long
def test_regions_without_a_spectrum_take_part_unseen():
    big = made_brain(8)
    target, *_ = made(brain=big)
    few = target.select(np.arange(6))
    result = nf.fit(few, big, n_null=0, max_rung="shared")
    assert result.arrays["psd_model"].shape == (6, FREQS.size)
    assert result.arrays["weights"].shape == (8, 8)


def test_people_are_fitted_side_by_side_and_share_the_rung():
    both = [made(seed=seed)[:2] for seed in (1, 2)]
    results = nf.fit([t for t, _ in both], [b for _, b in both], n_null=0, max_rung="region")
    assert len(results) == 2
    assert results[0].chosen == results[1].chosen
    alone = nf.fit(*both[0], n_null=0, max_rung="region")
    np.testing.assert_allclose(results[0].arrays["psd_model"], alone.arrays["psd_model"], rtol=1e-6)


def test_the_low_pass_leaves_half_at_its_cutoff_and_stays_a_number_far_beyond():
    instrument = RegionalSpectra(cutoff=30.0, order=12.0)
    freqs = jnp.array([1.0, 30.0, 1e6])
    passed = instrument.passed(freqs)
    np.testing.assert_allclose(passed[:2], [1.0, 0.5], atol=1e-12)
    assert np.isfinite(jax.grad(lambda f: instrument.passed(f[None])[0])(1e6))


def test_names_that_do_not_match_are_refused_with_the_nearest():
    target, brain, *_ = made()
    other = dataclasses.replace(target, ch_names=("rr0", *target.ch_names[1:]))
    with pytest.raises(nf.InputError, match=r"no region rr0 .*names like"):
        nf.fit(other, brain)
    foreign = dataclasses.replace(target, ch_names=tuple(f"EEG{i}" for i in range(N)))
    with pytest.raises(nf.InputError, match="leadfield="):
        nf.fit(foreign, brain)
    silent = {role: np.where(np.arange(psd.size).reshape(psd.shape) == 8, 0.0, psd)
              for role, psd in target.psd.items()}
    with pytest.raises(nf.InputError, match="no power in r2 at 3 Hz"):
        nf.fit(dataclasses.replace(target, psd=silent), brain)
    with pytest.raises(nf.InputError, match="2 frequencies to fit"):
        nf.fit(nf.spectrum_target(FREQS[:3], target.psd["fit"][:3], ch_names=target.ch_names), brain)
    with pytest.raises(nf.InputError, match=r"max_rung.*two scales"):
        nf.fit(target, brain, max_rung="edges")
    with pytest.raises(nf.InputError, match="2 connectomes for 1 people"):
        nf.fit([target], [brain, brain])


def test_tables_and_archives_of_spectra_are_read(tmp_path):
    target, _brain, *_ = made()
    psd, names = target.psd["fit"], target.ch_names
    table = tmp_path / "psd.tsv"
    rows = ["\t".join(map(repr, map(float, (f, *row)))) for f, row in zip(FREQS, psd, strict=True)]
    table.write_text("\t".join(("freq_hz", *names)) + "\n" + "\n".join(rows) + "\n")
    archive = tmp_path / "psd.npz"
    np.savez(archive, freqs=FREQS, psd=psd.T, labels=np.array(names))
    for path in (table, archive):
        spectrum = nf.read_psd(path, dof=20.0)
        assert spectrum.ch_names == names
        assert spectrum.dof == 20.0
        assert spectrum.sha256
        np.testing.assert_allclose(spectrum.psd, psd)
    table.write_text("\t".join(names) + "\n" + "\n".join(rows) + "\n")
    with pytest.raises(nf.InputError):
        nf.read_psd(table)
    np.savez(archive, freqs=FREQS, psd=np.log10(psd) - 9, labels=np.array(names))
    with pytest.raises(nf.InputError, match="logarithm"):
        nf.read_psd(archive)
    np.savez(archive, freqs=FREQS, labels=np.array(names))
    with pytest.raises(nf.InputError, match="no such array"):
        nf.read_psd(archive)


@pytest.mark.long
def test_the_command_line_fits_spectra_of_regions(tmp_path, capsys):
    target, brain, *_ = made()
    np.savez(tmp_path / "psd.npz", freqs=FREQS, psd=target.psd["fit"], labels=np.array(target.ch_names))
    head = "\t".join(("", *brain.labels))
    rows = ["\t".join((label, *map(str, row))) for label, row in zip(brain.labels, brain.weights, strict=True)]
    (tmp_path / "sc.tsv").write_text("\n".join((head, *rows)) + "\n")
    code = main(["fit", "--sc", str(tmp_path / "sc.tsv"), "--psd", str(tmp_path / "psd.npz"), "-o",
                 str(tmp_path / "out"), "--n-null", "0"])
    said = capsys.readouterr().out
    assert code in (0, 1)
    assert "R2" in said
    page = (tmp_path / "out" / "report.html").read_text()
    assert "without a lead field" in page
    assert "V²/Hz" not in page


def test_other_people_tell_a_persons_pattern():
    people = [made(seed=1, dof=2000.0)[:2] for _ in range(3)]
    targets, brains = [t for t, _ in people], [b for _, b in people]
    results = nf.fit(targets, brains, n_null=0, max_rung="region")
    predicted = from_others(results, targets, brains)
    truth = log_data(targets[0], "score")
    assert predicted.shape == (3, *truth.shape)
    assert np.abs(predicted[0] - truth).max() < 0.1
    with pytest.raises(nf.InputError, match="three people"):
        from_others(results[:2], targets[:2], brains[:2])


def test_a_column_tells_five_numbers():
    """The spectrum of a Jansen-Rit column holds two rates, two loop gains and one amplitude; see docs."""
    names = ("A", "B", "a", "b", "C", "e0", "v0", "r", "p", "sigma")
    network = nf.Network.of(nf.Connectome(np.array([[0.0, 1e-12], [1e-12, 0.0]])), nf.JansenRit(), G=0.0)
    network = network.replace({name: np.full(2, float(network.value(name))) for name in names})

    def log_power(move):
        values = {name: network.value(name) * jnp.exp(move[k]) for k, name in enumerate(names)}
        return jnp.log(sources_problem.alone(network.replace(values), jnp.arange(1.0, 40.0)))

    _, slope = jax.jit(lambda m: gauss_newton.regionwise(log_power, m))(jnp.zeros((len(names), 2)))
    values = np.linalg.svd(np.asarray(slope)[:, 0], compute_uv=False)
    assert values[4] > 1e-4 * values[0]
    assert values[5] < 1e-6 * values[4]
