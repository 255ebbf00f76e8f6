"""Confirm a closed-form answer by simulating the full non-linear model and measuring it as the data were measured."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from ..compare.connectivity import correlation
from ..compare.empirical import fc_after_regression, fc_score, functional_connectivity, group_fc, upper
from ..dynamics.alone import ALONE
from ..dynamics.exponential import ExactPlan, exact_runs, propagator, steps_exactly
from ..dynamics.plan import Plan
from ..dynamics.simulated import integrate
from ..dynamics.steps import coarse_step
from .twin import controlled_covariance, twin_of
from .under_noise import acting

SEEDS = 20
SWEEP = 10.0 ** np.array([-1.0, -0.5, 0.0, 0.5, 1.0])     # of the model's own noise: two decades
DEFAULT_SECONDS = 600.0
WITHIN = 1.5               # what correlations are, whatever chance adds to them
WORTH = 4.0                # times as long a step has to be to pay for its three dense products

_twin = jax.jit(twin_of, static_argnames=("closure",), compiler_options=ALONE)


@functools.partial(jax.jit, static_argnames=("plan",))
def _runs(network, observation, plan, keys):
    return jax.vmap(lambda key: integrate(network, observation, plan, key).signal)(keys)


@functools.partial(jax.jit, static_argnames=("tr", "band"))
def _without_chance(signals, twins, exact, tr, band):
    covariances = jax.vmap(lambda own, twin: controlled_covariance(own, twin, exact, tr, band))(signals, twins)
    return correlation(covariances.mean(0))


def _step(networks, observation, tr):
    """Return a step for runs beside their twins, in seconds; None where delays or coloured noise settle it."""
    if any(network.lengths is not None or network.colour is not None for network in networks):
        return None
    return min(tr, *(coarse_step(network, observation) for network in networks))


def simulator_of(fitted, acts, observation, seconds, tr, keys):
    """Return a function of a network and its rest; it returns one of a network or its twin, and what sees it: signals.

    Strong edges and fast regions make a network stiff, of which FC sees little: its linear part is then stepped
    exactly, and how fast it bends alone says how long a step may be.
    """
    networks = [act.network for act in acts]
    warmup = min(300.0, 10.0 / max(-fitted.abscissa, 1e-3))
    coarse = _step(networks, observation, tr)
    if coarse is not None and fitted.abscissa < 0 and steps_exactly(fitted.network, observation):
        dt = min(tr, *(coarse_step(network, observation, exact=True) for network in networks))
        if dt >= WORTH * coarse:
            plan = ExactPlan.of(seconds, tr, dt, warmup)

            def about(network, x):
                by = propagator(network, x, plan.dt)
                return lambda one, seen: exact_runs(one, seen, plan, by, x, keys)

            return about
    plan = Plan.of(fitted.network, observation, seconds, sample=tr, precision="float32", dt=coarse, warmup=warmup)
    return lambda *_: lambda one, seen: _runs(one, seen, plan, keys)


class Beside:
    """A network simulated beside its linear twin, which takes chance and the length of the runs out of its FC.

    Parameters
    ----------
    network : Network
        That the closed form answers for.
    ground : Ground
    target : FcTarget
    simulator : what `simulator_of` returns
    """

    def __init__(self, network, ground, target, simulator):
        twin, instrument, closed = _twin(network, ground.observation, closure=False)
        self.simulated = simulator(network, closed.x)
        self.twins = np.asarray(self.simulated(twin, instrument), dtype=float)
        self.exact, _ = closed.covariance(target.band, 2 * ground.nodes)
        self.observation, self.target = ground.observation, target

    def fc(self, network):
        """Return FC without chance, and FC of single runs; None where values are not finite.

        A network that noise bends far from its twin has nothing in common with it: where the twin's correction is far
        beyond what correlations are, the mean of the single runs stands in.
        """
        signals = np.asarray(self.simulated(network, self.observation), dtype=float)
        if not np.isfinite(signals).all():
            return None, None
        tr, band, projector = length_of(self.target)[0], self.target.band, self.target.projector
        fc = np.asarray(_without_chance(signals, self.twins, self.exact, tr, band))
        plain = [functional_connectivity(run, tr, band) for run in signals]
        if not np.abs(fc).max() <= WITHIN:
            fc = group_fc(plain)
        if projector is not None:
            fc, *plain = (fc_after_regression(each, projector) for each in (fc, *plain))
        return fc, plain


def length_of(target):
    """Return the TR and the length of a recording in seconds, as far as a target knows them."""
    tr = target.tr or 2.0
    return tr, (target.volumes or round(DEFAULT_SECONDS / tr)) * tr


def confirm_fc(fitted, ground, empirical, target, seed=0, runs=None, progress=None, factors=SWEEP):
    """Simulate a fitted network for the empirical length and hold its FC against the closed form.

    Twenty seeds, sampled at the TR, through the same band-pass and the same trimming as the data; repeated for noise
    from a tenth to ten times the model's, since FC alone cannot tell its scale while saturation depends on it. What is
    simulated are the parameters that act as the fitted ones under that noise (`acting`). The linear network that was
    fitted, under the same noise, takes chance and the length of the runs out of the answer (`twin_of`), so that what
    is left is what the closed form does not know.

    Parameters
    ----------
    fitted : Fitted
    ground : Ground
    empirical : array ``[n, n]``
        FC of the score part (of everything where there is none).
    target : FcTarget
        Its TR, length and band.
    runs : int, optional
        How many recordings stand behind the empirical FC; as many as the target's units unless given.
    progress : Progress, optional
    factors : array ``[m]``
        Of the model's noise, its own in the middle.

    Returns
    -------
    dict
        ``score``: r of the simulated FC at the model's noise; ``difference`` to the closed form's r;
        ``sampling_error`` of a group of as many runs as were recorded; ``rmse`` over pairs of regions to the closed
        form's FC, and ``sampling_rmse``, that of such a group by chance; ``agrees``: whether the difference and the
        rmse are within two of their errors; ``sigma``: the largest noise of the sweep that agrees, None where none
        does; ``sweep``, whose rows also hold the ``engine``, the ``plain`` score of runs as short as the data, and
        ``untranslated``, the score with the fitted parameters as they are.
    """
    tr, seconds = length_of(target)
    own = float(np.mean(np.asarray(fitted.network.value("sigma"))))
    bounds = fitted.network.declared()["sigma"].bounds
    sigmas = [float(np.clip(own * factor, *bounds)) for factor in factors]
    acts = [acting(fitted.network.replace({"sigma": jnp.asarray(sigma)}), ground.observation) for sigma in sigmas]
    linear = fc_score(fitted.fc, empirical)
    keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), 20), SEEDS)
    simulator = simulator_of(fitted, acts, ground.observation, seconds, tr, keys)
    units = runs or max(1, target.units)

    def row_at(sigma, act):
        network = fitted.network.replace({"sigma": jnp.asarray(sigma)})
        beside = Beside(network, ground, target, simulator)
        row = {"sigma": sigma, "engine": act.engine, "defect": act.defect, "score": None, "difference": None,
               "sampling_error": None, "agrees": False}
        fc, plain = beside.fc(act.network)
        if fc is None or not np.isfinite(fc).all():
            return row
        score = fc_score(fc, empirical)
        error = float(np.std([fc_score(each, empirical) for each in plain], ddof=1) / np.sqrt(units))
        rmse = float(np.sqrt(np.mean((upper(fc) - upper(fitted.fc)) ** 2)))
        blur = float(np.sqrt(np.var([upper(each) for each in plain], axis=0, ddof=1).mean() / units))
        row |= {"score": score, "difference": score - linear, "sampling_error": error, "rmse": rmse,
                "sampling_rmse": blur, "agrees": bool(abs(score - linear) <= 2.0 * error and rmse <= 2.0 * blur),
                "plain": fc_score(group_fc(plain), empirical)}
        if act.moved:
            fc, _ = beside.fc(network)
            row["untranslated"] = None if fc is None else fc_score(fc, empirical)
        return row

    sweep = []
    for sigma, act in zip(sigmas, acts, strict=True):
        sweep.append(row_at(sigma, act))
        if progress is not None:
            progress.step(len(sweep), total=len(factors), what="simulated under weak to strong noise:")
    at = sweep[len(factors) // 2]
    agreeing = [row["sigma"] for row in sweep if row["agrees"]]
    return {**at, "sigma": max(agreeing, default=None), "model_sigma": own, "seeds": SEEDS, "seconds": seconds,
            "sweep": sweep}
