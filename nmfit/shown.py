"""What shows itself: in a notebook's cell, and as a figure."""

from typing import ClassVar


class Shown:
    """Gives a noun its figure and its cell; how they look is the report's matter, imported when it is asked for.

    Class attributes
    ----------------
    shown_as : what it is drawn as, a name in `nmfit.report.nouns.NOUNS`
    """

    shown_as: ClassVar[str]

    def plot(self):
        """Return a matplotlib figure of it."""
        from .report import nouns

        return nouns.figure(self)

    def _repr_html_(self):
        from .report import nouns

        return nouns.cell(self)
