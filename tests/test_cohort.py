"""Cohorts: roles of a person's data, scores beside trivial predictors, units that are done once, failures, status."""

import dataclasses
import json

import numpy as np
import pytest

import nmfit
from nmfit.cli import main
from nmfit.cohort import CohortResult, contrast, deviation, load_cohort, scores, status
from nmfit.cohort.contrast import between, moderated
from nmfit.cohort.engine import engine, finished
from nmfit.cohort.people import people_of
from nmfit.cohort.quality import with_quality
from nmfit.cohort.reliability import icc
from nmfit.cohort.units import Unit, work
from nmfit.compare.empirical import fc_score
from nmfit.errors import InputError
from nmfit.io import write_table
from nmfit.io.ledger import read_piece
from nmfit.io.people import read_people
from nmfit.report.cohort_page import page

REGIONS, VOLUMES, TR = 8, 800, 1.0
LABELS = [f"L_r{i}" if i % 2 else f"R_r{i}" for i in range(REGIONS)]


def made(people=4, sessions=1, seed=0):
    """Return people whose mixing differs a little, and connectomes of their own."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(REGIONS, 3))
    data, brains = {}, {}
    for k in range(people):
        own = mix + 0.5 * rng.normal(size=mix.shape)
        runs = [rng.normal(size=(VOLUMES, 3)) @ own.T + rng.normal(size=(VOLUMES, REGIONS)) for _ in range(sessions)]
        name = f"sub-{k:02d}"
        data[name] = [nmfit.Recording(run, TR, LABELS, name) for run in runs]
        away = np.abs(np.subtract.outer(range(REGIONS), range(REGIONS)))
        weights = np.exp(rng.normal(size=away.shape) - away)
        brains[name] = nmfit.Connectome(weights + weights.T, labels=LABELS)
    return data, brains


def write_study(where):
    """Write a small cohort as files; return the folder."""
    data, brains = made()
    where.mkdir(exist_ok=True)
    for name, (run,) in data.items():
        write_table(where / f"{name}_ses-1_bold.tsv", LABELS, run.data.tolist())
        np.savetxt(where / f"{name}_weights.csv", brains[name].weights, delimiter=",")
    (where / "labels.tsv").write_text("\n".join(LABELS) + "\n")
    (where / "participants.tsv").write_text("participant_id\tmean_fd\tsite\tage\n" + "".join(
        f"sub-{k:02d}\t{0.1 + 0.05 * k * k}\t{'AB'[k % 2]}\t{(31, 25, 40, 22)[k]}\n" for k in range(4)))
    return where


def run(study, out, *more):
    return main(["cohort", str(study), str(out), "--tr", str(TR), "--max-rung", "shared", "--folds", "2",
                 "--sc-transform", "none", *more])


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def folder(study, tmp_path_factory):
    """Return a folder that a small cohort was written to."""
    where = tmp_path_factory.mktemp("cohort")
    assert run(study, where, "--contrast", "age") == 0
    return where


def test_within_run_and_between_session_roles():
    data, brains = made(3, sessions=2)
    within, _, design = people_of(data, brains, band=None, design="within")
    between, _, other = people_of(data, brains, band=None)
    assert (design, other) == ("within", "sessions")
    np.testing.assert_allclose(between[0].score, np.corrcoef(data["sub-00"][1].data.T), atol=0.02)
    assert not np.allclose(within[0].score, between[0].score, atol=0.02)
    assert within[0].occasions.shape == (2, REGIONS, REGIONS)
    data["sub-01"] = data["sub-01"][:1]
    with pytest.raises(InputError, match="sub-01 has one session"):
        people_of(data, brains, band=None)


def test_the_ceiling_is_what_the_truth_would_reach():
    rng = np.random.default_rng(4)
    mix = rng.normal(size=(30, 4))
    runs = [nmfit.Recording(rng.normal(size=(300, 4)) @ mix.T + 2 * rng.normal(size=(300, 30)), TR, subject=f"sub-{k}")
            for k in range(12)]
    truth = mix @ mix.T + 4 * np.eye(30)
    truth /= np.sqrt(np.outer(np.diag(truth), np.diag(truth)))
    people, _, _ = people_of({run.subject: [run] for run in runs}, nmfit.Connectome(np.ones((30, 30)) - np.eye(30)),
                             band=None)
    reached = [fc_score(truth, p.score) for p in people]
    assert np.mean([p.ceiling for p in people]) == pytest.approx(np.mean(reached), abs=0.01)
    assert 0.8 < np.mean(reached) < 0.98


def test_a_person_who_cannot_be_used_is_named_and_the_others_go_on():
    data, brains = made(4)
    short = dataclasses.replace(data["sub-02"][0], data=data["sub-02"][0].data[:40])
    people, failures, _ = people_of(data | {"sub-02": [short]}, brains, band=(0.01, 0.1))
    assert [p.name for p in people] == ["sub-00", "sub-01", "sub-03"]
    assert "40 volumes" in failures["sub-02"]
    for odd, said in ((dataclasses.replace(data["sub-03"][0], tr=1.1), "TR 1.1 s"),
                      (dataclasses.replace(data["sub-03"][0], gsr=True), "regressed out"),
                      (data["sub-01"][0], "the same data as sub-01")):
        people, failures, _ = people_of(data | {"sub-03": [odd]}, brains, band=(0.01, 0.1))
        assert [p.name for p in people] == ["sub-00", "sub-01", "sub-02"]
        assert said in failures["sub-03"]
    with pytest.raises(InputError, match="at least three"):
        people_of({k: data[k] for k in ("sub-00", "sub-01")}, brains, band=None)


def test_a_blend_is_never_worse_where_its_weights_were_fitted():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(5, 60))

    def unit(x):
        x = x - x.mean(1, keepdims=True)
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    own, group, seen = (unit(truth + s * rng.normal(size=truth.shape)) for s in (1.0, 2.0, 0.5))
    r, weights = scores.scored({"own": own, "group": group}, seen, seen)
    assert r["blend"].mean() > max(r["own"].mean(), r["group"].mean())
    assert weights["blend"][0] > weights["blend"][1] > 0
    assert scores.identified(own, seen) == 1.0
    found = scores.paired(r["blend"], r["group"])
    assert found["ci95"][0] < found["mean"] < found["ci95"][1]


def test_icc_of_shrout_and_fleiss():
    # Table 2 of Shrout & Fleiss 1979: six targets, four judges; ICC(2,1) = 0.29
    ratings = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
    assert icc(ratings) == pytest.approx(0.29, abs=0.005)
    assert np.isnan(icc(np.ones((3, 2))))


def _half(value):
    return {"half": value / 2}


def _fail(_value):
    raise RuntimeError("no\nluck")


def test_units_are_done_once_and_failures_are_tried_three_times(tmp_path):
    unit, bad = Unit("sub-1", "half", _half, (3.0,)), Unit("sub-2", "fail", _fail, (1.0,))
    tried = []
    with engine() as compute:
        first = finished(compute, [unit, bad], tmp_path, tried.append)
    assert [bool(done.reason) for done in first] == [False, True]
    assert first[1].reason == "RuntimeError: no luck"
    assert len(tried) == 1 + 3
    again = work(unit, tmp_path)
    assert again.seconds is None                                            # it stood
    assert work(dataclasses.replace(unit, arguments=(4.0,)), tmp_path).seconds is not None
    (tmp_path / "sub-1" / "half.npz").write_bytes(b"damaged")
    assert work(unit, tmp_path).seconds is not None


def test_the_folder_tells_everything(folder):
    found = status(folder)
    assert (found.people, found.done, found.complete, found.failures) == (4, 4, True, ())
    table = (folder / "params.tsv").read_text().splitlines()
    assert table[0].split("\t")[:4] == ["person", "parameter", "region", "value"]
    assert sum(line.startswith("sub-00\tG\t") for line in table) == 1
    assert sum(line.startswith("sub-03\ta\t") for line in table) == REGIONS
    head, first = ((folder / "people.tsv").read_text().splitlines()[k].split("\t") for k in (0, 1))
    assert {"own", "group", "blend", "model", "blend_model", "swapped", "ceiling", "mean_fd"} <= set(head)
    assert first[head.index("site")] == "A"
    assert float(first[head.index("ceiling")]) >= float(first[head.index("own")])
    text = (folder / "report.html").read_text()
    assert len(text) < 2_000_000
    assert "Spearman" in text
    assert "by age (4 people): G p " in text
    tests = (folder / "contrasts.tsv").read_text().splitlines()
    assert sum(line.startswith("age\ta\t") for line in tests) == REGIONS
    with pytest.raises(InputError, match="no cohort"):
        status(folder / "sub-00")


def test_what_nothing_shrinks_is_searched_for_to_the_end(folder):
    for path in folder.glob("sub-*/parameters.npz"):
        found = read_piece(path)
        assert str(found["un.status"]) != "step_limit"
        assert float(found["un.loss"]) <= float(found["loss"]) + 1e-9


def test_names_are_escaped_in_the_report(folder):
    evil = "<script>alert(1)</script>"
    result = load_cohort(folder)

    def spoiled(value):
        if isinstance(value, dict):
            return {key: evil if key in ("person", "says", "parameter", "region", "what", "covariate", "reason", "of",
                                         "command", "rung") else spoiled(inner) for key, inner in value.items()}
        return [spoiled(one) for one in value] if isinstance(value, list) else value

    record = spoiled(result.record)
    record["failures"], record["flags"] = [[evil] * 3], [evil]
    record["provenance"]["input_sha256"] = {evil: evil}
    text = page(dataclasses.replace(result, record=record, people=spoiled(result.people),
                                    parameters=spoiled(result.parameters)))
    assert "<script" not in text
    assert text.count("&lt;script&gt;") > 10


def test_people_may_differ_where_the_group_does_not(study, folder, tmp_path):
    assert load_cohort(folder).record["choice"]["rung"] == "shared"
    assert run(study, tmp_path, "--deviations", "region", "--no-errors", "--no-nulls") == 0
    result = load_cohort(tmp_path)
    assert result.record["choice"]["rung"] == "region"
    assert result.record["group"]["path"] == ["shared"]
    moved = [row["value"] - row["group"] for row in result.parameters if row["parameter"] == "a"]
    assert np.ptp(moved[:REGIONS]) > 1e-4
    with pytest.raises(InputError, match="deviations: found 'every'"):
        nmfit.fit_cohort(*made(), deviations="every")


def test_a_finished_cohort_is_loaded_again(folder, tmp_path):
    result = load_cohort(folder)
    assert result.summary().startswith("4 people, 0 failures")
    assert result.people[0]["site"] == "A"
    assert result.people[1]["mean_fd"] == pytest.approx(0.15)
    rows = contrast(result, "age")
    told = json.loads((folder / "cohort.json").read_text())["contrasts"][0]["rows"]
    assert rows == told
    result.save(tmp_path)
    for path in folder.glob("*.tsv"):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
    assert load_cohort(tmp_path).record == result.record
    (tmp_path / "params.tsv").write_text("person\tparameter\nsub-1\ta\n")
    with pytest.raises(InputError, match="no column region"):
        load_cohort(tmp_path)
    (tmp_path / "cohort.json").write_text((folder / "cohort.json").read_text().replace('"schema": 1', '"schema": 2'))
    with pytest.raises(InputError, match="schema 2, expected 1"):
        load_cohort(tmp_path)
    with pytest.raises(InputError, match="no finished cohort"):
        load_cohort(folder / "sub-00")


def test_a_second_run_computes_nothing_and_ends_with_the_same_bytes(study, folder, monkeypatch, capsys):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.suffix in (".npz", ".tsv")}
    times = {path: path.stat().st_mtime_ns for path in folder.glob("sub-*/*.npz")}
    monkeypatch.setattr("nmfit.cohort.deviation.minimise", None)
    assert run(study, folder, "--contrast", "age") == 0
    assert {path: path.read_bytes() for path in before} == before
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert "blend(own, group, model)" in capsys.readouterr().out


def test_one_who_fails_is_left_out_and_told(study, monkeypatch, tmp_path, capsys):
    def foretell(prior, level, drive, weights, fc, strength):
        if np.allclose(fc, bad):
            raise FloatingPointError("a person too many")
        return deviation.foretell(prior, level, drive, weights, fc, strength)

    bad = people_of(*made(), band=(0.01, 0.1))[0][1].fit
    monkeypatch.setattr("nmfit.cohort.fit.foretell", foretell)
    assert run(study, tmp_path) == 3
    scored = {line.split("\t")[0] for line in (tmp_path / "people.tsv").read_text().splitlines()[1:]}
    assert scored == {"sub-00", "sub-02", "sub-03"}
    rows = [line.split("\t")[:2] for line in (tmp_path / "failures.tsv").read_text().splitlines()[1:]]
    assert rows == [["sub-01", name] for name in ("own", "swapped", "group_connectome")]
    assert status(tmp_path).done == 3
    capsys.readouterr()
    assert main(["status", str(tmp_path)]) == 3
    assert "a person too many" in capsys.readouterr().out
    assert "a person too many" in (tmp_path / "report.html").read_text()


@pytest.mark.long
def test_two_worker_processes_leave_the_same_bytes(study, folder, tmp_path):
    pytest.importorskip("distributed")
    assert run(study, tmp_path, "--workers", "2") == 0
    for path in folder.rglob("*.npz"):
        if ".unfinished" not in path.parts:
            assert (tmp_path / path.relative_to(folder)).read_bytes() == path.read_bytes()


def test_a_study_is_read_person_by_person(tmp_path):
    write_study(tmp_path)
    (tmp_path / "participants.tsv").write_text("participant_id\tage\tsex\nsub-00\t31\tF\nsub-01\tn/a\tM\n")
    (tmp_path / "sub-02_ses-1_bold.tsv").write_text("a\tb\n1\n")
    found = read_people(tmp_path, tr=TR)
    assert list(found.sessions) == ["sub-00", "sub-01", "sub-03"]
    assert list(found.unread) == ["sub-02"]
    assert found.covariates == {"sub-00": {"age": 31.0, "sex": "F"}, "sub-01": {"sex": "M"}}
    assert list(read_people(tmp_path, tr=TR, only=["03"]).sessions) == ["sub-03"]
    with pytest.raises(InputError, match="no recording of sub-9"):
        read_people(tmp_path, tr=TR, only=["9"])


def test_regions_without_names_take_their_order_on_trust(tmp_path):
    where = write_study(tmp_path / "study")
    (where / "labels.tsv").unlink()
    for name, (one,) in made()[0].items():
        np.savetxt(where / f"{name}_ses-1_bold.tsv", one.data, delimiter="\t")
    assert "--trust-order" in read_people(where, tr=TR).unread["sub-00"]
    assert len(read_people(where, tr=TR, trust_order=True).sessions) == 4


def test_the_order_of_regions_may_differ_from_person_to_person():
    data, brains = made(5)
    straight, _, _ = people_of(data, brains, band=None)
    named = {name: dataclasses.replace(brain, labels=LABELS) for name, brain in brains.items()}
    order = np.random.default_rng(5).permutation(REGIONS)
    data["sub-01"] = [data["sub-01"][0].select(order)]
    named["sub-01"] = named["sub-01"].select(order)
    data["sub-02"] = [data["sub-02"][0].select(order)]               # the recording alone
    people, failures, _ = people_of(data, named, band=None)
    assert not failures
    for person, other in zip(people, straight, strict=True):
        np.testing.assert_allclose(person.fit, other.fit, atol=1e-12)
        np.testing.assert_array_equal(person.brain.weights, other.brain.weights)


def test_regions_that_somebody_lacks(tmp_path):
    where = write_study(tmp_path / "study")
    data, _ = made()
    for name, lost in (("sub-01", 2), ("sub-03", 5)):
        table = np.array(data[name][0].data)
        table[:, lost] = np.nan
        write_table(where / f"{name}_ses-1_bold.tsv", LABELS, table.tolist())
    (where / "sub-_bold.tsv").write_text("nobody's")
    found = read_people(where, tr=TR)
    assert list(found.sessions) == ["sub-00", "sub-02"]
    assert f"region {LABELS[2]} holds" in found.unread["sub-01"]
    found = read_people(where, tr=TR, drop_bad=True)
    assert not found.unread
    left = tuple(label for k, label in enumerate(LABELS) if k not in (2, 5))
    assert {brain.labels for brain in found.brains.values()} == {left}
    assert {runs[0].labels for runs in found.sessions.values()} == {left}
    assert f"{LABELS[2]} (sub-01)" in " ".join(found.notes)
    # From Python, too: as many regions, but others, are no match.
    brains = {n: found.brains["sub-00"] for n in found.sessions}
    other = dataclasses.replace(found.sessions["sub-01"][0], labels=("x", *left[1:]))
    _, failures, _ = people_of(found.sessions | {"sub-01": [other]}, brains, band=None)
    assert "lacks 1 region" in failures["sub-01"]


def test_what_pipelines_write_is_found_among_what_lies_beside(tmp_path):
    data, brains = made()
    for name, (run,) in data.items():
        at = tmp_path / name / "func"
        at.mkdir(parents=True)
        stem = f"{name}_task-rest"
        write_table(at / f"{stem}_atlas-A8_stat-mean_timeseries.tsv", LABELS, run.data.tolist())
        write_table(at / f"{stem}_atlas-B8_stat-mean_timeseries.tsv", LABELS, (run.data + 1).tolist())
        write_table(at / f"{stem}_atlas-A8_stat-reho_bold.tsv", LABELS, run.data[:1].tolist())
        write_table(at / f"{stem}_desc-confounds_timeseries.tsv", ("framewise_displacement", "tsnr"),
                    [("n/a", 40.0)] + [(0.1 * len(name), 40.0)] * (VOLUMES - 1))
        (tmp_path / name / "dwi").mkdir()
        np.savez(tmp_path / name / "dwi" / f"{name}_conn.npz", sift=brains[name].weights, labels=np.array(LABELS))
    with pytest.raises(InputError, match=r"2 kinds, atlas- A8, B8.*--bold '\*_atlas-A8_\*_timeseries.tsv'"):
        read_people(tmp_path, tr=TR)
    found = read_people(tmp_path, tr=TR, bold="*_atlas-A8_*timeseries.tsv", sc="*_conn.npz::sift")
    assert not found.unread
    assert [len(runs) for runs in found.sessions.values()] == [1] * 4
    np.testing.assert_array_equal(found.sessions["sub-01"][0].data, data["sub-01"][0].data)
    np.testing.assert_allclose(found.brains["sub-02"].weights, brains["sub-02"].weights)
    assert found.covariates["sub-03"] == pytest.approx({"mean_fd": 0.6, "tsnr": 40.0})
    assert "mean_fd of 4 people from beside their recordings" in found.notes
    with pytest.raises(InputError, match="no file of anybody matches"):
        read_people(tmp_path, tr=TR, bold="*_atlas-A8_*timeseries.tsv", sc="*_connectivity.mat")


def test_scores_and_parameters_beside_motion_and_signal_to_noise():
    people, _, _ = people_of(*made(6), band=None)
    people = [dataclasses.replace(p, covariates={"mean_fd": 0.1 * k, "tsnr": "?"}) for k, p in enumerate(people)]
    found = [{"value.a": np.array([-k, -k - 1.0])} for k in range(6)]
    told, = with_quality(people, found, {p.name: {"model": 0.5 + 0.01 * (k % 3)} for k, p in enumerate(people)})
    assert (told["kind"], told["covariate"], told["people"]) == ("motion", "mean_fd", 6)
    rows = {row["what"]: row for row in told["rows"]}
    assert rows["a"]["rho"] == pytest.approx(-1)
    assert rows["r of model"]["ci95"][0] < rows["r of model"]["rho"] < rows["r of model"]["ci95"][1]
    assert "r of own" not in rows


def _cohort_of(values, errors, covariates):
    """Return a cohort's result that holds one regional parameter ``[u, n]`` and nothing else."""
    people = [f"sub-{k}" for k in range(len(values))]
    rows = [{"person": p, "parameter": "a", "region": f"r{j}", "unshrunken_free": values[k, j],
             "unshrunken_free_se": errors[k, j]} for k, p in enumerate(people) for j in range(values.shape[1])]
    return CohortResult({}, [], rows, (), {p: {n: c[k] for n, c in covariates.items()} for k, p in enumerate(people)})


def test_a_contrast_finds_what_is_there_and_nothing_else():
    rng = np.random.default_rng(0)
    age, site = rng.normal(size=60), np.repeat(["A", "B"], 30)
    errors = rng.uniform(0.1, 0.6, (60, 12))
    values = 0.3 * rng.normal(size=(60, 12)) + errors * rng.normal(size=(60, 12)) + (site == "B")[:, None]
    values[:, 0] += 0.5 * age
    result = _cohort_of(values, errors, {"age": age.tolist(), "site": site.tolist()})
    rows = contrast(result, "age", ["site"], blocks="site", permutations=500)
    assert rows[0]["q"] < 0.05
    assert abs(rows[0]["effect"] - 0.5) < 3 * rows[0]["se"]
    assert all(row["q"] > 0.05 for row in rows[1:])
    assert all(row["q"] < 0.05 for row in contrast(result, "site", ["age"], permutations=500))
    with pytest.raises(InputError, match="the same within every site"):
        contrast(result, "site", blocks="site")


def test_an_error_that_came_out_tiny_by_chance_decides_no_contrast():
    errors = np.full((40, 2), 0.5)
    errors[0, 0] = 1e-6
    assert moderated(errors)[0, 0] == pytest.approx(0.5 / np.sqrt(2))
    assert moderated(errors)[1:] == pytest.approx(errors[1:])
    values = np.zeros((40, 2))
    values[1:] = np.random.default_rng(0).normal(size=(39, 2))
    group = np.repeat([0.0, 1.0], 20)
    values[0] = -2.0
    first, second = contrast(_cohort_of(values, errors, {"group": group.tolist()}), "group", permutations=200)
    assert first["se"] == pytest.approx(second["se"], rel=0.2)


def test_permutation_p_is_uniform_where_nothing_is_there():
    rng = np.random.default_rng(2)
    errors = rng.uniform(0.05, 1.0, (30, 200))
    values = errors * rng.normal(size=errors.shape) + 0.2 * rng.normal(size=errors.shape)
    rows = contrast(_cohort_of(values, errors, {"x": rng.normal(size=30).tolist()}), "x", permutations=199)
    false = np.mean([row["p"] <= 0.05 for row in rows])
    assert false < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_the_spread_between_people_is_recovered():
    rng = np.random.default_rng(3)
    s = rng.uniform(0.2, 1.0, 4000)
    y = 0.5 * rng.normal(size=4000) + s * rng.normal(size=4000)
    assert between(y, s, np.ones((4000, 1))) == pytest.approx(0.5, abs=0.05)


def test_a_contrast_that_cannot_be_asked_is_refused_before_any_fit(study, tmp_path, capsys):
    for more, said in ((["--contrast", "iq"], "covariate 'iq': nobody has it"),
                       (["--contrast", "age", "--no-errors"], "no standard errors"),
                       (["--covariates", "age"], "nothing that is tested"),
                       (["--contrast", "age", "--covariates", "site", "mean_fd"], "4 with all covariates")):
        assert run(study, tmp_path / "out", *more) == 2
        assert said in capsys.readouterr().err
        assert not list(tmp_path.rglob("*.npz"))


@pytest.mark.parametrize("name", ["../away", "/tmp/away", "a/b", "", "group", ".."])
def test_a_person_cannot_name_a_place_outside_the_folder(tmp_path, name):
    data, brains = made(3)
    data[name], brains[name] = data.pop("sub-00"), brains.pop("sub-00")
    with pytest.raises(InputError, match="no name of a folder"):
        nmfit.fit_cohort(data, brains, folder=tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_folder_in_which_nobody_can_be_read_says_why(tmp_path, capsys):
    for path in write_study(tmp_path / "study").glob("*_weights.csv"):
        path.unlink()
    assert run(tmp_path / "study", tmp_path / "out") == 2
    assert "nobody of 4 can be read; sub-00: no connectome. Add sub-00_weights.csv" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_contrast_refuses_what_cannot_be_asked():
    result = _cohort_of(np.zeros((6, 2)), np.ones((6, 2)), {"x": [1.0] * 6, "g": list("aabbcc")})
    for name, said in (("x", "the same in everybody"), ("g", "3 levels"), ("y", "nobody has it")):
        with pytest.raises(InputError, match=said):
            contrast(result, name)
