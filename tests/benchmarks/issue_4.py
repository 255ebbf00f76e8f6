"""Check what instruments see and what is compared: ceilings, twins of statistics, templates.

``python tests/benchmarks/issue_4.py [ceilings] [twins] [template] [likelihoods] [envelopes] [--count 100]``

Prints one line per figure: name, value, goal, pass or short, N, seconds. "template" needs the package ``tvb-data``,
whose files alone are read.
"""

import argparse
import importlib.util
import io
import time
import zipfile
from pathlib import Path

import jax
import jax.numpy as jnp
import mne
import numpy as np
from figures import say

import nmfit
from nmfit.compare import empirical, series, traced
from nmfit.compare.closed import analytic_covariance
from nmfit.compare.deviance import deviance_residuals
from nmfit.compare.empirical import fc_score, group_fc
from nmfit.compare.envelope import envelope_correlation
from nmfit.compare.welch import cross_spectra
from nmfit.io import sphere_leadfield
from nmfit.observe import Direct

REGIONS, VOLUMES, TR = 20, 300, 2.0
DESIGNS = {  # name: (people, held out, how people differ)
    "people_who_differ": (8, 0, 0.3), "people_alike": (8, 0, 0.0), "blocks_of_three": (3, 0, 0.0),
    "heldout_who_differ": (4, 6, 0.3), "heldout_alike": (4, 6, 0.0)}
PARTS = ("ceilings", "twins", "template", "likelihoods", "envelopes")


def made(rng, count, spread):
    """Return a true FC and recordings of people around it."""
    mix = rng.normal(size=(REGIONS, 6))
    truth = mix @ mix.T + REGIONS / 8 * np.eye(REGIONS)
    deviation = np.sqrt(np.diag(truth))
    people = []
    for _ in range(count):
        own = mix + spread * rng.normal(size=mix.shape)
        people.append(rng.multivariate_normal(np.zeros(REGIONS), own @ own.T + REGIONS / 8 * np.eye(REGIONS),
                                              size=VOLUMES))
    return truth / np.outer(deviation, deviation), people


def ceilings(count):
    """Count how often the ceiling's interval holds the score of the truth."""
    for name, (people, held, spread) in DESIGNS.items():
        began, hits, off = time.monotonic(), 0, []
        for k in range(count):
            truth, data = made(np.random.default_rng([k, people, held]), people + held, spread)
            target = nmfit.fc_target(data[:people], tr=TR, heldout=data[people:] or None)
            ceiling = target.ceiling
            score = np.mean([fc_score(truth, group_fc(fold.score)) for fold in target.folds])
            low, high = ceiling["ci95"]
            hits += low <= score <= high
            off.append(ceiling["value"] - score)
        say(f"ceiling_brackets_truth_{name}", hits / count, ">=0.95", hits >= 0.95 * count, count, began)
        say(f"ceiling_bias_{name}", np.mean(off), "-", True, count, began)


def twins(_count):
    """Print how far each traced statistic is from its form for data, on a series with memory."""
    rng = np.random.default_rng(0)
    data = np.cumsum(rng.normal(size=(400, 8)), axis=0) * 0.1 + rng.normal(size=(400, 8)) @ (np.eye(8) + 0.4)
    x, band = jnp.asarray(data), (0.01, 0.1)
    starts, length = series.fcd_windows(400, TR, 60.0, 10.0)
    windows, segments = tuple(map(int, starts)), tuple(map(int, series.segments(400, 128)))
    pairs = {
        "band_pass": (empirical.band_pass(data, TR, band), traced.band_pass(x, TR, band), 1e-8),
        "fc": (empirical.functional_connectivity(data, TR, band), traced.functional_connectivity(x, TR, band), 1e-10),
        "lagged": (series.lagged_covariance(data, 2), traced.lagged_covariance(x, 2), 1e-10),
        "fcd": (series.fcd_values(data, TR), traced.fcd_values(x, windows, length), 1e-10),
        "order": (series.order_parameter(np.angle(series.analytic(data))), traced.order_of_analytic(traced.analytic(x)),
                  1e-10),
        "envelope": (series.envelope_correlation(data), traced.envelope_correlation(x), 1e-10),
        "envelope_orthogonal": (series.envelope_correlation(data, True), traced.envelope_correlation(x, True), 1e-10),
        "cross_spectra": (cross_spectra(data, 1 / TR, segments, 128), traced.cross_spectra(x, 1 / TR, segments, 128),
                          1e-10),
    }
    for name, (ours, twin, goal) in pairs.items():
        began = time.monotonic()
        apart = np.abs(np.asarray(twin) - ours).max() / np.abs(ours).max()
        say(f"twin_{name}", apart, f"<{goal:g}", apart < goal, 1, began)


def template(_count):
    """Compare the sphere's topographies with a boundary-element lead field, parcel by parcel."""
    began, found = time.monotonic(), importlib.util.find_spec("tvb_data")
    if found is None:
        print("# template: not measured, since tvb-data is not installed")
        return
    folder = Path(found.submodule_search_locations[0])
    with zipfile.ZipFile(folder / "surfaceData" / "cortex_16384.zip") as surface:
        vertices, normals = (np.loadtxt(io.BytesIO(surface.read(name)))
                             for name in ("vertices.txt", "vertex_normals.txt"))
    parcel = np.loadtxt(folder / "regionMapping" / "regionMapping_16k_76.txt").astype(int)
    gain = np.load(folder / "projectionMatrix" / "projection_eeg_65_surface_16k.npy", allow_pickle=False)
    names = [line.split()[0] for line in (folder / "sensors" / "eeg_brainstorm_65.txt").read_text().splitlines()]
    known = set(mne.channels.make_standard_montage("colin27_1005").ch_names)
    at = [i for i, name in enumerate(names) if name in known]
    # their axes point forward, left and up from the middle of the cortex; MNI's right, forward and up
    places = np.stack([-vertices[:, 1], vertices[:, 0] - 17, vertices[:, 2] + 12], axis=1)
    turned = np.stack([-normals[:, 1], normals[:, 0], normals[:, 2]], axis=1)
    regions = np.unique(parcel)
    theirs = np.stack([gain[at][:, parcel == r].mean(1) for r in regions], axis=1)
    theirs = theirs - theirs.mean(0)
    ours = sphere_leadfield([names[i] for i in at], np.stack([places[parcel == r].mean(0) for r in regions]),
                            np.stack([turned[parcel == r].mean(0) for r in regions]))
    r = [np.corrcoef(a, b)[0, 1] for a, b in zip(np.asarray(ours.gain).T, theirs.T, strict=True)]
    say("template_leadfield_median_r", np.median(r), ">=0.9", np.median(r) >= 0.9, len(r), began)
    say("template_leadfield_lowest_tenth_r", np.quantile(r, 0.1), "-", True, len(at), began)


def likelihoods(_count):
    """Print how far the curvature of likelihoods' residuals is from Fisher's information, in closed form."""
    rng, n = np.random.default_rng(1), 12
    for name, made in (("wishart", rng.normal(size=(1, n, 3 * n))),
                       ("whittle", rng.normal(size=(20, n, 3 * n)) + 1j * rng.normal(size=(20, n, 3 * n)))):
        began, truth = time.monotonic(), jnp.asarray(made @ np.conj(np.swapaxes(made, 1, 2)) / (3 * n))
        moves = [jnp.asarray(m + np.conj(np.swapaxes(m, 1, 2))) for m in 0.1 * made[None, :, :, :n]
                 * rng.normal(size=(8, 1, 1, n))]

        def residuals(t, truth=truth, moves=moves):
            return jnp.ravel(deviance_residuals(truth + sum(x.astype(m.dtype) * m for x, m in zip(
                t, moves, strict=True)), truth))

        slope = np.asarray(jax.jit(jax.jacfwd(residuals))(jnp.zeros(8)))
        whitened = [np.linalg.solve(truth, m) for m in moves]
        fisher = np.array([[np.real(np.einsum("fij,fji->", a, b)) for b in whitened] for a in whitened])
        apart = np.abs(2 * slope.T @ slope - fisher).max() / np.abs(fisher).max()
        say(f"fisher_{name}", apart, "<1e-10", apart < 1e-10, 8, began)


def envelopes(count):
    """Hold the closed form of envelope FC against Gaussian series of a network with delays, in standard errors."""
    brain = nmfit.template("aal2-80")
    brain = brain.select(range(0, brain.n, 4))
    network = nmfit.Network.of(brain.normalised("none", "max"), nmfit.Hopf(a=-4.0, f=10.5), G=8.0, delays=True)
    band, rate, seconds = (8.0, 13.0), 100.0, 200.0
    linear = nmfit.linearise(network, Direct(reads="eeg_source"))
    covariance = analytic_covariance(linear, band, 100)
    samples = round(rate * seconds)
    freqs = np.fft.rfftfreq(samples, 1 / rate)
    inside = (freqs > band[0] - 2) & (freqs < band[1] + 2)
    root = np.linalg.cholesky(np.asarray(linear.cross_spectrum(freqs[inside])))
    rng, z = np.random.default_rng(2), np.zeros((freqs.size, brain.n), complex)
    seen = {True: [], False: []}
    began = time.monotonic()
    for _ in range(count):
        drawn = rng.normal(size=(inside.sum(), brain.n, 2)) @ [1, 1j] / np.sqrt(2)
        z[inside] = np.einsum("fst,ft->fs", root, drawn)
        data = np.fft.irfft(z, samples, axis=0)
        for orthogonal, found in seen.items():
            found.append(empirical.upper(series.envelope_fc(data, 1 / rate, band, orthogonal)))
    for orthogonal, found in seen.items():
        name = "orthogonal" if orthogonal else "amplitude"
        expected = empirical.upper(np.asarray(envelope_correlation(covariance, orthogonal)))
        off = np.mean(found, axis=0) - expected
        say(f"envelope_{name}_largest", expected.max(), "-", True, expected.size, began)
        say(f"envelope_{name}_off", np.abs(off).max(), "-", True, count, began)
        chance = np.sqrt(np.mean((off / (np.std(found, axis=0, ddof=1) / np.sqrt(count))) ** 2))
        say(f"envelope_{name}_off_over_its_error", chance, "<1.2", chance < 1.2, count, began)


def main():
    """Run the parts that are named, or all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", default=PARTS)
    parser.add_argument("--count", type=int, default=100)
    args = parser.parse_args()
    with jax.enable_x64(True):
        for part in args.parts:
            {"ceilings": ceilings, "twins": twins, "template": template, "likelihoods": likelihoods,
             "envelopes": envelopes}[part](args.count)


if __name__ == "__main__":
    main()
