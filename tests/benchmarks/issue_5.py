"""Check issue 5 on a real recording: `NMFIT_DATA=... python tests/benchmarks/issue_5.py`.

Prints one line per figure: name, value, goal, pass or short, N (channels x frequencies), seconds.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np

import nmfit
from nmfit.compare import spectrum_target
from nmfit.io import read_eeg, sphere_leadfield
from nmfit.network import Connectome
from nmfit.report.terminal import Progress


def main():
    """Fit the first half of the eyes-closed recording, score the second."""
    data = Path(os.environ["NMFIT_DATA"])
    with np.load(data / "fmri" / "ebrains_dk68_subjects.npz", allow_pickle=False) as file:
        labels = [str(label) for label in file["labels"]]
        weights, lengths = file["sc"].astype(float).mean(0), file["len_template"].astype(float)
        places, normals = file["coords_mni"], file["normals"]
    weights = (weights + weights.T) / 2
    np.fill_diagonal(weights, 0.0)
    brain = Connectome(weights, lengths=(lengths + lengths.T) / 2, labels=labels, centroids=places)
    recording = read_eeg(data / "eeg" / "eegmmidb_S001R02.edf")
    target = spectrum_target(recording, seconds=2.0, gap=1.0, roles={"fit": 0.35, "choose": 0.15, "score": 0.5})
    leadfield = sphere_leadfield(recording.ch_names, places, normals, labels=labels, orientation="mixed")
    nmfit.fit(target, brain, leadfield=leadfield, steps=1)        # compiles everything
    began = time.monotonic()
    result = nmfit.fit(target, brain, leadfield=leadfield, progress=Progress())
    seconds = time.monotonic() - began
    if len(sys.argv) > 1:
        result.save(sys.argv[1], overwrite=True)
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
        verdict = "pass" if side * (value - goal) >= 0 else "short"
        print(f"{name} {value:.4g} {goal:.4g} {verdict} {count} {seconds:.1f}")
    for name, value in [("R2_shape", found["shape_r2"]), ("ceiling", record["ceiling"]["value"]),
                        ("own_spectrum", record["reliability"]["value"]), *record["baselines"].items(),
                        ("abscissa", record["stability"]["max_real_eigenvalue"])]:
        print(f"# {name} {value:.4g}")
    for rung in record["rungs"]:
        print(f"# {rung['name']} kept={rung['kept']} choose={rung['score_choose']:.4f}"
              f" held_out={rung['score_heldout']} seconds={rung['seconds']:.1f}: {rung['reason']}")


if __name__ == "__main__":
    main()
