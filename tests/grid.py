"""The grid of model x observation x statistic x engine: what every cell does, or why it refuses."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from nmfit.compare import closed, traced
from nmfit.compare.connectivity import correlation
from nmfit.compare.envelope import envelope_correlation
from nmfit.compare.loss import FCD, Metastability
from nmfit.dynamics import linearise
from nmfit.dynamics.plan import Plan
from nmfit.dynamics.simulated import integrate
from nmfit.errors import InputError
from nmfit.fit.objective import AVAILABLE
from nmfit.models import MODELS
from nmfit.network import Network
from nmfit.observe import Balloon, Direct, GammaKernel, LeadField, VolterraKernel

WEIGHTS = np.array([[0.0, 1.0, 0.4], [1.0, 0.0, 0.7], [0.4, 0.7, 0.0]])
GAIN = np.array([[30.0, 5.0, 2.0], [4.0, 25.0, 6.0], [1.0, 7.0, 40.0], [12.0, 9.0, 3.0]])
SAMPLES, WINDOW, STRIDE, LAG = 80, 20, 12, 2
STATISTICS = ("fc", "lagged", "psd", "band_power", "coherence", "envelope", "fcd", "metastability")
ENGINES = ("linear", "simulated")
OBSERVATIONS = {
    "Direct": Direct(), "Balloon": Balloon(), "GammaKernel": GammaKernel.canonical(), "Volterra": VolterraKernel(),
    "LeadField": LeadField.of(GAIN, [f"s{i}" for i in range(4)], [f"r{i}" for i in range(3)], scale=1e-3)}
MANY_STAGES = 10
RIGHT = 1e-3               # of a derivative, against central differences


class Verdict(NamedTuple):
    """What a cell does: "ok", or "refused", or "wrong"; why; its value, derivative and difference."""

    state: str
    why: str = ""
    value: float = np.nan
    slope: float = np.nan
    numeric: float = np.nan


def network_of(name):
    model = MODELS[name]()
    G = {"Hopf": 0.02, "StuartLandau": 0.02, "Kuramoto": 1.0, "JansenRit": 5.0, "QIF": 0.2}.get(name, 0.05)
    return Network.of(WEIGHTS, model, G=G), G


def cells(model, observation, engine):
    """Return a `Verdict` for every statistic."""
    network, G = network_of(model)
    observe = OBSERVATIONS[observation]
    found = {}
    if engine == "linear":
        for name, term in (("fcd", FCD()), ("metastability", Metastability())):
            try:
                term.check(AVAILABLE, "the closed form")
            except InputError as refusal:
                found[name] = Verdict("refused", str(refusal))
    try:
        if getattr(network.groups["all"], observe.reads) is None:
            Plan.of(network, observe, 1.0)                    # says so
        answer, names = (_linear if engine == "linear" else _simulated)(network, observe)
    except InputError as refusal:
        return {name: Verdict("refused", str(refusal)) for name in STATISTICS}
    value, slope = np.asarray(answer(jnp.asarray(G))), np.asarray(jax.jit(jax.jacrev(answer))(jnp.asarray(G)))
    # the wider step where rounding hides the change, the narrower where the curve bends
    numerics = np.stack([np.asarray(answer(jnp.asarray(G + h)) - answer(jnp.asarray(G - h))) / (2 * h)
                         for h in (1e-2 * G, 1e-3 * G, 1e-4 * G)])
    numeric = numerics[np.argmin(np.abs(numerics - slope), axis=0), np.arange(len(names))]
    for i, name in enumerate(names):
        scale = max(abs(slope[i]), 1e-6 * abs(value[i]) / G, 1e-300)
        right = np.isfinite([value[i], slope[i]]).all() and abs(slope[i] - numeric[i]) < RIGHT * scale
        found[name] = Verdict("ok" if right else "wrong", "", float(value[i]), float(slope[i]), float(numeric[i]))
    return {name: found[name] for name in STATISTICS}


def _band(network, observe):
    rate = 1.0 / network.groups["all"].time_scale
    return (0.01, 0.1) if observe.states or network.groups["all"].rotation else (0.02 * rate, 0.1 * rate)


def _linear(network, observe):
    band = _band(network, observe)
    freqs = np.linspace(*band, 5)
    if not bool(jax.jit(lambda: linearise(network, observe))().converged):
        raise InputError(f"model {type(network.groups['all']).__name__}", "no stable state of rest was found, which "
                         "the closed form needs", "Simulate (engine='simulated').")

    @jax.jit
    def answer(G):
        linear = linearise(network.replace({"G": G}), observe)
        covariance, _ = linear.covariance(band, 32)
        cross = linear.cross_spectrum(freqs)
        psd = jnp.real(jnp.diagonal(cross, axis1=-2, axis2=-1))
        lagged = closed.lagged_covariance(linear, 0.1 / band[1], band, 32)
        return jnp.stack([correlation(covariance)[0, 1], lagged[0, 1], psd[2, 0],
                          traced.band_power(psd, jnp.asarray(freqs), band)[0], traced.coherence(cross)[2, 0, 1],
                          envelope_correlation(closed.analytic_covariance(linear, band, 32))[0, 1]])

    return answer, STATISTICS[:6]


def _simulated(network, observe):
    # Where all regions still rise alike, correlations are 1 but for the last digits: a long chain takes its time.
    sample = (0.1 if len(observe.states) < MANY_STAGES else 0.5) if observe.states else None
    plan = Plan.of(network, observe, SAMPLES * (sample or 10 * Plan.of(network, observe, 1.0).dt), sample=sample,
                   warmup=0.0)
    key, sfreq = jax.random.key(1), 1 / plan.sample
    starts = tuple(range(0, SAMPLES - WINDOW + 1, STRIDE))
    segments = (0, 20, 40)
    freqs = jnp.fft.rfftfreq(40, plan.sample)

    # one scale for all G: small signals keep their digits
    scale = jnp.std(jax.jit(lambda: integrate(network, observe, plan, key).signal[:SAMPLES])())

    @jax.jit
    def answer(G):
        data = integrate(network.replace({"G": G}), observe, plan, key).signal[:SAMPLES] / scale
        cross = traced.cross_spectra(data, sfreq, segments, 40)
        psd = jnp.real(jnp.diagonal(cross, axis1=-2, axis2=-1))
        return jnp.stack([
            correlation(traced.covariance(data))[0, 1], traced.lagged_covariance(data, LAG)[0, 1], psd[2, 0],
            traced.band_power(psd, freqs, (freqs[1], freqs[6]))[0], traced.coherence(cross)[2, 0, 1],
            traced.envelope_correlation(data - data.mean(0))[0, 1], traced.fcd_values(data, starts, WINDOW).mean(),
            traced.metastability(traced.order_of_analytic(traced.analytic(data - data.mean(0))))])

    return answer, STATISTICS
