"""Where searches begin: at peaks of the data, and with a new population where the data exceed the model most."""

import dataclasses

import jax.numpy as jnp
import numpy as np

from .measures import alpha_peak, aperiodic_slope
from .populations import PEAK, SCALES, START_COUPLING, model_name, population
from .problem import beginning, problem_of, rests, see

BETA = (14.0, 30.0)                      # Hz, where a second start looks for its peak
WIDTH = 10.0                             # 1/s, of the first population
POINTS = (0.3, 0.7)                      # where columns may rest to begin with, see `population`
NEXT_WIDTH = 0.8                         # 1/s per Hz, of one that joins: a band an eighth of its frequency wide
NEXT_SHARE, NEXT_AT = 0.3, 20.0          # the share of the power there that it begins with; Hz, where nothing is left
BLUR = 0.4                               # Hz, of what is left before its peaks are sought
EDGE, APART = 2, 1.0                     # bins no peak is sought in, at either end; Hz between two peaks
WEAKER = 0.1                             # of the coupling expected of a model: where it is let in


def continues(rung, below):
    """Return whether a rung goes on with the populations of the one below: else its model enters with it."""
    return below is not None and rung.model in ("", model_name(below.networks[0]))


def begun(ground, rung, below, starts):
    """Return problems to search from, and the last coordinates of each: coherence and sensors.

    The same problem where the rung below had the same populations, since coordinates count from its origin. A model
    that enters begins at the peaks of the data, or at that of the rung below, columns at several potentials; a further
    population at the peaks of what is left.
    """
    if continues(rung, below):
        here = below.problem
        if rung.scales <= len(here.networks) or len(here.networks) == len(SCALES):
            return [(here, np.zeros(0))]
        return [(_joined(ground, here, peak), np.zeros(0)) for peak in left_over(ground, below)[:max(starts, 1)]]
    freqs, mean, tail = ground.target.freqs, ground.psd.mean(1), np.zeros(0)
    if below is None:
        leadfield, peaks = _with_noise(ground), [
            alpha_peak(freqs, mean, slope=aperiodic_slope(freqs, mean)), alpha_peak(freqs, mean, BETA)]
        peaks = [peak for peak in peaks if np.isfinite(peak)] or [PEAK]
    else:
        leadfield, peaks = below.problem.leadfield, [float(np.mean(below.networks[0].value("f")))]
        tail = np.concatenate([part.ravel() for part in below.layout.split(below.vector)[-3:]])
    out = []
    for k in range(max(starts, 1)):
        peak = peaks[k % len(peaks)]
        made = population(ground.brain, rung.model, frequency=peak, width=WIDTH, point=POINTS[k % len(POINTS)],
                          coupled=ground.coupled)
        problem = problem_of(ground, [made], leadfield)
        ratio = _power_near(ground.target.freqs, ground.psd, peak) / _alone(problem, ground.target.freqs, peak)
        leadfield_there = dataclasses.replace(problem.leadfield, scale=problem.leadfield.scale * np.sqrt(ratio))
        out.append((dataclasses.replace(problem, leadfield=leadfield_there), tail))
    return out


def left_over(ground, below):
    """Return the frequencies (Hz), highest first, at which log10 power, blurred, exceeds a fit most, over channels.

    Two alpha rhythms of one head, say, of which one population in every region can follow one.
    """
    freqs = ground.target.freqs
    watched = slice(None) if ground.watched is None else ground.watched
    left = (ground.data - np.asarray(below.seen.log_psd))[:, watched].mean(1) * ground.bins
    blur = np.exp(-0.5 * ((freqs[:, None] - freqs) / BLUR) ** 2) * ground.bins
    left = blur @ left / np.maximum(blur.sum(1), np.finfo(float).tiny)
    at = [i for i in range(EDGE, freqs.size - EDGE) if left[i] > 0 and left[i] == left[i - 1:i + 2].max()]
    found = []
    for i in sorted(at, key=lambda i: -left[i]):
        if all(abs(freqs[i] - peak) >= APART for peak in found):
            found.append(float(freqs[i]))
    return found or [float(np.clip(NEXT_AT, freqs[0], freqs[-1]))]


def coupling_let_in(fitted):
    """Return a fit without coupling as the start of one with it, weak enough for a state of rest.

    Its coordinates stay where they are; that of a coupling begins below its prior's mean.
    """
    expected = [START_COUPLING[model_name(network)] for network in fitted.networks]
    problem = dataclasses.replace(fitted.problem, coupled=True, coupling=jnp.asarray(expected))
    parts = fitted.layout.split(fitted.vector)
    step = np.log(WEAKER)
    for _ in range(12):
        parts[-4] = np.full(len(expected), step)
        vector = np.concatenate([part.ravel() for part in parts])
        if rests(problem, fitted.layout.point(vector)):
            break
        step -= np.log(2.0)
    return dataclasses.replace(fitted, problem=problem, vector=vector)


def _alone(problem, freqs, frequency):
    """Return the mean power of sources near a frequency where a problem begins."""
    return _power_near(freqs, np.asarray(see(problem, beginning(problem)).sources), frequency)


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


def _joined(ground, problem, frequency):
    """Return a problem with one more population in every region, with some of the power where it resonates."""
    freqs, apart = ground.target.freqs, dataclasses.replace(ground, coupled=False)
    network, values = population(ground.brain, "Hopf", frequency=frequency, width=NEXT_WIDTH * frequency,
                                 coupled=ground.coupled)
    wanted = NEXT_SHARE * _power_near(freqs, ground.psd, frequency)
    values[0] *= np.sqrt(wanted / _alone(problem_of(apart, [(network, values)], problem.leadfield), freqs, frequency))
    more = problem_of(ground, [(network, values)], problem.leadfield)
    return dataclasses.replace(problem, networks=problem.networks + more.networks, bounds=problem.bounds + more.bounds,
                               origin=problem.origin + more.origin, spread=problem.spread + more.spread,
                               coupling=jnp.concatenate([problem.coupling, more.coupling]))
