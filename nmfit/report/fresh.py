"""What fresh simulated scans say of a fit through simulation: in sentences, and how their connectivity moves."""

import numpy as np

from . import look, words
from .figures import drawn


def fresh_scans(record):
    """Return what fresh simulated scans say of a fit through simulation, in sentences."""
    made = record["simulated"]
    against = "held-out scans" if made["held_out"] else "the scans it was fitted to"
    scores = made["scores"]

    def told(prefix, found):
        names = {"r": "r", "mean_fc": "mean FC off by", "ks": "KS of FCD", "total": "(1 - r) + mean + KS"}
        return ", ".join(f"{text} {words.score(found[prefix + key]['mean'], found[prefix + key]['se'])}"
                         for key, text in names.items() if prefix + key in found)

    linear = made.get("linear_twin_ks")
    beside = "" if linear is None else (f" A linear process with the spectra and FC of the measured scans has a KS of "
                                        f"{words.number(linear, 2)}: only less than that speaks of dynamics.")
    real = made.get("real_scans")
    if real is not None:
        beside += " The measured scans that were fitted score in the same way, which is how good a simulation can be: "
        beside += f"together {told('group_', real)}; " if "group_r" in real else ""
        beside += f"each by itself {told('', real)}."
    endless = told("expected_", scores)
    beside += f" Without chance, as scans without end would be: {endless}." if endless else ""
    return (f"Fitted through the simulation of the full non-linear model, and scored on {made['scans']} fresh "
            f"simulated scans against {against}. Together: {told('group_', scores)}. "
            f"Each by itself: {told('', scores)}.{beside}{_fresh_loss(made, record)} {_slopes(made)}")


def _slopes(made):
    gradient, twin = made["gradient"], made.get("twin")
    if gradient["estimator"] == "search":
        return ("FC was fitted in closed form; tempo and frequency, which FC does not see, were searched for on the "
                "fitted part.")
    told = f"{gradient['estimator']}, {words.number(gradient['error'], 2)} from central differences"
    text = f"Slopes at the start: {gradient.get('told', told)}."
    if made.get("begun") is not None:
        text = f"A start from {made['begun']['told']}. {text}"
    if made.get("refined") is not None:
        text += f" After the descent, {made['refined']['told']}."
    if twin is None or twin["kind"] == "none":
        return text
    left = "" if twin["left"] is None else f": {words.number(twin['left'], 2)} of its deviation over seeds was left"
    return f"{text} A linear twin under the same noise took chance out of FC in the fit{left}."


def _fresh_loss(made, record):
    if made.get("loss_fresh") is None:
        return ""
    ends = f"{words.number(made['loss_start'])} to {words.number(record['rungs'][0]['loss'])}"
    return (f" The loss fell from {ends} under the noise of the fit's own scans; fresh scans have "
            f"{words.number(made['loss_fresh'])}.")


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
