"""How every figure looks: colours that colour-blind readers tell apart, one type size, paper white."""

import contextlib
import io
import warnings

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

# Okabe & Ito's palette, by what it stands for here.
MODEL = "#0072B2"
EXPLAINED = "#009E73"
NULL = "#D55E00"
BASELINE = "#333333"
REJECTED = "#8C8C8C"
QUIET = "#D9D9D9"
TEXT = "#1F1F1F"

SIGNED = "RdBu_r"      # values with a meaningful zero
DIFFERENCE = "PuOr_r"
PLAIN = "viridis"      # values without

WIDE, NARROW = 9.6, 4.2  # inches; a page shows one or the other by the width of its window

SETTINGS = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.edgecolor": TEXT,
    "axes.labelcolor": TEXT,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    "text.color": TEXT,
    "text.parse_math": False,  # a region's name may hold dollar signs
    "axes.formatter.useoffset": False,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "nmfit",
}


@contextlib.contextmanager
def settings():
    """Hold matplotlib to these settings, and give the caller's back afterwards."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        yield


def plain_decades(axis):
    """Label a logarithmic axis with plain numbers, also between decades where it spans less than two."""
    low, high = axis.get_view_interval()
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(LogLocator(subs=(2.0, 5.0) if high < 100 * low else "auto"))
    axis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:g}") if high < 100 * low else NullFormatter())


class Shown(Figure):
    """A figure that a notebook shows, whether or not pyplot was imported."""

    def _repr_png_(self):
        return as_png(self)


def new_figure(width, height):
    """Return an empty figure, in inches, that belongs to no window and to no global state."""
    figure = Shown(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def as_svg(figure, dpi=160):
    """Return a figure as SVG text: the same bytes for the same figure."""
    file = io.BytesIO()
    with settings(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a name in a script the font lacks
        figure.savefig(file, format="svg", dpi=dpi, metadata={"Date": None, "Creator": None})
    return file.getvalue()


def as_png(figure, dpi=100):
    """Return a figure as the bytes of a PNG."""
    file = io.BytesIO()
    with settings(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(file, format="png", dpi=dpi, metadata={"Software": None})
    return file.getvalue()
