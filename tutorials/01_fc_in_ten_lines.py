# %% [markdown]
# # Fit fMRI functional connectivity in ten lines
#
# Resting-state BOLD of five people and their structural connectomes ship with nmfit. We read them, fit a network of
# Hopf oscillators in closed form, and read the answer. Your own files go in the same places; arrays do, too.

# %%
import nmfit as nf

folder = nf.sample("gw_aal2")
brain = nf.read_connectome(folder / "sub-*_weights.csv", lengths=folder / "sub-*_lengths.csv",
                           labels=folder / "labels.tsv")
runs = nf.read_bold(folder / "sub-*_bold.tsv")
target = nf.fc_target(runs, band=(0.01, 0.1))
print(brain, target.notes, sep="\n")

# %% [markdown]
# Five people are too few to take turns, so every run is cut into three stretches of time with gaps between them: one is
# fitted, one chooses how far to climb, one is opened once, at the end, and scores.
#
# The fit climbs a ladder: parameters that all regions share, then parameters along maps, then one per region. To be
# quick, this page stops at the maps, takes few starts, and refits nine wrong connectomes of each kind instead of the
# nineteen that `nf.fit(target, brain)` takes.

# %%
result = nf.fit(target, brain, max_rung="maps", starts=2, n_null=9, null_steps=40, seed=0)
print(result.summary())

# %% [markdown]
# The score is the correlation between measured and modelled FC on held-out data. It means something only beside what
# it is held against: the ceiling (what the noise in the data allows), wrong connectomes that were refitted in the same
# way, the same rung without any coupling, and predictors that know nothing of dynamics.

# %%
climb = result.plot_climb()
climb

# %%
matrices = result.plot_fc()
matrices

# %% [markdown]
# Every number is at hand, with its standard error where the data give one, and everything can be written to a folder:
# `result.save("fits/group")`, whose `report.html` opens in any browser.

# %%
shared = {row["name"]: (row["value"], row["unit"], row["se"]) for row in result.parameters if row["region"] is None}
for name, (value, unit, error) in shared.items():
    print(f"{name:10s} {value:8.4g} {unit:4s} s.e. {error if error is None else format(error, '.2g')}")
