"""Write what other programs compute of haemodynamics and FC dynamics, for tests/oracles.

Runs in an environment of its own, not in that of nmfit, which it does not import: one with ``neurolib`` 0.6.2 or one
with ``tvb-library`` 2.10.0 (Python 3.11), from the root of the checkout:

    python scripts/make_bold_oracles.py neurolib
    python scripts/make_bold_oracles.py tvb

Each writes tests/oracles/bold_<program>.npz, in seconds. See tests/oracles/README.md.
"""

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent.parent / "tests" / "oracles"
SECONDS, DT, EVERY = 30.0, 0.001, 500


def drive():
    """Return activity ``[2, t]`` at the steps: a pulse on a level, and a slow wave with a fast one."""
    t = np.arange(round(SECONDS / DT)) * DT
    pulse = 0.1 + 0.4 * ((t > 2) & (t < 4))
    wave = 0.2 + 0.1 * np.sin(2 * np.pi * 0.05 * t) + 0.05 * np.sin(2 * np.pi * 1.0 * t)
    return np.stack([pulse, wave])


def neurolib():
    from neurolib.models.bold.timeIntegration import simulateBOLD
    from neurolib.utils.functions import fcd

    u = drive()
    # F, Q, V start at rest: the program's own default starts them at 0
    bold, *_ = simulateBOLD(u, DT, np.ones(2), F=np.ones(2), Q=np.ones(2), V=np.ones(2))
    rng = np.random.default_rng(0)
    data = np.cumsum(rng.normal(size=(120, 4)) @ (np.eye(4) + 0.3), axis=0)
    np.savez_compressed(HERE / "bold_neurolib.npz", bold=bold[:, EVERY - 1::EVERY], series=data,
                        fcd=fcd(data.T, windowsize=30, stepsize=5))


def tvb():
    from tvb.analyzers.fmri_balloon import BalloonModel
    from tvb.datatypes.time_series import TimeSeriesRegion
    from tvb.simulator.integrators import HeunDeterministic

    u = drive()
    series = TimeSeriesRegion(data=u.T[:, None, :, None], sample_period=DT, sample_period_unit="s",
                              time=np.arange(u.shape[1]) * DT)
    model = BalloonModel(time_series=series, integrator=HeunDeterministic(dt=DT), tau_s=1 / 0.64, tau_f=1 / 0.32,
                         tau_o=2.0, alpha=0.32, E0=0.4, V0=0.04, TE=0.04, epsilon=np.array([1.0]), nu_0=40.3, r_0=25.0)
    bold = model.evaluate().data[:, 0, :, 0].T
    np.savez_compressed(HERE / "bold_tvb.npz", bold=bold[:, EVERY - 1::EVERY])


if __name__ == "__main__":
    {"tvb": tvb, "neurolib": neurolib}[sys.argv[1]]()
