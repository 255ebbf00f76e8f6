"""What people share: a person's regional spectra from the other people's parameters."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from ...errors import InputError
from ...parameters import to_bounded, to_free
from ..space import FARTHEST
from ..threads import one_core_each, side_by_side
from .fit import grounds, people_of, regions_of
from .ground import begin, fit_standing, freedom_of, with_population
from .problem import PRIOR, SCALES


def from_others(results, targets, brains):
    """Predict every person with the regional pattern of the others and few numbers of their own.

    The coordinates of every region are the mean of the other people's; the person's own are one shift of each
    parameter, the coupling, the roll-off and the unit, fitted to what may be fitted of their data.

    Parameters
    ----------
    results : list of Result, as `fit_sources` returns them for several people
    targets, brains : what they were fitted to

    Returns
    -------
    log_psd : array ``[person, f, s]``

    Raises
    ------
    InputError
        For fewer than three people, or rungs that differ.
    """
    people = people_of(list(targets), list(brains))
    if len(results) < 3 or len({result.chosen for result in results}) > 1:
        raise InputError("results", f"{len(results)} people on rungs {sorted({r.chosen for r in results})}",
                         "Give three people or more, fitted together.")
    count = sum(any(row["name"] == f"{scale}.f" for row in results[0].parameters) for scale in SCALES)

    def one(i):
        (target, brain) = people[i]
        ground, _ = grounds(target, brain, regions_of(target, brain), None)
        ground = dataclasses.replace(ground, maps=np.zeros((0, brain.n)))
        standing = begin(ground, 0.96 * ground.freqs[ground.bins][-1], 12.0, 10.0)
        while len(standing.networks) < count:
            standing = with_population(standing, ground, 10.0, 1.0)
        standing = _patterned(standing, [results[j] for j in range(len(results)) if j != i])
        freedom = freedom_of(standing, ground, maps=False, regions=False, shrinkage=1.0)
        return fit_standing("others", standing, ground, freedom).log_psd

    with jax.enable_x64(True), one_core_each():
        return np.stack(side_by_side(one, range(len(people))))


def _patterned(standing, others):
    """Return a standing around the mean coordinates of other people's parameters."""
    origin, networks, instrument = standing.origin.copy(), list(standing.networks), standing.instrument
    for row, (scale, name, bounds) in enumerate(standing.names):
        told = f"{scale}.{name}" if scale else name
        free = np.mean([np.asarray(to_free(jnp.asarray(_values(other, told, origin.shape[1])), bounds))
                        for other in others], axis=0)
        origin[row] = np.clip(free, -FARTHEST, FARTHEST)
        value = np.asarray(to_bounded(jnp.asarray(origin[row]), bounds))
        if scale:
            at = SCALES.index(scale)
            networks[at] = networks[at].replace({name: value})
        else:
            instrument = dataclasses.replace(instrument, **{name: value if name in PRIOR else float(value[0])})
    G = float(np.exp(np.mean([np.log(max(_values(other, "G", 1)[0], 1e-3)) for other in others])))
    networks = [network.replace({"G": G}) for network in networks]
    return dataclasses.replace(standing, origin=origin, networks=tuple(networks), instrument=instrument)


def _values(result, name, n):
    rows = [row for row in result.parameters if row["name"] == name]
    if rows[0]["region"] is None:
        return np.full(n, rows[0]["value"])
    by_region = {row["region"]: row["value"] for row in rows}
    missing = np.mean(list(by_region.values()))
    return np.array([by_region.get(str(label), missing) for label in result.labels])
