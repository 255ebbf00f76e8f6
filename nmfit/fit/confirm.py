"""Confirm a closed-form answer by simulating the full non-linear model and measuring it as the data were measured."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from ..compare.empirical import fc_after_gsr, fc_score, functional_connectivity, group_fc
from ..dynamics.plan import Plan
from ..dynamics.simulated import integrate

SEEDS = 20
SWEEP = 10.0 ** np.array([-1.0, -0.5, 0.0, 0.5, 1.0])     # of the model's own noise: two decades
DEFAULT_SECONDS = 600.0


@functools.partial(jax.jit, static_argnames=("plan",))
def _runs(network, observation, plan, keys):
    return jax.vmap(lambda key: integrate(network, observation, plan, key).signal)(keys)


def confirm_fc(fitted, ground, empirical, target, seed=0, runs=None):
    """Simulate a fitted network for the empirical length and hold its FC against the closed form.

    Twenty seeds, sampled at the TR, through the same band-pass and the same trimming as the data; repeated for noise
    from a tenth to ten times the model's, since FC alone cannot tell its scale while saturation depends on it.

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

    Returns
    -------
    dict
        ``score``: r of the simulated group FC at the model's noise; ``difference`` to the closed form's r;
        ``sampling_error`` of a group of as many runs as were recorded; ``agrees``: whether the difference is within
        two of them; ``sigma``: the largest noise of the sweep that agrees, None where none does; ``sweep``.
    """
    tr = target.tr or 2.0
    seconds = (target.volumes or round(DEFAULT_SECONDS / tr)) * tr
    own = float(np.mean(np.asarray(fitted.network.value("sigma"))))
    bounds = fitted.network.declared()["sigma"].bounds
    plan = Plan.of(fitted.network, ground.observation, seconds, sample=tr, precision="float32",
                   warmup=min(300.0, 10.0 / max(-fitted.abscissa, 1e-3)))
    linear = fc_score(fitted.fc, empirical)
    keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), 20), SEEDS)
    units = runs or max(1, target.units)
    sweep = []
    for factor in SWEEP:
        sigma = float(np.clip(own * factor, *bounds))
        network = fitted.network.replace({"sigma": jnp.asarray(sigma)})
        signals = np.asarray(_runs(network, ground.observation, plan, keys), dtype=float)
        finite = np.isfinite(signals).all()
        row = {"sigma": sigma, "score": None, "difference": None, "sampling_error": None, "agrees": False}
        if finite:
            fcs = np.stack([functional_connectivity(run, tr, target.band) for run in signals])
            if target.gsr:
                fcs = np.stack([fc_after_gsr(fc) for fc in fcs])
            score = fc_score(group_fc(fcs), empirical)
            error = float(np.std([fc_score(fc, empirical) for fc in fcs], ddof=1) / np.sqrt(units))
            row |= {"score": score, "difference": score - linear, "sampling_error": error,
                    "agrees": bool(abs(score - linear) <= 2.0 * error)}
        sweep.append(row)
    at = sweep[len(SWEEP) // 2]
    agreeing = [row["sigma"] for row in sweep if row["agrees"]]
    return {key: at[key] for key in ("score", "difference", "sampling_error", "agrees")} | {
        "sigma": max(agreeing, default=None), "model_sigma": own, "seeds": SEEDS, "seconds": seconds, "sweep": sweep}
