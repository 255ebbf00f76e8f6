"""Results as others want them: BIDS derivatives, tables of pandas, data sets of xarray."""

import importlib
import re

import numpy as np

from ..errors import InputError
from .mne_spectrum import to_mne_spectrum
from .write import prepare_folder, write_json, write_matrix, write_table, write_text

BIDS_VERSION = "1.10.0"
WORD = re.compile(r"[A-Za-z0-9]+")
PARAMETERS = {
    "name": "Parameter of the model.", "region": "Region (or sensor) that has a value of its own; n/a where it is "
    "shared.", "value": "Value, in the unit of the column unit.", "se": "Standard error.",
    "ci95_low": "Lower end of the 95 % interval.", "ci95_high": "Upper end of the 95 % interval.",
    "bound_low": "Lowest value allowed.", "bound_high": "Highest value allowed.", "unit": "Unit.",
    "flag": "What to know before believing the value."}


def write_bids(result, folder, *, sub, rows, columns, page, ses=None, task=None, run=None, atlas=None,
               sources=()):
    """Write a result as BIDS derivatives: ``sub-01/[ses-1/]sub-01_task-rest_atlas-A_model-Hopf_desc-fit_params.tsv``.

    Parameters
    ----------
    result : Result
    folder : path
        The derivatives folder; gets ``dataset_description.json`` unless it has one.
    sub, ses, task, run, atlas : str
        BIDS entities, letters and digits only; ``sub-01`` is taken as ``01``.
    rows, columns
        Of the table of parameters.
    page : function of no arguments
        Returns the report.
    sources : sequence of str
        BIDS URIs of what was fitted.

    Returns
    -------
    list of pathlib.Path
        What was written.
    """
    given = {"sub": sub, "ses": ses, "task": task, "run": run, "atlas": atlas,
             "model": result.rung(result.chosen)["model"]}
    entities = {key: _word(key, value) for key, value in given.items() if value is not None}
    root = prepare_folder(folder, overwrite=True)
    place = root / f"sub-{entities['sub']}"
    place = place / f"ses-{entities['ses']}" if "ses" in entities else place
    place.mkdir(parents=True, exist_ok=True)
    stem = "_".join(f"{key}-{value}" for key, value in entities.items())
    made = [_described(root)]

    def path(desc, suffix):
        made.append(place / f"{stem}_desc-{desc}_{suffix}")
        return made[-1]

    about = {"Sources": list(sources), "Provenance": result.record["provenance"], "Flags": result.flags}
    write_table(path("fit", "params.tsv"), columns, rows)
    said = {name: {"Description": PARAMETERS.get(name, name)} for name in columns}
    write_json(path("fit", "params.json"), said | about)
    for desc, name in (("data", "fc_fit"), ("model", "fc_model")):
        if name in result.arrays:
            write_matrix(path(desc, "relmat.tsv"), result.arrays[name], result.labels)
            write_json(path(desc, "relmat.json"), {"Description": f"Functional connectivity, {desc}: Pearson's r.",
                                                   "Weighted": True, "Directed": False, **about})
    for desc, name in (("data", "psd_fit"), ("model", "psd_model")):
        if name in result.arrays:
            channels = [str(channel) for channel in result.arrays["ch_names"]]
            spectra = np.c_[result.arrays["freqs"], result.arrays[name].T]
            write_table(path(desc, "psd.tsv"), ("frequency", *channels), spectra)
            write_json(path(desc, "psd.json"), {"frequency": {"Units": "Hz"},
                                                "Description": f"Power spectral density, {desc}.", **about})
    write_text(path("fit", "report.html"), page())
    write_text(path("fit", "result.json"), result.to_json())
    return made


def _word(key, value):
    value = str(value).removeprefix(f"{key}-")
    if not WORD.fullmatch(value):
        raise InputError(f"{key}-", f"{value!r}", "Use letters and digits only, as BIDS does.")
    return value


def _described(root):
    from importlib.metadata import PackageNotFoundError, version

    path = root / "dataset_description.json"
    if path.exists():
        return path
    try:
        number = version("nmfit")
    except PackageNotFoundError:
        number = "unknown"
    write_json(path, {"Name": "nmfit: fitted models of brain dynamics", "BIDSVersion": BIDS_VERSION,
                      "DatasetType": "derivative", "GeneratedBy": [{"Name": "nmfit", "Version": number}]})
    return path


def to_pandas(rows, columns):
    """Return rows as a pandas DataFrame."""
    return _library("pandas").DataFrame(list(rows), columns=list(columns))


def to_xarray(result):
    """Return the arrays of a result, and its parameters per region, as an xarray Dataset."""
    xarray = _library("xarray")
    labels = result.labels
    coords, held = {"region": labels, "region_from": labels}, {}
    for name, array in result.arrays.items():
        if name.startswith("fc_") or name in ("weights", "lengths"):
            held[name] = (("region", "region_from"), array)
        elif name == "centroids":
            coords["axis"] = list("xyz")
            held[name] = (("region", "axis"), array)
        elif name.startswith("psd_"):
            coords |= {"channel": [str(c) for c in result.arrays["ch_names"]], "frequency": result.arrays["freqs"]}
            held[name] = (("channel", "frequency"), array)
        elif name.startswith(("null_", "history_")):
            held[name] = ((f"{name}_item",), array)
    values = {}
    for row in result.parameters:
        value = np.nan if row["value"] is None else row["value"]
        values.setdefault((row["name"], row["unit"]), {})[row["region"]] = value
    for (name, unit), found in values.items():
        shared = set(found) == {None}
        if shared or set(found) <= set(labels):
            data = found[None] if shared else [found.get(label, np.nan) for label in labels]
            held[f"parameter_{name}"] = ((), data, {"units": unit}) if shared else (("region",), data, {"units": unit})
    about = {"status": result.record["status"], "chosen": result.chosen, "explained": result.explained or "",
             "flags": list(result.flags), "command": str(result.record["provenance"].get("command") or "")}
    return xarray.Dataset(held, coords, about)


def to_mne(result, which="model"):
    """Return spectra of a result, a channel or region each, as an mne ``SpectrumArray``."""
    name = f"psd_{which}"
    if name not in result.arrays:
        held = [key.removeprefix("psd_") for key in result.arrays if key.startswith("psd_")]
        raise InputError("to_mne", f"no spectra '{which}'", f"Choose among {', '.join(held)}." if held else
                         "A fit of FC holds none.")
    return to_mne_spectrum(result.arrays["freqs"], result.arrays[name].T, map(str, result.arrays["ch_names"]),
                           result.arrays.get("positions"))


def _library(name):
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise InputError(name, "not installed", "Install it: pip install 'nmfit[tables]'.") from None
