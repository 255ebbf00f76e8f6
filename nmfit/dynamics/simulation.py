"""What a simulation answers: the series, and the same questions that the linear engine answers."""

import dataclasses
from typing import ClassVar

import jax
import numpy as np

from ..errors import InputError
from ..shown import Shown


class SimulationDiverged(ArithmeticError):
    """A simulation left the finite range; says when and where.

    Attributes
    ----------
    time : seconds after the warm-up (negative during it), or None
    region, state : names
    run : index of the run
    """

    def __init__(self, time, region, state, run, remedy):
        self.time, self.region, self.state, self.run = time, region, state, run
        when = f"at {time:.6g} s" + (" (in the warm-up)" if time <= 0 else "")
        super().__init__(f"the simulation left the finite range {when} in region {region}, state {state}"
                         f"{f', run {run}' if run else ''}. {remedy}")


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Simulation(Shown):
    """Sampled series of one run, or of several, and the questions that the linear engine answers, too.

    Attributes
    ----------
    data : ``[t, r]``, or ``[runs, t, r]`` for more than one run
        Of sensors, if the instrument has a gain, else of regions. Of regions, too, where a lead field has incoherent
        modes: these have power but no series.
    times : ``[t]`` seconds
    labels : names of the signals in `data`
    sample : seconds between samples
    dt : step of the integration in seconds
    outputs : what regions sent, ``[t, k, n]`` or ``[runs, t, k, n]``, where asked for
    observe : the instrument, if `data` are regions' and the answers are sensors'
    """

    shown_as: ClassVar = "simulation"

    data: np.ndarray
    times: np.ndarray
    labels: tuple
    sample: float
    dt: float
    outputs: np.ndarray | None = None
    observe: object = None

    def __repr__(self):
        runs = f"{self._runs.shape[0]} runs of " if self.data.ndim == 3 else ""
        return (f"Simulation({runs}{self.times.size} samples every {self.sample:g} s, {len(self.labels)} "
                f"signals, dt {self.dt:g} s)")

    @property
    def _runs(self):
        return self.data if self.data.ndim == 3 else self.data[None]

    def covariance(self):
        """Return the covariance ``[r, r]`` about each run's mean, over all runs."""
        runs, samples, _ = self._runs.shape
        if samples < 2:
            raise InputError("covariance", f"{samples} sample", "Simulate longer.", "at least 2 samples")
        centred = self._runs - self._runs.mean(1, keepdims=True)
        return self._projected(np.einsum("btr,bts->rs", centred, centred, optimize=True) / (runs * (samples - 1)))

    def fc(self):
        """Return Pearson's correlation ``[r, r]`` over all runs.

        Raises
        ------
        InputError
            If a signal does not vary.
        """
        covariance = self.covariance()
        deviation = np.sqrt(np.diagonal(covariance))
        if not (deviation > 0).all():
            raise InputError("fc", f"signal {int(np.argmin(deviation))} does not vary",
                             "Give the model noise, or a start away from rest.")
        return covariance / np.outer(deviation, deviation)

    def freqs(self, nperseg=None):
        """Return the frequencies in Hz at which a segment has independent values, 0 left out."""
        return np.fft.rfftfreq(self._segment(nperseg), self.sample)[1:]

    def psd(self, freqs, nperseg=None):
        """Return the one-sided power spectral density per Hz, ``[f, r]``.

        Welch's estimate (Hann segments with their mean removed, half overlapping), evaluated at the frequencies
        asked for; at `freqs` it is that of ``scipy.signal.welch``.

        Parameters
        ----------
        freqs : array ``[f]``, Hz
        nperseg : int, optional
            Samples in a segment; an eighth of the series, at least 256, otherwise.
        """
        if self.observe is not None:
            return np.real(np.einsum("frr->fr", self.cross_spectrum(freqs, nperseg)))
        return 2 * np.mean(np.abs(self._spectra(freqs, nperseg)) ** 2, axis=0)

    def cross_spectrum(self, freqs, nperseg=None):
        """Return the one-sided cross-spectrum per Hz, ``[f, r, r]``: see `psd`."""
        e = self._spectra(freqs, nperseg)
        return self._projected(2 * np.einsum("sfr,sfq->frq", e, e.conj(), optimize=True) / e.shape[0])

    def order(self):
        """Return Kuramoto's order parameter ``[t]`` (or ``[runs, t]``): 1 where all phases agree.

        The phase is the angle of what a region sends in two channels, (sin, cos) or (x, y).

        Raises
        ------
        InputError
            Unless the run recorded its outputs and they have two channels.
        """
        if self.outputs is None or self.outputs.shape[-2] != 2:
            raise InputError("order", "the outputs of two channels were not recorded",
                             "Simulate a model of phases or of (x, y) with outputs=True.")
        z = self.outputs[..., 0, :] + 1j * self.outputs[..., 1, :]
        size = np.abs(z)
        return np.abs(np.mean(np.divide(z, size, out=np.zeros_like(z), where=size > 0), axis=-1))

    def _projected(self, covariance):
        if self.observe is None:
            return covariance
        with jax.enable_x64(True):
            return np.asarray(self.observe.project_covariance(covariance))

    def _segment(self, nperseg):
        samples = self.times.size
        length = min(samples, max(256, samples // 8)) if nperseg is None else int(nperseg)
        if not 2 <= length <= samples:
            raise InputError("nperseg", f"found {length} for {samples} samples", "Take shorter segments or "
                             "simulate longer.", f"2 to {samples}")
        return length

    def _spectra(self, freqs, nperseg):
        # one-sided amplitude densities [segments, f, r]: a discrete transform at any frequency
        freqs, length = np.atleast_1d(np.asarray(freqs, float)), self._segment(nperseg)
        if not ((freqs >= 0) & (freqs <= 0.5 / self.sample * (1 + 1e-9))).all():
            raise InputError("freqs", f"{freqs.min():g} to {freqs.max():g} Hz", "Ask for less, or sample faster.",
                             f"0 to {0.5 / self.sample:g} Hz")
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
        wave = window * np.exp(-2j * np.pi * freqs[:, None] * np.arange(length) * self.sample)
        starts = range(0, self.times.size - length + 1, length - length // 2)
        parts = [run[s:s + length] for run in self._runs for s in starts]
        return np.stack([wave @ (p - p.mean(0)) for p in parts]) * np.sqrt(self.sample / np.sum(window**2))
