# %% [markdown]
# # Inside an analysis script: nilearn and MNE objects
#
# nmfit takes arrays and MNE objects as they are, and gives arrays back. Here a parcellated image goes through nilearn's
# masker into a fit of FC, and a fitted spectrum comes back as an MNE `Spectrum`. The image is made up: four
# blocks of voxels carry the signals of four coupled regions.

# %%
import matplotlib.pyplot as plt
import mne
import nibabel
import numpy as np
from nilearn.connectome import ConnectivityMeasure
from nilearn.maskers import NiftiLabelsMasker

import nmfit as nf

labels = ["V1_L", "V1_R", "M1_L", "M1_R"]
weights = np.array([[0.0, 1.0, 0.3, 0.1], [1.0, 0.0, 0.1, 0.3], [0.3, 0.1, 0.0, 0.8], [0.1, 0.3, 0.8, 0.0]])
truth = nf.Network.of(weights, nf.Hopf(f=0.05, a=-0.05), G=0.1)
bold = [nf.simulate(truth, 1200.0, sample=2.0, seed=seed).data for seed in range(3)]

atlas = np.zeros((8, 8, 4), dtype=np.int16)
for k in range(4):
    atlas[2 * k:2 * k + 2] = k + 1
atlas = nibabel.Nifti1Image(atlas, np.eye(4))
rng = np.random.default_rng(0)


def image(series):
    """Spread regional signals over the voxels of the atlas, with noise of each voxel's own."""
    voxels = series[:, atlas.get_fdata().astype(int) - 1]
    voxels = 1000.0 + 100.0 * (voxels + 0.05 * rng.normal(size=voxels.shape))
    return nibabel.Nifti1Image(np.moveaxis(voxels, 0, -1).astype(np.float32), np.eye(4))


images = [image(series) for series in bold]

# %% [markdown]
# From here on it is a usual script. The masker gives arrays of volumes by regions; three people, one TR.

# %%
masker = NiftiLabelsMasker(atlas, standardize=None, verbose=0)
series = [masker.fit_transform(img).astype(float) for img in images]
target = nf.fc_target(series, tr=2.0, labels=labels)
brain = nf.Connectome(weights, labels=labels)
result = nf.fit(target, brain, max_rung="shared", n_null=0, starts=1, seed=0)
print(f"held out r = {result.score:.2f}, ceiling {result.record['ceiling']['value']:.2f}")

# %% [markdown]
# The model's FC is an array in the order of the labels, ready for nilearn's or anybody's plots.

# %%
measured = ConnectivityMeasure(kind="correlation", standardize=False).fit_transform(series).mean(0)
figure, axes = plt.subplots(1, 2, figsize=(7, 3), layout="constrained")
for axis, matrix, title in zip(axes, (measured, result.fc), ("nilearn, whole band", "nmfit's model, 0.01-0.1 Hz"),
                               strict=True):
    shown = axis.imshow(matrix, vmin=-1, vmax=1, cmap="RdBu_r")
    axis.set_xticks(range(4), labels, rotation=45, fontsize=8)
    axis.set_yticks(range(4), labels, fontsize=8)
    axis.set_title(title)
figure.colorbar(shown, ax=axes, label="FC (Pearson r)")
figure;

# %% [markdown]
# With MNE: a `Raw`, `Epochs` or `Spectrum` goes into `nf.read_eeg`; what comes out knows its channels, positions and
# what was done to it. `nmfit.io.to_mne_spectrum` hands spectra back, so that MNE draws them.

# %%
from nmfit.io import to_mne_spectrum

channels = ["Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4", "T8", "P7", "P3", "Pz", "P4", "P8",
            "O1", "O2"]
t = np.arange(0, 60, 1 / 200)
strength = np.array([6.0 if name[0] == "O" else 3.0 if name[0] == "P" else 1.0 for name in channels])
alpha = strength[:, None] * np.sin(2 * np.pi * 10 * t)
raw = mne.io.RawArray(1e-6 * (alpha + 5 * rng.normal(size=alpha.shape)), mne.create_info(channels, 200.0, "eeg"),
                      verbose="error")
known = "colin27_1005" in mne.channels.get_builtin_montages()        # MNE below 1.13 has its older name
raw.set_montage("colin27_1005" if known else "standard_1005", verbose="error")
recording = nf.read_eeg(raw, find_bads=False)
print(recording)
spectra = nf.spectrum_target(recording, seconds=2.0)
handed_back = to_mne_spectrum(spectra.freqs, spectra.psd["fit"], spectra.ch_names, spectra.positions)
figure2 = handed_back.plot_topomap(bands={"alpha": (8, 13)}, show=False)
figure2;
