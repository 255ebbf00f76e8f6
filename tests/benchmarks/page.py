"""Measure the page of figures, piece by piece, and write it: docs/figures.md.

``NMFIT_DATA=... python tests/benchmarks/page.py [PIECE ...] [--store FILE]`` measures the pieces named (all that the
store does not hold yet, unless given), keeps each with its date, and writes the page from what is there. ``--list``
names the pieces. Others run where NMFIT_NEUROLIB_PYTHON, NMFIT_TVB_PYTHON, NMFIT_BRAINMASS_PYTHON and
NMFIT_TVBOPTIM_PYTHON name interpreters that have them.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "figures.md"
FOLDS = tuple(range(7))
OTHERS = ("tvboptim", "brainmass", "neurolib", "tvb")


def interpreter(name):
    """Return the interpreter that has a program, or None."""
    return sys.executable if name == "nmfit" else os.environ.get(f"NMFIT_{name.upper()}_PYTHON")


def ask(name, job, data, cache=None):
    """Run a job of another program in a process of its own; return what it measured, or why there is nothing."""
    python = interpreter(name)
    if python is None:
        return {"missing": "not installed here"}
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_") and k != "PYTHONPATH"}
    if name == "nmfit":
        environment["PYTHONPATH"] = str(HERE.parents[1])
    if cache is not None:                 # what the command line keeps of its own accord
        environment |= {"JAX_COMPILATION_CACHE_DIR": cache, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.3"}
    began = time.perf_counter()
    done = subprocess.run([python, "-W", "ignore", HERE / "peers" / f"with_{name}.py", job, data],
                          capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        return {"missing": (done.stderr.strip().splitlines() or ["no output"])[-1][:200]}
    asked = ("from importlib.metadata import version; "
             f"print(version({('tvb-library' if name == 'tvb' else name)!r}))")
    told = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=False, env=environment)
    return json.loads(done.stdout.strip().splitlines()[-1]) | {
        "process": time.perf_counter() - began, "version": told.stdout.strip()}


def fold_file(folder, k):
    """Write what everybody gets: six people's mean weights and FC (0.01 to 0.1 Hz) to fit, one person's to score."""
    from nmfit.compare.empirical import functional_connectivity, group_fc

    with np.load(Path(os.environ["NMFIT_DATA"]) / "fmri" / "hcp_aal2_80_subjects.npz", allow_pickle=False) as d:
        bold, sc, tr, labels = d["bold"].astype(float), d["sc"].astype(float), float(d["tr"]), d["labels"]
    fcs = np.stack([functional_connectivity(b.T, tr, (0.01, 0.1)) for b in bold])
    rest = np.arange(len(bold)) != k
    weights = sc[rest].mean(0)
    path = Path(folder) / f"fold{k}.npz"
    np.savez(path, weights=(weights + weights.T) / 2 * (1 - np.eye(len(weights))), labels=labels, tr=tr,
             fc_fit=group_fc(fcs[rest]), fc_score=fcs[k], bold_fit=np.moveaxis(bold[rest], 1, 2), bold_score=bold[k].T)
    return path


def ninety(folder):
    """Write a made-up network of 90 regions."""
    rng = np.random.default_rng(0)
    weights = rng.lognormal(0.0, 1.5, (90, 90))
    path = Path(folder) / "ninety.npz"
    np.savez(path, weights=(weights + weights.T) * (1 - np.eye(90)), fc_fit=np.eye(90) * 0.7 + 0.3)
    return path


def held_out_r(fc, score):
    """Return r over pairs, the measure that all are held to."""
    at = np.triu_indices(len(score), 1)
    return float(np.corrcoef(np.asarray(fc)[at], score[at])[0, 1])


def measure_job(job, names):
    """Measure a job of 90 regions by everybody who has it, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        data = ninety(folder)
        return {name: ask(name, job, data) for name in names}


def measure_fit(k, name):
    """Fit one fold by one program; keep its time and what it predicts of the person left out."""
    with tempfile.TemporaryDirectory() as folder:
        data = fold_file(folder, k)
        with np.load(data, allow_pickle=False) as file:
            given = dict(file)
        score = given["fc_score"]
        if name == "nmfit":
            rows, told = {}, {}
            for stage in ("shared", "maps", "regional"):
                cold, told = (ask("nmfit", f"fit_{stage}", data, cache=str(Path(folder) / stage)) for _ in range(2))
                rows[stage] = {"cold": {n: cold["first"][n] for n in ("wall", "cpu")},
                               "kept": {n: told["first"][n] for n in ("wall", "cpu")},
                               **{n: told["again"][n] for n in ("wall", "cpu")},
                               "r": held_out_r(told["again"]["fc"], score)}
            return rows | {n: told[n] for n in ("import", "peak_mb", "version")}
        if name == "brainmass":
            found = ask("brainmass", "fit", data)
            if "missing" in found:
                return found
            return {stage: found[stage] | {"r": held_out_r(found["fc"][stage], score)}
                    for stage in ("shared", "regional")} | {n: found[n] for n in ("import", "peak_mb", "version")}
        first = ask("tvboptim", "fit_shared", data)
        if "missing" in first:
            return first
        np.savez(data, **given, G=first["G"], w=first["w"])
        second = ask("tvboptim", "fit_regional", data)
        if "missing" in second:
            return second
        for stage in (first, second):
            for point in stage["way"]:
                point["r"] = held_out_r(point.pop("fc"), score)
        return {"shared": {n: first[n] for n in ("wall", "cpu", "way", "steps")} | {
                    "r": held_out_r(first["fc"], score)},
                "regional": {"wall": first["wall"] + second["wall"], "cpu": first["cpu"] + second["cpu"],
                             "way": second["way"], "steps": second["steps"], "r": held_out_r(second["fc"], score)},
                "import": first["import"], "peak_mb": first["peak_mb"], "version": first["version"]}


def measure_climb(k):
    """Time all that `nmfit.fit` does on a fold, wrong connectomes and confirmation included."""
    with tempfile.TemporaryDirectory() as folder:
        data = fold_file(folder, k)
        with np.load(data, allow_pickle=False) as file:
            score = file["fc_score"]
        found = ask("nmfit", "climb", data)
        return found | {"r": held_out_r(found.pop("fc"), score)}


def measure_growth():
    """Time how nmfit grows with regions, states and people."""
    with tempfile.TemporaryDirectory() as folder:
        return ask("nmfit", "growth", ninety(folder))


def measure_imports():
    """Time what starting costs, best of five processes each."""
    def seconds(*command):
        times = []
        for _ in range(5):
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True,
                           env=os.environ | {"PYTHONPATH": str(HERE.parents[1])})
            times.append(time.perf_counter() - began)
        return min(times)

    python = sys.executable
    return {"python": seconds(python, "-c", "pass"), "numpy": seconds(python, "-c", "import numpy"),
            "nmfit": seconds(python, "-c", "import nmfit"),
            "numpy and nmfit": seconds(python, "-c", "import numpy, nmfit"),
            "help": seconds(python, "-m", "nmfit.cli", "--help")}


PIECES = {
    "simulate": lambda: measure_job("simulate", ("nmfit", *OTHERS)),
    "gradient": lambda: measure_job("gradient", ("nmfit", "tvboptim", "brainmass")),
    **{f"fit-{k}-{name}": (lambda k=k, name=name: measure_fit(k, name))
       for k in FOLDS for name in ("nmfit", "brainmass", "tvboptim")},
    "climb": lambda: measure_climb(FOLDS[0]),
    "growth": measure_growth,
    "imports": measure_imports,
}


def machine():
    """Return what the machine is, without saying whose."""
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"cpu": model, "cores": os.cpu_count(), "memory_gib": round(memory, 1), "system": platform.system(),
            "python": platform.python_version(),
            **{name: version(name) for name in ("jax", "jaxlib", "numpy", "scipy")}}


def main():
    """Measure what was asked, keep it, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pieces", nargs="*", choices=[*PIECES, []])
    parser.add_argument("--store", type=Path, default=HERE / "figures.json")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--write-only", action="store_true", help="write the page from what the store holds")
    args = parser.parse_args()
    if args.list:
        print(*PIECES, sep="\n")
        return
    store = json.loads(args.store.read_text()) if args.store.exists() else {}
    wanted = [] if args.write_only else args.pieces or [name for name in PIECES if name not in store]
    for name in wanted:
        load, began = os.getloadavg()[0], time.perf_counter()
        found = PIECES[name]()
        store[name] = {"date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M"), "load": load,
                       "seconds": time.perf_counter() - began, "machine": machine(), "found": found}
        args.store.write_text(json.dumps(store, indent=1) + "\n")
        print(f"# {name}: {store[name]['seconds']:.0f} s", flush=True)
    import page_text

    if text := page_text.page(store):
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
