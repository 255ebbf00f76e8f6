"""The Virtual Brain on the page's jobs, run by an interpreter that has it: `python with_tvb.py simulate DATA.npz`."""

import json
import logging
import resource
import sys
import time

logging.disable(logging.CRITICAL)

import numpy as np
from tvb.datatypes import connectivity
from tvb.simulator import coupling, integrators, models, monitors, noise, simulator


def timed(weights, model, joined, dt, monitor, milliseconds):
    n = len(weights)
    wiring = connectivity.Connectivity(
        weights=weights / weights.max(), tract_lengths=np.zeros((n, n)), speed=np.array([10.0]),
        region_labels=np.array([str(i) for i in range(n)]), centres=np.zeros((n, 3)))
    wiring.configure()
    run = simulator.Simulator(
        model=model, connectivity=wiring, coupling=joined, monitors=(monitor,),
        integrator=integrators.HeunStochastic(dt=dt, noise=noise.Additive(nsig=np.array([1e-12]))))
    run.configure()
    run.run(simulation_length=20 * monitor.period)
    began = time.perf_counter(), time.process_time()
    run.run(simulation_length=milliseconds)
    return {"best": time.perf_counter() - began[0], "cpu": time.process_time() - began[1],
            "steps": milliseconds / dt}


def simulate(data):
    """A slow Hopf network at 100 ms for 10 minutes, reduced Wong-Wang with its BOLD monitor at 4 ms for one; Heun."""
    hopf = models.SupHopf(a=np.array([-2e-5]), omega=np.array([2 * np.pi * 0.05 / 1000]))
    return {"hopf": timed(data["weights"], hopf, coupling.Difference(a=np.array([1e-4])), 100.0,
                          monitors.SubSample(period=2000.0), 600_000.0),
            "wong_wang": timed(data["weights"], models.ReducedWongWang(), coupling.Linear(a=np.array([0.1])), 4.0,
                               monitors.Bold(period=2000.0), 60_000.0)}


if __name__ == "__main__":
    with np.load(sys.argv[2], allow_pickle=False) as file:
        found = simulate(dict(file))
    print(json.dumps(found | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
