"""The data that ships with the package."""

from pathlib import Path

from ..errors import InputError

# Beside the modules where the package is installed, beside the package in a checkout.
PLACES = (Path(__file__).parents[1] / "data_samples", Path(__file__).parents[2] / "data_samples")


def sample(name):
    """Return the folder of a data set that ships with the package.

    Parameters
    ----------
    name : str
        ``"gw_aal2"``: resting-state fMRI and connectomes of five people, 80 regions.

    Returns
    -------
    pathlib.Path
        With a ``README.md`` that states origin, licence and citation.
    """
    known = sorted(folder.name for place in PLACES if place.is_dir() for folder in place.iterdir()
                   if (folder / "README.md").is_file())
    for place in PLACES:
        if name in known and (place / name / "README.md").is_file():
            return place / name
    raise InputError("sample", f"found {name!r}",
                     f"Choose one of {', '.join(known)}." if known else "Reinstall nmfit with its data.")
