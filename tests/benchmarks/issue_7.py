"""Check fits through the simulation: the control variate, gradients, Kuramoto on real FC.

``python tests/benchmarks/issue_7.py [control] [kuramoto] [--seeds 10]``

Prints one line per figure: name, value, goal, pass or short, N, seconds.
"""

import argparse
import functools
import time

import jax
import numpy as np
from figures import say

import nmfit
from nmfit.compare.empirical import fc_score, functional_connectivity, group_fc
from nmfit.compare.scans import scan_target
from nmfit.dynamics.plan import Plan
from nmfit.fit.simulated import fit_simulated
from nmfit.fit.twin import controlled_fc
from nmfit.models import Hopf, ReducedWongWang, StuartLandau
from nmfit.network import Network
from nmfit.observe import Balloon, Direct

SECONDS, TR, BAND = 864.0, 2.0, (0.01, 0.1)
LONGER = 10
PARTS = ("control", "kuramoto")


def shipped():
    """Return connectome and recordings that ship."""
    folder = nmfit.sample("gw_aal2")
    return (nmfit.read_connectome([str(p) for p in sorted(folder.glob("sub-*_weights.csv"))]),
            nmfit.read_bold(str(folder / "sub-*_bold.tsv")))


@functools.partial(jax.jit, static_argnames="plan")
def estimates(network, instrument, plan, keys):
    """Return FC with and without the twin, for each key alone."""
    return jax.lax.map(lambda k: controlled_fc(network, instrument, plan, k[None], TR, BAND)[:2], keys)


def control(seeds):
    """Compare r from 14.4 minutes of simulation, plain and with the twin, with a run ten times as long."""
    brain, runs = shipped()
    brain = brain.normalised("none", "max")
    row = brain.weights.sum(1).mean()
    measured = group_fc([functional_connectivity(run.data, TR, BAND) for run in runs])
    cases = {
        "Hopf_damped": (Hopf(a=-0.1, sigma=0.05), 0.5, Direct(), 0.1),
        "Hopf_near_onset": (Hopf(), 0.3, Direct(), 0.1),
        "StuartLandau_shear": (StuartLandau(a=-0.05, gamma=0.5, sigma=0.03), 0.5, Direct(), 0.1),
        "Hopf_past_onset": (Hopf(a=0.05, sigma=0.15), 0.5, Direct(), 0.1),
        "ReducedWongWang": (ReducedWongWang(), 0.3, Balloon(), None),
    }
    for name, (model, strength, instrument, dt) in cases.items():
        began = time.monotonic()
        network = Network.of(brain, model, G=strength / row)
        plan = Plan.of(network, instrument, SECONDS, sample=TR, dt=dt)
        keys = jax.random.split(jax.random.key(1), seeds)
        corrected, plain = ([fc_score(fc, measured) for fc in part]
                            for part in jax.device_get(estimates(network, instrument, plan, keys)))
        longer = Plan.of(network, instrument, LONGER * SECONDS, sample=TR, dt=plan.dt)
        truth, bare = ([fc_score(fc, measured) for fc in part] for part in jax.device_get(estimates(
            network, instrument, longer, jax.random.split(jax.random.key(2), 2))))
        ratio = np.std(corrected) / np.std(plain)
        bias = np.mean(corrected) - np.mean(truth)
        print(f"# {name}: plain {np.mean(plain):.4f} sd {np.std(plain, ddof=1):.4f}; twin {np.mean(corrected):.4f} sd "
              f"{np.std(corrected, ddof=1):.5f}; ten times as long: plain {np.mean(bare):.4f}, twin "
              f"{np.mean(truth):.4f}", flush=True)
        say(f"control_sd_ratio_{name}", ratio, "<=0.2", ratio <= 0.2, seeds, began)
        say(f"control_bias_{name}", bias, "<0.01", abs(bias) < 0.01, seeds, began)


def kuramoto(_seeds):
    """Fit Kuramoto's model to the FC of three people, and score it on two others."""
    brain, runs = shipped()
    target = scan_target(runs[:3], heldout=runs[3:])
    for name, loss in (("fc", None), ("fc_fcd", nmfit.loss.FC() + 5 * nmfit.loss.MeanFC() + 0.5 * nmfit.loss.FCD())):
        began = time.monotonic()
        found = fit_simulated(target, brain, model="Kuramoto", loss=loss, steps=80, seeds=5, rate=0.03, dt=0.2,
                              shrinkage=1e-3)
        print("# " + found.summary().replace("\n", "\n# "), flush=True)
        say(f"kuramoto_{name}_gradient_error", found.health.error, "<1e-4", found.health.error < 1e-4, 1, began)
        for score, (mean, error) in found.scores.items():
            say(f"kuramoto_{name}_heldout_{score}", mean, f"(se {error:.3f})", True, 20, began)


def main():
    """Run the parts that are named, or all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", default=PARTS)
    parser.add_argument("--seeds", type=int, default=10)
    args = parser.parse_args()
    with jax.enable_x64(True):
        for part in args.parts:
            {"control": control, "kuramoto": kuramoto}[part](args.seeds)


if __name__ == "__main__":
    main()
