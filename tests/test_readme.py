"""What the README shows works: its Python runs on small data, its commands are commands, its links lead somewhere."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import nmfit as nf
from nmfit import cli

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
PYTHON = [body for language, body in BLOCKS if language == "python"]
COMMANDS = [line for language, body in BLOCKS if not language for line in body.splitlines()
            if line.startswith(("nmfit ", "pip "))]
LABELS = [f"{name}_{side}" for name in ("Calcarine", "Insula", "Angular") for side in "LR"]


def table(path, values, separator):
    rows = [separator.join(f"{v:.6g}" for v in row) for row in values]
    path.write_text("\n".join([separator.join(LABELS), *rows]) + "\n")


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Write the files that the README names, small; end fits at their first rung."""
    rng = np.random.default_rng(0)
    weights = rng.uniform(1, 5, (6, 6))
    weights = (weights + weights.T) * (1 - np.eye(6))
    table(tmp_path / "sc.csv", weights, ",")
    table(tmp_path / "lengths.csv", 20 * weights, ",")
    (tmp_path / "labels.tsv").write_text("label\tx\ty\tz\n" + "\n".join(
        f"{name}\t{10 * k - 30}\t{-20 * k}\t{5 * k}" for k, name in enumerate(LABELS)) + "\n")
    for who in "123":
        table(tmp_path / f"sub-{who}_bold.tsv", rng.normal(size=(360, 6)) + rng.normal(size=(360, 1)), "\t")
        (tmp_path / f"sub-{who}_bold.json").write_text('{"RepetitionTime": 2.0}')
    monkeypatch.chdir(tmp_path)
    fit = nf.fit
    monkeypatch.setattr(nf, "fit", lambda target, brain, **options: fit(
        target, brain, **(options | {"max_rung": "shared", "n_null": 0, "starts": 1, "confirm": False, "steps": 5})))
    return tmp_path


def test_there_is_something_to_test():
    assert len(PYTHON) >= 2
    assert len(COMMANDS) >= 5


@pytest.mark.parametrize("body", [pytest.param(b, id=f"block {k}") for k, b in enumerate(PYTHON)])
@pytest.mark.usefixtures("data")
def test_python_runs(body, monkeypatch):
    import nmfit.report.files
    import nmfit.report.page

    monkeypatch.setattr(nmfit.report.files, "figures", lambda _: [])          # drawing has tests of its own
    monkeypatch.setattr(nmfit.report.page, "page", lambda _: "<html></html>")
    space = {}
    exec(compile(body, "README.md", "exec"), space)
    if "result" in space:
        assert space["result"].chosen == space["again"].chosen
    if "run" in space:
        assert np.isfinite(space["run"].data).all()
        assert np.ptp(space["run"].data) > 0


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_are_read(line):
    for command in line.split("&&"):
        words = shlex.split(command)
        if words[0] == "pip":
            assert words[1:] in (["install", "."], ["install", ".[test]"], ["install", "."])
        elif words[0] == "nmfit":
            cli._parser().parse_args(words[1:])
        else:
            assert words in (["pytest"],)


def test_links_lead_somewhere():
    for where in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert where.startswith("http") or (ROOT / where).exists(), where
