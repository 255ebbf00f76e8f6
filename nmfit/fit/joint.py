"""FC and its dynamics together: FC in closed form, then the few numbers that FC does not know, on FCD by simulation.

FC over the whole band fixes ratios of rates alone. All rates may run faster or slower together (`at_tempo`), and
regions may turn at any common frequency, and FC stays: these two numbers decide how fast FC moves, and are searched for
under common random numbers. What is scored are fresh scans of the full non-linear model.
"""

import dataclasses
import time

import jax
import numpy as np

from ..compare.loss import FC, FCMSE
from ..compare.scan_scores import score_scans
from ..compare.scans import ScanTarget
from ..compare.target import fc_target
from ..dynamics.plan import Plan
from ..dynamics.steps import rates
from ..errors import InputError
from .confirm import _runs
from .evidence import climb_path
from .fc import plan_of
from .rungs import LEVELS, Rung
from .simulated import SimulatedFit, _keys
from .simulated_answer import result_of
from .slopes import Health
from .space import is_free
from .stochastic import Outcome
from .threads import one_core_each
from .under_noise import acting, largest_noise

SLOWEST = 0.4                                      # 1/s, of a damping where FC is fitted: room for both tempos
TEMPOS = 2.0 ** np.arange(-2.0, 2.5)
FREQUENCIES = (0.005, 0.01, 0.02, 0.03)              # Hz
REFINED = 3                                        # halvings of the step in log tempo around the best
SHRINKAGE = 1e-4
SPREAD = 20.0                                      # r does not see how far FC varies over pairs; FCD does
STEP = 0.45                                        # of the fastest rate's time constant


def at_tempo(network, factor):
    """Return a network all of whose rates are ``factor`` times as fast: the same FC over the whole band.

    Growth and coupling are multiplied, and the noise by the root, so that variances stay; frequencies are left.
    """
    damping = next(iter(next(iter(network.groups.values())).damped))
    return network.replace({damping: network.value(damping) * factor, "G": network.value("G") * factor,
                            "sigma": network.value("sigma") * factor**0.5})


def tempos_of(network):
    """Return the tempos at which every parameter stays inside its bounds."""
    def inside(factor):
        moved, declared = at_tempo(network, factor), network.declared()
        return all(declared[name].bounds[0] <= np.min(moved.value(name)) and
                   np.max(moved.value(name)) <= declared[name].bounds[1]
                   for name in ("G", "sigma", next(iter(next(iter(network.groups.values())).damped))))

    return [float(factor) for factor in TEMPOS if inside(factor)]


def fit_joint(target, brain, *, model="Hopf", maps=None, max_rung="region", drive=True, sc_transform="none",
              sc_norm="max", seeds=6, score_seeds=20, starts=2, seed=0, progress=None, command=None):
    """Fit FC in closed form, and tempo and frequency on FCD through the simulation; score on fresh scans.

    Parameters
    ----------
    target : ScanTarget with FCD, over the whole band
    brain : Connectome or array ``[n, n]``
    model : str or Model
        One whose regions are rotating planes: Hopf or StuartLandau.
    maps : array ``[m, n]``, optional
    max_rung : {"shared", "maps", "region", "edges"}
    drive : bool
        Whether a shared drive is part of every rung.
    sc_transform, sc_norm : see `fit_fc`
    seeds, score_seeds : int
        Simulated scans of every candidate; fresh ones for the score.
    starts, seed : int
    progress : Progress, optional
    command : str, optional

    Returns
    -------
    SimulatedFit

    Raises
    ------
    InputError
        For a target without FCD or with a band, and models that do not turn.
    """
    began = time.monotonic()
    if not isinstance(target, ScanTarget) or target.fit.fcd is None or target.band is not None:
        raise InputError("target", "no scans with FCD over the whole band",
                         "Make one with scan_target(..., band=None), or choose engine='simulated'.")
    if max_rung not in LEVELS:
        raise InputError("max_rung", f"found {max_rung!r}", f"Choose one of {', '.join(LEVELS)}.")
    whole = fc_target(target.fit.fc, band=None, tr=target.tr, n_volumes=target.volumes, labels=target.labels)
    plan = plan_of(whole, brain, model=model, maps=maps, transform=sc_transform, norm=sc_norm, seed=seed, starts=starts,
                   loss=FC() + SPREAD * FCMSE())
    if plan.model.rotation is None:
        raise InputError(f"model {type(plan.model).__name__}", "regions that do not turn, whose tempo is their own",
                         "Choose Hopf or StuartLandau, or engine='simulated'.")
    path = [(Rung(level, drive, type(plan.model).__name__), SHRINKAGE if level in ("region", "edges") else 0.0)
            for level in LEVELS[:LEVELS.index(max_rung) + 1]]
    if progress is not None:
        progress.start("closed form")
    with jax.enable_x64(True):
        with one_core_each():
            ground = _fast(plan.ground(dataclasses.replace(whole.folds[0], score=None)))
            fitted = climb_path(ground, path, starts=starts, seed=seed)[-1]
        search = _Search(target, fitted.network, ground.observation, seed, seeds, progress)
        best = search.best()
        network = search.network(*best)
        scores, fc, fcd = score_scans(search.signals(network, _keys(seed, "score", score_seeds)), target)
    blocks = tuple(dataclasses.replace(b, bounds=network.declared()[b.name].bounds) for b in fitted.blocks)
    turn = plan.model.rotation
    values = {b.name: np.asarray(network.value(b.name), float) for b in blocks if is_free(b) and b.name != "edge_gain"}
    history = np.minimum.accumulate(search.losses)
    found = SimulatedFit(
        network=network, observation=ground.observation, parameters=values | {turn: np.asarray(network.value(turn))},
        outcome=Outcome.SEARCHED, health=Health(np.nan, np.nan, np.nan, np.nan, "search"), loss=float(history[-1]),
        start_loss=float(history[0]), history=history, scores=scores, held_out=target.score is not None, fc=fc,
        memory=0.0, seconds=time.monotonic() - began, blocks=blocks, scans=score_seeds, fcd=fcd)
    options = {"tempo": best[0], "frequency": best[1], "seeds": seeds, "score_seeds": score_seeds,
               "steps": len(history), "seconds": target.volumes * target.tr, "dt": search.plan.dt,
               "max_rung": max_rung, "drive": drive, "closed_form_loss": fitted.loss, "sc_transform": sc_transform,
               "sc_norm": sc_norm}
    wired = plan.brain().normalised(plan.transform, plan.norm)
    return dataclasses.replace(found, result=result_of(
        found, target, wired, sharing={"a": max_rung}, seed=seed, options=options, command=command,
        loss="(1 - r) + mean + KS of FCD in tempo and frequency; closed form in the rest"))


def _fast(ground):
    """Return the ground with rates far from either bound of what a region can be."""
    network = ground.network
    damping = next(iter(next(iter(network.groups.values())).damped))
    factor = 1.5 * SLOWEST / float(np.mean(-np.asarray(network.value(damping))))
    return dataclasses.replace(ground, network=at_tempo(network, factor), slowest=SLOWEST)


class _Search:
    """Tempo and frequency under common random numbers."""

    def __init__(self, target, network, observation, seed, seeds, progress):
        self.target = dataclasses.replace(target, score=None)
        self.base, self.observation, self.progress = network, observation, progress
        self.keys, self.losses, self.seen = _keys(seed, "fit", seeds), [], {}
        self.tempos = tempos_of(network)
        fastest = self.network(self.tempos[-1], FREQUENCIES[-1])
        # One step for every candidate, so that all of them compile once.
        self.plan = Plan.of(fastest, observation, target.volumes * target.tr, sample=target.tr, precision="float32",
                            dt=min(target.tr, STEP / max(rates(fastest))), warmup=30.0)

    def network(self, tempo, frequency):
        """Return the network of a candidate, its parameters as they act."""
        moved = at_tempo(self.base, tempo)
        moved = moved.replace({next(iter(moved.groups.values())).rotation: np.asarray(frequency)})
        sigma = largest_noise(moved, self.observation)            # FC and FCD do not know the scale of the noise
        return acting(moved if sigma is None else moved.replace({"sigma": np.asarray(sigma)}), self.observation).network

    def signals(self, network, keys):
        """Return simulated scans ``[s, t, n]``."""
        network = jax.tree.map(lambda leaf: np.asarray(leaf, float), network)
        return np.asarray(_runs(network, self.observation, self.plan, keys), float)

    def loss(self, tempo, frequency):
        """Return ``(1 - r) + mean + KS`` of the candidate's scans together, against the fit part."""
        at = (round(float(np.log2(tempo)), 6), frequency)
        if at not in self.seen:
            signals = self.signals(self.network(tempo, frequency), self.keys)
            self.seen[at] = (score_scans(signals, self.target)[0]["group_total"][0] if np.isfinite(signals).all()
                             else np.inf)
            self.losses.append(self.seen[at])
            if self.progress is not None:
                self.progress.step(len(self.losses), total=0, what=f"tempo {tempo:.3g}, {frequency:g} Hz: "
                                   f"{self.seen[at]:.3f}")
        return self.seen[at]

    def best(self):
        """Return the tempo and the frequency of the least loss: all tempos, all frequencies at the best, then finer."""
        frequency = FREQUENCIES[0]
        tempo = min(self.tempos, key=lambda k: self.loss(k, frequency))
        frequency = min(FREQUENCIES, key=lambda f: self.loss(tempo, f))
        for halving in range(REFINED):
            step = 2.0 ** (0.5 ** (halving + 1))
            near = [k for k in (tempo / step, tempo, tempo * step) if self.tempos[0] <= k <= self.tempos[-1]]
            tempo = min(near, key=lambda k: self.loss(k, frequency))
        frequency = min(FREQUENCIES, key=lambda f: self.loss(tempo, f))
        return tempo, frequency
