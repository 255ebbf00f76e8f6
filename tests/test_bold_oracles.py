"""Balloon and FC dynamics against what neurolib and TVB compute for the same input."""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nmfit.compare import series
from nmfit.dynamics.schemes import SCHEMES, advance
from nmfit.observe import Balloon

HERE = Path(__file__).parent / "oracles"
DT, EVERY = 0.001, 500
T = np.arange(30_000) * DT
DRIVE = np.stack([0.1 + 0.4 * ((T > 2) & (T < 4)), 0.2 + 0.1 * np.sin(2 * np.pi * 0.05 * T)
                  + 0.05 * np.sin(2 * np.pi * 1.0 * T)])


@functools.partial(jax.jit, static_argnames="signal")
def bold(instrument, signal):
    del signal

    def step(h, u):
        h = advance(SCHEMES["heun"], h, DT, lambda h, _: instrument.drift(h, u))
        return h, instrument.read(h, u)

    return jax.lax.scan(step, jnp.zeros((4, 2)), jnp.asarray(DRIVE.T))[1].T


@pytest.mark.parametrize(("program", "instrument", "tolerance"), [
    ("neurolib", Balloon.friston2003(), 2e-3),                 # explicit Euler at 1 ms: first order
    ("tvb", Balloon.stephan2007(), 1e-3)])                     # reads its input one step later
def test_bold_of_the_same_activity(program, instrument, tolerance):
    theirs = np.load(HERE / f"bold_{program}.npz", allow_pickle=False)["bold"]
    ours = np.asarray(bold(instrument, instrument.signal))[:, EVERY - 1::EVERY]
    assert np.abs(ours - theirs).max() < tolerance * np.abs(theirs).max()


def test_fc_dynamics_of_the_same_series():
    stored = np.load(HERE / "bold_neurolib.npz", allow_pickle=False)
    # neurolib correlates whole matrices, the diagonal included, and leaves the last window out
    fcs = series.window_correlations(stored["series"], np.arange(0, 120 - 30, 5), 30)
    full = np.concatenate([fcs, fcs, np.ones((len(fcs), 4))], axis=1)
    np.testing.assert_allclose(np.corrcoef(full), stored["fcd"], atol=1e-12)
