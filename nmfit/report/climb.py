"""The figure of the whole answer: each rung's score beside ceiling, wrong connectomes and baselines."""

import numpy as np
from matplotlib.lines import Line2D

from . import look, words
from .figures import drawn

ROW_INCHES = 0.27
GAP = 0.6                 # rows between groups
LIMITS = {"ceiling": "-", "reliability": (0, (3, 2))}


@drawn
def climb(result, narrow=False):
    """Draw one row per rung, null and baseline, scores from left to right.

    A rung's filled dot is its held-out score with its standard error, the ring what chose it, the bar what
    it reached on the data fitted, the cross its twin without coupling.

    Parameters and return as `figures.matrices`.
    """
    record = result.record
    limits = [(key, record[key]) for key in ("ceiling", "reliability") if record[key]["value"] is not None]
    names = words.claim(record)[3]
    nulls = [(name, null) for name, null in record["nulls"].items() if name in names and null and null["n"]]
    # The reliability has a row of its own among the limits.
    baselines = sorted(((name, value) for name, value in record["baselines"].items()
                        if value is not None and not (limits and name == "reliability")), key=lambda item: -item[1])
    groups = [group for group in (
        [(_limit, key, item) for key, item in limits],
        [(_rung, _rung_label(rung, narrow), rung) for rung in record["rungs"]],
        [(_null, names[name], (null, result.arrays.get(f"null_{name}"))) for name, null in nulls],
        [(_baseline, words.baseline(name), value) for name, value in baselines],
    ) if group]
    rows = sum(map(len, groups)) + GAP * (len(groups) - 1)
    figure = look.new_figure(look.NARROW if narrow else look.WIDE, 1.5 + ROW_INCHES * rows + 0.25 * narrow)
    axis = figure.subplots()
    names, row = [], 0.0
    for group in groups:
        for mark, name, item in group:
            said = mark(axis, row, item, result)
            if said and not narrow:
                axis.text(1.015, row, said, transform=axis.get_yaxis_transform(), va="center", fontsize=8.5)
            names.append((row, name, mark is not _rung or item["kept"]))
            row += 1
        row += GAP
    row -= GAP
    for key, item in limits:
        axis.axvline(item["value"], color=look.BASELINE, linewidth=1.1, linestyle=LIMITS[key], zorder=1)
    axis.set_yticks([at for at, _, _ in names], [name for _, name, _ in names])
    for tick, (_, _, kept) in zip(axis.get_yticklabels(), names, strict=True):
        tick.set_color(look.TEXT if kept else look.REJECTED)
    axis.set_ylim(row - 0.4, -0.6)  # from the top down
    low, high = axis.get_xlim()
    axis.set_xlim(max(low, -1.02), min(max(high, low + 0.1), 1.02))
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="x", color=look.QUIET, linewidth=0.6)
    axis.set_axisbelow(True)
    r = words.score_name(record)
    axis.set_xlabel(f"score ({r})" if narrow else "score (r over all pairs of regions)" if r == "r" else r)
    figure.legend(handles=_legend(record), loc="outside lower center", ncols=2 if narrow else 4,
                  columnspacing=1.4, handletextpad=0.5)
    return figure


def _limit(axis, row, limit, _result):
    value, ci = limit["value"], limit["ci95"]
    axis.plot(value, row, "s", color=look.BASELINE, markersize=5.5, zorder=4)
    if ci and None not in ci:
        axis.plot(ci, [row, row], color=look.BASELINE, linewidth=2.0, zorder=3)
        return f"{value:.2f}  {ci[0]:.2f} to {ci[1]:.2f}"
    return words.score(value)


def _rung_label(rung, narrow):
    text = f"{words.rung_name(rung)} · {words.number(rung['free_parameters'])}"
    return text if narrow else f"{text} free"


def _rung(axis, row, rung, result):
    roles = {"chosen": rung is result.rung(result.chosen),
             "explained": result.explained is not None and rung is result.rung(result.explained),
             "not kept": not rung["kept"]}
    colour = look.EXPLAINED if roles["explained"] else look.REJECTED if roles["not kept"] else look.MODEL
    seen = [rung[key] for key in ("score_fit", "score_choose", "score_heldout") if rung[key] is not None]
    if len(seen) > 1:
        axis.plot([min(seen), max(seen)], [row, row], color=colour, linewidth=1.0, alpha=0.5, zorder=2)
    if rung["score_fit"] is not None:
        axis.plot(rung["score_fit"], row, "|", color=colour, markersize=9, markeredgewidth=1.6, zorder=3)
    if rung["score_choose"] is not None:
        axis.plot(rung["score_choose"], row, "o", markerfacecolor="white", markeredgecolor=colour,
                  markersize=6, zorder=3)
    if rung["score_heldout"] is not None:
        axis.errorbar(rung["score_heldout"], row, xerr=rung["score_heldout_se"], fmt="o", color=colour,
                      markersize=9 if roles["chosen"] else 7, elinewidth=2.0, zorder=4)
    if rung["coupling_zero"] is not None:
        axis.plot(rung["coupling_zero"], row, "x", color=look.NULL, markersize=6.5, markeredgewidth=1.8,
                  zorder=4)
    score = words.score(rung["score_heldout"], rung["score_heldout_se"], "")
    return f"{score}  {', '.join(role for role, true in roles.items() if true)}".strip()


def _null(axis, row, null_and_scores, _result):
    null, scores = null_and_scores
    if scores is not None and np.isfinite(scores).any():
        scores = np.sort(scores[np.isfinite(scores)])
        tracks = 0.16 * np.resize([0, 1, -1], scores.size)  # three, so that dots do not cover each other
        axis.plot(scores, row + tracks, "o", color=look.NULL, alpha=0.5, markersize=3.6, markeredgewidth=0,
                  zorder=3)
    if null["mean"] is None:
        return ""
    axis.plot(null["mean"], row, "|", color=look.NULL, markersize=14, markeredgewidth=2.0, zorder=4)
    told = words.decides(null)
    return words.score(null["mean"], null["sd"]) + (f"  p = {told:.2g}" if told is not None else "")


def _baseline(axis, row, value, _result):
    axis.plot(value, row, "D", color=look.BASELINE, markersize=5, zorder=3)
    return words.score(value)


def _legend(record):
    def dot(marker, colour, label, size=7, face=None, **more):
        return Line2D([], [], linestyle="", marker=marker, color=colour, markersize=size, label=label,
                      markerfacecolor=face or colour, **more)

    handles = [dot("o", look.MODEL, "held out ± s.e.")] if _any(record, "score_heldout") else []
    handles += [dot("o", look.EXPLAINED, "explained")] if record["explained"] else []
    handles += [dot("o", look.MODEL, "choosing data", 6, "white"),
                dot("|", look.MODEL, "fitted data", 9, markeredgewidth=1.6)]
    if _any(record, "coupling_zero"):
        handles.append(dot("x", look.NULL, "without coupling", 6.5, markeredgewidth=1.8))
    if any(null and null["n"] for null in record["nulls"].values()):
        handles.append(dot("o", look.NULL, words.claim(record)[2], 4))
    if any(value is not None for value in record["baselines"].values()):
        handles.append(dot("D", look.BASELINE, "baseline", 5))
    return handles


def _any(record, key):
    return any(rung[key] is not None for rung in record["rungs"])
