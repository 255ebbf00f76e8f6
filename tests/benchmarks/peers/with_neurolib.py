"""neurolib on the page's job, run by an interpreter that has it: `python with_neurolib.py simulate DATA.npz`."""

import json
import resource
import sys
import time

import numpy as np
from neurolib.models.hopf import HopfModel


def simulate(data):
    """10 minutes of a slow Hopf network, Euler at 100 ms; its noise is Ornstein-Uhlenbeck."""
    weights, walls, cpus = data["weights"] / data["weights"].max(), [], []
    for _ in range(4):
        model = HopfModel(Cmat=weights, Dmat=np.zeros_like(weights))
        model.params.update(duration=660_000.0, dt=100.0, w=2 * np.pi * 0.05 / 1000, a=-2e-5, K_gl=1e-4, sigma_ou=1e-7,
                            tau_ou=1000.0)
        model.params.xs_init = model.params.ys_init = np.full((len(weights), 1), 1e-4)
        began = time.perf_counter(), time.process_time()
        model.run()
        fc = np.corrcoef(model.x[:, 600::20])
        walls.append(time.perf_counter() - began[0])
        cpus.append(time.process_time() - began[1])
    assert np.isfinite(fc).all()
    return {"hopf": {"first": walls[0], "best": min(walls[1:]), "cpu": min(cpus[1:]), "steps": 6600}}


if __name__ == "__main__":
    with np.load(sys.argv[2], allow_pickle=False) as file:
        found = simulate(dict(file))
    print(json.dumps(found | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
