"""Do parameters of recordings that were made come back: `python tests/benchmarks/eeg_recovery.py [N [VARY]]`.

Recordings of Jansen-Rit columns of known parameters, eight regions behind ten sensors, with the scatter of a minute or
so, are fitted as any recording is. Prints coverage of 95 % intervals by parameter, what is flagged as untold, how
often columns are told from oscillators, coverage of the individual alpha frequency, and how large errors are in
standard errors, which a few recordings tell better than they tell coverage.
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
WIDE = 1.96
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


def made(brain, leadfield, seed, vary=0.0):
    """Return the truth by parameter, its occipital alpha frequency, and a recording's target.

    The coupling lies at the middle of what a fit expects; its logarithm varies about there by ``vary``.
    """
    rng = np.random.default_rng([seed, 7])
    draw = {name: np.exp(sd * rng.normal(size=REGIONS)) for name, sd in BETWEEN.items()}
    truth = {"noise": draw["noise"], "p": 400.0 * draw["p"], "a": 100.0 * draw["rate"],
             "G": 10.0 * np.exp(vary * rng.normal())}
    rates = {name: draw["rate"] * getattr(nmfit.JansenRit(), name) for name in ("A", "B", "a", "b")}
    network = nmfit.Network.of(brain.normalised("none", "rowsum"), nmfit.JansenRit(), G=truth["G"], speed=7.0,
                               delays=True)
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


def recovered(seed, brain, leadfield, vary=0.0):
    """Fit one synthetic recording; return what came back of its parameters, or None where it has no state of rest.

    Errors are in standard errors, those of parameters on a logarithm, as their intervals are.
    """
    found = made(brain, leadfield, seed, vary)
    if found is None:
        return None
    truth, peak, target = found
    result = nmfit.fit(target, brain, leadfield=leadfield, max_rung="region", starts=1, n_null=0)
    low, high = result.record["spectrum"]["alpha_peak_model_ci95"]
    out = {"columns": result.record["rungs"][-1]["model"] == "JansenRit", "alpha": low <= peak <= high,
           "alpha_off": (result.record["spectrum"]["alpha_peak_model"] - peak) * 2 * WIDE / (high - low), "rows": []}
    rows = {(row["name"], row["region"]): row for row in result.parameters}
    # Of one amplitude noise and scale know the product.
    ratio = rows["scale", None]["value"] / leadfield.scale
    for (name, region), row in rows.items():
        if name not in truth or row["ci95"] is None or not out["columns"]:
            continue
        at = truth[name] if region is None else truth[name][int(region[1:])]
        at, (low, high) = at / ratio if name == "noise" else at, row["ci95"]
        off = np.log(row["value"] / at) * 2 * WIDE / np.log(high / low) if low > 0 else np.nan
        out["rows"].append((name, low <= at <= high, row["flag"] == "flat", float(off)))
    return out


def main(count, vary):
    """Fit synthetic recordings and print how often intervals hold the truth."""
    began = time.monotonic()
    brain, leadfield = brain_and_leadfield()
    tell([one for one in (recovered(seed, brain, leadfield, vary) for seed in range(count)) if one is not None], began)


def tell(found, began):
    """Print coverage, and how large errors are."""
    columns = np.mean([one["columns"] for one in found])
    say("columns_told_from_oscillators", columns, ">=0.9", columns >= 0.9, len(found), began)
    every = [row for one in found for row in one["rows"]]
    for name in dict.fromkeys(row[0] for row in every):
        _, inside, flat, off = zip(*(row for row in every if row[0] == name), strict=True)
        rate = float(np.mean(inside))
        say(f"coverage_{name}", rate, "0.9-0.99", 0.9 <= rate <= 0.99, len(inside), began)
        print(f"# {name}: in {sum(one['columns'] for one in found)} recordings; errors {_size(off):.2f} of what their "
              f"standard error says; flagged as untold {np.mean(flat):.2f}")
    alpha = np.mean([one["alpha"] for one in found])
    say("coverage_alpha_frequency", alpha, "0.9-0.99", 0.9 <= alpha <= 0.99, len(found), began)
    print(f"# alpha frequency: errors {_size([one['alpha_off'] for one in found]):.2f} of what their standard error "
          f"says; all of {len(found)} inside come up in {0.95 ** len(found):.2f} of such checks if intervals are right")


def _size(off):
    """Return the root mean square of errors in standard errors: 1 where intervals are right."""
    return float(np.sqrt(np.nanmean(np.square(off))))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT, float(sys.argv[2]) if len(sys.argv) > 2 else 0.0)
