"""Which channel of which group drives which: every network has some wires, each of them one product with the weights.

A wire carries at most one output of every group and enters channels of groups, times a gain. Where all groups have
equally many channels and nothing else is said, channel k of each group hears channel k of all.
"""

import dataclasses

import jax.numpy as jnp

from ..errors import InputError


@dataclasses.dataclass(frozen=True)
class Wiring:
    """Wires of a network, hashable.

    Attributes
    ----------
    names : of the wires
    sends : for each group, its name and, per wire, the index of the output that it sends, or None
    receives : for each group, its name and, per channel, the pairs (wire, gain) that enter it
    kin : pairs (hearing group, sending group) joined diffusively
    """

    names: tuple
    sends: tuple
    receives: tuple
    kin: tuple

    @classmethod
    def of(cls, groups, coupling=None, links=None):
        """Settle the wires of some models.

        Parameters
        ----------
        groups : dict of name to Model
        coupling : "additive", "diffusive" or None for what the models' own papers use
        links : sequence of (source, target) or (source, target, gain), optional
            ``("thalamus.x", "cortex.E")``: what one group's channel sends enters another's. Within a group every
            channel hears itself. Without links, channels of all groups are joined one by one.
        """
        ends = [(name, k) for name, m in groups.items() for k in range(len(m.channels))]
        joined = {}
        if links is None:
            counts = {len(m.channels) for m in groups.values()}
            if len(counts) > 1:
                raise InputError("channels", "groups couple through " + ", ".join(
                    f"{m.channels} ({name})" for name, m in groups.items()),
                    'Say which channel drives which: links=[("group.channel", "other.channel")].')
            joined = {(a, k): {(b, k): 1.0 for b in groups} for a, k in ends}
        else:
            joined = {end: {end: 1.0} for end in ends}
            for link in links:
                source, target, gain = _read(groups, link)
                if target in joined[source]:
                    raise InputError(f"link {link}", "it is given twice", "Give every link once.")
                joined[source][target] = gain
        kin = _kin(groups, joined, coupling)
        patterns = {}
        for end, targets in joined.items():
            patterns.setdefault(tuple(sorted(targets.items())), []).append(end)
        wires = list(patterns.items())
        names = tuple(_named(groups, sources) for _, sources in wires)
        sends = tuple((name, tuple(next((k for g, k in sources if g == name), None) for _, sources in wires))
                      for name in groups)
        receives = tuple((name, tuple(tuple((w, dict(targets)[name, k]) for w, (targets, _) in enumerate(wires)
                                            if (name, k) in dict(targets)) for k in range(len(m.channels))))
                         for name, m in groups.items())
        return cls(names, sends, receives, kin)

    @property
    def kind(self):
        """What the links are: "additive", "diffusive", or "mixed" where groups differ."""
        if not self.kin:
            return "additive"
        return "diffusive" if len(self.kin) == len(self.sends) ** 2 else "mixed"

    def sent(self, name, y):
        """Return what a group puts on every wire ``[k, n_g]`` for its outputs ``y``."""
        rows = dict(self.sends)[name]
        if rows == tuple(range(len(y))):
            return y
        return jnp.stack([jnp.zeros_like(y[0]) if row is None else y[row] for row in rows])

    def received(self, name, c):
        """Return what enters every channel of a group for what its regions hear on the wires ``c [k, n_g]``."""
        channels = dict(self.receives)[name]
        if channels == tuple(((k, 1.0),) for k in range(len(c))):
            return c
        return jnp.stack([sum(c[w] if gain == 1.0 else gain * c[w] for w, gain in entering) for entering in channels])

    def wire(self, group, channel):
        """Return the wire on which a group sends its own channel, and which enters that channel and no other of it."""
        return dict(self.sends)[group].index(channel)

    def heard_from(self, name):
        """Return the groups that a group hears diffusively."""
        return tuple(other for own, other in self.kin if own == name)


def _read(groups, link):
    if len(link) not in (2, 3):
        raise InputError(f"link {link!r}", f"{len(link)} entries", "Give (source, target) or (source, target, gain).")
    ends = []
    for end in link[:2]:
        group, _, channel = str(end).rpartition(".")
        if group not in groups or channel not in groups[group].channels:
            raise InputError(f"link end '{end}'", "no group has that channel", "Name it group.channel.",
                             ", ".join(f"{name}.{c}" for name, m in groups.items() for c in m.channels))
        ends.append((group, groups[group].channels.index(channel)))
    if ends[0][0] == ends[1][0]:
        raise InputError(f"link {link!r}", "both ends lie in one group", "Within a group every channel hears itself; "
                         "leave the link out.")
    return *ends, float(link[2]) if len(link) == 3 else 1.0


def _kin(groups, joined, coupling):
    pairs = []
    for own, model in groups.items():
        for other, sender in groups.items():
            same = own == other or model.channels == sender.channels
            one_by_one = all(joined[other, k].get((own, k)) == 1.0 for k in range(len(sender.channels))) if same else 0
            linked = any(target[0] == own for k in range(len(sender.channels)) for target in joined[other, k])
            if coupling == "diffusive" and linked and not one_by_one:
                raise InputError("coupling", f"group '{own}' hears other outputs of '{other}' than its own",
                                 "Diffusive coupling joins equal outputs only; leave coupling out.")
            wanted = {model.coupling, sender.coupling} == {"diffusive"} if coupling is None else coupling == "diffusive"
            if one_by_one and wanted:
                pairs.append((own, other))
    return tuple(pairs)


def _named(groups, sources):
    channels = dict.fromkeys(groups[name].channels[k] for name, k in sources)
    if len(groups) == 1 or len(sources) == len(groups):
        return "/".join(channels)
    return "/".join(f"{name}.{groups[name].channels[k]}" for name, k in sources)
