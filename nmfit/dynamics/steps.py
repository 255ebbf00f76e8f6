"""How long a step may be: from the rates of the regions, the coupling, the delays and the instrument."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import InputError
from .local import local_system

INSTRUMENT_LIMIT = 0.1


def rates(network):
    """Return the fastest rates at the start, 1/s: of a region alone, and with what coupling can add.

    A region's rate is its fastest eigenvalue, or how fast what it sends turns over: a phase has no eigenvalue.
    """
    with jax.enable_x64(True):
        parts, reach = jax.device_get(_at_start(network))
    local = through = 0.0
    for name, (a, b, o, sent, moved) in parts.items():
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            raise InputError(f"group '{name}'", "its velocity at the start is not finite", "Change its parameters.")
        turnover = np.divide(moved, sent, out=np.zeros_like(sent), where=sent > 0)
        local = max(local, np.abs(np.linalg.eigvals(a)).max(), turnover.max())
        through = max(through, np.linalg.norm(o @ b, axis=(1, 2), ord=2).max())
    return float(local), float(local + through * reach)


@jax.jit
def _at_start(network):
    x = network.start()
    c = network.input(network.output(x))
    parts = {}
    for name, at in network.members:
        model, own, heard = network.groups[name], x[name], c[:, np.array(at)]
        sent, moved = jax.jvp(model.output, (own,), (network.region_drift(name, own, heard),))
        parts[name] = (*local_system(network, name, own, heard),
                       jnp.linalg.norm(sent, axis=0), jnp.linalg.norm(moved, axis=0))
    return parts, jnp.abs(network.strengths()).sum(1).max()


def settling(network):
    """Return seconds after which the start is forgotten: ten time scales, five times of the slowest damping."""
    with jax.enable_x64(True):
        parts, _ = jax.device_get(_at_start(network))
    longest = 0.0
    for name, (a, *_) in parts.items():
        model = network.groups[name]
        slowest = np.abs(np.linalg.eigvals(a).real).min()
        damped = min(5 / max(slowest, 1e-9), 10 * model.time_scale)
        longest = max(longest, 10 * model.pace(), damped)
    return longest if network.colour is None else max(longest, 10 * float(network.colour.tau))


def default_step(network, local, joined, tau):
    """Return a round step: a twentieth of the fastest local time, at most a quarter of the longest delay."""
    # an oscillation of rate w gains w (w dt)^3 / 8 of growth and loses (w dt)^2 / 6 of its frequency
    step = min(0.05 / max(local, 1e-9), 0.1 / max(joined, 1e-9),
               min(m.pace() for m in network.groups.values()) / 20)
    if tau is not None and tau[1] > 0:
        step = min(step, tau[1] / 4)
    if network.colour is not None:
        step = min(step, float(network.colour.tau) / 4)
    step = min([step, *(s.every for s in network.stimuli if s.every is not None)])
    power = 10.0 ** math.floor(math.log10(step))
    return max(m for m in (1, 2, 5) if m * power <= step * (1 + 1e-9)) * power


def coarse_step(network, observation, exact=False):
    """Return the longest step at which Heun keeps every variance within some per cent, in seconds.

    A quarter of the fastest damping time, coupling included, and a twentieth of a radian; what grows at the start
    decays twice as fast once it has saturated. For runs beside a twin under the same noise and steps, which takes out
    most of what a coarse step does. Where the linear part is stepped exactly (`exact`), damping and coupling have no
    say.
    """
    with jax.enable_x64(True):
        parts, reach = jax.device_get(_at_start(network))
    damping = turning = through = 0.0
    for a, b, o, *_ in parts.values():
        rate = np.linalg.eigvals(a)
        damping = max(damping, np.where(rate.real > 0, 2 * rate.real, 0.0 if exact else -rate.real).max())
        turning = max(turning, np.abs(rate.imag).max())
        through = 0.0 if exact else max(through, np.linalg.norm(o @ b, axis=(1, 2), ord=2).max())
    pace = min(m.pace() for m in network.groups.values())
    limit = INSTRUMENT_LIMIT if observation.states else math.inf
    return float(min(0.25 / max(damping + through * reach, 1e-9), 0.05 / max(turning, 1e-9), pace / 20, limit))


def delay_range(network, speed):
    """Return the shortest and longest delay of the edges that carry anything, over speeds; None without delays."""
    if network.lengths is None:
        return None
    slowest, fastest = (float(network.coupling.speed),) * 2 if speed is None else speed
    lengths = np.asarray(network.lengths)[np.asarray(network.weights) != 0]
    if not 0 < slowest <= fastest:
        raise InputError("speed", f"found {speed}", "Give (slowest, fastest) in m/s.", "0 < slowest <= fastest")
    if not lengths.size:
        return 0.0, 0.0
    return float(lengths.min() / (1000 * fastest)), float(lengths.max() / (1000 * slowest))


def check_step(network, observation, dt, rate, limit, scheme, tau):
    """Refuse a step that is too coarse, in one sentence."""
    fastest = ", ".join(sorted({type(m).__name__ for m in network.groups.values()}))
    if rate * dt > limit:
        raise InputError("dt", f"a step of {dt:g} s is too coarse for {fastest}, whose fastest rate is {rate:.3g} /s",
                         "Take a shorter step or shorter samples.", f"at most {limit / rate:.2g} s with {scheme}")
    scale = min(m.pace() for m in network.groups.values())
    if dt > scale and rate * dt > 0.05:
        raise InputError("dt", f"a step of {dt:g} s is too coarse for {fastest}, whose time scale is {scale:g} s",
                         "Take a shorter step.", f"at most {scale:g} s")
    if tau is not None and 0 < tau[1] < dt:
        raise InputError("dt", f"a step of {dt:g} s is longer than the longest delay, {tau[1]:.3g} s",
                         "Take a shorter step, or delays=False.", f"at most {tau[1]:.3g} s")
    if network.colour is not None and dt > float(network.colour.tau):
        raise InputError("dt", f"a step of {dt:g} s is longer than the noise's memory, {network.colour.tau:g} s",
                         "Take a shorter step, or leave noise_tau out.", f"at most {network.colour.tau:g} s")
    for stimulus in network.stimuli:
        if stimulus.every is not None and dt > stimulus.every:
            raise InputError("dt", f"a step of {dt:g} s is longer than a stimulus's {stimulus.every:g} s",
                             "Take a shorter step.", f"at most {stimulus.every:g} s")
    if observation.states and dt > INSTRUMENT_LIMIT:
        raise InputError("dt", f"a step of {dt:g} s is too coarse for {type(observation).__name__}",
                         "Take a shorter step.", f"at most {INSTRUMENT_LIMIT:g} s")
