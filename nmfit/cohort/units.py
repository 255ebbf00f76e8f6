"""Units of work, one person and one strategy each, and their results on disk: there whole or not at all.

A unit's file names what it was computed from. A unit whose file stands is done, so that any number of workers, runs
and interruptions end with the same files.
"""

import dataclasses
import time
from pathlib import Path

import jax
import numpy as np

from ..errors import InputError
from ..fit.ground import digest
from ..fit.threads import one_core_each
from ..io import write_npz
from ..io.ledger import read_piece

TRIES = 3                     # the first and two more


@dataclasses.dataclass(frozen=True, eq=False)
class Unit:
    """One piece of work that depends on nothing but what it holds.

    Attributes
    ----------
    person : str
    strategy : str
    function : a function at module level that returns arrays
    arguments : tuple, of pytrees of arrays and of plain values
    inputs : what of them fixes the result, as arrays and plain values; the arguments unless given
    """

    person: str
    strategy: str
    function: object
    arguments: tuple
    inputs: object = None

    def path(self, folder):
        """Return where its result lies."""
        return Path(folder) / self.person / f"{self.strategy}.npz"

    def digest(self):
        """Return a name for all that the result depends on."""
        return digest(self.arguments if self.inputs is None else self.inputs, self.function.__name__)


@dataclasses.dataclass(frozen=True)
class Done:
    """How a unit ended: ``reason`` is empty where its file stands; ``seconds`` is None where it stood before."""

    person: str
    strategy: str
    seconds: float | None
    reason: str = ""


def work(unit, folder):
    """Compute a unit and write its file, unless that stands already; never raise, so that the others go on."""
    began = time.monotonic()
    try:
        key = unit.digest()
        if stands(unit.path(folder), key):
            return Done(unit.person, unit.strategy, None)
        with jax.enable_x64(True):
            arrays = {name: np.asarray(value) for name, value in unit.function(*unit.arguments).items()}
        unit.path(folder).parent.mkdir(parents=True, exist_ok=True)
        write_npz(unit.path(folder), digest=key, **arrays)
    except Exception as problem:                     # whatever befalls one person is that person's alone
        why = str(problem) if isinstance(problem, InputError) else f"{type(problem).__name__}: {problem}"
        return Done(unit.person, unit.strategy, time.monotonic() - began, " ".join(why.split()))
    return Done(unit.person, unit.strategy, time.monotonic() - began)


def work_alone(unit, folder):
    """Do what `work` does in a process of its own."""
    with one_core_each():
        return work(unit, folder)


def stands(path, key):
    """Return whether a finished result of the same inputs lies there."""
    found = read_piece(path)
    return found is not None and str(found.get("digest")) == key
