"""Measure what docs/engines.md says, and write it: ``python scripts/make_engines.py > docs/engines.md``.

Where the closure holds: correlations of eight oscillators against a long simulation, beside its own validity figure.
How fast the integrators converge: halving steps against a far finer one, without noise and with the same noise.
"""

import jax
import numpy as np

from nmfit.dynamics import linearise
from nmfit.dynamics.plan import Plan
from nmfit.dynamics.simulate import simulate
from nmfit.dynamics.simulated import integrate
from nmfit.models import StuartLandau
from nmfit.network import Network
from nmfit.observe import Direct

N, SECONDS = 8, 20000.0
GROWTHS = (("-0.2 to 0.1, unlike", None), ("-0.1", -0.1), ("0", 0.0), ("0.1", 0.1))
NOISES = (0.02, 0.05, 0.1, 0.2)
UPPER = np.triu_indices(N, 1)


def oscillators(a, sigma):
    """Return eight coupled oscillators of unlike frequency."""
    rng = np.random.default_rng(0)
    drawn = rng.uniform(0, 1, (N, N)) ** 3
    weights = (drawn + drawn.T) * (1 - np.eye(N))
    weights = weights / weights.sum(1).mean()
    unlike, f = rng.uniform(-0.2, 0.1, N), rng.uniform(0.04, 0.07, N)
    return Network.of(weights, StuartLandau(a=unlike if a is None else np.full(N, a), f=f, sigma=sigma), G=0.1)


def correlation(covariance):
    """Return correlations of a covariance."""
    deviation = np.sqrt(np.diag(covariance))
    return np.asarray(covariance) / np.outer(deviation, deviation)


def closure_rows():
    """Yield growth, noise, validity figure, the engine that is chosen, and the RMSE of both closed forms."""
    for name, a in GROWTHS:
        for sigma in NOISES:
            network = oscillators(a, sigma)
            fc = simulate(network, SECONDS, sample=2.0, runs=4, precision="float32", seed=1).fc()
            closed, rest = linearise(network, Direct(), closure=True), linearise(network, Direct())
            stable = float(rest.abscissa()) < 0

            def apart(linear, fc=fc):
                return np.sqrt(np.mean((correlation(linear.covariance(nodes=96)[0]) - fc)[UPPER] ** 2))

            engine = linearise(network, Direct(), closure="auto").engine
            yield name, sigma, float(closed.defect), engine, apart(closed), apart(rest) if stable else None


def orders():
    """Yield scheme, order without noise, and strong order with additive noise."""
    network = oscillators(0.1, 0.05)
    start = {"all": np.random.default_rng(1).normal(size=(2, N)) * 0.3}
    for scheme in ("euler_maruyama", "heun", "rk4"):
        found = []
        for noisy in (False, True):
            def ended(k, scheme=scheme, noisy=noisy):
                dt = 0.5 / 2**k
                plan = Plan.of(network, Direct(), 8.0, sample=8.0, dt=dt, warmup=0, scheme=scheme)
                steps = plan.steps
                noise = None
                if noisy:
                    fine = np.random.default_rng(2).normal(size=(2048, plan.sources.count))
                    noise = fine.reshape(16 * 2**k, -1, fine.shape[1]).sum(1) / np.sqrt(2048 / (16 * 2**k))
                    noise = np.concatenate([noise, np.zeros((steps - len(noise), noise.shape[1]))])
                run = jax.jit(lambda x: integrate(network, Direct(), plan, noise=noise, x0=x).signal[0])
                return np.asarray(run(start))

            truth = ended(7)
            errors = [np.abs(ended(k) - truth).max() for k in (1, 2, 3, 4)]
            found.append(-np.polyfit((1, 2, 3, 4), np.log2(errors), 1)[0])
        yield scheme, *found


def main():
    """Write the page."""
    print("# The two engines, measured\n")
    print("Written by `scripts/make_engines.py`; every number was measured by it.\n")
    print("## Where statistical linearisation holds\n")
    print("Eight Stuart-Landau oscillators of unlike frequency, diffusive coupling, correlations of `x` over all pairs "
          f"against four runs of {SECONDS:g} s. The validity figure (`defect`) comes from the closure alone; it is "
          "below 1 where it is taken for valid; `chosen` is what `linearise(..., closure=\"auto\")` takes.\n")
    print("| growth a (1/s) | noise sigma | defect | chosen | RMSE of the closure | RMSE at rest |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, sigma, defect, engine, closed, rest in closure_rows():
        told = "no stable rest" if rest is None else f"{rest:.3f}"
        print(f"| {name} | {sigma:g} | {defect:.2g} | {engine} | {closed:.3f} | {told} |", flush=True)
    print("\n## How fast the integrators converge\n")
    print("The same network at a = 0.1 for 8 s, steps of 1/4 to 1/32 s against 1/256 s: slope of the log error.\n")
    print("| scheme | without noise | strong, additive noise |")
    print("| --- | --- | --- |")
    for scheme, quiet, noisy in orders():
        print(f"| {scheme} | {quiet:.2f} | {noisy:.2f} |", flush=True)


if __name__ == "__main__":
    with jax.enable_x64(True):
        main()
