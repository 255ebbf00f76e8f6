# %% [markdown]
# # Fit an EEG spectrum
#
# A recording whose truth is known: twenty cortical regions of Jansen-Rit columns, those at the back noisier than those
# at the front, seen by nineteen electrodes. It becomes an MNE `Raw`, as your own recording would be:
# `nf.read_eeg("rest.edf")` takes what MNE opens, and `nf.read_eeg(raw)` the object itself.

# %%
import matplotlib.pyplot as plt
import mne
import numpy as np

import nmfit as nf
from nmfit.io import sphere_leadfield

brain = nf.template("aal2-80")
names = [f"{area}_{side}" for area in ("Frontal_Sup_2", "Precentral", "Postcentral", "Temporal_Sup", "Parietal_Sup",
                                       "Angular", "Precuneus", "Occipital_Mid", "Occipital_Sup", "Calcarine")
         for side in "LR"]
brain = brain.select([brain.labels.index(name) for name in names])
channels = ["Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4", "T8", "P7", "P3", "Pz", "P4", "P8",
            "O1", "O2"]
leadfield = sphere_leadfield(channels, brain.centroids, labels=brain.labels, orientation="radial")

behind = np.clip(-brain.centroids[:, 1] / 90.0, 0.1, 1.0)          # y in MNI runs from back (negative) to front
network = nf.Network.of(brain.normalised("none", "rowsum"), nf.JansenRit(p=400.0), G=10.0, delays=True)
network = network.replace({"noise": 3.0 * behind})
run = nf.simulate(network, 120.0, observe=leadfield, sample=0.005, warmup=5.0, seed=3)
rng = np.random.default_rng(0)
volts = 12.0 * run.data + 2e-7 * rng.normal(size=run.data.shape)
raw = mne.io.RawArray(volts.T, mne.create_info(channels, 200.0, "eeg", verbose="error"), verbose="error")
raw.set_montage("colin27_1005", verbose="error")

# %% [markdown]
# `read_eeg` checks units, positions and channels, and applies the average reference; the target holds the spectra of
# three stretches of time: one to fit, one to choose, one to score.

# %%
recording = nf.read_eeg(raw, find_bads=False)
target = nf.spectrum_target(recording, fmin=2.0, fmax=35.0)
print(target)

# %% [markdown]
# The fit climbs from one oscillator with shared parameters to Jansen and Rit's columns, to parameters along maps made
# of the regions' places, to every region's own. (It could go on: a second time scale, then noise and sensitivity per
# sensor. `nmfit fit --eeg` does, and refits lead fields with permuted parcels beside it.)

# %%
result = nf.fit(target, brain, leadfield=leadfield, max_rung="region", n_null=0, starts=1, seed=0)
print(result.summary())

# %%
from nmfit.report.spectra import spectra, topography

channels_shown = spectra(result)
channels_shown

# %%
head = topography(result)
head

# %% [markdown]
# Did it find the noise that we put in? Power at sensors fixes it up to a common factor (the
# fitted scale of the lead field takes the rest), so we compare patterns.

# %%
found = np.array([row["value"] for row in result.parameters if row["name"] == "noise"])
figure, axis = plt.subplots(figsize=(4, 3.6), layout="constrained")
if found.size == brain.n:
    r = np.corrcoef(np.log(found), np.log(behind))[0, 1]
    axis.plot(behind, found, "o", color="#0072B2")
    axis.set(xlabel="true noise (relative)", ylabel="found (relative)", title=f"{brain.n} regions, r = {r:.2f}")
figure
