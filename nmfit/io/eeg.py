"""EEG recordings, and spectra, from whatever mne opens."""

import os
from itertools import pairwise
from pathlib import Path

import mne
import numpy as np

from ..compare.recording_eeg import SensorRecording, SensorSpectrum, checked_rate
from ..compare.sensor_checks import bad_channels, check_unit, flat_channels, mains_frequency
from ..errors import InputError
from ..network.names import some
from ..observe.kinds import sensor_kind
from ..observe.reference import AVERAGE, NONE
from .eeg_sidecars import with_sidecars
from .files import fingerprint_of, parsing
from .formats.apart import read_apart
from .sensors import as_montage, head_positions, own_positions, place_channels

KINDS = ("eeg", "eog", "ecg", "emg", "stim", "mag", "grad", "seeg", "ecog", "bio", "resp")
SHORTEST = 4.0   # s
MOST_VOLTS = 10.0  # no amplifier of scalp potentials reaches it, offsets included


def read_eeg(source, *, picks=None, montage=None, reference=AVERAGE, bads=(), find_bads=True, scale=1.0,
             sfreq=None, ch_names=None, subject="", kind="eeg"):
    """Read an EEG or MEG recording and put it in order.

    Channels get the montage's names, what is no EEG is left out, so are flat and bad channels; amplitudes and electrode
    positions are checked, the mains looked for, the reference applied to what remains. All of it stands in the notes.

    Parameters
    ----------
    source : path, mne Raw, Epochs, Spectrum, or array ``[t, s]``
        Any file that `mne.io.read_raw` opens, or ``-epo.fif``. An array needs `sfreq` and `ch_names`.
    picks : sequence of str, optional
        Channels to use, by the file's names or the montage's.
    montage : str, path, dict or mne montage, optional
        A template's name, a file, or positions in metres. Unless given: the file's own, else the template
        "colin27_1005".
    reference : str
        "average", "none" (as recorded), or a channel. A spectrum cannot be referenced anew: there it says what was
        done.
    bads : sequence of str
        Channels to leave out, beside those marked in the file.
    find_bads : bool
        Whether to look for bad channels, too; flat ones never stay.
    scale : float
        Multiplies what is in the file, where that is not in volts.
    sfreq : float, optional
        Hz; for arrays.
    ch_names : sequence of str, optional
        For arrays.
    subject : str
    kind : {"eeg", "mag", "grad"}
        Which sensors of the file to use. Magnetometers come in 1e-7 T and gradiometers in 1e-5 T/m, which makes them
        as large as potentials in volts; they have no reference and bring their own positions.

    Returns
    -------
    SensorRecording, or SensorSpectrum from a Spectrum

    Raises
    ------
    InputError
        Naming the file and channel, what was found and what to do.
    """
    if isinstance(source, mne.time_frequency.Spectrum | mne.time_frequency.EpochsSpectrum):
        return _spectrum(source, picks, bads, reference, scale)
    sensors = sensor_kind(kind)
    if not sensors.referenced and reference not in (AVERAGE, NONE):
        raise InputError("reference", f"'{reference}' for a {sensors.name}, which has none", "Leave it out.")
    reference = reference if sensors.referenced else NONE
    loaded = _load(source, sfreq, ch_names)
    where, info = loaded["where"], loaded["info"]
    checked_rate(info["sfreq"], where)
    notes = list(loaded["notes"])
    renamed, positions, more = (_channels(info, picks, montage, where) if sensors.referenced
                                else _coils(info, picks, kind, where))
    notes += more
    rows = [info["ch_names"].index(raw) for raw in renamed]
    data, names = scale * sensors.factor * loaded["data"][:, rows], list(renamed.values())
    stretches = _stretches(data, loaded["starts"])
    used = np.concatenate([data[a:b] for a, b in stretches]) if stretches else data[:0]
    if len(used) < SHORTEST * info["sfreq"]:
        raise InputError(where, f"{len(used) / info['sfreq']:.1f} s of data that nothing marks as bad",
                         "Give a longer recording.", f"{SHORTEST:g} s or more")
    left_out, reasons = _left_out(used, info, renamed, bads, find_bads, where)
    notes += reasons
    keep = [i for i, name in enumerate(names) if name not in left_out]
    check_unit(used[:, keep], info["sfreq"], where, kind)
    _check_sane(data[:, keep], [names[i] for i in keep], where)
    recording = SensorRecording(
        data=np.where(np.isfinite(data[:, keep]), data[:, keep], 0.0), sfreq=info["sfreq"],
        ch_names=[names[i] for i in keep], positions=positions[keep], stretches=stretches, bads=tuple(left_out),
        line_noise=mains_frequency(used[:, keep], info["sfreq"]),
        band=loaded.get("band", (info["highpass"], info["lowpass"])),
        source=where, subject=subject, sha256=loaded["sha256"], notes=tuple(notes), kind=kind)
    return recording if reference == NONE else recording.rereferenced(reference)


def _load(source, sfreq, ch_names):
    """Return data ``[t, s]`` in volts, the info, where stretches start, and where it all came from."""
    if isinstance(source, (str, os.PathLike)):
        return _load_file(Path(os.path.expanduser(source)))
    if isinstance(source, mne.io.BaseRaw):
        return _from_raw(source, "EEG (mne Raw)", {}, [])
    if isinstance(source, mne.BaseEpochs):
        return _from_epochs(source, "EEG (mne Epochs)", {}, [])
    return _load_array(source, sfreq, ch_names)


def _load_file(path):
    """Read a file in a process apart: some readers hang, or crash, on damaged files."""
    where = str(path)
    if not path.exists():
        raise InputError(where, "no such file", "Check the path.")
    if path.is_file() and not path.stat().st_size:
        raise InputError(where, "an empty file", "Copy or export the file again.")
    if path.suffix.lower() in (".edf", ".bdf"):
        _check_length(path)
    meta, arrays = read_apart("eeg", path, "EEG", epochs=path.name.endswith(("-epo.fif", "_epo.fif", "-epo.fif.gz")))
    meta = with_sidecars(path, meta)
    info = _info(meta, arrays["positions"], where)
    # what mne warns of stands in the notes: it is about the file, not about the caller
    notes = [*(f"mne: {warning}" for warning in meta["warnings"]), *meta.get("notes", [])]
    files = [file for file in meta["files"] if os.path.isfile(file)]
    shape = {"info": info, "band": (meta["highpass"], meta["lowpass"]), "where": where,
             "sha256": fingerprint_of(*files), "notes": notes}
    if meta["epochs"]:
        return _chained(arrays["data"], shape)
    return {"data": arrays["data"].T, "starts": (0,), **shape}


def _info(meta, positions, where):
    """Return mne's info of what was read apart."""
    checked_rate(meta["sfreq"], where)
    kinds = [kind if kind in KINDS else "misc" for kind in meta["kinds"]]
    with parsing(where, "EEG"):
        info = mne.create_info(meta["names"], meta["sfreq"], kinds, verbose="ERROR")
        info["bads"] = meta["bads"]
    for channel, place in zip(info["chs"], positions, strict=True):
        channel["loc"][:3] = place
    return info


def _check_length(path):
    """Refuse EDF whose last record is incomplete: mne drops it, and misreads what comes after a lost byte."""
    with path.open("rb") as file, parsing(path, "EDF"):
        header = file.read(256)
        count = int(header[252:256])
        file.seek(256 + 216 * count)
        samples = sum(int(file.read(8)) for _ in range(count))
        record = samples * (3 if header[:1] == b"\xff" else 2)
        left = (path.stat().st_size - int(header[184:192])) % record
    if left:
        raise InputError(str(path), f"its last record holds {left} of {record} bytes: cut short, or bytes are lost",
                         "Copy or export the file again.")


def _from_raw(raw, where, sha256, notes):
    with parsing(where, "EEG"):
        data = raw.get_data(reject_by_annotation="NaN", verbose="ERROR").T
    return {"data": data, "info": raw.info, "starts": (0,), "where": where, "sha256": sha256, "notes": notes}


def _from_epochs(epochs, where, sha256, notes):
    with parsing(where, "EEG epochs"):
        data = epochs.get_data(copy=True, verbose="ERROR")
    return _chained(data, {"info": epochs.info, "where": where, "sha256": sha256, "notes": notes})


def _chained(data, shape):
    """Return epochs ``[e, s, t]`` one after the other."""
    count, _, length = data.shape
    note = f"{count} epochs of {length / shape['info']['sfreq']:g} s; no window crosses their ends"
    return {"data": np.moveaxis(data, 1, 2).reshape(count * length, -1),
            "starts": tuple(range(0, count * length, length)), **shape, "notes": [*shape["notes"], note]}


def _load_array(values, sfreq, ch_names):
    where = "EEG (array)"
    if sfreq is None or ch_names is None:
        raise InputError(where, "no sampling rate or no channel names", "Give sfreq= in Hz and ch_names=.")
    checked = SensorRecording(data=np.nan_to_num(np.asarray(values, dtype=float)), sfreq=sfreq,
                              ch_names=tuple(ch_names), source=where)  # shapes, names, rate
    info = mne.create_info(list(checked.ch_names), checked.sfreq, "eeg", verbose="ERROR")
    return {"data": np.array(values, dtype=float), "info": info, "starts": (0,), "where": where, "sha256": {},
            "notes": []}


def _channels(info, picks, montage, where):
    """Return the channels to use, ``{raw name: name}``, their positions and notes."""
    raw_names, notes = list(info["ch_names"]), []
    with parsing(where, "EEG"):
        kinds = dict(zip(raw_names, info.get_channel_types(), strict=True))
    other = [name for name in raw_names if kinds[name] != "eeg"]
    if other:
        notes.append(f"left out {some(other)}: no EEG")
    eeg = [name for name in raw_names if kinds[name] == "eeg"]
    picks = [picks] if isinstance(picks, str) else picks
    if picks is not None and set(picks) <= set(eeg):  # first, so that they can settle which of two twins is meant
        eeg = list(picks)
    if not eeg:
        raise InputError(where, f"no EEG channel among {some(raw_names)}", "Give a recording that holds EEG.")
    own = None if montage is not None else own_positions(mne.pick_info(info, [raw_names.index(e) for e in eeg]), where)
    if own is not None:
        renamed, positions = {name: name for name in eeg}, dict(zip(eeg, own, strict=True))
        notes.append("electrode positions from the file")
    else:
        mounted = as_montage(montage)
        renamed, more = place_channels(eeg, mounted, where)
        notes += more
        if not renamed:
            raise InputError(where, "no EEG channel is left", "Check the channel names and the montage.")
        positions = dict(zip(renamed, head_positions(list(renamed.values()), mounted, where), strict=True))
        notes.append(f"electrode positions from the montage {montage if isinstance(montage, str) else 'given'}"
                     if montage is not None else "electrode positions from a template, by name")
    if picks is not None:
        wanted = _find(picks, renamed, where)
        renamed = {raw: renamed[raw] for raw in wanted}
    return renamed, np.array([positions[raw] for raw in renamed]), notes


def _coils(info, picks, kind, where):
    """Return the coils of a kind under their own names, their positions in metres, and notes."""
    with parsing(where, "MEG"):
        kinds = dict(zip(info["ch_names"], info.get_channel_types(), strict=True))
    coils = {name: name for name in info["ch_names"] if kinds[name] == kind}
    if not coils:
        raise InputError(where, f"no {sensor_kind(kind).name} among {some(info['ch_names'])}",
                         "Choose another kind of sensors.", f"one of {', '.join(sorted(set(kinds.values())))}")
    picks = [picks] if isinstance(picks, str) else picks
    wanted = list(coils) if picks is None else _find(picks, coils, where)
    other = [name for name in info["ch_names"] if name not in coils]
    places = np.array([info["chs"][info["ch_names"].index(name)]["loc"][:3] for name in wanted], dtype=float)
    if not np.isfinite(places).all():
        raise InputError(where, "coils without positions", "Give the file as the system wrote it.")
    notes = [f"{len(wanted)} {sensor_kind(kind).name}s, in {sensor_kind(kind).unit}"]
    notes += [f"left out {some(other)}: no {sensor_kind(kind).name}"] if other else []
    return {name: name for name in wanted}, places, notes


def _find(wanted, renamed, where):
    """Return the raw names of channels given by either name."""
    by_name = {name: raw for raw, name in renamed.items()} | {raw: raw for raw in renamed}
    unknown = [name for name in wanted if name not in by_name]
    if unknown:
        raise InputError(where, f"no EEG channel {some(unknown)}", "Choose among its channels.",
                         some(renamed.values(), 12))
    return [by_name[name] for name in wanted]


def _left_out(used, info, renamed, bads, find_bads, where):
    """Return the names of channels to leave out, and why."""
    names = list(renamed.values())
    marked = [raw for raw in renamed if raw in info["bads"]]
    left_out = dict.fromkeys((renamed[raw] for raw in marked), "marked as bad in the file")
    left_out |= dict.fromkeys((renamed[raw] for raw in _find(bads, renamed, where)), "as you said")
    flat = flat_channels(used, info["sfreq"])
    left_out |= {names[i]: "flat" for i in flat}
    rest = [i for i, name in enumerate(names) if name not in left_out]
    if find_bads and rest:
        found = bad_channels(used[:, rest], info["sfreq"])
        left_out |= {names[rest[i]]: reason for i, reason in found.items()}
    if len(left_out) == len(names):
        raise InputError(where, f"every channel is bad: {some([f'{n} ({r})' for n, r in left_out.items()])}",
                         "Check the recording.")
    return left_out, [f"left out {name}: {reason}" for name, reason in left_out.items()]


def _check_sane(data, names, where):
    """Refuse potentials that only damage makes, wherever they stand."""
    absurd = np.abs(data) > MOST_VOLTS
    if absurd.any():
        i, j = np.argwhere(absurd)[0]
        raise InputError(f"{where}, channel {names[j]}, sample {i + 1}", f"{data[i, j]:g} V",
                         "The file is damaged: copy or export it again.", f"at most {MOST_VOLTS:g} V")


def _stretches(data, starts):
    """Return (start, stop) of runs without missing samples, cut at the starts of epochs.

    Samples count as missing where every channel is NaN, as mne marks what an annotation rejects.
    """
    fine = ~np.isnan(data).all(1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], fine.astype(int), [0]])))
    stretches = []
    for a, b in edges.reshape(-1, 2):
        cuts = [a, *(c for c in starts if a < c < b), b]
        stretches += pairwise(cuts)
    return tuple(stretches)


def _spectrum(spectrum, picks, bads, reference, scale):
    where = f"spectrum (mne {type(spectrum).__name__})"
    kinds = dict(zip(spectrum.ch_names, spectrum.get_channel_types(), strict=True))
    eeg = {name: name for name in spectrum.ch_names if kinds[name] == "eeg"}
    if not eeg:
        raise InputError(where, f"no EEG channel among {some(spectrum.ch_names)}", "Give the spectrum of EEG.")
    picks = [picks] if isinstance(picks, str) else picks
    wanted = list(eeg) if picks is None else _find(picks, eeg, where)
    out = {*spectrum.info["bads"], *_find(bads, eeg, where)}
    keep = [name for name in wanted if name not in out]
    if not keep:
        raise InputError(where, f"every channel is bad: {some(wanted)}", "Check the spectrum.")
    with parsing(where, "a spectrum"):
        psd = np.asarray(spectrum.get_data(picks=keep))
    if np.iscomplexobj(psd) or psd.ndim > 3:
        raise InputError(where, "complex or tapered spectra", "Compute the power: output='power'.")
    info = mne.pick_info(spectrum.info, [spectrum.ch_names.index(name) for name in keep])
    if reference == AVERAGE:
        told = "taken to be of average reference (a spectrum cannot be referenced anew)"
    else:
        told = f"taken to be of reference '{reference}'"
    return SensorSpectrum(freqs=spectrum.freqs, psd=scale**2 * np.moveaxis(psd, -1, -2), ch_names=tuple(keep),
                          positions=own_positions(info, where), reference=reference, source=where,
                          bads=tuple(name for name in wanted if name in out), notes=(told,))
