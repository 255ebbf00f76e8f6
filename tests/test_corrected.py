"""Fitting what the simulation shows: the closed form plus what it lacks, measured again round by round."""

import dataclasses
import types

import numpy as np
import pytest
from test_fc_fit import BAND, N, fc_of, ground, hopf

from nmfit.fit import confirm
from nmfit.fit import corrected as module
from nmfit.fit.corrected import confirmed, corrected
from nmfit.fit.ground import fit_rung
from nmfit.fit.rungs import Rung
from nmfit.report.words import confirmation

TARGET = types.SimpleNamespace(tr=2.0, volumes=200, band=BAND, projector=None, units=3)


def bent(fc):
    """Return what a simulation might show of such an FC: weak correlations lost, strong ones kept."""
    return np.sign(fc) * np.abs(fc) ** 1.5


class Simulated:
    """A simulation in which nothing is left to chance, and nothing is costly."""

    def __init__(self, *_):
        pass

    def fc(self, network):
        return bent(fc_of(network, BAND)), []


@pytest.fixture(autouse=True)
def simulated(monkeypatch):
    monkeypatch.setattr(module, "Beside", Simulated)
    monkeypatch.setattr(module, "simulator_of", lambda *_: None)


@pytest.fixture(scope="module")
def closed():
    truth = hopf()
    here = ground(fc=bent(fc_of(truth, BAND)), band=BAND)
    return fit_rung(here, Rung("maps"), starts=2), here


def test_rounds_end_nearer_to_data_that_a_simulation_made(closed):
    fitted, here = closed
    found = corrected(fitted, here, TARGET)
    assert found.helped
    assert found.losses[0] == pytest.approx(module.data_loss(bent(fitted.fc), module.problem_of(
        here, fitted.network, fitted.blocks, 0.0)))
    assert found.fitted.loss == min(found.losses) < 0.3 * found.losses[0]
    at_it = fc_of(found.fitted.network, BAND)
    np.testing.assert_allclose(found.fitted.fc, bent(at_it), atol=1e-10)
    np.testing.assert_allclose(at_it + found.ground.offset, found.fitted.fc, atol=1e-10)
    assert found.fitted.fc.shape == (N, N)


def test_a_simulation_that_leaves_the_finite_numbers_is_not_fitted(closed, monkeypatch):
    monkeypatch.setattr(Simulated, "fc", lambda *_: (None, None))
    assert corrected(*closed, TARGET) is None


@pytest.mark.parametrize("corrected_by_twin", [0.3, 40.0])
def test_a_twin_with_nothing_in_common_is_left_out(monkeypatch, corrected_by_twin):
    signals = np.random.default_rng(0).standard_normal((4, 200, 3))
    beside = object.__new__(confirm.Beside)
    beside.simulated, beside.twins, beside.exact, beside.observation = lambda *_: signals, None, None, None
    beside.target = TARGET
    monkeypatch.setattr(confirm, "_without_chance", lambda *_: np.full((3, 3), corrected_by_twin))
    fc, plain = beside.fc(None)
    expected = np.full((3, 3), 0.3) if corrected_by_twin == 0.3 else confirm.group_fc(plain)
    np.testing.assert_allclose(fc, expected)
    assert len(plain) == 4


def test_only_where_simulation_disagrees_is_it_fitted(closed, monkeypatch):
    fitted, here = closed
    row = {"score": 0.5, "difference": -0.1, "sampling_error": 0.01, "rmse": 0.1, "sampling_rmse": 0.02,
           "agrees": False, "sigma": None, "engine": "linear", "sweep": [{"sigma": 0.1, "engine": "linear"}],
           "model_sigma": 0.1}
    asked = []

    def confirm(*_, **options):
        asked.append(options.get("factors"))
        return row | {"agrees": len(asked) > 1, "sigma": 0.1 if len(asked) > 1 else None}

    monkeypatch.setattr(module, "confirm_fc", confirm)
    told, better, there = confirmed(fitted, here, here.fc, TARGET)
    assert told["agrees"]
    assert told["corrected"]["losses"][0] > better.loss
    assert told["corrected"]["rmse"] == 0.1
    assert there.offset is not None
    assert asked == [None, (1.0,)]
    text = confirmation({"confirmation": told, "modality": "fmri", "rungs": [], "chosen": "maps"})
    assert "agrees with the fit, which was made to what simulation shows" in text
    assert "the model scored 0.50 when simulated" in text
    for case in ({"engine": "closure"}, {"score": None}, {"agrees": True}):
        monkeypatch.setattr(module, "confirm_fc", lambda *_, case=case, **__: row | case)
        told, same, _ = confirmed(fitted, here, here.fc, TARGET)
        assert "corrected" not in told
        assert same is fitted
    monkeypatch.setattr(module, "confirm_fc", lambda *_, **__: row)
    assert "corrected" not in confirmed(fitted, here, here.fc, TARGET, until=0.0)[0]
    assert dataclasses.replace(here).offset is None
