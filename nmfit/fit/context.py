"""What stands behind a result while it is at hand."""

import dataclasses

from ..errors import InputError


@dataclasses.dataclass(frozen=True, eq=False)
class Context:
    """The data and the fits of a result.

    Attributes
    ----------
    plan : Plan
    path : tuple of (Rung, shrinkage), the kept rungs
    final : tuple of Fitted, the path fitted to everything that the reported model may see
    map_names : sequence of str, or None
    offset : array ``[n, n]`` or None, what was added to the closed form where a simulation was fitted
    """

    plan: object
    path: tuple
    final: tuple
    map_names: tuple | None = None
    offset: object = None

    @property
    def ground(self):
        """Where the reported model was fitted."""
        ground = self.plan.ground(self.plan.target.final).under(self.final[-1].rung.model)
        return dataclasses.replace(ground, offset=self.offset)


def context_of(result, verb):
    """Return the context of a result, or refuse."""
    if result.context is None:
        raise InputError("result", "no data behind it: it was loaded, or is no fit of FC in closed form",
                         f"Fit again, and call {verb} on what nmfit.fit returns.")
    if result.context.plan.target.envelope is not None:
        raise InputError("result", f"FC of envelopes, of which {verb} does not know how they scatter",
                         "Read the standard errors of the result: they were measured over people.")
    return result.context
