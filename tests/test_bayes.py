"""The posterior by NUTS: calibrated, gated, and opened by others."""

import dataclasses

import jax
import numpy as np
import pytest
from test_fc_fit import brain, fc_of, ground, hopf
from test_identify import result

import nmfit as nf
from nmfit.errors import InputError
from nmfit.fit.bayes import Draws, drawn_from, posterior_of
from nmfit.fit.copies import sampled
from nmfit.fit.ground import fit_rung, predict
from nmfit.fit.result import Result
from nmfit.fit.rungs import Rung

pytest.importorskip("blackjax")
SAMPLES = 150


def made_draws(**changed):
    rng = np.random.default_rng(0)
    values = {"G": rng.normal(size=(2, 200)), "a": rng.normal(size=(2, 200, 3))}
    rows = [{"name": name, "mean": 0.0, "sd": 1.0, "ci95": [-2.0, 2.0], "rhat": 1.0, "ess": 380.0} | changed.get(
        name, {}) for name in values]
    statistics = {"lp": rng.normal(size=(2, 200)), "diverging": np.zeros((2, 200), bool)}
    statistics["diverging"][0, :changed.get("divergences", 0)] = True
    return Draws(values, rows, statistics, ("x", "y", "z"), 100.0)


@pytest.mark.parametrize(("changed", "flag"), [
    ({"divergences": 2}, "divergences:2"),
    ({"G": {"rhat": 1.05}}, "not_mixed:G"),
    ({"a": {"ess": 30.0}}, "few_effective_draws:a"),
    ({"a": {"rhat": float("nan")}}, "not_mixed:a"),
])
def test_chains_that_cannot_be_trusted_say_so(changed, flag):
    draws = made_draws(**changed)
    assert not draws.trusted
    assert draws.flags == [flag]
    assert draws.summary().startswith("not to be used")


def test_sound_chains_are_trusted_and_others_open_them(tmp_path):
    draws = made_draws()
    assert draws.trusted
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    draws.save(tmp_path / "posterior.nc")
    with xarray.open_dataset(tmp_path / "posterior.nc", group="posterior", engine="h5netcdf") as back:
        np.testing.assert_array_equal(back["a"], draws.draws["a"])
        assert back["a"].dims[:2] == ("chain", "draw")
    with xarray.open_dataset(tmp_path / "posterior.nc", group="sample_stats", engine="h5netcdf") as back:
        assert back["diverging"].shape == (2, 200)


def test_a_loaded_result_has_no_posterior():
    bare = Result(result().record, result().arrays)
    with pytest.raises(InputError, match="Fit again"):
        nf.sample_posterior(bare)


@pytest.mark.long
def test_the_posterior_agrees_with_the_curvature():
    found = nf.sample_posterior(result(max_rung="shared"), chains=2, draws=300, warmup=300)
    row = next(r for r in found.rows if r["name"] == "G")
    assert row["rhat"] < 1.05
    assert found.draws["a"].shape[:2] == (2, 300)


@pytest.mark.long
def test_ranks_of_the_truth_are_uniform():
    """Simulation-based calibration (Talts et al. 2018): truth from the prior, data from the truth, its rank even."""
    wiring = brain(6)
    network = hopf(wiring=wiring)
    here = ground(fc=fc_of(network, None), network=network, band=None)
    fitted = fit_rung(here, Rung("shared"), steps=0)
    rng, ranks, draws = np.random.default_rng(0), [], 99
    for k in range(60):
        posterior = posterior_of(fitted, here, SAMPLES)
        z = rng.standard_normal(posterior.spread.size)
        theta = dict(posterior.centre)
        for i, (block, column) in enumerate(zip(posterior.blocks, posterior.columns, strict=True)):
            theta[block] = theta[block].at[column].add(posterior.spread[i] * z[i])
        fc = np.asarray(predict(theta, posterior.problem)[0])
        data = sampled(fc, SAMPLES, rng)
        posterior = dataclasses.replace(posterior, problem=dataclasses.replace(
            posterior.problem, target=jax.numpy.asarray(data)))
        found = drawn_from(posterior, wiring.labels, chains=1, draws=4 * draws, warmup=200, seed=k)
        true = float(next(b for b in posterior.problem.blocks if b.name == "G").value(theta["G"]))
        ranks.append(int((found.draws["G"][0, ::4] < true).sum()))
    counts = np.histogram(ranks, bins=5, range=(0, draws + 1))[0]
    assert ((counts - 12.0) ** 2 / 12.0).sum() < 13.28                    # chi-squared, 4 degrees of freedom, p = 0.01
