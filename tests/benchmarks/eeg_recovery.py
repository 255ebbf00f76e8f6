"""Do parameters of synthetic recordings come back inside their intervals: `python tests/benchmarks/eeg_recovery.py`.

Recordings of Jansen-Rit columns of known parameters, eight regions behind ten sensors, with the scatter of a minute or
so, are fitted as any recording is. Prints coverage of 95 % intervals by parameter, what is flagged as untold, how
often columns are told from oscillators, and coverage of the individual alpha frequency.
"""

import sys
import time

import numpy as np
from figures import say

import nmfit
from nmfit.compare import spectrum_target
from nmfit.fit.spectrum.measures import alpha_peak
from nmfit.network import Connectome
from nmfit.observe import LeadField

REGIONS, CHANNELS, COUNT, EPOCHS, DOF = 8, 10, 24, 60, 2
FREQS = np.arange(1.0, 40.5, 0.5)
BETWEEN = {"noise": 0.4, "p": 0.05, "rate": 0.03}        # logarithms' standard deviations between regions


def brain_and_leadfield():
    """Return a small connectome with delays and random gains."""
    rng = np.random.default_rng(1)
    weights = rng.random((REGIONS, REGIONS))
    weights = (weights + weights.T) * (1 - np.eye(REGIONS))
    places = rng.normal(size=(REGIONS, 3)) * 40
    lengths = np.linalg.norm(places[:, None] - places, axis=-1)
    labels = [f"R{i}" for i in range(REGIONS)]
    names = ["O1", "O2", *(f"E{i}" for i in range(CHANNELS - 2))]
    gain = 50 * np.random.default_rng(2).normal(size=(CHANNELS, REGIONS))
    return Connectome(weights, lengths=lengths, labels=labels), LeadField.of(gain, names, labels)


def made(brain, leadfield, seed):
    """Return the truth by parameter, its occipital alpha frequency, and a recording's target."""
    rng = np.random.default_rng([seed, 7])
    draw = {name: np.exp(sd * rng.normal(size=REGIONS)) for name, sd in BETWEEN.items()}
    truth = {"noise": draw["noise"], "p": 400.0 * draw["p"], "a": 100.0 * draw["rate"], "G": 10.0}
    rates = {name: draw["rate"] * getattr(nmfit.JansenRit(), name) for name in ("A", "B", "a", "b")}
    network = nmfit.Network.of(brain.normalised("none", "rowsum"), nmfit.JansenRit(), G=10.0, speed=7.0, delays=True)
    network = network.replace({"p": truth["p"], "noise": truth["noise"], **rates})
    linear = nmfit.linearise(network, leadfield)
    if float(linear.abscissa()) > -1.0:
        return None
    psd = np.asarray(linear.psd(FREQS)) + np.asarray(leadfield.noise_psd(FREQS))
    epochs = psd * rng.chisquare(DOF, size=(EPOCHS, *psd.shape)) / DOF
    fine = np.arange(6.0, 14.0, 0.02)
    seen = np.asarray(linear.psd(fine)) + np.asarray(leadfield.noise_psd(fine))
    return truth, alpha_peak(fine, seen[:, :2].mean(1)), spectrum_target(FREQS, epochs, ch_names=leadfield.ch_names,
                                                                        dof=DOF)


def main(count):
    """Fit synthetic recordings and print how often intervals hold the truth."""
    began = time.monotonic()
    brain, leadfield = brain_and_leadfield()
    inside, flat, columns, alpha = {}, {}, [], []
    for seed in range(count):
        found = made(brain, leadfield, seed)
        if found is None:
            continue
        truth, peak, target = found
        result = nmfit.fit(target, brain, leadfield=leadfield, max_rung="region", starts=1, n_null=0)
        columns.append(result.record["rungs"][-1]["model"] == "JansenRit")
        low, high = result.record["spectrum"]["alpha_peak_model_ci95"]
        alpha.append(low <= peak <= high)
        rows = {(row["name"], row["region"]): row for row in result.parameters}
        # Of one amplitude noise and scale know the product.
        ratio = rows["scale", None]["value"] / leadfield.scale
        for (name, region), row in rows.items():
            if name not in truth or row["ci95"] is None or not columns[-1]:
                continue
            at = truth[name] if region is None else truth[name][int(region[1:])]
            at = at / ratio if name == "noise" else at
            inside.setdefault(name, []).append(row["ci95"][0] <= at <= row["ci95"][1])
            flat.setdefault(name, []).append(row["flag"] == "flat")
    say("columns_told_from_oscillators", np.mean(columns), ">=0.9", np.mean(columns) >= 0.9, len(columns), began)
    for name, held in inside.items():
        rate = float(np.mean(held))
        say(f"coverage_{name}", rate, "0.9-0.99", 0.9 <= rate <= 0.99, len(held), began)
        print(f"# {name}: flagged as untold {np.mean(flat[name]):.2f}")
    say("coverage_alpha_frequency", np.mean(alpha), "0.88-1", np.mean(alpha) >= 0.88, len(alpha), began)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)
