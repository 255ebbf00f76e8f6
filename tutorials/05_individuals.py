# %% [markdown]
# # Individual differences: a cohort
#
# People are fitted together: the group first, then every person, shrunken towards a group that leaves this person out.
# How strongly is chosen on data that are not scored. Each prediction stands beside the trivial ones: another part of
# the person's own data, the mean of the others, and the best blend of the two. To know the truth, we make six people
# whose regional damping differs.

# %%
import matplotlib.pyplot as plt
import numpy as np

import nmfit as nf

rng = np.random.default_rng(0)
brain = nf.template("aal2-80")
brain = brain.select(np.arange(0, 80, 5))
truth = {}
sessions = {}
for k in range(6):
    name = f"sub-{k + 1:02d}"
    truth[name] = -0.08 * np.exp(0.5 * rng.normal(size=brain.n))
    network = nf.Network.of(brain.normalised("sqrt", "rowsum"), nf.Hopf(f=0.05, a=truth[name]), G=0.3)
    bold = nf.simulate(network, 1440.0, sample=2.0, seed=10 + k).data
    sessions[name] = nf.Recording(bold, 2.0, labels=brain.labels, subject=name)

# %% [markdown]
# `nf.fit_cohort` takes recordings by person, and one connectome for all or one for each. (On files it is one command:
# `nmfit cohort INPUT_DIR OUT_DIR`, which goes on where it was interrupted.)

# %%
result = nf.fit_cohort(sessions, brain, max_rung="region", folds=3, starts=2, errors=False, nulls=False,
                       sc_transform="sqrt", sc_norm="rowsum", seed=0)
print(result.summary())

# %% [markdown]
# A model is worth having for individuals when it adds to the blend of what is known without it. Left: each person and
# the mean. Right: the increments with their 95 % intervals; one that crosses zero is not there.

# %%
names = ("own", "group", "blend", "model", "blend_model")
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
for row in result.people:
    left.plot(range(len(names)), [row[name] for name in names], "o-", color="0.7", markersize=4)
left.plot(range(len(names)), [result.record["scores"][name]["mean"] for name in names], "s", color="#0072B2")
left.set_xticks(range(len(names)), [name.replace("_", "\n+ ") for name in names])
left.set(ylabel="r with a part of the data that scores", title="six people")
increments = [row for key, row in result.record["increments"].items() if key != "factors"]
for k, row in enumerate(increments):
    right.plot(row["ci95"], [k, k], color="#0072B2")
    right.plot(row["mean"], k, "o", color="#0072B2")
right.axvline(0.0, color="0.6", linewidth=1)
right.set_yticks(range(len(increments)), [row["what"].replace(" - ", "\n- ") for row in increments], fontsize=7)
right.set(xlabel="difference of r", title="what the model adds")
figure;

# %% [markdown]
# The people were made to differ region by region, and still the data chose deviations that all regions share
# (`result.record["choice"]`): 24 minutes tell little of single regions, and a fit that claimed more would predict
# worse. `result.parameters` holds every person's values, shrunken and not, beside the group's.

# %%
print(result.record["choice"]["rung"], result.record["choice"]["strength"])
for row in result.parameters[:4]:
    print(row["person"], row["parameter"], row["region"], row["value"], "group:", row["group"])
