"""Write docs/identifiability_leadfield.md: what spectra at sensors tell of the regions behind a lead field.

    python scripts/make_identifiability_leadfield.py
"""

import dataclasses
import types
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import nmfit as nf
from nmfit.compare.spectral_ceiling import log10_variance
from nmfit.fit.spectrum.populations import population
from nmfit.fit.spectrum.problem import beginning, problem_of, see
from nmfit.fit.spectrum.rungs import BETWEEN_REGIONS, LADDER, brain_maps, layout_of
from nmfit.io import sphere_leadfield
from nmfit.io.sensors import MONTAGE, builtin_montage

ROOT = Path(__file__).resolve().parent.parent
FREQS = np.arange(1.0, 40.01, 0.25)
TEN_TWENTY = ("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4", "T8", "P7", "P3", "Pz", "P4", "P8",
              "O1", "O2")
MINUTES = {1: 29, 5: 149}            # 4 s windows, half overlapping; Hann: 1.89 degrees of freedom each
PER_WINDOW = 1.89
PEAK, FLOOR, APERIODIC = 3e-11, 1e-13, 1e-12      # V^2/Hz: alpha of the median channel, white noise, 1/f at 10 Hz
KINDS = {"noise": "amplitude", "a": "damping", "f": "frequency"}
DRAWS = 4


def montages():
    """Return channels by number: 19 of the 10-20 system, and the 64 of a common cap."""
    known = builtin_montage(MONTAGE).ch_names
    sixty_four = [name for name in builtin_montage("biosemi64").ch_names if name in known]
    return {len(TEN_TWENTY): list(TEN_TWENTY), len(sixty_four): sixty_four}


def told_by(brain, ch_names, seed):
    """Return the layout of the highest rung, its slopes ``[f s, m]`` at a brain drawn from its priors, and the maps."""
    leadfield = sphere_leadfield(ch_names, brain.centroids, labels=brain.labels)
    target = types.SimpleNamespace(nodes=FREQS, smear=None)
    made = population(brain, "Hopf", frequency=10.0, width=15.0)
    problem = problem_of(types.SimpleNamespace(target=target, coupled=True), [made], leadfield)
    alpha = np.argmin(np.abs(FREQS - 10.0))
    seen = np.median(np.asarray(see(problem, beginning(problem)).sources)[alpha])
    s = len(ch_names)
    problem = problem_of(
        types.SimpleNamespace(target=target, coupled=True), [made],
        dataclasses.replace(leadfield, scale=float(leadfield.scale) * np.sqrt(PEAK / seen), floor=np.full(s, FLOOR),
                            aperiodic=np.full(s, APERIODIC)))
    rng = np.random.default_rng(seed)
    moves = np.stack([BETWEEN_REGIONS[name] * rng.normal(size=brain.n) for name in KINDS])
    point = dataclasses.replace(beginning(problem), regions=(jnp.asarray(moves),))
    layout = layout_of(LADDER[-1], problem.networks, brain_maps(brain), s, coupled=True, coherent=True)
    return layout, layout.slopes(see(problem, point))


def posterior_of(layout, slopes, windows):
    """Return prior and posterior covariance of the free coordinates, channels and bins taken as independent."""
    prior = layout.precisions[layout.free]
    information = slopes.T @ slopes / log10_variance(PER_WINDOW * windows)
    return np.diag(1.0 / prior), np.linalg.inv(information + np.diag(prior))


def regional(layout, row):
    """Return the matrix ``[n, m]`` from free coordinates to what a kind of parameter is in every region."""
    rows = [layout.point(unit).regions[0][row] for unit in np.eye(layout.precisions.size)[layout.free]]
    return np.stack(rows, axis=1)


def left(matrix, prior, posterior):
    """Return what is left of the prior's spread of combinations, the rows of a matrix: 1 where nothing is told."""
    before = np.einsum("im,mk,ik->i", matrix, prior, matrix)
    return np.sqrt(np.einsum("im,mk,ik->i", matrix, posterior, matrix) / before)


def measured(brain, ch_names, windows):
    """Return rows of the table, mean over draws."""
    places = np.asarray(brain.centroids)
    apart = np.linalg.norm(places[:, None] - places, axis=-1) + 1e9 * (np.sign(places[:, None, 0] * places[:, 0]) <= 0)
    np.fill_diagonal(apart, np.inf)
    nearest = apart.argmin(1)
    across = np.linalg.norm(places[:, None] * [-1, 1, 1] - places, axis=-1).argmin(1)
    found = {}
    for seed in range(DRAWS):
        layout, slopes = told_by(brain, ch_names, seed)
        prior, posterior = posterior_of(layout, slopes, windows)
        share = 1.0 - posterior.diagonal() / prior.diagonal()
        kinds = layout.kinds[layout.free]
        rows = {}
        for row, name in enumerate(KINDS.values()):
            own = regional(layout, row)
            rows[f"{name}: independent numbers told, of {brain.n}"] = share[kinds == row].sum()
            rows[f"{name}: one region"] = np.median(left(own, prior, posterior))
            rows[f"{name}: sum of a region and its neighbour"] = np.median(left(own + own[nearest], prior, posterior))
            rows[f"{name}: difference of these"] = np.median(left(own - own[nearest], prior, posterior))
            rows[f"{name}: difference of left and right"] = np.median(left(own - own[across], prior, posterior))
            rows[f"{name}: mean of all regions"] = left(own.mean(0, keepdims=True), prior, posterior)[0]
        parts = np.concatenate([np.full(int(np.prod(shape)), k) for k, shape in enumerate(layout.shapes)])[layout.free]
        for k, name in ((2, "coupling G"), (3, "coherence of the lead field")):
            at = np.flatnonzero(parts == k)
            rows[name] = np.sqrt(posterior[at, at] / prior[at, at])[0]
        damping, coupling = regional(layout, 1).mean(0), np.flatnonzero(parts == 2)[0]
        rows["coupling and mean damping: correlation of their errors"] = (
            damping @ posterior[:, coupling] / np.sqrt(damping @ posterior @ damping * posterior[coupling, coupling]))
        for row, name in enumerate(("sensitivity", "white noise", "power-law noise")):
            rows[f"{name} of a sensor"] = np.median(np.sqrt(1 - share[kinds == 3 + row]))
        for name, value in rows.items():
            found.setdefault(name, []).append(float(value))
    return {name: float(np.mean(values)) for name, values in found.items()}


def main():
    """Measure, and write the page."""
    raw = nf.template("aal2-80")
    brain = raw.normalised("none", "rowsum")
    columns = {(minutes, s): measured(brain, names, windows)
               for s, names in montages().items() for minutes, windows in MINUTES.items()}
    head = "".join(f" {s} channels, {minutes} min |" for minutes, s in columns)
    lines = [
        "# What sensors tell of the regions behind them", "",
        "Generated by `scripts/make_identifiability_leadfield.py`; every number below is measured by it.", "",
        f"One damped oscillator in each of {brain.n} regions of the template, seen through the template sphere;",
        f"regional parameters drawn from the priors of the ladder's last rung (mean of {DRAWS} draws), spectra from 1",
        "to 40 Hz in 4 s windows, every coordinate of that rung free at once. Numbers are what is left of the prior's",
        "spread, 1 where the data tell nothing, 0 where all; of \"independent numbers\" it is how many they add.",
        "Channels and bins are taken as independent, which flatters a little: neighbours cohere.", "",
        f"| |{head}", "| --- |" + " --- |" * len(columns)]
    for name in next(iter(columns.values())):
        lines.append(f"| {name} |" + "".join(f" {one[name]:.2f} |" for one in columns.values()))
        print(lines[-1], flush=True)
    lines += [
        "", "## What to do with it", "",
        "- The scale of the lead field and the amplitude of all sources are one number: the scale is held,",
        "  amplitudes count from it. Levels over the whole brain are known well.",
        "- A single region is known as far as its neighbours are: their sum is, their difference hardly, left and",
        "  right by half. Compare sums over lobes or sides, not neighbouring regions, and read the number of",
        "  independent numbers as how many such sums there are.",
        "- Coupling is nearly what its prior says, and its error goes with that of damping, since diffusive",
        "  coupling damps: a difference in `G` between people or states is a difference of both until something",
        "  else holds the damping.",
        "- Three times the channels tell more of the regions than five times the minutes; minutes tell noise from",
        "  sources.",
        ""]
    (ROOT / "docs" / "identifiability_leadfield.md").write_text("\n".join(lines))


if __name__ == "__main__":
    with jax.enable_x64(True):
        main()
