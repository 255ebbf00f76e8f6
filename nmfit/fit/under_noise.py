"""Which theory holds at a network's own noise, and which parameters act as those that were fitted."""

import dataclasses
from typing import NamedTuple

import numpy as np

from ..dynamics.linearised import SMALL_DEFECT
from ..dynamics.translated import can_translate, translate

MARGIN = 0.99              # of what is admissible


class Acting(NamedTuple):
    """What to simulate, and by which theory it was fitted.

    Attributes
    ----------
    engine : "linear" where noise hardly bends slopes (or no closure is known), "closure", or "declined"
    network : with the parameters that act as the fitted ones; the fitted network itself unless under a closure
    moved : dict of the parameters that differ, ``{name: [n]}``
    defect : see `nmfit.dynamics.translated`; None where no closure is known
    """

    engine: str
    network: object
    moved: dict
    defect: float | None


def acting(network, observation):
    """Return what shows under its own noise what a fitted network shows at rest.

    The closed form fits dampings as they act. Noise that saturates a region damps it, so the model's own parameter
    lies higher than what acts: it is translated, where that is valid and stays inside the bounds.
    """
    if observation.states or not can_translate(network):
        return Acting("linear", network, {}, None)
    found = translate(network, observation.reads)
    if found.defect < SMALL_DEFECT:
        return Acting("linear", network, {}, found.defect)
    declared = network.declared()
    moved = {name: np.asarray(value) for name, value in found.moved.items()}
    inside = all((declared[name].bounds[0] <= value.min()) & (value.max() <= declared[name].bounds[1])
                 for name, value in moved.items())
    if found.consistent and found.defect < 1 and inside:
        return Acting("closure", found.network, moved, found.defect)
    return Acting("declined", network, {}, found.defect)


def largest_noise(network, observation):
    """Return up to which ``sigma`` the closure holds, or None.

    What a Gaussian misses grows as the noise's variance, where dampings as they act are held.
    """
    found = acting(network, observation)
    if found.defect is None or not np.isfinite(found.defect):
        return None
    sigma = float(np.mean(np.asarray(network.value("sigma")))) * min(1.0, MARGIN / found.defect) ** 0.5
    there = acting(network.replace({"sigma": np.asarray(sigma)}), observation)
    return None if there.engine == "declined" else sigma


def translated_refits(fitted, refits, observation):
    """Return jackknife refits with every translated parameter as the model has it."""
    moved = [acting(fitted.network.replace({name: values[u] for name, values in refits.items()}), observation).moved
             for u in range(len(next(iter(refits.values()))))]
    names = set.intersection(*(set(m) for m in moved))
    return refits | {name: np.stack([m[name] for m in moved]) for name in names if name in refits}


def translated_blocks(fitted, moved):
    """Return the blocks of a fitted rung, those of translated parameters with the model's own bounds."""
    declared = fitted.network.declared()
    return tuple(dataclasses.replace(b, bounds=declared[b.name].bounds) if b.name in moved else b
                 for b in fitted.blocks)
