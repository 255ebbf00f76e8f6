"""Maps along which parameters may vary."""

import numpy as np

from ..errors import InputError


def standardised(maps, n):
    """Return maps ``[m, n]`` with mean 0 and standard deviation 1 over regions.

    Raises
    ------
    InputError
        Where a map has another number of regions, a value that is not finite, or one value for all regions.
    """
    maps = np.atleast_2d(np.asarray(maps, float))
    if maps.shape[1] != n or not np.isfinite(maps).all():
        raise InputError("maps", f"shape {maps.shape} or values that are not finite",
                         "Give one finite row per map and one column per region.", f"[m, {n}]")
    flat = np.flatnonzero(np.ptp(maps, axis=1) == 0)
    if flat.size:
        raise InputError("maps", f"map {flat[0] + 1} has the same value in every region", "Leave it out.")
    return (maps - maps.mean(1, keepdims=True)) / maps.std(1, keepdims=True)
