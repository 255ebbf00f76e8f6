"""Check issue 5 on real recordings: `NMFIT_DATA=... python tests/benchmarks/issue_5.py [PART ...] [-o DIR]`.

Parts: `sensors` (eyes closed, first half fitted, second scored), `eegmat` (four recordings with defaults), `states`
(eyes open against closed), and `meg`, `meg_deep`, `meg_nulls` (regional spectra, see `meg_spectra`). Prints one line
per figure: name, value, goal, pass or short, N, seconds.
"""

import argparse
import os
import time
from pathlib import Path

import meg_spectra
import numpy as np
from figures import say

import nmfit
from nmfit.compare import spectrum_target
from nmfit.io import read_eeg, sphere_leadfield
from nmfit.io.inputs_eeg import read_eeg_inputs
from nmfit.network import Connectome
from nmfit.report.terminal import Progress

HALVES = {"fit": 0.35, "choose": 0.15, "score": 0.5}
MAT = ("Subject00_1", "Subject05_1", "Subject10_1", "Subject19_1")
STATES = {"closed": "eegmmidb_S001R02", "open": "eegmmidb_S001R01"}


def brain_and_leadfield(ch_names):
    """Return the mean connectome of 68 regions and its sphere lead field."""
    with np.load(Path(os.environ["NMFIT_DATA"]) / "fmri" / "ebrains_dk68_subjects.npz", allow_pickle=False) as file:
        labels = [str(label) for label in file["labels"]]
        weights, lengths = file["sc"].astype(float).mean(0), file["len_template"].astype(float)
        places, normals = file["coords_mni"], file["normals"]
    weights = (weights + weights.T) / 2
    np.fill_diagonal(weights, 0.0)
    brain = Connectome(weights, lengths=(lengths + lengths.T) / 2, labels=labels, centroids=places)
    return brain, sphere_leadfield(ch_names, places, normals, labels=labels, orientation="mixed")


def recorded(name):
    """Return a recording of the shared data."""
    return read_eeg(Path(os.environ["NMFIT_DATA"]) / "eeg" / f"{name}.edf")


def sensors(out=None):
    """Fit the first half of the eyes-closed recording, score the second."""
    target = spectrum_target(recorded(STATES["closed"]), seconds=2.0, gap=1.0, roles=HALVES)
    brain, leadfield = brain_and_leadfield(target.ch_names)
    nmfit.fit(target, brain, leadfield=leadfield, steps=1)        # compiles everything
    began, used = time.monotonic(), time.process_time()
    result = nmfit.fit(target, brain, leadfield=leadfield, progress=Progress())
    seconds, busy = time.monotonic() - began, time.process_time() - used
    if out is not None:
        result.save(out, overwrite=True)
    found, record = result.record["spectrum"], result.record
    count = target.s * target.freqs.size
    rows = [("R2_held_out", result.score, max(record["reliability"]["value"], 0.95 * record["ceiling"]["value"]), 1),
            ("R2_of_ceiling", result.score / record["ceiling"]["value"], 0.95, 1),
            ("alpha_peak_error_hz", abs(found["alpha_peak_model"] - found["alpha_peak_data"]), 0.25, -1),
            ("alpha_topography_r", found["alpha_topography_r"], 0.95, 1),
            ("source_share_of_occipital_alpha", found["source_share"], 0.8, 1),
            ("unstable_roots", found["unstable_roots"], 0, -1),
            ("seconds_after_compile", seconds, 60.0, -1)]
    for name, value, goal, side in rows:
        say(name, value, f"{goal:.4g}", side * (value - goal) >= 0, count, began)
    say("processor_seconds_after_compile", busy, "-", True, count, began)
    for name, value in [("R2_shape", found["shape_r2"]), ("R2_without_noise", found["r2_without_noise"]),
                        ("ceiling", record["ceiling"]["value"]), ("own_spectrum", record["reliability"]["value"]),
                        *record["baselines"].items(), ("abscissa", record["stability"]["max_real_eigenvalue"])]:
        print(f"# {name} {value:.4g}")
    left = found.get("left_out")
    if left:
        print(f"# R2_left_out_channels {left['score']:.4g} splines {left['spline']:.4g} mean {left['mean']:.4g}")
    for rung in record["rungs"]:
        print(f"# {rung['name']} kept={rung['kept']} choose={rung['score_choose']:.4f}"
              f" held_out={rung['score_heldout']} seconds={rung['seconds']:.1f}: {rung['reason']}")


def eegmat(_out=None):
    """Fit four recordings of 19 channels on the template, as the command line would."""
    for name in MAT:
        began, used = time.monotonic(), time.process_time()
        file = Path(os.environ["NMFIT_DATA"]) / "eeg" / f"eegmat_{name}.edf"
        target, brain, leadfield = read_eeg_inputs(eeg=file, template="aal2-80")
        result = nmfit.fit(target, brain, leadfield=leadfield, n_null=0)
        found, ceiling = result.record["spectrum"], result.record["ceiling"]["value"]
        count = target.s * target.freqs.size
        share = result.score / ceiling
        say(f"eegmat_{name}_R2_of_ceiling", share, ">=0.95", share >= 0.95, count, began)
        off = abs(found["alpha_peak_model"] - found["alpha_peak_data"])
        say(f"eegmat_{name}_alpha_peak_error_hz", off, "<=0.25", off <= 0.25, count, began)
        r = found["alpha_topography_r"]
        say(f"eegmat_{name}_alpha_topography_r", r, ">=0.95", r >= 0.95, count, began)
        say(f"eegmat_{name}_processor_seconds", time.process_time() - used, "-", True, count, began)
        print(f"# eegmat {name}: chosen {result.chosen}, alpha {found['alpha_peak_data']:.2f} Hz "
              f"{found['alpha_peak_data_ci95']}, source share {found['source_share']}")


def states(_out=None):
    """Fit eyes closed and open alike, and name the parameters by which they differ."""
    began, results, power = time.monotonic(), {}, {}
    for state, name in STATES.items():
        target = spectrum_target(recorded(name), seconds=2.0, gap=1.0, roles=HALVES)
        brain, leadfield = brain_and_leadfield(target.ch_names)
        results[state] = nmfit.fit(target, brain, leadfield=leadfield, n_null=0)
        alpha, arrays = (target.freqs >= 8) & (target.freqs <= 13), results[state].arrays
        behind = [list(target.ch_names).index(name) for name in ("O1", "Oz", "O2")]
        power[state] = {key: np.log10(arrays[key][behind][:, alpha].mean()) for key in ("psd_model", "psd_score")}
    for key, what in (("psd_score", "data"), ("psd_model", "model")):
        drop = power["open"][key] - power["closed"][key]
        say(f"open_minus_closed_occipital_alpha_{what}_log10", drop, "<0", drop < 0, 3, began)
    for line in differences(results["closed"], results["open"]):
        print(f"# {line}")


def differences(first, second, most=10):
    """Return sentences naming the parameters by which two results differ most, in their standard errors."""
    rows = {(row["name"], row["region"]): row for row in first.parameters}
    found = []
    for row in second.parameters:
        other = rows.get((row["name"], row["region"]))
        if other is None or not (row["se"] and other["se"]):
            continue
        z = (row["value"] - other["value"]) / np.hypot(row["se"], other["se"])
        name = " ".join(filter(None, (row["name"], row["region"])))
        found.append((abs(z), f"{name}: {other['value']:.4g} closed, {row['value']:.4g} open, {z:+.1f} errors"))
    return [text for _, text in sorted(found, reverse=True)[:most]]


PARTS = {"sensors": sensors, "eegmat": eegmat, "states": states,
         **{name: lambda _out=None, part=part: part() for name, part in meg_spectra.PARTS.items()}}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", default=[], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("-o", "--output", help="folder for the result of `sensors`")
    args = parser.parse_args()
    for part in args.parts or PARTS:
        PARTS[part](args.output)
