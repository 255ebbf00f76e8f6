"""One connectome and one part of the data: where a rung is fitted."""

import dataclasses
import hashlib
import zlib
from importlib.metadata import version
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..dynamics import form_of
from ..dynamics.alone import ALONE
from ..network import SharedDrive
from .minimise import STATUSES, Status, minimise
from .objective import NODES, FcProblem, fc_objective_along, predicted_fc
from .rungs import blocks_of
from .space import as_theta, as_vector, at_bound, free_count, origin_theta, place

START_SPREAD = 0.7
TOLERANCE = 1e-5
UNIFORM_DRIVE = 0.5
NO_DRIVE = 1e-6                   # a rung without a drive has a vanishing one, so that all rungs compile once
STEPS = {"shared": 100, "maps": 200, "region": 1600, "edges": 900}
SLOW_STEPS = {"shared": 60, "maps": 100, "region": 150, "edges": 150}     # where a step costs a solve per frequency
SLOW_STARTS = 2
AGREE = 0.01                     # losses this close count as the same optimum
# After so many steps so few starts go on: the order seldom changes from there. Elsewhere there are few.
RACE = {"maps": ((20, 2), (80, 1)), "region": ((40, 1),)}

predict = jax.jit(predicted_fc, static_argnames="nodes", compiler_options=ALONE)


@dataclasses.dataclass(frozen=True, eq=False)
class Ground:
    """What a climb stands on.

    Attributes
    ----------
    network : Network at the model's defaults on the (normalised, possibly surrogate) connectome
    observation : Observation
    maps : array ``[m, n]``
    fc, pairs : arrays ``[n, n]``, the FC to fit and the pairs that take part
    band : (low, high) in Hz or None
    slowest : slowest damping rate that the recordings can show, 1/s
    nodes : quadrature nodes where the band integral has no closed form
    loss, nuisance, envelope, offset : see `FcProblem`
    fastest : fastest damping rate that is searched, 1/s, where it is not the model's own bound
    keep : function ``(key, compute) -> arrays`` that remembers finished searches, or None
    other : function from a model's name to the ground where that model stands in this one's place
    optimiser : optax transformation, or None for L-BFGS
    """

    network: object
    observation: object
    maps: np.ndarray
    fc: np.ndarray
    pairs: np.ndarray
    band: tuple | None
    slowest: float
    nodes: int = NODES
    loss: object = None
    nuisance: np.ndarray | None = None
    keep: object = None
    other: object = None
    optimiser: object = None
    envelope: object = None
    fastest: float | None = None
    offset: np.ndarray | None = None

    @property
    def level_known(self):
        """Whether the data tell the level of the model's own rates: see `blocks_of`."""
        return self.band is not None or all(m.rotation is None for m in self.network.groups.values())

    def under(self, model):
        """Return the ground for a model's name: this one, unless another model stands on it."""
        own = {type(m).__name__ for m in self.network.groups.values()}
        return self if self.other is None or model in own else self.other(model)


@dataclasses.dataclass(frozen=True, eq=False)
class Fitted:
    """A rung fitted on a ground.

    Attributes
    ----------
    rung : Rung
    network : Network at the optimum
    fc : array ``[n, n]``, its prediction
    loss, start_loss : floats
    steps, starts, free, agreeing : counts; how many starts were within `AGREE` of the best loss when last looked at
    status : Status
    abscissa : stability figure, 1/s
    history : array, best loss after each step
    blocks, theta : the freedom and where in it the optimum lies
    shrinkage : float
    """

    rung: object
    network: object
    fc: np.ndarray
    loss: float
    start_loss: float
    steps: int
    starts: int
    free: int
    agreeing: int
    status: object
    abscissa: float
    history: np.ndarray
    blocks: tuple
    theta: dict
    shrinkage: float


def fit_rung(ground, rung, below=None, *, shrinkage=0.0, starts=1, seed=0, steps=None):
    """Fit a rung from where the rung below ended.

    The first start of each kind is the rung below itself, so that nothing is lost; the others are spread around
    it by a design that the seed and the rung's name fix.

    Parameters
    ----------
    ground : Ground
    rung : Rung
    below : Fitted, optional
    shrinkage : float
    starts : int
    seed : int
    steps : int, optional
        Step limit of every start.
    """
    ground = ground.under(rung.model)
    fast = form_of(ground.network, ground.observation) == "symmetric" and ground.envelope is None
    limits, starts = (STEPS, starts) if fast else (SLOW_STEPS, min(starts, SLOW_STARTS))
    if below is not None and below.rung.model != rung.model:
        # A richer model begins where it predicts what the simpler one does, not by chance.
        below = fit_rung(dataclasses.replace(ground, fc=below.fc), rung, shrinkage=shrinkage, starts=starts, seed=seed,
                         steps=steps)
    steps = limits[rung.level] if steps is None else steps
    problems = []
    for network in _places(ground, rung, below):
        blocks = blocks_of(network, rung, jnp.asarray(ground.maps), ground.level_known, ground.slowest,
                           ground.fastest)
        problems.append(problem_of(ground, network, blocks, shrinkage))

    def search():
        return _search(problems, rung, starts, seed, steps, ground.optimiser)

    known = (rung, starts, seed, steps, TOLERANCE)
    found = search() if ground.keep is None else ground.keep(digest(problems, *known), search)
    problem = problems[int(found["place"])]
    theta = {b.name: jnp.asarray(found[f"theta.{b.name}"]) for b in problem.blocks}
    return Fitted(
        rung=rung, network=place(problem.network, problem.blocks, theta), fc=np.asarray(found["fc"]),
        loss=float(found["loss"]), start_loss=float(found["start_loss"]), steps=int(found["steps"]),
        starts=int(found["starts"]), free=free_count(problem.blocks), agreeing=int(found["agreeing"]),
        status=ended(STATUSES[int(found["status"])], problem.blocks, theta),
        abscissa=float(found["abscissa"]), history=np.asarray(found["history"]), blocks=problem.blocks, theta=theta,
        shrinkage=shrinkage)


class _Runner(NamedTuple):
    """One start of a search, as far as it went."""

    where: int                # which problem
    found: object             # Minimum of its last lap
    steps: int
    history: np.ndarray

    @property
    def loss(self):
        return float(self.found.loss) if np.isfinite(self.found.loss) else np.inf


def _further(problems, where, theta, until, optimiser, runner=None):
    """Go on with a start until it has made so many steps or has come to its end."""
    made = 0 if runner is None else runner.steps
    if runner is not None and (made >= until or STATUSES[int(runner.found.status)] is not Status.STEP_LIMIT):
        return runner
    found = minimise(fc_objective_along, theta, problems[where], until - made, TOLERANCE, optimiser=optimiser)
    history = np.asarray(found.history)[:int(found.steps) + 1]
    return _Runner(where, found, made + int(found.steps),
                   history if runner is None else np.append(runner.history, history[1:]))


def _search(problems, rung, starts, seed, steps, optimiser=None):
    """Minimise from every start of every problem; return the best as arrays, all that a `Fitted` cannot rebuild.

    Starts race: after some steps the best go on, in the end the leader alone (successive halving).
    """
    laps = [(min(at, steps), most) for at, most in RACE.get(rung.level, ())] + [(steps, 1)]
    running = [_further(problems, where, as_vector(problem.blocks, theta), laps[0][0], optimiser)
               for where, problem in enumerate(problems) for theta in _starts(problem.blocks, starts, seed, rung)]
    start_loss, count, made, agreeing = running[0].found.start_loss, len(running), 0, 0
    for until, most in laps:
        running = sorted((_further(problems, r.where, r.found.theta, until, optimiser, r) for r in running),
                         key=lambda r: r.loss)
        left = running[most:]
        agreeing += sum(r.loss < running[0].loss + AGREE for r in left)
        made += sum(r.steps for r in left)
        running = running[:most]
    best = running[0]
    theta = as_theta(problems[best.where].blocks, best.found.theta)
    fc, abscissa, _ = predict(theta, problems[best.where])
    fc = np.asarray(fc)
    return {"place": best.where, "fc": np.where(np.isfinite(fc), fc, np.eye(len(fc))), "loss": best.found.loss,
            "start_loss": start_loss, "steps": made + best.steps, "starts": count, "agreeing": agreeing + 1,
            "status": best.found.status, "abscissa": abscissa, "history": best.history,
            **{f"theta.{name}": value for name, value in theta.items()}}


def digest(tree, *known):
    """Return a name for a computation that its arrays, what else is known, and the versions of what computes it fix."""
    leaves, structure = jax.tree.flatten(tree)
    known = (structure, *known, *(version(n) for n in ("nmfit", "jax", "optax", "numpy")))
    name = hashlib.sha256(repr(known).encode())
    for leaf in leaves:
        leaf = np.ascontiguousarray(leaf)
        name.update(f"{leaf.dtype}{leaf.shape}".encode() + leaf.tobytes())
    return name.hexdigest()


def ended(status, blocks, theta):
    """Return why a search ended, once it is known which parameters ran into their bounds."""
    return Status.AT_BOUND if status is Status.CONVERGED and at_bound(blocks, theta) else status


def problem_of(ground, network, blocks, shrinkage):
    """Return the problem of fitting some blocks of a network on a ground."""
    # Strong float64 leaves: Python numbers are weakly typed, and would compile a second time.
    network = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype=float), network)
    return FcProblem(network=network, observation=ground.observation, blocks=blocks, target=jnp.asarray(ground.fc),
                     pairs=jnp.asarray(ground.pairs), shrinkage=jnp.asarray(float(shrinkage)), band=ground.band,
                     nodes=ground.nodes, loss=ground.loss,
                     nuisance=None if ground.nuisance is None else jnp.asarray(ground.nuisance),
                     envelope=ground.envelope, offset=None if ground.offset is None else jnp.asarray(ground.offset))


def _places(ground, rung, below):
    """Yield the networks from which to search: the rung below, and where nothing is bent yet.

    Regional optima are many, and a rung below that went astray (a drive that vanished, a map that drives regions to
    their bounds) leads to bad ones: wrong connectomes, which fit worse from the start, suffer most from that.
    """
    if below is not None:
        yield below.network if rung.drive and below.rung.drive else with_drive(below.network, 0.0)
    if rung.level == "edges" and (below is None or below.rung.drive or not rung.drive):
        return
    if rung.drive:
        yield with_drive(ground.network if rung.level == "region" or below is None else below.network, UNIFORM_DRIVE)
    elif below is None or rung.level == "region":
        yield with_drive(ground.network, 0.0)


def with_drive(network, gain):
    """Return the network with a shared drive of this gain, a number or ``[n]``."""
    return dataclasses.replace(network, drive=SharedDrive(gain=np.broadcast_to(np.asarray(gain, float), (network.n,))))


def _starts(blocks, count, seed, rung):
    first = origin_theta(blocks)
    key = jax.random.fold_in(jax.random.key(seed), zlib.crc32(rung.name.encode()))
    yield first
    for k in range(1, count):
        keys = jax.random.split(jax.random.fold_in(key, k), len(blocks))
        yield {b.name: jnp.where(b.penalty == 0, START_SPREAD, 0.0) * jax.random.normal(one, jnp.shape(first[b.name]))
               for b, one in zip(blocks, keys, strict=True)}
