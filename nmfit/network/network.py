"""Models placed on regions, joined by a connectome."""

import dataclasses

import jax.numpy as jnp
import numpy as np

from ..errors import InputError
from ..models import Model
from ..parameters import Declaration, check_values, declarations, param, pytree, static
from .connectome import Connectome
from .coupling import KINDS, Coupling, SharedDrive


@pytree
class Network:
    """A brain: groups of regions with one model each, a connectome, a coupling, noise.

    Build one with `Network.of`; the fields are for the engines. The state is a dict of arrays ``[d, n_g]``, one per
    group; outputs and inputs are ``[k, n]`` in the order of the connectome.

    Attributes
    ----------
    groups : dict of str to Model
    weights : ``[n, n]``, ``W[i, j]`` from j to i
    edge_gain : log-gains on the weights, 0 or ``[n, n]``
    lengths : ``[n, n]`` mm, or None for no delays
    coupling : Coupling
    noise : a region's noise amplitude relative to its model's, 1 or ``[n]``
    drive : SharedDrive or None
    members : for each group, its name and the indices of its regions
    fic : whether feedback inhibition follows the coupling, for models that can (`regulated`)
    symmetric : whether the weights equal their transpose
    """

    groups: dict
    weights: object
    edge_gain: object = 0.0
    lengths: object = None
    coupling: Coupling = dataclasses.field(default_factory=Coupling)
    noise: float = param(1.0, "", (0.01, 100.0), "noise of a region relative to its model's")
    drive: SharedDrive | None = None
    members: tuple = static(default=())
    fic: bool = static(default=False)
    symmetric: bool = static(default=False)

    @classmethod
    def of(cls, brain, model, *, G=None, speed=None, coupling=None, delays=False, drive=None, fic=False):
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
            What the models' own papers use, unless given.
        delays : bool
            Delay by length over speed.
        drive : float or array ``[n]``, optional
            Gain of a shared drive.
        fic : bool
            Balance every region's excitation by feedback inhibition, in closed form, whatever the coupling.

        Raises
        ------
        InputError
            Naming what does not fit: a region in two groups or in none, channels or couplings that differ, a
            parameter outside its bounds, delays without lengths.
        """
        brain = brain if isinstance(brain, Connectome) else Connectome(brain)
        placed = {"all": (model, range(len(brain.labels)))} if isinstance(model, Model) else model
        members = tuple((name, _indices(brain, name, regions)) for name, (_, regions) in placed.items())
        _check_cover(brain, members)
        groups = {name: m for name, (m, _) in placed.items()}
        first = next(iter(groups.values()))
        for name, m in groups.items():
            if m.channels != first.channels:
                raise InputError(f"group '{name}'", f"{type(m).__name__} has the coupling channels {m.channels}",
                                 "Join models whose channels agree.", f"{first.channels}")
            check_values(m, regions=dict((k, len(v)) for k, v in members)[name])
        kinds = {m.coupling for m in groups.values()} if coupling is None else {coupling}
        if len(kinds) > 1 or not kinds <= set(KINDS):
            raise InputError("coupling", f"found {sorted(kinds)}", "Pass coupling='additive' or 'diffusive'.")
        if delays and brain.lengths is None:
            raise InputError("delays", "the connectome has no tract lengths", "Give lengths in mm, or delays=False.")
        given = {k: v for k, v in {"G": G, "speed": speed}.items() if v is not None}
        joined = Coupling(kind=kinds.pop(), **given)
        check_values(joined)
        if fic and not all(hasattr(m, "balanced") for m in groups.values()):
            raise InputError("fic", f"{type(first).__name__} has no feedback inhibition", "Leave fic out.")
        weights = np.asarray(brain.weights, dtype=float)
        lengths = np.asarray(brain.lengths, dtype=float) if delays else None
        return cls(fic=fic, groups=groups, weights=weights, lengths=lengths,
                   coupling=joined, drive=None if drive is None else SharedDrive(gain=drive), members=members,
                   symmetric=bool(np.array_equal(weights, weights.T)))

    @property
    def n(self):
        """Number of regions."""
        return self.weights.shape[-1]

    @property
    def channels(self):
        """Names of the coupling channels."""
        return next(iter(self.groups.values())).channels

    def start(self):
        """Return the state from which each model reaches its working branch."""
        return {name: jnp.repeat(jnp.asarray(self.groups[name].start())[:, None], len(at), axis=1)
                for name, at in self.members}

    def drift(self, x, c):
        """Return the velocity of every group for the coupling input ``c [k, n]``."""
        return {name: self.groups[name].drift(x[name], c[:, list(at)]) for name, at in self.members}

    def diffusion(self, x):
        """Return the noise amplitude of every state of every group."""
        noise = jnp.broadcast_to(jnp.asarray(self.noise), (self.n,))
        return {name: self.groups[name].diffusion(x[name]) * noise[jnp.array(at)] for name, at in self.members}

    def output(self, x):
        """Return what regions send, ``[k, n]``."""
        return self.in_order({name: self.groups[name].output(x[name]) for name, _ in self.members})

    def read(self, x, observable):
        """Return what an instrument reads (``"bold_drive"`` or ``"eeg_source"``), ``[n]``."""
        return self.in_order({name: getattr(self.groups[name], observable)(x[name]) for name, _ in self.members})

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

    def input(self, y, strengths=None):
        """Return the coupling input ``c [k, n]`` for undelayed outputs ``y [k, n]``."""
        strengths = self.strengths() if strengths is None else strengths
        heard = y @ strengths.T
        return heard - strengths.sum(1) * y if self.coupling.kind == "diffusive" else heard

    def regulated(self):
        """Return the network with its feedback inhibition set for its present coupling (itself without `fic`)."""
        if not self.fic:
            return self
        heard = self.strengths().sum(1)
        return dataclasses.replace(self, groups={
            name: dataclasses.replace(self.groups[name], J=self.groups[name].balanced(heard[jnp.array(at)]))
            for name, at in self.members})

    def declared(self):
        """Return the declarations of everything that can be fitted, by the name it is fitted under."""
        table = {"G": declarations(Coupling)["G"], "noise": declarations(Network)["noise"]}
        if self.lengths is not None:
            table["speed"] = declarations(Coupling)["speed"]
        if self.drive is not None:
            table["drive"] = declarations(SharedDrive)["gain"]
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
        if name in ("G", "speed"):
            return self.coupling, name
        if name == "drive" and self.drive is not None:
            return self.drive, "gain"
        group, field = self._group(name), name.rpartition(".")[2]
        if group not in self.groups or field not in declarations(self.groups[group]):
            raise InputError(f"parameter '{name}'", "this network has none of that name",
                             f"Choose from {', '.join(self.declared())}.")
        return self.groups[group], field


def _indices(brain, name, regions):
    labels = {label: i for i, label in enumerate(brain.labels)}
    unknown = [r for r in regions if isinstance(r, str) and r not in labels]
    if unknown:
        raise InputError(f"group '{name}'", f"the connectome has no region {unknown[0]}", "Use its labels.")
    indices = tuple(labels[r] if isinstance(r, str) else int(r) for r in regions)
    if not indices:
        raise InputError(f"group '{name}'", "it has no region", "Give at least one region, or leave the group out.")
    return indices


def _check_cover(brain, members):
    seen = {}
    for name, at in members:
        for i in at:
            if not 0 <= i < len(brain.labels):
                raise InputError(f"group '{name}'", f"region index {i}", "Use indices of the connectome.",
                                 f"0 to {len(brain.labels) - 1}")
            if i in seen:
                raise InputError(f"group '{name}'", f"region {brain.labels[i]} is also in group '{seen[i]}'",
                                 "Put every region into one group.")
            seen[i] = name
    missing = [label for i, label in enumerate(brain.labels) if i not in seen]
    if missing:
        raise InputError("groups", f"region {missing[0]} is in none ({len(missing)} in all)",
                         "Put every region into one group.")
