"""tvboptim on the page's jobs, run by an interpreter that has it: `python with_tvboptim.py JOB DATA.npz`.

The fit follows tvboptim's own workflow for BOLD FC (reduced Wong-Wang, 2 minutes at 4 ms, TR 1 s, RMSE of FC; Adam for
300 steps on coupling and recurrence, then 200 steps on regional recurrence and input), as its documentation has it. A
stage that takes longer than BUDGET of processor time is stopped, and what it has found by then is what counts.
"""

import sys
import time

BEGAN = time.perf_counter()

import copy
import json
import resource

import jax
import jax.numpy as jnp
import numpy as np
import optax
from tvboptim.experimental.network_dynamics import Network, prepare
from tvboptim.experimental.network_dynamics.coupling import FastLinearCoupling
from tvboptim.experimental.network_dynamics.dynamics.tvb import ReducedWongWang
from tvboptim.experimental.network_dynamics.graph import DenseGraph
from tvboptim.experimental.network_dynamics.noise import AdditiveNoise
from tvboptim.experimental.network_dynamics.solvers import Heun
from tvboptim.observations.observation import compute_fc, rmse
from tvboptim.observations.tvb_monitors.bold import Bold
from tvboptim.optim.optax import OptaxOptimizer
from tvboptim.types import Parameter
from tvboptim.types.stateutils import combine_state

jax.config.update("jax_enable_x64", True)
IMPORTED = time.perf_counter()
MS, SKIP = 4.0, 20
BUDGET, EVERY = 1500.0, 50          # seconds; steps between two looks at what has been found


def built(weights, seconds):
    network = Network(dynamics=ReducedWongWang(w=0.5, I_o=0.32, INITIAL_STATE=(0.3,)),
                      coupling={"instant": FastLinearCoupling(local_states=["S"], G=0.5)},
                      graph=DenseGraph(weights / weights.max()), noise=AdditiveNoise(sigma=0.00283, apply_to="S"))
    run, state = prepare(network, Heun(), t1=120_000.0, dt=MS)
    settled = run(state)
    network.update_history(settled)
    run, state = prepare(network, Heun(), t1=1000.0 * seconds, dt=MS)
    monitor = Bold(period=1000.0, downsample_period=MS, voi=0, history=settled)

    def fc(state):
        return compute_fc(monitor(run(state)), skip_t=SKIP)

    return run, state, fc


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
    """10 minutes of BOLD."""
    _, state, fc = built(data["weights"], 600.0)
    compiled = jax.jit(fc)
    return {"wong_wang": timed(lambda: compiled(state)) | {"steps": 150_000}}


def gradient(data):
    """Value and gradient of FC's RMSE in coupling and recurrence, 2 minutes, as the workflow has it."""
    _, state, fc = built(data["weights"], 120.0)
    wanted = jnp.asarray(data["fc_fit"])

    def loss(at):
        moved = copy.copy(state)
        moved.coupling.instant.G, moved.dynamics.w = at
        return rmse(fc(moved), wanted)

    both = jax.jit(jax.value_and_grad(loss))
    at = (jnp.asarray(0.5), jnp.asarray(0.5))
    return {"wong_wang_simulated": timed(lambda: both(at)) | {"steps": 30_000}}


def fit_shared(data):
    """The workflow's first stage: coupling and recurrence, shared by all regions."""
    _, state, fc = built(data["weights"], 120.0)
    state.coupling.instant.G = Parameter(state.coupling.instant.G)
    state.dynamics.w = Parameter(state.dynamics.w)
    found, told = followed(state, fc, data, optax.adam(0.01, b2=0.9999), 300, IMPORTED, 0.0)
    return told | {"import": IMPORTED - BEGAN, "G": float(found.coupling.instant.G.value),
                   "w": float(found.dynamics.w.value)}


def fit_regional(data):
    """Its second stage, from where the first ended: recurrence and input of every region."""
    _, state, fc = built(data["weights"], 120.0)
    n = len(data["weights"])
    began = time.perf_counter(), time.process_time()
    state.coupling.instant.G = float(data["G"])
    state.dynamics.w = Parameter(jnp.asarray(float(data["w"])))
    state.dynamics.I_o = Parameter(state.dynamics.I_o)
    state.dynamics.w.shape = state.dynamics.I_o.shape = (n,)
    return followed(state, fc, data, optax.adam(0.004, b2=0.999), 200, *began)[1]


def followed(state, fc, data, optimiser, steps, wall, cpu):
    """Run a stage; return where it ended, and its time and prediction there and on the way."""
    wanted, way, made = jnp.asarray(data["fc_fit"]), [], 0

    def look(step, moved, fixed, _history, _aux, loss, _gradient):
        nonlocal made
        made, spent = step + 1, time.process_time() - cpu
        if made % EVERY == 0:
            way.append({"step": made, "cpu": spent, "loss": float(loss), "state": combine_state(moved, fixed)})
        return spent > BUDGET, moved, fixed

    found, _ = OptaxOptimizer(lambda s: rmse(fc(s), wanted), optimiser, callback=look).run(state, max_steps=steps)
    ended = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    compiled = jax.jit(fc)
    for point in way:
        point["fc"] = predicted(point.pop("state"), compiled).tolist()
    return found, ended | {"fc": predicted(found, compiled).tolist(), "way": way, "steps": [made, steps]}


def predicted(found, compiled):
    """Return the mean FC of 5 x 2 minutes under noise that the fit did not see."""
    several = []
    for seed in range(1, 6):
        fresh = copy.deepcopy(found)
        fresh.noise.key = jax.random.key(seed)
        several.append(np.asarray(compiled(fresh)))
    return np.mean(several, 0)


if __name__ == "__main__":
    with np.load(sys.argv[2], allow_pickle=False) as file:
        given = dict(file)
    jobs = {"simulate": simulate, "gradient": gradient, "fit_shared": fit_shared, "fit_regional": fit_regional}
    result = jobs[sys.argv[1]](given)
    print(json.dumps(result | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
