"""Fits see regions and channels in one order, that of their names, so that the order of files changes nothing.

Searches, nulls and sums depend on the order in their last digits or in what is drawn; sorted names take that away. What
comes back stands in the order that was given.
"""

import dataclasses

import numpy as np

from ..compare.spectral_target import SpectrumTarget
from ..network.names import are_names
from .stored import PSD_ARRAYS, SQUARE_ARRAYS

# Along which axes arrays of a result hold regions, and channels.
REGIONS = {"labels": (0,), "centroids": (0,), **dict.fromkeys(SQUARE_ARRAYS, (0, 1))}
CHANNELS = {"ch_names": (0,), "positions": (0,), **dict.fromkeys(PSD_ARRAYS, (0,))}


def in_one_order(fit, target, brain, options):
    """Call ``fit(target, brain, **options)`` with regions and channels sorted by name; return all in their own order.

    Where regions have no names, or a model or ladder of one's own may hold values per region, nothing is moved.
    """
    brains = list(brain) if isinstance(brain, list | tuple) else [brain]
    labels = getattr(brains[0], "labels", None)
    own = not isinstance(options.get("model"), str | list | tuple | type(None)) or options.get("ladder") is not None
    regions = None if own or any(getattr(b, "labels", None) != labels for b in brains) else _sorted(labels)
    spectra = isinstance(target, SpectrumTarget)
    channels = _sorted(target.ch_names) if spectra else None
    if not spectra and regions is not None and (target.labels is None or tuple(target.labels) != tuple(labels)):
        return fit(target, brain, **options)
    if spectra:
        target = target if channels is None else target.select(channels)
    elif regions is not None:
        target = target.select(regions)
        if options.get("maps") is not None:
            options = {**options, "maps": np.atleast_2d(np.asarray(options["maps"], float))[:, regions]}
    if regions is not None:
        brains = [b.select(regions) for b in brains]
        brain = brains if isinstance(brain, list | tuple) else brains[0]
    return _back(fit(target, brain, **options), regions, channels)


def _sorted(labels):
    """Return the order that sorts names, or None where they are sorted, or no names."""
    if labels is None or not are_names(labels):
        return None
    order = np.argsort(np.asarray(labels, dtype=str), kind="stable")
    return None if np.array_equal(order, np.arange(len(labels))) else order


def _back(result, regions, channels):
    arrays, places = dict(result.arrays), {}
    for order, axes in ((regions, REGIONS), (channels, CHANNELS)):
        if order is None:
            continue
        back = np.argsort(order)
        for name, which in axes.items():
            for axis in which if name in arrays else ():
                arrays[name] = np.take(arrays[name], back, axis=axis)
        places |= {str(label): i for i, label in enumerate(arrays["labels" if axes is REGIONS else "ch_names"])}
    rows = result.record["parameters"]
    first = {}
    for i, row in enumerate(rows):
        first.setdefault(row["name"], i)
    rows = sorted(rows, key=lambda row: (first[row["name"]], places.get(row["region"], -1)))
    return dataclasses.replace(result, record={**result.record, "parameters": rows}, arrays=arrays)
