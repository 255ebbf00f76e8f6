"""Time and weigh both engines for every model (not in the default run; `pip install pytest-benchmark`).

    pytest tests/benchmarks/bench_engines.py -k "Hopf and 68" --benchmark-json=hopf_68.json
    python scripts/make_costs.py *.json > docs/costs.md

Processor time on one core, compiled. `extra_info` holds what the compiled program needs beside its arguments, in bytes
(XLA's own account), the seconds that compiling took, and of a simulation the step and how many were run.
"""

import time

import jax
import pytest
from issue_3 import brain, value_and_gradient

from nmfit.dynamics.plan import Plan
from nmfit.dynamics.simulated import integrate
from nmfit.fit.threads import one_core_each
from nmfit.models import MODELS
from nmfit.network import Network
from nmfit.observe import Direct

SIZES = (68, 200, 400, 1000)
STEPS = 400                 # of a simulation that are timed
pytestmark = pytest.mark.benchmark(timer=time.process_time)


def measure(benchmark, call, *args, rounds):
    """Compile, weigh and time a call."""
    began = time.process_time()
    compiled = call.lower(*args).compile()
    benchmark.extra_info |= {"compile_seconds": time.process_time() - began,
                             "bytes": compiled.memory_analysis().temp_size_in_bytes}
    benchmark.pedantic(lambda: jax.block_until_ready(compiled(*args)), rounds=rounds, warmup_rounds=1)


@pytest.mark.parametrize("regions", SIZES)
@pytest.mark.parametrize("name", [name for name in MODELS if name != "Kuramoto"])
def test_linear_value_and_gradient(benchmark, name, regions):
    with one_core_each():
        both, at = value_and_gradient(Network.of(brain(regions), MODELS[name](), G=0.1), Direct())
        measure(benchmark, both, at, rounds=5 if regions < 400 else 1)


@pytest.mark.parametrize("regions", SIZES)
@pytest.mark.parametrize("name", MODELS)
def test_simulation(benchmark, name, regions):
    network = Network.of(brain(regions), MODELS[name](), G=0.1)
    step = Plan.of(network, Direct(), 1.0).dt
    plan = Plan.of(network, Direct(), STEPS * step, sample=10 * step, dt=step, warmup=0.0)
    benchmark.extra_info |= {"step": plan.dt, "steps": plan.steps}
    with one_core_each():
        run = jax.jit(lambda key: integrate(network, Direct(), plan, key).signal)
        measure(benchmark, run, jax.random.key(0), rounds=5 if regions < 400 else 3)
