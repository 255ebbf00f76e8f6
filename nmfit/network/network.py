"""Models placed on regions, joined by a connectome."""

import dataclasses

import jax.numpy as jnp
import numpy as np

from ..errors import InputError
from ..parameters import Declaration, check_values, declarations, param, pytree, static
from .connectome import Connectome
from .coupling import KINDS, Coupling, OrnsteinUhlenbeck, SharedDrive
from .groups import placed_models, seen_regions
from .wiring import Wiring


@pytree
class Network:
    """A brain: groups of regions with one model each, a connectome, a coupling, noise.

    Build one with `Network.of`; the fields are for the engines. The state is a dict of arrays ``[d, n_g]``, one per
    group; what is sent and heard on the wires is ``[k, n]`` in the order of the connectome.

    Attributes
    ----------
    groups : dict of str to Model
    weights : ``[n, n]``, ``W[i, j]`` from j to i
    edge_gain : log-gains on the weights, 0 or ``[n, n]``
    lengths : ``[n, n]`` mm, or None for no delays
    coupling : Coupling
    noise : a region's noise amplitude relative to its model's, 1 or ``[n]``
    drive : SharedDrive or None
    colour : OrnsteinUhlenbeck or None for white noise
    stimuli : external inputs, as placed by `Stimulus`
    members : for each group, its name and the indices of its regions
    fic : whether feedback inhibition follows the coupling, for models that can (`regulated`)
    symmetric : whether the weights equal their transpose
    wiring : which output of which group enters which channel of which
    seen : indices of the regions that instruments see, None for all
    labels : names of the regions
    """

    groups: dict
    weights: object
    edge_gain: object = 0.0
    lengths: object = None
    coupling: Coupling = dataclasses.field(default_factory=Coupling)
    noise: float = param(1.0, "", (0.01, 100.0), "noise of a region relative to its model's")
    drive: SharedDrive | None = None
    colour: OrnsteinUhlenbeck | None = None
    stimuli: tuple = ()
    members: tuple = static(default=())
    fic: bool = static(default=False)
    symmetric: bool = static(default=False)
    wiring: Wiring | None = static(default=None)
    seen: tuple | None = static(default=None)
    labels: tuple = static(default=())

    @classmethod
    def of(cls, brain, model, *, G=None, speed=None, coupling=None, delays=False, drive=None, fic=False, links=None,
           observed=None, stimuli=(), noise_tau=None):
        """Place a model, or several, on a connectome.

        Parameters
        ----------
        brain : Connectome or array ``[n, n]``
            Weights as they stand: normalise first, since G means something only beside the normalisation.
        model : Model, or dict of group name to (Model, regions)
            ``regions`` are labels or indices.
        G, speed : float, optional
            Coupling strength; conduction speed in m/s.
        coupling : {"additive", "diffusive"}, optional
            What the models' own papers use, unless given; additive between groups that differ in it.
        delays : bool
            Delay by length over speed.
        drive : float or array ``[n]``, optional
            Gain of a shared drive.
        fic : bool
            Balance every region's excitation by feedback inhibition, in closed form, whatever the coupling.
        links : sequence of (source, target) or (source, target, gain), optional
            Which channel of one group drives which of another, ``("thalamus.x", "cortex.E")``. Needed where groups
            have unlike numbers of channels; without it channels are joined one by one, with it groups hear each
            other through these links alone.
        observed : sequence of str or int, optional
            Groups or regions that instruments see; all unless given.
        stimuli : sequence of Stimulus
        noise_tau : float, optional
            Correlation time of the noise in seconds (Ornstein-Uhlenbeck); white unless given.

        Raises
        ------
        InputError
            Naming what does not fit: a region in two groups or in none, channels or couplings that differ, a
            parameter outside its bounds, delays without lengths.
        """
        brain = brain if isinstance(brain, Connectome) else Connectome(brain)
        groups, members = placed_models(brain.labels, model)
        for name, m in groups.items():
            check_values(m, regions=dict((k, len(v)) for k, v in members)[name])
        if coupling not in (None, *KINDS):
            raise InputError("coupling", f"found {coupling!r}", "Pass coupling='additive' or 'diffusive'.")
        wiring = Wiring.of(groups, coupling, links)
        if delays and brain.lengths is None:
            raise InputError("delays", "the connectome has no tract lengths", "Give lengths in mm, or delays=False.")
        if speed is not None and not delays:
            raise InputError("speed", "a network without delays", "Add delays=True, or leave speed out.")
        given = {k: v for k, v in {"G": G, "speed": speed}.items() if v is not None}
        joined = Coupling(kind=wiring.kind, **given)
        check_values(joined, regions=0)
        lacking = [type(m).__name__ for m in groups.values() if not hasattr(m, "balanced")]
        if fic and lacking:
            raise InputError("fic", f"{lacking[0]} has no feedback inhibition", "Leave fic out.")
        colour = None if noise_tau is None else OrnsteinUhlenbeck(tau=noise_tau)
        if colour is not None:
            check_values(colour, regions=0)
        shared = None if drive is None else SharedDrive(gain=drive)
        if shared is not None:
            check_values(shared, regions=brain.n)
        weights = np.asarray(brain.weights, dtype=float)
        lengths = np.asarray(brain.lengths, dtype=float) if delays else None
        return cls(fic=fic, groups=groups, weights=weights, lengths=lengths,
                   coupling=joined, drive=shared, members=members,
                   symmetric=bool(np.array_equal(weights, weights.T)), colour=colour, wiring=wiring,
                   stimuli=tuple(s.placed(brain.labels, groups, members, wiring) for s in stimuli),
                   seen=seen_regions(brain.labels, members, observed), labels=tuple(brain.labels))

    @property
    def n(self):
        """Number of regions."""
        return self.weights.shape[-1]

    @property
    def channels(self):
        """Names of the wires: of the models' channels, where all groups have the same."""
        return self.wiring.names

    @property
    def n_seen(self):
        """Number of regions that instruments see."""
        return self.n if self.seen is None else len(self.seen)

    def start(self):
        """Return the state from which each model reaches its working branch."""
        return {name: jnp.repeat(jnp.asarray(self.groups[name].start())[:, None], len(at), axis=1)
                for name, at in self.members}

    def drift(self, x, c):
        """Return the velocity of every group for the coupling input ``c [k, n]``."""
        return {name: self.region_drift(name, x[name], c[:, list(at)]) for name, at in self.members}

    def region_drift(self, name, x, c):
        """Return the velocity of one group, given what its regions hear on the wires."""
        return self.groups[name].drift(x, self.wiring.received(name, c))

    def region_output(self, name, x):
        """Return what one group puts on the wires."""
        return self.wiring.sent(name, self.groups[name].output(x))

    def diffusion(self, x):
        """Return the noise amplitude of every state of every group."""
        noise = jnp.broadcast_to(jnp.asarray(self.noise), (self.n,))
        return {name: self.groups[name].diffusion(x[name]) * noise[jnp.array(at)] for name, at in self.members}

    def output(self, x):
        """Return what regions send, ``[k, n]``."""
        return self.in_order({name: self.region_output(name, x[name]) for name, _ in self.members})

    def read(self, x, observable):
        """Return what an instrument reads (``"bold_drive"`` or ``"eeg_source"``) of the regions it sees."""
        return self.in_view({name: getattr(self.groups[name], observable)(x[name]) for name in self.viewed})

    @property
    def viewed(self):
        """Names of the groups of which instruments see a region."""
        return tuple(name for name, at in self.members if self.seen is None or set(at) & set(self.seen))

    def in_view(self, by_group):
        """Join arrays ``[..., n_g]`` of the viewed groups into one of the seen regions, in their order."""
        if self.seen is None:
            return self.in_order(by_group)
        places = np.concatenate([np.array(at) for name, at in self.members if name in by_group])
        joined = jnp.concatenate([by_group[name] for name, _ in self.members if name in by_group], axis=-1)
        return joined[..., np.array([int(np.flatnonzero(places == i)[0]) for i in self.seen])]

    def in_order(self, by_group):
        """Join arrays ``[..., n_g]`` of the groups into one ``[..., n]`` in the connectome's order."""
        joined = jnp.concatenate([by_group[name] for name, _ in self.members], axis=-1)
        placed = np.concatenate([np.array(at) for _, at in self.members])
        return joined if np.all(placed[1:] > placed[:-1]) else joined[..., np.argsort(placed)]

    def strengths(self):
        """Return ``G W`` with the edge gains applied, ``[n, n]``."""
        return self.coupling.G * jnp.asarray(self.weights) * jnp.exp(jnp.asarray(self.edge_gain))

    def delays(self):
        """Return the delays in seconds ``[n, n]``, or None."""
        return None if self.lengths is None else jnp.asarray(self.lengths) / (1000.0 * self.coupling.speed)

    def own(self, strengths):
        """Return how much of its own output each region hears subtracted, ``[n]``; None where coupling is additive."""
        if not self.wiring.kin:
            return None
        if self.wiring.kind == "diffusive":
            return strengths.sum(1)
        members, mask = dict(self.members), np.zeros((self.n, self.n))
        for name, at in self.members:
            for other in self.wiring.heard_from(name):
                mask[np.ix_(at, members[other])] = 1.0
        return (strengths * jnp.asarray(mask, strengths.dtype)).sum(1)

    def between(self):
        """Return the matrix of what regions hear of what they send, without delays, ``[n, n]``."""
        strengths = self.strengths()
        own = self.own(strengths)
        return strengths if own is None else strengths - jnp.diag(own)

    def input(self, y, strengths=None):
        """Return the coupling input ``c [k, n]`` for outputs ``y [k, n]`` at rest, the mean of stimuli included."""
        strengths = self.strengths() if strengths is None else strengths
        own = self.own(strengths)
        heard = y @ strengths.T
        heard = heard if own is None else heard - own * y
        for stimulus in self.stimuli:
            heard = stimulus.added(heard)
        return heard

    def regulated(self):
        """Return the network with its feedback inhibition set for its present coupling (itself without `fic`)."""
        if not self.fic:
            return self
        # At one common rest diffusive coupling is silent: what a region hears less its own.
        heard = self.between().sum(1)
        return dataclasses.replace(self, groups={
            name: dataclasses.replace(self.groups[name], J=self.groups[name].balanced(heard[jnp.array(at)]))
            for name, at in self.members})

    def with_groups(self, groups):
        """Return the network with other models on the same regions."""
        return dataclasses.replace(self, groups=groups)

    def declared(self):
        """Return the declarations of everything that can be fitted, by the name it is fitted under."""
        table = {"G": declarations(Coupling)["G"], "noise": declarations(Network)["noise"]}
        if self.lengths is not None:
            table["speed"] = declarations(Coupling)["speed"]
        if self.drive is not None:
            table["drive"] = declarations(SharedDrive)["gain"]
        if self.colour is not None:
            table["noise_tau"] = declarations(OrnsteinUhlenbeck)["tau"]
        for group, model in self.groups.items():
            prefix = "" if len(self.groups) == 1 else f"{group}."
            table |= {prefix + name: declared for name, declared in declarations(model).items()}
        return table | {"edge_gain": Declaration(0.0, "", (-float("inf"), float("inf")), "log-gain of an edge")}

    def damped(self):
        """Return the narrower bounds inside which every region alone is damped, by fitted name."""
        return {name if len(self.groups) == 1 else f"{group}.{name}": bounds
                for group, model in self.groups.items() for name, bounds in model.damped.items()}

    def value(self, name):
        """Return the value of a parameter under the name it is fitted under."""
        owner, field = self._address(name)
        return getattr(owner, field)

    def replace(self, values):
        """Return a network with parameters replaced, ``{name: value}``."""
        network = self
        for name, value in values.items():
            owner, field = network._address(name)
            if owner is network:
                network = dataclasses.replace(network, **{field: value})
                continue
            changed = dataclasses.replace(owner, **{field: value})
            if owner is network.coupling:
                network = dataclasses.replace(network, coupling=changed)
            elif owner is network.drive:
                network = dataclasses.replace(network, drive=changed)
            elif owner is network.colour:
                network = dataclasses.replace(network, colour=changed)
            else:
                # By name: two groups may hold one and the same model.
                group = network._group(name)
                network = dataclasses.replace(network, groups=network.groups | {group: changed})
        return network

    def _group(self, name):
        group = name.rpartition(".")[0]
        return group or (next(iter(self.groups)) if len(self.groups) == 1 else "")

    def _address(self, name):
        if name in ("noise", "edge_gain"):
            return self, name
        if name == "G" or (name == "speed" and self.lengths is not None):
            return self.coupling, name
        if name == "speed":
            raise InputError("parameter 'speed'", "this network has no delays",
                             "Give tract lengths and delays=True (--lengths).")
        if name == "drive" and self.drive is not None:
            return self.drive, "gain"
        if name == "noise_tau" and self.colour is not None:
            return self.colour, "tau"
        group, field = self._group(name), name.rpartition(".")[2]
        if group not in self.groups or field not in declarations(self.groups[group]):
            raise InputError(f"parameter '{name}'", "this network has none of that name",
                             f"Choose from {', '.join(self.declared())}.")
        return self.groups[group], field
