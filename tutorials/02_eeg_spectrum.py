# %% [markdown]
# # Fit an EEG spectrum
#
# A recording that ships, with the truth beside it: eyes closed, 32 electrodes, two and a half minutes, simulated from
# Jansen-Rit columns on the template connectome. `nf.read_eeg` takes your own file in its place, or an MNE `Raw`.

# %%
import json

import matplotlib.pyplot as plt
import numpy as np

import nmfit as nf
from nmfit.io import sphere_leadfield

folder = nf.sample("synthetic_eeg")
recording = nf.read_eeg(folder / "sub-01_task-eyesclosed_eeg.edf")
print(recording)

# %% [markdown]
# `read_eeg` checks units, positions and channels, and applies the average reference. The target holds the spectra of
# three stretches of time: one to fit, one to choose, one to score. Windows of two seconds keep this page quick.

# %%
target = nf.spectrum_target(recording, fmin=2.0, fmax=35.0, seconds=2.0)
print(target)

# %% [markdown]
# Where sources are seen from is a lead field: MNE's sphere around the electrodes, since nobody's head is known here.
# With a head model it is `nf.read_leadfield("sub-01-fwd.fif", parcels=...)`. Twenty of the 80 regions stand for all of
# them, which keeps the page quick, too.

# %%
brain = nf.template("aal2-80")
names = [f"{area}_{side}" for area in ("Frontal_Sup_2", "Precentral", "Postcentral", "Temporal_Sup", "Parietal_Sup",
                                       "Angular", "Precuneus", "Occipital_Mid", "Occipital_Sup", "Calcarine")
         for side in "LR"]
brain = brain.select([brain.labels.index(name) for name in names])
leadfield = sphere_leadfield(target.ch_names, brain.centroids, labels=brain.labels)

# %% [markdown]
# The fit climbs from one oscillator with shared parameters to Jansen and Rit's columns, to a second and a third
# population where one resonance is not enough, to parameters along maps made of the regions' places, to every region's
# own. (It could go on to noise and sensitivity per sensor. `nmfit fit --eeg` does, and refits lead fields with permuted
# parcels beside it.)

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
# What was it made with? Which regions are noisy is told at sensors up to a common factor (the lead field's fitted scale
# takes the rest), blurred by the head, and here sixty regions are missing; so we compare patterns. Spectra predicted to
# their ceiling are not a region's noise recovered: many sets of regional values make the same spectra at sensors.

# %%
truth = json.loads((folder / "truth.json").read_text())
told = np.genfromtxt(folder / "truth_regions.tsv", names=True, dtype=None, encoding="utf-8")
noise = dict(zip(told["region"], told["noise"], strict=True))
rows = [row for row in result.parameters if row["name"] == "noise" and row["region"] is not None]
alpha = result.record["spectrum"]
print(f"alpha at the back: {alpha['alpha_peak_model']:.2f} Hz fitted, {alpha['alpha_peak_data']:.2f} Hz recorded, "
      f"{truth['alpha_hz']['eyesclosed']:.2f} Hz put in (at Oz, by linear theory)")
figure, axis = plt.subplots(figsize=(4.4, 3.6), layout="constrained")
axis.set(xlabel="noise put in", ylabel="noise found (relative)", title="noise of the regions")
if rows:
    wanted, found = np.array([noise[row["region"]] for row in rows]), np.array([row["value"] for row in rows])
    axis.plot(wanted, found, "o", color="#0072B2", markersize=4)
    axis.set_title(f"{len(rows)} regions, r = {np.corrcoef(np.log(wanted), np.log(found))[0, 1]:.2f}")
figure;
