"""Check the files that go in: mistakes, damage, order of labels, interruptions.

``python tests/benchmarks/issue_8.py [mistakes] [damage] [shuffle] [kills] [--damaged 10500] [--kills 200]``

Prints one line per figure: name, value, goal, pass or short, N, seconds. Kills take long: with ``--count FILE`` they
are done in pieces, each noted in the file as it ends, and the next run goes on from there.
"""

import argparse
import collections
import json
import sys
import tempfile
import time
from pathlib import Path

import jax
import numpy as np
from figures import say

sys.path.insert(0, str(Path(__file__).parents[1]))
PARTS = ("mistakes", "damage", "shuffle", "kills")
FITS = 30              # of the kills, those of fits
PIECES = 6             # in which they are done where the count is kept


def mistakes(_args):
    """Count the kinds of mistakes that are caught with file, place, value and remedy."""
    from mistakes import MISTAKES, read

    from nmfit.errors import InputError

    began, caught = time.monotonic(), 0
    for _, make, words in MISTAKES:
        with tempfile.TemporaryDirectory() as folder:
            try:
                read(Path(folder), make)
            except InputError as problem:
                caught += all(word in str(problem) for word in words) and problem.remedy.endswith(".")
    say("mistakes_kinds", len(MISTAKES), ">=60", len(MISTAKES) >= 60, len(MISTAKES), began)
    say("mistakes_caught_share", caught / len(MISTAKES), "1", caught == len(MISTAKES), len(MISTAKES), began)


def damage(args):
    """Count what comes of damaged files."""
    from damage import FORMATS, run

    began, verdicts, slowest, last = time.monotonic(), collections.Counter(), 0.0, time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for name, way, verdict, why, _ in run(folder, -(-args.damaged // len(FORMATS)), args.seed):
            verdicts[verdict] += 1
            slowest, last = max(slowest, time.monotonic() - last), time.monotonic()
            if verdict in ("silent", "other", "hang"):
                print(f"# {name} {way}: {verdict}, {why}", flush=True)
    total = sum(verdicts.values())
    print(f"# {dict(verdicts)} over {len(FORMATS)} formats", flush=True)
    say("damage_formats", len(FORMATS), ">=12", len(FORMATS) >= 12, total, began)
    for verdict in ("silent", "other", "hang"):
        say(f"damage_{verdict}", verdicts[verdict], "0", not verdicts[verdict], total, began)
    say("damage_slowest_seconds", slowest, "<10", slowest < 10, total, began)


def shuffle(_args):
    """Measure the largest difference of a fit whose files were shuffled, labels and all."""
    from test_shuffle import LABELS, N, back, fitted

    began, worst = time.monotonic(), 0.0
    straight = fitted(np.arange(N), np.arange(N))
    for seed in range(5):
        rng = np.random.default_rng(seed)
        other = fitted(rng.permutation(N), rng.permutation(N))
        for name, array in straight.arrays.items():
            if array.dtype.kind == "f":
                found = back(other.arrays[name], LABELS, other.labels)
                worst = max(worst, float(np.abs(array - found).max() / max(1.0, np.abs(array).max())))
    say("shuffle_error", worst, "<=1e-10", worst <= 1e-10, 5, began)


def kills(args):
    """Kill writers and fits at random moments, and count what is lost."""
    from killed import kill_fits, kill_writers
    from test_resume import files

    file = None if args.count is None else Path(args.count)
    done = [] if file is None or not file.exists() else [json.loads(row) for row in file.read_text().splitlines()]
    ways = (("writes", lambda *a: kill_writers(*a)[0], args.kills - FITS),
            ("fits", lambda folder, left, seed: kill_fits(folder, left, files(folder, "region"), seed), FITS))
    for name, kill, count in ways:
        began, piece = time.monotonic(), count if file is None else -(-count // PIECES)
        while (left := count - sum(row["kills"] for row in done if row["of"] == name)) > 0:
            with tempfile.TemporaryDirectory() as folder:
                # The number of pieces before is the seed, so that no piece repeats another's moments.
                wrong = kill(Path(folder), min(piece, left), args.seed + len(done))
            done.append({"of": name, "kills": min(piece, left), "wrong": wrong})
            if file is not None:
                with file.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(done[-1]) + "\n")
        wrong = [sentence for row in done if row["of"] == name for sentence in row["wrong"]]
        for sentence in wrong:
            print(f"# {sentence}", flush=True)
        say(f"kills_{name}_wrong", len(wrong), "0", not wrong, count, began)


def main():
    """Run the parts that are named, or all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", default=PARTS)
    parser.add_argument("--damaged", type=int, default=10_500)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--count", metavar="FILE", help="where kills are counted, so that a later run goes on")
    parser.add_argument("--seed", type=int, default=101)
    args = parser.parse_args()
    with jax.enable_x64(True):
        for part in args.parts:
            {"mistakes": mistakes, "damage": damage, "shuffle": shuffle, "kills": kills}[part](args)


if __name__ == "__main__":
    main()
