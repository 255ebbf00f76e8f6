# %% [markdown]
# # Choose a model: the same data through three of them
#
# A model is chosen for what it can be asked, then tried at equal freedom. `nf.advise` holds the field's decision tree.

# %%
import matplotlib.pyplot as plt
import numpy as np

import nmfit as nf

for purpose in ("fmri", "ei-balance", "oscillations", "fast"):
    for physiological in (False, True):
        advice = nf.advise(purpose, physiological)
        print(f"{purpose}, {'physiological' if physiological else 'phenomenological'}: {advice.model} "
              f"({advice.why}; but {advice.careful})")

# %% [markdown]
# Two models for the same FC, each with the two parameters of the first rung, shared by all regions: a Hopf oscillator
# whose state is the BOLD signal; and reduced Wong-Wang, whose synaptic gating is turned into BOLD by a Balloon model.
# We take 20 of the 80 regions to be quick.

# %%
folder = nf.sample("gw_aal2")
brain = nf.read_connectome(folder / "sub-*_weights.csv", labels=folder / "labels.tsv")
keep = np.arange(0, 80, 4)
brain = brain.select(keep)
runs = [run.select(keep) for run in nf.read_bold(folder / "sub-*_bold.tsv")]
target = nf.fc_target(runs)

results = {name: nf.fit(target, brain, ladder=[nf.Rung("shared", model=name)], n_null=0, starts=1, confirm=False,
                        sc_transform="none") for name in ("Hopf", "ReducedWongWang")}
for name, result in results.items():
    free, seconds = result.rung(result.chosen)["free_parameters"], result.record["provenance"]["seconds"]
    print(f"{name:16s} held out r = {result.score:.3f}, {free} free parameters, {seconds:.1f} s")

# %% [markdown]
# The third is Stuart-Landau, the same oscillator as Hopf with shear: its frequency depends on its amplitude. It has the
# same two parameters, so we ask what it predicts where Hopf's fit ended.

# %%
hopf = results["Hopf"]
found = {name: [row["value"] for row in hopf.parameters if row["name"] == name] for name in ("G", "a", "f", "sigma")}
oscillators = nf.StuartLandau(a=np.array(found["a"]), f=found["f"][0], sigma=found["sigma"][0], gamma=1.0)
network = nf.Network.of(brain.normalised("none", "max"), oscillators, G=found["G"][0])
covariance, _ = nf.linearise(network).covariance((0.01, 0.1))
deviation = np.sqrt(np.diag(covariance))
off = np.triu_indices(brain.n, 1)
fcs = {"Hopf": hopf.fc, "StuartLandau": np.asarray(covariance) / np.outer(deviation, deviation),
       "ReducedWongWang": results["ReducedWongWang"].fc}
heldout = hopf.arrays["fc_score"][off]
scores = {name: np.corrcoef(fc[off], heldout)[0, 1] for name, fc in fcs.items()}
print({name: round(float(score), 3) for name, score in scores.items()})

# %% [markdown]
# The left panel shows the scores beside the ceiling. The right one shows how alike their predictions are. Shear does
# not act on small fluctuations around rest, so Stuart-Landau predicts exactly what Hopf does; and FC depends on the
# network far more than on what happens inside a region, so that a synaptic model predicts much the same pattern. A
# richer model has to earn its place; `model=["Hopf", "ReducedWongWang"]` lets it try on one ladder.

# %%
short = ["Hopf", "Stuart-\nLandau", "reduced\nWong-Wang"]
agreement = np.corrcoef([fc[off] for fc in fcs.values()])
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
left.bar(range(3), list(scores.values()), color=["#0072B2", "#009E73", "#D55E00"], width=0.6)
ceiling = hopf.record["ceiling"]["value"]
left.axhline(ceiling, color="0.3", linestyle="--", linewidth=1)
left.text(-0.4, ceiling + 0.01, "ceiling", va="bottom")
left.set_xticks(range(3), short)
left.set(ylabel="held-out r", ylim=(0, 1.05), title="score at equal freedom")
image = right.imshow(agreement, vmin=0, vmax=1, cmap="viridis")
for (i, j), r in np.ndenumerate(agreement):
    right.text(j, i, f"{r:.2f}", ha="center", va="center", color="white" if r < 0.6 else "black")
right.set_xticks(range(3), short)
right.set_yticks(range(3), short)
right.set_title("r between their predictions")
figure.colorbar(image, ax=right)
figure;
