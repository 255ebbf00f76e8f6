"""The figure of the whole answer: each rung's score beside ceiling, wrong connectomes and baselines."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from . import look, words
from .figures import drawn

ROW_INCHES = 0.27


@drawn
def climb(result, narrow=False):
    """Draw one row per rung, null and baseline, scores from left to right.

    A rung's filled dot is its held-out score with its standard error, the ring what chose it, the bar what
    it reached on the data fitted, the cross its twin without coupling. The ceiling and the reliability run
    through all rows.

    Parameters and return as `figures.matrices`.
    """
    record = result.record
    rungs = record["rungs"]
    nulls = [(name, null) for name, null in record["nulls"].items() if null and null["n"]]
    baselines = sorted(((name, value) for name, value in record["baselines"].items() if value is not None),
                       key=lambda item: -item[1])
    count = len(rungs) + len(nulls) + len(baselines) + 2
    figure = look.new_figure(look.NARROW if narrow else look.WIDE, 1.75 + ROW_INCHES * count + 0.25 * narrow)
    axis = figure.subplots()
    names, row = [], 0
    for rung in rungs:
        _rung(axis, row, rung, result)
        free = f"{words.rung_name(rung)} · {words.number(rung['free_parameters'])}"
        names.append((row, free if narrow else f"{free} free", rung["kept"]))
        _at_the_end(axis, row, "" if narrow else _said(result, rung))
        row += 1
    for group, mark, name_of in ((nulls, _null, words.NULLS.get), (baselines, _baseline, words.baseline)):
        row += 0.6 if group else 0
        for name, value in group:
            said = mark(axis, row, value, result.arrays.get(f"null_{name}"))
            _at_the_end(axis, row, "" if narrow else said)
            names.append((row, name_of(name), True))
            row += 1
    _lines(axis, record)
    axis.set_yticks([at for at, _, _ in names], [name for _, name, _ in names])
    for tick, (_, _, kept) in zip(axis.get_yticklabels(), names, strict=True):
        tick.set_color(look.TEXT if kept else look.REJECTED)
    axis.set_ylim(row - 0.4, -0.6)
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


def _rung(axis, row, rung, result):
    answer = rung is result.rung(result.chosen)
    explained = result.explained is not None and rung is result.rung(result.explained)
    colour = look.EXPLAINED if explained else look.MODEL if rung["kept"] else look.REJECTED
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
                      markersize=9 if answer else 7, elinewidth=2.0, zorder=4)
    if rung["coupling_zero"] is not None:
        axis.plot(rung["coupling_zero"], row, "x", color=look.NULL, markersize=6.5, markeredgewidth=1.8,
                  zorder=4)


def _said(result, rung):
    text = words.score(rung["score_heldout"], rung["score_heldout_se"], "")
    is_answer = {"chosen": rung is result.rung(result.chosen),
                 "explained": result.explained is not None and rung is result.rung(result.explained),
                 "not kept": not rung["kept"]}
    return "  ".join([text, ", ".join(name for name, true in is_answer.items() if true)]).strip()


def _null(axis, row, null, scores):
    if scores is not None and np.isfinite(scores).any():
        scores = np.sort(scores[np.isfinite(scores)])
        tracks = 0.16 * np.resize([0, 1, -1], scores.size)  # three, so that dots do not cover each other
        axis.plot(scores, row + tracks, "o", color=look.NULL, alpha=0.5, markersize=3.6, markeredgewidth=0,
                  zorder=3)
    if null["mean"] is None:
        return ""
    axis.plot(null["mean"], row, "|", color=look.NULL, markersize=14, markeredgewidth=2.0, zorder=4)
    return words.score(null["mean"], null["sd"]) + (f"  p = {null['p']:.2g}" if null["p"] is not None else "")


def _baseline(axis, row, value, _scores):
    axis.plot(value, row, "D", color=look.BASELINE, markersize=5, zorder=3)
    return words.score(value)


def _at_the_end(axis, row, text):
    if text:
        axis.text(1.015, row, text, transform=axis.get_yaxis_transform(), va="center", fontsize=8.5)


def _lines(axis, record):
    for key, style, shade in (("reliability", (0, (3, 2)), 0.08), ("ceiling", "-", 0.14)):
        value, ci = record[key]["value"], record[key]["ci95"]
        if value is None:
            continue
        axis.axvline(value, color=look.BASELINE, linewidth=1.2, linestyle=style, zorder=1)
        if ci and None not in ci:
            axis.axvspan(*ci, color=look.BASELINE, alpha=shade, linewidth=0, zorder=0)


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
        handles.append(dot("o", look.NULL, "wrong connectomes", 4))
    if any(value is not None for value in record["baselines"].values()):
        handles.append(dot("D", look.BASELINE, "baseline", 5))
    if record["ceiling"]["value"] is not None:
        handles.append(Line2D([], [], color=look.BASELINE, linewidth=1.2, label="ceiling"))
    if record["reliability"]["value"] is not None:
        handles.append(Line2D([], [], color=look.BASELINE, linewidth=1.2, linestyle=(0, (3, 2)),
                              label="reliability"))
    if not all(rung["kept"] for rung in record["rungs"]):
        handles.append(Patch(color=look.REJECTED, label="rung not kept"))
    return handles


def _any(record, key):
    return any(rung[key] is not None for rung in record["rungs"])
