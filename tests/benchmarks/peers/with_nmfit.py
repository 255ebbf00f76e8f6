"""nmfit on the page's jobs, in a process of its own like the others: `python with_nmfit.py JOB DATA.npz`."""

import time

BEGAN = time.perf_counter()

import json
import resource
import sys

import jax
import jax.numpy as jnp
import numpy as np

import nmfit as nf
from nmfit.dynamics.alone import ALONE
from nmfit.dynamics.plan import Plan
from nmfit.dynamics.simulated import integrate
from nmfit.fit.threads import one_core_each
from nmfit.observe import Balloon, Direct

IMPORTED = time.perf_counter()


def hopf(data):
    weights = data["weights"] / data["weights"].max()
    return nf.Network.of(weights, nf.Hopf(f=0.05, a=-0.02), G=0.1), Direct()


def wong_wang(data):
    weights = data["weights"] / data["weights"].max()
    return nf.Network.of(weights, nf.ReducedWongWang(), G=0.1), Balloon()


def correlation(covariance):
    size = jnp.sqrt(jnp.diagonal(covariance))
    return covariance / size / size[:, None]


def timed(call, repeats=3):
    began = time.perf_counter()
    jax.block_until_ready(call())
    first, walls, cpus = time.perf_counter() - began, [], []
    for _ in range(repeats):
        began = time.perf_counter(), time.process_time()
        jax.block_until_ready(call())
        walls.append(time.perf_counter() - began[0])
        cpus.append(time.process_time() - began[1])
    return {"first": first, "best": min(walls), "cpu": min(cpus)}


def simulated(network, observe, seconds, sample, dt, precision="float64"):
    plan = Plan.of(network, observe, seconds, sample=sample, dt=dt, warmup=60.0, precision=precision)

    def series(network, key):
        return integrate(network, observe, plan, key).signal

    return series, plan.steps


def simulate(data):
    """10 minutes of BOLD: Hopf at 100 ms as brainmass has it, reduced Wong-Wang with a Balloon at 4 ms as tvboptim."""
    found = {}
    for name, (network, observe), dt in (("hopf", hopf(data), 0.1), ("wong_wang", wong_wang(data), 0.004)):
        with jax.enable_x64(True):
            series, steps = simulated(network, observe, 600.0, 2.0, dt)
            compiled = jax.jit(lambda key, network=network, series=series: jnp.corrcoef(series(network, key).T))
            found[name] = timed(lambda compiled=compiled: compiled(jax.random.key(0)), 3) | {"steps": steps}
    return found


def gradient(data):
    """Value and gradient of an FC loss in the coupling and one parameter, in closed form and through 10 minutes."""
    from nmfit.dynamics import linearise

    wanted = jnp.asarray(data["fc_fit"])
    found = {}
    with jax.enable_x64(True), one_core_each():
        for name, (network, observe), free in (("hopf", hopf(data), ("G", "a")),
                                               ("wong_wang", wong_wang(data), ("G", "w"))):
            def loss(at, network=network, observe=observe, free=free):
                covariance, _ = linearise(network.replace(dict(zip(free, at, strict=True))), observe).covariance(
                    (0.01, 0.1), 8)
                return jnp.mean((correlation(covariance) - wanted) ** 2)

            both = jax.jit(jax.value_and_grad(loss), compiler_options=ALONE)
            at = [jnp.asarray(float(network.value(name))) for name in free]
            found[name] = timed(lambda both=both, at=at: both(at), 20)
        network, observe = hopf(data)
        series, steps = simulated(network, observe, 600.0, 2.0, 0.1)

        def through(at):
            run = series(network.replace({"G": at[0], "a": at[1]}), jax.random.key(0))
            return jnp.mean((jnp.corrcoef(run.T) - wanted) ** 2)

        both = jax.jit(jax.value_and_grad(through))
        found["hopf_simulated"] = timed(lambda: both([jnp.asarray(0.1), jnp.asarray(-0.02)]), 3) | {"steps": steps}
    return found


def fit(data, rungs):
    """One fold, the searches alone, which is what the others do: first thing in a process, and once more."""
    from nmfit.fit.evidence import climb_path
    from nmfit.fit.fc import plan_of

    def once():
        began = time.perf_counter(), time.process_time()
        target = nf.fc_target(list(data["bold_fit"]), tr=float(data["tr"]), heldout=[data["bold_score"]])
        plan = plan_of(target, nf.Connectome(data["weights"], labels=tuple(str(s) for s in data["labels"])))
        with jax.enable_x64(True), one_core_each():
            fits = climb_path(plan.ground(target.folds[0]), rungs, starts=2, seed=0)
        return {"wall": time.perf_counter() - began[0], "cpu": time.process_time() - began[1],
                "fc": np.asarray(fits[-1].fc).tolist()}

    return {"import": IMPORTED - BEGAN, "first": once(), "again": once()}


def fit_shared(data):
    """Three parameters: coupling, damping, a shared drive."""
    return fit(data, [(nf.Rung("shared", True), 0.0)])


def fit_maps(data):
    """The same, then damping, noise and drive along four maps, harmonics of the connectome."""
    return fit(data, [(nf.Rung("shared", True), 0.0), (nf.Rung("maps", True), 0.0)])


def fit_regional(data):
    """Three parameters, then damping, noise and drive of every region."""
    return fit(data, [(nf.Rung("shared", True), 0.0), (nf.Rung("region", True), 1e-5)])


def climb(data):
    """All that `nmfit.fit` does on a fold: the search with its choice, errors, twins and 57 wrong connectomes."""
    began = time.perf_counter(), time.process_time()
    target = nf.fc_target(list(data["bold_fit"]), tr=float(data["tr"]), heldout=[data["bold_score"]])
    result = nf.fit(target, nf.Connectome(data["weights"], labels=tuple(str(s) for s in data["labels"])), seed=0)
    return {"wall": time.perf_counter() - began[0], "cpu": time.process_time() - began[1], "fc": result.fc.tolist(),
            "chosen": result.chosen}


def growth(_data):
    """Seconds of value and gradient of the same loss in closed form, against regions, states and people."""
    from nmfit.dynamics import linearise
    from nmfit.fit.evidence import climb_path
    from nmfit.fit.fc import plan_of

    def one(weights, model, free):
        network = nf.Network.of(weights, model, G=0.1 if model.rotation else None)
        observe = Direct() if model.rotation else Balloon()

        def loss(at):
            covariance, _ = linearise(network.replace(dict(zip(free, at, strict=True))), observe).covariance(
                (0.01, 0.1), 8)
            return jnp.mean(correlation(covariance) ** 2)

        both = jax.jit(jax.value_and_grad(loss), compiler_options=ALONE)
        at = [jnp.asarray(float(network.value(name))) for name in free]
        return timed(lambda: both(at), 5)["best"]

    def weights(n):
        rng = np.random.default_rng(0)
        w = rng.lognormal(0.0, 1.5, (n, n))
        w = (w + w.T) * (1 - np.eye(n))
        return w / w.sum(1).max()

    def person(k):
        rng = np.random.default_rng(k)
        mix = rng.normal(size=(80, 12))
        target = nf.fc_target(np.corrcoef(mix @ rng.normal(size=(12, 600)) + 2 * rng.normal(size=(80, 600))),
                              band=(0.01, 0.1), n_volumes=600)
        plan = plan_of(target, nf.Connectome(weights(80)))
        climb_path(plan.ground(target.folds[0]), [(nf.Rung("shared", True), 0.0), (nf.Rung("region", True), 1e-5)],
                   starts=2, seed=0)

    def people(count):
        began = time.process_time()
        for k in range(count):
            person(k)
        return time.process_time() - began

    with jax.enable_x64(True), one_core_each():
        person(0)
        cohort = {count: people(count) for count in (1, 4, 16)}
        regions = {n: one(weights(n), nf.Hopf(f=0.05), ("G", "a")) for n in (50, 100, 200, 400)}
        general = {n: one(weights(n), nf.ReducedWongWang(), ("G", "w")) for n in (50, 100, 200)}
        states = {name: {"states": len(nf.MODELS[name].states), "seconds": one(
            weights(80), nf.MODELS[name](), ("G", nf.MODELS[name].fit_first[0]))}
            for name in ("ReducedWongWang", "WongWang", "JansenRit")}
    return {"people": cohort, "regions_hopf": regions, "regions_wong_wang": general, "states": states}


if __name__ == "__main__":
    with np.load(sys.argv[2], allow_pickle=False) as file:
        given = dict(file)
    jobs = {"simulate": simulate, "gradient": gradient, "fit_shared": fit_shared,
            "fit_maps": fit_maps, "fit_regional": fit_regional, "climb": climb, "growth": growth}
    result = jobs[sys.argv[1]](given)
    print(json.dumps(result | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
