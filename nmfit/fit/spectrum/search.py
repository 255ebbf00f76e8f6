"""Populations, a lead field and a part of a recording: where a rung is fitted by exact slopes, and from where."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from ...compare.spectral_losses import log10_bias
from ...dynamics.stability import leading_root, unstable_roots
from ...parameters import declarations
from ..gauss_newton import HELD
from ..ground import digest
from ..minimise import Status
from ..space import frame
from .ground import interpolation, model_frequencies
from .measures import alpha_peak
from .newton import Found, settle_sensors
from .populations import COORDINATES, PEAK, SCALES, bounds_of, model_name, population
from .rungs import brain_maps, layout_of
from .slopes import SENSOR_ROWS, Point, SensorProblem, leadfield_at, network_at, sensors_see_compiled

STEPS, TOLERANCE = 40, 5e-3
SLOWEST = 1.0                            # 1/s: the least damping of a network of columns
BETA = (14.0, 30.0)                      # Hz, where a second start looks for its peak
WIDTHS = {"slow": 10.0, "fast": 30.0}    # 1/s
FAST_AT, FAST_SHARE = 20.0, 0.3          # Hz, and how much of the power there a second population begins with
POINTS = (0.3, 0.7)                      # where columns may rest to begin with, see `population`


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


def frame_of(values, bounds, name):
    """Return the unconstrained origin ``[n]`` of a coordinate, and its unit: one size of it, or one of its logit."""
    origin, spread = frame(jnp.asarray(values, dtype=float), bounds)
    return origin, jnp.ones(()) if name == "v" else spread


def problem_of(ground, populations, leadfield):
    """Return the problem around some populations, pairs of a network and its coordinates ``[p, n]``."""
    fine = ground.target.nodes
    nodes = model_frequencies(fine[0], fine[-1])
    smear = np.eye(fine.size) if ground.target.smear is None else ground.target.smear
    bounds = [tuple(bounds_of(network, name) for name in COORDINATES[model_name(network)])
              for network, _ in populations]
    frames = [[frame_of(row, b, name) for row, b, name in
               zip(values, bound, COORDINATES[model_name(network)], strict=True)]
              for (network, values), bound in zip(populations, bounds, strict=True)]
    declared = declarations(leadfield)
    sensors = [frame(jnp.broadcast_to(jnp.asarray(getattr(leadfield, name), dtype=float), (leadfield.s,)),
                     declared[name].bounds) for name in SENSOR_ROWS]
    share = float(leadfield.coherence)
    problem = SensorProblem(
        networks=tuple(network for network, _ in populations), leadfield=leadfield,
        origin=tuple(jnp.stack([origin for origin, _ in rows]) for rows in frames),
        spread=tuple(jnp.stack([spread for _, spread in rows]) for rows in frames),
        coupling=np.array([float(network.value("G")) for network, _ in populations]),
        sensor_origin=jnp.stack([origin for origin, _ in sensors]),
        sensor_spread=jnp.stack([spread for _, spread in sensors]), coherence=np.log(share / (1 - share)),
        freqs=nodes, fine=fine, finer=interpolation(nodes, fine), smear=smear, bounds=tuple(bounds),
        sensor_bounds=tuple(declared[name].bounds for name in SENSOR_ROWS), coupled=ground.coupled)
    # Strong float64 leaves: Python numbers are weakly typed, and would compile a second time.
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype=float), problem)


def fit_sensor_rung(ground, rung, below=None, *, starts=2, shrinkage=0.1, steps=None):
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
        at = _settled(ground, problem, counts, layout, vector, shrinkage, STEPS if steps is None else steps)
        found.append((at, problem, layout))
    at, problem, layout = found[int(np.nanargmin([one.history[-1] for one, _, _ in found]))]
    point = layout.point(at.vector)
    networks = tuple(network_at(point, problem, k)[0] for k in range(len(problem.networks)))
    return FittedSensors(
        rung=rung, networks=networks, leadfield=leadfield_at(point, problem), problem=problem, layout=layout,
        vector=at.vector, seen=at.seen, loss=float(at.history[-1]), start_loss=float(at.history[0]),
        steps=sum(one.steps for one, _, _ in found), starts=len(found),
        status=Status.CONVERGED if at.converged else Status.STEP_LIMIT, abscissa=abscissa(problem, point),
        history=at.history, shrinkage=shrinkage,
        path=(() if below is None else below.path) + ((rung, shrinkage),))


def _settled(ground, problem, counts, layout, vector, shrinkage, steps):
    """Return where a search ends, or where one of the same inputs is remembered to have ended."""
    see = functools.partial(_see, problem)

    def search():
        return settle_sensors(see, ground.data, counts, layout, vector, shrinkage=shrinkage, steps=steps,
                              tolerance=TOLERANCE, allowed=functools.partial(_rests, problem))

    if ground.keep is None:
        return search()
    known = digest((problem, ground.data, counts, vector, layout.basis, layout.precisions), shrinkage, steps, TOLERANCE)
    kept = ground.keep(known, lambda: {name: getattr(found, name) for found in [search()] for name in
                                       ("vector", "history", "steps", "converged")})
    return Found(kept["vector"], see(layout.point(kept["vector"])), kept["history"], int(kept["steps"]),
                 bool(kept["converged"]))


def continues(rung, below):
    """Return whether a rung goes on with the populations of the one below: else its model enters with it."""
    return below is not None and rung.model in ("", model_name(below.networks[0]))


def _see(problem, point):
    return sensors_see_compiled(point, problem)


def abscissa(problem, point):
    """Return the stability figure of all populations at a point, 1/s.

    Diffusive coupling through weights of one sign damps: no root lies right of the least damped oscillator's.
    """
    found = []
    for k in range(len(problem.networks)):
        network, x = network_at(point, problem, k)
        columns = model_name(network) != "Hopf"
        found.append(float(leading_root(network, x) if columns else jnp.max(network.value("a"))))
    return max(found)


def _rests(problem, point):
    """Return whether a point has a state of rest; oscillators always do, see `abscissa`.

    The leading root is tracked from the least damped poles; strong coupling can lift others, which are counted.
    """
    for k, network in enumerate(problem.networks):
        if model_name(network) != "Hopf" and problem.coupled:
            there, x = network_at(point, problem, k)
            if float(leading_root(there, x)) > -SLOWEST or unstable_roots(there, x):
                return False
    return True


def begun(ground, rung, below, starts):
    """Return problems to search from, and the last coordinates of each: coherence and sensors.

    The same problem where the rung below had the same populations, since coordinates count from its origin. A model
    that enters begins at the peaks of the data, or at that of the rung below; columns at several potentials.
    """
    if continues(rung, below):
        grows = rung.fast and len(below.problem.networks) < len(SCALES)
        return [(_with_fast(ground, below.problem) if grows else below.problem, np.zeros(0))]
    freqs, mean, tail = ground.target.freqs, ground.psd.mean(1), np.zeros(0)
    if below is None:
        leadfield, peaks = _with_noise(ground), [alpha_peak(freqs, mean), alpha_peak(freqs, mean, BETA)]
        peaks = [peak for peak in peaks if np.isfinite(peak)] or [PEAK]
    else:
        leadfield, peaks = below.problem.leadfield, [float(np.mean(below.networks[0].value("f")))]
        tail = np.concatenate([part.ravel() for part in below.layout.split(below.vector)[-3:]])
    out = []
    for k in range(max(starts, 1)):
        peak = peaks[k % len(peaks)]
        made = population(ground.brain, rung.model, frequency=peak, width=WIDTHS["slow"],
                          point=POINTS[k % len(POINTS)], coupled=ground.coupled)
        problem = _damped(problem_of(ground, [made], leadfield))
        ratio = _power_near(ground.target.freqs, ground.psd, peak) / _alone(problem, ground.target.freqs, peak)
        leadfield_there = dataclasses.replace(problem.leadfield, scale=problem.leadfield.scale * np.sqrt(ratio))
        out.append((dataclasses.replace(problem, leadfield=leadfield_there), tail))
    return out


def _damped(problem):
    """Return a problem whose coupling is weak enough for a state of rest where it begins."""
    for _ in range(12):
        if _rests(problem, _nowhere(problem)):
            break
        problem = dataclasses.replace(problem, coupling=problem.coupling / 2)
    return problem


def _nowhere(problem):
    """Return the point where a problem begins."""
    return Point(regions=tuple(jnp.zeros_like(origin) for origin in problem.origin),
                 coupling=jnp.zeros_like(problem.coupling), coherence=jnp.zeros(()),
                 sensors=jnp.zeros_like(problem.sensor_origin))


def _alone(problem, freqs, frequency):
    """Return the mean power of sources near a frequency where a problem begins."""
    return _power_near(freqs, np.asarray(_see(problem, _nowhere(problem)).sources), frequency)


def _power_near(freqs, psd, frequency):
    at = int(np.argmin(np.abs(freqs - frequency)))
    return float(np.exp(np.log(psd[max(at - 1, 0):at + 2]).mean()))


def _with_noise(ground):
    """Return the lead field with the sensors' noise as the ends of the band suggest."""
    freqs, power, s = ground.target.freqs, np.median(ground.psd, axis=1), ground.leadfield.s
    high = power[freqs >= freqs[0] + 0.8 * (freqs[-1] - freqs[0])].min()
    low = power[:2].mean()
    return dataclasses.replace(ground.leadfield, floor=np.full(s, 0.5 * high), sensitivity=np.ones(s),
                               aperiodic=np.full(s, 0.3 * max(low - high, high) * freqs[0] / 10.0))


def _with_fast(ground, problem):
    """Return a problem with one more population in every region, with some of the power where it resonates."""
    freqs = ground.target.freqs
    frequency = float(np.clip(FAST_AT, freqs[0], freqs[-1]))
    apart = dataclasses.replace(ground, coupled=False)
    network, values = population(ground.brain, "Hopf", frequency=frequency, width=WIDTHS["fast"],
                                 coupled=ground.coupled)
    wanted = FAST_SHARE * _power_near(freqs, ground.psd, frequency)
    values[0] *= np.sqrt(wanted / _alone(problem_of(apart, [(network, values)], problem.leadfield), freqs, frequency))
    fast = problem_of(ground, [(network, values)], problem.leadfield)
    return dataclasses.replace(problem, networks=problem.networks + fast.networks, bounds=problem.bounds + fast.bounds,
                               origin=problem.origin + fast.origin, spread=problem.spread + fast.spread,
                               coupling=jnp.concatenate([problem.coupling, fast.coupling]))
