"""Write docs/costs.md from what tests/benchmarks/bench_engines.py measured: ``python scripts/make_costs.py *.json``."""

import json
import sys
from pathlib import Path

from nmfit.models import MODELS

HEAD = """# What models cost

Processor time on one core, compiled, float64, and the memory that the compiled program needs beside its arguments
(XLA's own account). Made-up dense connectomes, no instrument before the reading; measured by
`tests/benchmarks/bench_engines.py` and written by `scripts/make_costs.py`. The machine was shared: ratios are what to
take away.
"""


def rows_of(paths):
    """Return ``{(engine, model, regions): (seconds, bytes)}``."""
    found = {}
    for path in paths:
        for one in json.loads(Path(path).read_text())["benchmarks"]:
            engine = "simulation" if "simulation" in one["name"] else "linear"
            seconds, info = one["stats"]["min"], one["extra_info"]
            if engine == "simulation":
                seconds /= info["steps"] * info["step"]
            found[engine, one["params"]["name"], one["params"]["regions"]] = (seconds, info["bytes"], info.get("step"))
    return found


def cell(entry):
    """Tell seconds and memory in three digits at most."""
    if entry is None:
        return "–"
    seconds, mb = entry[0], entry[1] / 1e6
    time = f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"
    return f"{time}, " + (f"{mb / 1e3:.3g} GB" if mb >= 1e3 else f"{mb:.3g} MB")


def table(found, engine, title):
    """Return a section: one row per model, one column per size."""
    sizes = sorted({n for e, _, n in found if e == engine})
    names = [name for name in MODELS if any((e, m) == (engine, name) for e, m, _ in found)]
    yield f"\n## {title}\n"
    stepped = engine == "simulation"
    yield "| model | " + ("step | " if stepped else "") + " | ".join(f"{n} regions" for n in sizes) + " |"
    yield "| --- |" + " --- |" * (len(sizes) + stepped)
    for name in names:
        cells = [cell(found.get((engine, name, n))) for n in sizes]
        steps = {entry[2] for (e, m, _), entry in found.items() if (e, m) == (engine, name)}
        step = [" to ".join(f"{s * 1e3:g}" for s in sorted(steps)) + " ms"] if stepped else []
        yield f"| {name} | " + " | ".join(step + cells) + " |"


def main():
    """Print the page."""
    found = rows_of(sys.argv[1:])
    print(HEAD.rstrip())
    for engine, title in (("linear", "Closed form: value and gradient in shared parameters, 8 frequencies"),
                          ("simulation", "Simulation: one second, at the library's own step")):
        print("\n".join(table(found, engine, title)))


if __name__ == "__main__":
    main()
