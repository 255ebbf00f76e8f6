"""What the ``.json`` beside a recording says: its TR, and what was done to it before."""

import dataclasses
import json
import math
import re
from pathlib import Path

from ..compare.recording import SLOWEST_TR
from ..compare.upstream import is_global
from ..errors import InputError
from .files import parsing, read_bytes, split_key

IMAGES = re.compile(r"(\.[pd]tseries)?\.nii(\.gz)?$")


@dataclasses.dataclass(frozen=True)
class Sidecar:
    """The sidecar of one file; everything is empty where there is none.

    Attributes
    ----------
    file : Path, the recording
    path : Path, the sidecar
    said : dict
    """

    file: Path
    path: Path
    said: dict

    def repetition_time(self, tr, inside):
        """Return the TR and notes where sources differ: what was given, else the sidecar's, else the file's own."""
        rate = self.said.get("SamplingFrequency")
        said = self.said.get("RepetitionTime", 1 / rate if _positive(rate) else None)
        if tr is not None or said is None:
            told = [(self.path.name, "RepetitionTime", said), (self.file.name, "time step", inside)]
            found = inside if tr is None else tr
            return found, tuple(f"{name}: {what} {value!r} ignored, TR {tr!r} was given" for name, what, value in told
                                if tr is not None and value is not None and _differ(value, tr))
        if not _positive(said) or said > SLOWEST_TR:
            raise InputError(self.path, f"RepetitionTime {said!r}", "Write the TR in seconds.",
                             f"0 to {SLOWEST_TR:g} s")
        if inside is not None and _differ(inside, said):
            return float(said), (f"{self.path.name}: TR {said:g} s, though the file itself says {inside:g} s",)
        return float(said), ()

    @property
    def confounds(self):
        """What was regressed out: ``ConfoundRegressors``, or HALFpipe's ``Setting: ConfoundsRemoval``."""
        name, names = "ConfoundRegressors", self.said.get("ConfoundRegressors")
        if names is None:
            name, names = "ConfoundsRemoval", self._setting("ConfoundsRemoval")
        if names is None:
            return ()
        if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
            raise InputError(self.path, f"{name} {str(names)[:60]}", "Write a list of names.")
        return tuple(names)

    @property
    def gsr(self):
        """Whether the global signal was regressed out, by ``GlobalSignalRegression`` or among the confounds."""
        said, listed = self.said.get("GlobalSignalRegression"), any(map(is_global, self.confounds))
        if said is not None and not isinstance(said, bool):
            raise InputError(self.path, f"GlobalSignalRegression {said!r}", "Write true or false.")
        if said is False and listed:
            raise InputError(self.path, "GlobalSignalRegression false beside a global signal among the confounds",
                             "Say which is true.")
        return bool(said) or listed

    @property
    def filtered(self):
        """What a filter left, Hz: ``BandpassFilter: [low, high]``, or HALFpipe's ``Setting: BandpassFilter``."""
        found = self.said.get("BandpassFilter", self._setting("BandpassFilter"))
        if found is None:
            return None
        if isinstance(found, dict):
            low, high = (self._edge(found, *names) for names in (("Low", "HpWidth"), ("High", "LpWidth")))
        elif isinstance(found, list) and len(found) == 2:
            low, high = found
        else:
            low = high = "?"
        low, high = 0.0 if low is None else low, math.inf if high is None else high
        if not (_number(low) and _number(high) and 0 <= low < high):
            raise InputError(self.path, f"BandpassFilter {str(found)[:60]}", "Write [low, high] in Hz.")
        return float(low), float(high)

    def _setting(self, name):
        setting = self.said.get("Setting")
        return setting.get(name) if isinstance(setting, dict) else None

    @staticmethod
    def _edge(found, hertz, width):
        """Return an edge in Hz, or where a Gaussian of FSL's width (sigma in seconds, doubled) has its half amplitude.

        FSL's convention: the cutoff is ``1 / (2 sigma)`` Hz, and the width that pipelines tell is that period.
        """
        if found.get(hertz) is not None:
            return found[hertz]
        seconds = found.get(width)
        return 1.0 / seconds if _positive(seconds) else seconds


def read_sidecar(source):
    """Return what stands beside a file: for ``x_bold.nii.gz`` and ``x.ptseries.nii`` in ``x_bold.json``, ``x.json``.

    Raises
    ------
    InputError
        Where it is no JSON.
    """
    file = split_key(source)[0]
    stem = IMAGES.sub("", file.name)
    path = file.with_name(f"{stem}.json") if stem != file.name else file.with_suffix(".json")
    said = {}
    if path.is_file():
        raw = read_bytes(path)
        with parsing(path, "JSON"):
            said = json.loads(raw)
    return Sidecar(file, path, said if isinstance(said, dict) else {})


def _number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _positive(value):
    return _number(value) and value > 0


def _differ(value, tr):
    return not _positive(value) or not _positive(tr) or abs(value - tr) > 1e-4 * tr
