"""The ladder as data: which parameters each rung frees and how regions share them."""

import dataclasses

from ..errors import InputError
from ..models import MODELS
from ..parameters import declarations
from .space import edge_block, regional_block, shared_block

LEVELS = ("shared", "maps", "region", "edges")


@dataclasses.dataclass(frozen=True)
class Rung:
    """One step of the ladder.

    Attributes
    ----------
    level : "shared", "maps", "region" or "edges"
    drive : whether a shared drive is part of it
    model : name of the model; "" for that of the rung below
    engine : "linear", in which all rungs are climbed; a result names the one above it where the answer asked for it
    free : names of the model's parameters that may differ between regions; () for the first of its ``fit_first``
    """

    level: str
    drive: bool = False
    model: str = "Hopf"
    engine: str = "linear"
    free: tuple = ()

    @property
    def name(self):
        """What tables call it."""
        return f"{self.level} + drive" if self.drive else self.level


class Ladder(tuple):
    """Levels of rungs, lowest first; prints as a table."""

    def __str__(self):
        """Return one line per level: its rungs, their model and engine, and what may differ between regions."""
        rows = [("rungs tried", "model", "engine", "differs between regions")]
        for level in check_ladder(self, MODELS):
            models = {rung.model: None for rung in level}
            freed = {", ".join(rung.free or (MODELS[rung.model].fit_first[:1] if rung.model else ())): None
                     for rung in level}
            rows.append((" | ".join(rung.name for rung in level),
                         ", ".join(name or "of the rung below" for name in models),
                         ", ".join({rung.engine: None for rung in level}),
                         "nothing" if level[0].level == "shared" else
                         f"{' or '.join(name or 'its first' for name in freed)}, noise"
                         + (", drive" if any(rung.drive for rung in level) else "")))
        widths = [max(len(row[k]) for row in rows) for k in range(4)]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
                         for row in rows)


def default_ladder(models=("Hopf",), max_rung="region", drive=True):
    """Return the default ladder for FC: levels in order, at each the alternatives that are tried.

    The first model climbs to the maps; there every richer one is tried at the same freedom, begun where it predicts
    what the rung below does; only then regions, and edges, of the model that is kept. Edit it, and pass it back as
    ``nmfit.fit(target, brain, ladder=...)``.

    Parameters
    ----------
    models : sequence of str
        Names, the simplest first.
    max_rung : {"shared", "maps", "region", "edges"}
        The last level.
    drive : bool
        Try each level with a shared drive, too.

    Returns
    -------
    Ladder
        Tuple of tuples of `Rung`; ``print`` shows it as a table.
    """
    first, *richer = models
    own = {"shared": first, "maps": first}
    levels = []
    for level in LEVELS[:LEVELS.index(max_rung) + 1]:
        alone = own.get(level, first if not richer else "")
        levels.append(tuple(Rung(level, d, alone) for d in ((False, True) if drive else (False,))))
        if level == min("maps", max_rung, key=LEVELS.index):
            levels += [tuple(Rung(level, d, name) for d in ((False, True) if drive else (False,))) for name in richer]
    return Ladder(levels)


def check_ladder(levels, known):
    """Return a ladder as tuples, or refuse it.

    Raises
    ------
    InputError
        Naming the rung that goes down, or whose level, model or engine is unknown.
    """
    levels = tuple(tuple(level) if isinstance(level, list | tuple) else (level,) for level in levels)
    if not levels or not all(levels) or not all(isinstance(r, Rung) for level in levels for r in level):
        raise InputError("ladder", "no rungs", "Give levels of Rung, such as default_ladder() returns.")
    highest = -1
    for level in levels:
        for rung in level:
            if rung.level not in LEVELS:
                raise InputError("ladder", f"a rung '{rung.level}'", f"Choose among {', '.join(LEVELS)}.")
            if rung.model not in known and (rung.model or level is levels[0]):
                raise InputError("ladder", f"model '{rung.model}' at '{rung.level}'",
                                 f"Choose among {', '.join(known)}.")
            if rung.engine != "linear":
                raise InputError("ladder", f"engine '{rung.engine}' at '{rung.name}'",
                                 "Leave it linear: rungs are climbed in closed form, and the engine above it is taken "
                                 "where confirmation asks for it.")
            unknown = [name for name in rung.free if rung.model and name not in declarations(known[rung.model])]
            if unknown:
                raise InputError("ladder", f"'{unknown[0]}' free at '{rung.name}', which {rung.model} has not",
                                 f"Choose among {', '.join(declarations(known[rung.model]))}.")
        heights = {LEVELS.index(rung.level) for rung in level}
        if len(heights) > 1 or min(heights) < highest:
            raise InputError("ladder", f"level {', '.join(r.name for r in level)} after '{LEVELS[highest]}'",
                             "Let freedom grow from level to level, equal within one.")
        highest = max(heights)
    return levels


def blocks_of(network, rung, maps, level_known, slowest, fastest=None):
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
    fastest : float, optional
        Fastest one that is searched, where the band lies above the model's own.
    """
    model = next(iter(network.groups.values()))
    own = rung.free or model.fit_first[:1]
    known = {"along_maps": rung.level != "shared", "regions": rung.level in ("region", "edges")}
    blocks = [shared_block(network, name) for name in ("G", "speed") if name in network.declared()]
    blocks += [regional_block(network, p, maps, level=True, known_level=level_known,
                              slowest=slowest, fastest=fastest, **known) for p in own]
    blocks += [regional_block(network, "noise", maps, known_level=False, **known)]
    blocks += [regional_block(network, "drive", maps, level=rung.drive,
                              **{name: free and rung.drive for name, free in known.items()})]
    return tuple(blocks + ([edge_block(network)] if rung.level == "edges" else []))
