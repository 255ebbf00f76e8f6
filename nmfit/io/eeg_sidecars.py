"""What BIDS writes beside an EEG recording: which channels are bad or no EEG, and how fast it was sampled."""

import json

from ..errors import InputError
from ..network.names import some
from .cells import read_cells
from .files import parsing, read_bytes

KINDS = {"eeg", "eog", "ecg", "emg", "misc", "veog", "heog", "trig", "ref", "resp", "gsr", "ppg", "temp"}


def with_sidecars(path, meta):
    """Return what is known of a recording together with what its ``_channels.tsv`` and ``_eeg.json`` say.

    Parameters
    ----------
    path : pathlib.Path
    meta : dict
        ``names``, ``kinds``, ``bads``, ``sfreq``, ``warnings`` and ``files``, as read from the recording.

    Returns
    -------
    dict

    Raises
    ------
    InputError
        Where the sampling rate is another, or the table names none of the recording's channels.
    """
    stem = path.name.split(".")[0]
    if not stem.endswith("_eeg"):
        return meta
    meta = _sampled(path.with_name(f"{stem}.json"), meta)
    table = path.with_name(f"{stem.removesuffix('_eeg')}_channels.tsv")
    return _channels(table, meta) if table.is_file() else meta


def _sampled(sidecar, meta):
    if not sidecar.is_file():
        return meta
    with parsing(sidecar, "JSON"):
        said = json.loads(read_bytes(sidecar))
    rate = said.get("SamplingFrequency") if isinstance(said, dict) else None
    if isinstance(rate, int | float) and abs(rate - meta["sfreq"]) > 1e-3 * meta["sfreq"]:
        raise InputError(sidecar, f"SamplingFrequency {rate:g}", "Mend the one that is wrong.",
                         f"{meta['sfreq']:g} Hz as in the recording")
    return meta | {"files": [*meta["files"], str(sidecar)]}


def _channels(table, meta):
    cells = read_cells(table)
    header = [name.lower() for name in cells.rows[0]]
    if "name" not in header:
        raise InputError(table, f"columns {', '.join(cells.rows[0])[:100]}", "Name one column 'name', as BIDS does.")
    rows = [dict(zip(header, row, strict=False)) for row in cells.rows[1:]]
    names = meta["names"]
    listed = {row["name"]: row for row in rows if row["name"] in names}
    if not listed:
        raise InputError(table, f"channels {some([row['name'] for row in rows], 3)}",
                         "Give the table that belongs to the recording.", f"channels like {some(names, 3)}")
    kinds, bads, changed = list(meta["kinds"]), list(meta["bads"]), []
    for i, name in enumerate(names):
        row = listed.get(name, {})
        kind = row.get("type", "").lower()
        if kind in KINDS and kind != "eeg" and kinds[i] == "eeg":
            kinds[i] = "misc"
            changed.append(name)
        if row.get("status", "").lower() == "bad" and name not in bads:
            bads.append(name)
    notes = [f"{table.name}: {some(changed)} are no EEG"] if changed else []
    more = [name for name in bads if name not in meta["bads"]]
    notes += [f"{table.name}: bad are {some(more)}"] if more else []
    return meta | {"kinds": kinds, "bads": bads, "notes": notes, "files": [*meta["files"], str(table)]}
