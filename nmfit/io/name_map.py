"""Two schemes of region names, joined by a table."""

from ..errors import InputError
from ..network.names import some
from .cells import read_cells
from .files import is_path, split_key


def read_name_map(source):
    """Read which name of one scheme is which of another.

    Parameters
    ----------
    source : path, dict of str to str, or None
        A table of two columns, a header or none: the names of one scheme, the names of the other.

    Returns
    -------
    dict of str to str
        Empty for None.

    Raises
    ------
    InputError
        For rows without two names, and for names that stand for two regions.
    """
    if source is None:
        return {}
    if not is_path(source):
        return dict(source)
    file, _ = split_key(source)
    cells = read_cells(file)
    for line, row in zip(cells.lines, cells.rows, strict=True):
        if len(row) != 2 or not all(row):
            raise InputError(f"{file}, line {line}", f"{len([cell for cell in row if cell])} names",
                             "Give two columns: a name of one scheme, its name in the other.", "two")
    pairs = [tuple(row) for row in cells.rows]
    for at, what in enumerate(("first", "second")):
        names = [pair[at] for pair in pairs]
        twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        if twice:
            raise InputError(f"{file}, {what} column", f"names given more than once: {some(twice)}",
                             "Give each region one row.")
    other = {pair[1]: pair[0] for pair in pairs}
    crossed = [name for name, there in pairs if name in other and other[name] != name and there != name]
    if crossed:
        raise InputError(file, f"names that stand for one region in one scheme and for another in the other: "
                         f"{some(crossed)}", "Rename the regions in one of the files.")
    return dict(pairs)
