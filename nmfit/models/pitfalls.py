"""What a reviewer would object to in the choice of a model: the field's known pitfalls, as a table."""

import dataclasses
from collections.abc import Callable
from math import pi

from .recommend import TREE

SIMPLE = ("Hopf", "StuartLandau", "ReducedWongWang", "ThresholdLinear")      # what may be tried first
WITHOUT_REST = ("Kuramoto",)
APART = 30.0               # a model this many times faster or slower than the data is on another time scale
DEAR = 10.0
PER_STEP = 20.0            # time of a step that solves per frequency over one that takes one eigendecomposition
EEG_SLOWEST = 1.0          # s: no rhythm of EEG is slower than this model's own time


@dataclasses.dataclass(frozen=True, eq=False)
class Facts:
    """What a fit, or a plan for one, is known to be.

    Attributes
    ----------
    models : tuple of Model, in the order in which they are tried
    kind : "fmri", "eeg" or "meg"
    band : (low, high) in Hz, or None
    tr : seconds, or None
    haemodynamics : whether a haemodynamic stage makes BOLD of the model's activity
    engine : "linear" or "simulated"
    tied : pairs of names of parameters that the data tell a combination of only
    """

    models: tuple
    kind: str
    band: tuple | None = None
    tr: float | None = None
    haemodynamics: bool = False
    engine: str = "linear"
    tied: tuple = ()


@dataclasses.dataclass(frozen=True)
class Pitfall:
    """One known pitfall.

    Attributes
    ----------
    name : the flag it is known by
    sentence : what a reviewer would write
    found : function of `Facts` that returns what it is about, or None
    """

    name: str
    sentence: str
    found: Callable


def _complex_first(facts):
    first = type(facts.models[0]).__name__
    return None if first in SIMPLE else f"{first} before {TREE[facts.kind][0].model}"


def _time_scales(facts):
    """Compare the model's own time with the time that the data resolve."""
    low, high = facts.band or ((0.01, 0.1) if facts.kind == "fmri" else (1.0, 40.0))
    for model in facts.models:
        name, pace = type(model).__name__, model.pace()
        own = pace if model.rotation is None else 1.0 / (2 * pi * float(_mean(getattr(model, model.rotation))))
        bare = not facts.haemodynamics or model.rotation is not None
        if facts.kind == "fmri" and bare and own * APART < 1.0 / (2 * pi * high):
            step = f"a TR of {facts.tr:g} s" if facts.tr else f"data below {high:g} Hz"
            return f"{name} moves in {1000 * own:.3g} ms, with {step} and no haemodynamic stage"
        if facts.kind != "fmri" and own > EEG_SLOWEST and own > APART / (2 * pi * high):
            return f"{name} moves in {own:.3g} s, with spectra of {low:g} to {high:g} Hz"
    return None


def _mean(value):
    return value if getattr(value, "ndim", 0) == 0 else value.mean()


def _no_observable(facts):
    needed = "bold_drive" if facts.kind == "fmri" else "eeg_source"
    lacking = [type(m).__name__ for m in facts.models if getattr(m, needed) is None]
    what = "BOLD" if facts.kind == "fmri" else facts.kind.upper()
    return f"{lacking[0]}, {what}" if lacking else None


def _tied(facts):
    return "; ".join(f"{a} and {b}" for a, b in facts.tied) or None


def _costly(facts):
    """Return a model that costs over ten times one that would do and was not tried."""
    cheap = TREE[facts.kind][0].model
    tried = [type(m).__name__ for m in facts.models]
    dear = [type(m).__name__ for m in facts.models if m.rotation is None]
    if facts.kind != "fmri" or not dear or cheap in tried or facts.engine != "linear":
        return None
    return f"{dear[0]}, about {PER_STEP:.0f} times {cheap} a step" if PER_STEP > DEAR else None


def _limit_cycle(facts):
    if facts.engine != "linear":
        return None
    for model in facts.models:
        name = type(model).__name__
        if name in WITHOUT_REST:
            return f"{name} has no state of rest"
        for parameter, (low, high) in model.damped.items():
            value = getattr(model, parameter)
            least, most = (value, value) if getattr(value, "ndim", 0) == 0 else (value.min(), value.max())
            if least < low or most > high:
                return f"{name} with {parameter} = {float(most if most > high else least):g}"
    return None


PITFALLS = (
    Pitfall("complex_first", "a complex model was fitted before a simple one was tried, so that nothing shows what its "
                             "detail earns", _complex_first),
    Pitfall("time_scales", "model and data live on different time scales: what the model does is not what the data "
                           "resolve", _time_scales),
    Pitfall("no_observable", "the model has no quantity that this instrument measures", _no_observable),
    Pitfall("not_separable", "the data tell a combination of two parameters, not each", _tied),
    Pitfall("costly", "the model costs over ten times the time of a cheaper one that would do", _costly),
    Pitfall("limit_cycle_linear", "a limit cycle was asked of the linear engine, which knows states of rest only",
            _limit_cycle),
)


def cautions(facts):
    """Return the pitfalls that facts fall into, as (name, detail, sentence)."""
    found = [(p, p.found(facts)) for p in PITFALLS]
    return [(p.name, detail, p.sentence) for p, detail in found if detail]
