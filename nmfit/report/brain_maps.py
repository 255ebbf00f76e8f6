"""Parameters where they lie in the brain: three views where centroids are known, else one dot per region."""

import numpy as np
from matplotlib.colors import LogNorm, Normalize
from matplotlib.ticker import MaxNLocator
from scipy.ndimage import gaussian_filter1d

from . import look, words
from .figures import drawn, hemisphere_order

# View, the axis to the right and its direction, the axis up, which side is seen (sign of x, or both).
VIEWS = (
    ("left side", 1, -1, 2, -1),
    ("from above", 0, 1, 1, 0),
    ("right side", 1, 1, 2, 1),
)
MIDLINE_MM = 2.0
RIM_MM = 10.0
SOFTNESS_DEGREES = 18
ROUNDING = 1e-3
DECADES = 100.0           # between a positive parameter's bounds, from which on its logarithm is shown


def per_region(result):
    """Return the parameters that have one value in every region, by name: values ``[n]`` and their rows."""
    place = {label: i for i, label in enumerate(result.labels)}
    found = {}
    for row in result.parameters:
        if row["region"] in place:
            found.setdefault(row["name"], [None] * len(place))[place[row["region"]]] = row
    return {name: rows for name, rows in found.items()
            if all(row is not None and row["value"] is not None for row in rows)}


@drawn
def maps(result, narrow=False):
    """Draw each per-region parameter over the brain.

    Parameters and return as `figures.matrices`; None where every parameter is shared.
    """
    found = per_region(result)
    if not found:
        return None
    places = result.arrays.get("centroids")
    if places is None:
        return _dots(result, found, narrow)
    if narrow:
        figure = look.new_figure(look.NARROW, 2.0 + 5.6 * len(found))
        axes = figure.subplots(3 * len(found), 1, squeeze=False).reshape(len(found), 3)
    else:
        figure = look.new_figure(look.WIDE, 2.75 * len(found) + 0.2)
        axes = figure.subplots(len(found), 3, squeeze=False)
    for line, (name, rows) in zip(axes, found.items(), strict=True):
        values = np.array([row["value"] for row in rows])
        scale, colours = _colours(values, rows[0]["bounds"])
        for axis, view in zip(line, VIEWS, strict=True):
            image = _view(axis, places, values, view, scale, colours)
        line[0].set_title(_title(name, rows))
        bar = figure.colorbar(image, ax=list(line), shrink=0.75, aspect=24, pad=0.01,
                              orientation="horizontal" if narrow else "vertical")
        if isinstance(scale, LogNorm):
            look.plain_decades(bar.ax.xaxis if narrow else bar.ax.yaxis)
        else:
            bar.locator = MaxNLocator(3 if narrow else 6)       # long numbers of a narrow range would meet
            bar.update_ticks()
        bar.set_label(words.printable(rows[0]["unit"]))
        bar.outline.set_visible(False)
    return figure


def _title(name, rows):
    unit = rows[0]["unit"]
    return f"{words.printable(name)} ({words.printable(unit)})" if unit else words.printable(name)


def _colours(values, bounds):
    """Return a scale and a colour map.

    Logarithmic for a parameter that is free over decades; turning at zero where values lie on both sides of it;
    one colour for values that differ by rounding only.
    """
    low, high = (float(end) for end in np.quantile(values, [0.02, 0.98]))
    middle = (low + high) / 2
    if high - low <= ROUNDING * abs(middle) or high == low:
        return Normalize(middle - 0.1 * (abs(middle) or 1), middle + 0.1 * (abs(middle) or 1)), look.PLAIN
    if bounds and None not in bounds and bounds[0] > 0 and bounds[1] / bounds[0] >= DECADES:
        return LogNorm(low, high), look.PLAIN
    if low < 0 < high:
        top = max(-low, high)
        return Normalize(-top, top), look.SIGNED
    return Normalize(low, high), look.PLAIN


def _view(axis, places, values, view, scale, colours):
    name, across, direction, up, side = view
    seen = np.ones(len(places), bool) if side == 0 else places[:, 0] * side > -MIDLINE_MM
    x, y = direction * places[:, across], places[:, up]
    _outline(axis, x, y)
    depth = places[:, 2] if side == 0 else places[:, 0] * side
    nearest_last = np.flatnonzero(seen)[np.argsort(depth[seen])]
    image = axis.scatter(x[nearest_last], y[nearest_last], c=values[nearest_last], cmap=colours, norm=scale,
                         s=58 if len(places) <= 120 else 24, edgecolors="#7A7A7A", linewidths=0.4,
                         zorder=2)
    axis.set_aspect("equal")
    axis.set_axis_off()
    ends = ("L", "R") if side == 0 else ("front", "back") if direction < 0 else ("back", "front")
    for end, text, where in zip((0.0, 1.0), ends, ("left", "right"), strict=True):
        axis.text(end, 0.0, text, transform=axis.transAxes, ha=where, va="bottom", fontsize=8,
                  color=look.REJECTED)
    axis.text(0.5, -0.02, name, transform=axis.transAxes, ha="center", va="top", fontsize=8.5)
    return image


def _outline(axis, x, y):
    """Draw a soft outline around all regions, for orientation.

    The support function of the points, blurred over the angle, is again that of a convex shape: a smooth one.
    """
    angle = np.linspace(0, 2 * np.pi, 360, endpoint=False)
    towards = np.stack([np.cos(angle), np.sin(angle)])
    reach = (np.stack([x, y], axis=1) @ towards).max(0)
    reach = gaussian_filter1d(reach, SOFTNESS_DEGREES, mode="wrap") + RIM_MM
    slope = np.gradient(np.concatenate([reach[-1:], reach, reach[:1]]), angle[1])[1:-1]
    edge = reach * towards + slope * np.stack([-towards[1], towards[0]])
    axis.fill(*edge, facecolor="#F4F4F4", edgecolor=look.REJECTED, linewidth=0.9, zorder=1)


def _dots(result, found, narrow):
    order, sides = hemisphere_order(result.labels)
    names = [words.printable(result.labels[i]) for i in order]
    figure = look.new_figure(look.NARROW if narrow else look.WIDE, 2.4 * len(found) + 0.3)
    axes = figure.subplots(len(found), 1, squeeze=False)[:, 0]
    colours = {"L": look.MODEL, "R": look.NULL, "": look.BASELINE}
    for axis, (name, rows) in zip(axes, found.items(), strict=True):
        for at, i in enumerate(order):
            row, colour = rows[i], colours[sides[at]]
            if row["ci95"] and None not in row["ci95"]:
                axis.plot([at, at], row["ci95"], color=colour, linewidth=1.0, alpha=0.5)
            axis.plot(at, row["value"], "o", color=colour, markersize=4)
        axis.set_ylabel(_title(name, rows))
        axis.set_xlim(-1, len(order))
        axis.margins(y=0.1)
        axis.grid(axis="y", color=look.QUIET, linewidth=0.6)
        axis.set_xticks([])
    if len(order) <= (30 if narrow else 90):
        axes[-1].set_xticks(range(len(order)), names, rotation=90, fontsize=6.5)
    axes[-1].set_xlabel("region (left blue, right orange)" if "L" in sides else "region")
    return figure
