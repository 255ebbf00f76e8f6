"""``kill -9`` at any moment leaves the old state or the new one; resumed fits end in the same bits."""

import os
import signal
import subprocess
import sys

import pytest
from killed import kill_fits, kill_writers
from test_resume import files, files_of_regions

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
    assert not kill_fits(tmp_path, 30, files(tmp_path, "region"))


@pytest.mark.long
def test_ten_killed_fits_of_regional_spectra_end_in_the_same_bits(tmp_path):
    assert not kill_fits(tmp_path, 10, files_of_regions(tmp_path))


@pytest.mark.parametrize(("sort", "code"), [(signal.SIGTERM, TERMINATED), (signal.SIGINT, cli.INTERRUPTED)])
def test_an_interruption_ends_in_a_sentence_and_its_code(tmp_path, sort, code):
    # Two searches that would not end by themselves for long, as those of a large recording do not.
    script = ("import signal, sys, time; from nmfit import cli; from nmfit.cli import fit\n"
              "from nmfit.fit.threads import side_by_side\n"
              "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored in what a shell runs behind itself
              "def run(args):\n    print('ready', flush=True)\n    side_by_side(time.sleep, [600, 600])\n"
              "fit.run = run\ncli.command()")
    job = subprocess.Popen([sys.executable, "-c", script, *files(tmp_path)], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)
    with job:
        assert job.stdout.readline() == "ready\n"
        os.kill(job.pid, sort)
        assert job.wait(timeout=120) == code
        assert job.stderr.read().startswith("interrupted: nothing written")
