"""Rest, onset, fold and cycle of one region, from its drift alone."""

from functools import partial
from math import pi

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import fsolve


@partial(jax.jit, static_argnames="own")
def _drift(model, x, own=0.0):
    # `own` couples the region to itself: a uniform network whose rows sum to `own`.
    return model.drift(x, own * model.output(x))


_jacobian = jax.jit(jax.jacfwd(_drift, argnums=1), static_argnames="own")


def drift(model, x, own=0.0):
    return np.asarray(_drift(model, jnp.asarray(x), own=own))


def jacobian(model, x, own=0.0):
    return np.asarray(_jacobian(model, jnp.asarray(x), own=own))


def rest(model, guess=None, own=0.0):
    guess = np.asarray(model.start() if guess is None else guess, float)
    x = fsolve(lambda s: drift(model, s, own), guess, fprime=lambda s: jacobian(model, s, own), full_output=True)[0]
    for _ in range(3):
        x = x - np.linalg.solve(jacobian(model, x, own), drift(model, x, own))
    size = np.abs(jacobian(model, x, own)) @ (np.abs(x) + 1e-9)
    assert np.all(np.abs(drift(model, x, own)) < 1e-12 * size)
    return x


def eigenvalues(model, x, own=0.0):
    values = np.linalg.eigvals(jacobian(model, x, own))
    return values[np.argsort(-values.real)]


def special(make, test, x, p):
    """Solve for a state and a parameter at which the region rests and `test(jacobian)` vanishes."""
    scale = make(p).time_scale

    def both(z):
        model = make(z[-1])
        return np.append(drift(model, z[:-1]) * scale, test(jacobian(model, z[:-1]) * scale))

    found, _, done, why = fsolve(both, np.append(x, p), xtol=1e-12, full_output=True)
    assert done == 1, why
    return found[:-1], found[-1]


def fold(make, x, p):
    return special(make, np.linalg.det, x, p)


def onset(make, x, p):
    """Return state, parameter and frequency (Hz) at which a complex pair crosses the axis."""
    def rightmost_pair(j):
        values = np.linalg.eigvals(j)
        return values.real[np.abs(values.imag) > 1e-9].max(initial=-9.0)

    x, p = special(make, rightmost_pair, x, p)
    values = eigenvalues(make(p), x)
    pair = values[np.argmin(np.abs(values.real) + 1e9 * (np.abs(values.imag) < 1e-6))]
    return x, p, abs(pair.imag) / (2 * pi)


@partial(jax.jit, static_argnames="steps")
def _runge_kutta(model, x, dt, steps):
    def advance(x, _):
        a = _drift(model, x)
        b = _drift(model, x + 0.5 * dt * a)
        c = _drift(model, x + 0.5 * dt * b)
        x = x + dt / 6 * (a + 2 * b + 2 * c + _drift(model, x + dt * c))
        return x, x

    return jax.lax.scan(advance, x, None, length=steps)[1]


def flow(model, x, seconds, dt):
    """Return times and states; the step is fine enough for errors below the tolerances used here."""
    x = jnp.asarray(x, float)
    steps = round(seconds / dt)
    return dt * np.arange(1, steps + 1), np.asarray(_runge_kutta(model, x, dt, steps)).T


def cycle(model, x, seconds, skip, read, dt=2e-4):
    """Return frequency (Hz) and peak-to-peak size of `read(x)` on the cycle reached from `x`."""
    t, states = flow(model, x, seconds, dt)
    y = read(states[:, t > skip])
    level = 0.5 * (y.max() + y.min())
    up = np.flatnonzero((y[:-1] < level) & (y[1:] >= level))
    at = up + (level - y[up]) / (y[up + 1] - y[up])
    return (len(at) - 1) / (at[-1] - at[0]) / dt, y.max() - y.min()
