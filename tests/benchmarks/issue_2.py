"""Check the main job: fits of FC, what they are held against, and how often "explained" is said.

``NMFIT_DATA=... python tests/benchmarks/issue_2.py [demo] [schaefer] [people] [size] [power] [--count 100]``

Prints one line per figure: name, value, goal, pass or short, N, seconds. Lines that begin with # are tables.
Size and power fit 100 data sets of each kind: ``--claims FILE`` keeps what was said of each, so that a later call goes
on where an earlier one stopped, and ``--minutes M`` stops after the fit that passes them. ``--keep FOLDER`` does the
same for the searches of people and of the Schaefer part, ``--maps`` and ``--stage`` name pieces of it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from unittest import mock

import jax
import numpy as np
from figures import say

import nmfit
from nmfit.cli.compiled import keep_compiled_code
from nmfit.fit.comparisons import gather
from nmfit.fit.evidence import KINDS, Null, baseline_scores, climb_path, heldout, surrogate
from nmfit.fit.fc import fit as fit_fc
from nmfit.fit.fc import plan_of
from nmfit.fit.rungs import LEVELS, Rung
from nmfit.fit.threads import one_core_each, side_by_side
from nmfit.io import Ledger
from nmfit.io.inputs import read_inputs

SHRINKAGE = 1e-5          # what the climb chooses on these data for regions and edges
TR = 2.0
FEW = 2                   # nulls of each kind drawn at a time where a decision is all that is asked
MAPS = ("thickness", "fcgradient01")
PARTS = ("demo", "schaefer", "people", "size", "power")


def demo(_asked):
    """Run `nmfit demo` as a user does, twice: cold, and with what it compiled kept."""
    for name in ("demo_seconds_first", "demo_seconds_again"):
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            cache = Path(tempfile.gettempdir()) / f"nmfit-demo-{os.getpid()}"
            done = subprocess.run([sys.executable, "-m", "nmfit.cli", "demo", "-o", folder, "--overwrite"],
                                  capture_output=True, text=True, check=False,
                                  env=os.environ | {"JAX_COMPILATION_CACHE_DIR": str(cache)})
            record = json.loads((Path(folder) / "fit.json").read_text())
        seconds = time.monotonic() - began
        say(name, seconds, "<60", seconds < 60, 5, began)
    print("#", done.stdout.replace("\n", "\n# "))
    score = next(r["score_heldout"] for r in reversed(record["rungs"]) if r["kept"])
    say("demo_heldout_r", score, "-", done.returncode == 0, 5, began)
    agrees = record["confirmation"]["agrees"] or "confirmation_disagrees" in record["flags"]
    say("demo_confirmation_agrees_or_is_flagged", agrees, 1, agrees, 20, began)


def schaefer_inputs(second_map):
    """Return target, connectome and maps of the 100-region group data."""
    with np.load(Path(os.environ["NMFIT_DATA"]) / "fmri" / "hcp_schaefer100_group.npz", allow_pickle=False) as d:
        brain = nmfit.Connectome(d["sc_train"].astype(float), lengths=d["len_train"].astype(float),
                                 labels=tuple(str(s) for s in d["labels"]), centroids=d["coords_mni"])
        target = nmfit.fc_target(d["fc_train"].astype(float), heldout=d["fc_test"].astype(float))
        return target, brain, np.stack([d["map_myelinmap"], d[f"map_{second_map}"]]).astype(float)


class Clocked:
    """A ledger that also keeps the processor seconds of every process that worked on it."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.own, self.ledger, self.began = folder / f"seconds.{os.getpid()}", Ledger(folder), time.process_time()
        self.wall, self.began_wall = folder / f"wall.{os.getpid()}", time.monotonic()
        self.alone = threading.Lock()

    def __call__(self, key, compute):
        found = self.ledger(key, compute)
        self.tick()
        return found

    def tick(self):
        """Write what this process has spent; return processor and wall seconds of all."""
        with self.alone:
            self.own.write_text(f"{time.process_time() - self.began:.2f}")
            self.wall.write_text(f"{time.monotonic() - self.began_wall:.2f}")
            return [sum(float(f.read_text()) for f in self.folder.glob(f"{what}.*")) for what in ("seconds", "wall")]


def schaefer(asked):
    """Print every rung with and without a drive, its twin, its nulls; then time the whole climb with nulls.

    With ``--n-null 0`` the rungs alone, which takes seconds. Kept searches (``--keep``) are not done again, and their
    processor seconds count.
    """
    with tempfile.TemporaryDirectory() as folder:
        for second in asked.maps:
            for stage in asked.stage:
                clock = Clocked(Path(asked.keep or folder) / f"{stage}_{second}_{asked.n_null}")
                (schaefer_table if stage == "table" else schaefer_climb)(asked, second, clock)


def schaefer_table(asked, second, clock):
    """Print every rung with and without a drive, its twin, its nulls, and the baselines."""
    goals = {"maps + drive": 0.74, "region + drive": 0.87, "edges + drive": 0.93}
    target, brain, maps = schaefer_inputs(second)
    plan = plan_of(target, brain, maps=maps, keep=clock)
    fold, began = target.folds[0], time.monotonic()
    print(f"# maps: myelin, {second}; score: the test group, 4,950 pairs; {asked.n_null} nulls of each kind")
    print("# rung             free  test r  coupling 0" + "".join(f"  {k:>9s} (p)      " for k in KINDS))
    with jax.enable_x64(True), one_core_each():
        for drive in (False, True):
            path = [(Rung(level, drive), SHRINKAGE if level in ("region", "edges") else 0.0) for level in LEVELS]
            pooled = climb_path(plan.ground(fold), path, starts=plan.starts, seed=0)
            reached = [heldout(fitted.fc, fold) for fitted in pooled]
            found = gather(plan, path, [pooled], asked.n_null, None) if asked.n_null else None
            for k, (rung, _) in enumerate(path):
                row = f"# {rung.name:15s} {pooled[k].free:5d}  {reached[k]:6.3f}"
                if found is not None:
                    nulls = [found["nulls"][kind].row(k, found["scores"][k]) for kind in KINDS]
                    row += f"  {found['twins'][k]:10.3f}" + "".join(
                        f"  {v['mean']:.3f} {v['margin']:+.3f} ({v['p']:.2f})" for v in nulls)
                print(row, flush=True)
                if second == "fcgradient01" and rung.name in goals:
                    say(f"schaefer_{rung.name.replace(' + ', '_')}_test_r", reached[k], goals[rung.name],
                        reached[k] >= goals[rung.name], 4950, began)
        base = baseline_scores(brain, plan.ground(fold).maps, True, fold, pooled[2].free)
    print("# baselines", {k: None if v is None else round(float(v), 3) for k, v in base.items()})
    print("# {:.0f} s of processor time, {:.0f} s on the clock".format(*clock.tick()))


def schaefer_climb(asked, second, clock):
    """Time the whole climb to edges with its nulls."""
    target, brain, maps = schaefer_inputs(second)
    began = time.monotonic()
    result = nmfit.fit(target, brain, maps=maps, map_names=("myelin", second), max_rung="edges", n_null=asked.n_null,
                       keep=clock)
    spent, seconds = clock.tick()
    print("#", result.summary().replace("\n", "\n# "))
    print(f"# {spent:.0f} s of processor time")
    say(f"schaefer_{second}_climb_seconds", seconds, "<300", seconds < 300, 3 * asked.n_null, began)


def people(asked):
    """Nested folds over seven people; no wrong connectomes, since what is asked is how well the choice predicts.

    The default ladder ends at regions; with single edges (`--max-rung edges`) the same people are described closer.
    """
    target, brains = hcp_inputs()
    for rung in asked.max_rung:
        began = time.monotonic()
        keep = None if asked.keep is None else Clocked(asked.keep / f"people_{rung}")
        result = nmfit.fit(target, brains, n_null=0, confirm=False, max_rung=rung, keep=keep)
        print("#", result.summary().replace("\n", "\n# "))
        reliability, fitted = result.record["reliability"]["value"], result.rung(result.chosen)["score_fit"]
        share = result.score / reliability
        say(f"people_to_{rung}_score_over_reliability", share, 0.95, share >= 0.95, 7, began)
        say(f"people_to_{rung}_r_with_those_fitted", fitted, "-", True, 7, began)
        over = result.score / result.record["ceiling"]["value"]
        say(f"people_to_{rung}_score_over_ceiling", over, "-", True, 7, began)


def shipped_inputs():
    """Return the target and the connectomes of the five people that ship."""
    folder = nmfit.sample("gw_aal2")
    target, brains, _, _ = read_inputs(sc=[folder / "sub-*_weights.csv"], lengths=[folder / "sub-*_lengths.csv"],
                                       labels=folder / "labels.tsv", bold=[folder / "sub-*_bold.tsv"])
    return target, brains


def hcp_inputs():
    """Return the target and the connectomes of seven people, 80 regions."""
    with np.load(Path(os.environ["NMFIT_DATA"]) / "fmri" / "hcp_aal2_80_subjects.npz", allow_pickle=False) as d:
        labels = tuple(str(s) for s in d["labels"])
        brains = [nmfit.Connectome(sc.astype(float), lengths=length.astype(float), labels=labels,
                                   centroids=d["coords_mni"]) for sc, length in zip(d["sc"], d["len"], strict=True)]
        return nmfit.fc_target([b.T.astype(float) for b in d["bold"]], tr=float(d["tr"]), labels=labels), brains


def synthetic_brain(n=40):
    """Return the connectome that ships, thinned to some pairs of homologous regions."""
    brain = nmfit.Connectome.mean(shipped_inputs()[1])
    pairs = brain.homotopic()
    return brain.select(np.sort(pairs[::2 * len(pairs) // n][:n // 2].ravel()))


def synthetic_recordings(brain, rng, people=5, volumes=355, coupling=0.3, a=-0.05, f=0.04, spread=0.4, person=0.2,
                         drive=0.3):
    """Draw exact recordings of a linear Hopf network whose regions and people differ, with a shared drive."""
    n = brain.n
    joined = coupling * brain.weights / brain.weights.sum(1).mean()
    damping, noise, gain = spread * rng.standard_normal((3, n))
    runs = []
    for _ in range(people):
        own = person * rng.standard_normal((3, n))
        rates, modes = np.linalg.eigh(np.diag(a * np.exp(damping + own[0]) - joined.sum(1)) + joined)
        sigma = np.exp(noise + own[1])
        shared = drive * sigma * np.exp(gain + own[2])
        power = modes.T @ (np.diag(sigma**2) + np.outer(shared, shared)) @ modes
        whole = -power / (rates[:, None] + rates)
        turn = np.exp((rates + 2j * np.pi * f) * TR)
        small = 1e-12 * np.eye(n) * whole.max()
        kick = np.linalg.cholesky(whole - turn[:, None] * whole * turn.conj() + small)

        def draw():
            return (rng.standard_normal(n) + 1j * rng.standard_normal(n)) / np.sqrt(2)

        z, series = np.linalg.cholesky(whole + small) @ draw(), []
        for _ in range(volumes):
            series.append(modes @ z.real)
            z = turn * z + kick @ draw()
        runs.append(np.array(series))
    return runs


class Decisive:
    """Draws nulls as `run_null` does, but only as many as decide whether "explained" is said.

    That takes a rung which no null of any kind reaches, so all kinds are drawn in turn, a few at a time: where every
    rung has met a null that reaches it, the others change nothing.
    """

    def __init__(self):
        self.found = None

    def __call__(self, kind, count, score_null, scores, *_):
        if self.found is None:
            self.found, lost = {k: [] for k in KINDS}, np.zeros(len(scores), bool)
            for first in range(0, count, FEW):
                jobs = [(k, i) for i in range(first, min(first + FEW, count)) for k in KINDS]
                for (k, _), row in zip(jobs, side_by_side(lambda job: score_null(*job), jobs), strict=True):
                    self.found[k].append(row)
                    lost |= np.array(row) >= scores
                if lost.all():
                    break
        return Null(kind, np.array(self.found[kind]), count, np.asarray(scores))


def said_of(_plan, _trials, path, _pooled, _nested, _final, evidence, **_options):
    """Return what is chosen and what is explained, in place of a whole result."""
    names = [rung.name for rung, _ in path]
    return names[-1], None if evidence["explained"] is None else names[evidence["explained"]]


def claim(brain, kind, index):
    """Return what is chosen and explained of FC made with a connectome of a kind and fitted with the right one."""
    rng = np.random.default_rng([7, index, len(kind)])
    true = brain if kind == "right" else surrogate(kind, brain, rng, 40.0)
    target = nmfit.fc_target(synthetic_recordings(true, rng), tr=TR, labels=brain.labels)
    with mock.patch("nmfit.fit.comparisons.run_null", Decisive()), mock.patch("nmfit.fit.fc.build_result", said_of):
        return fit_fc(target, brain, confirm=False, seed=index, starts=2)


def claims(kind, asked):
    """Return what was said of each data set of a kind, ``{index: (chosen, explained)}``, and when this began."""
    kept, began = {}, time.monotonic()
    if asked.claims is not None and asked.claims.exists():
        rows = [line.split("\t") for line in asked.claims.read_text().splitlines()]
        kept = {int(index): (chosen, explained or None) for of, index, chosen, explained in rows if of == kind}
    brain = synthetic_brain()
    for index in range(asked.count):
        if index in kept:
            continue
        if asked.minutes is not None and time.monotonic() - asked.began > 60 * asked.minutes:
            break
        kept[index] = chosen, explained = claim(brain, kind, index)
        print(f"# {kind} {index}: chosen {chosen}, explained {explained}", flush=True)
        if asked.claims is not None:
            with asked.claims.open("a") as file:
                file.write(f"{kind}\t{index}\t{chosen}\t{explained or ''}\n")
    return {index: kept[index] for index in sorted(kept) if index < asked.count}, began


def size(asked):
    """False claims."""
    for kind in ("permuted", "distance"):
        kept, began = claims(kind, asked)
        said = sum(explained is not None for _, explained in kept.values())
        say(f"explained_with_{kind}_truth", said, f"<={0.05 * len(kept):g}", said <= 0.05 * len(kept), len(kept), began)


def power(asked):
    """True claims."""
    kept, began = claims("right", asked)
    said = sum(explained is not None for _, explained in kept.values())
    say("explained_with_right_truth", said, f">={0.8 * len(kept):g}", said >= 0.8 * len(kept), len(kept), began)


def main():
    """Run the parts asked for, all unless named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--n-null", type=int, default=19)
    parser.add_argument("--claims", type=Path)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--max-rung", nargs="+", default=("region", "edges"), choices=LEVELS)
    parser.add_argument("--maps", nargs="+", default=MAPS, choices=MAPS)
    parser.add_argument("--stage", nargs="+", default=("table", "climb"), choices=("table", "climb"))
    asked = parser.parse_args()
    asked.began = time.monotonic()
    keep_compiled_code()
    for part in asked.parts or PARTS:
        globals()[part](asked)


if __name__ == "__main__":
    main()
