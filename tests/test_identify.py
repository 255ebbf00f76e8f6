"""What the data determine: curvature against refits, directions in words, profiles, recovery, comparisons."""

import dataclasses
from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest
from test_fc_fit import BAND, N, brain, fc_of, ground, hopf, recordings

import nmfit as nf
from nmfit.errors import InputError
from nmfit.fit.copies import sampled, surely_recovered
from nmfit.fit.determined import asked_back, expected_recovery, not_recovered, record_of, validation, weak_directions
from nmfit.fit.ground import fit_rung, problem_of
from nmfit.fit.identify import identify, value_errors
from nmfit.fit.minimise import minimise
from nmfit.fit.objective import fc_objective
from nmfit.fit.result import Result
from nmfit.fit.rungs import Rung
from nmfit.parameters import to_free
from nmfit.report.words import determined

SAMPLES = 400


@cache
def fitted(level="shared", band=None):
    here, below = ground(fc=fc_of(hopf(), band), band=band), None
    for rung in ("shared", "maps")[:1 + ("shared", "maps").index(level)]:
        below = fit_rung(here, Rung(rung), below, starts=3)
    return below, here


def estimates(copies, level="shared"):
    """Refit samples of the fitted model's own FC, from its optimum."""
    found, here = fitted(level)
    rng, out = np.random.default_rng(1), []
    for _ in range(copies):
        copy = dataclasses.replace(here, fc=sampled(found.fc, SAMPLES, rng))
        problem = problem_of(copy, found.network, found.blocks, 0.0)
        out.append(float(found.blocks[0].value(minimise(fc_objective, found.theta, problem, 60, 1e-8).theta["G"])))
    return np.array(out)


@pytest.mark.parametrize("copies", [30, pytest.param(300, marks=pytest.mark.long)])
def test_the_curvature_tells_how_far_refits_scatter(copies):
    found, here = fitted()
    determined = identify(found, here, SAMPLES)
    error = float(value_errors(determined)["G"][0])
    assert error == pytest.approx(estimates(copies).std(ddof=1), rel=3.0 / np.sqrt(2 * copies))


def test_in_a_band_only_the_ratio_of_coupling_to_damping_is_determined():
    found, here = fitted(band=BAND)
    weak = weak_directions(identify(found, here, SAMPLES), found)
    assert len(weak) == 1
    assert weak[0]["sentence"].startswith("only the ratio G/|a| is determined (to within")
    assert set(weak[0]["parts"]) == {"G", "a"}
    assert weak[0]["parts"]["G"] * weak[0]["parts"]["a"] > 0


def test_what_is_not_recovered_leaves_a_rung_unvalidated():
    found, here = fitted(band=BAND)
    valid, why = validation(found, identify(found, here, SAMPLES))
    assert not valid
    assert "G, a would not be recovered" in why
    assert "only the ratio G/|a|" in why
    whole, ground_of_it = fitted()
    valid, why = validation(whole, identify(whole, ground_of_it, SAMPLES))
    assert valid, why
    assert why.startswith("validated: 3 of 3 starts agree")
    assert not validation(dataclasses.replace(whole, agreeing=1), identify(whole, ground_of_it, SAMPLES))[0]


def test_without_a_count_of_samples_the_misfit_stands_in():
    found, here = fitted()
    rng = np.random.default_rng(0)
    noisy = dataclasses.replace(here, fc=sampled(found.fc, SAMPLES, rng))
    determined = identify(found, noisy)
    assert determined.samples_from == "misfit"
    assert 0.4 * SAMPLES < determined.samples < 2.5 * SAMPLES       # large correlations vary less in r, as much in z
    assert record_of(determined, found)["directions"] == found.free
    assert determined.freedom == pytest.approx(found.free, rel=1e-6)      # no prior: every coordinate counts whole
    held = dataclasses.replace(determined, curvature=2.0 * determined.data_curvature)
    assert held.freedom == pytest.approx(found.free / 2, rel=1e-6)        # a prior as strong as the data: half of each


def test_every_region_for_itself_is_determined_less_than_all_together():
    found, here = fitted("maps")
    above = fit_rung(here, Rung("region"), found, shrinkage=1e-4, steps=30)
    record = record_of(identify(above, here, SAMPLES), above)
    assert record["directions"] == above.free
    assert 2 <= record["determined"] < record["directions"]
    assert record["errors"] == sorted(record["errors"])


@cache
def result(**options):
    target = nf.fc_target(recordings(3), band=BAND)
    return nf.fit(target, brain(), **{"n_null": 0, "confirm": False, "steps": 40, "sc_transform": "none",
                                      "max_rung": "maps", "starts": 2} | options)


def test_a_result_says_what_its_data_determine():
    found = result()
    record = found.record
    assert record["identifiability"]["samples"] > 10
    row = next(r for r in record["parameters"] if r["name"] == "G")
    assert row["se_model"] > 0
    kept = [r for r in record["rungs"] if r["kept"]]
    assert all(isinstance(r["validated"], bool) and r["validation"] for r in kept)
    text = found.summary()
    assert "what the data determine" in text
    assert kept[0]["validation"].split(":")[0] in text
    again = Result(record, found.arrays)
    assert again.record == record
    # What ended at a bound is left open in the recovery expected of the others: that has to be said.
    assert "over 20 copies of the data" in text
    by_curvature = record["identifiability"] | {"recovery_copies": None}
    for flag, said in (("at_bound", True), (None, False)):
        rows = [row | {"flag": flag if row["name"] == "a" else None} for row in record["parameters"]]
        text = " ".join(determined(record | {"parameters": rows, "identifiability": by_curvature}))
        assert ("a, which ended at a bound, taken as open" in text) == said


def test_a_parameter_at_its_bound_is_not_taken_as_known():
    found, here = fitted(band=BAND)
    coupling, damping = (next(b for b in found.blocks if b.name == name) for name in ("G", "a"))
    # As far to its bound as a search goes, with the ratio that the band shows.
    deep = found.theta["a"].at[0].set(float((-6.0 - damping.origin[0]) / damping.spread))
    ratio = float(np.mean(damping.value(deep)) / np.mean(damping.value(found.theta["a"])))
    strength = to_free(ratio * coupling.value(found.theta["G"]), coupling.bounds)
    pinned = dataclasses.replace(found, theta=found.theta | {
        "a": deep, "G": (strength - coupling.origin)[None] / coupling.spread})
    determined = identify(pinned, here, SAMPLES)
    assert determined.stuck == ("a",)
    back = expected_recovery(determined)
    assert back["G"] < 0.8
    assert "a" not in back
    assert not_recovered(determined) == ["G"]
    # The same with damping really known, by a rung that does not free it.
    held = tuple(b if b.name != "a" else dataclasses.replace(b, basis=jnp.zeros_like(b.basis))
                 for b in determined.blocks)
    known = identify(dataclasses.replace(pinned, blocks=held, theta=determined.theta), here, SAMPLES)
    assert expected_recovery(known)["G"] > 0.9


def test_copies_of_the_data_say_what_comes_back():
    here, whole = {}, {}
    for band in (None, BAND):
        found, ground_of_it = fitted(band=band)
        here[band] = asked_back(found, ground_of_it, identify(found, ground_of_it, SAMPLES))
        whole[band] = not_recovered(here[band])
    assert whole == {None: [], BAND: ["G", "a"]}               # a band shows their ratio only
    assert here[None].returned["G"] > 0.9
    assert not validation(fitted(band=BAND)[0], here[BAND])[0]
    above = fit_rung(ground_of_it, Rung("region"), found, shrinkage=1e-4, steps=2)
    assert asked_back(above, ground_of_it, identify(above, ground_of_it, SAMPLES)).returned is None


def test_so_few_copies_show_recovery_only_well_above_what_is_asked():
    assert not surely_recovered(0.85)
    assert surely_recovered(0.85, 1000)
    assert surely_recovered(0.95)
    assert surely_recovered(1.0)
    assert not surely_recovered(float("nan"))


def test_the_methods_paragraph_names_versions_split_and_sources():
    text = result().methods()
    for part in ("nmfit ", "jax ", "L-BFGS", "Deco et al. 2017", "cut into contiguous blocks", "jackknife"):
        assert part in text
    assert "\n" not in text


def test_a_profile_bounds_what_is_determined_and_says_so_where_not():
    found = result()
    profile = found.profile("G")
    assert profile.rise.min() == 0.0
    assert (profile.rise >= 0).all()
    assert np.all(np.diff(profile.values) > 0)
    assert profile.summary().startswith("G")
    assert profile.plot().get_axes()[0].get_xlabel() == "G"
    with pytest.raises(InputError, match="share"):
        found.profile("beta")


def test_a_profile_agrees_with_the_standard_error_where_the_loss_is_a_bowl():
    found, here = fitted()
    from nmfit.fit.profile import _profile

    determined = identify(found, here, 50 * SAMPLES)
    profile = _profile(determined, 0, found, here)
    error = float(value_errors(determined)["G"][0])
    low, high = profile.interval
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_recovery_tells_which_parameters_come_back():
    recovery = nf.recover(result(), n=6, steps=30)
    assert {row["name"] for row in recovery.rows} >= {"G", "a"}
    assert all(-1 <= row["r"] <= 1 for row in recovery.rows)
    assert recovery.flags == [f"not_recovered:{row['name']}" for row in recovery.rows if row["r"] < 0.8]
    assert "6 simulated copies" in recovery.summary()


def test_loaded_results_have_no_data_behind_them():
    bare = Result(result().record, result().arrays)
    for verb in (nf.recover, lambda r: r.profile("G")):
        with pytest.raises(InputError, match="Fit again"):
            verb(bare)


def test_the_same_fit_twice_is_a_tie_and_other_data_are_refused():
    first = result()
    said = nf.compare({"one": first, "other": result()})
    assert said.rows[0]["verdict"] == "a tie"
    assert said.rows[0]["difference"] == 0.0
    assert "a tie" in said.summary()
    other = nf.fit(nf.fc_target(recordings(3, seed=1), band=BAND), brain(), n_null=0, confirm=False, steps=5,
                   sc_transform="none", max_rung="shared", starts=1)
    with pytest.raises(InputError, match="other data"):
        nf.compare([first, other])
    with pytest.raises(InputError, match="at least two"):
        nf.compare([first])


def test_a_model_that_predicts_everyone_better_wins():
    first = result()
    truth = first.arrays["fc_score"]
    better = Result(first.record, first.arrays | {"unit_scores": first.arrays["unit_scores"] + [0.1, 0.12, 0.11]})
    assert nf.compare([first, better]).rows[0]["verdict"] == "predicts better"
    lone = Result(first.record, {k: v for k, v in first.arrays.items() if k != "unit_scores"})
    exact = Result(first.record, lone.arrays | {"fc_model": truth})
    row = nf.compare([lone, exact]).rows[0]
    assert row["units"] == N
    assert row["difference"] > 0
    assert jnp.isfinite(row["ci95"][0])
