"""Closed-form fits side by side end: no batch of solves waits for threads that wait for it."""

import subprocess
import sys

import pytest

JOB = """
import jax, numpy as np
import nmfit as nf
from nmfit.fit.fc import plan_of
from nmfit.fit.ground import fit_rung
from nmfit.fit.threads import one_core_each, side_by_side
rng = np.random.default_rng(0)
weights = np.triu(rng.uniform(size=(60, 60)), 1)
target = nf.fc_target([rng.normal(size=(400, 60)) for _ in range(2)], tr=2.0)
plan = plan_of(target, nf.Connectome(weights + weights.T), model="ReducedWongWang", transform="none")
with jax.enable_x64(True), one_core_each():
    ground = plan.ground(target.final)
    rung = nf.Rung("shared", True, "ReducedWongWang")
    side_by_side(lambda seed: fit_rung(ground, rung, seed=seed, steps=6), range(8))
print("done")
"""


@pytest.mark.long
def test_two_fits_that_solve_per_frequency_do_not_wait_for_each_other():
    done = subprocess.run([sys.executable, "-c", JOB], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.strip() == "done"
