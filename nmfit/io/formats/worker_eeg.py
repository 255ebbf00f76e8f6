"""EEG, opened in the process apart: see `worker`."""

import os
import struct

import numpy as np
from worker_images import Refused


def eeg(path, epochs=False):
    """Return what mne opens: data in volts, and what is known of the channels."""
    import warnings

    import mne

    folder = os.path.dirname(os.path.abspath(path))
    if path.lower().endswith(".vhdr"):
        _stays_beside(path, folder)
    if path.lower().endswith((".fif", ".fif.gz")):
        _chain_is_whole(path)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        opened = (mne.read_epochs if epochs else mne.io.read_raw)(path, preload=False, verbose="WARNING")
        files = sorted({os.path.abspath(str(name)) for name in (getattr(opened, "filenames", None) or []) if name}
                       | {os.path.abspath(path)})
        away = [name for name in files if os.path.dirname(os.path.realpath(name)) not in (
            folder, os.path.realpath(folder))]
        if away:
            raise Refused("data in another folder, which is never followed")
        if epochs:
            opened.load_data()
            data = opened.get_data(copy=True, verbose="ERROR")
        else:
            opened.load_data(verbose="ERROR")
            data = opened.get_data(reject_by_annotation="NaN", verbose="ERROR")
    info = opened.info
    meta = {"warnings": [" ".join(str(w.message).split()) for w in heard], "files": files, "epochs": bool(epochs),
            "sfreq": float(info["sfreq"]), "names": list(info["ch_names"]), "kinds": list(info.get_channel_types()),
            "bads": list(info["bads"]), "highpass": float(info["highpass"]), "lowpass": float(info["lowpass"])}
    places = np.array([channel["loc"][:3] for channel in info["chs"]], dtype=float).reshape(-1, 3)
    return meta, {"data": data, "positions": places}


def _stays_beside(path, folder):
    """Refuse a BrainVision header whose files lie elsewhere, and data that are no whole number of samples."""
    with open(path, encoding="latin-1") as file:
        said = dict(line.strip().split("=", 1) for line in file if "=" in line)
    for key in ("DataFile", "MarkerFile"):
        if any(mark in said.get(key, "") for mark in "/\\"):
            raise Refused(f"{key} {said[key][:60]!r}, a path that leaves its folder")
    width = {"INT_16": 2, "INT_32": 4, "IEEE_FLOAT_32": 4}.get(said.get("BinaryFormat"))
    data = os.path.join(folder, said.get("DataFile", "").replace("$b", os.path.basename(path)[:-5]))
    if width and said.get("NumberOfChannels", "").isdigit() and os.path.isfile(data):
        sample = width * int(said["NumberOfChannels"])
        if sample and os.path.getsize(data) % sample:
            raise Refused(f"{os.path.getsize(data)} bytes of data, no whole number of samples of {sample}")


BLOCK_START, BLOCK_END, RAW_DATA = 104, 105, 102
IN_RAW_DATA = {BLOCK_START, BLOCK_END, 108, 208, 300, 301, 303}     # kinds of tags that hold samples, or tell of gaps


def _chain_is_whole(path):
    """Refuse FIF whose chain of tags does not end where the file does, or holds what no data block holds."""
    import gzip

    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        size, at, blocks = file.seek(0, os.SEEK_END), 0, []
        while at < size:
            file.seek(at)
            head = file.read(16)
            if len(head) < 16:
                raise Refused("a tag cut short at its end")
            kind, _, length, after = struct.unpack(">4i", head)
            if length < 0 or at + 16 + length > size:
                raise Refused(f"a tag at byte {at + 1} that goes beyond the end of the file")
            if kind <= 0 or (blocks and blocks[-1] == RAW_DATA and kind not in IN_RAW_DATA):
                raise Refused(f"a tag at byte {at + 1} of kind {kind}, which has no place there")
            if kind == BLOCK_START and length == 4:
                blocks.append(struct.unpack(">i", file.read(4))[0])
            elif kind == BLOCK_END and blocks:
                blocks.pop()
            if after == -1:
                return
            if after < 0 or 0 < after <= at:
                raise Refused(f"a tag at byte {at + 1} that points nowhere")
            at = after or at + 16 + length
        raise Refused("no end: it was cut short")
