"""A fit through simulation as a result: files, words, the command line, and what it refuses."""

import json

import numpy as np
import pytest

import nmfit
from nmfit.cli import main
from nmfit.compare.scan_scores import score_scans
from nmfit.compare.scans import Scans, ScanTarget
from nmfit.fit import load_result
from nmfit.models import Kuramoto
from nmfit.network import Network
from nmfit.report import words

N, TR = 4, 2.0
WEIGHTS = np.ones((N, N)) - np.eye(N)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("scans")
    network = Network.of(WEIGHTS, Kuramoto(f=np.linspace(0.045, 0.055, N), sigma=0.3), G=0.05)
    runs = nmfit.simulate(network, 200.0, sample=TR, dt=0.5, runs=4, seed=0).data
    names = [f"r{i}" for i in range(N)]
    for k, run in enumerate(runs):
        (place / f"sub-{k}_bold.tsv").write_text("\n".join("\t".join(map(str, row)) for row in [names, *run]) + "\n")
    rows = [["", *names], *([name, *row] for name, row in zip(names, WEIGHTS, strict=True))]
    (place / "sc.tsv").write_text("\n".join("\t".join(map(str, row)) for row in rows) + "\n")
    return place


def command(folder, out, *more):
    bold = [str(folder / f"sub-{k}_bold.tsv") for k in range(4)]
    return ["fit", "--sc", str(folder / "sc.tsv"), "--bold", *bold[:2], "--heldout-bold", *bold[2:], "--tr", str(TR),
            "--model", "Kuramoto", "--window", "40", "20", "-o", str(folder / out), *more]


def test_the_command_line_fits_phases_through_simulation(folder, capsys):
    code = main(command(folder, "out", "--free", "G=shared", "--scans", "2", "--fresh", "3", "--steps", "3", "--dt",
                        "0.5", "--loss", "FC + 0.5 * FCD", "--json"))
    told = capsys.readouterr()
    record = json.loads(told.out)
    assert code in (0, 1)
    assert record["rungs"][0]["engine"] == "simulated"
    assert record["rungs"][0]["free_parameters"] == 1
    assert record["provenance"]["options"]["free"] == {"G": "shared"}
    assert record["provenance"]["loss"] == "1 * FC + 0.5 * FCD"
    assert len(record["provenance"]["input_sha256"]) == 5
    assert {"r", "ks", "total", "group_r", "group_ks", "group_total"} <= set(record["simulated"]["scores"])
    assert "scored on 3 fresh simulated scans against held-out scans" in told.err.replace("\n    ", " ")
    again = load_result(folder / "out")
    assert again.score == pytest.approx(record["simulated"]["scores"]["group_r"]["mean"])
    assert {"dynamics.svg", "losses.svg"} <= {path.name for path in (folder / "out" / "figures").iterdir()}
    page = (folder / "out" / "report.html").read_text(encoding="utf-8")
    assert "minimised by Adam, 3 steps" in page
    assert "fresh scans have" in page
    assert "fresh simulated scans" in words.confirmation(again.record)


@pytest.mark.parametrize(("more", "sentence"), [
    (("--resume",), "climbs no ladder"),
    (("--free", "G"), "Write NAME=VALUE"),
    (("--free", "G=everywhere"), "Choose one"),
    (("--fresh", "1"), "standard error"),
    (("--engine", "linear"), "Add --engine simulated"),
])
def test_what_the_command_line_refuses(folder, capsys, more, sentence):
    extra = ("--dt", "0.5") if "--engine" in more else ()
    assert main(command(folder, "never", *more, *extra)) == 2
    assert sentence in capsys.readouterr().err
    assert not (folder / "never" / "fit.json").exists()


def test_scans_score_alone_and_together():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(6, 300, 1))
    signals = shared + rng.normal(size=(6, 300, N)) * np.linspace(0.5, 2, N)
    fc = np.corrcoef(signals.reshape(-1, N).T)
    target = ScanTarget(Scans(fc, fcd=rng.uniform(-0.2, 0.2, 500)), None, TR, 300, None, 40.0, 20.0)
    scores, group, fcd = score_scans(signals, target)
    assert scores["group_r"][0] > scores["r"][0]
    assert scores["group_total"][0] == pytest.approx(
        1 - scores["group_r"][0] + scores["group_mean_fc"][0] + scores["group_ks"][0])
    assert fcd.size % 6 == 0
    assert group.shape == (N, N)
