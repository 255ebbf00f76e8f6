"""How far a cohort is, from its folder alone."""

import dataclasses
import json
from pathlib import Path

from ..errors import InputError
from ..io import write_table

PLAN = "plan.json"
GROUP = "group"
FAILURES = "failures.tsv"
RECORD = "cohort.json"
SCHEMA = 1                # of the record


@dataclasses.dataclass(frozen=True)
class Status:
    """What a cohort's folder says.

    Attributes
    ----------
    people : how many there are
    done : how many of them are done with everything
    units, finished : pieces of work in all and of those whose files stand
    failures : tuple of (person, strategy, reason)
    complete : whether the report is written
    """

    people: int
    done: int
    units: int
    finished: int
    failures: tuple
    complete: bool

    def summary(self):
        """Return it in sentences."""
        state = "complete" if self.complete else "not complete: the same command goes on where it stood"
        lines = [f"{self.done} of {self.people} people done, {self.finished} of {self.units} fits; {state}"]
        lines += [f"  failed: {person}, {strategy}: {reason}" for person, strategy, reason in self.failures]
        return "\n".join(lines)


def status(folder):
    """Return how far a cohort is.

    Parameters
    ----------
    folder : path

    Returns
    -------
    Status
    """
    folder = Path(folder)
    try:
        plan = json.loads((folder / PLAN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(folder, "no cohort", "Give the folder that nmfit cohort wrote.") from None
    stands = {name: sum((folder / name / f"{s}.npz").exists() for s in plan["strategies"]) for name in plan["people"]}
    need = len(plan["strategies"])
    failures = tuple(tuple(row) for row in read_failures(folder)) or tuple(
        (name, "read", reason) for name, reason in plan["unread"].items())
    return Status(len(stands) + len(plan["unread"]), sum(n == need for n in stands.values()), need * len(stands),
                  sum(stands.values()), failures, (folder / RECORD).exists())


def write_failures(folder, unread, lost):
    """Write who failed at what and why; return the rows."""
    rows = [(name, "read", reason) for name, reason in unread.items()]
    rows += [(person, strategy, reason) for (person, strategy), reason in lost.items()]
    path = Path(folder) / FAILURES
    if rows:
        write_table(path, ("person", "strategy", "reason"), rows)
    else:
        path.unlink(missing_ok=True)
    return rows


def read_failures(folder):
    """Return the rows of the failures, none where there are none."""
    path = Path(folder) / FAILURES
    if not path.exists():
        return []
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
