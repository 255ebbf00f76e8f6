"""A cohort's result read again from its folder: numbers from its tables, the rest from ``cohort.json``."""

import json
from pathlib import Path

from ..errors import InputError
from ..io.cells import read_cells
from .result import COLUMNS, CohortResult
from .status import RECORD, SCHEMA

TEXTS = frozenset({"person", "parameter", "region", "unit"})
ABSENT = "n/a"


def load_cohort(folder):
    """Load what `fit_cohort` wrote into its folder, such as for another `contrast`.

    Parameters
    ----------
    folder : path
        Of ``cohort.json``, ``people.tsv`` and ``params.tsv``.

    Returns
    -------
    CohortResult

    Raises
    ------
    InputError
        Where the folder holds no finished cohort, one that is damaged, or one of a later schema.
    """
    folder = Path(folder)
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(folder, "no finished cohort", "Run nmfit cohort to its end; nmfit status says how far it "
                         "is.") from None
    except (OSError, ValueError) as problem:
        raise InputError(folder / RECORD, f"cannot be read ({type(problem).__name__})",
                         "Run the cohort again.") from None
    found = record.get("schema") if isinstance(record, dict) else None
    if found != SCHEMA:
        raise InputError(folder / RECORD, f"schema {found!r}", "Load it with the version of nmfit that wrote it.",
                         f"{SCHEMA}")
    covariates, labels = record.get("covariates"), record.get("labels")
    if not isinstance(covariates, dict) or not isinstance(labels, list):
        raise InputError(folder / RECORD, "no covariates or no labels", "Run the cohort again.")
    given = {name for known in covariates.values() for name in known}
    people = _rows(folder / "people.tsv", ("person",), given)
    people = [{name: covariates.get(row["person"], {}).get(name) if name in given else value
               for name, value in row.items()} for row in people]
    return CohortResult(record, people, _rows(folder / "params.tsv", COLUMNS), tuple(labels), covariates)


def _rows(path, columns, texts=frozenset()):
    """Return the rows of a table as dicts: numbers, texts, and None where nothing is."""
    cells = read_cells(path)
    head, *rows = cells.rows
    lacking = [name for name in columns if name not in head]
    if lacking:
        raise InputError(path, f"no column {lacking[0]}", "Run the cohort again.")
    found = []
    for line, row in zip(cells.lines[1:], rows, strict=True):
        if len(row) != len(head):
            raise InputError(f"{path}, line {line}", f"{len(row)} cells", "Run the cohort again.", f"{len(head)}")
        try:
            found.append({name: None if cell == ABSENT else cell if name in TEXTS or name in texts else float(cell)
                          for name, cell in zip(head, row, strict=True)})
        except ValueError:
            raise InputError(f"{path}, line {line}", "a cell that is no number", "Run the cohort again.") from None
    return found
