"""``kill -9`` at any moment leaves the old state or the new one; resumed fits end in the same bits."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from killed import kill_writers
from test_resume import files

import nmfit as nf
from nmfit import cli
from nmfit.cli.options import TERMINATED

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def test_ten_killed_writers_leave_everything_readable_and_lose_nothing(tmp_path):
    wrong, done = kill_writers(tmp_path, 10)
    assert not wrong
    assert len(done["state"]) >= 2


@pytest.mark.long
def test_many_killed_writers(tmp_path):
    wrong, done = kill_writers(tmp_path, 170, seed=1)
    assert not wrong
    assert len(done["state"]) >= 20


@pytest.mark.long
def test_thirty_killed_fits_end_in_the_same_bits(tmp_path):
    command = [sys.executable, "-m", "nmfit.cli", *files(tmp_path, "region")]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    at = command.index(str(tmp_path / "out"))
    began = time.monotonic()
    fresh = subprocess.run([*command[:at], str(tmp_path / "new"), *command[at + 1:]], check=False, **quiet)
    whole = time.monotonic() - began
    assert fresh.returncode in (cli.FINISHED, cli.UNSURE)
    rng, kills = np.random.default_rng(1), 0
    while kills < 30:
        job = subprocess.Popen([*command, "--resume", "--overwrite"], **quiet)
        time.sleep(rng.uniform(0.1, 1.0) * whole)
        if job.poll() is None:
            job.kill()
            kills += 1
        job.wait()
        if (tmp_path / "out" / "fit.json").exists():
            nf.load_result(tmp_path / "out")                # readable at every moment
    assert subprocess.run([*command, "--resume", "--overwrite"], check=False, **quiet).returncode in (
        cli.FINISHED, cli.UNSURE)
    resumed, straight = nf.load_result(tmp_path / "out"), nf.load_result(tmp_path / "new")
    assert resumed.arrays.keys() == straight.arrays.keys()
    for name, array in straight.arrays.items():
        np.testing.assert_array_equal(resumed.arrays[name], array)
    assert resumed.parameters == straight.parameters


@pytest.mark.parametrize(("sort", "code"), [(signal.SIGTERM, TERMINATED), (signal.SIGINT, cli.INTERRUPTED)])
def test_an_interruption_ends_in_a_sentence_and_its_code(tmp_path, sort, code):
    script = ("import os, sys, time; from nmfit import cli; from nmfit.cli import fit\n"
              "def run(args):\n    print('ready', flush=True)\n    time.sleep(60)\n"
              "fit.run = run\nsys.exit(cli.main(sys.argv[1:]))")
    job = subprocess.Popen([sys.executable, "-c", script, *files(tmp_path)], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)
    with job:
        assert job.stdout.readline() == "ready\n"
        os.kill(job.pid, sort)
        assert job.wait() == code
        assert job.stderr.read().startswith("interrupted: nothing written")
