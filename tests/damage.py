"""Sound files of every format, ways to damage them, and how to judge what a reader then says."""

import time
from pathlib import Path

import numpy as np
from made_files import (
    CHANNELS,
    REGIONS,
    TR,
    potentials,
    series,
    weights,
    write_brainvision,
    write_dtseries,
    write_edf,
    write_fif,
    write_hdf5,
    write_matrix,
    write_micapipe,
    write_mrtrix,
    write_nifti,
    write_npz,
    write_pconn,
    write_ptseries,
    write_qsirecon,
    write_tvb,
    write_xcpd,
)
from scipy.io import savemat

from nmfit.errors import InputError
from nmfit.io import read_bold, read_connectome, read_eeg, read_fc

ABSURD = 1e6           # times the largest value of the sound file
HANG = 10.0            # s


def connectome(path, **options):
    brain = read_connectome(path, **options)
    return brain.weights, brain.labels, brain.notes


def bold(path, **options):
    (run,) = read_bold(path, **options)
    return run.data, run.labels, run.notes


def fc(path, **options):
    found = read_fc(path, **options)
    return found.data, found.labels, found.notes


def eeg(path):
    found = read_eeg(path, reference="none", find_bads=False)
    return found.data, found.ch_names, found.notes


def _mat(path, **options):
    savemat(path, {"bold": series()}, **options)
    return path


# format: (what writes a sound file into a folder and returns the path to damage, what reads it)
FORMATS = {
    "csv": (lambda f: write_mrtrix(f / "sc.csv"), lambda p: connectome(p, labels=REGIONS)),
    "tsv": (write_xcpd, bold),
    "relmat": (lambda f: write_matrix(f / "sc.tsv", weights(), REGIONS) or f / "sc.tsv", connectome),
    "npy": (lambda f: np.save(f / "x.npy", series()) or f / "x.npy", lambda p: bold(p, tr=TR, labels=REGIONS)),
    "npz": (lambda f: write_npz(f / "x.npz", sc=weights(), labels=np.array(REGIONS)) or f / "x.npz", connectome),
    "mat": (lambda f: _mat(f / "x.mat"), lambda p: bold(p, tr=TR, labels=REGIONS)),
    "mat_compressed": (lambda f: _mat(f / "x.mat", do_compression=True), lambda p: bold(p, tr=TR, labels=REGIONS)),
    "qsirecon": (lambda f: write_qsirecon(f / "q.mat"),
                 lambda p: connectome(f"{p}::4S6Parcels/sift_radius2_count")),
    "hdf5": (lambda f: write_hdf5(f / "x.h5"), lambda p: connectome(f"{p}::sc", labels=REGIONS)),
    "gii": (lambda f: write_micapipe(f / "x.shape.gii"), lambda p: connectome(p, labels=REGIONS)),
    "ptseries": (lambda f: write_ptseries(f / "x.ptseries.nii"), bold),
    "pconn": (lambda f: write_pconn(f / "x.pconn.nii"), fc),
    "dtseries": (lambda f: write_dtseries(f)[0], lambda p: bold(p, atlas=p.with_name("atlas.dlabel.nii"))),
    "dlabel": (lambda f: write_dtseries(f)[1], lambda p: bold(p.with_name("rest.dtseries.nii"), atlas=p)),
    "nii": (lambda f: write_nifti(f, ".nii")[0], lambda p: bold(p, atlas=p.with_name("atlas.nii.gz"))),
    "nii_gz": (lambda f: write_nifti(f)[0], lambda p: bold(p, atlas=p.with_name("atlas.nii.gz"))),
    "atlas": (lambda f: write_nifti(f)[1], lambda p: bold(p.with_name("sub-01_bold.nii.gz"), atlas=p)),
    "tvb": (lambda f: write_tvb(f / "c.zip")[0], connectome),
    "edf": (lambda f: write_edf(f / "x.edf", potentials(8.0), 200, CHANNELS), eeg),
    "fif": (lambda f: write_fif(f / "x_raw.fif"), eeg),
    "vhdr": (write_brainvision, eeg),
    "eeg_data": (lambda f: write_brainvision(f).with_suffix(".eeg"), lambda p: eeg(p.with_suffix(".vhdr"))),
}


def damaged(raw, rng):
    """Return a file's bytes damaged in one of seven ways, and which."""
    raw, size = bytearray(raw), len(raw)
    at, length = int(rng.integers(size)), int(min(size, 1 + rng.integers(64)))
    head = min(size, 512)
    way = ("cut", "bits", "noise", "zeros", "head", "lost", "doubled")[int(rng.integers(7))]
    match way:
        case "cut":
            raw = raw[:at]
        case "bits":
            for place in rng.integers(size, size=int(1 + rng.integers(3))):
                raw[place] ^= 1 << int(rng.integers(8))
        case "noise":
            raw[at:at + length] = rng.bytes(len(raw[at:at + length]))
        case "zeros":
            raw[at:at + 4 * length] = bytes(len(raw[at:at + 4 * length]))
        case "head":
            place = int(rng.integers(head))
            raw[place:place + 4] = rng.bytes(len(raw[place:place + 4]))
        case "lost":
            del raw[at:at + length]
        case "doubled":
            raw[at:at] = raw[at:at + length]
    return bytes(raw), way


def judge(read, path, sound):
    """Return what came of reading a file: refused, same, payload, said, whole; or silent, hang, other, with why."""
    values, names, notes = sound
    began = time.monotonic()
    try:
        found, called, told = read(path)
    except InputError as problem:
        slow = time.monotonic() - began > HANG
        return ("hang" if slow else "refused"), str(problem)
    except BaseException as problem:
        return "other", f"{type(problem).__name__}: {problem}"
    if time.monotonic() - began > HANG:
        return "hang", "slow"
    more = [note for note in told if note not in notes]
    if not np.isfinite(found).all():
        return "silent", "not finite"
    if np.abs(found).max() > ABSURD * np.abs(values).max():
        return "silent", f"absurd {np.abs(found).max():g}"
    if found.shape != values.shape and path.suffix == ".eeg" and path.stat().st_size % (4 * values.shape[1]) == 0:
        return "whole", "whole samples are missing or too many, and nothing in these files tells how many there were"
    if found.shape != values.shape:
        return ("said" if more else "silent"), f"shape {found.shape}, {more}"
    if tuple(called) != tuple(names):
        return "payload", "a name changed"
    return ("same" if np.array_equal(found, values) else "payload"), ""


def run(folder, count, seed=0, formats=tuple(FORMATS)):
    """Damage ``count`` files of each format; yield (format, way, verdict, why, what was written)."""
    for k, name in enumerate(formats):
        place = Path(folder) / name
        place.mkdir()
        write, read = FORMATS[name]
        path = write(place)
        sound, raw = read(path), path.read_bytes()
        rng = np.random.default_rng([seed, k])
        for _ in range(count):
            content, way = damaged(raw, rng)
            path.write_bytes(content)
            yield name, way, *judge(read, path, sound), content
