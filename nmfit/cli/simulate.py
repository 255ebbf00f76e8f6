"""`nmfit simulate`: files in, labelled series out."""

from ..errors import InputError
from .network import add_network, diverged, made, target
from .options import FINISHED


def add(verbs):
    """Declare the command."""
    simulate = verbs.add_parser("simulate", help="simulate a network and write the series")
    simulate.set_defaults(run=run)
    add_network(simulate)


def run(args):
    """Simulate and write."""
    path = target(args)
    if path.suffix == ".tsv" and args.runs > 1:
        raise InputError("--runs", f"{args.runs} runs in one table", "Write .npz, or make one run.")
    network, observe, options = made(args)
    from ..dynamics.simulate import simulate
    from ..dynamics.simulation import SimulationDiverged
    from ..io import write_npz, write_table

    try:
        found = simulate(network, args.seconds, observe=observe, **options)
    except SimulationDiverged as lost:
        return diverged(lost)
    if path.suffix == ".npz":
        write_npz(path, data=found.data, times=found.times, labels=list(found.labels), sample=found.sample,
                  dt=found.dt, command=args.command)
    else:
        rows = ((t, *row) for t, row in zip(found.times, found.data, strict=True))
        write_table(path, ("time", *found.labels), rows)
    print(f"{found!r}\n{path}")
    return FINISHED
