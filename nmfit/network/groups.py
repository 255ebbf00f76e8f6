"""Which regions a group, an instrument or a stimulus means: by label or by index, each checked."""

import numpy as np

from ..errors import InputError
from ..models import Model


def placed_models(labels, model):
    """Return the models of a network by group, and of every group its name and the indices of its regions.

    Parameters
    ----------
    labels : tuple of str
    model : Model, or dict of group name to (Model, regions)

    Raises
    ------
    InputError
        Naming what is no model, a region in two groups or in none.
    """
    if isinstance(model, Model):
        return {"all": model}, (("all", tuple(range(len(labels)))),)
    if not isinstance(model, dict):
        raise InputError("model", f"found {model!r}", "Give an instance, such as nmfit.Hopf(), or a dict of groups.")
    for name, entry in model.items():
        if not isinstance(entry, tuple | list) or len(entry) != 2 or not isinstance(entry[0], Model):
            raise InputError(f"group '{name}'", f"found {entry!r}", "Give a model and its regions.",
                             "such as (nmfit.Hopf(), ['V1', 'M1'])")
    members = tuple((name, indices_of(labels, f"group '{name}'", regions)) for name, (_, regions) in model.items())
    check_cover(labels, members)
    return {name: one for name, (one, _) in model.items()}, members


def indices_of(labels, where, regions):
    """Return the indices of regions given by label or index."""
    known = {label: i for i, label in enumerate(labels)}
    found = []
    for region in ([regions] if isinstance(regions, str) else regions):
        if isinstance(region, str):
            if region not in known:
                raise InputError(where, f"the connectome has no region {region}", "Use its labels.")
            found.append(known[region])
            continue
        if not isinstance(region, int | np.integer) or isinstance(region, bool):
            raise InputError(where, f"region {region!r}", "Name regions by label, or by index from 0.")
        if not 0 <= int(region) < len(labels):
            raise InputError(where, f"region index {region}", "Use indices of the connectome.",
                             f"0 to {len(labels) - 1}")
        found.append(int(region))
    if not found:
        raise InputError(where, "it has no region", "Give at least one region, or leave the group out.")
    return tuple(found)


def check_cover(labels, members):
    """Refuse groups that share a region or leave one out."""
    seen = {}
    for name, at in members:
        for i in at:
            if i in seen:
                raise InputError(f"group '{name}'", f"region {labels[i]} is also in group '{seen[i]}'",
                                 "Put every region into one group.")
            seen[i] = name
    missing = [label for i, label in enumerate(labels) if i not in seen]
    if missing:
        raise InputError("groups", f"region {missing[0]} is in none ({len(missing)} in all)",
                         "Put every region into one group.")


def seen_regions(labels, members, observed):
    """Return the regions an instrument sees, in the connectome's order; None for all.

    Parameters
    ----------
    labels : tuple of str
    members : tuple of (group, indices)
    observed : None, or names of groups, labels or indices of regions
    """
    if observed is None:
        return None
    groups, found = dict(members), set()
    for one in ([observed] if isinstance(observed, str) else observed):
        found.update(groups[one] if one in groups else indices_of(labels, "observed", [one]))
    if not found:
        raise InputError("observed", "no region", "Name the groups or regions that the instrument sees.")
    return None if len(found) == len(labels) else tuple(sorted(found))
