"""The record of a fit: strict JSON, no pickle, all files or none, and words that do not claim too much."""

import copy
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from made_result import make_result, without

import nmfit.io
from nmfit.errors import InputError
from nmfit.fit.result import Result, load_result
from nmfit.fit.schema import SCHEMA
from nmfit.io.staged import finish


@pytest.fixture
def quickly(monkeypatch):
    """Leave out drawing where a test is about files."""
    import nmfit.report.files
    import nmfit.report.page

    monkeypatch.setattr(nmfit.report.files, "figures", lambda _: [("climb", b"<svg/>")])
    monkeypatch.setattr(nmfit.report.page, "page", lambda _: "<html>")


@pytest.fixture
def copied(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "copy")


WRITERS = ("write_npz", "write_table", "write_matrix", "write_bytes", "write_text")


@pytest.fixture(scope="module")
def result():
    return make_result()


@pytest.fixture(scope="module")
def saved(result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fit") / "out"
    result.save(folder)
    return folder


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_round_trip(result, saved):
    loaded = load_result(saved)
    assert loaded.record == result.record
    assert loaded.arrays.keys() == result.arrays.keys()
    for name, array in result.arrays.items():
        np.testing.assert_array_equal(loaded.arrays[name], array)
        assert loaded.arrays[name].dtype == array.dtype
    assert loaded.summary() == result.summary()


def test_folder_holds_what_was_promised(result, saved):
    assert set(contents(saved)) == {
        "fit.json", "fit.npz", "params.tsv", "report.html", "fc_fit.tsv", "fc_score.tsv", "fc_model.tsv",
        "fc_explained.tsv", *(f"figures/{name}.svg" for name in ("climb", "fc", "scatter", "losses", "maps"))}
    rows = [line.split("\t") for line in (saved / "fc_model.tsv").read_text().splitlines()]
    assert rows[0][1:] == result.labels
    assert [row[0] for row in rows[1:]] == result.labels
    np.testing.assert_array_equal(np.array([row[1:] for row in rows[1:]], float), result.fc)
    table = [line.split("\t") for line in (saved / "params.tsv").read_text().splitlines()]
    assert len(table) == 1 + len(result.parameters)
    assert table[1] == ["G", "n/a", "0.41", "0.03", "0.35", "0.47", "0.0", "n/a", "1/s", "n/a"]


def test_same_result_same_bytes(result, saved, tmp_path):
    result.save(tmp_path / "again")
    assert contents(tmp_path / "again") == contents(saved)


def test_json_is_strict(result):
    record = copy.deepcopy(result.record)
    record["rungs"][0]["loss"] = float("nan")
    record["parameters"][0]["bounds"] = (np.float32(0.0), np.inf)
    record["rungs"][0]["steps"] = np.int64(7)
    record["confirmation"]["agrees"] = np.bool_(True)
    text = Result(record, result.arrays).to_json()
    back = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert back["rungs"][0]["loss"] is None
    assert back["rungs"][0]["steps"] == 7
    assert back["parameters"][0]["bounds"] == [0.0, None]
    assert back["confirmation"]["agrees"] is True


RELEASED = sorted((Path(__file__).parent / "results").glob("schema_*"))


def test_every_schema_up_to_this_one_is_kept():
    assert [folder.name for folder in RELEASED] == [f"schema_{k + 1}" for k in range(SCHEMA)]


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("folder", RELEASED, ids=lambda folder: folder.name)
def test_what_earlier_versions_wrote_loads_and_round_trips(folder, tmp_path):
    result = load_result(folder)
    assert result.chosen == "shared"
    assert result.fc.shape == (6, 6)
    assert "not an explanation" in result.summary()
    result.save(tmp_path / "again")
    again = load_result(tmp_path / "again")
    assert again.record == result.record == json.loads((folder / "fit.json").read_text())
    assert again.arrays.keys() == result.arrays.keys()
    for name, array in result.arrays.items():
        np.testing.assert_array_equal(again.arrays[name], array)


def test_what_json_has_no_place_for_is_refused(result):
    with pytest.raises(TypeError, match="set has no place"):
        Result(result.record | {"flags": {"a"}}, result.arrays)


@pytest.mark.parametrize(("change", "told"), [
    (lambda r: r.pop("ceiling"), "ceiling: missing"),
    (lambda r: r["rungs"][1].update(engine="magic"), r"rungs\[1\].engine: 'magic' where one of linear"),
    (lambda r: r["rungs"][0].update(kept=1), r"rungs\[0\].kept: 1 where true or false"),
    (lambda r: r["parameters"][2].update(value="x"), r"parameters\[2\].value"),
    (lambda r: r.update(chosen="nowhere"), "chosen: 'nowhere' is not among"),
    (lambda r: r["nulls"]["permuted"].pop("p"), "nulls.permuted.p: missing"),
    (lambda r: r["baselines"].update(distance="far"), "baselines.distance"),
])
def test_record_is_held_to_the_schema(result, change, told):
    record = copy.deepcopy(result.record)
    change(record)
    with pytest.raises(ValueError, match=told):
        Result(record, result.arrays)


def test_arrays_belong_together(result):
    with pytest.raises(ValueError, match=r"fc_model: float64 of shape \(3, 3\)"):
        Result(result.record, result.arrays | {"fc_model": np.eye(3)})
    with pytest.raises(ValueError, match="no array 'weights'"):
        without(result, "weights")


@pytest.mark.usefixtures("quickly")
def test_existing_result_is_not_overwritten_unasked(result, tmp_path):
    folder = tmp_path / "out"
    result.save(folder)
    before = contents(folder)
    with pytest.raises(InputError, match="holds a result"):
        result.save(folder)
    assert contents(folder) == before
    (folder / "notes.txt").write_text("mine")
    lesser = without(Result(result.record | {"explained": None}, result.arrays), "fc_explained")
    lesser.save(folder, overwrite=True)
    assert not (folder / "fc_explained.tsv").exists()  # of the earlier result
    assert (folder / "notes.txt").read_text() == "mine"
    assert load_result(folder).explained is None


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("failing", WRITERS)
@pytest.mark.parametrize("held", [False, True], ids=["new", "overwrite"])
def test_a_write_that_fails_leaves_what_was_there(result, tmp_path, monkeypatch, failing, held):
    folder = tmp_path / "out"
    if held:
        result.save(folder)
    before = contents(folder)

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(nmfit.io, failing, fail)
    with pytest.raises(OSError, match="No space left"):
        Result(result.record | {"explained": None}, result.arrays).save(folder, overwrite=True)
    assert contents(folder) == before
    if held:
        assert load_result(folder).explained == result.explained
    else:
        assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("quickly")
def test_a_result_that_was_written_whole_is_finished_by_who_opens_it(result, tmp_path, monkeypatch):
    """Files of two results must never stand together under a fit.json that is read."""
    import nmfit.io.staged as staged

    folder, real, moved = tmp_path / "out", staged.os.replace, []
    result.save(folder)

    def replace(old, new):
        if new == folder / "params.tsv":
            raise OSError(5, "Input/output error")
        moved.append(new)
        return real(old, new)

    monkeypatch.setattr(staged.os, "replace", replace)
    later = Result(result.record | {"explained": None}, result.arrays)
    with pytest.raises(OSError, match="Input/output"):
        later.save(folder, overwrite=True)
    assert moved
    with pytest.raises(InputError, match="writing was interrupted"):
        load_result(folder)
    monkeypatch.setattr(staged.os, "replace", real)
    assert load_result(folder).explained is None
    assert not list(folder.glob(".*"))


WRITER = """
import sys
import time
from nmfit.io.staged import staged
from nmfit.io import write_text
print("go", flush=True)
for count in range(10**6):
    with staged(sys.argv[1], overwrite=True) as place:
        (place / "figures").mkdir()
        for name in ("fit.json", "a.txt", "b.txt", "figures/c.svg", f"fc_{count % 3}.tsv"):
            write_text(place / name, str(count))
"""


def test_kills_leave_the_old_result_or_the_new_one(tmp_path):
    rng = np.random.default_rng(0)
    for _ in range(8):
        with subprocess.Popen([sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE) as job:
            job.stdout.readline()
            time.sleep(rng.uniform(0.05, 0.3))
            job.kill()
        finish(tmp_path)
        found = [p for p in tmp_path.rglob("*") if p.is_file() and ".part" not in str(p)]
        assert len(found) == 5
        assert len({p.read_text() for p in found}) == 1


@pytest.mark.parametrize(("name", "damage", "told"), [
    ("fit.json", lambda p: p.unlink(), "fit.json: no such file"),
    ("fit.json", lambda p: p.write_bytes(p.read_bytes()[:-200]), "not readable as JSON"),
    ("fit.json", lambda p: p.write_bytes(b"\xff\xfe\x00"), "not readable as JSON"),
    ("fit.json", lambda p: p.write_text(p.read_text().replace('"schema": 1', '"schema": 2')), "schema 2, expected 1"),
    ("fit.json", lambda p: p.write_text("[]"), "schema None"),
    ("fit.json", lambda p: p.write_text(p.read_text().replace("0.81", "NaN", 1)), "NaN is not JSON"),
    ("fit.json", lambda p: p.write_text(p.read_text().replace('"chosen": "region', '"chosen": "gone')), "gone"),
    ("fit.npz", lambda p: p.unlink(), "fit.npz: no such file"),
    ("fit.npz", lambda p: p.write_bytes(p.read_bytes()[:5000]), "not readable as arrays"),
    ("fit.npz", lambda p: p.write_bytes(b"PK"), "not readable as arrays"),
    ("fit.npz", lambda p: np.savez(p, labels=np.array(["a", "b"])), "no array 'weights'"),
    ("fit.npz", lambda p: np.savez(p, labels=np.array([{}], object), weights=np.eye(1)), "not readable as arrays"),
])
def test_damaged_folder_is_told_apart(copied, name, damage, told):
    damage(copied / name)
    with pytest.raises(InputError, match=told):
        load_result(copied)


def test_every_single_flipped_byte_loads_whole_or_is_refused(result, copied):
    """Damage is either refused in one sentence or leaves a result of the right form; never another error."""
    rng = np.random.default_rng(0)
    for name in ("fit.npz", "fit.json"):
        whole = (copied / name).read_bytes()
        for at in rng.integers(0, len(whole), 60):
            damaged = bytearray(whole)
            damaged[at] ^= 1 << int(rng.integers(8))
            (copied / name).write_bytes(bytes(damaged))
            try:
                loaded = load_result(copied)
            except InputError:
                continue
            assert loaded.fc.shape == result.fc.shape
        (copied / name).write_bytes(whole)


def test_nothing_in_fit_npz_is_unpickled(tmp_path, copied):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    np.savez(copied / "fit.npz", labels=np.array([Trap()], object))
    with pytest.raises(InputError, match="not readable"):
        load_result(copied)
    assert not (tmp_path / "sprung").exists()


def test_score_is_that_of_the_rung_kept(result):
    assert result.score == 0.68
    assert result.rung("maps + drive")["free_parameters"] == 9
    with pytest.raises(KeyError, match="no rung 'edges'"):
        result.rung("edges")


# What is said ------------------------------------------------------------------------------------------------------

def flat(text):
    return " ".join(text.split())


def test_explains_is_said_only_where_a_rung_cleared_everything():
    chosen = flat(make_result(explained="region + drive").summary())
    assert "The connectome explains it: rung 'region + drive'" in chosen
    lower = flat(make_result(explained="maps + drive").summary())
    assert "explains it as far as rung 'maps + drive'" in lower
    assert "what 'region + drive' adds is a description, not an explanation" in lower
    none = flat(make_result(explained=None).summary())
    assert "A description, not an explanation" in none
    assert "explains" not in none
    assert "'region + drive' does not clear: distance only, p = 0.1." in none


def test_what_a_rung_does_not_clear_is_named_even_where_every_p_is_small():
    small = {"mean": 0.6, "sd": 0.01, "margin": 0.01, "p": 0.05, "p_adjusted": 0.05, "n": 19}
    result = make_result(explained=None, nulls={"permuted": small, "rewired": small | {"p_adjusted": 0.15},
                                                "distance": small})
    result.rung("region + drive")["over_coupling_zero"] = {"mean": 0.05, "se": 0.04}
    text = flat(result.summary())
    assert ("'region + drive' does not clear: rewired, strengths kept, p = 0.05, 0.15 among all rungs; itself without "
            "coupling, +0.05 ± 0.04 over what was scored.") in text
    result.rung("region + drive")["over_coupling_zero"] = {"mean": 0.05, "se": 0.02}
    assert "itself without coupling, +0.05" not in flat(result.summary())


def test_no_null_no_explanation():
    result = make_result(explained=None, nulls=dict.fromkeys(("permuted", "rewired", "distance")))
    text = flat(result.summary())
    assert "no null connectome was fitted" in text
    assert "regions permuted not fitted" in text


def test_capped_nulls_make_the_claim_provisional():
    text = flat(make_result(explained="region + drive", flags=["nulls_capped"]).summary())
    assert "Provisionally: the wrong connectomes were held against fits as short as theirs" in text


def test_a_baseline_that_does_as_well_is_named():
    text = flat(make_result(baselines={"k_factor": 0.70, "distance": 0.3}).summary())
    assert "No better than: k factors, no connectome (0.70)" in text
    assert "No better than" not in flat(make_result(baselines={"k_factor": 0.60}).summary())


def test_unvalidated_score_is_not_called_a_prediction():
    record = copy.deepcopy(make_result(explained=None).record)
    for rung in record["rungs"]:
        rung |= {"score_heldout": None, "score_heldout_se": None, "score_choose": None}
    none = {"value": None, "ci95": None}
    record |= {"ceiling": none, "reliability": none, "flags": ["not_validated"]}
    result = without(Result(record, make_result().arrays), "fc_score")
    text = flat(result.summary())
    assert "nothing held out" in text
    assert "Best fit" in text
    assert "nothing could be validated" in text
    for figure in (result.plot_fc(), result.plot_climb(), result.plot_scatter()):
        assert figure.axes


def test_summary_stands_beside_the_score_and_speaks_of_every_flag(result):
    text = flat(result.summary())
    for said in ("ceiling 0.81 (95 % 0.77 to 0.85)", "reliability 0.70", "regions permuted 0.52 ± 0.02, margin +0.16",
                 "log of the weights alone 0.34", "shared 2 8 31", "kept: gains 0.11", "84 % of the ceiling",
                 "sigma is stated, not estimated", "(gradient1)", "asymmetric by up to 0.37", "2.3 s",
                 "agrees with the closed form"):
        assert said in text
    assert max(map(len, result.summary().splitlines())) <= 110


def test_names_cannot_steer_a_terminal(result):
    record = copy.deepcopy(result.record)
    record["provenance"]["connectome"]["notes"] = ["\x1b[2Jgone"]
    record["flags"] = ["dropped_regions:\x1b[31mred"]
    assert "\x1b" not in Result(record, result.arrays).summary()


# Figures -----------------------------------------------------------------------------------------------------------

def test_figures_leave_matplotlib_as_it_was():
    code = ("import matplotlib, sys\n"
            "now = lambda: {k: matplotlib.rcParams[k] for k in matplotlib.rcParams if k != 'backend'}\n"
            "before = now()\n"
            "from made_result import make_result\n"
            "r = make_result()\n"
            "[plot() for plot in (r.plot_fc, r.plot_scatter, r.plot_climb, r.plot_maps, r.plot_losses)]\n"
            "assert now() == before\n"
            "assert 'matplotlib.pyplot' not in sys.modules")
    subprocess.run([sys.executable, "-c", code], check=True, cwd=__file__.rsplit("/", 1)[0])


def test_every_axis_has_a_label(result):
    for figure in (result.plot_fc(), result.plot_scatter(), result.plot_climb(), result.plot_losses()):
        assert isinstance(figure, matplotlib.figure.Figure)
        assert figure.axes
        for axis in figure.axes:
            assert axis.get_xlabel() or axis.get_ylabel()


def test_fc_figure_shows_both_matrices_on_one_scale_in_one_order(result):
    data, model, difference = (axis.images[0] for axis in result.plot_fc().axes[:3])
    assert data.get_clim() == model.get_clim()
    left = [i for i, label in enumerate(result.labels) if label.endswith("_L")]
    seen = np.ma.filled(data.get_array().astype(float), np.nan)
    expected = result.arrays["fc_score"][left[0], left[1]]
    assert seen[0, 1] == pytest.approx(expected)
    assert np.isnan(np.diag(seen)).all()
    assert -difference.get_clim()[0] == pytest.approx(difference.get_clim()[1])


def test_where_people_took_turns_the_fc_that_is_shown_was_fitted(result):
    held = result.plot_scatter().axes[0]
    assert "held out" in held.get_ylabel()
    assert "ceiling" in held.get_title(loc="left")
    turns = Result(result.record, result.arrays | {"fc_score": result.arrays["fc_fit"]})
    shown = turns.plot_scatter().axes[0]
    assert "measured, fitted" in shown.get_ylabel()
    assert "ceiling" not in shown.get_title(loc="left")
    assert f"({result.score:.2f} held out)" in shown.get_title(loc="left")


def test_maps_without_centroids_and_without_regional_parameters(result):
    assert result.plot_maps().axes
    assert without(result, "centroids").plot_maps().axes
    shared = [row for row in result.parameters if row["region"] is None]
    assert make_result(parameters=shared).plot_maps() is None
    assert without(result, *(k for k in result.arrays if k.startswith("history_"))).plot_losses() is None


def test_left_is_left(result):
    """From above left is on the left; from the left side the front is on the left."""
    left, above, right = result.plot_maps().axes[:3]
    x = result.arrays["centroids"][:, 0]
    np.testing.assert_allclose(np.sort(above.collections[0].get_offsets()[:, 0]), np.sort(x))
    y = result.arrays["centroids"][:, 1]
    np.testing.assert_allclose(np.sort(left.collections[0].get_offsets()[:, 0]), np.sort(-y[x < 2]))
    np.testing.assert_allclose(np.sort(right.collections[0].get_offsets()[:, 0]), np.sort(y[x > -2]))
