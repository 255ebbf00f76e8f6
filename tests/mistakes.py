"""Mistakes that people make with their files, one row each: how it is made, and what the message has to say.

A row is (name, what makes it, words). What makes it gets a folder with sound files (`sound`), spoils them, and returns
the arguments of the reading; every row ends in one `InputError` before anything is fitted.
"""

import json
import pickle

import numpy as np
from made_files import (
    KEYS,
    REGIONS,
    TR,
    N,
    correlations,
    npy,
    potentials,
    series,
    weights,
    write_brainvision,
    write_dtseries,
    write_edf,
    write_fif,
    write_json,
    write_matrix,
    write_micapipe,
    write_nifti,
    write_npz,
    write_pconn,
    write_ptseries,
    write_qsirecon,
    write_table,
    write_tvb,
    write_xcpd,
)
from scipy.io import savemat

from nmfit.io.inputs import read_inputs
from nmfit.io.inputs_eeg import read_eeg_inputs

LONG = 800
CHANNELS = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2", "T7", "T8", "Cz", "Pz")


def sound(folder):
    """Write files that fit together; return how `read_inputs` reads them."""
    write_matrix(folder / "sc.tsv", weights(), REGIONS)
    write_matrix(folder / "lengths.tsv", 20 + weights(1), REGIONS)
    write_matrix(folder / "fc.tsv", correlations(), REGIONS)
    bold(folder, series(t=LONG))
    places = [(r, 10.0 * i - 30, 5.0 * i, -3.0 * i) for i, r in enumerate(REGIONS)]
    write_table(folder / "labels.tsv", ("label", "x", "y", "z"), places)
    write_table(folder / "maps.tsv", ("region", "myelin"), [(r, i) for i, r in enumerate(REGIONS)])
    return {"sc": [folder / "sc.tsv"], "lengths": [folder / "lengths.tsv"], "bold": [folder / "bold.tsv"]}


def bold(folder, data, names=REGIONS, name="bold.tsv", tr=TR):
    write_table(folder / name, names, data)
    write_json((folder / name).with_suffix(".json"), {"RepetitionTime": tr})
    return {"bold": [folder / name]}


def changed(array, place, value):
    array = array.copy()
    array[place] = value
    return array


def both(array, i, j, value):
    return changed(changed(array, (i, j), value), (j, i), value)


def sc(write):
    """Spoil the connectome: ``write(path)`` writes another, in the place of the sound one or under its own name."""
    def make(folder):
        path = folder / "sc.tsv"
        return {"sc": [write(path) or path], "lengths": None}
    return make


def text_of(values, separator=",", decimal="."):
    return "\n".join(separator.join(f"{x:.6g}".replace(".", decimal) for x in row) for row in values) + "\n"


def put(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def series_of(change):
    return lambda folder: bold(folder, change(series(t=LONG)))


def fc(change):
    def make(folder):
        write_matrix(folder / "fc.tsv", change(correlations()), REGIONS)
        return {"bold": None, "fc": folder / "fc.tsv"}
    return make


def tvb(**members):
    def make(folder):
        write_tvb(folder / "c.zip", **members)
        return {"sc": [folder / "c.zip"], "lengths": None}
    return make


def maps(content):
    return lambda folder: {"maps": put(folder / "maps.tsv", content)}


def labelled(content):
    return lambda folder: {"labels": put(folder / "mine.txt", content)}


def eeg(make):
    """Read EEG: ``make(folder)`` returns what to change in the arguments."""
    def read(folder):
        write_edf(folder / "rest.edf", potentials(48.0), 200, CHANNELS)
        return {"eeg": folder / "rest.edf", "sc": [folder / "sc.tsv"], "centroids": folder / "labels.tsv",
                "how": "eeg"} | make(folder)
    return read


def edf(seconds=48.0, names=CHANNELS, sfreq=200, scale=1.0, physical=400.0, **options):
    def make(folder):
        data = scale * potentials(seconds, sfreq, len(names))
        write_edf(folder / "rest.edf", data, sfreq, names, physical)
        return options
    return eeg(make)


def leadfield(gain, channels=CHANNELS, regions=REGIONS):
    def make(folder):
        rows = [(name, *row) for name, row in zip(channels, gain, strict=True)]
        write_table(folder / "lead.tsv", ("channel", *regions), rows)
        return {"leadfield": folder / "lead.tsv"}
    return eeg(make)


def _cut(path, count):
    path.write_bytes(path.read_bytes()[:-count])
    return path


def _pairs(folder, text):
    names = [f"other_{i}" for i in range(N)]
    bold(folder, series(t=LONG), names)
    return {"map_names": put(folder / "map.tsv", text)}


class Evil:
    def __reduce__(self):
        return (print, ("opened",))


def _people(folder, **second):
    first = bold(folder, series(t=LONG), name="sub-01_bold.tsv")["bold"]
    return {"bold": first + bold(folder, **({"data": series(1, t=LONG), "name": "sub-02_bold.tsv"} | second))["bold"]}


def _censored(folder, rows):
    path = write_xcpd(folder, series(t=LONG))
    write_table(folder / "sub-01_task-rest_outliers.tsv", ("framewise_displacement",), [[0]] * rows)
    return {"bold": [path]}


def _atlas(folder, change):
    import nibabel

    path, atlas = write_nifti(folder)
    image = nibabel.load(atlas)
    values, affine = change(np.asarray(image.dataobj), image.affine.copy())
    nibabel.save(nibabel.Nifti1Image(values, affine), folder / "mine.nii.gz")
    return {"bold": [path], "atlas": folder / "mine.nii.gz", "labels": folder / "atlas.tsv"}


def _brainvision(folder, **changes):
    path = write_brainvision(folder, **changes)
    return {"eeg": path}


ONES = np.ones((len(CHANNELS), N)) + np.arange(N) + np.arange(len(CHANNELS))[:, None] ** 2

MISTAKES = [
    # connectomes
    ("missing file", lambda f: {"sc": [f / "none.csv"]}, ["none.csv", "no such file"]),
    ("pattern without files", lambda f: {"sc": [f / "sub-*_sc.csv"]}, ["sub-*_sc.csv", "no file matches"]),
    ("a folder", lambda f: {"sc": [f]}, ["a folder"]),
    ("empty file", sc(lambda p: put(p, b"")), ["sc.tsv", "empty"]),
    ("a web page", sc(lambda p: put(p, "<!DOCTYPE html><html>sign in</html>")), ["sc.tsv", "web page"]),
    ("a git-lfs pointer", sc(lambda p: put(p, "version https://git-lfs.github.com/spec/v1\n")), ["git-lfs pointer"]),
    ("a spreadsheet named csv", sc(lambda p: put(p.with_suffix(".csv"), b"PK\x03\x04" + bytes(99))), ["zip archive"]),
    ("a spreadsheet", sc(lambda p: put(p.with_suffix(".xlsx"), b"PK\x03\x04" + bytes(99))), [".xlsx", ".csv"]),
    ("compressed text", sc(lambda p: put(p.with_suffix(".tsv.gz"), b"\x1f\x8b" + bytes(99))), [".tsv.gz"]),
    ("not UTF-8", sc(lambda p: put(p, b"Pr\xe9,b\n1,2\n")), ["byte 3", "UTF-8"]),
    ("NUL bytes", sc(lambda p: put(p, b"0,1\n1,\x00\n")), ["byte 7", "UTF-8"]),
    ("a pickle", sc(lambda p: put(p.with_suffix(".npy"), pickle.dumps(Evil()))), ["pickle"]),
    ("objects in npy", sc(lambda p: put(p.with_suffix(".npy"), npy(np.array([Evil(), 1], object)))), ["never opened"]),
    ("npy cut short", sc(lambda p: put(p.with_suffix(".npy"), npy(weights())[:-8])), ["280 bytes", "expected 288"]),
    ("complex numbers", sc(lambda p: put(p.with_suffix(".npy"), npy(1j * weights()))), ["complex128"]),
    ("two arrays in npz", sc(lambda p: write_npz(p.with_suffix(".npz"), a=weights(), b=weights())
                             or p.with_suffix(".npz")), ["2 arrays (a, b)", "::a"]),
    ("a row lost", sc(lambda p: put(p, text_of(weights()[1:]))), ["5 x 6", "square"]),
    ("a row cut short", sc(lambda p: put(p, text_of(weights())[:-12])), ["line 6", "columns"]),
    ("a comment among rows", sc(lambda p: put(p, text_of(weights()).replace("\n", "\n# ", 3))), ["comment among"]),
    ("a word for a number", sc(lambda p: put(p, "0,1,2\n1,0,oops\n2,3,0\n")), ["line 2, column 3", "'oops'"]),
    ("decimal commas", sc(lambda p: put(p, text_of(weights(), ";", ","))), ["line 1, column 2", "decimal mark"]),
    ("an open quote", sc(lambda p: put(p, '"0,1\n1,0\n')), ["cannot be read as a table"]),
    ("negative weights", sc(lambda p: write_matrix(p, both(weights(), 1, 2, -3.0), REGIONS)),
     ["from LH_Lim_1 to LH_Mot_1", "-3"]),
    ("missing weights", sc(lambda p: write_matrix(p, both(weights(), 1, 2, np.nan), REGIONS)), ["is nan", "row 2"]),
    ("no weights", sc(lambda p: write_matrix(p, 0 * weights(), REGIONS)), ["every weight", "is 0"]),
    ("a mark for missing", sc(lambda p: write_matrix(p, both(weights(), 0, 1, 1e20), REGIONS)), ["1e+20", "n/a"]),
    ("FC as weights", sc(lambda p: write_matrix(p, np.abs(correlations()), REGIONS)), ["which is FC", "--fc"]),
    ("signed FC as weights", sc(lambda p: write_matrix(p, both(correlations(), 0, 1, -0.2), REGIONS)), ["--fc"]),
    ("series as weights", lambda f: {"sc": [f / "bold.tsv"]}, ["800 x 6", "square"]),
    ("rows in another order", sc(lambda p: write_table(p, ("region", *REGIONS), [
        (r, *row) for r, row in zip(REGIONS[::-1], weights(), strict=True)])), ["row 'RH_Lim_1' but column"]),
    ("duplicate labels", sc(lambda p: write_matrix(p, weights(), ("a", "a", *REGIONS[2:]))), ["more than once: a"]),
    ("one region", sc(lambda p: put(p, "5\n")), ["at least two regions"]),
    ("weights as lengths", lambda f: {"lengths": [f / "sc.tsv"]}, ["the same numbers as the weights", "mm"]),
    ("lengths in metres", lambda f: {"lengths": [write_matrix(f / "l.tsv", weights(1) / 1000, REGIONS) or f / "l.tsv"]},
     ["longest tract is 0.0", "mm"]),
    ("lengths in micrometres", lambda f: {"lengths": [write_matrix(f / "l.tsv", 1e3 * weights(1), REGIONS)
                                                      or f / "l.tsv"]}, ["longest tract", "2000 mm"]),
    ("negative lengths", lambda f: {"lengths": [write_matrix(f / "l.tsv", -weights(1), REGIONS) or f / "l.tsv"]},
     ["l.tsv", "the length from"]),
    ("lengths of another atlas", lambda f: {"lengths": [write_matrix(f / "l.tsv", weights(1, 4), "abcd")
                                                        or f / "l.tsv"]}, ["l.tsv", "regions a, b, c"]),
    ("too many lengths", lambda f: {"lengths": [f / "lengths.tsv"] * 3}, ["3 matrices of lengths", "1 or 1"]),
    ("lengths of another person", lambda f: {
        "sc": [write_matrix(f / "sub-01_sc.tsv", weights(), REGIONS) or f / "sub-01_sc.tsv"],
        "lengths": [write_matrix(f / "sub-02_l.tsv", weights(1), REGIONS) or f / "sub-02_l.tsv"]},
     ["different people"]),
    ("QSIRecon without a key", lambda f: {"sc": [write_qsirecon(f / "q.mat")], "lengths": None},
     ["2 matrices", "4S6Parcels/sift_radius2_count", "q.mat::"]),
    ("a key that is not there", lambda f: {"sc": [f"{write_qsirecon(f / 'q.mat')}::4S6Parcels/none"], "lengths": None},
     ["4S6Parcels/none", "no such matrix"]),
    ("a .mat of words", lambda f: {"sc": [savemat(f / "w.mat", {"a": "b"}) or f / "w.mat"]}, ["no matrix of numbers"]),
    ("a .mat cut short", lambda f: {"sc": [f"{_cut(write_qsirecon(f / 'q.mat'), 900)}::4S6Parcels/sift_radius2_count"]},
     ["q.mat", "no matrix"]),
    ("a surface, no matrix", lambda f: {"sc": [write_micapipe(f / "m.shape.gii", np.ones((4, 3)))], "lengths": None},
     ["4 x 3", "square"]),
    ("named .gii", sc(lambda p: put(p.with_suffix(".gii"), text_of(weights()))), ["not a GIFTI file"]),
    ("named .zip", sc(lambda p: put(p.with_suffix(".zip"), b"PK\x03\x04" + bytes(99))), ["not a TVB connectivity"]),
    ("TVB without centres of all", tvb(centres="a 1 2 3\nb 4 5 6\n"), ["centres.txt", "2 regions", "6 as in"]),
    ("TVB with a word", tvb(weights="0 1\n1 x\n"), ["weights.txt, row 2, column 2", "'x'"]),
    ("TVB with ragged rows", tvb(tract_lengths="0 1\n1\n"), ["tract_lengths.txt", "different lengths"]),
    ("TVB centres in metres", tvb(centres="".join(f"{r} 0.0{i} 0.01 0.02\n" for i, r in enumerate(REGIONS))),
     ["regions span", "mm"]),
    # labels
    ("one label short", labelled("\n".join(REGIONS[:-1])), ["RH_Lim_1", "mine.txt"]),
    ("labels of another atlas", labelled("\n".join(f"ctx-lh-{x}" for x in "abcdef")),
     ["lacks 6 regions", "same names"]),
    ("a nameless label", labelled("label,x\na,1\n,2\n"), ["line 3", "no name"]),
    ("no column of labels", labelled("a\tb\n1\t2\n"), ["columns a, b", "'label'"]),
    ("a coordinate of words", labelled("label\tx\ty\tz\na\t1\ttwo\t3\n"), ["column y", "'two'"]),
    ("an empty list of labels", lambda f: {"labels": [], "sc": [put(f / "b.csv", text_of(weights()))], "lengths": None},
     ["labels lacks 6 regions"]),
    # BOLD
    ("transposed, named", lambda f: {"bold": [write_table(f / "t.tsv", ("Node", *map(str, range(LONG))), [
        (r, *row) for r, row in zip(REGIONS, series(t=LONG).T.tolist(), strict=True)]) or f / "t.tsv"], "tr": TR},
     ["transposed", "LH_Vis_1"]),
    ("transposed, without names", lambda f: {"bold": [put(f / "t.tsv", text_of(series(t=LONG).T, "\t"))], "tr": TR},
     ["6 rows x 800 columns", "transposed"]),
    ("no TR", lambda f: (f / "bold.json").unlink() or {}, ["no repetition time", "--tr"]),
    ("TR in ms", lambda f: bold(f, series(t=LONG), tr=800), ["bold.json", "800", "seconds"]),
    ("TR in ms, given", lambda _: {"tr": 720}, ["TR 720 (0.72 s"]),
    ("TR of zero", lambda f: bold(f, series(t=LONG), tr=0), ["bold.json", "RepetitionTime 0"]),
    ("TR in words", lambda f: bold(f, series(t=LONG), tr="0.8 s"), ["'0.8 s'"]),
    ("a broken sidecar", lambda f: put(f / "bold.json", "{") and {}, ["bold.json", "JSON"]),
    ("n/a parcel", series_of(lambda x: changed(x, (slice(None), 2), np.nan)), ["LH_Lim_1", "--drop-bad"]),
    ("constant parcel", series_of(lambda x: changed(x, (slice(None), 1), 5.0)), ["LH_Mot_1", "constant 5"]),
    ("a missing value", series_of(lambda x: changed(x, (7, 3), np.nan)), ["RH_Vis_1", "volume 8"]),
    ("missing volumes", series_of(lambda x: changed(x, slice(4, 6), np.nan)), ["volume 5, 6", "censored"]),
    ("infinite value", series_of(lambda x: changed(x, (7, 3), np.inf)), ["RH_Vis_1", "not"]),
    ("an absurd value", series_of(lambda x: changed(x, (7, 3), 1e12)), ["row 8, column 4", "1e+12"]),
    ("duplicate columns", lambda f: bold(f, series(t=LONG), ("a", "b", "a", *REGIONS[3:])), ["more than once: a"]),
    ("another atlas", lambda f: bold(f, series(t=LONG, n=4), ("L_A", "L_B", "R_A", "R_B")), ["lacks", "one atlas"]),
    ("one region short", lambda f: bold(f, series(t=LONG)[:, :5], REGIONS[:5]), ["lacks 1 region: RH_Lim_1"]),
    ("one region more", lambda f: bold(f, series(t=LONG, n=7), (*REGIONS, "Vermis")), ["Vermis", "--drop-bad"]),
    ("no names of columns", lambda f: {"bold": [put(f / "b.tsv", text_of(series(t=LONG), "\t"))], "tr": TR},
     ["b.tsv", "--trust-order"]),
    ("no names of the connectome", sc(lambda p: put(p, text_of(weights()))), ["sc.tsv", "--trust-order"]),
    ("another number, without names", lambda f: {"bold": [put(f / "b.tsv", text_of(series(t=LONG, n=5), "\t"))],
                                                 "tr": TR}, ["5 regions", "6 as in"]),
    ("confounds as BOLD", lambda f: bold(f, series(t=LONG), ("csf", "white_matter", "trans_x", "rot_x", "dvars", "fd")),
     ["lacks 6 regions", "csf"]),
    ("FC as BOLD", lambda f: {"bold": [f / "fc.tsv"], "tr": TR}, ["a matrix, and no series", "--fc"]),
    ("too short a run", series_of(lambda x: x[:40]), ["40 volumes", "longer"]),
    ("the same run twice", lambda f: _people(f, data=series(t=LONG)), ["the same data as", "once"]),
    ("unlike TRs", lambda f: _people(f, tr=2.0), ["TR 2 s", "0.8 s"]),
    ("people of unlike atlases", lambda f: _people(f, names=tuple("abcdef")), ["lacks 6 regions"]),
    ("global signal in one only", lambda f: _people(f) | (write_json(f / "sub-02_bold.json", {
        "RepetitionTime": TR, "GlobalSignalRegression": True}) or {}), ["global-signal regression", "alike"]),
    ("GSR in words", lambda f: write_json(f / "bold.json", {"RepetitionTime": TR, "GlobalSignalRegression": "yes"})
     or {}, ["bold.json", "'yes'"]),
    ("band above Nyquist", lambda _: {"band": (0.01, 3.0)}, ["band", "sampling rate"]),
    ("band upside down", lambda _: {"band": (0.1, 0.01)}, ["band", "low < high"]),
    ("a band on a censored series", lambda f: _censored(f, LONG + 9) | {"band": (0.01, 0.1)}, ["censored", "--band"]),
    ("outliers of another run", lambda f: _censored(f, 100), ["800 volumes", "at most 100"]),
    ("three axes", lambda f: {"bold": [put(f / "b.npy", npy(np.ones((2, 3, 4))))], "tr": TR}, ["3 axes"]),
    ("a matrix over parcels as BOLD", lambda f: {"bold": [write_pconn(f / "x.pconn.nii")], "tr": TR}, ["--fc"]),
    ("grayordinates without an atlas", lambda f: {"bold": [write_dtseries(f)[0]]}, ["68 grayordinates", "--atlas"]),
    ("an atlas that is none", lambda f: {"bold": [write_dtseries(f)[0]], "atlas": f / "rest.dtseries.nii"},
     ["no .dlabel.nii"]),
    ("parcels of another atlas", lambda f: {"bold": [write_ptseries(f / "x.ptseries.nii")], "sc": [write_matrix(
        f / "o.tsv", weights(), "abcdef") or f / "o.tsv"], "lengths": None}, ["lacks 6 regions"]),
    ("voxels without an atlas", lambda f: {"bold": [write_nifti(f)[0]]}, ["60 voxels", "--atlas"]),
    ("an atlas elsewhere", lambda f: _atlas(f, lambda v, a: (v, changed(a, (0, 3), 10.0))), ["affines differ"]),
    ("an atlas of other voxels", lambda f: _atlas(f, lambda v, a: (v[1:], a)), ["3 x 5 x 3", "resample"]),
    ("an atlas of fractions", lambda f: _atlas(f, lambda v, a: (v + np.float32(0.4), a)), ["no whole numbers"]),
    ("an atlas of other numbers", lambda f: _atlas(f, lambda v, a: (v + (v > 0).astype("i2"), a)), ["no name for"]),
    ("an image cut short", lambda f: {"bold": [_cut(write_nifti(f, ".nii")[0], 1000)], "atlas": f / "atlas.nii.gz"},
     ["bytes where its header speaks of"]),
    # FC
    ("covariances", fc(lambda r: changed(r, (2, 2), 4.0)), ["4 on the diagonal at LH_Lim_1", "covariances"]),
    ("Fisher's z", fc(lambda r: both(r, 0, 3, 1.4)), ["1.4, beyond 1", "tanh"]),
    ("missing FC", fc(lambda r: both(r, 0, 3, np.nan)), ["nan between LH_Vis_1 and RH_Vis_1"]),
    ("asymmetric FC", fc(lambda r: changed(r, (0, 3), 0.9)), ["0.9 one way", "symmetric"]),
    ("no FC", fc(lambda r: np.eye(N) + 0 * r), ["every correlation", "is 0"]),
    ("FC of another atlas", lambda f: {"bold": None, "fc": write_matrix(f / "o.tsv", correlations(), "abcdef")
                                       or f / "o.tsv"}, ["lacks 6 regions"]),
    ("the fitted recording to score", lambda f: {"heldout_bold": [f / "bold.tsv"]}, ["bold.tsv", "the same data"]),
    ("the fitted matrix to score", lambda f: {"bold": None, "fc": f / "fc.tsv", "heldout_fc": f / "fc.tsv"},
     ["fc.tsv", "the same data"]),
    ("BOLD to score FC", lambda f: {"bold": None, "fc": f / "fc.tsv", "heldout_bold": [f / "bold.tsv"]},
     ["--heldout-bold", "--heldout-fc"]),
    # maps and maps of names
    ("a map lacks a region", maps("region\tm\n" + "".join(f"{r}\t{i}\n" for i, r in enumerate(REGIONS[:5]))),
     ["maps.tsv", "no row for RH_Lim_1"]),
    ("a map without values", maps("region\tm\n" + "".join(f"{r}\tn/a\n" for r in REGIONS)), ["column m", "no value"]),
    ("a map that does not vary", maps("region\tm\n" + "".join(f"{r}\t1\n" for r in REGIONS)), ["same value"]),
    ("a region twice in a map", maps("region\tm\nLH_Vis_1\t1\nLH_Vis_1\t2\n"), ["more than once: LH_Vis_1"]),
    ("three columns in a map of names", lambda f: _pairs(f, "a\tb\tc\n"), ["map.tsv, line 1", "two columns"]),
    ("a name twice in a map of names", lambda f: _pairs(f, "a\tb\na\tc\n"), ["first column", "more than once: a"]),
    ("a map of names crossed", lambda f: _pairs(f, "a\tb\nb\tc\n"), ["one region in one scheme"]),
    ("a map of names for others", lambda f: _pairs(f, "x\ty\n"), ["lacks 6 regions", "--map-names"]),
    # EEG
    ("no recording", eeg(lambda f: {"eeg": f / "none.edf"}), ["none.edf", "no such file"]),
    ("an empty recording", eeg(lambda f: {"eeg": put(f / "e.edf", b"")}), ["empty"]),
    ("a recording cut short", eeg(lambda f: {"eeg": _cut(f / "rest.edf", 501)}), ["last record", "bytes are lost"]),
    ("too short a recording", edf(3.0), ["3.0 s of data", "longer"]),
    ("microvolts as volts", edf(scale=1e3, physical=4e5), ["V", "scale"]),
    ("unknown channels", edf(names=tuple(f"E{i}" for i in range(14))), ["no position", "--montage"]),
    ("no such montage", edf(montage="standard_9999"), ["no template 'standard_9999'"]),
    ("a channel twice", edf(names=("Fp1", "FP1", *CHANNELS[2:])), ["several channels for Fp1"]),
    ("no EEG channel", edf(names=tuple(f"ECG{i}" for i in range(14))), ["no EEG channel"]),
    ("sampling rate in kHz", edf(sfreq=10, seconds=60.0), ["sampling rate 10 Hz"]),
    ("neither connectome nor template", eeg(lambda _: {"sc": None}), ["--template"]),
    ("an unknown template", eeg(lambda _: {"sc": None, "template": "desikan"}), ["'desikan'", "aal2-80"]),
    ("centroids of other regions", eeg(lambda f: {"centroids": put(f / "c.tsv", "label\tx\ty\tz\na\t1\t2\t3\n")}),
     ["lacks 6 regions: LH_Vis_1"]),
    ("centroids without places", eeg(lambda f: {"centroids": put(f / "c.tsv", "label\tq\na\t1\n")}), ["x, y, z"]),
    ("neither lead field nor centroids", eeg(lambda _: {"centroids": None}), ["--leadfield", "--centroids"]),
    ("a lead field of other regions", leadfield(ONES, regions=tuple("abcdef")), ["lead.tsv", "lacks 6 regions"]),
    ("a lead field of other channels", leadfield(ONES, channels=[f"E{i}" for i in range(14)]),
     ["lead.tsv", "no row for Fp1"]),
    ("a lead field with gaps", leadfield(changed(ONES, (3, 2), np.nan)), ["lead.tsv, row 4, column 3"]),
    ("BrainVision without its data", eeg(lambda f: _brainvision(f) | ((f / "rest.eeg").unlink() or {})), ["rest.vhdr"]),
    ("BrainVision with a path", eeg(lambda f: _brainvision(f, DataFile="../../etc/passwd")), ["leaves its folder"]),
    ("FIF cut short", eeg(lambda f: {"eeg": _cut(write_fif(f / "x_raw.fif"), 700)}), ["x_raw.fif", "whole"]),
    ("text named .edf", eeg(lambda f: {"eeg": put(f / "x.edf", json.dumps({"a": 1}))}), ["x.edf", "EDF"]),
]


def read(folder, make):
    """Read what a mistake leaves; every one of them raises."""
    arguments = sound(folder) | make(folder)
    if arguments.pop("how", None) == "eeg":
        for name in ("lengths", "bold"):
            arguments.pop(name, None)
        return read_eeg_inputs(**arguments)
    return read_inputs(**arguments)


__all__ = ["KEYS", "MISTAKES", "read", "sound"]
