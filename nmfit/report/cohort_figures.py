"""The figures of a cohort: people's scores beside what predicts them anyway, and parameters over regions."""

import numpy as np

from . import look, words
from .figures import drawn, hemisphere_order

PREDICTORS = (("own", "own other part"), ("group", "mean of others"), ("blend", "blend(own, group)"),
              ("model", "model"), ("blend_model", "blend(own, group, model)"))
MOST_LINES = 60          # people drawn one by one


@drawn
def scores(result, narrow=False):
    """Draw every person's r with the score part, for the model and for the trivial predictors.

    Parameters
    ----------
    result : CohortResult
    narrow : bool

    Returns
    -------
    matplotlib.figure.Figure, or None where nobody could be scored
    """
    if not result.people:
        return None
    figure = look.new_figure(look.NARROW if narrow else look.WIDE, 3.4)
    axis = figure.subplots()
    values = np.array([[row[name] for name, _ in PREDICTORS] for row in result.people])
    for one in values[:MOST_LINES]:
        axis.plot(range(len(PREDICTORS)), one, color=look.QUIET, linewidth=0.8, zorder=1)
    for k, (name, _) in enumerate(PREDICTORS):
        colour = look.MODEL if "model" in name else look.BASELINE
        axis.plot(np.full(len(values), k), values[:, k], "o", color=colour, markersize=3.2, alpha=0.7, zorder=2)
        axis.plot([k - 0.22, k + 0.22], [values[:, k].mean()] * 2, color=colour, linewidth=2.4, zorder=3)
    for row, one in enumerate(result.people):
        axis.plot([len(PREDICTORS) - 0.62, len(PREDICTORS) - 0.5], [one["ceiling"]] * 2, color=look.REJECTED,
                  linewidth=0.8, label="_" if row else "ceiling of each person")
    axis.legend(loc="lower right", frameon=False, fontsize=7)
    axis.set_xticks(range(len(PREDICTORS)), [text.replace(" ", "\n", 1) if narrow else text for _, text in PREDICTORS],
                    fontsize=7 if narrow else 9)
    axis.set_ylabel("r with the score part")
    axis.grid(axis="y", color=look.QUIET, linewidth=0.6)
    return figure


@drawn
def increments(result, narrow=False):
    """Draw every increment with its 95 % interval over people."""
    found = list(result.record["increments"].values())
    if not found:
        return None
    figure = look.new_figure(look.NARROW if narrow else look.WIDE, 0.42 * len(found) + (2.2 if narrow else 0.9))
    axis = figure.subplots()
    for k, row in enumerate(reversed(found)):
        low, high = row["ci95"]
        colour = look.EXPLAINED if low > 0 else look.NULL if high < 0 else look.BASELINE
        axis.plot([low, high], [k, k], color=colour, linewidth=1.6)
        axis.plot(row["mean"], k, "o", color=colour, markersize=5)
    axis.axvline(0, color=look.TEXT, linewidth=0.7)
    texts = [row["what"] for row in reversed(found)]
    axis.set_yticks(range(len(found)), [wrapped(t) for t in texts] if narrow else texts, fontsize=6 if narrow else 8.5)
    axis.set_xlabel("difference of r, mean over people and 95 % interval")
    return figure


def wrapped(text):
    """Return a text on two lines, broken near its middle."""
    at = text.find(" ", len(text) // 2)
    return text if at < 0 else f"{text[:at]}\n{text[at + 1:]}"


def by_parameter(result):
    """Return ``{name: (group [n], people [u, n], unit)}`` of the parameters with a value in every region."""
    found, people = {}, list(dict.fromkeys(row["person"] for row in result.parameters))
    for name in dict.fromkeys(row["parameter"] for row in result.parameters if row["region"] is not None):
        rows = [row for row in result.parameters if row["parameter"] == name]
        values = np.array([row["value"] for row in rows]).reshape(len(people), -1)
        found[name] = (np.array([row["group"] for row in rows[:values.shape[1]]]), values, rows[0]["unit"])
    return found


@drawn
def maps(result, narrow=False):
    """Draw the group's regional parameters and the spread between people."""
    found = by_parameter(result)
    if not found:
        return None
    order, sides = hemisphere_order(result.labels)
    figure = look.new_figure(look.NARROW if narrow else look.WIDE, 2.2 * len(found) + 0.3)
    axes = figure.subplots(len(found), 1, squeeze=False)[:, 0]
    colours = [{"L": look.MODEL, "R": look.NULL}.get(sides[at], look.BASELINE) for at in range(len(order))]
    for axis, (name, (group, people, unit)) in zip(axes, found.items(), strict=True):
        low, high = np.quantile(people, [0.1, 0.9], axis=0)[:, order]
        axis.vlines(range(len(order)), low, high, color=colours, linewidth=1.4, alpha=0.45)
        axis.scatter(range(len(order)), group[order], color=colours, s=11, zorder=2)
        axis.set_ylabel(f"{words.printable(name)} ({words.printable(unit)})" if unit else words.printable(name))
        axis.set_xlim(-1, len(order))
        axis.grid(axis="y", color=look.QUIET, linewidth=0.6)
        axis.set_xticks([])
    axes[-1].set_xlabel("region (left blue, right orange)" if "L" in sides else "region")
    return figure
