"""The ladder as data: which parameters each rung frees and how regions share them."""

import dataclasses

from .space import edge_block, regional_block, shared_block

LEVELS = ("shared", "maps", "region", "edges")


@dataclasses.dataclass(frozen=True)
class Rung:
    """One step of the ladder.

    Attributes
    ----------
    level : "shared", "maps", "region" or "edges"
    drive : whether a shared drive is part of it
    model : name of the model
    engine : "linear", "closure" or "simulated"
    """

    level: str
    drive: bool = False
    model: str = "Hopf"
    engine: str = "linear"

    @property
    def name(self):
        """What tables call it."""
        return f"{self.level} + drive" if self.drive else self.level


def ladder(max_rung, drive=True, model="Hopf"):
    """Return the default ladder for FC up to a level: at each level without and with a shared drive."""
    levels = LEVELS[:LEVELS.index(max_rung) + 1]
    return tuple(tuple(Rung(level, d, model) for d in ((False, True) if drive else (False,))) for level in levels)


def blocks_of(network, rung, maps, level_known, slowest):
    """Return the blocks that a rung frees around where the network stands.

    Parameters
    ----------
    network : Network
    rung : Rung
    maps : array ``[m, n]``
    level_known : bool
        Whether the data can tell the level of the model's own rates: FC over the whole band cannot, for a model
        without a time scale of its own, since only ratios to the coupling matter.
    slowest : float
        Slowest damping rate that the recordings can show, 1/s.
    """
    model = next(iter(network.groups.values()))
    own = model.fit_first[:1]
    known = {"along_maps": rung.level != "shared", "regions": rung.level in ("region", "edges")}
    blocks = [shared_block(network, "G")]
    blocks += [regional_block(network, p, maps, level=True, known_level=level_known,
                              slowest=slowest, **known) for p in own]
    blocks += [regional_block(network, "noise", maps, known_level=False, **known)]
    blocks += [regional_block(network, "drive", maps, level=rung.drive,
                              **{name: free and rung.drive for name, free in known.items()})]
    return tuple(blocks + ([edge_block(network)] if rung.level == "edges" else []))
