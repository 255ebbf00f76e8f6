"""Groups of labelled arrays as netCDF, as ArviZ and xarray open them."""

import tempfile
from pathlib import Path

from ..errors import InputError
from .write import write_bytes


def write_groups(path, groups, attributes=None):
    """Write groups of arrays into one netCDF file.

    Parameters
    ----------
    path : path
    groups : dict
        ``{group: {name: (dimensions, array)}}``.
    attributes : dict, optional
        Texts and numbers of every group.

    Raises
    ------
    InputError
        Where xarray or h5netcdf is not installed.
    """
    try:
        import h5netcdf  # noqa: F401
        import xarray
    except ImportError:
        raise InputError("netCDF", "xarray or h5netcdf is not installed", "pip install 'nmfit[bayes]'.") from None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "groups.nc"
        for k, (group, arrays) in enumerate(groups.items()):
            xarray.Dataset(arrays, attrs=attributes or {}).to_netcdf(
                file, mode="a" if k else "w", group=group, engine="h5netcdf")
        write_bytes(path, file.read_bytes())
