"""Terms without slopes, searched for after the descent of a fit through simulation."""

import numpy as np
import pytest

pytest.importorskip("cma")

import nmfit
from nmfit.cli import main
from nmfit.compare.scans import scan_target
from nmfit.errors import InputError
from nmfit.fit import refine
from nmfit.models import Hopf
from nmfit.network import Network

N, TR = 5, 2.0
WEIGHTS = np.abs(np.random.default_rng(0).normal(size=(N, N)))
WEIGHTS = np.triu(WEIGHTS, 1) + np.triu(WEIGHTS, 1).T
OPTIONS = {"free": {"sigma": "shared"}, "seeds": 2, "score_seeds": 3, "steps": 1, "dt": 0.2, "control": "none"}


def resting(sigma=0.02):
    return Network.of(WEIGHTS, Hopf(a=-0.2, f=0.05, sigma=sigma), G=0.05)


@pytest.fixture(scope="module")
def target():
    data = list(nmfit.simulate(resting(), 300.0, sample=TR, dt=0.2, runs=3, seed=1).data)
    return scan_target(data, tr=TR, window=40.0, step=20.0)


def spread(signals):
    """Return how far the signals' deviation is from that of twice the noise, in whole hundredths: without a slope."""
    return round(abs(float(np.log(np.std(signals) / 0.0456))), 2)


def test_what_has_no_slope_is_found_and_kept_where_fresh_noise_agrees(target, tmp_path):
    level = np.std(nmfit.simulate(resting(0.04), 300.0, sample=TR, dt=0.2, runs=8, seed=9).data)
    assert level == pytest.approx(0.0456, rel=0.1)
    found = nmfit.fit(target, resting(), beside=[(10.0, spread), "0.01 * KS"], evaluations=40, **OPTIONS)
    told = found.refinement
    assert told.terms == ("10 * spread", "0.01 * KS")
    assert told.kept
    assert 40 <= told.evaluations < 60
    assert told.after + 5.0 < told.before                  # ln 2 of one part in ten
    assert found.parameters["sigma"] == pytest.approx(0.04, rel=0.15)
    assert "kept" in found.summary()
    found.save(tmp_path / "out")
    assert "10 * spread + 0.01 * KS beside the loss" in (tmp_path / "out" / "report.html").read_text()


def test_what_chance_explains_is_not_kept(target):
    def luck(signals):
        return float(signals[0, 7, 0] * 1e6 % 1.0)         # digits that mean nothing

    before = np.random.get_state()[1].copy()
    found = nmfit.fit(target, resting(), beside=[(10.0, luck)], evaluations=12, **OPTIONS)
    assert not found.refinement.kept
    assert "no more than chance" in str(found.refinement) or "none was better" in str(found.refinement)
    plain = nmfit.fit(target, resting(), **OPTIONS)
    assert found.loss == plain.loss
    np.testing.assert_array_equal(before, np.random.get_state()[1])


@pytest.mark.parametrize(("beside", "said"), [
    ("0.5 * LS", "found '0.5 \\* LS'"), ("half * KS", "found 'half"), (3, "found 3"), ([(np.nan, spread)], "found"),
    (lambda s: s.mean(0), "finite number"), (lambda _: np.nan, "finite number"),
])
def test_what_is_no_term_is_refused_before_anything_runs(target, beside, said):
    with pytest.raises(InputError, match=said):
        refine.terms_of(beside if isinstance(beside, list | str) or callable(beside) else [beside], target, (2, 50, N))


def test_fcd_is_needed_for_its_distance():
    bare = scan_target(fc=np.eye(N), tr=TR, volumes=100)
    with pytest.raises(InputError, match="holds no FCD"):
        refine.terms_of("KS", bare, (2, 50, N))


def test_the_command_line_knows_it_for_simulations_only(tmp_path, capsys):
    np.savetxt(tmp_path / "sc.csv", WEIGHTS, delimiter=",")
    np.savetxt(tmp_path / "fc.csv", np.corrcoef(WEIGHTS), delimiter=",")
    files = ["fit", "--sc", str(tmp_path / "sc.csv"), "--fc", str(tmp_path / "fc.csv"), "--beside", "KS",
             "-o", str(tmp_path / "out")]
    assert main(files) == 2
    assert "--engine simulated" in capsys.readouterr().err
    assert main([*files, "--engine", "simulated", "--trust-order", "--tr", "2", "--n-volumes", "100"]) == 2
    assert "holds no FCD" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
