"""Runs a tutorial as a notebook does, cell by cell, and gathers the figures that its cells end on."""

import ast
import re
import time
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

ROOT = Path(__file__).parents[1]
TUTORIALS = sorted((ROOT / "tutorials").glob("[0-9]*.py"))
CELL = re.compile(r"^# %%.*\n", re.MULTILINE)


def cells(path):
    """Return the pairs (kind, source) of a percent script: kind is "markdown" or "code"."""
    text = path.read_text(encoding="utf-8")
    heads = [m.group() for m in CELL.finditer(text)]
    bodies = CELL.split(text)
    assert not bodies[0].strip(), f"{path.name} begins before its first cell"
    kinds = ["markdown" if "[markdown]" in head else "code" for head in heads]
    return list(zip(kinds, bodies[1:], strict=True))


def run(path):
    """Run every code cell in one namespace; return the figures on which cells end, and the seconds taken."""
    matplotlib.use("Agg")
    began, space, figures = time.monotonic(), {"__name__": "__main__"}, []
    for kind, source in cells(path):
        if kind == "markdown":
            continue
        tree = ast.parse(source)
        last = tree.body[-1] if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        body = ast.Module(tree.body[:-1] if last else tree.body, [])
        exec(compile(body, str(path), "exec"), space)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), str(path), "eval"), space)
            figures += [value] if isinstance(value, Figure) else []
    return figures, time.monotonic() - began


if __name__ == "__main__":
    import sys

    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    for name in sys.argv[2:]:
        drawn, seconds = run(Path(name))
        print(f"## {name}: {len(drawn)} figures, {seconds:.1f} s")
        for k, figure in enumerate(drawn):
            figure.savefig(folder / f"{Path(name).stem}_{k}.png", dpi=80)
