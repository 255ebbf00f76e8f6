"""What pipelines write goes in as it is: values, names, TR and repairs of every format."""

import contextlib

import numpy as np
import pytest
from made_files import (
    CHANNELS,
    KEYS,
    REGIONS,
    TR,
    N,
    T,
    correlations,
    potentials,
    series,
    weights,
    write_brainvision,
    write_dtseries,
    write_edf,
    write_fif,
    write_hdf5,
    write_micapipe,
    write_mrtrix,
    write_nifti,
    write_pconn,
    write_ptseries,
    write_qsirecon,
    write_tvb,
    write_xcpd,
)
from scipy.io import savemat

from nmfit.errors import InputError
from nmfit.io import read_bold, read_connectome, read_eeg, read_fc, read_labels, write_npz, write_table, write_text
from nmfit.io.inputs import read_inputs


@contextlib.contextmanager
def refused(*words):
    with pytest.raises(InputError) as caught:
        yield
    for word in words:
        assert word in str(caught.value), caught.value


# --- XCP-D and HALFpipe ---

def test_xcpd(tmp_path):
    path = write_xcpd(tmp_path)
    (bold,) = read_bold(path)
    assert (bold.labels, bold.tr, bold.subject) == (REGIONS, TR, "sub-01")
    np.testing.assert_array_equal(bold.data, series())
    assert bold.notes == ()


def test_parcels_that_xcpd_could_not_cover_are_dropped_everywhere_and_listed(tmp_path):
    data = series(t=500)
    data[:, 2] = np.nan
    path = write_xcpd(tmp_path, data)
    assert "n/a" in path.read_text()
    with refused("LH_Lim_1", "--drop-bad"):
        read_bold(path)
    np.savetxt(tmp_path / "sc.csv", weights(), delimiter=",")
    write_text(tmp_path / "labels.txt", "\n".join(REGIONS))
    target, brain, _, _ = read_inputs(sc=[tmp_path / "sc.csv"], labels=tmp_path / "labels.txt", bold=[path],
                                      drop_bad=True, band=(0.02, 0.2))
    assert target.labels == brain.labels == tuple(r for r in REGIONS if r != "LH_Lim_1")
    assert any("dropped in every recording: LH_Lim_1" in note for note in target.notes)
    assert "dropped_regions:LH_Lim_1" in target.flags


def test_a_censored_series_gives_fc_and_nothing_that_needs_time(tmp_path):
    path = write_xcpd(tmp_path, series(t=200), outliers=12)
    (bold,) = read_bold(path)
    assert bold.notes[0].startswith("censored: 12 of 212 volumes are missing (sub-01_task-rest_outliers.tsv)")
    from nmfit.compare.scans import scan_target

    with refused("censored"):
        scan_target([bold])
    np.savetxt(tmp_path / "sc.csv", weights(), delimiter=",")
    inputs = {"sc": [tmp_path / "sc.csv"], "labels": REGIONS, "bold": [path]}
    target, _, _, _ = read_inputs(**inputs)
    assert target.band is None
    assert "censored_series" in target.flags
    with refused("censored series", "--band"):
        read_inputs(**inputs, band=(0.01, 0.1))
    write_table(tmp_path / "sub-01_task-rest_outliers.tsv", ("framewise_displacement",), [[0]] * 150)
    with refused("200 volumes", "at most 150"):
        read_bold(path)


def test_halfpipe_has_no_header_and_needs_names(tmp_path):
    path = tmp_path / "sub-01_task-rest_feature-x_atlas-y_timeseries.tsv"
    np.savetxt(path, series(t=500), delimiter="\t")
    path.with_suffix(".json").write_text('{"SamplingFrequency": 1.25}')
    (bold,) = read_bold(path, labels=REGIONS)
    assert (bold.tr, bold.labels) == (0.8, REGIONS)
    np.savetxt(tmp_path / "sc.csv", weights(), delimiter=",")
    given = {"sc": [tmp_path / "sc.csv"], "bold": [path], "band": (0.02, 0.2)}
    with refused("no region names", "--trust-order"):
        read_inputs(**given)
    target, _, _, _ = read_inputs(**given, trust_order=True)
    assert any("matched by order" in note for note in target.notes)
    np.savetxt(tmp_path / "corr.txt", correlations())
    np.testing.assert_allclose(read_fc(tmp_path / "corr.txt", REGIONS).data, correlations(), atol=1e-15)


# --- connectomes ---

def test_mrtrix(tmp_path):
    brain = read_connectome(write_mrtrix(tmp_path / "sc.csv"), labels=REGIONS)
    np.testing.assert_allclose(brain.weights, weights(), rtol=1e-9)
    told = " | ".join(brain.notes)
    for words in ("tck2connectome tracks.tck", "upper triangle only: mirrored", f"diagonal zeroed ({N} of {N}"):
        assert words in told
    whole = np.zeros((N + 1, N + 1))
    whole[1:, 1:] = weights()
    whole[0] = 7
    path = write_mrtrix(tmp_path / "kept.csv", whole)
    path.write_text(path.read_text().replace("tracks.tck", "-keep_unassigned tracks.tck"))
    brain = read_connectome(path, labels=REGIONS)
    np.testing.assert_allclose(brain.weights, weights(), rtol=1e-9)
    assert any("streamlines of no region" in note for note in brain.notes)


def test_qsirecon(tmp_path):
    path = write_qsirecon(tmp_path / "sub-01_connectivity.mat")
    for key in ("4S6Parcels/sift_radius2_count", "4S6Parcels.sift.radius2.count",
                "atlas_4S6Parcels_sift_radius2_count_connectivity"):
        brain = read_connectome(f"{path}::{key}", f"{path}::4S6Parcels/radius2_meanlength")
        np.testing.assert_array_equal(brain.weights, weights())
        assert brain.labels == REGIONS
        assert brain.lengths.max() == (50 + weights(1)).max()
    with refused("2 matrices", "4S6Parcels/sift_radius2_count, 4S6Parcels/radius2_meanlength", "::4S6Parcels/"):
        read_connectome(path)
    with refused("no such matrix", "4S6Parcels/sift_radius2_count"):
        read_connectome(f"{path}::sift")


def test_matlab(tmp_path):
    savemat(tmp_path / "a.mat", {"SC": weights(), "names": np.array(REGIONS, object), "n": 6})
    assert read_connectome(tmp_path / "a.mat").labels == REGIONS
    savemat(tmp_path / "b.mat", {"bold": series()}, do_compression=True)
    (bold,) = read_bold(tmp_path / "b.mat", tr=TR, labels=REGIONS)
    np.testing.assert_array_equal(bold.data, series())
    savemat(tmp_path / "c.mat", {"word": "none"})
    with refused("no matrix of numbers"):
        read_connectome(tmp_path / "c.mat")


def test_hdf5(tmp_path):
    pytest.importorskip("h5py")
    path = write_hdf5(tmp_path / "x.h5")
    np.testing.assert_array_equal(read_connectome(f"{path}::sc", labels=REGIONS).weights, weights())
    found = read_fc(f"{path}::group/fc")
    assert found.labels == REGIONS
    with refused("2 matrices: group/fc, sc"):
        read_connectome(path)


def test_matlab_7_3_is_turned_back(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "new.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["bold"] = series().T                                    # as MATLAB writes it: columns first
        names = [file.create_dataset(f"#refs#/{i}", data=np.array([[ord(c)] for c in r], "u2"))
                 for i, r in enumerate(REGIONS)]
        cell = file.create_dataset("labels", (N, 1), h5py.ref_dtype)
        cell[:, 0] = [name.ref for name in names]
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512))
    (bold,) = read_bold(path, tr=TR)
    np.testing.assert_array_equal(bold.data, series())
    assert bold.labels == REGIONS


def test_micapipe(tmp_path):
    path = write_micapipe(tmp_path / "sub-01_atlas-x_desc-iFOD2-10M-SIFT2_full-connectome.shape.gii")
    brain = read_connectome(path, labels=REGIONS)
    np.testing.assert_allclose(brain.weights, weights(), rtol=1e-6)
    assert any("upper triangle only: mirrored" in note for note in brain.notes)
    found = read_fc(write_micapipe(tmp_path / "x_desc-FC.shape.gii", correlations()), labels=REGIONS)
    np.testing.assert_allclose(found.data, correlations(), atol=1e-6)


@pytest.mark.parametrize("prefix", ["", "connectivity_6/"])
def test_tvb(tmp_path, prefix):
    path, w = write_tvb(tmp_path / "connectivity_6.zip", prefix)
    brain = read_connectome(path, symmetric=False)
    np.testing.assert_allclose(brain.weights, w, rtol=1e-7)           # W[i, j]: from j to i, as here
    np.testing.assert_allclose(brain.lengths, np.where(np.eye(N), 0, 20 + weights()), rtol=1e-7)
    assert brain.labels == REGIONS
    assert brain.centroids[2].tolist() == [-10, 2, 4]
    np.testing.assert_allclose(read_connectome(path).weights, (w + w.T) / 2, rtol=1e-7)
    with refused("TVB connectivity", "--sc"):
        read_fc(path)


def test_numpy_archives_may_bring_their_names(tmp_path):
    write_npz(tmp_path / "a.npz", sc=weights(), labels=np.array(REGIONS))
    assert read_connectome(tmp_path / "a.npz").labels == REGIONS
    write_npz(tmp_path / "b.npz", sc=weights(), fc=correlations(), labels=np.array(REGIONS))
    assert read_fc(f"{tmp_path / 'b.npz'}::fc").labels == REGIONS


# --- images ---

def test_cifti_series_and_matrices_over_parcels(tmp_path):
    (bold,) = read_bold(write_ptseries(tmp_path / "sub-01_rest.ptseries.nii"))
    np.testing.assert_allclose(bold.data, series(), rtol=1e-6)
    assert (bold.labels, bold.tr) == (REGIONS, pytest.approx(TR))
    found = read_fc(write_pconn(tmp_path / "rest.pconn.nii"))
    np.testing.assert_allclose(found.data, correlations(), atol=1e-6)
    assert found.labels == REGIONS
    with refused("a matrix, and no series", "--fc"):
        read_bold(tmp_path / "rest.pconn.nii", tr=TR)


def test_grayordinates_are_averaged_over_the_parcels_of_an_atlas(tmp_path):
    path, atlas = write_dtseries(tmp_path)
    (bold,) = read_bold(path, atlas=atlas)
    assert bold.labels == REGIONS
    assert np.corrcoef(bold.data.T, series().T)[:N, N:].diagonal() == pytest.approx(1, abs=1e-6)
    assert np.abs(bold.data - series()).max() < 1
    with refused("68 grayordinates", "--atlas FILE.dlabel.nii"):
        read_bold(path)
    with refused("is no .dlabel.nii"):
        read_bold(path, atlas=path)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_voxels_are_averaged_over_a_label_image(tmp_path, suffix):
    path, atlas = write_nifti(tmp_path, suffix)
    (bold,) = read_bold(path, atlas=atlas)                  # names from the atlas' own table
    np.testing.assert_allclose(bold.data, series(), rtol=1e-6)
    assert (bold.labels, bold.tr) == (REGIONS, pytest.approx(TR))
    table = tmp_path / "other.txt"
    order = np.random.default_rng(0).permutation(N)
    write_text(table, "".join(f"{KEYS[i]} {REGIONS[i]}\n" for i in order))
    (again,) = read_bold(path, atlas=atlas, labels=table)    # numbers decide, not the order of lines
    assert again.labels == REGIONS
    mine = tuple(REGIONS[i] for i in order)                  # numbered otherwise: the atlas' own table tells who is who
    write_text(table, "".join(f"{i + 1} {name}\n" for i, name in enumerate(mine)))
    (mapped,) = read_bold(path, atlas=atlas, labels=table)
    assert mapped.labels == mine
    np.testing.assert_allclose(mapped.data, series()[:, order], rtol=1e-6)
    (tmp_path / "atlas.tsv").unlink()
    with refused("6 regions without names", "--labels"):
        read_bold(path, atlas=atlas)
    with refused("60 voxels and no regions", "--atlas"):
        read_bold(path)
    write_text(table, "".join(f"{KEYS[i]} {REGIONS[i]}\n" for i in range(4)))
    with refused("no name for the numbers 12, 20"):
        read_bold(path, atlas=atlas, labels=table)


def test_an_atlas_in_another_space_is_refused(tmp_path):
    import nibabel

    path, atlas = write_nifti(tmp_path)
    image = nibabel.load(atlas)
    moved = image.affine.copy()
    moved[0, 3] = 10
    nibabel.save(nibabel.Nifti1Image(np.asarray(image.dataobj), moved), tmp_path / "moved.nii.gz")
    with refused("affines differ", "resample"):
        read_bold(path, atlas=tmp_path / "moved.nii.gz", labels=REGIONS)
    nibabel.save(nibabel.Nifti1Image(np.ones((3, 3, 3), "i2"), image.affine), tmp_path / "small.nii.gz")
    with refused("3 x 3 x 3", "resample"):
        read_bold(path, atlas=tmp_path / "small.nii.gz", labels=REGIONS)


# --- EEG in its other files ---

def test_eeg_formats_read_alike(tmp_path):
    vhdr, fif = read_eeg(write_brainvision(tmp_path)), read_eeg(write_fif(tmp_path / "rest_raw.fif"))
    np.testing.assert_allclose(vhdr.data, fif.data, atol=1e-9)
    assert vhdr.ch_names == fif.ch_names
    assert {"rest.vhdr", "rest.eeg"} <= set(vhdr.sha256)


def test_what_bids_says_of_channels_counts(tmp_path):
    path = write_edf(tmp_path / "sub-01_task-rest_eeg.edf", potentials(8.0), 200, CHANNELS)
    table = tmp_path / "sub-01_task-rest_channels.tsv"
    write_table(table, ("name", "type", "units", "status"), [
        (name, "EOG" if name == "Fp1" else "EEG", "uV", "bad" if name == "O1" else "good") for name in CHANNELS])
    (tmp_path / "sub-01_task-rest_eeg.json").write_text('{"SamplingFrequency": 200}')
    found = read_eeg(path, find_bads=False)
    assert set(CHANNELS) - set(found.ch_names) == {"Fp1", "O1"}
    told = " | ".join(found.notes)
    assert "channels.tsv: Fp1 are no EEG" in told
    assert "left out O1: marked as bad" in told
    assert {"sub-01_task-rest_channels.tsv", "sub-01_task-rest_eeg.json"} <= set(found.sha256)
    (tmp_path / "sub-01_task-rest_eeg.json").write_text('{"SamplingFrequency": 500}')
    with refused("SamplingFrequency 500", "200 Hz as in the recording"):
        read_eeg(path)
    (tmp_path / "sub-01_task-rest_eeg.json").unlink()
    write_table(table, ("name", "status"), [("E1", "good")])
    with refused("channels E1", "channels like Fp1"):
        read_eeg(path)


# --- in memory ---

class Masker:
    """What a fitted masker of nilearn's shows."""

    def __init__(self, names):
        if names is not None:
            self.region_names_ = names

    def fit_transform(self, images):
        raise AssertionError(images)


@pytest.mark.parametrize("names", [list(REGIONS), dict(enumerate(REGIONS)), {5 - i: r for i, r in enumerate(
    REGIONS[::-1])}])
def test_a_fitted_masker_names_the_columns(names):
    (bold,) = read_bold(series(), tr=TR, labels=Masker(names))
    assert bold.labels == REGIONS


def test_a_masker_that_is_not_fitted_says_so():
    with refused("not fitted", "fit"):
        read_labels(Masker(None))
    with refused("knows no names"):
        read_labels(Masker([]))


def test_tables_of_pandas_and_xarray():
    pandas, xarray = pytest.importorskip("pandas"), pytest.importorskip("xarray")
    (bold,) = read_bold(pandas.DataFrame(series(), columns=REGIONS), tr=TR)
    assert bold.labels == REGIONS
    frame = pandas.DataFrame(weights(), REGIONS, REGIONS)
    assert read_connectome(frame).labels == REGIONS
    with refused("row 'RH_Lim_1' but column 'LH_Vis_1'"):
        read_connectome(frame.iloc[::-1])
    array = xarray.DataArray(series().T, dims=("region", "time"), coords={
        "region": list(REGIONS), "time": ("time", 1e3 * TR * np.arange(T), {"units": "ms"})})
    (bold,) = read_bold(array)
    assert (bold.labels, bold.tr) == (REGIONS, pytest.approx(TR))
    np.testing.assert_array_equal(bold.data, series())
    with refused("no repetition time"):
        read_bold(array.drop_vars("time"))
    with refused("evenly sampled"):
        read_bold(array.isel(time=[0, 1, 3, 4, 5, 6, 7, 9]))


# --- the process apart ---

def test_the_reader_apart_survives_crashes_and_hangs(tmp_path, monkeypatch):
    from nmfit.io.formats import apart

    worker = tmp_path / "worker.py"
    for file in apart.WORKER.parent.glob("worker*.py"):
        (tmp_path / file.name).write_text(file.read_text().replace(
            "def gifti(path):", "def gifti(path):\n    import ctypes\n    "
            "if 'crash' in path: ctypes.string_at(0)\n    while 'hang' in path: pass\n    import time\n    "
            "time.sleep(2.0 if 'busy' in path else 0.0)\n"))
    monkeypatch.setattr(apart, "WORKER", worker)
    monkeypatch.setattr(apart, "READ_SECONDS", 1.0)
    apart._stop()
    for word, said in (("crash", "crashed its reader"), ("hang", "not read after 1 s"), ("busy", None),
                       ("fine", None)):
        path = write_micapipe(tmp_path / f"{word}.shape.gii")
        if said is None:
            assert read_connectome(path, labels=REGIONS).n == N
            continue
        with refused(path.name, said, "damaged"):
            read_connectome(path, labels=REGIONS)
    apart._stop()
