"""Names and places of electrodes: what files write, what montages call them."""

import os
import re
from difflib import get_close_matches

import mne
import numpy as np

from ..compare.sensor_checks import check_head
from ..errors import InputError
from ..network.names import some
from .files import parsing

MONTAGE = "colin27_1005"
# mne 1.13 renamed its template montages; each name finds the other
RENAMED = (("standard_", "colin27_"), ("colin27_", "standard_"))
MONTAGE_FILES = (".bvef", ".csd", ".csv", ".elc", ".eloc", ".elp", ".hpts", ".loc", ".locs", ".sfp", ".tsv", ".txt",
                 ".xml", ".xyz")
# templates whose frame is MNI's, so that parcel centroids can be placed among them
MNI_LIKE = ("colin27_", "standard_", "fsaverage_")

NO_EEG = re.compile(r"^(ecg|ekg|eog|heog|veog|emg|resp|status|sti\b|stim|sti\d|trig|event|mark|photic|annot|dc\d|spo2|"
                    r"gsr|pulse|pleth|temp|snore|airflow|accel|acc[xyz]|gyro|aux|misc|edf annot)", re.IGNORECASE)
REFERENCES = ("A1", "A2", "M1", "M2")
REFERENCE_SUFFIX = re.compile(r"[-_ ](ref|le|ar|av|avg|car|a1|a2|a1a2|m1|m2|cz|linked|0)$", re.IGNORECASE)


def builtin_montage(name):
    """Return a template montage of mne's by either of the names it has had.

    Raises
    ------
    InputError
        With the nearest names.
    """
    known = mne.channels.get_builtin_montages()
    candidates = [name, *(new + name[len(old):] for old, new in RENAMED if name.startswith(old))]
    found = next((candidate for candidate in candidates if candidate in known), None)
    if found is None:
        near = get_close_matches(name, known, 5, 0.0)
        raise InputError("montage", f"no template '{name}'", "Name one of mne's montages, or give a montage file.",
                         f"for instance {', '.join(near)}")
    return mne.channels.make_standard_montage(found)


def as_montage(montage):
    """Return an mne montage from a template's name, a file, a dict of positions in metres or a montage itself."""
    if montage is None:
        return builtin_montage(MONTAGE)
    if isinstance(montage, dict):
        places = {str(name): np.asarray(place, dtype=float) for name, place in montage.items()}
        return mne.channels.make_dig_montage(places, coord_frame="head")
    if isinstance(montage, (str, os.PathLike)):
        if os.path.exists(montage):
            with parsing(montage, "a montage"):
                return mne.channels.read_custom_montage(montage)
        if str(montage).lower().endswith(MONTAGE_FILES):
            raise InputError(montage, "no such file", "Check the path, or name one of mne's montages.")
        return builtin_montage(str(montage))
    return montage


def clean_names(raw_names, known):
    """Sort a file's channels into EEG, under the montage's names, and what is not.

    ``Fc5.`` and ``EEG FC5-REF`` are ``FC5``; what records the heart, the eyes or events, and a difference of two
    electrodes, is no EEG channel.

    Parameters
    ----------
    raw_names : sequence of str
    known : sequence of str
        The montage's names.

    Returns
    -------
    renamed : dict of raw name to montage name
    other : dict of raw name to reason
    unknown : dict of raw name to cleaned name
    """
    canonical = {name.lower(): name for name in known}
    renamed, other, unknown = {}, {}, {}
    for raw in raw_names:
        name = re.sub(r"^EEG[ _:-]+", "", raw.strip(), flags=re.IGNORECASE).strip(" .")
        stem = REFERENCE_SUFFIX.sub("", name).strip(" .")
        if name.lower() in canonical:
            renamed[raw] = canonical[name.lower()]
        elif NO_EEG.match(name):
            other[raw] = "no EEG"
        elif stem.lower() in canonical and stem.upper() not in REFERENCES:
            renamed[raw] = canonical[stem.lower()]
        elif "-" in name and all(part.strip().lower() in canonical for part in name.split("-")):
            other[raw] = "a difference of two electrodes"
        else:
            unknown[raw] = name
    return renamed, other, unknown


def place_channels(raw_names, montage, where):
    """Find every channel's name and reject what is no EEG.

    Where most channels are unknown, the montage is the wrong one; a few unknown ones are left out.

    Returns
    -------
    renamed : dict of raw name to montage name, in the file's order
    notes : list of str

    Raises
    ------
    InputError
        With the nearest names.
    """
    renamed, other, unknown = clean_names(raw_names, montage.ch_names)
    if len(unknown) > len(renamed):
        name = next(iter(unknown.values()))
        near = get_close_matches(name, montage.ch_names, 5, 0.0)
        raise InputError(where, f"no position for {len(unknown)} channels: {some(unknown)}",
                         "Give a montage that has them (montage=, --montage), or rename them.",
                         f"names as in the montage: nearest to {name}: {', '.join(near)}")
    notes = [f"left out {some([raw for raw in other if other[raw] == reason])}: {reason}"
             for reason in dict.fromkeys(other.values())]
    for raw, name in unknown.items():
        near = get_close_matches(name, montage.ch_names, 3, 0.4)
        notes.append(f"left out {raw}: no position in the montage" + (f" (nearest: {', '.join(near)})" if near else ""))
    twice = sorted({name for name in renamed.values() if list(renamed.values()).count(name) > 1})
    if twice:
        both = [raw for raw, name in renamed.items() if name in twice]
        raise InputError(where, f"several channels for {some(twice)}: {some(both)}", "Drop all but one with picks=.")
    changed = [f"{raw} is {name}" for raw, name in renamed.items() if raw != name]
    notes += [f"names: {some(changed, 3)}"] if changed else []
    return renamed, notes


def head_positions(ch_names, montage, where):
    """Return positions ``[s, 3]`` in metres in the head frame of channels that a montage has.

    Raises
    ------
    InputError
        If they lie on no head.
    """
    with mne.utils.use_log_level("ERROR"):
        info = mne.create_info(list(ch_names), 1000.0, "eeg")
        info.set_montage(montage)
    positions = np.array([channel["loc"][:3] for channel in info["chs"]])
    check_head(positions, where)
    return positions


def own_positions(info, where):
    """Return the positions that a file brings, ``[s, 3]`` in metres, or None where it brings none."""
    positions = np.array([channel["loc"][:3] for channel in info["chs"]], dtype=float).reshape(-1, 3)
    known = np.isfinite(positions).all(1) & (np.abs(positions).max(1, initial=0.0) > 0)
    if not known.all():
        return None
    check_head(positions, where)
    return positions
