# %% [markdown]
# # Start simple, escalate: read a ladder, edit one
#
# A ladder is data: levels of `nf.Rung`, tried in order. Within a level the rungs are alternatives; the better one is
# kept, and only if data that it was not fitted to say so.

# %%
import matplotlib.pyplot as plt
import numpy as np

import nmfit as nf

for level in nf.default_ladder():
    print(" | ".join(rung.name for rung in level))

# %% [markdown]
# Half of the regions of the sample, to be quick. The maps along which parameters may vary are harmonics of the
# connectome unless you give your own (`maps=`: myelin, thickness, a gradient ...).

# %%
folder = nf.sample("gw_aal2")
keep = np.arange(0, 80, 2)
brain = nf.read_connectome(folder / "sub-*_weights.csv", labels=folder / "labels.tsv").select(keep)
target = nf.fc_target([run.select(keep) for run in nf.read_bold(folder / "sub-*_bold.tsv")])
quick = dict(n_null=0, starts=2, confirm=False, seed=0)
result = nf.fit(target, brain, **quick)

# %%
for rung in result.record["rungs"]:
    print(f"{'kept    ' if rung['kept'] else 'not kept'} {rung['name']:15s} {rung['free_parameters']:4.0f} free, "
          f"choose {rung['score_choose']:.2f}: {rung['reason']}")

# %% [markdown]
# The score on the fitted data rises with every parameter that is added; the score on the data that choose says when to
# stop.

# %%
tried = [rung for rung in result.record["rungs"] if rung["score_choose"] is not None]
free = [rung["free_parameters"] for rung in tried]
figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained")
axis.semilogx(free, [rung["score_fit"] for rung in tried], "o", color="#8C8C8C", label="on the fitted part")
axis.semilogx(free, [rung["score_choose"] for rung in tried], "s", color="#0072B2", label="on the part that chooses")
for rung in tried:
    below = "drive" not in rung["name"]
    axis.annotate(rung["name"] + (" (kept)" if rung["kept"] else ""), (rung["free_parameters"], rung["score_choose"]),
                  textcoords="offset points", xytext=(0, -12 if below else 8), ha="right" if below else "left",
                  fontsize=7)
axis.set(xlabel="free parameters", ylabel="r", xlim=(0.6, 400), ylim=(0, 1), title="what freedom buys")
axis.legend(loc="lower right", frameon=False)
figure;

# %% [markdown]
# Now a ladder of one's own: no shared drive anywhere, straight from shared parameters to regions. It is checked before
# anything is fitted: freedom has to grow.

# %%
mine = [nf.Rung("shared"), nf.Rung("region")]
own = nf.fit(target, brain, ladder=mine, **quick)
print(f"default ladder: {result.chosen}, held out r = {result.score:.2f}; "
      f"own ladder: {own.chosen}, held out r = {own.score:.2f}")

try:
    nf.fit(target, brain, ladder=[nf.Rung("region"), nf.Rung("shared")], **quick)
except nf.InputError as refused:
    print("refused:", refused)
