"""What a result's folder holds beside `fit.json` and `fit.npz`: the table of parameters and the figures."""

from . import look
from .page import FIGURES

PARAMETER_COLUMNS = ("name", "region", "value", "se", "ci95_low", "ci95_high", "bound_low", "bound_high", "unit",
                     "flag")


def parameter_rows(result):
    """Return the rows of `params.tsv`; what is not known is None."""
    return [(row["name"], row["region"], row["value"], row["se"], *(row["ci95"] or (None, None)),
             *(row["bounds"] or (None, None)), row["unit"], row["flag"]) for row in result.parameters]


def figures(result):
    """Return the pairs (name, SVG) of every figure there is something to draw for."""
    drawn = ((name, draw(result)) for name, (draw, _) in FIGURES.items())
    return [(name, look.as_svg(figure)) for name, figure in drawn if figure is not None]
