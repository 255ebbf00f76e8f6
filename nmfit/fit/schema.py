"""What `fit.json` holds, as data: schema 1, and the one walk that checks a record against it."""

import math
import numbers

import numpy as np

SCHEMA = 1

NUMBER, COUNT, TEXT, TRUTH = "a number", "a whole number", "text", "true or false"
KINDS = {
    NUMBER: lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    COUNT: lambda v: isinstance(v, int) and not isinstance(v, bool),
    TEXT: lambda v: isinstance(v, str),
    TRUTH: lambda v: isinstance(v, bool),
}
ENGINES = ("linear", "closure", "simulated")


class OrNull(tuple):
    """A field that may be null: ``OrNull([kind])``."""

    __slots__ = ()


def _maybe(kind):
    return OrNull([kind])


_INTERVAL = {"value": _maybe(NUMBER), "ci95": _maybe([_maybe(NUMBER)])}
_NULL = _maybe({"mean": _maybe(NUMBER), "sd": _maybe(NUMBER), "margin": _maybe(NUMBER), "p": _maybe(NUMBER),
                "n": COUNT})

RECORD = {
    "schema": COUNT,
    "status": TEXT,
    "flags": [TEXT],
    "modality": TEXT,
    "rungs": [{
        "name": TEXT, "model": TEXT, "engine": ENGINES, "free_parameters": NUMBER,
        "starts": COUNT, "steps": COUNT, "loss": _maybe(NUMBER),
        "score_fit": _maybe(NUMBER), "score_choose": _maybe(NUMBER),
        "score_heldout": _maybe(NUMBER), "score_heldout_se": _maybe(NUMBER),
        "seconds": NUMBER, "status": TEXT, "kept": TRUTH,
        "reason": TEXT, "drive": TRUTH, "coupling_zero": _maybe(NUMBER),
    }],
    "chosen": TEXT,
    "explained": _maybe(TEXT),
    "ceiling": _INTERVAL,
    "reliability": _INTERVAL,
    "baselines": {str: _maybe(NUMBER)},
    "nulls": {"permuted": _NULL, "rewired": _NULL, "distance": _NULL},
    "stability": {"max_real_eigenvalue": _maybe(NUMBER)},
    "confirmation": {"score": _maybe(NUMBER), "difference": _maybe(NUMBER), "sampling_error": _maybe(NUMBER),
                     "agrees": _maybe(TRUTH), "sigma": _maybe(NUMBER)},
    "parameters": [{
        "name": TEXT, "region": _maybe(TEXT), "value": _maybe(NUMBER), "se": _maybe(NUMBER),
        "ci95": _maybe([_maybe(NUMBER)]), "bounds": _maybe([_maybe(NUMBER)]), "unit": TEXT,
        "flag": _maybe(TEXT),
    }],
    "provenance": {},
}


def plain(value):
    """Return a value as strict JSON knows it: NumPy's numbers as Python's, what is not finite as null.

    Raises
    ------
    TypeError
        For anything that has no place in JSON.
    """
    match value:
        case None | bool() | str():
            return value
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case np.ndarray():
            return plain(value.tolist())
        case np.bool_():
            return bool(value)
        case numbers.Integral():
            return int(value)
        case numbers.Real():
            return float(value) if math.isfinite(value) else None
    raise TypeError(f"{type(value).__name__} has no place in fit.json")


def first_fault(value, kind=None, place=""):
    """Return where a record departs from the schema and how, as two phrases, or None.

    Keys beyond the schema are allowed, so that a later record still loads here.
    """
    kind = RECORD if kind is None else kind
    match kind:
        case OrNull():
            return None if value is None else first_fault(value, kind[0], place)
        case dict():
            if not isinstance(value, dict):
                return place, f"{_seen(value)} where a table belongs"
            for key, below in _fields(kind, value):
                at = f"{place}.{key}" if place else key
                fault = first_fault(value[key], below, at) if key in value else (at, "missing")
                if fault:
                    return fault
            return None
        case list():
            if not isinstance(value, list):
                return place, f"{_seen(value)} where a list belongs"
            faults = (first_fault(item, kind[0], f"{place}[{i}]") for i, item in enumerate(value))
            return next((fault for fault in faults if fault), None)
        case tuple():
            known = f"one of {', '.join(kind)}"
            return None if value in kind else (place, f"{_seen(value)} where {known} belongs")
    return None if KINDS[kind](value) else (place, f"{_seen(value)} where {kind} belongs")


def _fields(kind, value):
    """Return the pairs (key, kind below): those declared, or every one where only their kind is declared."""
    return [(key, kind[str]) for key in value] if str in kind else kind.items()


def _seen(value):
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
