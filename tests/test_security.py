"""What files try: code, links to elsewhere, bombs, names that are markup. None of it works."""

import contextlib
import gzip
import os
import pickle
import zipfile

import numpy as np
import pytest
from made_eeg import NAMES, potentials
from made_files import (
    TR,
    N,
    series,
    weights,
    write_brainvision,
    write_micapipe,
    write_tvb,
    write_xcpd,
)
from made_result import make_result
from scipy.io import savemat

from nmfit import cli
from nmfit.errors import InputError
from nmfit.io import Ledger, read_bold, read_connectome, read_eeg, read_labels, write_matrix, write_table, write_text
from nmfit.report.page import page


class Evil:
    """Makes a folder when it is unpickled."""

    def __reduce__(self):
        return (os.mkdir, ("opened",))


@contextlib.contextmanager
def refused(*words):
    with pytest.raises(InputError) as caught:
        yield
    for word in words:
        assert word in str(caught.value), caught.value


@pytest.fixture(autouse=True)
def nothing_happens(tmp_path, monkeypatch):
    """Fail where something was run, or written outside the folder of the test."""
    monkeypatch.chdir(tmp_path)
    yield
    assert not (tmp_path / "opened").exists()
    assert not (tmp_path.parent / "escaped.txt").exists()


# --- code ---

@pytest.mark.parametrize("suffix", ["npy", "npz", "csv", "mat", "h5", "gii", "nii", "zip", "edf", "fif"])
def test_a_pickle_is_never_opened_whatever_its_name(tmp_path, suffix):
    name = f"x.{suffix}"
    (tmp_path / name).write_bytes(pickle.dumps(Evil()))
    read = read_eeg if name.endswith(("edf", "fif")) else read_connectome
    with refused(name):
        read(tmp_path / name)


def test_objects_in_arrays_are_never_opened(tmp_path):
    np.save(tmp_path / "x.npy", np.array([Evil(), 1], object))
    np.savez(tmp_path / "x.npz", sc=weights(), labels=np.array([Evil()] * N, object))
    np.savez(tmp_path / "y.npz", sc=np.array([[Evil()] * N] * N, object))
    for name in ("x.npy", "x.npz", "y.npz"):
        with refused("never opened"):
            read_connectome(tmp_path / name)


def test_a_pickle_among_kept_pieces_is_computed_again(tmp_path):
    ledger = Ledger(tmp_path / "fit")
    ledger("a", lambda: {"x": np.ones(2)})
    np.savez(ledger.folder / "a.npz", x=np.array([Evil()], object))
    np.testing.assert_array_equal(ledger("a", lambda: {"x": np.zeros(2)})["x"], [0, 0])


@pytest.mark.parametrize("cell", ["__import__('os').mkdir('opened')", "=cmd|' /C calc'!A0", "1;import os", "1e3j",
                                  "0x10", "1_000", "inf-inf"])
def test_cells_are_numbers_and_nothing_is_evaluated(tmp_path, cell):
    write_text(tmp_path / "x.tsv", f"0\t1\t2\n1\t0\t{cell}\n2\t{cell}\t0\n")
    with refused("x.tsv"):
        read_connectome(tmp_path / "x.tsv")


def test_matlab_objects_are_no_numbers(tmp_path):
    savemat(tmp_path / "x.mat", {"s": {"a": weights()}, "f": np.array(["@system"], object)})
    with refused("no matrix of numbers"):
        read_connectome(tmp_path / "x.mat")


# --- paths inside files ---

def test_no_path_in_a_tvb_archive_is_followed(tmp_path):
    path, w = write_tvb(tmp_path / "c.zip", prefix="../../../", **{"../escaped": "gone"})
    np.testing.assert_allclose(read_connectome(path, symmetric=False).weights, w, rtol=1e-7)     # read in memory
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other/weights.txt", "0 1\n1 0\n")
    with refused("2 members weights.txt", "one connectivity"):
        read_connectome(path)


def test_no_path_in_gifti_is_followed(tmp_path):
    path = write_micapipe(tmp_path / "x.shape.gii")
    text = path.read_text()
    (tmp_path / "data.bin").write_bytes(weights().astype("f4").tobytes())
    start, end = text.index("<Data>"), text.index("</Data>") + 7
    path.write_text((text[:start] + "<Data></Data>" + text[end:]).replace(
        'ExternalFileName=""', 'ExternalFileName="data.bin"').replace("GZipBase64Binary", "ExternalFileBinary")
        .replace("Base64Binary", "ExternalFileBinary").replace("ExternalFileBinaryExternal", "External"))
    assert "ExternalFileBinary" in path.read_text()
    with refused("x.shape.gii", "never followed"):
        read_connectome(path)


@pytest.mark.parametrize("kind", ["external_link", "soft_link", "external_data", "virtual"])
def test_no_path_in_hdf5_is_followed(tmp_path, kind):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["sc"] = weights()
    weights().tofile(tmp_path / "secret.bin")
    with h5py.File(tmp_path / "x.h5", "w") as file:
        if kind == "external_link":
            file["sc"] = h5py.ExternalLink("secret.h5", "/sc")
        elif kind == "soft_link":
            file["sc"] = h5py.SoftLink("/nowhere")
        elif kind == "external_data":
            file.create_dataset("sc", (N, N), "f8", external=[(str(tmp_path / "secret.bin"), 0, 8 * N * N)])
        else:
            layout = h5py.VirtualLayout((N, N), "f8")
            layout[...] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "sc", (N, N))
            file.create_virtual_dataset("sc", layout)
    with refused("no matrix of numbers"):
        read_connectome(tmp_path / "x.h5")


@pytest.mark.parametrize("value", ["../secret.eeg", "/etc/passwd", "..\\secret.eeg"])
def test_no_path_in_brainvision_leaves_its_folder(tmp_path, value):
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "secret.eeg").write_bytes((1e6 * potentials(8.0)).astype("<f4").tobytes())
    with refused("rest.vhdr", "leaves its folder"):
        read_eeg(write_brainvision(folder, DataFile=value))


def test_no_path_in_eeglab_leaves_its_folder(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    data = potentials(8.0).T.astype("f4")
    data.T.tofile(tmp_path / "secret.fdt")
    chanlocs = np.array([(name,) for name in NAMES], dtype=[("labels", object)])
    savemat(folder / "x.set", {"EEG": {
        "data": "../secret.fdt", "srate": 200.0, "nbchan": 14, "pnts": data.shape[1], "trials": 1, "xmin": 0.0,
        "xmax": data.shape[1] / 200.0, "chanlocs": chanlocs, "event": [], "epoch": [], "icawinv": [],
        "icaweights": []}}, appendmat=False)
    with refused("x.set", "another folder"):
        read_eeg(folder / "x.set")


# --- bombs ---

def test_an_archive_that_unpacks_without_end_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "c.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weights.txt", b"0 " * ((1 << 26) + 1))
    assert (tmp_path / "c.zip").stat().st_size < 1 << 20
    with refused("c.zip", "GB"):
        read_connectome(tmp_path / "c.zip")


def test_an_image_that_unpacks_to_more_than_it_says_is_refused(tmp_path):
    from made_files import write_nifti

    path, atlas = write_nifti(tmp_path)
    raw = gzip.decompress(path.read_bytes())
    with gzip.open(path, "wb") as file:
        file.write(raw)
        for _ in range(64):
            file.write(bytes(1 << 22))
    with refused("header speaks of"):
        read_bold(path, atlas=atlas)


def test_xml_that_multiplies_itself_is_refused(tmp_path):
    entities = "".join(f'<!ENTITY a{i + 1} "{f"&a{i};" * 10}">' for i in range(9))
    write_text(tmp_path / "x.gii", f'<?xml version="1.0"?><!DOCTYPE GIFTI [<!ENTITY a0 "lol">{entities}]>'
               '<GIFTI Version="1.0" NumberOfDataArrays="0"><MetaData>&a9;</MetaData></GIFTI>')
    with refused("x.gii", "never expanded"):
        read_connectome(tmp_path / "x.gii")


def test_json_without_a_bottom_is_refused(tmp_path):
    path = write_xcpd(tmp_path)
    path.with_suffix(".json").write_text('{"a":' * 200_000)
    with refused("JSON"):
        read_bold(path)


# --- names ---

NASTY = ("<script>alert(1)</script>", "\x1b[2J", "../../etc", "'; DROP TABLE x;--", "=1+1", "a\u202eb")


def test_names_from_files_are_text_on_the_page_and_in_the_terminal(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("nmfit.report.page._figure", lambda *_: "")          # names in figures: see test_report
    names = [f"{nasty}{i}" for i, nasty in enumerate(NASTY)]
    write_matrix(tmp_path / "sc.tsv", weights(), names)
    assert read_labels(names).names == tuple(names)
    write_table(tmp_path / "<b>sub-01.tsv", names, series())
    cli.main(["check", "sc.tsv", "<b>sub-01.tsv", "--tr", str(TR)])
    told = capsys.readouterr()
    assert "\x1b" not in told.out + told.err
    result = make_result(n=6)
    result.arrays["labels"] = np.array(names)
    result.record["provenance"]["command"] = "nmfit fit --bold '<b>sub-01.tsv'"
    html = page(result)
    for name in ("<script>alert", "<b>sub"):
        assert name not in html


def test_a_refusal_is_one_line_whatever_the_file_is_called(tmp_path, capsys):
    name = "x\n\x1b[31mred.csv"
    (tmp_path / name).write_bytes(b"")
    assert cli.main(["fit", "--sc", name, "--bold", name, "-o", "out"]) == cli.REFUSED
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "\x1b" not in told
    assert not (tmp_path / "out").exists()
