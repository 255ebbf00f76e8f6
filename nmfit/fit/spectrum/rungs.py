"""The ladder for spectra at sensors: what is free at every rung, and how far things are expected to vary."""

import dataclasses

import numpy as np

from ..gauss_newton import HELD
from ..maps import standardised
from .newton import Layout
from .populations import COORDINATES, model_name

FEWEST_FOR_MAPS = 8
# How far coordinates vary beside each other, as shares of their size (standard deviations): an amplitude by much, a
# frequency by little. A column's potential counts in steps of its logit, see `problem.frame_of`.
BETWEEN_REGIONS = {"noise": 0.75, "a": 0.5, "f": 0.08, "v": 0.5, "rate": 0.08}
JOINED = {"f": 0.25}                       # of populations that join: their bands are broader
TOGETHER = {"noise": 3.0, "a": 1.0, "f": 0.3, "v": 2.0, "rate": 0.3}       # from where a search starts
COUPLING, COHERENCE = 1.0, 2.0
# Of sensitivity (its level is the sources'), floor, power law and its exponent (which all sensors share).
SENSORS_TOGETHER = np.array([np.inf, 3.0, 3.0, 1.0])
BETWEEN_SENSORS = np.array([0.15, 1.0, 1.0, 0.0])


@dataclasses.dataclass(frozen=True)
class SpectrumRung:
    """A step of the ladder: the model that enters with it, and which directions are free.

    Attributes
    ----------
    name : str
    model : "Hopf" or "JansenRit" of all regions' first population, or "" for that of the rung kept last
    scales : how many populations every region has at least; those that join are oscillators
    maps, regions, sensors : whether parameters follow maps, vary from region to region, and sensors for themselves
    """

    name: str
    model: str = ""
    scales: int = 1
    maps: bool = False
    regions: bool = False
    sensors: bool = False


# Fewest parameters first. Columns are held against oscillators at equal freedom; every resonance is there before
# regions may differ, since one that has no population of its own bends those of whole quarters of the head to it.
LADDER = (
    SpectrumRung("shared", "Hopf"),
    SpectrumRung("columns", "JansenRit"),
    SpectrumRung("two scales", scales=2),
    SpectrumRung("three scales", scales=3),
    SpectrumRung("maps", maps=True),
    # Again, where they were not kept: alike in all regions a weak alpha's sources carry too little of it.
    SpectrumRung("maps two scales", scales=2, maps=True),
    SpectrumRung("maps three scales", scales=3, maps=True),
    SpectrumRung("region", maps=True, regions=True),
    SpectrumRung("sensors", maps=True, regions=True, sensors=True),
)
NAMES = tuple(rung.name for rung in LADDER)


def brain_maps(brain):
    """Return maps ``[m, n]`` along which parameters may vary, z-scored; none where nobody knows the places of regions.

    The gradient from back to front, the hemisphere, the hindmost and the foremost quarter.
    """
    if brain.centroids is None or brain.n < FEWEST_FOR_MAPS:
        return np.zeros((0, brain.n))
    x, y, _ = np.asarray(brain.centroids, float).T
    back, front = np.quantile(y, [0.25, 0.75])
    maps = [m for m in (y, np.sign(x), (y <= back).astype(float), (y >= front).astype(float)) if np.ptp(m) > 0]
    return standardised(maps, brain.n) if maps else np.zeros((0, brain.n))


def layout_of(rung, networks, maps, sensors, *, coupled, coherent):
    """Return what a rung frees of some populations, as precisions.

    Parameters
    ----------
    rung : SpectrumRung
    networks : tuple of Network
    maps : array ``[m, n]``
    sensors : int
    coupled : bool
    coherent : bool
        Whether the lead field has modes beside a coherent gain, whose shares the data tell.
    """
    shared, own = [], []
    for k, network in enumerate(networks):
        names = COORDINATES[model_name(network)]
        between = BETWEEN_REGIONS | (JOINED if k else {})
        each = np.array([between[name] ** -2 for name in names])
        level = np.array([TOGETHER[name] ** -2 for name in names])
        along = np.repeat(each[:, None] if rung.maps else np.full((len(names), 1), HELD), len(maps), axis=1)
        shared.append(np.column_stack([level, along]))
        own.append(each if rung.regions else np.full(len(names), HELD))
    between = np.where(BETWEEN_SENSORS > 0, np.maximum(BETWEEN_SENSORS, 1e-9) ** -2, HELD)
    return Layout(
        basis=np.concatenate([np.ones((1, networks[0].n)), maps]).T, shared=tuple(shared), own=tuple(own),
        coupling=np.full(len(networks), COUPLING**-2 if coupled else HELD),
        coherence=COHERENCE**-2 if coherent else HELD,
        sensors_shared=np.where(np.isfinite(SENSORS_TOGETHER), SENSORS_TOGETHER**-2, HELD),
        sensors_own=between if rung.sensors else np.full(between.size, HELD), s=sensors)
