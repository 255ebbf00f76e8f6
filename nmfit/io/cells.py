"""Text files as rows of cells: comments, separators and quotes are settled here, meaning is not."""

import csv
import dataclasses

from ..errors import InputError
from .files import disguise, fingerprint, parsing, read_bytes

LONGEST_COMMENT = 200


@dataclasses.dataclass(frozen=True)
class Cells:
    r"""A text file as rows of cells.

    Attributes
    ----------
    rows : list of list of str
        Without comments and blank lines.
    lines : list of int
        For each row its line in the file, counted from 1.
    separator : str
        ``"\\t"``, ``";"``, ``","`` or ``""`` for runs of spaces.
    notes : tuple of str
        What the comment lines say.
    sha256 : dict of str to str
    """

    rows: list
    lines: list
    separator: str
    notes: tuple
    sha256: dict


def read_cells(path, whole_lines=False):
    """Read a text file into cells.

    Parameters
    ----------
    path : path
    whole_lines : bool
        Keep a line without tab, semicolon or comma as one cell, spaces and all.
    """
    raw = read_bytes(path)
    text = _decoded(path, raw)
    numbered, notes = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            if numbered and not whole_lines:
                raise InputError(f"{path}, line {number}", f"{line.strip()[:40]!r}, a comment among the rows",
                                 "Put comments above the rows; a damaged row looks like this, too.")
            notes.append(line.strip().lstrip("# ")[:LONGEST_COMMENT])
        elif line.strip():
            numbered.append((number, line))
    if not numbered:
        raise InputError(path, "no rows", "Write the file again.")
    separator = next((mark for mark in "\t;," if mark in numbered[0][1]), "")
    if separator:
        with parsing(path, "a table"):
            rows = list(csv.reader((line for _, line in numbered), delimiter=separator,
                                   skipinitialspace=separator != "\t", strict=True))
        if len(rows) != len(numbered):
            raise InputError(path, "a quoted cell that runs over several lines", "Keep each row on one line.")
    elif whole_lines:
        rows = [[line] for _, line in numbered]
    else:
        rows = [line.split() for _, line in numbered]
    rows = [[cell.strip() for cell in row] for row in rows]
    if separator and len(rows[-1]) > 1 and all(row[-1] == "" for row in rows):
        rows = [row[:-1] for row in rows]  # every line ends in a separator
    return Cells(rows, [number for number, _ in numbered], separator,
                 tuple(f"comment in the file: {note}" for note in notes if note), fingerprint(path, raw))


def _decoded(path, raw):
    what = disguise(raw)
    if what is not None:
        raise InputError(path, f"named as text, but it is {what}",
                         "Give the file its true name, or write it as text.")
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8-sig")):
        if raw.startswith(mark):
            try:
                text = raw.decode(encoding)
            except UnicodeDecodeError as error:
                raise InputError(path, f"byte {error.start + 1} is not text",
                                 "Save the file as UTF-8 text.") from None
            break
    if "\x00" in text:
        raise InputError(path, f"byte {text.index(chr(0)) + 1} is not text", "Save the file as UTF-8 text.")
    return text
