"""Reading which region holds which model: the table of a mixed network."""

from ..errors import InputError
from ..models import model_named
from .maps import region_rows


def read_groups(path, labels=None):
    """Read the groups of a mixed network.

    Parameters
    ----------
    path : str or path
        A table with a header, a column ``region`` (else the first column names the regions), a column ``model``
        and, where two groups hold one model, a column ``group``; a group is called as its model otherwise.
    labels : sequence of str, optional
        The regions of the connectome: others in the file are passed over.

    Returns
    -------
    dict of str to (Model, tuple of str)
        For every group its model, at its defaults, and its regions in the order of the connectome (of the file, without
        ``labels``): what `Network.of` takes.

    Raises
    ------
    InputError
        Naming the column that is missing, the region that is given twice, the model that is unknown, the group that
        holds two.
    """
    header, rows = region_rows(path, "Give a column 'region' and a column 'model'.")
    header = [name.lower() for name in header]
    if "model" not in header:
        raise InputError(path, f"columns region, {', '.join(header)[:100]}", "Name one column 'model'.")
    if labels is not None:
        # the connectome's order, so that noise, which goes by place, does not depend on how the rows are sorted
        order = {label: i for i, label in enumerate(labels)}
        rows = sorted((row for row in rows if row[0] in order), key=lambda row: order[row[0]])
    groups = {}
    for region, cells, place in rows:
        row = dict(zip(header, cells, strict=True))
        model = model_named(row["model"], f"{place}column model ({region})")
        name = row.get("group") or model.__name__
        held, regions = groups.setdefault(name, (model, []))
        if held is not model:
            raise InputError(f"{place}column model ({region})",
                             f"group '{name}' holds {held.__name__} and {model.__name__}",
                             "Give every group one model.")
        regions.append(region)
    if not groups:
        raise InputError(path, "no region of the connectome", "Name regions as the connectome does.",
                         None if labels is None else ", ".join(labels[:6]))
    return {name: (model(), tuple(regions)) for name, (model, regions) in groups.items()}
