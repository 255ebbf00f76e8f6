"""What a fit leaves behind: the ladder, its scores beside what they must be held against, and the arrays."""

import dataclasses
import json
from pathlib import Path

import numpy as np

from ..errors import InputError
from . import schema
from .stored import fault_of, read_arrays, read_record


@dataclasses.dataclass(frozen=True, eq=False)
class Result:
    """A finished fit.

    Attributes
    ----------
    record : dict
        `fit.json`, schema 1: the rungs, the two answers `chosen` and `explained`, ceiling, reliability,
        baselines, nulls, confirmation, parameters, provenance. What is not finite is None.
    arrays : dict of str to ndarray
        `fit.npz`: ``labels``, ``weights``, ``fc_fit``, ``fc_model``; where there are any ``lengths`` (mm),
        ``centroids`` (mm), ``fc_score``, ``fc_explained``, ``null_permuted``, ``null_rewired``,
        ``null_distance`` (scores), and ``history_<rung>`` (loss per step). For spectra (modality "eeg"
        or "sources") ``freqs`` (Hz), ``ch_names``, ``psd_fit``, ``psd_model``, ``psd_score``, ``psd_sources``
        ``[s, f]`` and ``positions`` in place of FC.
    context : Context or None
        The data and the fits behind it, for `profile` and `nmfit.recover`; not stored, so None once loaded.

    Raises
    ------
    ValueError
        If the record departs from the schema or the arrays do not belong together.
    """

    record: dict
    arrays: dict
    context: object = dataclasses.field(default=None, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "record", schema.plain(self.record))
        object.__setattr__(self, "arrays", {name: np.asarray(array) for name, array in self.arrays.items()})
        fault = fault_of(self.record, self.arrays)
        if fault:
            raise ValueError(f"{fault[0]}: {fault[1]}")

    @property
    def chosen(self):
        """Name of the rung that predicts best."""
        return self.record["chosen"]

    @property
    def explained(self):
        """Name of the highest rung that clears every null and its coupling-0 twin, or None."""
        return self.record["explained"]

    @property
    def score(self):
        """Score of the chosen rung on the data opened once, or None where there were none."""
        return self.rung(self.chosen)["score_heldout"]

    @property
    def parameters(self):
        """Rows of name, region, value, standard error, interval, bounds, unit and flag."""
        return self.record["parameters"]

    @property
    def flags(self):
        """What a reader must know before believing the result."""
        return self.record["flags"]

    @property
    def labels(self):
        """Names of the regions."""
        return [str(label) for label in self.arrays["labels"]]

    @property
    def fc(self):
        """Functional connectivity of the chosen rung, ``[n, n]``."""
        return self.arrays["fc_model"]

    def rung(self, name):
        """Return the record of a rung; where a name was tried twice, the one that was kept."""
        rungs = [rung for rung in self.record["rungs"] if rung["name"] == name]
        if not rungs:
            raise KeyError(f"no rung '{name}'; there are {[rung['name'] for rung in self.record['rungs']]}")
        return next((rung for rung in rungs if rung["kept"]), rungs[-1])

    def history(self, name):
        """Return the losses of a rung's best start, step by step, or None."""
        return self.arrays.get(f"history_{name.replace(' + ', '_')}")

    def to_json(self):
        """Return `fit.json`: strict JSON, without NaN or infinities."""
        return json.dumps(self.record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def summary(self):
        """Return what was read, the climb, the score beside what it is held against, and the two answers."""
        from ..report import terminal

        return terminal.summary(self)

    def report(self, path):
        """Write one self-contained HTML page that opens offline."""
        from ..io import write_text
        from ..report.page import page

        write_text(path, page(self))

    def save(self, folder, overwrite=False):
        """Write `fit.json`, `fit.npz`, `params.tsv`, FC as labelled tables, figures and the report.

        Either everything is written or nothing: files are prepared aside and put in when all of them are there.

        Parameters
        ----------
        folder : path
            Made if it is not there.
        overwrite : bool
            Replace a result that the folder holds.

        Raises
        ------
        InputError
            If the folder holds a result already or cannot be written to.
        """
        from ..io import write_bytes, write_matrix, write_npz, write_table, write_text
        from ..io.staged import staged
        from ..report import files

        with staged(folder, overwrite) as place:
            write_npz(place / "fit.npz", **self.arrays)
            write_table(place / "params.tsv", files.PARAMETER_COLUMNS, files.parameter_rows(self))
            for name in self.arrays:
                if name.startswith("fc_"):
                    write_matrix(place / f"{name}.tsv", self.arrays[name], self.labels)
            (place / "figures").mkdir()
            for name, svg in files.figures(self):
                write_bytes(place / "figures" / f"{name}.svg", svg)
            self.report(place / "report.html")
            write_text(place / "fit.json", self.to_json())

    def plot(self):
        """Return the figure of the climb: see `plot_climb`."""
        return self.plot_climb()

    def plot_fc(self):
        """Return a figure of measured and modelled FC side by side, and their difference."""
        from ..report import figures

        return figures.matrices(self)

    def plot_scatter(self):
        """Return a figure of modelled against measured FC, one dot per pair of regions."""
        from ..report import figures

        return figures.edges(self)

    def plot_climb(self):
        """Return a figure of every rung's score beside ceiling, reliability, nulls and baselines."""
        from ..report import climb

        return climb.climb(self)

    def plot_maps(self):
        """Return a figure of the per-region parameters over the brain, or None where all are shared."""
        from ..report import brain_maps

        return brain_maps.maps(self)

    def plot_losses(self):
        """Return a figure of the losses step by step, or None where no history was kept."""
        from ..report import figures

        return figures.losses(self)

    def profile(self, name):
        """Return the profile of the loss along a shared parameter, and where it leaves the 95 % interval.

        Parameters
        ----------
        name : str
            Of a shared parameter, or of a slope such as ``"a along gradient1"``.

        Returns
        -------
        Profile

        Raises
        ------
        InputError
            For a result that was loaded, or a name that is not among the free shared parameters.
        """
        from .profile import profile

        return profile(self, name)

    def methods(self):
        """Return a methods paragraph to take into a paper: what was done, versions, counts and citations."""
        from ..report import methods

        return methods.paragraph(self)

    def save_bids(self, folder, *, sub, **entities):
        """Write the result as BIDS derivatives, named ``sub-01_task-rest_atlas-A_model-Hopf_desc-fit_params.tsv``.

        Parameters
        ----------
        folder : path
            Of the derivatives; gets ``dataset_description.json`` unless it has one.
        sub : str
        **entities
            ``ses``, ``task``, ``run``, ``atlas``; and ``sources``, BIDS URIs of what was fitted.

        Returns
        -------
        list of pathlib.Path
        """
        from ..io.export import write_bids
        from ..report import files
        from ..report.page import page

        return write_bids(self, folder, sub=sub, rows=files.parameter_rows(self), columns=files.PARAMETER_COLUMNS,
                          page=lambda: page(self), **entities)

    def to_pandas(self):
        """Return the table of parameters as a pandas DataFrame (pandas is an extra: ``nmfit[tables]``)."""
        from ..io.export import to_pandas
        from ..report import files

        return to_pandas(files.parameter_rows(self), files.PARAMETER_COLUMNS)

    def to_xarray(self):
        """Return matrices, spectra and parameters as an xarray Dataset (xarray is an extra: ``nmfit[tables]``)."""
        from ..io.export import to_xarray

        return to_xarray(self)

    def to_mne(self, which="model"):
        """Return spectra as an mne ``SpectrumArray``: of the "model", or of the "fit" or "score" part."""
        from ..io.export import to_mne

        return to_mne(self, which)

    def _repr_html_(self):
        from ..report.page import fragment

        return fragment(self)


def load_result(folder):
    """Load a result that `Result.save` wrote.

    Parameters
    ----------
    folder : path
        The folder that holds `fit.json` and `fit.npz`.

    Returns
    -------
    Result

    Raises
    ------
    InputError
        If the folder holds no result, or one that is damaged or of a later schema.
    """
    from ..io.staged import finish

    folder = Path(folder)
    try:
        finish(folder)
    except OSError as problem:
        raise InputError(folder, f"a result whose writing was interrupted ({problem.strerror})",
                         "Make the folder writable, so that it can be finished.") from None
    record = read_record(folder / "fit.json")
    arrays = read_arrays(folder / "fit.npz")
    fault = fault_of(record, arrays)
    if fault:
        raise InputError(f"{folder}: {fault[0]}", fault[1], "Fit again or restore the folder.")
    return Result(record, arrays)
