"""Networks fitted as they stand: mixed, with regions that no instrument sees, in both engines."""

import jax
import numpy as np
import pytest

import nmfit
from nmfit.cli import main
from nmfit.compare.connectivity import correlation
from nmfit.compare.scans import scan_target
from nmfit.dynamics import linearise
from nmfit.errors import InputError
from nmfit.fit import load_result
from nmfit.io.inputs import read_inputs
from nmfit.models import Hopf, StuartLandau
from nmfit.network import Connectome, Network
from nmfit.observe import Direct

RNG = np.random.default_rng(5)
N = 7
WEIGHTS = np.triu(RNG.uniform(0.1, 1, (N, N)), 1)
WEIGHTS = WEIGHTS + WEIGHTS.T
LABELS = ("c0", "c1", "c2", "c3", "c4", "t0", "t1")
BAND = (0.01, 0.1)


def mixed(G=0.05, a=-0.2, deep=-0.05):
    """Return a cortex of Hopf regions and a thalamus of another model, which no instrument sees."""
    return Network.of(Connectome(WEIGHTS, labels=LABELS),
                      {"cortex": (Hopf(a=a, f=0.05), LABELS[:5]),
                       "thalamus": (StuartLandau(a=deep, f=0.05), LABELS[5:])},
                      G=G, observed=["cortex"])


def fc_of(network):
    return np.asarray(correlation(linearise(network, Direct()).covariance(BAND, 48)[0]))


def test_a_mixed_network_with_unseen_regions_is_fitted_in_closed_form(tmp_path):
    truth = mixed()
    target = nmfit.fc_target(fc_of(truth), band=BAND, labels=LABELS[:5], heldout=fc_of(truth), tr=2.0, n_volumes=300)
    begun = mixed(G=0.02, a=-0.4)
    with jax.enable_x64(False):                 # as in a user's process: whatever leaves the scope of float64 warns
        result = nmfit.fit(target, begun, free={"G": "shared", "cortex.a": "shared"}, starts=2)
    values = {row["name"]: row["value"] for row in result.parameters}
    # FC in a narrow band tells a ratio better than a level.
    assert values["G"] / -values["cortex.a"] == pytest.approx(0.25, rel=0.1)
    assert result.score > 0.995
    assert result.score > result.rung("shared")["coupling_zero"] + 0.1
    assert result.labels == list(LABELS[:5])
    assert "2 regions act that no instrument sees" in result.rung("shared")["reason"]
    assert values["thalamus.a"] == -0.05
    # a band tells a ratio better than levels, and the standard errors say so
    told = {row["name"]: row["se"] / abs(row["value"]) for row in result.parameters if row["se"] is not None}
    assert set(told) == {"G", "cortex.a"}
    assert min(told.values()) > 0.05
    assert {"standard_errors_model"} <= set(result.flags)
    result.save(tmp_path / "out")
    assert load_result(tmp_path / "out").rung("shared")["model"] == "Hopf+StuartLandau"


@pytest.mark.long
def test_regions_of_a_group_have_values_of_their_own():
    truth = mixed(a=np.array([-0.1, -0.2, -0.3, -0.4, -0.5]))
    target = nmfit.fc_target(fc_of(truth), band=BAND, labels=LABELS[:5], tr=2.0, n_volumes=300)
    result = nmfit.fit(target, mixed(), free={"cortex.a": "region"}, starts=1, shrinkage=1e-6)
    rows = [row for row in result.parameters if row["name"] == "cortex.a"]
    assert [row["region"] for row in rows] == list(LABELS[:5])
    assert np.corrcoef([row["value"] for row in rows], [-0.1, -0.2, -0.3, -0.4, -0.5])[0, 1] > 0.9
    assert "not_validated" in result.flags


@pytest.mark.long
def test_and_through_simulation():
    data = nmfit.simulate(mixed(), 400.0, sample=2.0, dt=0.5, runs=3, seed=1).data
    assert data.shape[-1] == 5
    target = scan_target(list(data), tr=2.0, band=BAND, window=40.0, step=20.0, labels=LABELS[:5])
    found = nmfit.fit(target, mixed(G=0.02), free={"G": "shared", "thalamus.a": "shared"}, seeds=2, score_seeds=3,
                      steps=8, dt=0.5)
    assert found.loss < found.start_loss
    assert found.result.labels == list(LABELS[:5])
    assert set(found.parameters) == {"G", "thalamus.a"}


def test_what_is_refused():
    target = nmfit.fc_target(np.eye(4), band=None)
    with pytest.raises(InputError, match="5 seen regions where the FC has 4"):
        nmfit.fit(target, mixed())
    named = nmfit.fc_target(fc_of(mixed()), labels=tuple(reversed(LABELS[:5])))
    with pytest.raises(InputError, match="seen region 1 is c0 where the FC has c4"):
        nmfit.fit(named, mixed())
    fine = nmfit.fc_target(fc_of(mixed()), labels=LABELS[:5])
    with pytest.raises(InputError, match="none of that name"):
        nmfit.fit(fine, mixed(), free={"a": "shared"})
    with pytest.raises(InputError, match="Choose one"):
        nmfit.fit(fine, mixed(), free={"G": "everywhere"})


def test_the_command_line_fits_what_no_instrument_sees(tmp_path, capsys):
    def table(name, labels, values):
        rows = [",".join(("region", *labels))] + [",".join((label, *map(repr, map(float, row))))
                                                  for label, row in zip(labels, values, strict=True)]
        (tmp_path / name).write_text("\n".join(rows) + "\n")

    table("sc.csv", LABELS, WEIGHTS)
    whole = Network.of(Connectome(WEIGHTS, labels=LABELS), Hopf(a=-0.2), G=0.05)
    truth = np.asarray(correlation(linearise(whole, Direct()).covariance(BAND, 48)[0]))
    table("fc.csv", LABELS, truth)                          # holds the unseen regions, too: they are left out
    (tmp_path / "seen.txt").write_text("\n".join(LABELS[:5]) + "\n")
    given = ["fit", "--sc", tmp_path / "sc.csv", "--fc", tmp_path / "fc.csv", "--tr", "2", "--n-volumes", "300",
             "--band", *BAND, "--sc-norm", "none", "--free", "G=shared", "a=shared", "-o", tmp_path / "out"]
    assert main([str(part) for part in (*given, "--observed", tmp_path / "seen.txt", "--resume")]) == 2
    assert "climbs no ladder" in capsys.readouterr().err
    assert main([str(part) for part in (*given, "--observed", tmp_path / "seen.txt")]) == 0
    told, result = capsys.readouterr().out, load_result(tmp_path / "out")
    assert "2 regions act that no instrument sees" in told
    assert "2 regions act that no instrument sees" in (tmp_path / "out" / "report.html").read_text()
    assert result.labels == list(LABELS[:5])
    values = {row["name"]: row["value"] for row in result.parameters}
    assert values["G"] / -values["a"] == pytest.approx(0.25, rel=0.1)


@pytest.fixture
def deep(tmp_path):
    """Return a folder with a connectome, its names, those that BOLD holds, and BOLD that lacks the others."""
    np.savetxt(tmp_path / "sc.csv", WEIGHTS, delimiter=",")
    (tmp_path / "names.txt").write_text("\n".join(LABELS) + "\n")
    (tmp_path / "seen.txt").write_text("\n".join(LABELS[:5]) + "\n")
    whole = Network.of(Connectome(WEIGHTS, labels=LABELS), Hopf(a=-0.2), G=0.05, observed=LABELS[:5])
    for i, run in enumerate(nmfit.simulate(whole, 800.0, sample=2.0, dt=0.2, runs=2, seed=3).data):
        np.savetxt(tmp_path / f"bare_{i}.csv", run, delimiter=",")
        np.savetxt(tmp_path / f"named_{i}.csv", run[:, ::-1], delimiter=",", comments="",
                   header=",".join(reversed(LABELS[:5])))
    return tmp_path


@pytest.mark.parametrize("kind", ["bare", "named"])
def test_bold_may_lack_what_the_connectome_has(deep, kind):
    target, brain, _, _ = read_inputs(sc=[deep / "sc.csv"], labels=deep / "names.txt", tr=2.0, observed=LABELS[:5],
                                      bold=[deep / f"{kind}_{i}.csv" for i in range(2)])
    assert brain.labels == LABELS
    assert target.labels == LABELS[:5]
    plain = nmfit.fc_target([np.loadtxt(deep / f"bare_{i}.csv", delimiter=",") for i in range(2)], tr=2.0)
    np.testing.assert_allclose(target.folds[0].pool, plain.folds[0].pool)
    np.savetxt(deep / "fc.csv", fc_of(mixed()), delimiter=",")
    bare, brain, _, _ = read_inputs(sc=[deep / "sc.csv"], labels=deep / "names.txt", fc=deep / "fc.csv",
                                    observed=LABELS[:5])
    assert (bare.labels, brain.n) == (LABELS[:5], N)


@pytest.mark.long
def test_the_command_line_fits_it_through_simulation_with_delays(deep, monkeypatch):
    monkeypatch.chdir(deep)
    np.savetxt("lengths.csv", 400.0 * WEIGHTS, delimiter=",")
    code = main(["fit", "--sc", "sc.csv", "--lengths", "lengths.csv", "--labels", "names.txt", "--tr", "2", "--bold",
                 "named_0.csv", "named_1.csv", "--observed", "seen.txt", "--model", "Kuramoto", "--free", "G=shared",
                 "speed=shared", "--scans", "2", "--fresh", "2", "--steps", "3", "-o", "out"])
    assert code in (0, 1)                                             # three steps may not be enough
    result = load_result("out")
    assert result.labels == list(LABELS[:5])
    assert np.isfinite(result.record["rungs"][0]["loss"])
    assert {"G", "speed"} <= {row["name"] for row in result.parameters}
