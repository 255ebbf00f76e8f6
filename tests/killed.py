"""Work that is killed at any moment, and what it must leave: the old state or the new one, and nothing lost."""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SIZE = 120


def contents(number):
    """Return the arrays of state ``number``: large enough that writing takes a while."""
    return np.random.default_rng(number).normal(size=(SIZE, SIZE))


def write_for_ever(folder):
    """Write one state after another, and one piece of a ledger after another; say on stdout which are done."""
    from nmfit.io import Ledger, write_json, write_npz, write_table
    from nmfit.io.staged import staged

    ledger, last = Ledger(folder / "job"), _state(folder / "result")
    for number in itertools.count(0 if last is None else last + 1):
        with staged(folder / "result", overwrite=True) as place:
            write_npz(place / "fit.npz", x=contents(number))
            write_table(place / "params.tsv", ("x",), contents(number)[:, :1].tolist())
            write_json(place / "fit.json", {"number": number})
        os.write(1, f"state {number}\n".encode())
        ledger(f"piece{number}", lambda number=number: {"x": contents(number)})
        os.write(1, f"piece {number}\n".encode())


def _state(folder):
    if not (folder / "fit.json").exists():
        return None
    return json.loads((folder / "fit.json").read_text())["number"]


def serve():
    """Fork one writer for every folder that stands in a line of standard input, so that imports cost once."""
    import nmfit.io  # noqa: F401

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            write_for_ever(Path(line.strip()))
        os.write(1, f"pid {child}\n".encode())
        os.waitpid(child, 0)
        os.write(1, b"over 0\n")


def kill_writers(folder, count, seed=0):
    """Kill ``count`` writers at random moments; return what was wrong afterwards, sentence by sentence."""
    from nmfit.io import Ledger
    from nmfit.io.staged import finish

    folder = Path(folder)
    rng, wrong, done = np.random.default_rng(seed), [], {"state": [], "piece": []}
    server = subprocess.Popen([sys.executable, "-W", "ignore", str(Path(__file__)), "serve"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    with server:
        one = 0.0
        for kill in range(count):
            server.stdin.write(f"{folder}\n")
            server.stdin.flush()
            child = _next(server, "pid", done)
            if kill == 0:
                _next(server, "state", done)
                began = time.monotonic()
                _next(server, "state", done)
                one = time.monotonic() - began          # how long a state and a piece take here
            time.sleep(rng.uniform(0.0, 2.5 * one))
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            _next(server, "over", done)
            finish(folder / "result")
            number = _state(folder / "result")
            if number is None:
                if done["state"]:
                    wrong.append(f"kill {kill}: the state is gone")
                continue
            if number < max(done["state"], default=-1):
                wrong.append(f"kill {kill}: state {number} after {max(done['state'])} was done")
            with np.load(folder / "result" / "fit.npz", allow_pickle=False) as file:
                if not np.array_equal(file["x"], contents(number)):
                    wrong.append(f"kill {kill}: numbers of another state")
            table = (folder / "result" / "params.tsv").read_text().splitlines()[1:]
            if [float(line) for line in table] != contents(number)[:, 0].tolist():
                wrong.append(f"kill {kill}: a table of another state")
            ledger = Ledger(folder / "job")
            for piece in done["piece"]:
                kept = ledger(f"piece{piece}", dict)
                if not np.array_equal(kept.get("x"), contents(piece)):
                    wrong.append(f"kill {kill}: piece {piece} is lost")
        server.stdin.close()
    return wrong, done


def kill_fits(folder, count, arguments, seed=1):
    """Kill runs of ``nmfit *arguments`` ``count`` times, always resumed; return what was wrong, in sentences."""
    import nmfit as nf

    command = [sys.executable, "-m", "nmfit.cli", *arguments]
    at, quiet = command.index(str(folder / "out")), {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    straight_on = [*command[:at], str(folder / "new"), *command[at + 1:]]
    subprocess.run(straight_on, check=False, **quiet)                # compiles, for the runs to come
    began = time.monotonic()
    subprocess.run([*straight_on, "--overwrite"], check=False, **quiet)
    whole, rng, kills, wrong = time.monotonic() - began, np.random.default_rng(seed), 0, []
    while kills < count:
        job = subprocess.Popen([*command, "--resume", "--overwrite"], **quiet)
        time.sleep(rng.uniform(0.2, 1.0) * whole)
        if job.poll() is None:
            job.kill()
            kills += 1
        job.wait()
        if (folder / "out" / "fit.json").exists():
            try:
                nf.load_result(folder / "out")
            except nf.InputError as problem:
                wrong.append(f"kill {kills}: {problem}")
    subprocess.run([*command, "--resume", "--overwrite"], check=False, **quiet)
    resumed, straight = nf.load_result(folder / "out"), nf.load_result(folder / "new")
    for name, array in straight.arrays.items():
        if not np.array_equal(resumed.arrays[name], array):
            wrong.append(f"after resuming: other bits in {name}")
    if resumed.parameters != straight.parameters:
        wrong.append("after resuming: other parameters")
    return wrong


def _next(server, word, done):
    while True:
        said, number = server.stdout.readline().split()
        if said in done:
            done[said].append(int(number))
        if said == word:
            return int(number)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    serve()
