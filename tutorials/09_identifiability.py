# %% [markdown]
# # What your data can and can't identify
#
# A fit always returns numbers. Whether the data determine them is another question, and there are three ways to ask it:
# standard errors from the curvature of the loss, the profile of the loss along one parameter, and recovery: known
# parameters, simulated copies of your own data, fitted as yours were.

# %%
import matplotlib.pyplot as plt
import numpy as np

import nmfit as nf

folder = nf.sample("gw_aal2")
keep = np.arange(0, 80, 4)
brain = nf.read_connectome(folder / "sub-*_weights.csv", labels=folder / "labels.tsv").select(keep)
target = nf.fc_target([run.select(keep) for run in nf.read_bold(folder / "sub-*_bold.tsv")])
result = nf.fit(target, brain, max_rung="shared", n_null=0, starts=2, confirm=False, seed=0)
for row in result.parameters:
    if row["region"] is None:
        error = "none: not determined, or held" if row["se"] is None else f"{row['se']:.2g}"
        print(f"{row['name']:8s} {row['value']:8.3g} {row['unit']:5s} standard error {error}")

# %% [markdown]
# The profile moves one parameter and lets all others follow. A flat profile means that the others can make up for it.

# %%
profile = result.profile("G")
print(profile.summary())
drawn = profile.plot()
drawn

# %% [markdown]
# Recovery is the hardest question: would these data, if the model were true, give the parameters back?

# %%
recovery = nf.recover(result, n=12, seed=0)
print(recovery.summary())

# %%
shared = [name for name, values in recovery.truths.items() if np.ndim(values) == 1]
figure, axes = plt.subplots(1, len(shared), figsize=(3.2 * len(shared), 3.2), layout="constrained", squeeze=False)
for axis, name in zip(axes[0], shared, strict=True):
    axis.plot(np.abs(recovery.truths[name]), np.abs(recovery.found[name]), "o", color="#0072B2")
    ends = np.abs(np.concatenate([recovery.truths[name], recovery.found[name]]))
    axis.plot([ends.min(), ends.max()], [ends.min(), ends.max()], color="0.6", linewidth=1)
    axis.set(xlabel=f"true {name}", ylabel=f"found {name}", title=name)
figure;
