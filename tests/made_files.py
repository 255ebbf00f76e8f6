"""Files as pipelines write them, made for tests: one writer per format."""

import io
import zipfile

import nibabel
import numpy as np
from made_eeg import NAMES as CHANNELS
from made_eeg import potentials, write_edf
from nibabel import cifti2
from scipy.io import savemat

from nmfit.io import write_json, write_matrix, write_npz, write_table, write_text

REGIONS = ("LH_Vis_1", "LH_Mot_1", "LH_Lim_1", "RH_Vis_1", "RH_Mot_1", "RH_Lim_1")
N, T, TR = len(REGIONS), 90, 0.8
KEYS = (3, 5, 8, 11, 12, 20)           # numbers of the regions in label images
SHAPE = (4, 5, 3)                      # voxels


def series(seed=0, n=N, t=T):
    """Return ``[t, n]``, as raw BOLD is: far from zero."""
    rng = np.random.default_rng(seed)
    return 1e3 + rng.normal(size=(t, n)) @ (np.eye(n) + 0.3)


def weights(seed=0, n=N):
    """Return symmetric weights ``[n, n]`` without a diagonal."""
    rng = np.random.default_rng(seed)
    w = np.triu(rng.uniform(1, 100, (n, n)), 1)
    return w + w.T


def correlations(seed=0):
    """Return FC of `series`."""
    return np.corrcoef(series(seed).T)


def write_mrtrix(path, matrix=None):
    """Write what ``tck2connectome`` writes without options: a triangle with its diagonal, a command on top."""
    matrix = weights() + np.diag(np.arange(1.0, N + 1)) if matrix is None else matrix
    rows = [",".join(f"{x:.10g}" for x in row) for row in np.triu(matrix)]
    write_text(path, "# command_history: tck2connectome tracks.tck nodes.mif sc.csv  (version=3.0.4)\n"
               + "\n".join(rows) + "\n")
    return path


def write_xcpd(folder, data=None, outliers=0, tr=TR):
    """Write a series as XCP-D does, its sidecar, and the table of outliers; censored where there are any."""
    data = series() if data is None else data
    path = folder / "sub-01_task-rest_space-MNI_atlas-4S6Parcels_stat-mean_timeseries.tsv"
    write_table(path, REGIONS, data)
    write_json(path.with_suffix(".json"), {"RepetitionTime": tr, "NodeFiles": "x"})
    marks = np.zeros(len(data) + outliers, int)
    marks[5:5 + outliers] = 1
    write_table(folder / "sub-01_task-rest_outliers.tsv", ("framewise_displacement",), marks[:, None].tolist())
    return path


def write_qsirecon(path, **more):
    """Write QSIRecon's connectivity with two measures of one atlas."""
    atlas = "atlas_4S6Parcels"
    savemat(path, {f"{atlas}_region_ids": np.arange(1, N + 1), f"{atlas}_region_labels": np.array(REGIONS, object),
                   f"{atlas}_sift_radius2_count_connectivity": weights(),
                   f"{atlas}_radius2_meanlength_connectivity": 50 + weights(1), **more})
    return path


def write_micapipe(path, matrix=None):
    """Write the upper triangle of a matrix as one GIFTI array."""
    matrix = np.triu(weights() if matrix is None else matrix).astype("f4")
    nibabel.save(nibabel.gifti.GiftiImage(darrays=[nibabel.gifti.GiftiDataArray(matrix, "NIFTI_INTENT_NONE")]), path)
    return path


def parcels():
    """Return CIFTI's axis of the regions, one vertex each."""
    return cifti2.ParcelsAxis(
        REGIONS, [np.zeros((0, 3), int)] * N,
        [{"CIFTI_STRUCTURE_CORTEX_LEFT" if r[0] == "L" else "CIFTI_STRUCTURE_CORTEX_RIGHT": np.array([i])}
         for i, r in enumerate(REGIONS)],
        nvertices={"CIFTI_STRUCTURE_CORTEX_LEFT": 40, "CIFTI_STRUCTURE_CORTEX_RIGHT": 40})


def write_cifti(path, data, *axes):
    """Write a CIFTI-2 image."""
    nibabel.save(cifti2.Cifti2Image(np.asarray(data, "f4"), header=axes), path)
    return path


def write_ptseries(path, data=None):
    """Write parcellated series, as ``wb_command -cifti-parcellate`` does."""
    data = series() if data is None else data
    return write_cifti(path, data, cifti2.SeriesAxis(0, TR, len(data), "SECOND"), parcels())


def write_pconn(path):
    """Write parcellated FC."""
    return write_cifti(path, correlations(), parcels(), parcels())


def grayordinates(keep=None):
    """Return CIFTI's axis of 40 vertices in each hemisphere, or of those with ``keep``."""
    masks = np.ones(40, bool) if keep is None else keep
    return (cifti2.BrainModelAxis.from_mask(masks, name="cortex_left")
            + cifti2.BrainModelAxis.from_mask(masks, name="cortex_right"))


def write_dtseries(folder):
    """Write series of vertices, the medial wall left out, and an atlas over all vertices; return both paths."""
    keep = np.arange(40) % 7 != 0
    labels = np.zeros((2, 40), int)
    labels[:, 1:37] = np.repeat(np.arange(1, 4), 12)
    labels[1, 1:37] += 3
    data = np.full((T, 2, 40), np.nan)
    for h in range(2):
        for v in range(40):
            data[:, h, v] = series()[:, labels[h, v] - 1] + (v % 5 - 2) if labels[h, v] else 0
    lines = cifti2.SeriesAxis(0, 1000 * TR, T, "SECOND")
    lines = cifti2.SeriesAxis(0, TR, T, "SECOND")
    write_cifti(folder / "rest.dtseries.nii", data[:, :, keep].reshape(T, -1), lines, grayordinates(keep))
    table = {0: ("???", (0, 0, 0, 0))} | {i + 1: (r, (1, 1, 1, 1)) for i, r in enumerate(REGIONS)}
    write_cifti(folder / "atlas.dlabel.nii", labels.reshape(1, -1), cifti2.LabelAxis(["atlas"], [table]),
                grayordinates())
    return folder / "rest.dtseries.nii", folder / "atlas.dlabel.nii"


def write_nifti(folder, suffix=".nii.gz"):
    """Write four dimensions, an atlas in the same space, and the atlas' table; return both paths."""
    labels = np.zeros(SHAPE, "i2")
    labels[1:3, 1:4] = np.resize(KEYS, (2, 3, 3))
    data = np.zeros((*SHAPE, T), "f4")
    for key, own in zip(KEYS, series().T, strict=True):
        at = np.argwhere(labels == key)
        for k, place in enumerate(at):
            data[tuple(place)] = own + (k - (len(at) - 1) / 2)
    affine = np.diag([2.0, 2, 2, 1])
    image = nibabel.Nifti1Image(data, affine)
    image.header.set_zooms((2, 2, 2, 1000 * TR))
    image.header.set_xyzt_units("mm", "msec")
    nibabel.save(image, folder / f"sub-01_bold{suffix}")
    nibabel.save(nibabel.Nifti1Image(labels, affine), folder / "atlas.nii.gz")
    write_table(folder / "atlas.tsv", ("index", "label"), zip(KEYS, REGIONS, strict=True))
    return folder / f"sub-01_bold{suffix}", folder / "atlas.nii.gz"


def write_tvb(path, prefix="", **changes):
    """Write TVB's connectivity; ``changes`` replace or add members by name without ``.txt``."""
    rng = np.random.default_rng(4)
    w = rng.uniform(0.1, 3, (N, N))
    np.fill_diagonal(w, 0)
    text = {name: "\n".join(" ".join(f"{x:.8g}" for x in row) for row in m)
            for name, m in (("weights", w), ("tract_lengths", 20 + weights()))}
    text["centres"] = "".join(f"{r} {10 * i - 30} {i} {i * i}\n" for i, r in enumerate(REGIONS))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (text | changes).items():
            if content is not None:
                archive.writestr(f"{prefix}{name}.txt", content)
    return path, w


def write_hdf5(path, **sets):
    """Write data sets into HDF5; needs h5py."""
    import h5py

    with h5py.File(path, "w") as file:
        for name, values in (sets or {"sc": weights(), "group/fc": correlations()}).items():
            file[name] = values
        if not sets:
            file["group/labels"] = np.array(REGIONS, "S")
    return path


def write_brainvision(folder, data=None, **changes):
    """Write the three files of BrainVision; ``changes`` replace lines of the header."""
    data = potentials(8.0) if data is None else data
    lines = {"DataFile": "rest.eeg", "MarkerFile": "rest.vmrk"} | changes
    header = ["Brain Vision Data Exchange Header File Version 1.0", "", "[Common Infos]", "Codepage=UTF-8",
              *(f"{key}={value}" for key, value in lines.items()), "DataFormat=BINARY",
              "DataOrientation=MULTIPLEXED", f"NumberOfChannels={data.shape[1]}", "SamplingInterval=5000", "",
              "[Binary Infos]", "BinaryFormat=IEEE_FLOAT_32", "", "[Channel Infos]",
              *(f"Ch{i + 1}={name},,1,µV" for i, name in enumerate(CHANNELS[:data.shape[1]]))]
    write_text(folder / "rest.vhdr", "\n".join(header) + "\n")
    write_text(folder / "rest.vmrk", "Brain Vision Data Exchange Marker File, Version 1.0\n\n[Common Infos]\n"
               "Codepage=UTF-8\nDataFile=rest.eeg\n\n[Marker Infos]\nMk1=New Segment,,1,1,0,20200101000000000000\n")
    (folder / "rest.eeg").write_bytes((1e6 * data).astype("<f4").tobytes())
    return folder / "rest.vhdr"


def write_fif(path, seconds=8.0):
    """Write EEG as FIF."""
    import mne

    with mne.utils.use_log_level("ERROR"):
        raw = mne.io.RawArray(potentials(seconds).T, mne.create_info(list(CHANNELS), 200.0, "eeg"))
        raw.save(path, overwrite=True)
    return path


def npy(array):
    """Return the bytes of a .npy file."""
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


__all__ = ["CHANNELS", "potentials", "write_edf", "write_matrix", "write_npz"]
