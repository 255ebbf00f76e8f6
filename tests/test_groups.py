"""Mixed networks from the command line: a table says which region holds which model."""

import numpy as np
import pytest

import nmfit
from nmfit.cli import fit as fit_command
from nmfit.cli import main
from nmfit.compare.connectivity import correlation
from nmfit.dynamics import linearise
from nmfit.dynamics.simulate import simulate
from nmfit.errors import InputError
from nmfit.fit import load_result
from nmfit.fit.fc import START_INPUT
from nmfit.fit.simulated import _instrument, _usual
from nmfit.io import read_groups
from nmfit.models import Hopf, Kuramoto, ReducedWongWang, StuartLandau, WilsonCowan
from nmfit.network import Connectome, Network
from nmfit.observe import Balloon, Direct

LABELS = ("c0", "c1", "c2", "c3", "t0", "t1")
CORTEX, THALAMUS = LABELS[:4], LABELS[4:]
WEIGHTS = np.random.default_rng(5).uniform(0.1, 1, (6, 6))
WEIGHTS = np.triu(WEIGHTS, 1) + np.triu(WEIGHTS, 1).T
BAND = (0.01, 0.1)
FIT = ["fit", "--fc", "fc.csv", "--tr", "2", "--n-volumes", "300"]
RUN = ["simulate", "--seconds", "10"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    np.savetxt("sc.csv", WEIGHTS, delimiter=",")
    np.savetxt("lengths.csv", 100.0 * WEIGHTS, delimiter=",")
    (tmp_path / "names.txt").write_text("\n".join(LABELS) + "\n")


def table(cortex, thalamus, path="groups.tsv"):
    rows = [(label, "cortex", cortex) for label in CORTEX] + [(label, "thalamus", thalamus) for label in THALAMUS]
    with open(path, "w") as out:
        out.write("\n".join("\t".join(row) for row in [("region", "group", "model"), *reversed(rows)]) + "\n")


def test_the_table_of_groups():
    table("wilsoncowan", "Hopf")
    groups = read_groups("groups.tsv", LABELS)
    assert {name: (type(model), set(regions)) for name, (model, regions) in groups.items()} == {
        "cortex": (WilsonCowan, set(CORTEX)), "thalamus": (Hopf, set(THALAMUS))}
    assert set(read_groups("groups.tsv", LABELS[:5])["thalamus"][1]) == {"t0"}
    with open("plain.csv", "w") as out:
        out.write("model,region\nHopf,c0\nHopf,c1\nQIF,t0\n")
    assert {name: regions for name, (_, regions) in read_groups("plain.csv").items()} == {
        "Hopf": ("c0", "c1"), "QIF": ("t0",)}


def test_simulation_of_a_mixed_network_is_the_front_doors():
    table("WilsonCowan", "Hopf")
    assert main(["simulate", "--sc", "sc.csv", "--labels", "names.txt", "--groups", "groups.tsv", "--links",
                 "thalamus.x:cortex.E:2", "cortex.E:thalamus.y", "--set", "G=0.1", "cortex.P=0.5", "thalamus.f=10",
                 "thalamus.a=-5", "--observed", "cortex", "--noise-tau", "0.02", "--sc-norm", "none", "--seconds", "1",
                 "--sample", "0.01", "--warmup", "0.5", "--seed", "4", "-o", "out.npz"]) == 0
    network = Network.of(
        Connectome(WEIGHTS, labels=LABELS),
        {"cortex": (WilsonCowan(P=0.5), CORTEX), "thalamus": (Hopf(f=10.0, a=-5.0), THALAMUS)}, G=0.1, noise_tau=0.02,
        links=[("thalamus.x", "cortex.E", 2.0), ("cortex.E", "thalamus.y")], observed=["cortex"])
    expected = simulate(network, 1.0, sample=0.01, warmup=0.5, seed=4)
    with np.load("out.npz") as found:
        assert tuple(found["labels"]) == CORTEX
        np.testing.assert_allclose(found["data"], expected.data.reshape(found["data"].shape), atol=1e-7)
        assert np.ptp(found["data"]) > 0


@pytest.fixture
def handed(monkeypatch):
    """Return what the command line hands to the fit, which does not run."""
    found = {}

    def finish(_, target, brain, **options):
        found.update(options, target=target, brain=brain)
        return 0

    monkeypatch.setattr(fit_command, "finish", finish)
    np.savetxt("fc.csv", 0.5 + 0.5 * np.eye(6) + 0.01 * WEIGHTS, delimiter=",")
    table("Hopf", "StuartLandau")
    return found


def test_what_a_fit_is_handed(handed):
    given = [*FIT, "--sc", "sc.csv", "--lengths", "lengths.csv", "--labels", "names.txt", "--groups", "groups.tsv",
             "--observed", "cortex", "--sc-norm", "none", "--set", "thalamus.f=0.04", "cortex.a=-0.3", "-o", "out"]
    assert main([*given, "--noise-tau", "2", "--free", "cortex.a=region"]) == 0
    network = handed["brain"]
    assert handed["free"] == {"cortex.a": "region"}
    assert {name: type(model) for name, model in network.groups.items()} == {"cortex": Hopf, "thalamus": StuartLandau}
    assert network.seen == (0, 1, 2, 3)
    assert handed["target"].labels == CORTEX
    assert network.delays() is None
    # coupling that begins where that of a ladder does, unless it is set
    values = [network.value(name) for name in ("thalamus.f", "cortex.a", "noise_tau", "G")]
    np.testing.assert_allclose(values, [0.04, -0.3, 2.0, START_INPUT / WEIGHTS.sum(1).mean()])
    assert main([*given[:-2], "speed=5", "G=0.1", "--engine", "simulated", "-o", "out"]) == 0
    assert handed["engine"] == "simulated"
    np.testing.assert_allclose(handed["brain"].delays(), 100.0 * WEIGHTS / 5000.0)
    assert handed["brain"].value("G") == 0.1


@pytest.mark.long
def test_a_mixed_network_is_fitted_from_files(capsys):
    table("Hopf", "StuartLandau")
    truth = Network.of(Connectome(WEIGHTS, labels=LABELS),
                       {"cortex": (Hopf(a=-0.2, f=0.05), CORTEX), "thalamus": (StuartLandau(a=-0.1, f=0.04), THALAMUS)},
                       G=0.05, observed=["cortex"])
    np.savetxt("fc.csv", correlation(linearise(truth, Direct()).covariance(BAND, 48)[0]), delimiter=",")
    given = ["fit", "--sc", "sc.csv", "--labels", "names.txt", "--fc", "fc.csv", "--tr", "2", "--n-volumes", "300",
             "--band", *map(str, BAND), "--sc-norm", "none", "--groups", "groups.tsv", "--observed", "cortex",
             "-o", "out"]
    assert main([*given, "--set", "thalamus.a=-0.1", "thalamus.f=0.04", "cortex.f=0.05", "cortex.a=-0.3", "G=0.02",
                 "--free", "G=shared", "cortex.a=shared"]) == 0
    result = load_result("out")
    values = {row["name"]: row["value"] for row in result.parameters}
    assert values["G"] / -values["cortex.a"] == pytest.approx(0.25, rel=0.1)
    assert values["thalamus.f"] == 0.04
    assert result.labels == list(CORTEX)
    assert "2 regions act that no instrument sees" in capsys.readouterr().out


@pytest.mark.long
def test_conduction_speed_is_fitted_in_closed_form_from_files():
    band = (8.0, 12.0)
    truth = Network.of(Connectome(WEIGHTS, 100.0 * WEIGHTS, labels=LABELS), Hopf(a=-20.0, f=10.0), G=3.0, speed=2.0,
                       delays=True)
    np.savetxt("fc.csv", correlation(linearise(truth, Direct()).covariance(band, 48)[0]), delimiter=",")
    assert main(["fit", "--sc", "sc.csv", "--lengths", "lengths.csv", "--labels", "names.txt", "--fc", "fc.csv", "--tr",
                 "0.02", "--n-volumes", "30000", "--band", *map(str, band), "--sc-norm", "none", "--model", "Hopf",
                 "--set", "f=10", "a=-20", "G=2", "speed=4", "--free", "G=shared", "speed=shared", "-o", "out"]) == 0
    values = {row["name"]: row["value"] for row in load_result("out").parameters}
    assert values["speed"] == pytest.approx(2.0, rel=0.05)
    assert values["G"] == pytest.approx(3.0, rel=0.05)


BAD = {
    "no column": (RUN, "region\tgroup\nc0\ta\n", [], "Name one column 'model'"),
    "unknown model": (RUN, "region\tmodel\nc0\tHupf\n", [], "line 2, column model (c0): found 'Hupf'"),
    "a region twice": (RUN, "region\tmodel\nc0\tHopf\nc0\tQIF\n", [], "more than once: c0"),
    "two models in a group": (RUN, "region\tgroup\tmodel\nc0\ta\tHopf\nc1\ta\tQIF\n", [],
                              "group 'a' holds Hopf and QIF"),
    "a region in none": (RUN, "region\tmodel\nc0\tHopf\n", [], "region c1 is in none (5 in all)"),
    "no region": (RUN, "region\tmodel\nx\tHopf\n", [], "no region of the connectome"),
    "channels": (RUN, None, [], "Say which channel drives which"),
    "a model beside": (RUN, None, ["--model", "Hopf"], "--groups beside it"),
    "a link": (RUN, None, ["--links", "thalamus.x"], "Write GROUP.CHANNEL:GROUP.CHANNEL"),
    "a gain": (RUN, None, ["--links", "thalamus.x:cortex.E:much"], "'much' is no number"),
    "a channel": (RUN, None, ["--links", "thalamus.z:cortex.E"], "no group has that channel"),
    "a parameter": (RUN, None, ["--links", "thalamus.x:cortex.E", "--set", "P=1"], "Choose from G, noise, cortex.w_EE"),
    "a speed": (RUN, None, ["--links", "thalamus.x:cortex.E", "--set", "speed=1"], "no delays"),
    "a ledger": (FIT, None, ["--resume"], "climbs no ladder"),
    "a ladder": (FIT, None, ["--max-rung", "region"], "climbs no ladder"),
    "a phase": (FIT, "region\tmodel\n" + "".join(f"{label}\tKuramoto\n" for label in LABELS), [], "state of rest"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence(case, capsys, tmp_path):
    verb, groups, more, words = BAD[case]
    table("WilsonCowan", "Hopf")
    if groups is not None:
        (tmp_path / "groups.tsv").write_text(groups)
    np.savetxt("fc.csv", 0.5 + 0.5 * np.eye(6) + 0.01 * WEIGHTS, delimiter=",")
    out = "out" if verb[0] == "fit" else "out.npz"
    assert main([*verb, "--sc", "sc.csv", "--labels", "names.txt", "--groups", "groups.tsv", "-o", out, *more]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert told.strip().count("error:") == 1
    assert not (tmp_path / out).exists()


def test_links_want_groups(capsys):
    assert main([*RUN, "--sc", "sc.csv", "--links", "a.x:b.x", "-o", "out.npz"]) == 2
    assert "no --groups beside it" in capsys.readouterr().err
    np.savetxt("fc.csv", 0.5 + 0.5 * np.eye(6) + 0.01 * WEIGHTS, delimiter=",")
    assert main([*FIT, "--sc", "sc.csv", "--engine", "simulated", "--set", "G=1", "-o", "out"]) == 2
    assert "--groups" in capsys.readouterr().err


def test_what_is_free_of_a_mixed_network_through_simulation_and_what_sees_it():
    network = Network.of(WEIGHTS, {"cortex": (Hopf(), [0, 1, 2, 3]), "deep": (StuartLandau(), [4, 5])},
                         observed=["cortex"])
    assert _usual(network) == {"G": "shared", "cortex.sigma": "shared", "cortex.a": "region", "deep.sigma": "shared",
                               "deep.a": "shared"}
    assert set(_usual(network)) <= set(network.declared())
    assert isinstance(_instrument([Hopf(), Kuramoto()]), Direct)
    assert isinstance(_instrument([Hopf(), ReducedWongWang()]), Balloon)
    target = nmfit.fc_target(0.5 + 0.5 * np.eye(4), tr=2.0, n_volumes=100)
    with pytest.raises(InputError, match="none of that name"):
        nmfit.fit(target, network, engine="simulated", free={"sigma": "shared"})
