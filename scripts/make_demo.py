"""Run the demo and write what the README shows of it: the transcript and docs/figures/demo_climb.svg.

``python scripts/make_demo.py [FOLDER]``: with a folder that already holds the demo's result, that is shown.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import nmfit
from nmfit.cli import main

ROOT = Path(__file__).resolve().parent.parent
HEAD = "## What the demo says\n\n```\n"


def transcript(folder):
    """Return the summary from the climb to the answer: what comes after is for who reads on."""
    lines = nmfit.load_result(folder).summary().splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("climb"))
    last = next(i for i, line in enumerate(lines) if line.startswith(("what the data determine", "flags")))
    return "\n".join(lines[first:last]).rstrip() + "\n"


def show(folder):
    """Put the transcript into the README and the figure beside it."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    before, rest = readme.split(HEAD)
    (ROOT / "README.md").write_text(f"{before}{HEAD}{transcript(folder)}```{rest.split('```', 1)[1]}", encoding="utf-8")
    shutil.copy(Path(folder) / "figures" / "climb.svg", ROOT / "docs" / "figures" / "demo_climb.svg")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        show(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            if main(["demo", "-o", folder, "--overwrite"]) in (0, 1):
                show(folder)
