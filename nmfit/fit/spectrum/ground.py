"""One network, one lead field and one part of a recording: where a rung for spectra is fitted."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from scipy.interpolate import CubicSpline

from ...compare.loss import Wanted
from ...compare.spectral_losses import log10_bias
from ...compare.welch import rank_basis
from ...dynamics import linearise
from ...dynamics.alone import ALONE
from ...dynamics.stability import unstable_roots
from ...observe.leadfield import PER_SENSOR
from ...parameters import declarations, to_bounded, to_free
from ..ground import ended
from ..minimise import STATUSES, minimise
from ..space import FARTHEST, WIDEST, Block, free_count, origin_theta
from .measures import alpha_peak
from .objective import SpectrumProblem, placed, predicted_psd, spectrum_objective, unstable_cost

TOLERANCE = 2e-5
STEPS = {"shared": 80, "noise": 60, "region": 120, "sensors": 160}
LEVELS = tuple(STEPS)
OWN_STEP = 0.2
SHARED_SENSOR = ("scale", "coherence", "exponent")
ALPHA_NODES, ALPHA_STEP, LOW_NODES, HIGH_NODES = (6.0, 14.1), 0.5, 5, 6     # Hz, Hz, counts

_predict = jax.jit(predicted_psd, compiler_options=ALONE)


@dataclasses.dataclass(frozen=True, eq=False)
class SpectrumGround:
    """What a climb for spectra stands on.

    Attributes
    ----------
    network, leadfield : where the climb starts
    psd : array ``[f, s]``, the power to fit; `dof` its degrees of freedom or None
    target : SpectrumTarget
    node_parameters : names of the model's parameters that regions may have for themselves
    bins : array of bool ``[f]``, the frequencies that take part
    coupled : whether coupling and speed are free; if not they stay where the network has them
    loss : Loss, or None for the mean squared residual of log10 power
    cross : complex array ``[f, s, s]``, the cross-spectrum to fit, or None
    """

    network: object
    leadfield: object
    psd: np.ndarray
    dof: float | None
    target: object
    node_parameters: tuple
    bins: np.ndarray
    coupled: bool = True
    loss: object = None
    cross: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class FittedSpectrum:
    """A rung fitted: the network and lead field it reached, what they predict, and how the search went."""

    level: str
    network: object
    leadfield: object
    psd: np.ndarray
    sources: np.ndarray
    loss: float
    start_loss: float
    steps: int
    starts: int
    free: int
    status: object
    abscissa: float
    history: np.ndarray
    blocks: tuple
    theta: dict
    shrinkage: float
    stable: bool = True

    @property
    def networks(self):
        """Its network alone: one population in every region."""
        return (self.network,)

    @functools.cached_property
    def unstable(self):
        """How many roots lie right of the axis."""
        return unstable_roots(self.network, linearise(self.network, self.leadfield).x)

    @property
    def model(self):
        """Name of the model."""
        return "JansenRit"


def pooled(ground):
    """Return the ground of the fit and choose parts together, weighted by their degrees of freedom."""
    target = ground.target
    if "choose" not in target.psd:
        return ground
    dofs = [target.dof[role] for role in ("fit", "choose")]
    weights = [1.0, 1.0] if None in dofs else dofs

    def mean(of):
        return sum(w * of[role] for w, role in zip(weights, ("fit", "choose"), strict=True)) / sum(weights)

    return dataclasses.replace(ground, psd=mean(target.psd), dof=None if None in dofs else sum(dofs),
                               cross=None if target.cross is None else mean(target.cross))


def model_frequencies(fmin, fmax, finer=1):
    """Return where coupling is computed: close together around alpha, further apart away from it, in Hz.

    What a region does alone is computed everywhere, so that these need to follow only what the others change.
    """
    alpha = np.arange(ALPHA_NODES[0], ALPHA_NODES[1], ALPHA_STEP / finer)
    low, high = alpha[0], max(fmax, 1.1 * alpha[-1])
    below = np.geomspace(min(fmin, 0.9 * low), low, max(2, int(finer * LOW_NODES)))
    above = np.geomspace(alpha[-1], high, max(2, int(finer * HIGH_NODES)))
    every = np.unique(np.concatenate([below, alpha, above]))
    inside = every[(every > fmin) & (every < fmax)]
    return np.concatenate([[fmin], inside, [fmax]])


def interpolation(nodes, fine):
    """Return the matrix of natural cubic interpolation from nodes to finer points, over the logarithm of frequency."""
    return CubicSpline(np.log(nodes), np.eye(nodes.size), bc_type="natural")(np.log(fine))


def problem_of(ground, network, leadfield, blocks, shrinkage, nodes=None):
    """Return the problem of fitting some blocks on a ground."""
    fine = ground.target.nodes
    nodes = model_frequencies(fine[0], fine[-1]) if nodes is None else nodes
    smear = np.eye(fine.size) if ground.target.smear is None else ground.target.smear
    bias = 0.0 if ground.dof is None else float(log10_bias(ground.dof))

    def floats(tree):
        return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype=float), tree)

    return SpectrumProblem(
        network=floats(network), leadfield=floats(leadfield), blocks=blocks,
        data=jnp.asarray(ground.psd), bias=jnp.asarray(bias), counts=jnp.asarray(ground.bins, dtype=float),
        freqs=jnp.asarray(nodes),
        fine=jnp.asarray(fine), finer=jnp.asarray(interpolation(nodes, fine)),
        smear=jnp.asarray(smear), shrinkage=jnp.asarray(float(shrinkage)), loss=ground.loss,
        wanted=None if ground.loss is None else _wanted(ground, bias))


def _wanted(ground, bias):
    """Return the data as a loss of the user's own reads them."""
    whole = {} if ground.cross is None else {"cross": jnp.asarray(ground.cross),
                                             "basis": jnp.asarray(rank_basis(ground.cross[ground.bins]))}
    return Wanted(psd=jnp.asarray(ground.psd), bias=jnp.asarray(bias), counts=jnp.asarray(ground.bins, dtype=float),
                  **whole)


def blocks_of(ground, network, leadfield, level):
    """Return the blocks of a rung around where network and lead field stand.

    Every rung has every block in full shape, columns that are not free are zero: all rungs compile once.
    """
    at = LEVELS.index(level)
    n, s = network.n, leadfield.s
    declared, sensor = network.declared(), declarations(leadfield)
    blocks = [_block(network.value(name), declared[name].bounds, name, 1, True, False)
              for name in ("G", "speed") if name in declared]
    if not ground.coupled:
        # Held by a vanishing spread: the same structure, so that nothing is compiled again.
        blocks = [dataclasses.replace(block, spread=jnp.zeros_like(block.spread)) for block in blocks]
    # A region alone may move a fifth as far in a step: a full step takes one of many across its onset.
    blocks += [_block(network.value(name), declared[name].bounds, name, n, True, OWN_STEP * (at >= 2))
               for name in ground.node_parameters]
    blocks += [_block(network.noise, declared["noise"].bounds, "noise", n, False, at >= 1)]
    blocks += [_block(getattr(leadfield, name), sensor[name].bounds, name, 1, True, False) for name in SHARED_SENSOR
               if name != "coherence" or leadfield.spread is not None]
    # The level of the sensitivities is the scale.
    blocks += [_block(getattr(leadfield, name), sensor[name].bounds, name, s, name != "sensitivity", at >= 3)
               for name in PER_SENSOR]
    return tuple(blocks)


def _block(value, bounds, name, size, level, each):
    value = jnp.asarray(value, dtype=float)
    if size > 1:
        value = jnp.broadcast_to(value, (size,))
    inside = jnp.clip(value, *bounds)
    origin = jnp.clip(to_free(inside, bounds), -FARTHEST, FARTHEST)
    ones = jnp.atleast_1d(origin)
    slope = jnp.abs(jax.vmap(jax.grad(lambda z: to_bounded(z, bounds)))(ones))
    moved = jnp.abs(to_bounded(ones, bounds))
    spread = jnp.minimum(jnp.median(moved / slope), WIDEST)
    columns = [jnp.full((size, 1), float(level)), jnp.eye(size) * float(each)]
    basis = None if size == 1 else jnp.concatenate(columns, axis=1)
    # Shrunken by how far a value moves, however it is reached.
    own = jnp.full(size, float(each) ** 2 if each else 1.0)
    weights = jnp.zeros(1) if size == 1 else jnp.concatenate([jnp.zeros(1), own])
    return Block(origin=origin, spread=spread, basis=basis, penalty=weights, name=name, bounds=bounds,
                 centred=name == "noise")


def fit_spectrum_rung(ground, level, below=None, *, starts=4, shrinkage=0.0, steps=None):
    """Fit a rung from where the rung below ended, or from several starts over drive and peak frequency.

    Parameters
    ----------
    ground : SpectrumGround
    level : str, one of `LEVELS`
    below : FittedSpectrum, optional
    starts : int
    shrinkage : float
    steps : int, optional
    """
    places = [(below.network, below.leadfield)] if below is not None else starting_points(ground, starts)
    found = []
    for network, leadfield in places:
        blocks = blocks_of(ground, network, leadfield, level)
        problem = problem_of(ground, network, leadfield, blocks, shrinkage)
        at = jax.block_until_ready(minimise(spectrum_objective, origin_theta(blocks), problem,
                                            STEPS[level] if steps is None else steps, TOLERANCE))
        found.append((at, problem))
    losses = [float(m.loss) for m, _ in found]
    best, problem = found[int(np.argmin(np.where(np.isfinite(losses), losses, np.inf)))]
    psd, sources, abscissa, _ = _predict(best.theta, problem)
    network, leadfield = placed(best.theta, problem)
    return FittedSpectrum(
        level=level, network=network, leadfield=leadfield, psd=np.asarray(psd), sources=np.asarray(sources),
        loss=float(best.loss), start_loss=float(best.start_loss), steps=int(sum(m.steps for m, _ in found)),
        starts=len(found), free=free_count(problem.blocks),
        status=ended(STATUSES[int(best.status)], problem.blocks, best.theta), abscissa=float(abscissa),
        history=np.asarray(best.history)[:int(best.steps) + 1], blocks=problem.blocks, theta=best.theta,
        shrinkage=shrinkage, stable=bool(abscissa < 0 and best.loss < unstable_cost(ground.loss)))


START_DRIVES = (370.0, 450.0)            # 1/s, near the onset of the cycle and further from it
START_COUPLINGS = (1.0, 0.1)
START_DAMPING = 4.0                      # 1/s: coupling is halved until every start is damped so well
JANSEN_RIT_PEAK = 10.9                   # Hz at the defaults


def starting_points(ground, count):
    """Return networks and lead fields to start from: drives and couplings, time constants set for the data's peak.

    Level and slope of the sensors' noise come from the ends of the band, the scale from the power at the peak.
    """
    freqs, psd = ground.target.freqs, ground.psd
    peak = alpha_peak(freqs, psd.mean(1))
    rate = np.clip(peak / JANSEN_RIT_PEAK, 0.6, 1.6)
    power = np.median(psd, axis=1)
    high = power[freqs >= freqs[0] + 0.8 * (freqs[-1] - freqs[0])].min()
    low = power[:2].mean()
    points = []
    for k in range(count):
        network = ground.network
        # Gains follow the rates, so that the column rests where it did, only slower or faster.
        network = network.replace({
            "p": np.full(network.n, START_DRIVES[k % 2]), "G": network.value("G") * START_COUPLINGS[(k // 2) % 2],
            **{name: rate * network.value(name) for name in ("a", "b", "A", "B")}})
        leadfield = dataclasses.replace(
            ground.leadfield, floor=np.full(ground.leadfield.s, 0.5 * high),
            aperiodic=np.full(ground.leadfield.s, 0.3 * max(low - high, high) * freqs[0] / 10.0))
        for _ in range(12):
            problem = problem_of(ground, network, leadfield, (), 0.0)
            _, sources, abscissa, converged = _predict({}, problem)
            if abscissa < -START_DAMPING and converged:
                break
            network = network.replace({"G": float(network.value("G")) / 2})
        at = np.argmin(np.abs(freqs - peak))
        near = slice(max(at - 1, 0), at + 2)
        ratio = np.exp(np.mean(np.log(psd[near]) - np.log(np.asarray(sources)[near])))
        points.append((network, dataclasses.replace(leadfield, scale=float(leadfield.scale) * np.sqrt(ratio))))
    return points
