# %% [markdown]
# # Add your own model in thirty lines
#
# A model is its parameters, declared once, and three functions of one region: `drift`, `diffusion`, `output`. Engines,
# gradients, fits, tables and checks all derive from them. As an example: rate and adaptation, the slow negative
# feedback of Levenstein, Buzsáki & Rinzel (2019, Nat Commun 10:2478), in seconds.

# %%
from typing import ClassVar

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import nmfit as nf
from nmfit.models import Model
from nmfit.parameters import param, pytree


@pytree
class Adapting(Model):
    """A rate that tires: ``tau dr/dt = -r + S(w r - b m + I + c)``, ``tau_m dm/dt = -m + r``."""

    states: ClassVar = ("r", "m")
    channels: ClassVar = ("r",)
    coupling: ClassVar = "additive"
    fit_first: ClassVar = ("w",)
    time_scale: ClassVar = 0.05
    cost: ClassVar = "low"
    source: ClassVar = "Levenstein, Buzsáki & Rinzel 2019, Nat Commun 10:2478"
    good_for: ClassVar = "slow fluctuations from adaptation"
    not_for: ClassVar = "rhythms above a few Hz"

    w: float = param(2.0, "", (0.0, 10.0), "recurrent excitation")
    b: float = param(1.0, "", (0.0, 10.0), "strength of the adaptation")
    I: float = param(-2.0, "", (-10.0, 10.0), "input from elsewhere")  # noqa: E741 (as in the paper)
    tau: float = param(0.05, "s", (0.005, 1.0), "time constant of the rate")
    tau_m: float = param(1.0, "s", (0.1, 20.0), "time constant of the adaptation")
    sigma: float = param(0.05, "", (1e-4, 1.0), "noise amplitude per square root of a second")

    def drift(self, x, c):
        r, m = x
        target = jax.nn.sigmoid(self.w * r - self.b * m + self.I + c[0])
        return jnp.stack([(target - r) / self.tau, (r - m) / self.tau_m])

    def diffusion(self, x):
        return jnp.stack([self.sigma * jnp.ones_like(x[0]), jnp.zeros_like(x[1])])

    def output(self, x):
        return x[:1]

    def bold_drive(self, x):
        return x[0]

    def eeg_source(self, x):
        return x[0]

    def start(self):
        return jnp.full(2, 0.1)


# %% [markdown]
# That is all. It describes itself, and both engines know it: the linear one derives the Jacobian and the transfer
# functions, the simulated one integrates the equations as they stand.

# %%
from nmfit.models import describe

print(describe(Adapting))

pair = nf.Network.of(np.array([[0.0, 1.0], [1.0, 0.0]]), Adapting(), G=0.5)
freqs = np.geomspace(0.05, 8, 100)
linear = np.asarray(nf.linearise(pair).psd(freqs))
run = nf.simulate(pair, 400, sample=0.02, runs=4, seed=1)
simulated = run.psd(freqs, nperseg=1500)

figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained")
axis.loglog(freqs, simulated[:, 0], color="0.6", label="simulated, 4 runs of 400 s")
axis.loglog(freqs, linear[:, 0], color="#0072B2", label="closed form")
axis.set(xlabel="frequency (Hz)", ylabel="power (1/Hz)", title="a rate with adaptation, two coupled regions")
axis.legend(frameon=False)
figure;

# %% [markdown]
# It fits data like the models that ship.

# %%
folder = nf.sample("gw_aal2")
keep = np.arange(0, 80, 4)
brain = nf.read_connectome(folder / "sub-*_weights.csv", labels=folder / "labels.tsv").select(keep)
target = nf.fc_target([r.select(keep) for r in nf.read_bold(folder / "sub-*_bold.tsv")])
result = nf.fit(target, brain, model=Adapting(), max_rung="shared", n_null=0, starts=1, sc_transform="none",
                confirm=False, seed=0)
print(f"{result.chosen}: held out r = {result.score:.2f}, ceiling {result.record['ceiling']['value']:.2f}")
