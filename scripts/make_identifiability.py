"""Write docs/identifiability_eeg.md: what the spectrum of one Jansen-Rit column tells of its parameters.

From the root of the checkout, about two minutes on two cores:

    python scripts/make_identifiability.py
"""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import digamma, polygamma

from nmfit.fit.gauss_newton import Freedom, laplace, regionwise, settle
from nmfit.fit.sources.problem import alone
from nmfit.models import JansenRit
from nmfit.network import Connectome, Network
from nmfit.parameters import declarations, pytree

ROOT = Path(__file__).resolve().parent.parent
FREQS = np.arange(1.0, 40.01, 0.25)
NAMES = ("A", "B", "a", "b", "C", "e0", "v0", "r", "p", "sigma", "scale")
FOUR = ("a", "b", "C", "scale")
FIVE = (*FOUR, "B")                            # one choice of as many parameters as there are combinations
WINDOWS = {"1 min": 29, "5 min": 149}          # 4 s windows, half overlapping; Hann: 1.89 degrees of freedom each
PER_WINDOW = 1.89
DRIVES = (330.0, 400.0, 500.0)                 # 1/s
COPIES, SPREAD, PRIOR = 60, 0.02, 0.3
KNOWN = 0.5


@pytree
class Columns:
    """Columns side by side, none of which hears another, and their spectra."""

    network: object
    freqs: object
    data: object
    weight: object
    rows: object


def columns(count, drive=400.0):
    """Return a network of uncoupled columns."""
    weights = np.zeros((count, count))
    weights[0, 1] = weights[1, 0] = 1e-12          # a connectome has an edge
    network = Network.of(Connectome(weights), JansenRit(p=drive), G=0.0)
    return network.replace({name: np.full(count, float(network.value(name))) for name in NAMES if name != "scale"})


def log_power(move, network, freqs):
    """Return ln of power ``[f, n]`` with every parameter changed by the factor ``exp(move [p, n])``."""
    values = {name: network.value(name) * jnp.exp(move[k]) for k, name in enumerate(NAMES) if name != "scale"}
    return jnp.log(alone(network.replace(values), freqs)) + 2.0 * move[NAMES.index("scale")]


def misfit(move, problem):
    """Return residuals in standard errors of the data; ``move`` holds the rows that are free."""
    full = problem.rows @ move
    return problem.weight * (log_power(full, problem.network, problem.freqs) - problem.data)


def fisher(drive, dof):
    """Return the information matrix ``[p, p]`` of relative changes, and which combinations it holds."""
    network = columns(2, drive)
    _, slope = regionwise(lambda m: log_power(m, network, jnp.asarray(FREQS)), jnp.zeros((len(NAMES), 2)))
    slope = np.asarray(slope)[:, 0]
    return slope.T @ slope / float(polygamma(1, dof / 2)) / OVERLAP


# Neighbouring bins of a Hann window share power: the sum of their squared correlations, 1 + 2 (4/9 + 1/36).
OVERLAP = 1.0 + 2.0 * (4.0 / 9.0 + 1.0 / 36.0)


def directions(information):
    """Return singular values' standard errors, best first, and unit directions in columns."""
    values, vectors = np.linalg.eigh(information)
    order = np.argsort(values)[::-1]
    return 1.0 / np.sqrt(np.maximum(values[order], 1e-30)), vectors[:, order]


def in_words(direction):
    """Return the largest parts of a direction, a product of powers."""
    direction = direction * np.sign(direction[np.argmax(np.abs(direction))])
    order = np.argsort(-np.abs(direction))
    return " ".join(f"{NAMES[k]}^{direction[k]:+.2f}" for k in order if abs(direction[k]) > 0.25)


def recovered(free, dof, seed=0):
    """Fit copies with known parameters; return truth, estimate and error ``[p, copy]`` of the free ones."""
    rng = np.random.default_rng(seed)
    network, rows = columns(2), np.zeros((len(NAMES), len(free)))
    for k, name in enumerate(free):
        rows[NAMES.index(name), k] = 1.0
    truth = SPREAD * rng.normal(size=(len(free), COPIES))
    freqs = jnp.asarray(FREQS[::2])                 # 0.5 Hz apart: independent bins of a Hann window of 4 s, nearly
    sd = np.sqrt(float(polygamma(1, dof / 2)))
    bias = float(digamma(dof / 2)) + np.log(2.0 / dof)
    exact = jax.jit(log_power)
    freedom = Freedom(jnp.ones((2, 1)), jnp.full((len(free), 1), 1e9), jnp.full(len(free), PRIOR**-2))
    start = (jnp.zeros((len(free), 1)), jnp.zeros((len(free), 2)))
    found, errors = np.zeros_like(truth), np.zeros_like(truth)
    for i, own in enumerate(truth.T):
        power = np.asarray(exact(jnp.asarray(rows @ np.stack([own, own], 1)), network, freqs))
        noise = np.log(rng.chisquare(dof, (freqs.size, 1)) / dof) - bias
        problem = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype=float), Columns(
            network=network, freqs=freqs, data=power + noise, weight=np.array([1.0, 0.0]) / sd, rows=rows))
        at = settle(misfit, problem, freedom, start, 200, 1e-8)
        error, variance = laplace(misfit, at.move, problem, freedom, float(freqs.size))
        found[:, i], errors[:, i] = np.asarray(at.move)[:, 0], np.asarray(error)[:, 0] / np.sqrt(float(variance))
    return truth, found, errors


def main():
    """Measure, and write the page."""
    lines = [
        "# What a spectrum tells of a Jansen-Rit column", "",
        "Generated by `scripts/make_identifiability.py`; every number below is measured by it.", "",
        "## Five combinations, whatever the length of the recording", "",
        "Linearised at rest, the potential of a column is", "",
        "    v = (A a / (s + a)^2) noise / (1 - K1 / (s + a)^4 + K2 / ((s + a)^2 (s + b)^2)),", "",
        "    K1 = (A a)^2 C1 C2 S'(C1 y0) S'(v),    K2 = (A a) (B b) C3 C4 S'(C3 y0) S'(v),", "",
        "with `S'` the slopes of the firing curve where the column rests. So a spectrum holds `a`, `b`, the gains `K1`",
        "and `K2` of the excitatory and the inhibitory loop, and one amplitude (A a sigma times the",
        f"instrument's scale): five numbers for {len(NAMES)} parameters ({', '.join(NAMES)}).",
        "Everything else enters through these, and no recording of a column, however long, tells it.", "",
        "Directions of the Fisher information of relative changes, 1 to 40 Hz; standard errors for one minute of one",
        f"channel without sensor noise ({WINDOWS['1 min']} windows of 4 s). A direction is known where its relative",
        f"error is below {KNOWN}.", ""]
    for drive in DRIVES:
        errors, vectors = directions(fisher(drive, PER_WINDOW * WINDOWS["1 min"]))
        longer, _ = directions(fisher(drive, PER_WINDOW * WINDOWS["5 min"]))
        rank = int((errors < 1e5 * errors[0]).sum())
        lines += [f"### Drive p = {drive:g} per second", "",
                  f"Rank {rank}; known after one minute: {int((errors < KNOWN).sum())}, after five: "
                  f"{int((longer < KNOWN).sum())}.", "",
                  "| | relative error, 1 min | 5 min | combination (powers) |", "| --- | --- | --- | --- |"]
        lines += [f"| {k + 1} | {errors[k]:.2g} | {longer[k]:.2g} | {in_words(vectors[:, k])} |" for k in range(rank)]
        lines += [""]
        print(drive, rank, errors[:7], flush=True)
    lines += ["## Recovery", "",
              f"{COPIES} columns around the defaults (every free parameter varied by {SPREAD:.0%}), spectra with the",
              f"scatter of one minute, fitted from the defaults under a prior of {PRIOR:.0%}. An interval is",
              "estimate +- 1.96 standard errors. A parameter is flat where its error is more than 0.9 of the prior's",
              "width.", ""]
    for title, free in (("Four free, the rest held at the truth", FOUR), ("Five free", FIVE), ("All free", NAMES)):
        truth, found, error = recovered(free, PER_WINDOW * WINDOWS["1 min"])
        inside = (np.abs(found - truth) < 1.96 * error).mean(1)
        r = [np.corrcoef(t, f)[0, 1] for t, f in zip(truth, found, strict=True)]
        lines += [f"### {title}", "", "| parameter | inside its 95 % interval | r of truth and estimate | error | |",
                  "| --- | --- | --- | --- | --- |"]
        for k, name in enumerate(free):
            flag = "flat" if np.median(error[k]) > 0.9 * PRIOR else ""
            lines.append(f"| {name} | {inside[k]:.3f} | {r[k]:.2f} | {np.median(error[k]):.3f} | {flag} |")
            print(title, name, inside[k], r[k], np.median(error[k]), flag, flush=True)
        lines += [f"| all | {inside.mean():.3f} | | | |", ""]
    lines += ["## What to do with it", "",
              "- Fit `a`, `b`, one parameter of the loops (`C`, or `p` in its place) and the scale; hold the rest at",
              "  published values and say so. A second parameter of the loops wants minutes of data, and an",
              "  interval from the curvature is too narrow while it is nearly free: what it is traded against moves",
              "  along a curve.",
              "- Differences between people or states in `A`, `B`, `C`, `p`, `v0`, `r` or `e0` are differences in a",
              "  loop gain: name the gain, not the parameter.", ""]
    (ROOT / "docs" / "identifiability_eeg.md").write_text("\n".join(lines))


if __name__ == "__main__":
    with jax.enable_x64(True):
        assert set(NAMES) - {"scale"} <= set(declarations(JansenRit))
        assert dataclasses.is_dataclass(Columns)
        main()
