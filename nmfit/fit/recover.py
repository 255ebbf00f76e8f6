"""Parameter recovery: whether parameters come back from simulated copies of the user's own data."""

import dataclasses

import jax
import numpy as np

from .context import context_of
from .copies import come_back, copies_of
from .determined import expected_recovery
from .evidence import climb_path
from .identify import RECOVERED, identify
from .threads import one_core_each, side_by_side


@dataclasses.dataclass(frozen=True, eq=False)
class Recovery:
    """What came back from simulated copies of the data.

    Attributes
    ----------
    rows : list of dict
        ``name``; ``r`` of truth and estimate (of logarithms for levels; of regional values over regions, the mean
        over copies); ``expected`` from the curvature; ``flag``: "not_recovered" where ``r < 0.8``.
    truths, found : dict of arrays ``[copies]`` or ``[copies, n]``
    samples : effective number of samples that every copy holds
    """

    rows: list
    truths: dict
    found: dict
    samples: float

    @property
    def flags(self):
        """``not_recovered:NAME`` for every parameter that does not come back."""
        return [f"not_recovered:{row['name']}" for row in self.rows if row["flag"]]

    def summary(self):
        """Return a table as text."""
        count = len(next(iter(self.truths.values())))
        lines = [f"recovery from {count} simulated copies of the data ({self.samples:.0f} effective samples each)"]
        for row in self.rows:
            told = "not recovered" if row["flag"] else "recovered"
            expected = "at a bound" if row["expected"] is None else f"expected {row['expected']:.2f}"
            lines.append(f"  {row['name']:<24} r = {row['r']:5.2f} ({expected})  {told}")
        return "\n".join(lines) + "\n"


def recover(result, n=20, *, seed=0, steps=None):
    """Simulate copies of the user's data from known parameters, fit each as the data were, and compare.

    Truths lie around the fitted values: half their size up or down for shared parameters, less for single regions.
    A copy is a Gaussian sample of the model's FC, as long as the data; it is fitted through the same rungs.

    Parameters
    ----------
    result : Result
        Of `nmfit.fit` for FC, not loaded from a file.
    n : int
        Copies.
    seed : int
    steps : int, optional
        Step limit of every fit.

    Returns
    -------
    Recovery
    """
    context = context_of(result, "nmfit.recover")
    fitted, ground = context.final[-1], context.ground
    with jax.enable_x64(True), one_core_each():
        determined = identify(fitted, ground, context.plan.target.samples, context.map_names)
        samples = determined.samples if determined is not None else context.plan.target.samples or 100.0
        rngs = [np.random.default_rng([seed, 60, k]) for k in range(n)]
        copies = copies_of(fitted, ground, samples, rngs, context.map_names)

        def refit(data):
            copy = dataclasses.replace(ground, fc=data)
            return climb_path(copy, context.path, starts=context.plan.starts, seed=seed, steps=steps)[-1].network

        back = come_back(copies.truths(), side_by_side(refit, copies.data), copies.coordinates, ground.maps)
    expected = {} if determined is None else expected_recovery(determined)
    rows = [{"name": name, "r": r, "expected": expected.get(name), "flag": None if r >= RECOVERED else "not_recovered"}
            for name, (_, _, r) in back.items()]
    return Recovery(rows, {name: truths for name, (truths, _, _) in back.items()},
                    {name: found for name, (_, found, _) in back.items()}, float(samples))
