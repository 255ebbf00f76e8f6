"""Defaults and equations against the papers' own units, milliseconds above all: converted once, at the declaration."""

import jax.numpy as jnp
import numpy as np
import pytest

from nmfit.models import (
    QIF,
    FitzHughNagumo,
    JansenRit,
    ReducedWongWang,
    ThresholdLinear,
    WilsonCowan,
    WongWang,
)

S_PER_MS = 1e-3
ROOT = S_PER_MS**-0.5  # noise per square root of a ms, told per square root of a second

# Value as published, and what one of its units is here. Left out: what this package sets for a reason of its own
# (drives and inputs at which the region is damped, noise where a paper has none).
PUBLISHED = {
    FitzHughNagumo: {"alpha": (3.0, 1), "beta": (4.0, 1), "gamma": (-1.5, 1), "delta": (0.0, 1), "eps": (0.5, 1),
                     "tau_V": (1.0, S_PER_MS), "tau_w": (20.0, S_PER_MS)},
    ThresholdLinear: {"tau_E": (20.0, S_PER_MS), "tau_I": (10.0, S_PER_MS), "beta_E": (0.066, 1), "beta_I": (0.351, 1),
                      "w_EE": (24.3, 1), "w_IE": (12.2, 1), "w_EI": (19.7, 1), "w_II": (12.5, 1),
                      "mu_EE": (33.7, 1), "mu_IE": (25.3, 1)},
    JansenRit: {"A": (3.25, 1), "B": (22.0, 1), "a": (0.1, 1 / S_PER_MS), "b": (0.05, 1 / S_PER_MS), "C": (135.0, 1),
                "e0": (0.0025, 1 / S_PER_MS), "v0": (6.0, 1), "r": (0.56, 1)},
    WilsonCowan: {"w_EE": (16.0, 1), "w_EI": (12.0, 1), "w_IE": (15.0, 1), "w_II": (3.0, 1), "a_E": (1.5, 1),
                  "a_I": (1.5, 1), "theta_E": (3.0, 1), "theta_I": (3.0, 1), "tau_E": (2.5, S_PER_MS),
                  "tau_I": (3.75, S_PER_MS)},
    ReducedWongWang: {"w": (0.9, 1), "I_0": (0.3, 1), "J_N": (0.2609, 1), "a": (0.27, 1 / S_PER_MS),
                      "b": (0.108, 1 / S_PER_MS), "d": (154.0, S_PER_MS), "gamma": (0.641, 1),
                      "tau_S": (100.0, S_PER_MS), "sigma": (0.001, ROOT)},
    WongWang: {"w": (1.4, 1), "J_N": (0.15, 1), "J": (1.0, 1), "lam": (0.0, 1), "I_0": (0.382, 1), "W_E": (1.0, 1),
               "W_I": (0.7, 1), "a_E": (0.31, 1 / S_PER_MS), "b_E": (0.125, 1 / S_PER_MS), "d_E": (160.0, S_PER_MS),
               "a_I": (0.615, 1 / S_PER_MS), "b_I": (0.177, 1 / S_PER_MS), "d_I": (87.0, S_PER_MS),
               "gamma": (0.641, 1), "tau_E": (100.0, S_PER_MS), "tau_I": (10.0, S_PER_MS), "sigma": (0.01, ROOT)},
    QIF: {"eta": (-5.0, 1), "J": (15.0, 1), "Delta": (1.0, 1), "tau": (10.0, S_PER_MS)},
}


@pytest.mark.parametrize("cls", PUBLISHED, ids=lambda cls: cls.__name__)
def test_defaults(cls):
    model = cls()
    for name, (value, unit) in PUBLISHED[cls].items():
        assert getattr(model, name) == pytest.approx(value * unit, rel=1e-12), name


def test_sets_of_wilson_cowan():
    original, bistable = WilsonCowan.original(), WilsonCowan.bistable()
    assert (original.tau_E, original.tau_I, original.P) == (8 * S_PER_MS, 8 * S_PER_MS, 1.25)
    assert (original.a_E, original.a_I, original.theta_E, original.theta_I) == (1.3, 2.0, 4.0, 3.7)
    assert (bistable.tau_E, bistable.tau_I) == (10 * S_PER_MS, 10 * S_PER_MS)
    assert (bistable.w_EE, bistable.w_EI, bistable.w_IE, bistable.w_II) == (12.0, 4.0, 13.0, 11.0)
    # Shifted, no input makes no activity; k is then the largest value of the curve.
    for model in (original, bistable):
        assert float(model.active(0.0, model.a_E, model.theta_E)) == 0.0
    assert float(original.active(1e3, original.a_E, original.theta_E)) == pytest.approx(original.k_E, rel=1e-12)
    assert float(original.active(1e3, original.a_I, original.theta_I)) == pytest.approx(original.k_I, rel=1e-12)


def curve(x, d):
    return x / (1 - np.exp(-d * x))


def fitzhugh_nagumo(V, w, c):
    return [-3 * V**3 + 4 * V**2 - 1.5 * V - w + 0.65 + c, (V - 0.5 * w) / 20]


def threshold_linear(r_E, r_I, c):
    I_E = 24.3 * r_E + 33.7 * c - 19.7 * r_I + 10 / 0.066 - 243 + 689.5
    I_I = 12.2 * r_E + 25.3 * c - 12.5 * r_I + 35 / 0.351 - 122 + 437.5
    return [(-r_E + 0.066 * np.maximum(I_E, 0)) / 20, (-r_I + 0.351 * np.maximum(I_I, 0)) / 10]


def jansen_rit(y0, y1, y2, y3, y4, y5, c):
    # Here y3, y4, y5 are slopes per ms, p and c rates per ms.
    def S(v):
        return 0.005 / (1 + np.exp(0.56 * (6 - v)))
    return [y3, y4, y5, 0.325 * S(y1 - y2) - 0.2 * y3 - 0.01 * y0,
            0.325 * (0.4 + c + 108 * S(135 * y0)) - 0.2 * y4 - 0.01 * y1,
            1.1 * 33.75 * S(33.75 * y0) - 0.1 * y5 - 0.0025 * y2]


def wilson_cowan(E, I, c):  # noqa: E741
    def S(u):
        return 1 / (1 + np.exp(-1.5 * (u - 3)))
    return [(-E + (1 - E) * S(16 * E - 12 * I + 0.65 + c)) / 2.5, (-I + (1 - I) * S(15 * E - 3 * I)) / 3.75]


def reduced_wong_wang(S, c):
    return [-S / 100 + (1 - S) * 0.641 * curve(0.27 * (0.9 * 0.2609 * S + 0.2609 * c + 0.3) - 0.108, 154)]


def wong_wang(S_E, S_I, c):
    r_E = curve(310 * (0.382 + 1.4 * 0.15 * S_E + 0.15 * c - S_I) - 125, 0.16)
    r_I = curve(615 * (0.7 * 0.382 + 0.15 * S_E - S_I) - 177, 0.087)
    return [-S_E / 100 + (1 - S_E) * 0.641e-3 * r_E, -S_I / 10 + r_I / 1000]


def qif(r, V, c):
    # r in kHz.
    return [(1 / (np.pi * 10) + 2 * r * V) / 10, (V**2 - 5 + 15 * 10 * r + c - (np.pi * 10 * r) ** 2) / 10]


# Equation in ms, ranges of the states in their ms units, and what those units are here.
IN_MS = {
    "FitzHughNagumo": (FitzHughNagumo(), fitzhugh_nagumo, [(-0.5, 1.5, 1), (0, 2, 1)], 1),
    "ThresholdLinear": (ThresholdLinear(), threshold_linear, [(0, 60, 1), (0, 120, 1)], 1),
    "JansenRit": (JansenRit(), jansen_rit,
                  [(0, 0.5, 1), (0, 40, 1), (0, 40, 1), *[(-0.02, 0.02, 1 / S_PER_MS)] * 3], 1 / S_PER_MS),
    "WilsonCowan": (WilsonCowan(), wilson_cowan, [(0, 1, 1), (0, 1, 1)], 1),
    "ReducedWongWang": (ReducedWongWang(), reduced_wong_wang, [(0, 1, 1)], 1),
    "WongWang": (WongWang(), wong_wang, [(0, 1, 1), (0, 0.3, 1)], 1),
    "QIF": (QIF(), qif, [(0, 0.2, 1 / S_PER_MS), (-3, 2, 1)], 1),
}


@pytest.mark.parametrize("name", IN_MS)
def test_equations_in_milliseconds(name):
    model, equation, ranges, unit_of_input = IN_MS[name]
    rng = np.random.default_rng(0)
    states = [rng.uniform(low, high, 50) for low, high, _ in ranges]
    c = rng.uniform(0, 0.3, 50)
    units = np.array([unit for *_, unit in ranges])[:, None]
    ours = model.drift(jnp.asarray(units * states), jnp.asarray(unit_of_input * c)[None])
    theirs = units * np.array(equation(*states, c)) / S_PER_MS
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10 * np.abs(theirs).max())
