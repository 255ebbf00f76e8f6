"""The profile of a loss along one parameter, as a figure."""

from . import look
from .figures import drawn


@drawn
def profile(found):
    """Draw how the loss rises along a parameter, and where it crosses the threshold of the 95 % interval.

    Parameters
    ----------
    found : Profile

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = look.new_figure(look.NARROW, 3.0)
    axis = figure.subplots()
    axis.plot(found.values, found.rise, "o-", color=look.MODEL, markersize=3.5, linewidth=1.4)
    axis.axhline(found.threshold, color=look.NULL, linewidth=1.0, linestyle="--")
    axis.annotate("95 %", (1.0, found.threshold), xycoords=("axes fraction", "data"), ha="right", va="bottom",
                  color=look.NULL, fontsize=8.5)
    for end in found.interval:
        if end is not None:
            axis.axvline(end, color=look.QUIET, linewidth=1.0, zorder=0)
    axis.set_ylim(0.0, max(3.0 * found.threshold, 1e-12))
    axis.set_xlabel(f"{found.name} ({found.unit})" if found.unit else found.name)
    axis.set_ylabel("rise of the loss")
    axis.set_title(f"Profile of {found.name}")
    return figure
