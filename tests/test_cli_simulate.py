"""`nmfit simulate` and `nmfit sweep`: files in, labelled arrays out, sentences for what does not fit."""

import numpy as np
import pytest

from nmfit.cli import main
from nmfit.dynamics.simulate import simulate
from nmfit.dynamics.sweep import STATISTICS
from nmfit.models import Hopf
from nmfit.network import Connectome, Network

LABELS = ("V1", "M1", "A1")
WEIGHTS = np.array([[0.0, 1.0, 0.5], [1.0, 0.0, 0.25], [0.5, 0.25, 0.0]])


@pytest.fixture(autouse=True)
def no_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def files(tmp_path):
    np.savetxt(tmp_path / "sc.csv", WEIGHTS, delimiter=",")
    (tmp_path / "names.txt").write_text("\n".join(LABELS) + "\n")
    return tmp_path


def run(files, verb, *more, out="out.npz"):
    return main([verb, "--sc", str(files / "sc.csv"), "--labels", str(files / "names.txt"), "--seconds", "100",
                 "--sample", "2", "-o", str(files / out), *more])


def test_simulation_is_the_front_doors(files, capsys):
    assert run(files, "simulate", "--set", "a=-0.1", "G=0.2", "--observed", "A1", "V1", "--seed", "3") == 0
    assert "50 samples every 2 s" in capsys.readouterr().out
    network = Network.of(Connectome(weights=WEIGHTS, labels=LABELS), Hopf(a=-0.1), G=0.2, observed=["V1", "A1"])
    expected = simulate(network, 100, sample=2.0, seed=3)
    with np.load(files / "out.npz", allow_pickle=False) as found:
        assert tuple(found["labels"]) == ("V1", "A1")
        np.testing.assert_allclose(found["data"], expected.data, rtol=1e-9)
        np.testing.assert_allclose(found["times"], expected.times)
        assert "simulate" in str(found["command"])


def test_frozen_coupling_is_the_front_doors(files):
    assert run(files, "simulate", "--frozen-coupling", "--set", "G=0.2") == 0
    assert run(files, "sweep", "--frozen-coupling", "--grid", "G=0.2", "--statistics", "data", out="swept.npz") == 0
    network = Network.of(Connectome(weights=WEIGHTS, labels=LABELS), Hopf(), G=0.2)
    frozen, free = (simulate(network, 100, sample=2.0, frozen_coupling=c).data for c in (True, False))
    assert np.abs(frozen - free).max() > 1e-6
    with np.load(files / "out.npz") as found, np.load(files / "swept.npz") as swept:
        np.testing.assert_allclose(found["data"], frozen, rtol=1e-9)
        np.testing.assert_allclose(swept["data"][0, 0], frozen, rtol=1e-9)


def test_series_as_a_table(files):
    assert run(files, "simulate", "--model", "hopf", out="out.tsv") == 0
    lines = (files / "out.tsv").read_text().splitlines()
    assert lines[0].split("\t") == ["time", *LABELS]
    assert len(lines) == 51


def test_sweep_has_labelled_axes(files, capsys):
    assert run(files, "sweep", "--grid", "G=0:0.4:3", "a=-0.1,-0.05", "--statistics", "fc", "psd", "order",
               "--freqs", "0.05", "0.1") == 0
    assert "6 of 6 points" in capsys.readouterr().err
    with np.load(files / "out.npz", allow_pickle=False) as found:
        assert list(found["names"]) == ["G", "a"]
        np.testing.assert_allclose(found["axis_G"], [0.0, 0.2, 0.4])
        assert found["fc"].shape == (3, 2, 3, 3)
        assert found["psd"].shape == (3, 2, 2, 3)
        assert found["order"].shape == found["diverged"].shape == (3, 2)
        assert tuple(found["labels"]) == LABELS


def test_sweep_of_numbers_as_a_table(files):
    assert run(files, "sweep", "--grid", "G=0,0.2", "--statistics", "order", out="out.tsv") == 0
    lines = (files / "out.tsv").read_text().splitlines()
    assert lines[0].split("\t") == ["G", "diverged", "order"]
    assert len(lines) == 3


BAD = {
    "unknown model": ("simulate", ["--model", "Hupf"], "out.npz", "found 'Hupf'"),
    "unknown parameter": ("simulate", ["--set", "b=1"], "out.npz", "parameter 'b'"),
    "outside the bounds": ("simulate", ["--set", "a=7"], "out.npz", "-500 to 0.5 1/s"),
    "no number": ("simulate", ["--set", "a=x"], "out.npz", "'x' is no number"),
    "no value": ("simulate", ["--set", "a"], "out.npz", "Write NAME=VALUE"),
    "unknown region": ("simulate", ["--observed", "M2"], "out.npz", "no region M2"),
    "coarse step": ("simulate", ["--dt", "2", "--set", "f=10"], "out.npz", "too coarse for Hopf"),
    "wrong format": ("simulate", [], "out.mat", "ends in one of these"),
    "no folder": ("simulate", [], "no/out.npz", "folder that exists"),
    "runs in a table": ("simulate", ["--runs", "2"], "out.tsv", "2 runs in one table"),
    "grid": ("sweep", ["--grid", "G=0:1"], "out.npz", "LOW:HIGH:COUNT"),
    "grid twice": ("sweep", ["--grid", "G=0", "G=1"], "out.npz", "G twice"),
    "too many points": ("sweep", ["--grid", "G=0:1:1000", "a=-1:-0.1:1000"], "out.npz", "1000000 points"),
    "arrays in a table": ("sweep", ["--grid", "G=0,1"], "out.tsv", "statistics that are arrays"),
    "no freqs": ("sweep", ["--grid", "G=0,1", "--statistics", "psd"], "out.npz", "freqs: missing"),
    "short": ("simulate", ["--seconds", "1"], "out.npz", "hold no sample"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_nothing_is_written(files, capsys, case):
    verb, more, out, words = BAD[case]
    assert run(files, verb, *more, out=out) == 2
    told = capsys.readouterr().err
    assert words in told
    assert told.strip().count("\n") == 0
    assert not (files / out).exists()


def test_what_leaves_the_finite_range_says_where(files, capsys):
    # A step at the edge of stability with strong noise: QIF has no bound on V.
    assert main(["simulate", "--sc", str(files / "sc.csv"), "--seconds", "5", "--model", "QIF", "--set", "sigma=100",
                 "G=2", "--dt", "0.0009", "--sample", "0.009", "--warmup", "0", "-o", str(files / "out.npz")]) == 1
    told = capsys.readouterr().err
    assert "left the finite range at" in told
    assert "region_" in told
    assert not (files / "out.npz").exists()


def test_a_file_is_not_replaced_unasked(files, capsys):
    (files / "out.npz").write_text("mine")
    assert run(files, "simulate") == 2
    assert "a file that exists" in capsys.readouterr().err
    assert (files / "out.npz").read_text() == "mine"


def test_choices_are_those_of_the_code():
    from nmfit.cli import sweep

    assert sweep.STATISTICS == STATISTICS
