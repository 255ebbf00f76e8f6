"""A brain for those who have a recording and no connectome: what ships, averaged."""

from pathlib import Path

from ..errors import InputError
from ..network import Connectome
from .connectome import read_connectome
from .samples import sample

TEMPLATES = {"aal2-80": "gw_aal2"}


def template(name):
    """Return a template connectome with tract lengths and centroids.

    It stands for nobody in particular: whatever is fitted on it says what a typical wiring could do.

    Parameters
    ----------
    name : str
        ``"aal2-80"``: the cortex of AAL2, mean of five people.

    Returns
    -------
    Connectome

    Raises
    ------
    InputError
        For a name that is not known.
    """
    if name not in TEMPLATES:
        raise InputError("template", f"found {name!r}", f"Choose one of {', '.join(TEMPLATES)}.")
    folder = Path(sample(TEMPLATES[name]))
    people = [read_connectome(weights, lengths=folder / weights.name.replace("weights", "lengths"),
                              labels=folder / "labels.tsv") for weights in sorted(folder.glob("sub-*_weights.csv"))]
    return Connectome.mean(people)
