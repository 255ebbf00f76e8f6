"""Model x observation x statistic x engine: a few cells here, all under ``-m long``; docs/grid_*.md is the table.

Every model is run by each engine with the instruments in other files (test_models, test_linear, test_simulate); this
adds the statistics on top.
"""

import pytest
from grid import ENGINES, OBSERVATIONS, STATISTICS, cells

from nmfit.models import MODELS


def check(model, observation, engine):
    verdicts = cells(model, observation, engine)
    assert tuple(verdicts) == STATISTICS
    for name, verdict in verdicts.items():
        assert verdict.state != "wrong", (name, verdict)
        if verdict.state == "refused":
            assert len(verdict.why) > 30, name                       # a sentence
    return {name: verdict.state for name, verdict in verdicts.items()}


def test_closed_form_refuses_what_it_cannot_say():
    states = check("StuartLandau", "Direct", "linear")
    assert states["fcd"] == states["metastability"] == "refused"
    assert set(states.values()) == {"ok", "refused"}
    assert set(check("Kuramoto", "Direct", "linear").values()) == {"refused"}       # no state of rest
    assert set(check("ReducedWongWang", "LeadField", "linear").values()) == {"refused"}    # no current


def test_simulation_says_everything():
    assert set(check("Kuramoto", "Direct", "simulated").values()) == {"ok"}


@pytest.mark.long
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("observation", OBSERVATIONS)
@pytest.mark.parametrize("model", MODELS)
def test_cell(model, observation, engine):
    check(model, observation, engine)
