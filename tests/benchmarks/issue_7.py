"""Check fits through the simulation: the control variate, gradients, recoveries, FC with FCD, stress, cost.

``NMFIT_DATA=... python tests/benchmarks/issue_7.py [PART ...] [--case NAME ...] [--seeds 10]``, parts as in `PARTS`,
cases as their parts name them. One case takes minutes: name part and case to run the script piece by piece.

Prints one line per figure: name, value, goal, pass or short, N, seconds.
"""

import argparse
import functools
import os
import sys
import time
from pathlib import Path

import jax
import numpy as np
from figures import say

import nmfit
from nmfit.compare.connectivity import correlation
from nmfit.compare.empirical import fc_score, functional_connectivity, group_fc
from nmfit.compare.scans import scan_target
from nmfit.compare.traced import covariance
from nmfit.dynamics.plan import Plan
from nmfit.dynamics.simulated import integrate
from nmfit.fit.simulated import fit_simulated
from nmfit.fit.stochastic import Outcome
from nmfit.fit.twin import controlled_covariances
from nmfit.models import FitzHughNagumo, Hopf, JansenRit, Kuramoto, ReducedWongWang, StuartLandau, WilsonCowan, WongWang
from nmfit.network import Network
from nmfit.observe import Balloon, Direct

sys.path.insert(0, str(Path(__file__).parents[1]))

from chaos import EACH_TO_EACH, chaotic, lyapunov_exponent

SECONDS, TR, BAND = 864.0, 2.0, (0.01, 0.1)
LONGER = 10
BUDGET = 2e9               # bytes
TURNS = 5                  # of each timed call, in turn
PARTS = ("control", "kuramoto", "joint", "recover", "stress", "cost")
CHOSEN = []                # names of cases; all where it is empty


def chosen(cases):
    """Return those of a dict of cases that were asked for."""
    return {name: case for name, case in cases.items() if not CHOSEN or name in CHOSEN}


def shipped():
    """Return connectome and recordings that ship."""
    folder = nmfit.sample("gw_aal2")
    return (nmfit.read_connectome([str(p) for p in sorted(folder.glob("sub-*_weights.csv"))]),
            nmfit.read_bold(str(folder / "sub-*_bold.tsv")))


@functools.partial(jax.jit, static_argnames="plan")
def estimates(network, instrument, plan, keys):
    """Return FC with and without the twin, for each key alone."""
    return [jax.vmap(correlation)(c) for c in controlled_covariances(network, instrument, plan, keys, TR, BAND)[:2]]


def control(seeds):
    """Compare r from 14.4 minutes of simulation, plain and with the twin, with much longer runs."""
    brain, runs = shipped()
    brain = brain.normalised("none", "max")
    row = brain.weights.sum(1).mean()
    measured = group_fc([functional_connectivity(run.data, TR, BAND) for run in runs])
    cases = {
        "Hopf_damped": (Hopf(a=-0.1, sigma=0.05), 0.5, Direct(), 0.1, LONGER),
        "Hopf_near_onset": (Hopf(), 0.3, Direct(), 0.1, LONGER),
        "StuartLandau_shear": (StuartLandau(a=-0.05, gamma=0.5, sigma=0.03), 0.5, Direct(), 0.1, LONGER),
        "Hopf_past_onset": (Hopf(a=0.05, sigma=0.15), 0.5, Direct(), 0.1, LONGER),
        "ReducedWongWang": (ReducedWongWang(), 0.3, Balloon(), 0.01, LONGER // 2),
        "WongWang": (WongWang(), 0.3, Balloon(), 2e-3, 2),
        "WilsonCowan": (WilsonCowan(), 0.3, Balloon(), 2e-3, 2),
    }
    for name, (model, strength, instrument, dt, longer) in chosen(cases).items():
        began = time.monotonic()
        network = Network.of(brain, model, G=strength / row)
        plan = Plan.of(network, instrument, SECONDS, sample=TR, dt=dt)
        keys = jax.random.split(jax.random.key(1), seeds)
        corrected, plain = ([fc_score(fc, measured) for fc in part]
                            for part in jax.device_get(estimates(network, instrument, plan, keys)))
        plan = Plan.of(network, instrument, longer * SECONDS, sample=TR, dt=plan.dt)
        truth, bare = ([fc_score(fc, measured) for fc in part] for part in jax.device_get(estimates(
            network, instrument, plan, jax.random.split(jax.random.key(2), 2))))
        ratio = np.std(corrected) / np.std(plain)
        bias = np.mean(corrected) - np.mean(truth)
        print(f"# {name}: plain {np.mean(plain):.4f} sd {np.std(plain, ddof=1):.4f}; twin {np.mean(corrected):.4f} sd "
              f"{np.std(corrected, ddof=1):.5f}; {longer} times as long: plain {np.mean(bare):.4f}, twin "
              f"{np.mean(truth):.4f}", flush=True)
        say(f"control_sd_ratio_{name}", ratio, "<=0.2", ratio <= 0.2, seeds, began)
        say(f"control_bias_{name}", bias, "<0.01", abs(bias) < 0.01, seeds, began)


def kuramoto(_seeds):
    """Fit Kuramoto's model to the FC of three people, and score it on two others."""
    brain, runs = shipped()
    target = scan_target(runs[:3], heldout=runs[3:])
    cases = {"fc": None, "fc_fcd": nmfit.loss.FC() + 5 * nmfit.loss.MeanFC() + 0.5 * nmfit.loss.FCD()}
    for name, loss in chosen(cases).items():
        began = time.monotonic()
        found = fit_simulated(target, brain, model="Kuramoto", loss=loss, steps=80, seeds=5, rate=0.03, dt=0.2,
                              shrinkage=1e-3)
        print("# " + found.summary().replace("\n", "\n# "), flush=True)
        say(f"kuramoto_{name}_gradient_error", found.health.error, "<1e-4", found.health.error < 1e-4, 1, began)
        for score, (mean, error) in found.scores.items():
            say(f"kuramoto_{name}_heldout_{score}", mean, f"(se {error:.3f})", True, 20, began)


def joint(_seeds):
    """Fit FC and FCD of 706 people together, and score fresh scans of the empirical length on 303 others."""
    with np.load(Path(os.environ["NMFIT_DATA"]) / "fmri" / "hcp_schaefer100_group.npz", allow_pickle=False) as d:
        data = {name: d[name].astype(float) for name in d.files if d[name].dtype.kind == "f" or name.startswith("sc")}
    brain = nmfit.Connectome(data["sc_train"], lengths=data["len_train"])
    maps = np.stack([data["map_myelinmap"], data["map_fcgradient01"]])
    target = scan_target(fc=data["fc_train"], fcd=data["fcd_train"], heldout_fc=data["fc_test"],
                         heldout_fcd=data["fcd_test"], tr=float(data["tr"]), volumes=1200, band=None, window=30.0,
                         step=5.0)
    for rung in chosen(dict.fromkeys(("region", "edges"))):
        began = time.monotonic()
        found = nmfit.fit(target, brain, engine="joint", maps=maps, max_rung=rung, score_seeds=30)
        told = found.result.record["provenance"]["options"]
        print(f"# {rung}: tempo {told['tempo']:.3g}, {told['frequency']:g} Hz, {told['steps']} candidates")
        for prefix, what in (("group_", "together"), ("", "alone")):
            r, mean, ks, total = (found.scores[prefix + name] for name in ("r", "mean_fc", "ks", "total"))
            print(f"# {rung}, {what}: r {r[0]:.3f} ({r[1]:.3f}), mean {mean[0]:.3f} ({mean[1]:.3f}), KS {ks[0]:.3f} "
                  f"({ks[1]:.3f})")
            say(f"joint_{rung}_total_{what}", total[0], f"<=0.30 (se {total[1]:.3f})", total[0] <= 0.30, found.scans,
                began)
            say(f"joint_{rung}_r_{what}", r[0], ">=0.80", r[0] >= 0.80, found.scans, began)
            say(f"joint_{rung}_ks_{what}", ks[0], "<=0.14", ks[0] <= 0.14, found.scans, began)


def recover(_seeds):
    """Fit what cycles and bursts to its own simulations, and hold parameters against the truth."""
    rng = np.random.default_rng(0)
    weights = np.triu(rng.uniform(0, 1, (6, 6)) ** 2, 1)
    weights = (weights + weights.T) / 2
    slow, fast = (2.0, (0.01, 0.1), 40.0, 20.0, 0.2, 600.0), (0.02, (1.0, 20.0), 2.0, 1.0, 1e-3, 15.0)
    spikes = (0.005, (20.0, 45.0), 2.0, 1.0, 2e-4, 5.0)
    cases = {
        "hopf_past_onset": (Hopf(a=0.05, f=0.05, sigma=0.1), {"G": 0.1}, {"G": 0.02}, slow),
        "kuramoto": (Kuramoto(f=np.linspace(0.045, 0.055, 6), sigma=0.2), {"G": 0.05}, {"G": 0.01}, slow),
        "fitzhugh_spiking": (FitzHughNagumo(I=1.0, sigma=1.0), {"G": 0.02}, {"G": 0.005}, spikes),
        "jansen_rit_cycle": (JansenRit(p=150.0, sigma=2.0), {"G": 12.0}, {"G": 4.0}, fast),
    }
    for name, (model, truth, start, (tr, band, window, step, dt, seconds)) in chosen(cases).items():
        began = time.monotonic()
        network = Network.of(weights, model, **truth)
        data = nmfit.simulate(network, seconds, sample=tr, dt=dt, runs=4, seed=9).data
        target = scan_target(list(data), tr=tr, band=band, window=window, step=step)
        # A twin of spikes or of a column's cycle takes minutes to compile.
        control = "auto" if band[1] < 1 else "none"
        found = fit_simulated(target, weights, model=network.replace(start), free=dict.fromkeys(start, "shared"),
                              loss=nmfit.loss.FCMSE(), steps=30, rate=0.25, seeds=4, score_seeds=4, dt=dt, seed=1,
                              observe=Direct(), control=control)
        print("# " + found.summary().replace("\n", "\n# "), flush=True)
        for parameter, value in truth.items():
            ratio = float(found.parameters[parameter]) / value
            say(f"recover_{name}_{parameter}_over_truth", ratio, "0.8 to 1.25", 0.8 <= ratio <= 1.25, 4, began)


def stress(_seeds):
    """Plant what must not end in a number: a step too long, chaos, a loss that leaves the finite range."""
    began = time.monotonic()
    wild, network = chaotic(), Network.of(EACH_TO_EACH, JansenRit(p=150.0, sigma=20.0), G=12.0)
    try:
        nmfit.simulate(network, 5.0, sample=0.05, dt=0.05)
        refused = False
    except nmfit.InputError as problem:
        print(f"# step too long: {problem}")
        refused = True
    say("stress_step_too_long_refused", float(refused), "1", refused, 1, began)
    mean, error = lyapunov_exponent(wild)
    say("stress_lyapunov_exponent", mean, f">0 (se {error:.2g})", mean > 2 * error, 4, began)
    tied = EACH_TO_EACH + 29 * np.outer([1, 1, 0, 0], [1, 1, 0, 0]) * EACH_TO_EACH      # one pair far more than others
    stiff = Network.of(tied, Hopf(a=-0.5, sigma=1.0, beta=0.1, f=0.05), G=0.25)
    data = np.random.default_rng(0).normal(size=(3, 200, 4))
    alike = data[..., :1] + 0.05 * data          # which wants a coupling that the step cannot follow in that pair
    cases = {"chaotic": (wild, {"G": "shared"}, 1e-3, data, 6),
             "chaotic_many_parameters": (wild, dict.fromkeys(("A", "B", "a", "C"), "region"), 1e-3, data, 6),
             "divergent": (stiff, {"G": "shared"}, 0.03, alike, 60)}
    for name, (model, free, dt, scans, steps) in chosen(cases).items():
        began = time.monotonic()
        target = scan_target(list(scans), tr=0.1, band=(0.5, 4.0), window=4.0, step=2.0)
        try:
            found = fit_simulated(target, EACH_TO_EACH, model=model, free=free, loss=nmfit.loss.FCMSE(),
                                  steps=steps, rate=2.0, seeds=1, score_seeds=2, dt=dt, seconds=10.0)
            told, sound = f"{found.outcome.value}; {found.health.estimator}", np.isfinite(found.loss)
            sound = sound and not (name.startswith("chaotic") and found.health.estimator == "gradient")
            sound = sound and (name != "divergent" or found.outcome is Outcome.DIVERGED)
            print(f"# {name}: {told}; growth {found.health.growth:.3g} /s, error {found.health.error:.2g}")
        except nmfit.InputError as problem:
            print(f"# {name}: {problem}")
            sound = True
        say(f"stress_{name}_named_and_finite", float(sound), "1", bool(sound), 1, began)


def cost(_seeds):
    """Weigh the gradient of a quarter of an hour of 100 regions, and time value and gradient beside the forward run."""
    rng = np.random.default_rng(0)
    weights = np.triu(rng.uniform(size=(100, 100)), 1)
    weights = weights + weights.T
    weights /= weights.sum(1).mean()
    cases = {"Hopf": (Hopf(f=0.05), Direct(), 0.12, 4, 900.0),
             "ReducedWongWang": (ReducedWongWang(), Balloon(), 0.02, 10, 900.0),
             "FitzHughNagumo": (FitzHughNagumo(), Direct(), 5e-4, 4, 5.0),
             "WilsonCowan": (WilsonCowan(), Direct(), 1e-3, 10, 8.0),
             "JansenRit": (JansenRit(), Direct(), 1e-3, 10, 8.0)}
    for name, (model, instrument, dt, goal, seconds) in chosen(cases).items():
        began = time.monotonic()
        network = Network.of(weights, model, G=0.1)

        def at_strength(G, network=network, instrument=instrument):
            return [(network.replace({"G": G}), instrument)]

        free = at_strength, jax.numpy.asarray(0.1)
        plan = Plan.of(network, instrument, seconds, sample=0.72, dt=dt, warmup=0.0)
        plan = plan.within(network, instrument, BUDGET, free)

        def value(G, network=network, instrument=instrument, plan=plan):
            signal = integrate(network.replace({"G": G}), instrument, plan, jax.random.key(0)).signal
            return correlation(covariance(signal))[0, 1]

        at = jax.numpy.asarray(0.1)
        forward, both = jax.jit(value), jax.jit(jax.value_and_grad(value)).lower(at).compile()
        for run in (forward, both):
            jax.block_until_ready(run(at))
        turns = np.array([[elapsed(run, at) for run in (forward, both)] for _ in range(TURNS)])
        times = " and ".join(f"{t:.3g}" for t in turns.min(0))
        print(f"# {name}: {plan.steps} steps, {times} processor s", flush=True)
        ratio = turns[:, 1].min() / turns[:, 0].min()
        say(f"cost_ratio_{name}", ratio, f"<={goal}", ratio <= goal, 100, began)
        if seconds == 900.0:
            weighed, told = both.memory_analysis().temp_size_in_bytes, plan.memory(network, instrument, free)
            say(f"memory_over_estimate_{name}", weighed / told, "<=1.1", weighed <= 1.1 * told, 100, began)
            say(f"memory_over_budget_{name}", weighed / BUDGET, "<=1.1", weighed <= 1.1 * BUDGET, 100, began)
            say(f"memory_gib_{name}", weighed / 2**30, "<4", weighed < 4 * 2**30, 100, began)


def elapsed(run, at):
    """Return the processor seconds of one call."""
    began = time.process_time()
    jax.block_until_ready(run(at))
    return time.process_time() - began


def main():
    """Run the parts that are named, or all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", default=PARTS)
    parser.add_argument("--case", nargs="*", default=None)
    parser.add_argument("--seeds", type=int, default=10)
    args = parser.parse_args()
    CHOSEN.extend(args.case or [])
    with jax.enable_x64(True):
        for part in args.parts:
            {"control": control, "kuramoto": kuramoto, "joint": joint, "recover": recover, "stress": stress,
             "cost": cost}[part](args.seeds)


if __name__ == "__main__":
    main()
