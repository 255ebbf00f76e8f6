# %% [markdown]
# # Mixed networks: thalamus and cortex
#
# Regions may hold different models. Here two cortical areas of Wilson-Cowan populations and a thalamic oscillator; what
# drives what is said in `links`, and the instrument sees the cortex alone.

# %%
import matplotlib.pyplot as plt
import numpy as np

import nmfit as nf
from nmfit.observe import Direct

weights = np.array([[0.0, 0.5, 1.0],
                    [0.5, 0.0, 0.3],
                    [0.6, 0.2, 0.0]])          # row i hears column j
brain = nf.Connectome(weights, labels=("V1", "M1", "LGN"), symmetric=False)


def network(gain):
    return nf.Network.of(
        brain,
        {"cortex": (nf.WilsonCowan(P=0.5), ["V1", "M1"]), "thalamus": (nf.Hopf(f=10.0, a=-3.0, sigma=0.3), ["LGN"])},
        links=[("thalamus.x", "cortex.E", gain), ("cortex.E", "thalamus.x")],
        observed=["cortex"], G=0.5)


# %% [markdown]
# The closed form holds for mixed networks as it does for one model. With a stronger thalamic drive the cortex takes
# over the thalamic rhythm at 10 Hz, V1 more than M1, as the wiring has it.

# %%
freqs = np.linspace(2, 60, 240)
gains = (0.0, 0.5, 1.0)
psd = {gain: np.asarray(nf.linearise(network(gain), Direct(reads="eeg_source")).psd(freqs)) for gain in gains}

figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
for axis, region, name in zip(axes, (0, 1), ("V1", "M1"), strict=True):
    for gain, colour in zip(gains, ("0.6", "#56B4E9", "#0072B2"), strict=True):
        axis.semilogy(freqs, psd[gain][:, region], color=colour, label=f"gain {gain:g}")
    axis.set(xlabel="frequency (Hz)", title=name)
axes[0].set_ylabel("power (1/Hz)")
axes[1].legend(title="thalamus to cortex", frameon=False)
figure;

# %% [markdown]
# The same network, simulated, with a flash: 200 ms of input to V1 that the linear engine would treat as its mean.

# %%
time = np.arange(0.0, 2.0, 0.01)
flashing = (time >= 0.5) & (time < 0.7)
flash = nf.Stimulus(channel="E", values=flashing.astype(float), every=0.01, regions=("V1",))
driven = nf.Network.of(
    brain,
    {"cortex": (nf.WilsonCowan(P=0.5), ["V1", "M1"]), "thalamus": (nf.Hopf(f=10.0, a=-3.0, sigma=0.3), ["LGN"])},
    links=[("thalamus.x", "cortex.E", 0.5), ("cortex.E", "thalamus.x")], G=0.5,
    stimuli=[flash])
run = nf.simulate(driven, 2.0, sample=0.005, warmup=0.0, seed=1)

figure2, axis = plt.subplots(figsize=(9, 3.2), layout="constrained")
for i, name in enumerate(run.labels[:2]):
    axis.plot(run.times, run.data[:, i], label=name)
axis.axvspan(0.5, 0.7, color="0.9", zorder=0)
axis.set(xlabel="time (s)", ylabel="E", title="a flash to V1")
axis.legend(frameon=False)
figure2;

# %% [markdown]
# ## Fitting one
#
# A mixed network is fitted as it stands: `free` says what may move, the rest stays. Here eight runs of ten minutes are
# simulated of a cortex above a slower thalamus that the scanner does not see, and the fit begins with less than half of
# the coupling. FC tells the ratio of coupling to damping, so that the damping keeps its value. From files the same is
# `nmfit fit --groups TABLE --observed cortex --free G=shared`.

# %%
drawn = np.triu(np.random.default_rng(5).uniform(0.1, 1.0, (8, 8)), 1)
labels = ("ctx0", "ctx1", "ctx2", "ctx3", "ctx4", "ctx5", "thal0", "thal1")


def resting(G):
    return nf.Network.of(
        nf.Connectome(drawn + drawn.T, labels=labels),
        {"cortex": (nf.Hopf(a=-0.2, f=0.05), labels[:6]), "thalamus": (nf.StuartLandau(a=-0.05, f=0.03), labels[6:])},
        observed=["cortex"], G=G)


scans = nf.simulate(resting(0.05), 600.0, sample=2.0, runs=8, seed=1)
target = nf.fc_target(list(scans.data), tr=2.0, labels=labels[:6])
result = nf.fit(target, resting(0.02), free={"G": "shared"})
print(result.summary())
