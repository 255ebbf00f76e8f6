"""Measure what a model costs and keep it in docs/speed.json, from which the model guide takes its columns.

From the root of the checkout, for some models or for all:

    python scripts/make_speed.py Hopf JansenRit

80 regions read directly, two cores at most, compiled; CPU time, best of five: value and gradient of an FC loss in
closed form, and one simulated second at the step that the library takes.
"""

import argparse
import json
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from nmfit.compare.connectivity import correlation
from nmfit.dynamics import linearise
from nmfit.dynamics.alone import ALONE
from nmfit.dynamics.plan import Plan
from nmfit.dynamics.simulated import integrate
from nmfit.fit.threads import one_core_each
from nmfit.models import MODELS
from nmfit.network import Network
from nmfit.observe import Direct

STORE = Path(__file__).resolve().parent.parent / "docs" / "speed.json"
REGIONS, REPEATS, NODES = 80, 5, 8
SLOW_BAND, FAST_BAND, FAST = (0.01, 0.1), (2.0, 40.0), 0.05          # Hz, Hz, s
STEPS = 4000                                                        # of the simulation that is timed


def network_of(model):
    """Return a network of weak coupling."""
    rng = np.random.default_rng(0)
    weights = rng.lognormal(0.0, 1.5, (REGIONS, REGIONS))
    weights = (weights + weights.T) * (1 - np.eye(REGIONS))
    return Network.of(weights / weights.sum(1).max(), model, G=0.01)


def best(call):
    """Return the least CPU time of a call that is compiled already."""
    jax.block_until_ready(call())
    took = []
    for _ in range(REPEATS):
        began = time.process_time()
        jax.block_until_ready(call())
        took.append(time.process_time() - began)
    return min(took)


def closed_form(model):
    """Return seconds of value and gradient, or None without a state of rest."""
    network = network_of(model)
    band = FAST_BAND if model.time_scale < FAST else SLOW_BAND
    names = ("G", *model.fit_first[:1])

    def loss(values):
        linear = linearise(network.replace(dict(zip(names, values, strict=True))), Direct())
        return jnp.mean(correlation(linear.covariance(band, NODES)[0]) ** 2), linear.converged

    both = jax.jit(jax.value_and_grad(loss, has_aux=True), compiler_options=ALONE)
    at = [jnp.asarray(float(network.value(name))) for name in names]
    (value, converged), _ = both(at)
    return best(lambda: both(at)) if bool(converged) and np.isfinite(value) else None


def simulated(model):
    """Return seconds that one simulated second takes, and its step."""
    network = network_of(model)
    step = Plan.of(network, Direct(), 1.0).dt
    plan = Plan.of(network, Direct(), STEPS * step, sample=10 * step, dt=step, warmup=0.0)
    run = jax.jit(lambda key: integrate(network, Direct(), plan, key).signal)
    return best(lambda: run(jax.random.key(0))) / (plan.steps * plan.dt), step


def main():
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=list(MODELS))
    for name in parser.parse_args().models:
        with jax.enable_x64(True), one_core_each():
            closed, (second, step) = closed_form(MODELS[name]()), simulated(MODELS[name]())
        kept = json.loads(STORE.read_text()) if STORE.exists() else {}
        kept[name] = {"closed_form": closed, "simulated_second": second, "step": step}
        STORE.write_text(json.dumps(kept, indent=1) + "\n")
        print(name, kept[name], flush=True)


if __name__ == "__main__":
    main()
