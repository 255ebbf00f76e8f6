"""The command line and the front door: quick to start, one sentence for what is wrong, clean streams."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from made_result import make_result

import nmfit
import nmfit.fit
from nmfit import cli
from nmfit.cli import options
from nmfit.io.inputs import read_inputs

N, T = 8, 360
LABELS = [f"{name}_{side}" for name in ("Calcarine", "Insula", "Angular", "Cuneus") for side in "LR"]


@pytest.fixture(autouse=True)
def no_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def quickly(monkeypatch):
    """Leave out drawing where a test is not about what is drawn."""
    import nmfit.report.files
    import nmfit.report.page

    monkeypatch.setattr(nmfit.report.files, "figures", lambda _: [("climb", b"<svg/>")])
    monkeypatch.setattr(nmfit.report.page, "page", lambda result: f"<html>{result.chosen}")


@pytest.fixture
def files(tmp_path):
    """Write a small, sound data set; return how to name its files."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "data"
    folder.mkdir()
    weights = rng.uniform(1, 5, (N, N))
    weights += weights.T
    np.fill_diagonal(weights, 0)
    write_table(folder / "sc.csv", weights, ",")
    write_table(folder / "bold.tsv", rng.normal(size=(T, N)) + rng.normal(size=(T, 1)), "\t")
    (folder / "bold.json").write_text('{"RepetitionTime": 2.0}')
    (folder / "labels.txt").write_text("\n".join(LABELS))
    return folder


def write_table(path, values, separator, names=LABELS):
    lines = [separator.join(names)] if names else []
    path.write_text("\n".join(lines + [separator.join(map(repr, row)) for row in np.asarray(values).tolist()]))


def run(*argv):
    return cli.main([str(word) for word in argv])


def fit(files, *more, out="out"):
    return run("fit", "--sc", files / "sc.csv", "--bold", files / "bold.tsv", "-o", files / out, *more)


@pytest.fixture
def fitted(monkeypatch, quickly):  # noqa: ARG001
    """Stand in for the fit itself; return what it was called with, and a way to set what it returns."""
    seen = {}

    def stand_in(target, brain, *, progress, command, **options):
        seen.update(target=target, brain=brain, command=command, options=options)
        progress.start("shared")
        progress.rung_done(seen["result"].record["rungs"][0])
        return seen["result"]

    seen["result"] = make_result(n=8)
    monkeypatch.setattr(nmfit.fit, "fit", stand_in)
    return seen


# Starting ----------------------------------------------------------------------------------------------------------

HEAVY = {"numpy", "scipy", "jax", "jaxlib", "optax", "mne", "nibabel", "matplotlib"}


def loaded_after(code):
    script = f"import sys\n{code}\nprint(' '.join(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    return {name.partition(".")[0] for name in done.stderr.split()}, done


@pytest.mark.parametrize("code", [
    "import nmfit",
    "import nmfit; dir(nmfit); nmfit.InputError",
    "from nmfit.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass",
    "from nmfit.cli import main\ntry: main(['fit', '--help'])\nexcept SystemExit: pass",
])
def test_starting_imports_no_library(code):
    loaded, done = loaded_after(code)
    assert "nmfit" in loaded, done.stderr
    assert not loaded & HEAVY


def test_reading_and_fitting_import_nothing_that_draws():
    loaded, _ = loaded_after("import nmfit; nmfit.read_bold; nmfit.fit; nmfit.load_result")
    assert "jax" in loaded
    assert "matplotlib" not in loaded


def test_every_name_of_the_front_door_is_there():
    for name in nmfit.__all__:
        assert getattr(nmfit, name) is not None
        assert name in dir(nmfit)
    for name, model in nmfit.MODELS.items():
        assert getattr(nmfit, name) is model
    assert nmfit.fit is nmfit.fit
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = nmfit.nothing


def test_the_verb_that_has_its_rooms_name_is_one_object():
    code = ("import nmfit; first = nmfit.fit; import nmfit.fit.result; assert nmfit.fit is first; "
            "from nmfit import fit; assert fit is first and callable(fit)")
    subprocess.run([sys.executable, "-c", code], check=True)


def test_choices_are_those_of_the_code():
    from nmfit.fit.rungs import LEVELS
    from nmfit.network.connectome import NORMS, TRANSFORMS
    from nmfit.network.coupling import KINDS

    assert set(options.TRANSFORMS) == set(TRANSFORMS)
    assert set(options.NORMS) == set(NORMS)
    assert options.RUNGS == LEVELS
    assert options.COUPLINGS == KINDS


def test_compiled_code_is_kept_in_the_users_cache(tmp_path):
    code = ("import nmfit.cli.compiled as c, jax; before = jax.config.jax_compilation_cache_dir; "
            "c.keep_compiled_code(); "
            "print(before, jax.config.jax_compilation_cache_dir)")
    env = {"XDG_CACHE_HOME": str(tmp_path), "PATH": "", "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", str(tmp_path / "nmfit")]


def test_version(capsys):
    with pytest.raises(SystemExit) as end:
        run("--version")
    assert end.value.code == 0
    assert capsys.readouterr().out.split()[0] == "nmfit"


# Streams and exit codes --------------------------------------------------------------------------------------------

def test_json_alone_is_on_stdout(files, fitted, capsys):
    assert fit(files, "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out, parse_constant=lambda name: pytest.fail(name)) == fitted["result"].record
    assert out == (files / "out" / "fit.json").read_text()
    assert "The connectome explains it as far as" in " ".join(err.split())


def test_people_read_stdout_and_watch_stderr(files, fitted, capsys):
    assert fit(files) == 0
    out, err = capsys.readouterr()
    assert "beside the score" in out
    assert f"report: {files / 'out' / 'report.html'}" in out
    assert "shared" in err
    assert "beside the score" not in err
    assert fitted["command"].startswith("nmfit fit --sc ")


@pytest.mark.parametrize(("status", "flags", "more", "code"), [
    ("converged", [], [], 0),
    ("converged", ["near_critical"], [], 0),
    ("converged", ["near_critical"], ["--strict"], 1),
    ("converged", [], ["--strict"], 0),
    ("step_limit", [], [], 1),
])
def test_exit_codes(files, fitted, status, flags, more, code):
    fitted["result"] = make_result(n=8, status=status, flags=flags)
    assert fit(files, *more) == code
    assert json.loads((files / "out" / "fit.json").read_text())["flags"] == flags


def test_options_reach_the_fit(files, fitted):
    np.savetxt(files / "maps.tsv", np.zeros((0, 2)), header="x")
    lines = ["region\tmyelin\tthickness", *(f"{label}\t{i}\t{i * i}" for i, label in enumerate(LABELS[::-1]))]
    (files / "maps.tsv").write_text("\n".join(lines))
    fit(files, "--model", "JansenRit", "--n-null", 3, "--seed", 7, "--max-rung", "edges", "--sc-transform", "log1p",
        "--sc-norm", "spectral", "--coupling", "diffusive", "--band", 0.02, 0.08, "--maps", files / "maps.tsv",
        "--tr", 1.5, "--loss", "FCMSE + 2 * MeanFC", "--gsr", "--budget", 60, "--filtered", 0.01, 0.09,
        "--nuisance", files / "maps.tsv")
    options = fitted["options"]
    assert [(type(term).__name__, term.weight) for term in options.pop("loss").parts] == [("FCMSE", 1), ("MeanFC", 2)]
    np.testing.assert_array_equal(options.pop("maps")[0], np.arange(8)[::-1])
    assert options.pop("keep").pieces == 0
    assert options == {"model": "JansenRit", "n_null": 3, "seed": 7, "max_rung": "edges", "sc_transform": "log1p",
                       "sc_norm": "spectral", "coupling": "diffusive", "map_names": ("myelin", "thickness"),
                       "budget": 60.0}
    assert fitted["target"].band == (0.02, 0.08)
    assert fitted["target"].gsr
    np.testing.assert_array_equal(fitted["target"].nuisance[0], np.arange(8)[::-1])
    assert fitted["target"].projector.shape == (8, 3)
    assert "filtered before: 0.01 to 0.09 Hz" in fitted["target"].notes
    assert fitted["target"].tr == 1.5


def test_demo_fits_what_ships_and_says_what_it_left_out(tmp_path, fitted, capsys):
    fitted["result"] = make_result(n=8, flags=[])
    assert run("demo", "-o", tmp_path / "demo") == 0
    out = capsys.readouterr().out
    assert fitted["target"].n == 80
    assert len(fitted["brain"]) == 5
    assert fitted["brain"][0].centroids is not None
    assert "left out" in out
    assert f"report: {tmp_path / 'demo' / 'report.html'}" in out


def test_interruption_writes_nothing(files, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(nmfit.fit, "fit", interrupt)
    assert fit(files) == 130
    assert "nothing written" in capsys.readouterr().err
    assert not (files / "out").exists()


def test_report_is_written_again(files, fitted, capsys):
    fit(files)
    page = files / "out" / "report.html"
    before = page.read_bytes()
    page.unlink()
    capsys.readouterr()
    assert run("report", files / "out") == 0
    assert page.read_bytes() == before
    assert "beside the score" in capsys.readouterr().out
    assert run("report", files / "out", "--json") == 0
    assert json.loads(capsys.readouterr().out) == fitted["result"].record
    assert run("report", files) == 2


def test_models(capsys):
    assert run("models") == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in nmfit.MODELS)
    assert run("models", "hopf") == 0
    assert "distance from the onset" in capsys.readouterr().out
    assert run("models", "nothing") == 2
    assert "Choose one of Hopf" in capsys.readouterr().err


# Bad input ---------------------------------------------------------------------------------------------------------

def rows(text):
    return np.array([line.split("\t") for line in text.splitlines()[1:]], float)


def spoil(files, change, name="bold.tsv", names=LABELS):
    values = rows((files / "bold.tsv").read_text())
    write_table(files / name, change(values), "\t", names)


def with_nan(values):
    values[5, 2] = np.nan
    return values


def constant(values):
    values[:, 3] = 1.5
    return values


def weights(files, change):
    values = np.array([row.split(",") for row in (files / "sc.csv").read_text().splitlines()[1:]], float)
    write_table(files / "sc.csv", change(values), ",")


BAD = {
    "no such file": (lambda f: (f / "sc.csv").unlink(), ["sc.csv", "no such file"]),
    "other names": (lambda f: spoil(f, lambda v: v, names=[f"x{i}" for i in range(N)]), ["Calcarine_L"]),
    "other number": (lambda f: spoil(f, lambda v: v[:, :6], names=LABELS[:6]), ["2 regions"]),
    "transposed": (lambda f: spoil(f, lambda v: v.T, names=None), ["transposed"]),
    "no TR": (lambda f: (f / "bold.json").unlink(), ["TR", "RepetitionTime"]),
    "milliseconds": (lambda f: (f / "bold.json").write_text('{"RepetitionTime": 2000}'), ["2000", "seconds"]),
    "missing value": (lambda f: spoil(f, with_nan), ["Insula_L", "--drop-bad"]),
    "constant": (lambda f: spoil(f, constant), ["Insula_R", "--drop-bad"]),
    "negative weights": (lambda f: weights(f, lambda w: -w), ["negative"]),
    "no weights": (lambda f: weights(f, lambda w: 0 * w), ["sc.csv"]),
    "too few volumes": (lambda f: spoil(f, lambda v: v[:40]), ["40 volumes"]),
    "not what it says": (lambda f: (f / "bold.tsv").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64)), ["HDF5"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_exit_2_and_nothing_written(files, capsys, case):
    change, told = BAD[case]
    change(files)
    before = sorted(files.iterdir())
    assert fit(files) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    for word in told:
        assert word in err
    assert sorted(files.iterdir()) == before


def test_pickled_arrays_are_refused(files, capsys):
    np.save(files / "sc.npy", np.array([[None, {}], [1, 2]], object), allow_pickle=True)
    assert run("fit", "--sc", files / "sc.npy", "--bold", files / "bold.tsv", "-o", files / "out") == 2
    assert "pickle" in capsys.readouterr().err


def test_unknown_model_is_refused_before_anything_is_written(files, capsys):
    assert fit(files, "--model", "Nothing") == 2
    assert "Choose one of Hopf" in capsys.readouterr().err
    assert not (files / "out").exists()


def test_a_result_is_not_overwritten_unasked(files, fitted, capsys):
    fit(files)
    before = (files / "out" / "fit.json").read_bytes()
    fitted["result"] = make_result(n=8, explained=None)
    capsys.readouterr()
    assert fit(files) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (files / "out" / "fit.json").read_bytes() == before
    assert fit(files, "--overwrite") == 0
    assert json.loads((files / "out" / "fit.json").read_text())["explained"] is None


def test_output_that_is_a_file_is_refused(files, capsys):
    assert fit(files, out="bold.tsv") == 2
    assert "a file" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [
    [], ["nothing"], ["fit"], ["fit", "--sc", "a"], ["fit", "--sc", "a", "--bold", "b", "--fc", "c", "-o", "d"],
    ["fit", "--sc", "a", "--bold", "b", "-o", "d", "--n-null", "-1"],
    ["fit", "--sc", "a", "--bold", "b", "-o", "d", "--sc-norm", "other"],
])
def test_usage_errors_exit_2(argv, capsys):
    with pytest.raises(SystemExit) as end:
        run(*argv)
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert "--help" in said
    assert said.count("\n") == 1


# What is read together ---------------------------------------------------------------------------------------------

def test_regions_are_matched_by_name(files):
    values = rows((files / "bold.tsv").read_text())
    order = np.random.default_rng(1).permutation(N)
    write_table(files / "bold.tsv", values[:, order], "\t", [LABELS[i] for i in order])
    target, brain, _, _ = read_inputs(sc=[files / "sc.csv"], bold=[files / "bold.tsv"])
    write_table(files / "plain.tsv", values, "\t")
    plain, _, _, _ = read_inputs(sc=[files / "sc.csv"], bold=[files / "plain.tsv"], tr=2.0)
    assert brain.labels == tuple(LABELS)
    np.testing.assert_allclose(target.folds[0].pool, plain.folds[0].pool)


def test_bad_regions_are_dropped_everywhere_and_named(files):
    spoil(files, with_nan)
    lines = ["region\tmap", *(f"{label}\t{i}" for i, label in enumerate(LABELS))]
    (files / "maps.tsv").write_text("\n".join(lines))
    target, brain, _, maps = read_inputs(sc=[files / "sc.csv"], bold=[files / "bold.tsv"], maps=files / "maps.tsv",
                                         drop_bad=True)
    assert target.n == brain.n == maps.shape[1] == N - 1
    assert "Insula_L" not in brain.labels
    assert "dropped_regions:Insula_L" in target.flags
    np.testing.assert_array_equal(maps[0], [0, 1, 3, 4, 5, 6, 7])


def test_fc_takes_the_connectomes_order_and_heldout_scores(files):
    rng = np.random.default_rng(0)
    fc = np.corrcoef(rng.normal(size=(N, 50)) + rng.normal(size=50))
    order = rng.permutation(N)
    write_table(files / "fc.tsv", fc[np.ix_(order, order)], "\t", [LABELS[i] for i in order])
    held = np.where(np.eye(N) > 0, 1.0, 0.9 * fc)
    write_table(files / "held.tsv", held[::-1, ::-1], "\t", LABELS[::-1])
    target, brain, _, _ = read_inputs(sc=[files / "sc.csv"], fc=files / "fc.tsv", heldout_fc=files / "held.tsv")
    assert brain.labels == tuple(LABELS)
    assert target.band is None
    np.testing.assert_allclose(target.folds[0].pool, fc, atol=1e-12)
    np.testing.assert_allclose(target.folds[0].score[0], held, atol=1e-12)


def test_heldout_recordings_are_the_score_part(files):
    rng = np.random.default_rng(5)
    write_table(files / "held.tsv", rng.normal(size=(T, N)), "\t")
    target, _, _, _ = read_inputs(sc=[files / "sc.csv"], bold=[files / "bold.tsv"], heldout_bold=[files / "held.tsv"],
                                  tr=2.0)
    assert target.design == "heldout"
    with pytest.raises(nmfit.InputError, match="--heldout-bold"):
        read_inputs(sc=[files / "sc.csv"], fc=files / "fc.tsv", heldout_bold=[files / "held.tsv"], tr=2.0)


def test_one_connectome_per_person_where_there_are_as_many(files):
    rng = np.random.default_rng(2)
    for person in ("01", "02"):
        values = rng.uniform(1, 2, (N, N))
        np.fill_diagonal(values, 0)
        write_table(files / f"sub-{person}_sc.csv", values + values.T, ",")
        write_table(files / f"sub-{person}_bold.tsv", rng.normal(size=(T, N)), "\t")
    both = {"sc": [files / "sub-*_sc.csv"], "bold": [files / "sub-*_bold.tsv"], "tr": 2.0}
    _, brains, _, _ = read_inputs(**both)
    assert [brain.source.split("/")[-1][:6] for brain in brains] == ["sub-01", "sub-02"]
    _, one, _, _ = read_inputs(**both | {"bold": [files / "bold.tsv"]})
    np.testing.assert_allclose(one.weights, (brains[0].weights + brains[1].weights) / 2)
    swapped = [files / "sub-02_sc.csv", files / "sub-01_sc.csv"]
    with pytest.raises(nmfit.InputError, match="the connectome of sub-02 beside the recording of sub-01"):
        read_inputs(**both | {"sc": swapped})


def test_a_terminal_that_knows_ascii_only_does_not_end_a_fit(files):
    code = ("import sys; from made_result import make_result; from nmfit.cli import main; import nmfit.fit\n"
            "nmfit.fit.fit = lambda *a, **k: make_result(n=8)\n"
            f"sys.exit(main(['fit', '--sc', r'{files / 'sc.csv'}', '--bold', r'{files / 'bold.tsv'}', '-o', "
            f"r'{files / 'out'}']))")
    done = subprocess.run([sys.executable, "-c", code], cwd=os.path.dirname(__file__), capture_output=True,
                          env=os.environ | {"PYTHONIOENCODING": "ascii"}, check=False)
    assert done.returncode == 0, done.stderr
    assert "0.68 ? 0.02" in done.stdout.decode("ascii")


@pytest.mark.long
def test_a_small_fit_from_end_to_end(files, capsys):
    """Nothing stands in here: files in, a fit, files out, and the words agree with the record."""
    code = fit(files, "--max-rung", "shared", "--n-null", 0, "--sc-transform", "none", "--json")
    out, err = capsys.readouterr()
    record = json.loads(out)
    assert code == (0 if record["status"] in options.SETTLED else 1)
    result = nmfit.load_result(files / "out")
    assert result.record == record
    assert result.explained is None
    assert "nulls_skipped" in record["flags"]
    assert "no null connectome was fitted" in " ".join(err.split())
    assert result.fc.shape == (N, N)
    assert result.labels == LABELS
    assert record["provenance"]["command"].startswith("nmfit fit --sc")
    assert (files / "out" / "report.html").stat().st_size < 2_000_000
