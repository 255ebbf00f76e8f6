"""Cohorts: roles of a person's data, scores beside trivial predictors, units that are done once, failures, status."""

import dataclasses

import numpy as np
import pytest

import nmfit
from nmfit.cli import main
from nmfit.cohort import CohortResult, contrast, deviation, scores, status
from nmfit.cohort.contrast import between
from nmfit.cohort.engine import engine, finished
from nmfit.cohort.people import people_of
from nmfit.cohort.reliability import icc
from nmfit.cohort.units import Unit, work
from nmfit.errors import InputError
from nmfit.io import write_table
from nmfit.io.people import read_people

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
    for name, (run,) in data.items():
        write_table(where / f"{name}_ses-1_bold.tsv", LABELS, run.data.tolist())
        np.savetxt(where / f"{name}_weights.csv", brains[name].weights, delimiter=",")
    (where / "labels.tsv").write_text("\n".join(LABELS) + "\n")
    (where / "participants.tsv").write_text("participant_id\tmean_fd\tsite\n" + "".join(
        f"sub-{k:02d}\t{0.1 + 0.05 * k * k}\t{'AB'[k % 2]}\n" for k in range(4)))
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
    assert run(study, where) == 0
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
    assert {"own", "group", "blend", "model", "blend_model", "swapped", "mean_fd"} <= set(head)
    assert first[head.index("site")] == "A"
    text = (folder / "report.html").read_text()
    assert len(text) < 2_000_000
    assert "Spearman" in text
    with pytest.raises(InputError, match="no cohort"):
        status(folder / "sub-00")


def test_a_second_run_computes_nothing_and_ends_with_the_same_bytes(study, folder, monkeypatch, capsys):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.suffix in (".npz", ".tsv")}
    times = {path: path.stat().st_mtime_ns for path in folder.glob("sub-*/*.npz")}
    monkeypatch.setattr("nmfit.cohort.deviation.minimise", None)
    assert run(study, folder) == 0
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


def test_a_contrast_refuses_what_cannot_be_asked():
    result = _cohort_of(np.zeros((6, 2)), np.ones((6, 2)), {"x": [1.0] * 6, "g": list("aabbcc")})
    for name, said in (("x", "the same in everybody"), ("g", "3 levels"), ("y", "nobody has it")):
        with pytest.raises(InputError, match=said):
            contrast(result, name)
