"""What other libraries hand over in memory, known by what it answers to; none of them is imported."""

import numpy as np

from ..errors import InputError

TIMES = ("time", "times", "t", "volume", "volumes")
UNITS = {"s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "msec": 1e-3, "milliseconds": 1e-3}


def masker_names(masker):
    """Return the names of the columns that a fitted masker of nilearn's makes, or None where it is no masker.

    Raises
    ------
    InputError
        For a masker that is not fitted, or that knows no names.
    """
    if isinstance(masker, (list, tuple, np.ndarray)) or not hasattr(masker, "fit_transform"):
        return None
    held = getattr(masker, "region_names_", None)
    if held is None and not hasattr(masker, "n_elements_") and not hasattr(masker, "mask_img_"):
        raise InputError("labels (a masker)", "it is not fitted, and knows no regions", "Call its fit first.")
    if not held:
        raise InputError("labels (a masker)", "it knows no names of regions", "Give it labels= or lut=, or give names.")
    return tuple(str(held[k]) for k in sorted(held)) if hasattr(held, "keys") else tuple(map(str, held))


def named_array(source, noun):
    """Take an array, or a table of pandas or xarray, apart.

    Parameters
    ----------
    source : array, DataFrame, or DataArray with dimensions (time, region) or (region, region)
    noun : str

    Returns
    -------
    values : array or what was given
    names : tuple of str or None
        Of the columns.
    tr : float or None
        Seconds from row to row, where a time coordinate tells them with its unit.
    """
    if hasattr(source, "dims") and hasattr(source, "coords") and hasattr(source, "values"):
        return _from_xarray(source, noun)
    if hasattr(source, "columns") and hasattr(source, "to_numpy"):
        names = tuple(map(str, source.columns))
        values = source.to_numpy()
        index = tuple(map(str, source.index))
        if values.shape[0] == values.shape[1] and index != names and not all(i.isdigit() for i in index):
            raise InputError(f"{noun} (a table)", f"row {index[0]!r} but column {names[0]!r}",
                             "Give rows and columns the same regions in the same order.")
        return values, None if all(name.isdigit() for name in names) else names, None
    return source, None, None


def _from_xarray(source, noun):
    dims = tuple(map(str, source.dims))
    if len(dims) != 2:
        raise InputError(f"{noun} (a DataArray)", f"dimensions {', '.join(dims)}", "Select one recording.",
                         "two: (time, region)")
    time = next((i for i, dim in enumerate(dims) if dim.lower() in TIMES), None)
    values = np.asarray(source.values)
    if time is None:
        region = dims[1]
    else:
        region, values = dims[1 - time], (values if time == 0 else values.T)
    names = tuple(map(str, np.asarray(source.coords[region].values))) if region in source.coords else None
    if names is not None and all(name.isdigit() for name in names):
        names = None
    return values, names, None if time is None else _step(source, dims[time], noun)


def _step(source, dim, noun):
    if dim not in source.coords:
        return None
    coordinate = source.coords[dim]
    unit = str(getattr(coordinate, "attrs", {}).get("units", "")).lower()
    places = np.asarray(coordinate.values, dtype=float)
    if unit not in UNITS or len(places) < 2:
        return None
    steps = np.diff(places)
    if np.ptp(steps) > 1e-3 * abs(steps.mean()):
        raise InputError(f"{noun} (a DataArray), coordinate {dim}",
                         f"steps of {steps.min():g} to {steps.max():g} {unit}", "Give a series that is evenly sampled.")
    return float(steps.mean()) * UNITS[unit]
