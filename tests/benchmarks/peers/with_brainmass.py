"""brainmass on the page's jobs, run by an interpreter that has it: `python with_brainmass.py JOB DATA.npz`.

The fit is brainmass's own: a `Network` of `HopfStep` nodes, a `Simulator`, and the gradient backend of `Fitter` with
Adam, 10 minutes at 100 ms, 60 steps with shared parameters and 60 more with regional ones. Its FC objectives take time
series on both sides, so the loss (1 - r between FC matrices) is written with its own metrics.
"""

import sys
import time

BEGAN = time.perf_counter()

import json
import resource

import brainmass
import brainstate
import braintools
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from brainstate.nn import Param, SigmoidT

IMPORTED = time.perf_counter()
DT, TR, SECONDS, SETTLE = 100.0, 2000.0, 600.0, 60.0
brainstate.environ.set(dt=DT * u.ms)
TURN = 2 * np.pi * 0.05 / 1000     # rad/ms
NOISE = 0.02 / 1000 / np.sqrt(DT / 1000)      # as an input in 1/ms: 0.02 per square root of a second


def network(weights, k, a, fit):
    n = len(weights)

    def free(value, low, high):
        return Param(value, t=SigmoidT(low, high), fit=True) if fit else value

    nodes = brainmass.HopfStep(
        n, a=free(a, -1e-3, -2e-6), w=TURN, beta=1e-3,
        noise_x=brainmass.GaussianNoise(n, sigma=NOISE), noise_y=brainmass.GaussianNoise(n, sigma=NOISE))
    return brainmass.Network(nodes, conn=weights / weights.max(), coupled_var="x", k=free(k, 0.0, 1e-3),
                             delay_init=braintools.init.Constant(0.0))


def bold(model, seconds=SECONDS):
    run = brainmass.Simulator(model, dt=DT * u.ms).run(
        (seconds + SETTLE) * 1000 * u.ms, monitors=lambda m: m.node.x.value, transient=SETTLE * 1000 * u.ms)
    return u.get_magnitude(run["output"])[::int(TR / DT)]


def fc(series):
    return braintools.metric.functional_connectivity(series)


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


def simulate(data):
    model = network(data["weights"], 1e-4, -2e-5, False)
    compiled = brainstate.transform.jit(lambda: fc(bold(model)))
    return {"hopf": timed(compiled) | {"steps": int((SECONDS + SETTLE) * 1000 / DT)}}


def gradient(data):
    model = network(data["weights"], 1e-4, -2e-5, True)
    wanted = jnp.asarray(data["fc_fit"])
    weights = model.states(brainstate.ParamState)

    @brainstate.transform.jit
    def both():
        return brainstate.transform.grad(
            lambda: 1 - braintools.metric.matrix_correlation(fc(bold(model)), wanted), weights, return_value=True)()

    return {"hopf_simulated": timed(both) | {"steps": int((SECONDS + SETTLE) * 1000 / DT)}}


def fit(data, steps=60):
    wanted, n = jnp.asarray(data["fc_fit"]), len(data["weights"])

    def loss(model):
        found = fc(bold(model))
        return 1 - braintools.metric.matrix_correlation(found, wanted), found

    brainstate.random.seed(0)
    model = network(data["weights"], 1e-4, -2e-5, True)
    shared = brainmass.Fitter(model, braintools.optim.Adam(lr=0.1), loss_fn=loss).fit(n_steps=steps)
    after_shared = time.perf_counter(), time.process_time()
    best = {name.rpartition(".")[2]: jnp.asarray(u.get_magnitude(value)) for name, value in shared.best_params.items()}
    wide = network(data["weights"], best["k"], jnp.broadcast_to(best["a"], (n,)), True)
    brainmass.Fitter(wide, braintools.optim.Adam(lr=0.1), loss_fn=loss).fit(n_steps=steps)
    done = time.perf_counter(), time.process_time()
    found = {}
    for name, fitted in (("shared", model), ("regional", wide)):
        compiled, several = brainstate.transform.jit(lambda fitted=fitted: fc(bold(fitted))), []
        for seed in range(1, 4):                      # 3 x 10 minutes under noise that the fit did not see
            brainstate.random.seed(1000 + seed)
            several.append(np.asarray(compiled()))
        found[name] = np.mean(several, 0).tolist()
    return {"import": IMPORTED - BEGAN, "shared": {"wall": after_shared[0] - IMPORTED, "cpu": after_shared[1]},
            "regional": {"wall": done[0] - IMPORTED, "cpu": done[1]}, "fc": found}


if __name__ == "__main__":
    with np.load(sys.argv[2], allow_pickle=False) as file:
        given = dict(file)
    result = {"simulate": simulate, "gradient": gradient, "fit": fit}[sys.argv[1]](given)
    print(json.dumps(result | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
