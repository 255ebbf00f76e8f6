"""One connectome and the spectra of its regions: where a rung without a lead field is fitted.

Regions are fitted as if alone, times what the network makes of each of them: the factor ``exact / alone`` is computed
from the whole network, held while all regions move, and computed anew. Where it no longer changes the regions'
spectra are exact; every score is of exact ones.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from ...dynamics import linearise
from ...models import Hopf
from ...network import Network
from ...observe import RegionalSpectra
from ...parameters import declarations
from ..gauss_newton import HELD, Freedom, Settled, settle
from ..ground import digest
from ..space import frame
from ..spectrum.objective import NARROWEST
from .problem import PRIOR, SCALES, SourcesProblem, alone_compiled, misfit, placed

INSTRUMENT = ("cutoff", "order", "aperiodic", "exponent")
POPULATION = ("noise", "a", "f")
FREE = 1e-6                                # precision of what data alone shall tell
ORDER = 1.0                                # of a low-pass of which the band holds the beginning
ALONG_MAPS = 10.0                          # a map moves all regions at once: it counts as so many
COUPLING = 0.05
START_COUPLING = 3.0                       # 1/s
START_WIDTH = {"slow": 15.0, "fast": 40.0, "faster": 40.0}     # 1/s
OUTER, STEPS, TOLERANCE = 3, 80, 1e-3
TILT = 0.02


@dataclasses.dataclass(frozen=True, eq=False)
class Standing:
    """Where a climb stands: coordinates around an origin, and what they make of networks and instrument."""

    networks: tuple
    instrument: object
    origin: np.ndarray
    spread: np.ndarray
    shared: np.ndarray
    own: np.ndarray
    names: tuple


@dataclasses.dataclass(frozen=True, eq=False)
class SourcesGround:
    """What a climb for regional spectra stands on.

    Attributes
    ----------
    brain : Connectome, normalised
    seen : array of int, the regions that have a spectrum, in the data's order
    freqs : array ``[f]``, Hz
    data : array ``[f, s]``, log10 power, free of the bias of a logarithm
    counts : array of bool ``[f, s]``, what takes part
    maps : array ``[m, n]``, z-scored
    coupled : bool
    keep : what remembers finished searches, or None
    """

    brain: object
    seen: np.ndarray
    freqs: np.ndarray
    data: np.ndarray
    counts: np.ndarray
    maps: np.ndarray
    coupled: bool = True
    keep: object = None

    @functools.cached_property
    def unit(self):
        """What a power of 1 is: near the person's largest."""
        return float(10 ** np.quantile(self.data[self.counts], 0.95))

    def at_bins(self):
        """Return the ground of the frequencies that take part alone: others cost time and change nothing."""
        at = self.bins
        return dataclasses.replace(self, freqs=self.freqs[at], data=self.data[at], counts=self.counts[at])

    @property
    def bins(self):
        """The frequencies that take part in any region."""
        return self.counts.any(1)

    def mean(self, values):
        """Return the mean over regions of what takes part, at `bins`."""
        counts = self.counts[self.bins]
        return (values[self.bins] * counts).sum(1) / counts.sum(1)

    def spread_out(self, values):
        """Return ``values [f, s]`` at their regions ``[f, n]``, 0 where nothing is seen."""
        full = np.zeros((len(values), self.brain.n))
        full[:, self.seen] = values
        return full

    def network(self, frequency, width, power):
        """Return a population that resonates at a frequency (Hz), as wide and as strong as told."""
        n, model = self.brain.n, Hopf(a=-width, f=frequency, sigma=1.0)
        coupling = START_COUPLING if self.coupled else 0.0
        network = Network.of(self.brain, model, G=coupling, delays=self.brain.lengths is not None,
                             observed=None if self.seen.size == n else [self.brain.labels[i] for i in self.seen])
        noise = np.clip(width * np.sqrt(power), 0.02, 90.0)
        return network.replace({"noise": np.full(n, noise), "a": np.full(n, -width), "f": np.full(n, frequency)})


def exact(standing, freqs, turned=0.0):
    """Return the power of every time scale ``[m, f, s]`` at the regions seen, the coupling changed by a share."""
    out = []
    for network in standing.networks:
        if turned:
            network = network.replace({"G": network.value("G") * (1 + turned)})
        out.append(np.asarray(linearise(network, standing.instrument).psd(freqs)))
    return np.stack(out)


def alone_powers(standing, ground):
    """Return the same of regions that hear nobody, which costs no network."""
    freqs = jnp.asarray(ground.freqs)
    return np.stack([np.asarray(alone_compiled(network, freqs))[:, ground.seen] for network in standing.networks])


def powers_of(standing, ground):
    """Return the power of every time scale ``[m, f, s]`` at the regions seen, coupled as on the ground."""
    return exact(standing, jnp.asarray(ground.freqs)) if ground.coupled else alone_powers(standing, ground)


def at_regions(instrument, seen):
    """Return the instrument of the regions seen."""
    return dataclasses.replace(instrument, **{name: np.asarray(getattr(instrument, name))[seen]
                                              for name in ("aperiodic", "exponent")})


def predicted(standing, ground, powers):
    """Return log10 power ``[f, s]``."""
    instrument = at_regions(standing.instrument, ground.seen)
    return np.asarray(jnp.log10(instrument.psd(jnp.asarray(powers.sum(0)), jnp.asarray(ground.freqs))))


def begin(ground, cutoff, order, frequency):
    """Return where a climb starts: one population, all regions alike."""
    n = ground.brain.n
    level = float(np.median(10 ** ground.data[ground.counts]) / ground.unit)
    instrument = RegionalSpectra(cutoff=float(cutoff), order=float(order), aperiodic=np.full(n, 0.5 * level),
                                 exponent=np.full(n, 1.0), unit=ground.unit)
    standing = Standing((), instrument, np.zeros((1, n)), np.ones(1), np.zeros((1, 1 + len(ground.maps))),
                        np.zeros((1, n)), ())
    standing = _with_rows(standing, [("", name) for name in INSTRUMENT], ())
    return with_population(standing, ground, frequency, 0.5 * level)


def with_population(standing, ground, frequency, power):
    """Return a standing with one more time scale in every region, all regions alike in it."""
    scale = SCALES[len(standing.networks)]
    network = ground.network(frequency, START_WIDTH[scale], power)
    if standing.networks:
        network = network.replace({"G": standing.networks[0].value("G")})
    networks = (*standing.networks, network)
    return _with_rows(dataclasses.replace(standing, networks=networks), [(scale, name) for name in POPULATION],
                      networks)


def _with_rows(standing, rows, networks):
    """Append coordinates before the last one, the coupling's."""
    names, origin, spread = list(standing.names), list(standing.origin[:-1]), list(standing.spread[:-1])
    for scale, name in rows:
        owner = networks[SCALES.index(scale)] if scale else None
        bounds = owner.declared()[name].bounds if scale else declarations(standing.instrument)[name].bounds
        bounds = (bounds[0], -NARROWEST) if name == "a" else bounds
        value = owner.value(name) if scale else getattr(standing.instrument, name)
        at, size = frame(jnp.broadcast_to(jnp.asarray(value, dtype=float), standing.origin.shape[1:]), bounds)
        names.append((scale, name, bounds))
        origin.append(np.asarray(at))
        spread.append(float(size))
    more = len(rows)

    def longer(array):
        return np.concatenate([array[:-1], np.zeros((more, array.shape[1])), array[-1:]])

    return dataclasses.replace(standing, names=tuple(names), origin=np.stack([*origin, standing.origin[-1]]),
                               spread=np.array([*spread, 1.0]), shared=longer(standing.shared),
                               own=longer(standing.own))


def freedom_of(standing, ground, *, maps, regions, shrinkage):
    """Return what is free; the roll-off and the coupling are shared whatever the rung."""
    q = 1 + len(ground.maps)
    shared, own = np.full((len(standing.names) + 1, q), HELD), np.full(len(standing.names) + 1, HELD)
    for row, (_, name, _) in enumerate(standing.names):
        shared[row, 0] = ORDER if name == "order" else FREE
        if name in PRIOR:
            if maps:
                shared[row, 1:] = ALONG_MAPS * shrinkage * PRIOR[name]
            own[row] = shrinkage * PRIOR[name] if regions else HELD
    shared[-1, 0] = COUPLING if ground.coupled else HELD
    basis = np.concatenate([np.ones((1, ground.brain.n)), ground.maps]).T
    return Freedom(jnp.asarray(basis), jnp.asarray(shared), jnp.asarray(own))


def problem_of(standing, ground, powers, tilt):
    """Return the problem around a standing, the network's factors from its exact powers."""
    factor = np.ones((len(standing.networks), ground.freqs.size, ground.brain.n))
    factor[:, :, ground.seen] = powers / alone_powers(standing, ground)
    counts = ground.spread_out(ground.counts.astype(float))
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype=float), SourcesProblem(
        networks=standing.networks, instrument=standing.instrument, origin=standing.origin, spread=standing.spread,
        factor=factor, tilt=ground.spread_out(tilt), data=ground.spread_out(ground.data), counts=counts,
        freqs=ground.freqs, names=standing.names))


@dataclasses.dataclass(frozen=True, eq=False)
class FittedSources:
    """A rung fitted: where it stands, what it predicts exactly, and how the search went."""

    name: str
    standing: Standing
    log_psd: np.ndarray
    powers: np.ndarray
    loss: float
    history: np.ndarray
    steps: int
    starts: int
    converged: bool
    freedom: Freedom
    problem: SourcesProblem
    shrinkage: float


def settled(ground, problem, freedom, start, steps):
    """Return where a search ends, or where one of the same inputs is remembered to have ended."""
    start = tuple(jnp.asarray(part) for part in start)

    def search():
        return settle(misfit, problem, freedom, start, steps, TOLERANCE)._asdict()

    known = digest((problem, freedom, start), steps, TOLERANCE)
    found = search() if ground.keep is None else ground.keep(known, search)
    return Settled(**{name: jnp.asarray(value) for name, value in found.items()})


def fit_standing(name, standing, ground, freedom, *, outer=OUTER, steps=STEPS, shrinkage=0.0, starts=1):
    """Fit from a standing: regions as if alone, then the network's factors anew, until exact spectra fit no better."""
    coupled = ground.coupled
    at, count, converged = standing, 0, False
    powers = powers_of(at, ground)
    best, best_value, history = None, _penalised(at, ground, powers, freedom), []
    history.append(best_value)
    tilt = np.zeros_like(ground.data)
    if coupled:
        turned = exact(at, jnp.asarray(ground.freqs), TILT)
        tilt = (predicted(at, ground, turned) - predicted(at, ground, powers)) / TILT
    for _ in range(outer if coupled else 1):
        problem = problem_of(at, ground, powers, tilt)
        # The coupling's coordinate counts from where the tilt was taken; the others from their origin.
        start = at.shared.copy()
        start[-1] = 0.0
        found = settled(ground, problem, freedom, (start, at.own), steps)
        count += int(found.steps)
        moved = stand(found, at, problem, coupled)
        reached = powers_of(moved, ground)
        value = _penalised(moved, ground, reached, freedom)
        if not value < history[-1]:
            converged = True
            break
        at, powers, best = moved, reached, problem
        history.append(value)
        converged = bool(found.converged) if not coupled else history[-2] - value < 1e-2 * value
        if converged:
            break
    if best is None:
        best = problem_of(at, ground, powers, np.zeros_like(ground.data))
    return FittedSources(name, at, predicted(at, ground, powers), powers, history[-1], np.array(history), count, starts,
                         converged, freedom, best, shrinkage)


def likely(standings, ground, freedoms):
    """Return the index of the standing that fits best while no region hears another."""
    losses = []
    for standing, freedom in zip(standings, freedoms, strict=True):
        if len(standings) == 1:
            return 0
        problem = problem_of(standing, ground, alone_powers(standing, ground), np.zeros_like(ground.data))
        found = settled(ground, problem, freedom, (standing.shared, standing.own), STEPS)
        losses.append(float(found.loss))
    return int(np.nanargmin(losses))


def extended(fitted, ground):
    """Return a fit with its exact spectra at all frequencies of a ground."""
    powers = powers_of(fitted.standing, ground)
    return dataclasses.replace(fitted, powers=powers, log_psd=predicted(fitted.standing, ground, powers))


def stand(found, before, problem, coupled):
    """Return the standing that a search reached."""
    networks, instrument = jax.tree.map(np.asarray, placed(found.move, problem))
    if coupled:
        G = float(before.networks[0].value("G")) * float(np.exp(np.clip(found.shared[-1, 0], -1.0, 1.0)))
        networks = tuple(network.replace({"G": G}) for network in networks)
    return dataclasses.replace(before, networks=networks, instrument=instrument, shared=np.asarray(found.shared),
                               own=np.asarray(found.own))


def _penalised(standing, ground, powers, freedom):
    squares = ((predicted(standing, ground, powers) - ground.data)[ground.counts] ** 2).sum()
    shared = np.asarray(freedom.shared)[:-1] * standing.shared[:-1] ** 2
    return float(squares + shared.sum() + (np.asarray(freedom.own)[:, None] * standing.own**2).sum())
