"""What a model says about itself, as text: everything derives from its class."""

import inspect

from ..parameters import declarations
from .pitfalls import WITHOUT_REST


def describe(model):
    """Return the equations, parameters and uses of a model as plain text.

    Parameters
    ----------
    model : Model, or a class of them
        An instance shows its own values beside the defaults.
    """
    cls = model if isinstance(model, type) else type(model)
    seen = [words for name, words in (("bold_drive", "BOLD"), ("eeg_source", "EEG and MEG"))
            if getattr(cls, name) is not None]
    facts = {
        "states": ", ".join(cls.states),
        "coupling": f"{cls.coupling}, through {', '.join(cls.channels)}",
        "fit first": ", ".join(cls.fit_first),
        "observables": ", ".join(seen),
        "time scale": f"{cls.time_scale if model is cls else model.pace():.3g} s",
        "cost": cls.cost,
        "good for": cls.good_for,
        "not for": cls.not_for,
        "source": cls.source,
    }
    width = max(map(len, facts))
    return "\n".join([cls.__name__, "", inspect.getdoc(cls), "", *_table(model), "",
                      *(f"{name:<{width}}  {words}" for name, words in facts.items())])


TABLE = ("model", "kind", "time scale", "sees", "closed form", "cost", "good for")
PHYSIOLOGICAL = ("ThresholdLinear", "WilsonCowan", "WongWang", "ReducedWongWang", "JansenRit", "QIF")


def kind_of(name):
    """Return whether a model's parameters mean synapses, cells or rates ("physiological") or not."""
    return "physiological" if name in PHYSIOLOGICAL else "phenomenological"


def rows():
    """Return the comparison of all models, one row each, in the order of `TABLE`."""
    from . import MODELS

    return [(name, kind_of(name), f"{model.time_scale:g} s",
             ", ".join(what for what, read in (("BOLD", model.bold_drive), ("EEG/MEG", model.eeg_source))
                       if read is not None),
             "no" if name in WITHOUT_REST else "yes", model.cost, model.good_for) for name, model in MODELS.items()]


def _table(model):
    own = not isinstance(model, type)
    rows = [("parameter", *(("value",) if own else ()), "default", "unit", "bounds", "meaning")]
    for name, told in declarations(model).items():
        low, high = told.bounds
        value = (_shown(getattr(model, name)),) if own else ()
        rows.append((name, *value, f"{told.default:g}", told.unit or "-", f"{low:g} to {high:g}",
                     told.sentence))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _shown(value):
    return f"{value:g}" if getattr(value, "ndim", 0) == 0 else f"{value.min():g} ... {value.max():g}"
