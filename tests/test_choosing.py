"""Which model to take, ladders as data, and a richer model begun from a simpler one."""

import dataclasses
from functools import cache

import numpy as np
import optax
import pytest

import nmfit as nf
from nmfit import cli
from nmfit.cli import options
from nmfit.errors import InputError
from nmfit.fit.fc import plan_of
from nmfit.fit.ground import fit_rung
from nmfit.fit.rungs import check_ladder
from nmfit.models import MODELS, Hopf
from nmfit.models.recommend import TREE
from nmfit.parameters import pytree
from nmfit.report.methods import paragraph

N = 6


@cache
def data():
    rng = np.random.default_rng(0)
    weights = np.triu(rng.uniform(0.1, 1.0, (N, N)), 1)
    weights += weights.T
    mixed = np.linalg.cholesky(np.linalg.inv(np.diag(weights.sum(1) + 1.0) - weights))
    runs = tuple(rng.normal(size=(400, N)) @ mixed.T for _ in range(3))
    return nf.fc_target(list(runs), tr=2.0), nf.Connectome(weights)


@pytest.mark.parametrize("purpose", TREE)
def test_every_leaf_names_a_model_and_says_why(purpose, capsys):
    for physiological in (False, True):
        advice = nf.advise(purpose, physiological)
        assert advice.model in MODELS
        assert len(advice.why) > 20
        assert len(advice.careful) > 20
    assert nf.advise(purpose).model != nf.advise(purpose, True).model
    assert cli.main(["models", "--for", purpose]) == 0
    assert capsys.readouterr().out.startswith(nf.advise(purpose).model)


def test_an_unknown_purpose_is_refused_by_name(capsys):
    assert cli.main(["models", "--for", "telepathy"]) == options.REFUSED
    assert "telepathy" in capsys.readouterr().err


def test_models_of_eeg_have_a_source_and_models_of_bold_an_observable():
    assert MODELS[nf.advise("fmri", True).model].bold_drive is not None
    assert MODELS[nf.advise("eeg", True).model].eeg_source is not None


def test_a_target_is_told_its_model():
    assert nf.recommend(data()[0]).model == "Hopf"


def test_the_richer_model_enters_at_the_maps():
    levels = nf.default_ladder(("Hopf", "ReducedWongWang"))
    assert [(r.level, r.model) for level in levels for r in level if not r.drive] == [
        ("shared", "Hopf"), ("maps", "Hopf"), ("maps", "ReducedWongWang"), ("region", "")]
    short = nf.default_ladder(("Hopf", "ReducedWongWang"), max_rung="shared")
    assert [(r.level, r.model) for level in short for r in level if not r.drive] == [
        ("shared", "Hopf"), ("shared", "ReducedWongWang")]


def test_a_ladder_prints_as_a_table():
    ladder = nf.default_ladder(["Hopf", "WongWang"])
    rows = [row.split("  ") for row in str(ladder).splitlines()]
    assert len(rows) == 1 + len(ladder)
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert cells[1] == ["shared | shared + drive", "Hopf", "linear", "nothing"]
    assert cells[3] == ["maps | maps + drive", "WongWang", "linear", "w, noise, drive"]
    assert cells[4] == ["region | region + drive", "of the rung below", "linear", "its first, noise, drive"]
    edited = str(type(ladder)([(nf.Rung("maps", model="ReducedWongWang", free=("I_0",)),)]))
    assert edited.splitlines()[1].split() == ["maps", "ReducedWongWang", "linear", "I_0,", "noise"]


@pytest.mark.parametrize(("levels", "what"), [
    ((), "no rungs"),
    ((nf.Rung("region"), nf.Rung("maps")), "after 'region'"),
    ((nf.Rung("lobes"),), "lobes"),
    ((nf.Rung("shared", model="Hopfield"),), "Hopfield"),
    ((nf.Rung("shared", model=""),), "model ''"),
    (("shared",), "no rungs"),
    ((nf.Rung("maps", free=("w",)),), "'w' free at 'maps', which Hopf has not"),
])
def test_a_ladder_that_makes_no_sense_is_refused(levels, what):
    with pytest.raises(InputError, match=what):
        check_ladder(levels, MODELS)


def test_an_edited_ladder_is_climbed():
    target, brain = data()
    result = nf.fit(target, brain, ladder=[nf.Rung("shared"), nf.Rung("region")], n_null=0, confirm=False, steps=20,
                    sc_transform="none")
    assert [rung["name"] for rung in result.record["rungs"]] == ["shared", "region"]


def test_a_coupling_of_ones_own_holds_for_every_model_of_the_ladder():
    target, brain = data()
    for asked, synaptic in ((None, "additive"), ("diffusive", "diffusive")):
        ground = plan_of(target, brain, transform="none", coupling=asked).ground(target.final)
        kinds = [here.network.wiring.kind for here in (ground, ground.under("ReducedWongWang"))]
        assert kinds == ["diffusive", synaptic]
    with pytest.raises(InputError, match="coupling"):
        nf.fit(target, brain, coupling="electric", n_null=0)


@pytest.mark.long
def test_a_richer_model_begins_where_it_predicts_what_the_simpler_one_does():
    target, brain = data()
    ground = plan_of(target, brain, transform="none").ground(target.final)
    simple = fit_rung(ground, nf.Rung("shared"), starts=2)
    cold = fit_rung(dataclasses.replace(ground, fc=simple.fc), nf.Rung("shared", model="ReducedWongWang"), steps=0)
    richer = fit_rung(ground, nf.Rung("shared", model="ReducedWongWang"), simple, starts=1, steps=30)
    assert richer.rung.model == "ReducedWongWang"
    assert type(next(iter(richer.network.groups.values()))).__name__ == "ReducedWongWang"
    above = np.triu_indices(N, 1)
    near, far = (np.abs(f.fc - simple.fc)[above].mean() for f in (richer, cold))
    assert near < 0.5 * far
    assert richer.loss <= richer.start_loss


def test_a_model_that_does_not_help_does_not_end_the_climb():
    target, brain = data()
    levels = [nf.Rung("shared"), nf.Rung("shared", model="StuartLandau"), nf.Rung("shared", model="StuartLandau"),
              nf.Rung("shared", model="StuartLandau"), nf.Rung("maps", model="")]
    result = nf.fit(target, brain, ladder=levels, n_null=0, confirm=False, steps=20, sc_transform="none")
    names = [(rung["name"], rung["model"]) for rung in result.record["rungs"]]
    assert names[1:4] == [("shared", "StuartLandau")] * 3
    assert names[4][0] == "maps"


def test_a_lone_matrix_climbs_on_masked_blocks():
    target, brain = data()
    lone = nf.fc_target(target.final.pool, heldout=target.final.pool)
    result = nf.fit(lone, brain, n_null=0, confirm=False, steps=40, sc_transform="none", max_rung="maps")
    assert all(rung["reason"] for rung in result.record["rungs"])
    assert "standard errors over" in result.record["rungs"][-1]["reason"]


def test_any_optax_transformation_searches():
    target, brain = data()
    options = {"n_null": 0, "confirm": False, "steps": 40, "sc_transform": "none", "max_rung": "shared"}
    own, default = nf.fit(target, brain, optimiser=optax.adam(0.1), **options), nf.fit(target, brain, **options)
    assert own.record["provenance"]["optimiser"] == "the caller's own"
    assert default.record["provenance"]["optimiser"] == "L-BFGS"
    assert "L-BFGS" not in paragraph(own)
    assert "L-BFGS" in paragraph(default)
    losses = [result.record["rungs"][0]["loss"] for result in (own, default)]
    assert losses[0] != losses[1]
    assert losses[0] < 1.2 * losses[1]
    with pytest.raises(nf.InputError, match="optax transformation"):
        nf.fit(target, brain, optimiser="adam")
    with pytest.raises(nf.InputError, match="kept searches"):
        nf.fit(target, brain, optimiser=optax.adam(0.1), keep=lambda _, compute: compute())


def test_a_model_of_ones_own_is_taken_as_it_is():
    @pytree
    class Mine(Hopf):
        pass

    target, brain = data()
    result = nf.fit(target, brain, model=Mine(), n_null=0, confirm=False, steps=5, max_rung="shared",
                    sc_transform="none")
    assert "Mine, rung" in result.summary()


def test_a_list_of_models_holds_names():
    target, brain = data()
    with pytest.raises(InputError, match="model"):
        nf.fit(target, brain, model=["Hopf", "Hopfield"])


def test_a_budget_ends_the_climb_with_a_sentence_and_still_answers():
    target, brain = data()
    result = nf.fit(target, brain, n_null=4, steps=10, sc_transform="none", budget=1e-3)
    last = result.record["rungs"][-1]
    assert last["name"] == "shared + drive"
    assert "the time given did not suffice for 'maps', 'maps + drive'" in last["reason"]
    assert {"budget_spent", "confirmation_skipped", "few_nulls"} <= set(result.flags)
    assert result.score is not None
    with pytest.raises(InputError, match="budget"):
        nf.fit(target, brain, budget=0)
