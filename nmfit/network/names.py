"""Region names: which hemisphere one says, and what it is called apart from that."""

import re

SIDES = {"l": "L", "lh": "L", "left": "L", "r": "R", "rh": "R", "right": "R"}
# What pipelines put around a name without changing which region is meant.
ORNAMENTS = re.compile(r"^(ctx|\d+networks|roi)$")
UNNAMED = re.compile(r"region_(?P<number>\d+)(_of_(?P<total>\d+))?")


def numbered(n):
    """Return the names regions have when nobody named them: ``region_1`` to ``region_n``."""
    return tuple(f"region_{i + 1}" for i in range(n))


def are_names(labels):
    """Say whether labels name regions: given, and not merely counted by `numbered`."""
    return labels is not None and numbers(labels) is None


def numbers(labels):
    """Return the places (from 0) counted names stand for and how many there were; None for true names."""
    found = [UNNAMED.fullmatch(label) for label in labels]
    if not found or not all(found):
        return None
    return [int(match["number"]) - 1 for match in found], int(found[0]["total"] or len(labels))


def pick(labels, at):
    """Return the labels at some places; counted names remember their place: ``region_3_of_80``."""
    if not are_names(labels):
        places, total = numbers(labels)
        labels = tuple(f"region_{place + 1}_of_{total}" for place in places)
    return tuple(labels[i] for i in at)


def canonical(label):
    """Split a label into its hemisphere and the rest, so that spellings of one region agree.

    ``ctx-lh-bankssts``, ``L_bankssts``, ``lh.bankssts`` and ``bankssts_L`` are all ``("L", "bankssts")``.

    Parameters
    ----------
    label : str

    Returns
    -------
    side : "L", "R" or ""
        The empty string where the label does not tell, or tells both.
    stem : str
        The label in lower case without its hemisphere, separators and ornaments.
    """
    if re.match(r"[lr][A-Z]", label):  # TVB writes lA1 and rA1
        label = f"{label[0]}_{label[1:]}"
    words = [word for word in re.split(r"[^a-z0-9]+", label.lower()) if word and not ORNAMENTS.match(word)]
    found = {SIDES[word] for word in words if word in SIDES}
    if len(found) != 1:
        return "", "_".join(words)
    return found.pop(), "_".join(word for word in words if word not in SIDES)


def some(names, limit=6):
    """Write a list of names for a sentence: the first few, and how many more there are."""
    names = [str(name) for name in names]
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
