"""Populations, a lead field and a part of a recording: where a rung is fitted by exact slopes."""

import dataclasses
import functools

import numpy as np

from ...compare.spectral_losses import log10_bias
from ..gauss_newton import HELD
from ..ground import digest
from ..minimise import Status
from .newton import Found, settle_sensors
from .populations import model_name
from .problem import abscissa, lifted, rests, see
from .rungs import brain_maps, layout_of
from .slopes import SensorProblem, leadfield_at, network_at_compiled
from .starts import begun, continues

STEPS, TOLERANCE = 40, 5e-3


@dataclasses.dataclass(frozen=True, eq=False)
class SensorGround:
    """What a climb for spectra stands on.

    Attributes
    ----------
    brain : Connectome, normalised
    leadfield : LeadField
    psd : array ``[f, s]``, the power to fit; `dof` its degrees of freedom or None
    target : SpectrumTarget
    bins : array of bool ``[f]``, the frequencies that take part
    coupled : whether regions hear each other
    loss, cross : as `SpectrumGround` has them; here the loss is the mean squared residual of log10 power
    watched : array of bool ``[s]``, the channels that take part; all unless given
    keep : what remembers finished searches, or None
    """

    brain: object
    leadfield: object
    psd: np.ndarray
    dof: float | None
    target: object
    bins: np.ndarray
    coupled: bool = True
    loss: object = None
    cross: np.ndarray | None = None
    watched: np.ndarray | None = None
    keep: object = None

    @functools.cached_property
    def maps(self):
        """Maps along which parameters may vary."""
        return brain_maps(self.brain)

    @functools.cached_property
    def data(self):
        """log10 power, free of the bias of a logarithm."""
        return np.log10(self.psd) - (0.0 if self.dof is None else float(log10_bias(self.dof)))


@dataclasses.dataclass(frozen=True, eq=False)
class FittedSensors:
    """A rung fitted: the populations and lead field it reached, what they predict, and how the search went.

    ``path`` holds pairs of rung and shrinkage, from the first rung to this.
    """

    rung: object
    networks: tuple
    leadfield: object
    problem: SensorProblem
    layout: object
    vector: np.ndarray
    seen: object
    loss: float
    start_loss: float
    steps: int
    starts: int
    status: Status
    abscissa: float
    history: np.ndarray
    shrinkage: float
    path: tuple

    @property
    def level(self):
        """Name of the rung."""
        return self.rung.name

    @property
    def stable(self):
        """Whether it has a state of rest."""
        return self.abscissa < 0 and bool(np.isfinite(self.loss))

    @functools.cached_property
    def unstable(self):
        """How many roots lie right of the axis."""
        return lifted(self.problem, self.layout.point(self.vector))

    @property
    def model(self):
        """Names of the models of its populations."""
        return " + ".join(model_name(network) for network in self.networks)

    @property
    def free(self):
        """Number of free parameters: where regions have their own, what they share is no further freedom."""
        layout, n, rows = self.layout, len(self.layout.basis), 0
        for shared, own in zip(layout.shared, layout.own, strict=True):
            alone = own < HELD
            rows += alone.sum() * n + (shared[~alone] < HELD).sum()
        alone = layout.sensors_own < HELD
        rows += alone.sum() * layout.s + (layout.sensors_shared[~alone] < HELD).sum()
        return int(rows + (layout.coupling < HELD).sum() + (layout.coherence < HELD))

    @functools.cached_property
    def psd(self):
        """Power ``[f, s]`` as the estimate would be on average."""
        return 10 ** np.asarray(self.seen.log_psd)

    @functools.cached_property
    def sources(self):
        """The part of it that comes from sources."""
        return np.asarray(self.seen.sources)


def fit_sensor_rung(ground, rung, below=None, *, starts=2, shrinkage=0.1, steps=None, tolerance=TOLERANCE):
    """Fit a rung from where the rung below ended, or from several starts where a model enters.

    Parameters
    ----------
    ground : SensorGround
    rung : SpectrumRung
    below : FittedSensors, optional
    starts : int
    shrinkage : float
        Weight of the priors, as the variance of a residual of log10 power would be.
    steps : int, optional
    tolerance : float
        See `settle_sensors`.
    """
    counts = np.outer(ground.bins, np.ones(ground.leadfield.s) if ground.watched is None else ground.watched)
    found = []
    for problem, tail in begun(ground, rung, below, starts):
        layout = layout_of(rung, problem.networks, ground.maps, ground.leadfield.s, coupled=ground.coupled,
                           coherent=ground.leadfield.spread is not None)
        vector = np.zeros(layout.precisions.size)
        vector[vector.size - tail.size:] = tail
        if continues(rung, below):
            vector = layout.continued(below.layout, below.vector)
        at = _settled(ground, problem, counts, layout, vector, shrinkage,
                      STEPS if steps is None else steps, tolerance)
        found.append((at, problem, layout))
    at, problem, layout = found[int(np.nanargmin([one.history[-1] for one, _, _ in found]))]
    point = layout.point(at.vector)
    networks = tuple(network_at_compiled(point, problem, k)[0] for k in range(len(problem.networks)))
    return FittedSensors(
        rung=rung, networks=networks, leadfield=leadfield_at(point, problem), problem=problem, layout=layout,
        vector=at.vector, seen=at.seen, loss=float(at.history[-1]), start_loss=float(at.history[0]),
        steps=sum(one.steps for one, _, _ in found), starts=len(found),
        status=Status.CONVERGED if at.converged else Status.STEP_LIMIT, abscissa=abscissa(problem, point),
        history=at.history, shrinkage=shrinkage,
        path=(() if below is None else below.path) + ((rung, shrinkage),))


def _settled(ground, problem, counts, layout, vector, shrinkage, steps, tolerance):
    """Return where a search ends, or where one of the same inputs is remembered to have ended."""
    here = functools.partial(see, problem)

    def search():
        return settle_sensors(here, ground.data, counts, layout, vector, shrinkage=shrinkage, steps=steps,
                              tolerance=tolerance, allowed=functools.partial(rests, problem))

    if ground.keep is None:
        return search()
    known = digest((problem, ground.data, counts, vector, layout.basis, layout.precisions), shrinkage, steps, tolerance)
    kept = ground.keep(known, lambda: {name: getattr(found, name) for found in [search()] for name in
                                       ("vector", "history", "steps", "converged")})
    return Found(kept["vector"], here(layout.point(kept["vector"])), kept["history"], int(kept["steps"]),
                 bool(kept["converged"]))
