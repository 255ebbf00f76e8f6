"""The figures of a fit to functional connectivity: matrices, edges, the climb, the losses."""

import functools

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.ticker import MaxNLocator

from ..network.names import canonical
from . import look, words


def drawn(draw):
    """Draw with the look of `look.settings`, whatever matplotlib is set to outside."""
    @functools.wraps(draw)
    def framed(*args, **kwargs):
        with look.settings():
            return draw(*args, **kwargs)
    return framed


def measured(result):
    """Return the empirical FC a model is shown against, and what it is.

    Where people took turns everybody's data scored once, and the model that is shown is fitted to all of them.
    """
    fitted = result.arrays.get("fc_fit")
    if "fc_score" in result.arrays and (fitted is None or not np.allclose(result.arrays["fc_score"], fitted)):
        return result.arrays["fc_score"], "measured, held out"
    return fitted, "measured, fitted"


@drawn
def matrices(result, narrow=False):
    """Draw measured and modelled FC side by side, and their difference.

    Parameters
    ----------
    result : Result
    narrow : bool
        One below the other, for a narrow page.

    Returns
    -------
    matplotlib.figure.Figure, or None where a result holds no FC
    """
    if "fc_model" not in result.arrays:
        return None
    data, what = measured(result)
    model = result.fc
    order, sides = hemisphere_order(result.labels)
    off = ~np.eye(len(model), dtype=bool)
    top = max(np.quantile(np.abs([data[off], model[off]]), 0.995), 0.05)
    apart = max(np.quantile(np.abs((model - data)[off]), 0.995), 0.05)
    panels = [
        (data, what, top, look.SIGNED, "FC (Pearson r)"),
        (model, f"model: {words.rung_name(result.rung(result.chosen))}", top, look.SIGNED, "FC (Pearson r)"),
        (model - data, "model − measured", apart, look.DIFFERENCE, "difference of r"),
    ]
    figure = look.new_figure(look.NARROW, 10.9) if narrow else look.new_figure(look.WIDE, 3.55)
    axes = figure.subplots(3, 1) if narrow else figure.subplots(1, 3)
    for axis, (matrix, title, limit, colours, unit) in zip(axes, panels, strict=True):
        shown = np.where(off, matrix, np.nan)[np.ix_(order, order)]
        image = axis.imshow(shown, cmap=colours, vmin=-limit, vmax=limit, interpolation="nearest")
        axis.set_facecolor(look.QUIET)
        axis.set_title(title)
        _hemisphere_ticks(axis, sides)
        bar = figure.colorbar(image, ax=axis, orientation="vertical" if narrow else "horizontal",
                              shrink=0.8, aspect=28, pad=0.02, extend="both")
        bar.set_label(unit)
        bar.outline.set_visible(False)
    return figure


def hemisphere_order(labels):
    """Return an order that puts the left hemisphere first, and the sides in that order."""
    sides = np.array([canonical(label)[0] for label in labels], dtype="<U1")
    rank = np.array([{"L": 0, "R": 1, "": 2}[side] for side in sides])
    order = np.argsort(rank, kind="stable")
    return order, sides[order]


def _hemisphere_ticks(axis, sides):
    blocks = [(side, np.flatnonzero(sides == side)) for side in ("L", "R", "") if (sides == side).any()]
    if len(blocks) == 1:
        for side in (axis.xaxis, axis.yaxis):
            side.set_major_locator(MaxNLocator(5, integer=True))
        axis.set_xlabel("region")
        axis.set_ylabel("region")
        return
    names = {"L": "left", "R": "right", "": "other"}
    middles = [at.mean() for _, at in blocks]
    axis.set_xticks(middles, [names[side] for side, _ in blocks])
    axis.set_yticks(middles, [names[side] for side, _ in blocks], rotation=90, va="center")
    axis.tick_params(length=0)
    for _, at in blocks[1:]:
        axis.axhline(at[0] - 0.5, color="white", linewidth=1.2)
        axis.axvline(at[0] - 0.5, color="white", linewidth=1.2)
    axis.set_xlabel("regions by hemisphere")


@drawn
def edges(result, narrow=False):
    """Draw every pair of regions: modelled against measured FC.

    Parameters and return as `matrices`.
    """
    if "fc_model" not in result.arrays:
        return None
    data, what = measured(result)
    upper = np.triu_indices(len(data), 1)
    x, y = result.fc[upper], data[upper]
    order, sides = hemisphere_order(result.labels)
    sided = np.empty_like(sides)
    sided[order] = sides
    across = (sided[upper[0]] != sided[upper[1]]) & (sided[upper[0]] != "") & (sided[upper[1]] != "")
    figure = look.new_figure(look.NARROW if narrow else 5.2, 4.6 if narrow else 5.0)
    axis = figure.subplots()
    size = float(np.clip(12000 / len(x), 1.0, 12.0))
    for mask, colour, name in ((~across, look.MODEL, "within a hemisphere"), (across, look.NULL, "between")):
        if mask.any() and across.any():
            label = f"{name}: r = {_r(x[mask], y[mask])}"
            axis.scatter(x[mask], y[mask], s=size, color=to_rgba(colour, 0.35), linewidths=0, rasterized=True)
            axis.scatter([], [], s=24, color=colour, linewidths=0, label=label)
    if not across.any():
        axis.scatter(x, y, s=size, color=to_rgba(look.MODEL, 0.35), linewidths=0, rasterized=True)
    low, high = min(x.min(), y.min()), max(x.max(), y.max())
    axis.plot([low, high], [low, high], color=look.TEXT, linewidth=0.8, linestyle=(0, (4, 3)), label="equal")
    ceiling = result.record["ceiling"]["value"] if what != "measured, fitted" else None
    heldout = result.rung(result.chosen)["score_heldout"] if what == "measured, fitted" else None
    beside = f"   (ceiling {ceiling:.2f})" if ceiling is not None else f"   ({heldout:.2f} held out)" if heldout else ""
    axis.set_title(f"r = {_r(x, y)}{beside}")
    axis.set_xlabel("FC of the model (Pearson r)")
    axis.set_ylabel(f"FC {what} (Pearson r)")
    axis.set_aspect("equal", adjustable="datalim")
    axis.legend(loc="upper left", handletextpad=0.4, borderaxespad=0.2)
    return figure


def _r(x, y):
    if x.std() == 0 or y.std() == 0:
        return "–"
    return f"{np.corrcoef(x, y)[0, 1]:.2f}"


@drawn
def losses(result, narrow=False):
    """Draw the loss of every rung's best start, step by step.

    Parameters and return as `matrices`; None where no history was kept.
    """
    rungs = [(rung, result.history(rung["name"])) for rung in result.record["rungs"]]
    rungs = [(rung, loss[np.isfinite(loss)]) for rung, loss in rungs if loss is not None]
    rungs = [(rung, loss) for rung, loss in rungs if loss.size]
    if not rungs:
        return None
    figure = look.new_figure(look.NARROW if narrow else 5.2, 3.6)
    axis = figure.subplots()
    begin = 0
    palette = (look.MODEL, look.EXPLAINED, "#CC79A7", "#E69F00", "#56B4E9")
    for i, (rung, loss) in enumerate(rungs):
        colour = palette[i % len(palette)] if rung["kept"] else look.REJECTED
        steps = begin + np.arange(loss.size)
        axis.plot(steps, loss, color=colour, linewidth=1.6, linestyle="-" if rung["kept"] else (0, (2, 1.5)),
                  label=words.rung_name(rung) + ("" if rung["kept"] else " (not kept)"))
        axis.plot(steps[-1], loss[-1], "o", color=colour, markersize=4)
        begin += loss.size
    values = np.concatenate([loss for _, loss in rungs])
    if values.min() > 0 and values.max() / values.min() > 10:
        axis.set_yscale("log")
        look.plain_decades(axis.yaxis)
    axis.set_xlabel("optimiser step, rung after rung")
    axis.set_ylabel("loss (best start)")
    axis.legend(loc="upper right")
    return figure
