"""Empirical FC and its dynamics from scans: what fits through simulation are held against."""

import dataclasses
from typing import ClassVar

import numpy as np

from ..errors import InputError
from ..shown import Shown
from .empirical import band_pass, functional_connectivity, group_fc
from .recording import Recording
from .scan_scores import score_scans
from .series import (
    analytic,
    effective_samples,
    fcd_values,
    fcd_windows,
    ks_distance,
    order_parameter,
    phase_randomised,
    thinned,
    trimmed,
)
from .upstream import declared, within_filter


@dataclasses.dataclass(frozen=True, eq=False)
class Scans:
    """FC, the distribution of FCD, and synchrony of some scans.

    Attributes
    ----------
    fc : ``[n, n]``, group FC
    fcd : vector, FCD of all scans pooled, or None
    order : vector, Kuramoto's order of all scans, one after the other, or None
    twin_ks : KS distance of the FCD to that of the scans' phase-randomised twins, or None
    samples : effective number of independent samples behind the FC, or None
    runs : how many scans these are
    """

    fc: np.ndarray
    fcd: np.ndarray | None = None
    order: np.ndarray | None = None
    twin_ks: float | None = None
    samples: float | None = None
    runs: int = 1


@dataclasses.dataclass(frozen=True, eq=False)
class ScanTarget(Shown):
    """Scans to fit and scans to score, and how both were measured. Build one with `scan_target`.

    Attributes
    ----------
    fit : Scans
    score : Scans, or None
    tr : float, seconds
    volumes : int, of one scan
    band : (low, high) in Hz, or None
    window, step : seconds, of FCD
    labels : tuple of str, or None
    notes, flags : tuples of str
    sha256 : dict of file name to fingerprint
    real : what the scans of the fit part score against the score part, as simulated ones are scored (`score_scans`):
        how good a simulation can be; None without a score part or with one scan
    """

    shown_as: ClassVar = "scan_target"

    fit: Scans
    score: Scans | None
    tr: float
    volumes: int
    band: tuple | None
    window: float
    step: float
    labels: tuple | None = None
    notes: tuple = ()
    sha256: dict = dataclasses.field(default_factory=dict)
    flags: tuple = ()
    real: dict | None = None

    @property
    def n(self):
        """Number of regions."""
        return self.fit.fc.shape[0]

    @property
    def against(self):
        """What scores: the score part, or the fit part where there is none."""
        return self.fit if self.score is None else self.score

    def windows(self):
        """Return the first samples of FCD's windows in a scan after trimming, and their length."""
        edge = len(trimmed(np.zeros((self.volumes, 1)), self.tr, self.band))
        return fcd_windows(edge, self.tr, self.window, self.step)


def scan_target(data=None, *, heldout=None, tr=None, band=(0.01, 0.1), window=60.0, step=10.0, fc=None, fcd=None,
                heldout_fc=None, heldout_fcd=None, volumes=None, labels=None, gsr=None):
    """Measure scans for a fit through simulation, or take FC and FCD that were measured elsewhere.

    Parameters
    ----------
    data, heldout : list of Recording or of arrays ``[t, n]``, optional
        Scans to fit, scans to score.
    tr : float, optional
        Seconds; for arrays, and beside `fc`.
    band : (low, high) in Hz, or None
    window, step : float, seconds, of FCD
    fc, heldout_fc : arrays ``[n, n]``, optional
        Instead of `data`: FC as measured, with `fcd`, `heldout_fcd` the pooled values of FCD if there are any, and
        ``volumes`` the length of one scan, with the same band and windows.
    gsr : bool, optional
        Whether the global signal was regressed out of the data, which is refused: simulated scans do not undergo it.

    Raises
    ------
    InputError
        For scans of unlike length or TR, scans too short for the windows, and censored ones.
    """
    if declared(data, heldout, "gsr", gsr):
        raise InputError("scans", "their global signal regressed out, which a fit through simulation does not undergo",
                         "Fit their FC in closed form (fc_target), or give scans without the regression.")
    band, notes = within_filter(band, declared(data, heldout, "filtered", None), data is None)
    if (data is None) == (fc is None):
        raise InputError("scans", "neither series nor FC, or both", "Give data=, or fc= with tr= and volumes=.")
    if data is None:
        if tr is None or volumes is None:
            raise InputError("scans", "FC without tr= or volumes=", "Say how the scans behind it were measured.")
        parts = [None if f is None else Scans(np.asarray(f, float), None if d is None else thinned(d))
                 for f, d in ((fc, fcd), (heldout_fc, heldout_fcd))]
        return ScanTarget(parts[0], parts[1], float(tr), int(volumes), band, window, step, labels)
    runs = _recordings(data, tr)
    held = None if heldout is None else _recordings(heldout, tr)
    first = runs[0]
    for run in [*runs, *(held or [])]:
        if run.data.shape != first.data.shape or run.tr != first.tr:
            raise InputError(run.source or "BOLD", f"{run.data.shape[0]} volumes x {run.n} regions, TR {run.tr:g} s",
                             "Give scans of one length, parcellation and TR.",
                             f"{first.data.shape[0]} x {first.n}, TR {first.tr:g} s")
        censored = [note for note in run.notes if "censor" in note.lower()]
        if censored:
            raise InputError(run.source or "BOLD", "a censored series, whose windows are no stretches of time",
                             "Fit its FC (fc_target), or give the series without censoring.")
    score = None if held is None else measured(held, band, window, step)
    target = ScanTarget(measured(runs, band, window, step), score, first.tr, len(first.data), band, window, step,
                        first.labels, notes=notes,
                        sha256={k: v for run in [*runs, *(held or [])] for k, v in run.sha256.items()})
    if score is None or len(runs) < 2:
        return target
    return dataclasses.replace(target, real=score_scans(np.stack([run.data for run in runs]), target)[0])


def measured(runs, band, window, step, seed=0):
    """Return the `Scans` of recordings of one length."""
    tr = runs[0].tr
    passed = [trimmed(run.data, tr, band) for run in runs]
    twins = [phase_randomised(p, [seed, i]) for i, p in enumerate(passed)]
    pooled, linear = (np.concatenate([fcd_values(p, tr, window, step) for p in part]) for part in (passed, twins))
    return Scans(
        fc=group_fc([functional_connectivity(run.data, tr, band) for run in runs]), fcd=thinned(pooled),
        order=None if band is None else np.concatenate(
            [order_parameter(np.angle(analytic(band_pass(run.data, tr, band)))) for run in runs]),
        twin_ks=ks_distance(pooled, linear), samples=float(np.mean([effective_samples(p) for p in passed])),
        runs=len(runs))


def _recordings(data, tr):
    data = data if isinstance(data, list | tuple) else [data]
    return [d if isinstance(d, Recording) else Recording(np.asarray(d, float), tr, subject=f"{i + 1}",
                                                         source=f"array {i + 1}") for i, d in enumerate(data)]
