"""Eyes open against closed, the part `states` of issue 5: less alpha, and by which parameters.

Both recordings are fitted with defaults, which says how well that goes and how much alpha each has. Two climbs may end
with other populations, whose parameters cannot be held side by side; so the fit to closed eyes is carried on to the
open ones, too: the same populations, searched from where they stood. What had to change is what the states differ in.
"""

import dataclasses
import os
import time
from pathlib import Path

import jax
import numpy as np
from figures import say

import nmfit
from nmfit.compare import spectrum_target
from nmfit.fit.spectrum.climb import climb_by_slopes
from nmfit.fit.spectrum.errors import errors_of
from nmfit.fit.spectrum.ground import pooled
from nmfit.fit.spectrum.measures import ALPHA, occipital
from nmfit.fit.spectrum.populations import COORDINATES, SCALES, model_name
from nmfit.fit.spectrum.search import SensorGround, fit_sensor_rung
from nmfit.fit.threads import one_core_each
from nmfit.io import read_eeg

FILES = {"closed": "eegmmidb_S001R02", "open": "eegmmidb_S001R01"}
CLEAR = 3.0                # standard errors


class Kept(dict):
    """Finished searches, so that a climb that is asked for again is not searched again."""

    def __call__(self, key, compute):
        if key not in self:
            self[key] = compute()
        return self[key]


def targets(roles):
    """Return the targets of both recordings, of the channels that both have."""
    folder = Path(os.environ["NMFIT_DATA"]) / "eeg"
    recordings = {state: read_eeg(folder / f"{name}.edf") for state, name in FILES.items()}
    common = [name for name in recordings["closed"].ch_names if name in recordings["open"].ch_names]
    return {state: spectrum_target(recording.pick(common), seconds=2.0, gap=1.0, roles=roles)
            for state, recording in recordings.items()}


def compare_states(targets, brain, leadfield, **options):
    """Print scores and alpha of both states, and what changes between them; see the module."""
    began, results, power, kept = time.monotonic(), {}, {}, Kept()
    for state, target in targets.items():
        result = results[state] = nmfit.fit(target, brain, leadfield=leadfield, n_null=0,
                                            keep=kept if state == "closed" else None, **options)
        at = occipital(target)[0]
        alpha = (target.freqs >= ALPHA[0]) & (target.freqs <= ALPHA[1])
        power[state] = {key: np.log10(result.arrays[key][at][:, alpha].mean()) for key in ("psd_model", "psd_score")}
        tell_fit(state, result, target, began)
    for key, what in (("psd_score", "data"), ("psd_model", "model")):
        drop = power["open"][key] - power["closed"][key]
        say(f"open_minus_closed_occipital_alpha_{what}_log10", drop, "<0", drop < 0, len(at), began)
    rows = changes(targets, brain, leadfield, kept, **options)
    clear = [row for row in rows if abs(row["z"]) >= CLEAR]
    say("parameters_that_open_eyes_change", len(clear), ">=1", len(clear) >= 1, len(rows), began)
    for row in rows:
        print(f"# {row['name']}, hindmost quarter: {row['closed']:.4g} closed, {row['open']:.4g} open "
              f"({row['z']:+.1f} standard errors)")


def tell_fit(state, result, target, began):
    """Print what a fit to one state is worth."""
    found, ceiling = result.record["spectrum"], result.record["ceiling"]["value"]
    count = target.s * target.freqs.size
    share, r = result.score / ceiling, found["alpha_topography_r"]
    off = abs(found["alpha_peak_model"] - found["alpha_peak_data"])
    say(f"{state}_R2_of_ceiling", share, ">=0.95", share >= 0.95, count, began)
    say(f"{state}_alpha_peak_error_hz", off, "<=0.25", off <= 0.25, count, began)
    say(f"{state}_alpha_topography_r", r, ">=0.95", r >= 0.95, count, began)
    say(f"{state}_source_share", found["source_share"], ">=0.8", found["source_share"] >= 0.8, count, began)
    print(f"# {state}: R2 {result.score:.4f}, ceiling {ceiling:.4f}, own {result.record['reliability']['value']:.4f}, "
          f"{result.record['baselines']}, chosen {result.chosen}, flags {result.flags}, alpha "
          f"{found['alpha_peak_data']:.2f} Hz {found['alpha_peak_data_ci95']}")


def changes(targets, brain, leadfield, kept, max_rung="sensors", starts=2, steps=None):
    """Return how populations fitted to closed eyes change when the search goes on with open ones.

    One row for each parameter that regions may have for themselves, in the hindmost quarter of the regions: geometric
    means and their difference in standard errors (of the mean coordinate, both fits' added).
    """
    with jax.enable_x64(True), one_core_each():
        normalised = brain.normalised("none", "rowsum")
        _, _, _, twins, _, _ = climb_by_slopes(targets["closed"], normalised, leadfield, max_rung=max_rung,
                                               starts=starts, steps=steps, progress=None, keep=kept)
        fits, errors = {"closed": twins[-1]}, {}
        for state, target in targets.items():
            ground = dataclasses.replace(pooled(SensorGround(
                normalised, leadfield, target.psd["fit"], target.dof["fit"], target, target.bins["fit"])),
                coupled=False)
            if state == "open":
                fits[state] = fit_sensor_rung(ground, twins[-1].rung, twins[-1], starts=1,
                                              shrinkage=twins[-1].shrinkage, steps=steps)
            errors[state] = errors_of(fits[state], ground).covariance
        print(f"# carried on: {fits['open'].status.name.lower()}, loss {fits['open'].loss:.2f} from "
              f"{fits['open'].start_loss:.2f}")
        return sorted(_rows(fits, errors, brain), key=lambda row: -abs(row["z"]))


def _rows(fits, errors, brain):
    y = np.asarray(brain.centroids)[:, 1]
    back, layout = y <= np.quantile(y, 0.25), fits["closed"].layout
    units = [layout.point(unit).regions for unit in np.eye(layout.precisions.size)[layout.free]]
    points = {state: layout.point(fitted.vector).regions for state, fitted in fits.items()}
    for k, network in enumerate(fits["closed"].networks):
        for row, coordinate in enumerate(COORDINATES[model_name(network)]):
            weights = np.array([np.asarray(unit[k])[row, back].mean() for unit in units])
            move = float(np.mean(points["open"][k][row, back]) - np.mean(points["closed"][k][row, back]))
            error = np.sqrt(sum(weights @ covariance @ weights for covariance in errors.values()))
            name = {"v": "p", "rate": "a"}.get(coordinate, coordinate)
            values = {state: np.broadcast_to(np.abs(np.asarray(fitted.networks[k].value(name))), y.shape)[back]
                      for state, fitted in fits.items()}
            yield {"name": f"{SCALES[k]}.{name}", "z": move / error,
                   **{state: float(np.exp(np.log(v).mean())) for state, v in values.items()}}
