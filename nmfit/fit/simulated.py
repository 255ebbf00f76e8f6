"""Fit through the simulation, where no closed form holds: limit cycles, phases, FCD."""

import dataclasses
import time
from typing import ClassVar

import jax
import numpy as np

from ..compare.loss import FC, MeanFC, Wanted
from ..compare.scan_scores import score_scans
from ..dynamics.plan import Plan
from ..dynamics.simulate import keys_of
from ..errors import InputError
from ..models import MODELS
from ..network import Connectome, Network
from ..observe import Direct
from ..shown import Shown
from .fc import START_INPUT, instrument_of
from .refine import JUDGES, refined, terms_of
from .simulated_answer import result_of
from .simulated_descent import frugal, minimised, simulated_value, told
from .simulated_errors import determined_by_scans
from .simulated_objective import SimulatedProblem, at_point, scored_scans
from .simulated_target import check, scans_of
from .skeleton import begun_locked
from .slopes import Health, told_slopes
from .space import freed, is_free, origin_theta, place, values_of
from .space import observed as instrument_at
from .stochastic import Outcome
from .twin_choice import best_twin

MEMORY = 2e9
PAIRED, MEASURING = 4, 8    # scans, at least, from which a twin is chosen, and from which slopes are measured
_scored = at_point(scored_scans)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SimulatedFit(Shown):
    """A fit through simulation, scored on noise it never saw.

    Attributes
    ----------
    network, observation : at the optimum
    parameters : dict of name to value, one number or one per region
    outcome : Outcome
    health : Health of the gradient at the start
    loss, start_loss, history : under the fit's noise
    fresh_loss : of the fresh scans together against the fit part: as far as it lies above `loss`, chance was fitted
    scores : dict of name to (mean, standard error) over fresh simulated scans, held against the score part, or against
        the fit part where there is none (``held_out`` says which)
    held_out : bool
    fc : ``[n, n]``, group FC of the fresh scans
    memory : bytes that the gradient was estimated to take
    seconds : of the whole fit
    twin : "rest", "closure" or "none": what took chance out of FC in the fit
    chance_left : of the standard deviation of FC over seeds at the start, 1 without a twin
    blocks : what was free
    scans : how many fresh ones were scored
    fcd : pooled FCD of the fresh scans, or None
    result : Result, with `save` and `report`
    known : Determined, what standard errors come from, or None
    refinement : Refinement, what a search without slopes brought, or None
    begun : Begun, what a phase model's locked phases brought before the descent, or None
    """

    shown_as: ClassVar = "simulated_fit"

    network: object
    observation: object
    parameters: dict
    outcome: Outcome
    health: Health
    loss: float
    start_loss: float
    history: np.ndarray
    scores: dict
    held_out: bool
    fc: np.ndarray
    memory: float
    seconds: float
    twin: str = "none"
    chance_left: float = 1.0
    blocks: tuple = ()
    scans: int = 0
    fcd: np.ndarray | None = None
    result: object = None
    known: object = None
    refinement: object = None
    begun: object = None
    fresh_loss: float = float("nan")

    def save(self, folder, overwrite=False):
        """Write the folder of the result: see `Result.save`."""
        self.result.save(folder, overwrite)

    def report(self, path):
        """Write one HTML page: see `Result.report`."""
        self.result.report(path)

    def summary(self):
        """Return the outcome in lines."""
        against = "held-out scans" if self.held_out else "the scans it was fitted to"
        lines = [f"loss {self.start_loss:.4f} -> {self.loss:.4f}"
                 + (f", {self.fresh_loss:.4f} under fresh noise" if np.isfinite(self.fresh_loss) else "")
                 + f": {self.outcome.value}",
                 "tempo and frequency by search, the rest in closed form" if self.health.estimator == "search" else
                 f"slopes: {told_slopes(self.health)}; about {self.memory / 2**20:.0f} MiB", *self._told_twin(),
                 *(str(part) for part in (self.begun, self.refinement) if part is not None),
                 f"fresh noise, against {against}:"]
        lines += [f"  {name:<12} {mean:.3f} ± {error:.3f}" for name, (mean, error) in self.scores.items()]
        lines += [f"  {name:<12} {np.mean(v):.4g}" + (f" (sd over regions {np.std(v):.2g})" if np.ndim(v) else "")
                  for name, v in self.parameters.items()]
        return "\n".join(lines)

    def _told_twin(self):
        if self.twin == "none":
            return []
        kind = "at rest" if self.twin == "rest" else "statistical"
        return [f"linear twin ({kind}): leaves {self.chance_left:.2g} of FC's deviation over seeds"]

    def __repr__(self):
        return f"<SimulatedFit {self.summary()}>"


def fit_simulated(target, brain, *, model="Kuramoto", loss=None, free=None, observe=None, control="auto", maps=None,
                  observed=None, coupling=None, sc_transform="none", sc_norm="max", seeds=4, score_seeds=20, steps=60,
                  rate=0.1, seconds=None, dt=None, warmup=None, memory=MEMORY, shrinkage=0.0, seed=0, progress=None,
                  command=None, beside=None, evaluations=200):
    """Fit a model through its simulation, with common random numbers, and score it on fresh ones.

    Parameters
    ----------
    target : ScanTarget or FcTarget
        See `scan_target`; the fit part of an `FcTarget` is its first fold's pool.
    brain : Connectome, array ``[n, n]`` or Network
    model : str, Model or Network
        A network is taken as it stands, its unseen regions act and are not compared; a phase model by name turns at
        the middle of the band.
    loss : Loss, optional
        ``FC() + 5 * MeanFC()`` unless given.
    free : dict, optional
        Name to "shared", "maps" or "region". The coupling, the noise and, for each region that is seen, what its model
        frees first unless given. Haemodynamics are free under names such as ``bold.kappa``. Where ``speed`` is free,
        the coupling is delayed by the connectome's lengths.
    observe : Observation, optional
    control : "auto", "rest", "closure" or "none"
        Which linear twin corrects FC, linearised at rest or statistically. By itself the one that takes most chance out
        of FC at the start, if it halves the deviation over seeds (`best_twin`); one that is lost on the way is let go.
    maps : array ``[m, n]``, optional
    observed : sequence of str or int, optional
        Regions of the connectome that the target is about; the others act unseen.
    coupling : {"additive", "diffusive"}, optional
        What the model's own paper uses, unless given.
    seeds, score_seeds : int
        Simulated scans at once in the fit; fresh ones for the score.
    steps : int
    rate : float
        Of Adam, in units of each parameter's own size.
    seconds : float, optional
        Of a simulated scan in the fit; that of the empirical ones unless given, and always where FCD is fitted.
    dt, warmup : float, optional
    memory : float
        Bytes that the gradient may take.
    shrinkage : float
        Of regions towards their common level.
    seed : int
    progress : Progress, optional
    command : str, optional
        For the record.
    beside : str, callable, or sequence of them, optional
        Terms without slopes, searched for beside the loss from where the descent ended (CMA-ES, extra ``[refine]``),
        and kept if fresh noise agrees: see `terms_of`. For tens of free numbers at most.
    evaluations : int
        Simulations that this search may take.

    Returns
    -------
    SimulatedFit

    Raises
    ------
    InputError
        For sizes, names and losses that do not fit.
    """
    began = time.monotonic()
    target = scans_of(target)
    loss = FC() + 5 * MeanFC() if loss is None else loss
    check(target, loss, control)
    network, brain = _network(target, brain, model, sc_transform, sc_norm, observed=observed, coupling=coupling,
                              delays="speed" in (free or {}))
    observe = observe or _instrument([network.groups[name] for name in network.viewed])
    free = free or _usual(network)
    maps = np.zeros((0, network.n)) if maps is None else np.atleast_2d(np.asarray(maps, float))
    with jax.enable_x64(True):
        blocks = tuple(freed(network, observe, name, sharing, maps) for name, sharing in free.items())
        # The past that is kept suits every speed that the search may come to.
        speed = network.declared()["speed"].bounds if "speed" in free else None
        plan = Plan.of(network, observe, seconds or target.volumes * target.tr, sample=target.tr, dt=dt, warmup=warmup,
                       speed=speed)
        terms = terms_of(beside, target, (seeds, plan.samples, target.n))
        problem = _problem(target, network, observe, blocks, loss, plan, _keys(seed, "fit", seeds), control, shrinkage)
        left = 1.0 if control == "none" else np.nan
        if control == "auto":
            control, left = ("none", 1.0) if "fc" not in loss.needs else best_twin(
                problem.network, observe, plan, _keys(seed, "twin", max(seeds, PAIRED)), target.tr, target.band)
            problem = dataclasses.replace(problem, control=control)
        theta = {name: np.asarray(v, float) for name, v in origin_theta(blocks).items()}
        problem, need = frugal(problem, theta, memory)
        if progress is not None:
            progress.note(f"{seeds} scans of {plan.samples * plan.sample:g} s, {plan.steps} steps each; a gradient "
                          f"takes about {need / 2**20:.0f} MiB"
                          + (f", more than the {memory / 2**20:.0f} MiB allowed" if need > memory else ""))
            progress.start("simulated")
        theta, begun = begun_locked(problem, theta, simulated_value)
        found, health, problem = minimised(problem, theta, steps=steps, rate=rate, progress=progress,
                                           keys=_keys(seed, "slopes", max(seeds, MEASURING)))
        refinement = None
        if terms:
            found, refinement = refined(
                found, problem, terms, evaluations=evaluations, seed=seed, report=told(progress, evaluations),
                judges=[_keys(seed, f"refine {judge}", seeds) for judge in range(JUDGES)])
        best, instrument = place(network, blocks, found.theta), instrument_at(observe, blocks, found.theta)
        fresh = dataclasses.replace(problem, keys=_keys(seed, "score", score_seeds), plan=Plan.of(
            network, observe, target.volumes * target.tr, sample=target.tr, dt=plan.dt, warmup=warmup,
            speed=speed))
        signals, covariances, fresh_loss = (None if v is None else np.asarray(v, float)
                                            for v in _scored(found.theta, fresh))
        values = values_of(best, instrument, [block.name for block in blocks if is_free(block)])
        known, left = None, float(left) if problem.control == control else 1.0
        if np.isfinite(found.loss) and np.isfinite(signals).all():
            known = determined_by_scans(found.theta, problem, signals, target, 1.0 if np.isnan(left) else left)
    scores, fc, fcd = score_scans(signals, target, covariances)
    start_loss = begun.before if begun is not None and begun.kept else found.start_loss
    fit = SimulatedFit(
        network=best, observation=instrument, parameters=values, outcome=found.outcome, health=health, loss=found.loss,
        start_loss=start_loss, history=found.history, scores=scores, held_out=target.score is not None, fc=fc,
        memory=need, seconds=time.monotonic() - began, blocks=blocks, scans=score_seeds, fcd=fcd,
        twin=problem.control, chance_left=left, known=known, refinement=refinement,
        begun=begun, fresh_loss=float(fresh_loss))
    options = {"seeds": seeds, "score_seeds": score_seeds, "steps": steps, "rate": rate, "seconds": plan.samples
               * plan.sample, "dt": plan.dt, "control": control, "shrinkage": shrinkage, "free": dict(free),
               "sc_transform": sc_transform, "sc_norm": sc_norm, "memory": memory, "coupling": coupling,
               "observed": None if network.seen is None else [network.labels[i] for i in network.seen]}
    return dataclasses.replace(fit, result=result_of(fit, target, brain, sharing=free, loss=loss, seed=seed,
                                                     options=options, command=command))


def _network(target, brain, model, transform, norm, **options):
    model = brain if isinstance(brain, Network) else model
    if isinstance(model, Network):
        network, brain = model, Connectome(np.asarray(model.weights), symmetric=model.symmetric,
                                           labels=tuple(map(str, model.labels)))
    else:
        brain = brain if isinstance(brain, Connectome) else Connectome(brain)
        brain = brain.normalised(transform, norm)
        if isinstance(model, str):
            if model not in MODELS:
                raise InputError("model", f"found {model!r}", f"Choose one of {', '.join(MODELS)}.")
            middle = 0.05 if target.band is None else 0.5 * sum(target.band)
            model = MODELS[model](f=middle, sigma=0.1) if model == "Kuramoto" else MODELS[model]()
        network = Network.of(brain, model, G=START_INPUT / brain.weights.sum(1).mean(), fic=hasattr(model, "balanced"),
                             **options)
    brain = brain if network.seen is None else brain.select(np.array(network.seen))
    if network.n_seen != target.n:
        raise InputError("connectome", f"{network.n_seen} regions where the FC has {target.n}",
                         "Give a connectome of the same parcellation.")
    return network, brain


def _instrument(viewed):
    """Return what sees a network: BOLD's haemodynamics, unless all that is seen turns in its band or is a phase."""
    kinds = [Direct() if "theta" in model.states else instrument_of(model) for model in viewed]
    return next((kind for kind in kinds if not isinstance(kind, Direct)), kinds[0])


def _usual(network):
    free = {"G": "shared"}
    for group, model in network.groups.items():
        prefix = "" if len(network.groups) == 1 else f"{group}."
        each = "region" if group in network.viewed else "shared"
        free |= {f"{prefix}sigma": "shared"} | {prefix + name: each for name in model.fit_first[:1]}
    return free


def _problem(target, network, observe, blocks, loss, plan, keys, control, shrinkage):
    starts, length = ((), 0) if "fcd" not in loss.needs else target.windows()
    data, n = target.fit, target.n
    wanted = Wanted(fc=np.asarray(data.fc, float), pairs=np.triu(np.ones((n, n)), 1), fcd=data.fcd, order=data.order,
                    samples=data.samples)
    network = jax.tree.map(lambda leaf: np.asarray(leaf, float), network)
    return SimulatedProblem(network=network, observation=observe, blocks=blocks, loss=loss, wanted=wanted, keys=keys,
                            shrinkage=np.asarray(float(shrinkage)), plan=plan, tr=target.tr, band=target.band,
                            windows=tuple(int(s) for s in starts), length=int(length), control=control)


def _keys(seed, purpose, count):
    return keys_of(seed, f"simulated fit: {purpose}", count)
