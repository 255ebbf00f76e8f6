"""Check issue 10: what starting costs, the wheel, and the page of figures: `python tests/benchmarks/issue_10.py`.

Prints one line per figure: name, value, goal, pass or short, N, seconds. Comparisons with other programs come from what
`page.py` measured last (``--store``), since they take long; ``--tutorials [03 10]`` times tutorials instead.
"""

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import page
import page_text
from figures import say

ROOT = Path(__file__).parents[2]


def starting():
    """Print what an import and a help cost beside importing NumPy."""
    began = time.monotonic()
    found = page.measure_imports()
    added = found["numpy and nmfit"] - found["numpy"]
    say("import_added_to_numpy_seconds", added, "<0.1", added < 0.1, 5, began)
    ratio = found["help"] / found["numpy"]
    say("help_over_import_numpy", ratio, "<3", ratio < 3, 5, began)


def wheel():
    """Print the size of the wheel."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT], check=True)
        size = next(Path(folder).glob("*.whl")).stat().st_size / 2**20
    say("wheel_mib", size, "<5", size < 5, 1, began)


def tutorials(names):
    """Print the processor seconds of tutorials, each in a process of its own with nothing compiled before."""
    for path in sorted((ROOT / "tutorials").glob("[0-9]*.py")):
        if names != ["all"] and path.name[:2] not in names:
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")} | {
                "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg", "MNE_DATA": folder}
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, ROOT / "tests" / "tutorial.py", folder, path], check=True, env=environment,
                           stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        say(f"tutorial_{path.stem}_processor_seconds", seconds, "<60", seconds < 60, 1, began)


def beside_others(store):
    """Print the ratios of the page."""
    began = time.monotonic()
    for other in ("brainmass", "tvboptim"):
        folds = [k for k in page_text.folds_of(store, other) if k in page_text.folds_of(store, "nmfit")]
        if not folds:
            continue
        theirs = page_text.averaged(store, other, "regional", folds)
        best = page_text.averaged(store, "nmfit", "regional", folds)
        say(f"r_over_{other}_regional", best["r"] - theirs["r"], ">=0", best["r"] >= theirs["r"], len(folds), began)
        stages = dict.fromkeys(("regional", page_text.cheapest_as_good(store, folds, theirs["r"]) or "regional"))
        for stage, (state, key) in itertools.product(stages, page_text.STATES.items()):
            ratio = theirs["cpu"] / page_text.averaged(store, "nmfit", stage, folds, *key)["cpu"]
            say(f"{stage}_times_less_cpu_than_{other}_{state}", ratio, ">=100", ratio >= 100, len(folds), began)
    runs = store.get("simulate", {}).get("found", {})
    for job in ("hopf", "wong_wang"):
        steps = {name: run[job]["cpu"] / run[job]["steps"] for name, run in runs.items() if job in run}
        if "nmfit" in steps and len(steps) > 1:
            fastest = min(value for name, value in steps.items() if name != "nmfit")
            ratio = fastest / steps["nmfit"]
            say(f"simulation_{job}_times_faster_than_the_fastest", ratio, ">=1", ratio >= 1, len(steps), began)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", type=Path, default=Path(__file__).with_name("figures.json"))
    parser.add_argument("--tutorials", nargs="*", help="time these, by number; all of them where none is named")
    args = parser.parse_args()
    if args.tutorials is not None:
        tutorials(args.tutorials or ["all"])
        raise SystemExit
    starting()
    wheel()
    beside_others(json.loads(args.store.read_text()) if args.store.exists() else {})
