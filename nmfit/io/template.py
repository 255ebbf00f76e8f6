"""A brain for those who have a recording and no connectome: what ships, averaged."""

from ..errors import InputError
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
    folder = sample(TEMPLATES[name])
    return read_connectome(folder / "sub-*_weights.csv", lengths=folder / "sub-*_lengths.csv",
                           labels=folder / "labels.tsv")
