"""Check issue 3: `python tests/benchmarks/issue_3.py [part ...]`; parts: simulation, linear (or linear_68, linear_200,
linear_400), growth, states, thousand, memory.

Prints one line per figure: name, value, goal, pass or short, N (regions), seconds. neurolib and The Virtual Brain run
in the same session where NMFIT_NEUROLIB_PYTHON and NMFIT_TVB_PYTHON name interpreters that have them.
"""

import json
import os
import resource
import subprocess
import sys
import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from scipy import linalg

from nmfit.dynamics import linearise
from nmfit.dynamics.alone import ALONE
from nmfit.dynamics.plan import Plan
from nmfit.dynamics.simulated import integrate
from nmfit.fit.threads import one_core_each
from nmfit.models import MODELS, Hopf, JansenRit, ReducedWongWang
from nmfit.network import Connectome, Network
from nmfit.observe import Balloon, Direct

NODES = 8
NEUROLIB = """
import json, sys, time
import numpy as np
from neurolib.models.hopf import HopfModel
n, ms, dt, delayed = json.loads(sys.argv[1])
rng = np.random.default_rng(0)
w = rng.uniform(size=(n, n)); w = (w + w.T) / 2; np.fill_diagonal(w, 0)
lengths = rng.uniform(20, 160, (n, n)); lengths = (lengths + lengths.T) / 2 * delayed
def run(ms):
    m = HopfModel(Cmat=w / w.sum(1).mean(), Dmat=lengths)
    m.params.update(duration=ms, dt=dt, sigma_ou=0.05, signalV=10.0 if delayed else 0.0, K_gl=0.1)
    t = time.process_time(); m.run(); return time.process_time() - t
run(10 * dt * 100)
whole, half = (min(run(length) for _ in range(8)) for length in (ms, ms / 2))
best = whole - half
print(json.dumps(best / (ms / dt / 2)))
"""
TVB = """
import json, sys, time, logging
logging.disable(logging.CRITICAL)
import numpy as np
from tvb.simulator import simulator, models, coupling, integrators, noise, monitors
from tvb.datatypes import connectivity
n, ms, dt, delayed = json.loads(sys.argv[1])
rng = np.random.default_rng(0)
w = rng.uniform(size=(n, n)); w = (w + w.T) / 2; np.fill_diagonal(w, 0)
lengths = rng.uniform(20, 160, (n, n)); lengths = (lengths + lengths.T) / 2 * delayed
c = connectivity.Connectivity(weights=w / w.sum(1).mean(), tract_lengths=lengths, speed=np.array([10.0]),
    region_labels=np.array([str(i) for i in range(n)]), centres=np.zeros((n, 3)))
c.configure()
s = simulator.Simulator(model=models.SupHopf(), connectivity=c, coupling=coupling.Difference(a=np.array([0.1])),
    integrator=integrators.HeunStochastic(dt=dt, noise=noise.Additive(nsig=np.array([1e-3]))),
    monitors=(monitors.SubSample(period=10 * dt),))
s.configure()
s.run(simulation_length=50 * dt)
def run():
    t = time.process_time(); s.run(simulation_length=ms); return time.process_time() - t
print(json.dumps(min(run() for _ in range(5)) / (ms / dt)))
"""


def row(name, value, goal, side, count, began):
    """Print one figure; `side` says whether more (1) or less (-1) is better."""
    verdict = "pass" if side * (value - goal) >= 0 else "short"
    print(f"{name} {value:.4g} {goal:.4g} {verdict} {count} {time.perf_counter() - began:.1f}", flush=True)


def brain(n, seed=0):
    """Return a made-up symmetric connectome with lengths."""
    rng = np.random.default_rng(seed)
    w = rng.uniform(size=(n, n))
    lengths = rng.uniform(20, 160, (n, n))
    w, lengths = (w + w.T) / 2 * (1 - np.eye(n)), (lengths + lengths.T) / 2 * (1 - np.eye(n))
    return Connectome(weights=w, lengths=lengths).normalised("none", "rowsum")


def best_of(call, repeats, clock=time.perf_counter):
    """Return the least time of several calls."""
    times = []
    for _ in range(repeats):
        began = clock()
        call()
        times.append(clock() - began)
    return min(times)


def per_step(network, seconds, dt, precision="float64", scheme="heun"):
    """Return processor seconds per step of one run with noise."""
    plan = Plan.of(network, Direct(), seconds, sample=100 * dt, dt=dt, warmup=0, precision=precision, scheme=scheme)
    with jax.enable_x64(precision == "float64"):
        run = jax.jit(lambda key: integrate(network, Direct(), plan, key).signal)
        jax.block_until_ready(run(jax.random.key(0)))
        return best_of(lambda: jax.block_until_ready(run(jax.random.key(0))), 12, time.process_time) / plan.steps


def other(variable, script, *given):
    """Return the processor seconds that another program needs per step, or None where it is not there."""
    if variable not in os.environ:
        return None
    found = subprocess.run([os.environ[variable], "-c", script, json.dumps(given)],
                           capture_output=True, text=True, timeout=600, check=False)
    if found.returncode:
        print(f"# {variable}: {found.stderr.strip().splitlines()[-1]}")
        return None
    return json.loads(found.stdout.strip().splitlines()[-1])


def simulation():
    """Time one step of 80 Hopf regions beside neurolib (Euler, float64) and The Virtual Brain (Heun)."""
    for delayed in (False, True):
        model = Hopf(f=10.0, a=-1.0)
        network = Network.of(brain(80), model, G=0.5, delays=delayed)
        what = "delays" if delayed else "no_delays"
        began = time.perf_counter()
        euler, heun, single = (per_step(network, 1.0, 1e-4, *how) for how in (
            ("float64", "euler_maruyama"), ("float64", "heun"), ("float32", "heun")))
        for name, value in (("euler", euler), ("heun", heun), ("heun_float32", single)):
            print(f"# us_per_step_{name}_{what} {value * 1e6:.2f}")
        theirs = other("NMFIT_NEUROLIB_PYTHON", NEUROLIB, 80, 400.0, 0.1, delayed)
        if theirs is not None:
            print(f"# us_per_step_neurolib_{what} {theirs * 1e6:.2f}")
            row(f"times_faster_than_neurolib_{what}", theirs / euler, 1.0 if delayed else 3.0, 1, 80, began)
        theirs = other("NMFIT_TVB_PYTHON", TVB, 80, 100.0, 0.1, delayed)
        if theirs is not None:
            print(f"# us_per_step_tvb_{what} {theirs * 1e6:.2f}")
            row(f"times_faster_than_tvb_{what}", theirs / heun, 10.0, 1, 80, began)


def value_and_gradient(network, observation, nodes=NODES):
    """Return a compiled value and gradient of a band covariance's statistic in shared parameters, and its start."""
    names = ["G", *next(iter(network.groups.values())).fit_first]

    @partial(jax.jit, compiler_options=ALONE)
    @jax.value_and_grad
    def both(at):
        moved = network.replace(dict(zip(names, at, strict=True)))
        covariance, abscissa = linearise(moved, observation).covariance((0.01, 0.1), nodes)
        return jnp.sum(jnp.log(jnp.diagonal(covariance))) + covariance[0, 1] / covariance[0, 0] + 1e-3 * abscissa

    return both, [jnp.asarray(float(network.value(name))) for name in names]


def floor_of(n, count):
    """Return the seconds of `count` complex inverses of size n through scipy's LAPACK."""
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n)) + n * np.eye(n)
    linalg.inv(matrix)
    return best_of(lambda: [linalg.inv(matrix) for _ in range(count)], 5, time.process_time)


def linear(sizes=(68, 200, 400)):
    """Time value and gradient of the linear engine beside the solves that it cannot do without, one core for both."""
    with jax.enable_x64(True), one_core_each():
        for n in sizes:
            cases = {"hopf_rotating": Network.of(brain(n), Hopf(f=np.linspace(0.04, 0.06, n), a=-0.5), G=0.3),
                     "rww_balloon": Network.of(brain(n), ReducedWongWang(), G=0.3),
                     "jansen_rit": Network.of(brain(n), JansenRit(), G=1.0),
                     "jansen_rit_delays": Network.of(brain(n), JansenRit(), G=1.0, delays=True)}
            for name, network in cases.items():
                began = time.perf_counter()
                both, at = value_and_gradient(network, Balloon() if name == "rww_balloon" else Direct())
                began_first = time.perf_counter()
                jax.block_until_ready(both(at))
                compiling = time.perf_counter() - began_first
                seconds = best_of(lambda: jax.block_until_ready(both(at)), 3 if n < 400 else 1, time.process_time)  # noqa: B023 (called at once)
                count = NODES * (2 if name == "hopf_rotating" else 1)
                floor = floor_of(n, count)
                print(f"# ms_{name}_{n} {seconds * 1e3:.1f} floor {floor * 1e3:.1f} compile {compiling:.1f}")
                row(f"linear_over_lapack_{name}", seconds / floor, 3.0, -1, n, began)


def growth():
    """Measure how the linear engine's cost grows with regions."""
    with jax.enable_x64(True), one_core_each():
        for name, model in (("rww", ReducedWongWang()), ("jansen_rit", JansenRit())):
            began, spent = time.perf_counter(), []
            for n in (100, 400):
                both, at = value_and_gradient(Network.of(brain(n), model, G=0.3), Direct())
                jax.block_until_ready(both(at))
                spent.append(best_of(lambda: jax.block_until_ready(both(at)), 3, time.process_time))  # noqa: B023 (at once)
            row(f"power_of_regions_{name}", np.log(spent[1] / spent[0]) / np.log(4.0), 3.0, -1, 400, began)


def states():
    """Measure how it grows with the states of a model: every family seen through a Balloon."""
    times = {}
    with jax.enable_x64(True), one_core_each():
        for name, model in MODELS.items():
            if name == "Kuramoto":
                continue
            began = time.perf_counter()
            both, at = value_and_gradient(Network.of(brain(80), model(), G=0.1), Balloon())
            jax.block_until_ready(both(at))
            times[name] = best_of(lambda: jax.block_until_ready(both(at)), 5, time.process_time)  # noqa: B023 (at once)
            print(f"# ms_{name}_80 {times[name] * 1e3:.1f} ({len(model.states)} states)", flush=True)
        row("most_over_least_over_models", max(times.values()) / min(times.values()), 4.0, -1, 80, began)


def thousand():
    """Time and weigh 1000 regions with shared parameters."""
    with jax.enable_x64(True), one_core_each():
        for name, model, observation in (("hopf", Hopf(), Direct()), ("rww_balloon", ReducedWongWang(), Balloon())):
            began = time.perf_counter()
            both, at = value_and_gradient(Network.of(brain(1000), model, G=0.3), observation)
            jax.block_until_ready(both(at))
            seconds = best_of(lambda: jax.block_until_ready(both(at)), 1, time.process_time)  # noqa: B023 (at once)
            row(f"seconds_1000_{name}", seconds, 10.0, -1, 1000, began)
            gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            row(f"gib_1000_{name}", gib, 4.0, -1, 1000, began)


def memory():
    """Weigh a gradient through 600 s of 84 Jansen-Rit regions, and time checkpoints where all fits."""
    network = Network.of(brain(84), JansenRit(), G=1.0)
    began = time.perf_counter()
    for precision in ("float32",):
        plan = Plan.of(network, Direct(), 600.0, sample=0.01, dt=1e-3, warmup=0, precision=precision, memory=90e6)

        def loss(p, plan):
            return jnp.var(integrate(network.replace({"p": p}), Direct(), plan, jax.random.key(0)).signal)

        gradient = jax.jit(jax.value_and_grad(loss), static_argnums=1)
        at = jnp.asarray(400.0, jnp.float32)
        weighed = gradient.lower(at, plan).compile().memory_analysis()
        row("mb_gradient_600s_jansen_rit", weighed.temp_size_in_bytes / 1e6, 100.0, -1, 84, began)
        short = Plan.of(network, Direct(), 10.0, sample=0.01, dt=1e-3, warmup=0, precision=precision)
        costs = {}
        for budget in (1e12, 90e6):
            within = short.within(network, Direct(), budget)
            jax.block_until_ready(gradient(at, within))
            costs[budget] = best_of(lambda: jax.block_until_ready(gradient(at, within)), 5, time.process_time)  # noqa: B023 (at once)
        row("checkpoint_cost_ratio", costs[90e6] / costs[1e12], 1.3, -1, 84, began)


def main():
    """Run the parts that were named, or all."""
    parts = {"simulation": simulation, "linear": linear, "growth": growth, "states": states, "thousand": thousand,
             "memory": memory}
    single = {f"linear_{n}": partial(linear, (n,)) for n in (68, 200, 400)}
    for name in sys.argv[1:] or parts:
        (parts | single)[name]()


if __name__ == "__main__":
    main()
