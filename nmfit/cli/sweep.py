"""`nmfit sweep`: a grid of parameters in, statistics of simulations out."""

import itertools
import math
import sys

from ..errors import InputError
from .network import add_network, assigned, diverged, made, number, target
from .options import FINISHED

STATISTICS = ("fc", "covariance", "psd", "mean", "sd", "order", "metastability", "data")
MOST_POINTS = 100_000


def add(verbs):
    """Declare the command."""
    sweep = verbs.add_parser("sweep", help="simulate a grid of parameters and write statistics")
    sweep.set_defaults(run=run)
    add_network(sweep)
    sweep.add_argument("--grid", nargs="+", required=True, metavar="NAME=VALUES",
                       help="LOW:HIGH:COUNT, or values with commas, one NAME for each axis")
    sweep.add_argument("--statistics", nargs="+", default=["fc"], choices=STATISTICS, help="default: fc")
    sweep.add_argument("--freqs", nargs="+", type=float, metavar="HZ", help="of psd")


def run(args):
    """Sweep and write."""
    path = target(args)
    scalar = {"order", "metastability"}
    if path.suffix == ".tsv" and not set(args.statistics) <= scalar:
        raise InputError(path, "statistics that are arrays", "Write .npz.", f"for .tsv: {', '.join(sorted(scalar))}")
    grid = {}
    for text in args.grid:
        name, values = assigned(text, "--grid")
        if name in grid:
            raise InputError("--grid", f"{name} twice", "Give every parameter once.")
        grid[name] = _values(values, text)
    points = math.prod(map(len, grid.values()))
    if points > MOST_POINTS:
        raise InputError("--grid", f"{points} points", "Take a coarser grid.", f"at most {MOST_POINTS}")
    network, observe, options = made(args)
    from ..dynamics.simulation import SimulationDiverged
    from ..dynamics.sweep import sweep
    from ..io import write_npz, write_table

    def progress(done, total):
        print(f"\r{done} of {total} points", end="" if done < total else "\n", file=sys.stderr, flush=True)

    try:
        found = sweep(network, grid, args.seconds, observe=observe, statistics=args.statistics, freqs=args.freqs,
                      progress=progress, **options)
    except SimulationDiverged as lost:
        return diverged(lost)
    if path.suffix == ".npz":
        axes = {f"axis_{name}": values for name, values in found.values.items()}
        freqs = {} if found.freqs is None else {"freqs": found.freqs}
        write_npz(path, **found.statistics, **axes, **freqs, names=list(found.names), diverged=found.diverged,
                  labels=list(found.labels), sample=found.sample, dt=found.dt, command=args.command)
    else:
        places = itertools.product(*(range(len(v)) for v in found.values.values()))
        rows = [[*(v[i] for v, i in zip(found.values.values(), at, strict=True)), found.diverged[at],
                 *(found[name][at] for name in args.statistics)] for at in places]
        write_table(path, (*found.names, "diverged", *args.statistics), rows)
    print(f"{found!r}\n{path}")
    return FINISHED


def _values(text, whole):
    parts = text.split(":")
    if len(parts) == 1:
        return [number(part, whole) for part in text.split(",")]
    if len(parts) != 3 or not parts[2].isdigit() or int(parts[2]) < 1:
        raise InputError(f"'{whole}'", f"'{text}'", "Write LOW:HIGH:COUNT, or values with commas.")
    low, high, count = number(parts[0], whole), number(parts[1], whole), int(parts[2])
    if count > MOST_POINTS:
        raise InputError("--grid", f"{count} values", "Take a coarser grid.", f"at most {MOST_POINTS}")
    return [low + (high - low) * i / max(count - 1, 1) for i in range(count)]
