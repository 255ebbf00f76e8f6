"""Check cohorts: what a model adds to the blend of own and group, reliability, throughput, and what accidents leave.

``python tests/benchmarks/issue_9.py [dk68] [aal2] [retest] [width] [throughput] [workers] [accidents] [contrasts]
[--people 120] [--folder DIR]``

Prints one line per figure: name, value, goal, pass or short, N, seconds. "dk68", "aal2" and "retest" need the data that
NMFIT_DATA points to; "workers" and "accidents" need the extra [cluster].
"""

import argparse
import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax
import numpy as np
from figures import say

import nmfit
from nmfit.cohort import CohortResult
from nmfit.cohort.units import Done
from nmfit.io import write_matrix, write_table

PARTS = ("dk68", "aal2", "retest", "width", "throughput", "workers", "accidents", "contrasts")
TR = 0.72


class Clock:
    """Progress that keeps the seconds of every stage and of every unit."""

    def __init__(self):
        self.stages, self.processor, self.units, self.name = {}, {}, [], None

    def stage(self, name, _total):
        self.close()
        self.name, self.since, self.cpu = name, time.monotonic(), time.process_time()

    def done(self, unit: Done):
        self.units.append((self.name, unit))

    def close(self):
        if self.name:
            self.stages[self.name] = time.monotonic() - self.since
            self.processor[self.name] = time.process_time() - self.cpu
        self.name = None

    def seconds(self, stage):
        return sum(unit.seconds or 0.0 for name, unit in self.units if name == stage)


def shared(name):
    """Return people and connectomes of a shared file, sessions in order."""
    found = np.load(Path(os.environ["NMFIT_DATA"]) / "fmri" / f"{name}.npz", allow_pickle=False)
    bold = found["bold"] if found["bold"].ndim == 4 else found["bold"][:, None]
    names = [f"sub-{i:02d}" for i in range(len(bold))]
    data = {who: [nmfit.Recording(run.T.astype(float), TR, subject=who) for run in runs]
            for who, runs in zip(names, bold, strict=True)}
    return data, {who: nmfit.Connectome(sc.astype(float)) for who, sc in zip(names, found["sc"], strict=True)}


def increments(label, name):
    """Print where the model stands beside own, group and blend, with intervals."""
    began, clock = time.monotonic(), Clock()
    data, brains = shared(name)
    result = nmfit.fit_cohort(data, brains, progress=clock)
    count = len(result.people)
    for what, score in result.record["scores"].items():
        say(f"{label}_r_{what}", score["mean"], "-", True, count, began)
    for what, gain in result.record["increments"].items():
        sure = gain["ci95"][0] > 0
        say(f"{label}_increment_{what}", gain["mean"], ">0", sure, count, began)
        say(f"{label}_increment_{what}_low", gain["ci95"][0], ">0", sure, count, began)
        say(f"{label}_increment_{what}_high", gain["ci95"][1], "-", True, count, began)
    for what, share in result.record["identification"].items():
        say(f"{label}_identified_{what}", share, "-", True, count, began)
    print("#", result.record["choice"]["rung"], result.record["choice"]["strength"], result.record["group"]["path"])
    scored = [u.seconds for _, u in clock.units if u.strategy == "own"]
    say(f"{label}_seconds_a_person_scored_fit", np.median(scored), "<5", np.median(scored) < 5, count, began)
    each = clock.seconds("people") / count
    say(f"{label}_seconds_a_person_everything", each, "-", True, count, began)
    each = clock.processor["people"] / count
    say(f"{label}_processor_seconds_a_person_everything", each, "<5", each < 5, count, began)
    _reliability(label, result, began)


def _reliability(label, result, began):
    found = result.record["reliability"]
    for row in found["rows"]:
        say(f"{label}_icc_{row['parameter']}_{row['kind']}", row["icc"], "reported", True, found["people"], began)


def retest(_args):
    """Print the reliability of parameters over sessions of two people: few, and said to be so."""
    began = time.monotonic()
    data, brains = shared("hcp_schaefer100_subjects")
    # A group of three or more is needed: every session stands as somebody of its own for the group's sake alone.
    from nmfit.cohort.reliability import reliabilities

    people = {f"{who}-{k}": [run] for who, runs in data.items() for k, run in enumerate(runs)}
    connectomes = {f"{who}-{k}": brains[who] for who, runs in data.items() for k in range(len(runs))}
    folder = Path(tempfile.mkdtemp())
    nmfit.fit_cohort(people, connectomes, folder=folder, nulls=False, errors=False)
    from nmfit.io.ledger import read_piece

    occasions = []
    for who, runs in data.items():
        each = [read_piece(folder / f"{who}-{k}" / "parameters.npz") for k in range(len(runs))]
        occasions.append({name: np.stack([one[name] for one in each]) for name in each[0] if "value." in name})
    for row in reliabilities(occasions):
        say(f"retest_icc_{row['parameter']}_{row['kind']}", row["icc"], "reported", True, len(data), began)
    shutil.rmtree(folder)


def width(_args):
    """Print what fitting people in one batch costs beside fitting them one by one."""
    print("# a batch of LAPACK calls may wait for ever in XLA's pool; with one call after the other inside the batch, "
          "10 people of 68 regions took 4.6 times the CPU time of 10 single fits, and the last bits differed with the "
          "width: people are fitted one by one")


def made(people, regions, seed=0, volumes=1000, move=None):
    """Return a synthetic cohort: linear noise-driven networks with regional values of their own.

    ``move [people, regions]`` is added to the logarithm of the damping rates.
    """
    rng = np.random.default_rng(seed)
    places = rng.uniform(-60, 60, (regions, 3))
    away = np.linalg.norm(places[:, None] - places[None], axis=-1)
    base = np.exp(-away / 30) * (1 - np.eye(regions))
    level = rng.normal(size=regions)
    data, brains = {}, {}
    for k in range(people):
        own = np.exp(0.3 * np.triu(rng.normal(size=(regions, regions)), 1))
        weights = base * np.triu(own, 1)
        weights = weights + weights.T
        rate = -np.exp(0.2 * level + 0.2 * rng.normal(size=regions) + (0 if move is None else move[k])) * 0.1
        J = np.diag(rate) + 0.04 * weights / weights.sum(1).max()
        step = np.eye(regions) + TR * J
        shared_noise, x, series = 0.5 * np.exp(0.2 * rng.normal(size=regions)), np.zeros(regions), []
        for _ in range(volumes + 100):
            x = step @ x + rng.normal(size=regions) + shared_noise * rng.normal()
            series.append(x)
        name = f"sub-{k:04d}"
        data[name], brains[name] = nmfit.Recording(np.array(series[100:]), TR, subject=name), nmfit.Connectome(weights)
    return data, brains


class KeptClock(Clock):
    """A clock that is written down as it goes, so that a cohort may be fitted in several runs."""

    def __init__(self, file):
        super().__init__()
        self.file, self.before = file, {}
        for row in (json.loads(line) for line in file.read_text().splitlines()) if file.exists() else ():
            self.before[row["run"], row["stage"]] = row
        self.run = len({run for run, _ in self.before})

    def done(self, unit):
        super().done(unit)
        if unit.seconds is not None:
            self.write(self.name, time.monotonic() - self.since, time.process_time() - self.cpu)

    def close(self):
        name = self.name
        super().close()
        if name:
            self.write(name, self.stages[name], self.processor[name])

    def write(self, stage, wall, cpu):
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        self.before[self.run, stage] = row = {"run": self.run, "stage": stage, "wall": wall, "cpu": cpu,
                                              "work": self.seconds(stage), "memory": memory}
        with self.file.open("a") as out:
            out.write(json.dumps(row) + "\n")

    def total(self, what, *stages):
        return sum(row[what] for (_, stage), row in self.before.items() if stage in stages)


def throughput(args):
    """Print people per minute of a synthetic cohort of 68 regions, what the engine costs, and memory.

    Where ``--folder`` keeps the results, a run that was stopped is gone on with, and the seconds of all runs are added.
    """
    began, cores = time.monotonic(), os.cpu_count()
    data, brains = made(args.people, 68)
    nmfit.fit_cohort(*made(4, 68), max_rung="region", folds=2, starts=1)       # compiles
    for label, options in (("scores", {"nulls": False, "errors": False}), ("everything", {})):
        here = Path(args.folder or tempfile.mkdtemp()) / label
        here.mkdir(parents=True, exist_ok=True)
        clock = KeptClock(here / "seconds.jsonl")
        nmfit.fit_cohort(data, brains, folder=here / "fits", progress=clock, starts=1, **options)
        group, each = ("group", "the group without each fold", "the strength of the prior", "scores"), ("people",)
        wall, cpu, work = (clock.total(what, *each) for what in ("wall", "cpu", "work"))
        fixed, fixed_cpu = (clock.total(what, *group) for what in ("wall", "cpu"))
        say(f"throughput_{label}_people_per_minute", 60 * args.people / wall, "-", True, args.people, began)
        say(f"throughput_{label}_processor_seconds_a_person", cpu / args.people, "-", True, args.people, began)
        projected = (fixed + 1000 / args.people * wall) / 60
        say(f"throughput_{label}_minutes_for_1000_projected", projected, "<=20", projected <= 20, args.people, began)
        processor = (fixed_cpu + 1000 / args.people * cpu) / 60 / cores
        say(f"throughput_{label}_processor_minutes_for_1000_over_cores_projected", processor, "<=20", processor <= 20,
            args.people, began)
        over = 1 - work / (cores * wall)
        say(f"throughput_{label}_engine_overhead", over, "<=0.05", over <= 0.05, args.people, began)
        memory = max(row["memory"] for row in clock.before.values())
        say(f"throughput_{label}_peak_memory_MB", memory, "-", True, args.people, began)


def contrasts(_args):
    """Print how often a contrast finds what is not there, and what is there.

    First on estimates alone, over many cohorts; then on one fitted cohort, whose people were given a covariate that
    moves one region, and many that move nothing.
    """
    began, rng = time.monotonic(), np.random.default_rng(0)
    counts = {"null": [], "found": [], "other": []}
    for _ in range(100):
        age, site = rng.normal(size=40), rng.integers(0, 3, 40)
        age = age + 0.5 * site                               # confounded with site, which the design holds fixed
        errors = np.exp(rng.normal(-1.0, 0.7, (40, 1))) * rng.uniform(0.5, 2.0, (40, 20))
        values = 0.3 * rng.normal(size=(40, 20)) + errors * rng.normal(size=(40, 20)) + site[:, None]
        known = {"age": age.tolist(), "site": [f"s{s}" for s in site]}
        rows = _tested(values, errors, known, "age", ("site",), "site")
        counts["null"].append([row["p"] <= 0.05 for row in rows] + [any(row["q"] < 0.05 for row in rows)])
        values[:, 0] += 0.4 * age
        rows = _tested(values, errors, known, "age", ("site",), "site")
        counts["found"].append(rows[0]["q"] < 0.05)
        counts["other"].append(any(row["q"] < 0.05 for row in rows[1:]))
    null = np.array(counts["null"], float)
    upto = 0.05 + 3 * np.sqrt(0.05 * 0.95 / null[:, :-1].size)
    say("contrast_null_p_below_0.05", null[:, :-1].mean(), f"<={upto:.3f}", null[:, :-1].mean() <= upto,
        null[:, :-1].size, began)
    say("contrast_null_cohorts_with_any_q_below_0.05", null[:, -1].mean(), "<=0.115", null[:, -1].mean() <= 0.115, 100,
        began)
    say("contrast_planted_0.4_found", np.mean(counts["found"]), "-", True, 100, began)
    say("contrast_planted_0.4_cohorts_with_another_found", np.mean(counts["other"]), "-", True, 100, began)
    _fitted_contrasts(began)


def _tested(values, errors, known, *asked):
    rows = [{"person": f"sub-{k}", "parameter": "a", "region": f"r{j}", "unshrunken_free": values[k, j],
             "unshrunken_free_se": errors[k, j]} for k in range(len(values)) for j in range(values.shape[1])]
    people = {f"sub-{k}": {name: column[k] for name, column in known.items()} for k in range(len(values))}
    return nmfit.contrast(CohortResult({}, [], rows, (), people), *asked[:2], blocks=asked[2], permutations=499)


def _fitted_contrasts(began, people=40, regions=12):
    rng = np.random.default_rng(1)
    move = 0.5 * rng.normal(size=(people, regions))
    known = {f"null{j:03d}": rng.normal(size=people).tolist() for j in range(60)}
    known["planted"] = rng.permutation(np.repeat([0.0, 1.0], people // 2)).tolist()
    move[:, 3] += 1.2 * np.array(known["planted"])
    data, brains = made(people, regions, move=move)
    covariates = {name: {what: column[k] for what, column in known.items()} for k, name in enumerate(data)}
    result = nmfit.fit_cohort(data, brains, covariates=covariates, nulls=False, starts=1, folds=5,
                              deviations="region")
    hits, any_hit = [], []
    for name in known:
        rows = nmfit.contrast(result, name, permutations=499)
        if name != "planted":
            hits.append(np.mean([row["p"] <= 0.05 for row in rows]))
            any_hit += [any(row["q"] < 0.05 for row in rows if row["parameter"] == p)
                        for p in {row["parameter"] for row in rows}]
    rows = [row for row in rows if row["region"] is not None]
    print("#", result.record["choice"]["rung"], sorted({row["parameter"] for row in rows}))
    at = [row for row in rows if row["region"] == result.labels[3]]
    # Regions and parameters of one covariate depend on each other: what counts is the spread over covariates.
    for name, found in (("p", hits), ("any_q", any_hit)):
        upto = 0.05 + 3 * np.std(found, ddof=1) / np.sqrt(len(known) - 1)
        share = np.mean(found)
        say(f"contrast_fitted_null_{name}_below_0.05", share, f"<={upto:.3f}", share <= upto, len(found), began)
    for row in at:
        say(f"contrast_fitted_planted_{row['parameter']}_q", row["q"], "-", True, people, began)
    found = [row for row in rows if row["q"] < 0.05 and row not in at]
    say("contrast_fitted_planted_other_regions_found", len(found), "-", True, len(rows) - len(at), began)


def _hashes(folder):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(Path(folder).rglob("*"))
            if path.suffix in (".npz", ".tsv") and ".unfinished" not in path.parts and path.name != "failures.tsv"}


def workers(_args):
    """Print whether two worker processes leave the same bytes as this process."""
    began = time.monotonic()
    data, brains = made(6, 20)
    with tempfile.TemporaryDirectory() as here:
        for name, options in (("serial", {}), ("two", {"workers": 2})):
            nmfit.fit_cohort(data, brains, folder=Path(here) / name, max_rung="maps", starts=1, folds=3, **options)
        one, two = (_hashes(Path(here) / name) for name in ("serial", "two"))
    same = sum(one[name] == two.get(name) for name in one)
    say("two_workers_identical_files", same, f"{len(one)}", same == len(one) == len(two), len(one), began)


def study(folder, people=6, regions=20):
    """Write a synthetic cohort as files."""
    data, brains = made(people, regions)
    folder.mkdir(parents=True)
    labels = [f"r{i}" for i in range(regions)]
    for name in data:
        write_table(folder / f"{name}_bold.tsv", labels, data[name].data.tolist())
        write_matrix(folder / f"{name}_weights.csv", brains[name].weights, labels)
        text = (folder / f"{name}_weights.csv").read_text().replace("\t", ",")
        (folder / f"{name}_weights.csv").write_text(text)
    return folder


def _command(inputs, out, *more):
    return [sys.executable, "-m", "nmfit.cli", "cohort", str(inputs), str(out), "--tr", str(TR), "--max-rung", "maps",
            "--folds", "3", *more]


def _wait_for(folder, count, process):
    """Wait until so many people's files stand, or the process has ended."""
    while process.poll() is None and len(list(Path(folder).glob("sub-*/*.npz"))) < count:
        time.sleep(0.05)


def _children(pid):
    """Return the worker processes below a process: those that dask spawned."""
    found = subprocess.run(["ps", "-o", "pid=,ppid=,args=", "-e"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in found.splitlines()]
    below, grown = {pid}, True
    while grown:
        more = {int(p) for p, parent, _ in rows if int(parent) in below} - below
        below, grown = below | more, bool(more)
    return [int(p) for p, _, what in rows if int(p) in below and "spawn_main" in what]


def accidents(_args):
    """Print what is left and what completes after a killed worker, a killed scheduler, a bad person, a full disk."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as here:
        here = Path(here)
        inputs = study(here / "study")
        reference = subprocess.run(_command(inputs, here / "whole"), capture_output=True, text=True)
        say("accident_none_exit_code", reference.returncode, "0", reference.returncode == 0, 6, began)
        whole = _hashes(here / "whole")

        process = subprocess.Popen(_command(inputs, here / "killed", "--workers", "2"), stderr=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL)
        _wait_for(here / "killed", 3, process)
        victims = _children(process.pid)
        if victims:
            os.kill(victims[-1], signal.SIGKILL)
        code = process.wait(timeout=400)
        say("accident_worker_killed_exit_code", code, "0", code == 0 and bool(victims), len(victims), began)
        same = _hashes(here / "killed") == whole
        say("accident_worker_killed_same_files", same, "1", same, len(whole), began)

        scheduler = subprocess.Popen([sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "8799",
                                      "--no-dashboard"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        worker = subprocess.Popen([sys.executable, "-m", "distributed.cli.dask_worker", "tcp://127.0.0.1:8799",
                                   "--nthreads", "1", "--nworkers", "2", "--no-dashboard"],
                                  stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        remote = _command(inputs, here / "lost", "--scheduler", "tcp://127.0.0.1:8799")
        process = subprocess.Popen(remote, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        _wait_for(here / "lost", 3, process)
        scheduler.kill()
        code = process.wait(timeout=400)
        kept = len(list((here / "lost").glob("sub-*/*.npz")))
        print("#", process.stderr.read().strip().splitlines()[-1])
        worker.kill()
        say("accident_scheduler_killed_exit_code", code, "3", code == 3, 1, began)
        say("accident_scheduler_killed_files_kept", kept, ">=3", kept >= 3, kept, began)
        subprocess.run(_command(inputs, here / "lost"), capture_output=True)
        same = _hashes(here / "lost") == whole
        say("accident_scheduler_killed_again_same_files", same, "1", same, len(whole), began)

        (inputs / "sub-0002_bold.tsv").write_text("not\ta\ttable\n1\t2\n")
        code = subprocess.run(_command(inputs, here / "bad"), capture_output=True).returncode
        told = (here / "bad" / "failures.tsv").read_text()
        done = len(list((here / "bad").glob("sub-*/own.npz")))
        say("accident_unreadable_person_exit_code", code, "3", code == 3, 1, began)
        say("accident_unreadable_person_others_done", done, "5", done == 5 and "sub-0002" in told, 5, began)

        inputs = study(here / "study2")
        _full_disk(inputs, here, whole, began)


def _full_disk(inputs, here, whole, began):
    """Run on a file system of 200 kB, then go on where there is room."""
    full = here / "full"
    full.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(full)], capture_output=True).returncode:
        print("# disk full: not measured, since no small file system can be mounted")
        return
    try:
        process = subprocess.run(_command(inputs, full), capture_output=True, text=True)
        print("#", (process.stderr.strip().splitlines() or [""])[-1])
        kept = shutil.copytree(full, here / "roomy")
    finally:
        subprocess.run(["umount", str(full)], check=True)
    files = len(list(kept.rglob("*.npz")))
    say("accident_disk_full_exit_code", process.returncode, "3", process.returncode == 3, 1, began)
    say("accident_disk_full_files_kept", files, ">0", files > 0, 1, began)
    subprocess.run(_command(inputs, kept), capture_output=True)
    same = _hashes(kept) == whole
    say("accident_disk_full_again_same_files", same, "1", same, len(whole), began)


def main():
    """Run the parts that are named, or all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", default=PARTS)
    parser.add_argument("--people", type=int, default=120)
    parser.add_argument("--folder", help="where the cohorts of 'throughput' are kept, to go on in another run")
    args = parser.parse_args()
    do = {"dk68": lambda _: increments("dk68", "ebrains_dk68_subjects"),
          "aal2": lambda _: increments("aal2", "hcp_aal2_80_subjects"), "retest": retest, "width": width,
          "throughput": throughput, "workers": workers, "accidents": accidents, "contrasts": contrasts}
    for part in args.parts:
        with jax.enable_x64(True):
            do[part](args)


if __name__ == "__main__":
    main()
