"""What fresh simulated scans say of a fit through simulation: in sentences, and how their connectivity moves."""

import numpy as np

from . import look, words
from .figures import drawn


def fresh_scans(record):
    """Return what fresh simulated scans say of a fit through simulation, in sentences."""
    made = record["simulated"]
    against = "held-out scans" if made["held_out"] else "the scans it was fitted to"
    scores = made["scores"]

    def told(prefix):
        names = {"r": "r", "mean_fc": "mean FC off by", "ks": "KS of FCD", "total": "(1 - r) + mean + KS"}
        return ", ".join(f"{text} {words.score(scores[prefix + key]['mean'], scores[prefix + key]['se'])}"
                         for key, text in names.items() if prefix + key in scores)

    gradient = made["gradient"]
    slopes = (f"Slopes: {gradient['estimator']}, {words.number(gradient['error'], 2)} from central differences at the "
              "start.")
    if gradient["estimator"] == "search":
        slopes = ("FC was fitted in closed form; tempo and frequency, which FC does not see, were searched for on the "
                  "fitted part.")
    linear = made.get("linear_twin_ks")
    beside = "" if linear is None else (f" A linear process with the spectra and FC of the measured scans has a KS of "
                                        f"{words.number(linear, 2)}: only less than that speaks of dynamics.")
    real = made.get("real_scans")
    if real is not None:
        r, ks = (words.score(real[name]["mean"], real[name]["se"]) for name in ("r", "ks"))
        beside += f" The measured scans that were fitted score, each by itself in the same way: r {r}, KS of FCD {ks}."
    return (f"Fitted through the simulation of the full non-linear model, and scored on {made['scans']} fresh "
            f"simulated scans against {against}. Together: {told('group_')}. "
            f"Each by itself: {told('')}.{beside} {slopes}")


@drawn
def dynamics(result, narrow=False):
    """Draw the distributions of functional connectivity dynamics, cumulative: their largest gap is the KS distance.

    Parameters and return as `matrices`; None where a result holds none.
    """
    kinds = (("fcd_fit", "measured, fitted", look.REJECTED), ("fcd_score", "measured, held out", look.BASELINE),
             ("fcd_model", "model, fresh scans", look.MODEL))
    if "fcd_model" not in result.arrays:
        return None
    figure = look.new_figure(look.NARROW if narrow else 5.2, 3.6)
    axis = figure.subplots()
    for name, label, colour in kinds:
        if name in result.arrays:
            values = np.sort(result.arrays[name])
            axis.plot(values, (np.arange(values.size) + 0.5) / values.size, color=colour, linewidth=1.6, label=label)
    axis.set_xlabel("correlation of FC between two windows")
    axis.set_ylabel("share of pairs of windows below")
    axis.set_ylim(0, 1)
    axis.legend(loc="lower right")
    return figure
