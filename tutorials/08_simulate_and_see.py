# %% [markdown]
# # Simulate and see: where Hopf and Jansen-Rit begin to oscillate
#
# `nf.sweep` simulates a grid of parameters at once. Without noise and without coupling it shows what a region does by
# itself.

# %%
import matplotlib.pyplot as plt
import numpy as np

import nmfit as nf
from nmfit.observe import Direct

alone = np.array([[0.0, 1.0], [1.0, 0.0]])   # two regions, uncoupled by G = 0 below

# %% [markdown]
# The Hopf normal form rests below `a = 0` and runs on a circle of radius `sqrt(a / beta)` above. We start away from the
# origin and measure how far the signal swings at the end.

# %%
a = np.linspace(-0.4, 0.5, 19)
hopf = nf.Network.of(alone, nf.Hopf(f=1.0), G=0.0)
start = {"all": np.full((2, 2), 0.5)}
runs = [nf.simulate(hopf, 2.0, sample=0.01, warmup=60.0, seed=None, params={"a": value}, start=start) for value in a]
swing = [np.ptp(run.data[:, 0]) for run in runs]

figure, axis = plt.subplots(figsize=(6, 3.4), layout="constrained")
axis.plot(a, 2 * np.sqrt(np.maximum(a, 0.0)), color="0.5", label="theory: 2 sqrt(a / beta)")
axis.plot(a, swing, "o", color="#0072B2", label="simulated")
axis.set(xlabel="a (1/s)", ylabel="peak to peak of x", title="Hopf: the onset of a cycle")
axis.legend(frameon=False)
figure;

# %% [markdown]
# Jansen-Rit has more to tell. With the drive `p` it goes from rest through an alpha rhythm (between 89.8 and 315.7
# pulses a second on this branch) back to a state of rest that rings at alpha when noise shakes it; this last one is
# what spectra are fitted around.

# %%
p = np.arange(150.0, 401.0, 12.5)
column = nf.Network.of(alone, nf.JansenRit(), G=0.0)
grid = nf.sweep(column, {"p": p}, 4.0, statistics=["data"], observe=Direct(reads="eeg_source"), sample=0.002,
                warmup=25.0, seed=None, batch=len(p))
potential = grid["data"].reshape(len(p), -1, 2)[:, :, 0]
padded = 16 * potential.shape[1]                       # a finer grid of frequencies than 4 s would give
window = np.hanning(potential.shape[1])
spectrum = np.abs(np.fft.rfft(window * (potential - potential.mean(1, keepdims=True)), padded, axis=1))
peak = np.fft.rfftfreq(padded, grid.sample)[spectrum.argmax(1)]
cycling = np.ptp(potential, axis=1) > 0.1

# %%
figure2, (upper, lower) = plt.subplots(2, 1, figsize=(6.5, 5.2), sharex=True, layout="constrained")
upper.fill_between(p, potential.min(1), potential.max(1), color="#56B4E9", alpha=0.6)
upper.plot(p, potential.mean(1), color="#0072B2")
upper.set(ylabel="potential (mV)", title="Jansen-Rit: extent of the cycle")
upper.axvline(315.7, color="0.3", linestyle="--", linewidth=1)
upper.text(318, potential.max() * 0.97, "onset at 315.7 /s", va="top", fontsize=8)
lower.plot(p[cycling], peak[cycling], "o", color="#0072B2")
lower.set(xlabel="drive p (1/s)", ylabel="frequency (Hz)", ylim=(8, 13))
figure2;

# %% [markdown]
# Past the onset the column rests, and its response to noise has a closed form: a peak that broadens as the drive moves
# away from the onset.

# %%
freqs = np.linspace(2, 30, 225)
figure3, axis = plt.subplots(figsize=(6, 3.4), layout="constrained")
for drive, colour in ((330.0, "#0072B2"), (400.0, "#56B4E9"), (500.0, "0.6")):
    here = nf.Network.of(alone, nf.JansenRit(p=drive), G=0.0)
    axis.semilogy(freqs, np.asarray(nf.linearise(here, Direct(reads="eeg_source")).psd(freqs))[:, 0], color=colour,
                  label=f"p = {drive:.0f} /s")
axis.set(xlabel="frequency (Hz)", ylabel="power (mV²/Hz)", title="at rest, shaken by noise")
axis.legend(frameon=False)
figure3;
