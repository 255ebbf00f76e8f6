"""The field's known pitfalls: each is seen where it is, and nowhere else; and the table of models, row by row."""

import jax.numpy as jnp
import numpy as np
import pytest

import nmfit as nf
from nmfit import cli
from nmfit.dynamics import linearise
from nmfit.models import MODELS, Hopf, JansenRit, Kuramoto, ReducedWongWang, StuartLandau
from nmfit.models.guide import TABLE, kind_of, rows
from nmfit.models.pitfalls import PITFALLS, Facts, cautions
from nmfit.models.recommend import TREE
from nmfit.network import Connectome, Network
from nmfit.observe import Balloon, Direct
from nmfit.report import words

CLEAN = Facts((Hopf(),), "fmri", (0.01, 0.1), 2.0)


@pytest.mark.parametrize(("facts", "name", "detail"), [
    (Facts((JansenRit(),), "eeg"), "complex_first", "JansenRit before Hopf"),
    (Facts((Hopf(),), "eeg"), "time_scales", "Hopf moves in 3.18 s"),
    (Facts((Hopf(f=40.0),), "fmri", tr=2.0), "time_scales", "TR of 2 s and no haemodynamic stage"),
    (Facts((Hopf(f=10.0), ReducedWongWang()), "meg"), "no_observable", "ReducedWongWang, MEG"),
    (Facts((Hopf(),), "fmri", tied=(("G", "a"),)), "not_separable", "G and a"),
    (Facts((ReducedWongWang(),), "fmri", haemodynamics=True), "costly", "ReducedWongWang, about 20 times Hopf"),
    (Facts((Hopf(a=0.1),), "fmri"), "limit_cycle_linear", "Hopf with a = 0.1"),
    (Facts((StuartLandau(a=jnp.array([-0.1, 0.2])),), "fmri"), "limit_cycle_linear", "a = 0.2"),
    (Facts((Kuramoto(),), "fmri", haemodynamics=True), "limit_cycle_linear", "Kuramoto has no state of rest"),
])
def test_each_pitfall_is_seen(facts, name, detail):
    found = {one: told for one, told, _ in cautions(facts)}
    assert detail in found[name]


@pytest.mark.parametrize("facts", [
    CLEAN,
    Facts((Hopf(f=10.0), JansenRit()), "eeg"),
    Facts((Hopf(), ReducedWongWang()), "fmri", (0.01, 0.1), 2.0, haemodynamics=True),
    Facts((Hopf(a=0.1),), "fmri", engine="simulated"),
])
def test_nothing_is_held_against_a_sound_choice(facts):
    assert cautions(facts) == []


def test_every_pitfall_has_a_sentence_in_the_report():
    for pitfall in PITFALLS:
        assert words.flag_sentence(f"{pitfall.name}:x") == f"{pitfall.sentence} (x)"


@pytest.mark.long
def test_a_fit_carries_its_cautions():
    rng = np.random.default_rng(0)
    weights = np.triu(rng.uniform(0.1, 1.0, (5, 5)), 1)
    target = nf.fc_target([rng.normal(size=(400, 5)) for _ in range(3)], tr=2.0)
    result = nf.fit(target, weights + weights.T, model="ReducedWongWang", n_null=0, confirm=False, steps=2,
                    max_rung="shared", sc_transform="none")
    assert any(flag.startswith("costly:ReducedWongWang") for flag in result.flags)
    assert "over ten times the time" in result.summary()


def test_the_command_line_says_them(capsys):
    assert cli.main(["models", "JansenRit", "--for", "fmri"]) == 0
    said = capsys.readouterr().out
    assert "A complex model was fitted before a simple one" in said
    assert cli.main(["models", "Hopf", "--for", "fmri"]) == 0
    assert "Nothing speaks against Hopf" in capsys.readouterr().out


# ------------------------------------------------------------------------------------------- the comparison, row by row

@pytest.mark.parametrize("name", MODELS)
def test_a_row_of_the_comparison_holds_what_the_code_does(name, capsys):
    model = MODELS[name]
    row = dict(zip(TABLE, next(r for r in rows() if r[0] == name), strict=True))
    assert row["model"] == name
    assert row["kind"] == kind_of(name)
    seen = {"BOLD": model.bold_drive, "EEG/MEG": model.eeg_source}
    assert row["sees"] == ", ".join(what for what, read in seen.items() if read is not None)
    assert float(row["time scale"].removesuffix(" s")) == pytest.approx(model.time_scale, rel=0.01)
    assert row["cost"] == model.cost
    assert cli.main(["models"]) == 0
    assert name in capsys.readouterr().out


@pytest.mark.parametrize("name", MODELS)
def test_the_closed_form_is_promised_where_there_is_a_state_of_rest(name):
    row = dict(zip(TABLE, next(r for r in rows() if r[0] == name), strict=True))
    weights = np.array([[0.0, 1.0], [1.0, 0.0]])
    network = Network.of(Connectome(weights), MODELS[name](), G=1e-3)
    observe = Direct() if MODELS[name].rotation is not None else Balloon()
    linear = linearise(network, observe)
    rests = bool(linear.converged) and float(linear.abscissa()) < 0
    assert (row["closed form"] == "yes") == rests


def test_kinds_agree_with_the_tree():
    for simple, rich in TREE.values():
        assert kind_of(rich.model) == "physiological"
        assert simple.model in MODELS


def test_spectra_are_told_their_model():
    class Spectra:
        freqs = (1.0, 2.0)

    assert nf.recommend(Spectra()).model == TREE["eeg"][0].model
    assert nf.recommend(Spectra(), physiological=True).model == "JansenRit"
