"""Readers and writers: what goes in comes out, labels decide, and bad input is refused in one sentence."""

import io
import json
import os
import pickle
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from nmfit.compare.recording import Recording
from nmfit.errors import InputError
from nmfit.io import (
    align,
    match_regions,
    prepare_folder,
    read_bold,
    read_connectome,
    read_fc,
    read_labels,
    read_maps,
    read_table,
    sample,
    write_json,
    write_matrix,
    write_npz,
    write_table,
    write_text,
)
from nmfit.network.connectome import Connectome

NAMES = ("Front_L", "Front_R", "Back_L", "Back_R")
N, T = 4, 60


def numbers(seed=0, shape=(T, N)):
    return np.random.default_rng(seed).normal(10, 2, shape)


def weights(seed=0):
    w = np.abs(numbers(seed, (N, N)))
    w = w + w.T
    np.fill_diagonal(w, 0)
    return w


def write_bold(path, data=None, names=NAMES, tr=2.0):
    write_table(path, names, numbers() if data is None else data)
    if tr is not None:
        write_json(path.with_suffix(".json"), {"RepetitionTime": tr})
    return path


def text(values, separator, header=None, first=None):
    rows = [separator.join(map(repr, map(float, row))) for row in values]
    if first is not None:
        rows = [f"{name}{separator}{row}" for name, row in zip(first, rows, strict=True)]
    return "\n".join(([separator.join(header)] if header else []) + rows) + "\n"


# --- tables ---

@pytest.mark.parametrize("separator", [",", "\t", ";", " ", "   "])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt"])
def test_text_tables_are_read_whatever_their_separator(tmp_path, separator, suffix):
    x = numbers()
    write_text(tmp_path / f"x{suffix}", text(x, separator))
    table = read_table(tmp_path / f"x{suffix}")
    np.testing.assert_array_equal(table.values, x)
    assert table.columns is table.rows is None
    assert len(table.sha256[f"x{suffix}"]) == 64


@pytest.mark.parametrize(("header", "first"), [
    (NAMES, None), (("", *NAMES), NAMES), (("Node", *NAMES), NAMES), (NAMES, NAMES), (None, NAMES)])
def test_header_row_and_first_column_of_names(tmp_path, header, first):
    w = weights()
    write_text(tmp_path / "w.csv", text(w, ",", header, first))
    table = read_table(tmp_path / "w.csv")
    np.testing.assert_array_equal(table.values, w)
    assert table.columns == (NAMES if header else None)
    assert table.rows == (NAMES if first else None)


def test_headers_and_columns_that_only_count_are_no_names(tmp_path):
    x = numbers()
    write_text(tmp_path / "pandas.csv", text(x, ",", ["", *map(str, range(N))], range(T)))
    table = read_table(tmp_path / "pandas.csv")
    np.testing.assert_array_equal(table.values, x)
    assert table.columns is table.rows is None
    assert any("only counts rows" in note for note in table.notes)
    write_text(tmp_path / "plain.csv", text(x, ",", list(map(str, range(1, N + 1)))))
    np.testing.assert_array_equal(read_table(tmp_path / "plain.csv").values, x)
    write_text(tmp_path / "square.csv", "0,1,2\n1,0,3\n2,3,0\n")
    assert read_table(tmp_path / "square.csv").values.shape == (3, 3)
    write_text(tmp_path / "time.tsv", text(np.c_[np.arange(T) * 2, x], "\t", ["time", *NAMES]))
    table = read_table(tmp_path / "time.tsv")
    assert table.columns == NAMES
    np.testing.assert_array_equal(table.values, x)


def test_missing_values_comments_quotes_and_marks(tmp_path):
    comment = "\ufeff# command_history: made, by hand\r\n"
    write_text(tmp_path / "x.csv", comment + '"Front, L",b\r\nn/a,1\r\n,2\r\nNaN,3\r\n\r\n')
    table = read_table(tmp_path / "x.csv")
    assert table.columns == ("Front, L", "b")
    assert np.isnan(table.values[:, 0]).all()
    assert table.values[:, 1].tolist() == [1, 2, 3]
    assert table.notes == ("comment in the file: command_history: made, by hand",)


def test_trailing_separators_and_utf16(tmp_path):
    write_text(tmp_path / "x.csv", "1,2,\n3,4,\n")
    assert read_table(tmp_path / "x.csv").values.tolist() == [[1, 2], [3, 4]]
    (tmp_path / "y.tsv").write_bytes("a\tb\n1\t2\n".encode("utf-16"))
    assert read_table(tmp_path / "y.tsv").columns == ("a", "b")


@pytest.mark.parametrize("dtype", ["f8", "f4", ">f8", "i4", "u2", "?"])
def test_numpy_files(tmp_path, dtype):
    x = numbers().astype(dtype)
    np.save(tmp_path / "x.npy", np.asfortranarray(x))
    np.savez_compressed(tmp_path / "one.npz", x=x)
    np.savez(tmp_path / "two.npz", x=x, y=x + 1 if dtype != "?" else x)
    for path in ("x.npy", "one.npz", "two.npz::x"):
        table = read_table(f"{tmp_path}/{path}")
        np.testing.assert_array_equal(table.values, x)
        assert table.values.dtype == np.float64


class Evil:
    def __reduce__(self):
        return (os.mkdir, ("opened",))


def bad_tables(folder):
    """Files that cannot be read, each with words the message must hold."""
    x = np.arange(6.0).reshape(3, 2)
    buffer = io.BytesIO()
    np.save(buffer, x)
    raw = buffer.getvalue()
    np.savez(folder / "two.npz", a=x, b=x)
    np.savez(folder / "objects.npz", a=np.array([Evil()], dtype=object))
    np.save(folder / "objects.npy", np.array([Evil(), 1], dtype=object))
    np.save(folder / "complex.npy", x * 1j)
    np.save(folder / "words.npy", np.array(["a"]))
    np.savez(folder / "none.npz")
    (folder / "folder.csv").mkdir()
    contents = {
        "empty.csv": b"", "blank.tsv": b"\n\n", "comments.txt": b"# one\n# two\n", "header.csv": b"a,b,c\n",
        "ragged.csv": b"1.5,2,3\n4,5\n", "longer.csv": b"a,b\n1,2,3\n4,5,6\n4,5,6\n7,8,9\n",
        "word.csv": b"1,2,3\n4,oops,6\n", "named.csv": b"A,B,C\n1,2,3\n4,5,1.2.3\n",
        "comma.csv": b"1,5;2,5\n3,5;4,5\n",
        "score.tsv": b"1\t2\n3\t1_000\n",
        "zip.csv": b"PK\x03\x04" + bytes(40), "page.tsv": b"<!DOCTYPE html><html>",
        "lfs.csv": b"version https://git-lfs.github.com/spec/v1\n", "latin.csv": "Pr\xe9,b\n1,2\n".encode("latin-1"),
        "nul.csv": b"1,2\n3,\x00\n", "pickle.csv": pickle.dumps([1, 2]), "text.npy": b"1,2\n3,4\n",
        "text.npz": b"1,2\n",
        "pickle.npy": pickle.dumps(Evil()), "short.npy": raw[:-8], "long.npy": raw + b"12345678",
        "cut.npz": (folder / "two.npz").read_bytes()[:-30], "quote.csv": b'"a,b\n1,2\n',
        "table.mat": b"MATLAB 5.0", "noname": b"1",
        "image.nii.gz": b"\x1f\x8b",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {
        "nothing.csv": ["no such file", "Check the path"], "folder.csv": ["a folder", "Give a file"],
        "empty.csv": ["empty file"], "blank.tsv": ["no rows"], "comments.txt": ["no rows"],
        "header.csv": ["no numbers"],
        "ragged.csv": ["line 2", "2 columns", "3 as in line 1"],
        "longer.csv": ["column 1", "under no name"],
        "word.csv": ["line 2, column 2", "'oops'", "not a number"],
        "named.csv": ["line 3, column 3 (C)", "'1.2.3'"], "comma.csv": ["line 1, column 1", "'1,5'", "decimal mark"],
        "score.tsv": ["line 2, column 2", "'1_000'"], "zip.csv": ["zip archive"], "page.tsv": ["web page"],
        "lfs.csv": ["git-lfs pointer"], "latin.csv": ["byte 3", "UTF-8"], "nul.csv": ["byte 7", "UTF-8"],
        "pickle.csv": ["pickle"], "text.npy": ["not a NumPy array"], "text.npz": ["not a zip archive"],
        "pickle.npy": ["pickle"], "short.npy": ["40 bytes", "expected 48"], "long.npy": ["56 bytes", "expected 48"],
        "cut.npz": ["damaged"], "quote.csv": ["cannot be read as a table"],
        "table.mat": ["MATLAB file", "damaged"], "noname": ["ending in nothing", ".csv"],
        "image.nii.gz": ["named .nii", "not a NIfTI image"],
        "two.npz": ["2 arrays (a, b)", "two.npz::a"], "two.npz::c": ["no such array", "a, b"], "none.npz": ["0 arrays"],
        "short.npy::a": ["Only .npz files have keys"], "objects.npz": ["pickled", "never opened"],
        "objects.npy": ["pickled", "never opened"], "complex.npy": ["complex128"], "words.npy": ["array of <U1"],
    }


def test_bad_tables_are_refused_with_file_place_value_and_remedy(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, words in bad_tables(tmp_path).items():
        with pytest.raises(InputError) as refused:
            pytest.fail(f"{name} was read as {read_table(tmp_path / name)}")
        message = str(refused.value)
        assert name.split("::")[0] in message, message
        for word in words:
            assert word in message, message
        assert "\n" not in message, message
        assert message.count(str(tmp_path)) == 1, message       # told once
    assert not (tmp_path / "opened").exists()  # no pickle ran


def test_a_file_larger_than_any_table_is_refused(tmp_path):
    with open(tmp_path / "huge.csv", "wb") as file:
        file.truncate((1 << 30) + 1)  # sparse: takes no room
    with pytest.raises(InputError, match=r"huge.csv: 1.1 GB"):
        read_table(tmp_path / "huge.csv")
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", b"\x93NUMPY")
    raw = bytearray((tmp_path / "bomb.npz").read_bytes())
    at = raw.index(b"PK\x01\x02")
    raw[at + 24:at + 28] = (2**32 - 2).to_bytes(4, "little")  # claims to unpack to 4 GB
    (tmp_path / "bomb.npz").write_bytes(raw)
    with pytest.raises(InputError, match="GB"):
        read_table(tmp_path / "bomb.npz")


def test_damaged_files_raise_nothing_else_and_never_change_shape(tmp_path):
    x = numbers()
    np.save(tmp_path / "x.npy", x)
    np.savez_compressed(tmp_path / "x.npz", x=x)
    write_table(tmp_path / "x.tsv", NAMES, x)
    rng = np.random.default_rng(1)
    for name in ("x.npy", "x.npz", "x.tsv"):
        good = (tmp_path / name).read_bytes()
        for trial in range(60):
            raw = bytearray(good)
            at = int(rng.integers(len(raw)))
            if trial % 3 == 0 and name != "x.tsv":  # a shorter table is still a table
                raw = raw[:at]
            elif trial % 3 == 1:
                raw[at] ^= 1 << int(rng.integers(8))
            else:
                raw[at:at + 8] = bytes(len(raw[at:at + 8]))
            (tmp_path / f"bad_{name}").write_bytes(raw)
            try:
                table = read_table(tmp_path / f"bad_{name}")
            except InputError:
                continue
            assert table.values.size == x.size or name == "x.tsv"


# --- labels ---

@pytest.mark.parametrize("content", [
    "Front_L\nFront_R\nBack_L\nBack_R\n",
    "label\nFront_L\nFront_R\nBack_L\nBack_R",
    "1 Front_L 2001\n2 Front_R 2002\n3 Back_L 2101\n4 Back_R 2102\n",
    "index\tname\n1\tFront_L\n2\tFront_R\n3\tBack_L\n4\tBack_R\n",
    "label,name\n1,Front_L\n2,Front_R\n3,Back_L\n4,Back_R\n",
])
def test_label_files(tmp_path, content):
    write_text(tmp_path / "labels.txt", content)
    assert read_labels(tmp_path / "labels.txt").names == NAMES


def test_labels_with_spaces_with_places_and_from_numpy(tmp_path):
    write_text(tmp_path / "a.txt", "Left Frontal Pole\nRight Frontal Pole\n")
    assert read_labels(tmp_path / "a.txt").names == ("Left Frontal Pole", "Right Frontal Pole")
    write_text(tmp_path / "b.tsv", "label\tx\ty\tz\na\t1\t2\t3\nb\t-4\t5\t6\n")
    assert read_labels(tmp_path / "b.tsv").centroids.tolist() == [[1, 2, 3], [-4, 5, 6]]
    np.savez(tmp_path / "c.npz", labels=np.array(NAMES), x=1)
    assert read_labels(f"{tmp_path}/c.npz::labels").names == NAMES
    with pytest.raises(InputError, match="array of int64"):
        read_labels(f"{tmp_path}/c.npz::x")


@pytest.mark.parametrize(("content", "words"), [
    ("a\tb\n1\t2\n", ["columns a, b", "Name one column 'label'"]),
    ("label\tx\ty\tz\na\t1\ttwo\t3\n", ["line 2, column y", "'two'"]),
    ("label\tx\na\t1\n\t2\n", ["line 3", "no name"]),
    ("label\tx\na\n", ["line 2", "1 columns"]),
    ("label\tx\n", ["no names"]),
])
def test_bad_label_files(tmp_path, content, words):
    write_text(tmp_path / "labels.tsv", content)
    with pytest.raises(InputError) as refused:
        read_labels(tmp_path / "labels.tsv")
    for word in ("labels.tsv", *words):
        assert word in str(refused.value)


# --- matching ---

def test_names_decide_whatever_the_order():
    match = match_regions(("a_L", "a_R", "b"), ("b", "a_L", "a_R"))
    assert match.first.tolist() == [0, 1, 2]
    assert match.second.tolist() == [1, 2, 0]
    assert match.notes == ()


def test_spelling_of_case_and_hemisphere_does_not():
    match = match_regions(("L_bankssts", "R_bankssts", "Brain-Stem"), ("ctx-rh-bankssts", "brainstem", "lh.bankssts"),
                          drop=True)
    assert match.second.tolist() == [2, 0]
    assert "spell regions differently, for example L_bankssts = lh.bankssts" in match.notes[0]
    assert "dropped: Brain-Stem" in match.notes[1]


def test_without_names_somebody_has_to_vouch_for_the_order_and_a_note_says_so():
    abc = ("a", "b", "c")
    for first, second, who in ((3, 3, "connectome and BOLD"), (abc, 3, "BOLD"), (3, abc, "connectome")):
        with pytest.raises(InputError, match=f"{who}: no region names.*--trust-order"):
            match_regions(first, second)
        match = match_regions(first, second, trust_order=True)
        assert match.second.tolist() == [0, 1, 2]
        assert match.notes == (f"no region names in {who}: matched by order, 3 regions",)


@pytest.mark.parametrize(("first", "second", "times", "words"), [
    (NAMES, 5, 60, ["5 regions", "4 as in sc.csv"]),
    (NAMES, 60, 4, ["transposed", "4 rows x 60 columns"]),
    (NAMES, ("Front_L", "Front_R", "Back_L"), 60, ["bold.tsv lacks 1 region: Back_R", "nearest to Back_R: Back_L"]),
    (NAMES[:3], NAMES, 60, ["sc.csv lacks 1 region: Back_R"]),
    (NAMES, ("LH_Vis_1", "LH_Vis_2", "RH_Vis_1", "RH_Vis_2"), 60, ["lacks 4 regions", "with the same names"]),
])
def test_regions_that_do_not_fit_are_refused(first, second, times, words):
    with pytest.raises(InputError) as refused:
        match_regions(first, second, ("sc.csv", "bold.tsv"), times)
    for word in words:
        assert word in str(refused.value)


def test_shuffled_labels_permute_consistently():
    x, w, rng = numbers(), weights(), np.random.default_rng(3)
    brain = Connectome(w, 10 * w, NAMES)
    for _ in range(5):
        p, q = rng.permutation(N), rng.permutation(N)
        shuffled = Recording(x[:, p], 2.0, tuple(NAMES[i] for i in p))
        mixed, (aligned,), notes = align(brain.select(q), [shuffled])
        back = np.argsort(q)
        assert aligned.labels == mixed.labels
        np.testing.assert_array_equal(aligned.data[:, back], x)
        np.testing.assert_array_equal(mixed.weights[np.ix_(back, back)], brain.weights)
        assert notes == ()


# --- BOLD ---

def test_bold_from_files_arrays_and_patterns(tmp_path):
    x, y = numbers(), numbers(1)
    order = [2, 0, 3, 1]
    write_bold(tmp_path / "sub-01_bold.tsv", x)
    write_bold(tmp_path / "sub-02_run-1_bold.tsv", y[:, order], [NAMES[i] for i in order])
    first, second = read_bold(f"{tmp_path}/sub-*_bold.tsv")
    assert (first.subject, second.subject) == ("sub-01", "sub-02")
    assert first.labels == second.labels == NAMES
    assert first.tr == 2.0
    np.testing.assert_array_equal(second.data, y)
    (one,) = read_bold(x, tr=0.8, labels=NAMES)
    assert (one.tr, one.labels, one.seconds) == (0.8, NAMES, T * 0.8)
    assert len(read_bold([x, y], tr=2)) == len(read_bold(np.stack([x, y]), tr=2)) == 2
    assert read_bold(first)[0].labels == NAMES
    (given,) = read_bold(tmp_path / "sub-01_bold.tsv", tr=1.5)
    assert given.tr == 1.5
    assert "RepetitionTime 2.0 ignored" in given.notes[0]


def test_bold_takes_names_from_a_label_file(tmp_path):
    np.save(tmp_path / "x.npy", numbers())
    write_text(tmp_path / "labels.txt", "\n".join(NAMES))
    (bold,) = read_bold(tmp_path / "x.npy", tr=2, labels=tmp_path / "labels.txt")
    assert bold.labels == NAMES
    assert set(bold.sha256) == {"x.npy", "labels.txt"}


def test_bad_regions_are_named_and_dropped_everywhere(tmp_path):
    x, y = numbers(), numbers(1)
    x[:, 1] = 7.0
    y[5, 3] = np.nan
    write_bold(tmp_path / "sub-01_bold.tsv", x)
    write_bold(tmp_path / "sub-02_bold.tsv", y)
    with pytest.raises(InputError, match=r"sub-01_bold.tsv: region Front_R holds the constant 7.*--drop-bad"):
        read_bold(f"{tmp_path}/sub-*.tsv")
    with pytest.raises(InputError, match=r"sub-02_bold.tsv: region Back_R holds 1 values .*first at volume 6"):
        read_bold(tmp_path / "sub-02_bold.tsv")
    kept = read_bold(f"{tmp_path}/sub-*.tsv", drop_bad=True)
    assert [recording.labels for recording in kept] == [("Front_L", "Back_L")] * 2
    assert "dropped in every recording: Front_R, Back_R" in kept[0].notes
    brain, aligned, notes = align(Connectome(weights(), labels=NAMES), kept, drop=True)
    assert brain.labels == aligned[0].labels == ("Front_L", "Back_L")
    assert any("dropped: Front_R, Back_R" in note for note in notes)
    with pytest.raises(InputError, match="lacks 2 regions: Front_R, Back_R"):
        align(Connectome(weights(), labels=NAMES), kept)


def test_regions_without_names_are_dropped_at_the_same_places():
    x = numbers()
    x[:, 1] = np.nan
    kept = read_bold(x, tr=2, drop_bad=True)
    brain, (aligned,), _ = align(Connectome(weights(), labels=NAMES), kept, drop=True, trust_order=True)
    assert brain.labels == ("Front_L", "Back_L", "Back_R")
    np.testing.assert_array_equal(aligned.data, x[:, [0, 2, 3]])
    with pytest.raises(InputError, match=r"4 regions.*expected 5"):
        align(Connectome(np.ones((5, 5))), kept, drop=True)


@pytest.mark.parametrize(("make", "given", "words"), [
    (lambda p: write_bold(p, tr=None), {}, ["no repetition time", "--tr"]),
    (lambda p: write_bold(p, tr=2000), {}, ["x_bold.json", "RepetitionTime 2000", "seconds"]),
    (lambda p: write_bold(p, tr="2 s"), {}, ["x_bold.json", "'2 s'"]),
    (write_bold, {"tr": 720}, ["TR 720 (0.72 s if these are milliseconds)", "0 to 20 s"]),
    (write_bold, {"tr": -1}, ["TR -1"]),
    (write_bold, {"tr": "two"}, ["TR 'two'"]),
    (lambda p: write_text(write_bold(p).with_suffix(".json"), "{"), {}, ["x_bold.json", "JSON"]),
    (lambda p: write_text(p, text(numbers().T, "\t")), {"tr": 2}, ["4 rows x 60 columns", "transposed"]),
    (lambda p: write_text(p, text(numbers().T, "\t", None, NAMES)), {"tr": 2}, ["Front_L, Front_R", "transposed"]),
    (lambda p: write_text(p, text(numbers().T, "\t")), {"tr": 2, "labels": NAMES}, ["transposed"]),
    (write_bold, {"labels": NAMES[:3]}, ["lacks 1 region: Back_R"]),
    (write_bold, {"labels": ("a", "b", "c", "d")}, ["lacks 4 regions", "same names"]),
    (lambda p: write_bold(p, names=("a", "b", "a", "c")), {}, ["more than once: a"]),
    (lambda p: write_bold(p, np.full((T, N), np.nan)), {}, ["no values at all in volume 1"]),
    (lambda p: write_bold(p, np.ones((T, N))), {"drop_bad": True}, ["4 of 4 regions"]),
    (lambda p: write_bold(p, numbers()[:1]), {}, ["1 volumes"]),
])
def test_bad_recordings(tmp_path, make, given, words):
    make(tmp_path / "x_bold.tsv")
    with pytest.raises(InputError) as refused:
        read_bold(tmp_path / "x_bold.tsv", **given)
    for word in ("x_bold", *words):
        assert word in str(refused.value) or word == "x_bold"


def test_bad_lists_of_recordings(tmp_path):
    x = numbers()
    with pytest.raises(InputError, match="the same data as recording_1"):
        read_bold([x, x], tr=2)
    with pytest.raises(InputError, match="no file matches"):
        read_bold(f"{tmp_path}/sub-*_bold.tsv")
    with pytest.raises(InputError, match="no recording"):
        read_bold([])
    with pytest.raises(InputError, match=r"3 regions.*expected 4"):
        read_bold([x, numbers(1)[:, :3]], tr=2)
    np.savez(tmp_path / "b.npz", x=np.ones((2, 3, 4)))
    with pytest.raises(InputError, match="3 axes"):
        read_bold(tmp_path / "b.npz", tr=2)
    with pytest.raises(InputError, match="complex"):
        read_bold(x * 1j, tr=2)


# --- connectomes ---

def test_connectome_from_files(tmp_path):
    w = weights()
    write_matrix(tmp_path / "w.tsv", w, NAMES)
    write_text(tmp_path / "len.csv", "# mrtrix\n" + text(np.triu(10 * w), ","))
    rows = "".join(f"{name}\t{9 * i}\t1\t1\n" for i, name in enumerate(NAMES))
    write_text(tmp_path / "labels.tsv", "label\tx\ty\tz\n" + rows)
    brain = read_connectome(tmp_path / "w.tsv", tmp_path / "len.csv", tmp_path / "labels.tsv")
    np.testing.assert_array_equal(brain.weights, w)
    np.testing.assert_array_equal(brain.lengths, 10 * w)
    assert brain.labels == NAMES
    assert brain.centroids[:, 0].tolist() == [0, 9, 18, 27]
    assert set(brain.sha256) == {"w.tsv", "len.csv", "labels.tsv"}
    assert "lengths: upper triangle only: mirrored" in brain.notes
    assert brain.source.endswith("w.tsv")
    assert read_connectome(brain) is brain


def test_a_label_file_in_another_order_moves_its_centroids_with_its_names(tmp_path):
    write_matrix(tmp_path / "w.tsv", weights(), NAMES)
    order = [3, 1, 0, 2]
    write_text(tmp_path / "labels.tsv", "name\tx\ty\tz\n" + "".join(f"{NAMES[i]}\t{9 * i}\t1\t1\n" for i in order))
    brain = read_connectome(tmp_path / "w.tsv", labels=tmp_path / "labels.tsv")
    assert brain.labels == NAMES
    assert brain.centroids[:, 0].tolist() == [0, 9, 18, 27]


def test_group_average_of_files_and_arrays(tmp_path):
    people = [weights(i) for i in range(3)]
    for i, w in enumerate(people):
        write_matrix(tmp_path / f"sub-{i}_weights.tsv", w, NAMES)
        write_matrix(tmp_path / f"sub-{i}_lengths.tsv", 10 * w, NAMES)
    brain = read_connectome(f"{tmp_path}/sub-*_weights.tsv", f"{tmp_path}/sub-*_lengths.tsv")
    np.testing.assert_allclose(brain.weights, np.mean(people, axis=0))
    np.testing.assert_allclose(brain.lengths, 10 * np.mean(people, axis=0))
    assert len(brain.sha256) == 6
    np.testing.assert_allclose(read_connectome(people).weights, brain.weights)
    np.testing.assert_allclose(read_connectome(np.stack(people)).weights, brain.weights)
    assert read_connectome(people[0].tolist()).n == N
    one_length = read_connectome(f"{tmp_path}/sub-*_weights.tsv", 10 * people[1])
    np.testing.assert_allclose(one_length.lengths, 10 * people[1])
    with pytest.raises(InputError, match=r"2 matrices of lengths.*expected 1 or 3"):
        read_connectome(people, people[:2])
    with pytest.raises(InputError, match="different people"):
        read_connectome([tmp_path / "sub-0_weights.tsv"], [tmp_path / "sub-1_lengths.tsv"])


@pytest.mark.parametrize(("content", "words"), [
    (text(-weights(), ","), ["w.csv (weights)", "negative", "row 1, column 2"]),
    (text(0 * weights(), ","), ["w.csv (weights)", "every weight"]),
    (text(weights()[:3], ","), ["w.csv", "3 x 4", "square"]),
    (text(weights(), ",", ("", *NAMES), NAMES[::-1]), ["w.csv, row 1", "'Back_R' but column 'Front_L'"]),
    (text(weights(), ",").replace(repr(float(weights()[0, 1])), "n/a", 1), ["w.csv (weights)", "nan"]),
])
def test_bad_connectomes(tmp_path, content, words):
    write_text(tmp_path / "w.csv", content)
    with pytest.raises(InputError) as refused:
        read_connectome(tmp_path / "w.csv")
    for word in words:
        assert word in str(refused.value)


def test_bad_lengths_and_labels_name_their_own_file(tmp_path):
    write_matrix(tmp_path / "w.tsv", weights(), NAMES)
    write_matrix(tmp_path / "l.tsv", 10 * weights(), NAMES[::-1])
    with pytest.raises(InputError, match=r"l.tsv: regions Back_R, Back_L"):
        read_connectome(tmp_path / "w.tsv", tmp_path / "l.tsv")
    write_text(tmp_path / "l.csv", text(-weights(), ","))
    with pytest.raises(InputError, match=r"l.csv: the length from Front_R to Front_L"):
        read_connectome(tmp_path / "w.tsv", tmp_path / "l.csv")
    write_text(tmp_path / "labels.txt", "Front_L\nFront_R\nBack_L\n")
    with pytest.raises(InputError, match=r"labels.txt lacks 1 region: Back_R"):
        read_connectome(tmp_path / "w.tsv", labels=tmp_path / "labels.txt")
    with pytest.raises(InputError, match=r"3 regions.*expected 4"):
        read_connectome(weights(), labels=NAMES[:3])


# --- FC and maps ---

def fc():
    return np.corrcoef(numbers().T)


def test_fc(tmp_path):
    write_matrix(tmp_path / "relmat.tsv", fc(), NAMES)
    values, names = read_fc(tmp_path / "relmat.tsv")
    np.testing.assert_allclose(values, fc(), atol=1e-15)
    assert names == NAMES
    bare = fc()
    np.fill_diagonal(bare, 0)
    values, names = read_fc(bare)
    assert np.diag(values).tolist() == [1] * N
    assert names is None


def test_a_triangle_of_fc_is_mirrored_and_said(tmp_path):
    write_matrix(tmp_path / "relmat.tsv", np.triu(fc()), NAMES)
    found = read_fc(tmp_path / "relmat.tsv")
    np.testing.assert_allclose(found.data, fc(), atol=1e-15)
    assert found.notes == ("upper triangle only: mirrored",)
    assert set(found.sha256) == {"relmat.tsv"}
    assert found.units == "Pearson r"


@pytest.mark.parametrize(("change", "words"), [
    (lambda r: r.__setitem__((1, 0), 0.9), ["0.9 the other", "Front_L and Front_R (row 1, column 2)", "symmetric"]),
    (lambda r: r.__setitem__((2, 2), 0.5), ["0.5 on the diagonal at Back_L"]),
    (lambda r: (r.__setitem__((0, 3), 1.4), r.__setitem__((3, 0), 1.4)), ["1.4, beyond 1", "tanh"]),
    (lambda r: (r.__setitem__((0, 3), np.nan), r.__setitem__((3, 0), np.nan)), ["nan between Front_L and Back_R"]),
    (lambda r: r.__setitem__(np.ones((N, N), bool), np.eye(N).ravel()), ["every correlation"]),
])
def test_bad_fc(tmp_path, change, words):
    values = fc()
    change(values)
    write_matrix(tmp_path / "relmat.tsv", values, NAMES)
    with pytest.raises(InputError) as refused:
        read_fc(tmp_path / "relmat.tsv")
    for word in ("relmat.tsv", *words):
        assert word in str(refused.value)


def test_maps_are_put_in_the_order_of_the_regions(tmp_path):
    write_text(tmp_path / "maps.tsv", "myelin\tregion\tgradient\n" + "".join(
        f"{i}\t{NAMES[i]}\t{-i}\n" for i in (2, 0, 3, 1)) + "9\tCerebellum\t9\n")
    names, maps = read_maps(tmp_path / "maps.tsv", NAMES)
    assert names == ("myelin", "gradient")
    assert maps.tolist() == [[0, 1, 2, 3], [0, -1, -2, -3]]


@pytest.mark.parametrize(("content", "words"), [
    ("region,m\nFront_L,1\nFront_R,2\nBack_L,3\n", ["no row for Back_R"]),
    ("region,m\nFront_L,1\nFront_R,2\nBack_L,3\nBack_R,n/a\n", ["line 5", "column m (Back_R)", "no value"]),
    ("region,m\nFront_L,1\nFront_R,x\nBack_L,3\nBack_R,4\n", ["line 3", "'x'"]),
    ("region,m\nFront_L,1\nFront_R,1\nBack_L,1\nBack_R,1\n", ["column m", "same value"]),
    ("region,m\nFront_L,1\nFront_L,2\nBack_L,3\nBack_R,4\n", ["more than once: Front_L"]),
    ("region,m,m\nFront_L,1,1\nFront_R,2,2\nBack_L,3,3\nBack_R,4,4\n", ["maps named m, m"]),
    ("region,m\nFront_L,1\nFront_R\n", ["line 3", "1 columns"]),
    ("region\nFront_L\n", ["1 columns"]),
    ("region,m\na,1\nb,2\nc,3\nd,4\n", ["lacks 4 regions"]),
])
def test_bad_maps(tmp_path, content, words):
    write_text(tmp_path / "maps.csv", content)
    with pytest.raises(InputError) as refused:
        read_maps(tmp_path / "maps.csv", NAMES)
    for word in ("maps.csv", *words):
        assert word in str(refused.value)


# --- writing ---

def test_what_is_written_reads_back_to_the_last_bit(tmp_path):
    w = weights() / 3
    write_matrix(tmp_path / "w.tsv", w, ("a b", 'say "x"', "tab\there", "d"))
    table = read_table(tmp_path / "w.tsv")
    np.testing.assert_array_equal(table.values, w)
    assert table.columns == ("a b", 'say "x"', "tab here", "d")
    write_npz(tmp_path / "a.npz", w=w)
    np.testing.assert_array_equal(read_table(tmp_path / "a.npz").values, w)
    first = (tmp_path / "a.npz").read_bytes()
    write_npz(tmp_path / "a.npz", w=w)
    assert (tmp_path / "a.npz").read_bytes() == first
    with pytest.raises(TypeError, match="pickled"):
        write_npz(tmp_path / "b.npz", w=np.array([{}]))
    write_json(tmp_path / "a.json", {"x": np.float32(1.5), "y": [np.nan, np.inf], "n": np.arange(2), "p": Path("q")})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": 1.5, "y": [None, None], "n": [0, 1], "p": "q"}
    write_table(tmp_path / "p.tsv", ("name", "value", "kept"), [("a", None, True), ("b", np.nan, 2)])
    assert (tmp_path / "p.tsv").read_text() == "name\tvalue\tkept\na\tn/a\ttrue\nb\tn/a\t2\n"


@pytest.mark.parametrize("fails", ["fsync", "replace", "open"])
def test_a_failed_write_leaves_the_old_file_whole(tmp_path, monkeypatch, fails):
    write_text(tmp_path / "fit.json", "old")

    def broken(*_, **__):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(os, fails, broken)
        with pytest.raises(OSError, match="disk full"):
            write_text(tmp_path / "fit.json", "new")
    assert (tmp_path / "fit.json").read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["fit.json"]


def test_a_folder_that_holds_a_result_is_kept(tmp_path):
    folder = prepare_folder(tmp_path / "deep" / "fit")
    assert folder.is_dir()
    assert not list(folder.iterdir())
    write_json(folder / "fit.json", {})
    with pytest.raises(InputError, match=r"holds a result.*--overwrite"):
        prepare_folder(folder)
    assert prepare_folder(folder, overwrite=True) == folder
    with pytest.raises(InputError, match="a file"):
        prepare_folder(folder / "fit.json")
    with pytest.raises(InputError, match="cannot be written"):
        prepare_folder(folder / "fit.json" / "inside")


# --- the data that ships ---

def test_the_sample_is_whole_and_its_order_is_that_of_its_labels():
    folder = sample("gw_aal2")
    brain = read_connectome(folder / "sub-*_weights.csv", folder / "sub-*_lengths.csv", folder / "labels.tsv")
    people = read_bold(folder / "sub-*_bold.tsv")
    brain, people, notes = align(brain, people)
    assert notes == ()
    assert [person.data.shape for person in people] == [(355, 80)] * 5
    assert {person.tr for person in people} == {2.0}
    assert any("0.24 to 0.37 of the largest weight: averaged" in note for note in brain.notes)
    pairs = brain.homotopic()
    assert len(pairs) == 40
    assert (brain.hemispheres() == ["L", "R"] * 40).all()
    fc = np.mean([np.corrcoef(person.data.T) for person in people], axis=0)
    across = np.where(brain.hemispheres()[:, None] != brain.hemispheres()[None], fc, -1)
    found = sum(across[i].argmax() == j for i, j in [*pairs, *pairs[:, ::-1]])
    assert found == 63  # 2 by chance
    strong = brain.weights > np.median(brain.weights)
    assert np.corrcoef(brain.lengths[strong], brain.distances()[strong])[0, 1] > 0.8
    assert sum(file.stat().st_size for file in folder.iterdir()) < 6e6
    with pytest.raises(InputError, match=r"'other'.*gw_aal2"):
        sample("other")


def test_the_list_of_packages_that_install_is_complete():
    root = Path(__file__).parents[1]
    listed = set(tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    found = {".".join(init.parent.relative_to(root).parts) for init in (root / "nmfit").rglob("__init__.py")}
    samples = {f"nmfit.data_samples.{readme.parent.name}" for readme in root.glob("data_samples/*/README.md")}
    assert listed == found | samples


@pytest.mark.shared
def test_the_order_against_another_set_of_the_same_regions():
    with np.load(Path(os.environ["NMFIT_DATA"]) / "fmri" / "hcp_aal2_80_subjects.npz") as file:
        other, labels, places = file["sc"].mean(0), tuple(file["labels"]), file["coords_mni"]
    folder = sample("gw_aal2")
    brain = read_connectome(folder / "sub-*_weights.csv", labels=folder / "labels.tsv")
    assert brain.labels == labels
    np.testing.assert_allclose(brain.centroids, places, atol=0.02)
    alike = np.corrcoef(np.log1p(brain.weights), np.log1p(other))[:80, 80:]
    assert (alike.argmax(1) == np.arange(80)).all()


def test_a_table_of_regions_with_their_places_is_no_lead_field(tmp_path):
    from nmfit.io.look import look

    path = tmp_path / "regions.tsv"
    path.write_text("label\tx\ty\tz\nV1_L\t-9\t-90\t2\nV1_R\t9\t-90\t2\nM1_L\t-36\t-20\t50\nM1_R\t36\t-20\t50\n")
    seen = look(path)
    assert seen["role"] == "labels"
    assert seen["problem"] is None


def test_places_without_names_are_no_bold(tmp_path):
    from nmfit.io.look import look

    path = tmp_path / "coords.csv"
    for head in ("", "x,y,z\n"):
        path.write_text(head + "-9.5,-90,2\n9,-90,2\n-36,-20,50\n36,-20,50\n")
        assert "columns label, x, y, z" in look(path)["problem"]
    path.write_text("V1,M1,S1\n" + "1,2,3\n2,1,3\n1,3,2\n2,2,2\n")
    assert look(path, tr=2.0)["role"] == "bold"
