"""`nmfit simulate` and `nmfit sweep`: files in, labelled arrays out."""

import argparse
import math
import sys
from pathlib import Path

from .errors import InputError

FORMATS = (".npz", ".tsv")
STATISTICS = ("fc", "covariance", "psd", "mean", "sd", "order", "metastability", "data")
MOST_POINTS = 100_000


def add(verbs, transforms, norms):
    """Add both verbs to the parser's."""
    simulate = verbs.add_parser("simulate", help="simulate a network and write the series")
    simulate.set_defaults(run=_simulate)
    _network(simulate, transforms, norms)
    sweep = verbs.add_parser("sweep", help="simulate a grid of parameters and write statistics")
    sweep.set_defaults(run=_sweep)
    _network(sweep, transforms, norms)
    sweep.add_argument("--grid", nargs="+", required=True, metavar="NAME=VALUES",
                       help="LOW:HIGH:COUNT, or values with commas, one NAME for each axis")
    sweep.add_argument("--statistics", nargs="+", default=["fc"], choices=STATISTICS, help="default: fc")
    sweep.add_argument("--freqs", nargs="+", type=float, metavar="HZ", help="of psd")


def _network(parser, transforms, norms):
    data = parser.add_argument_group("network (.csv .tsv .txt .npy .npz, or FILE.npz::KEY)")
    data.add_argument("--sc", nargs="+", required=True, metavar="F", help="structural connectivity")
    data.add_argument("--lengths", nargs="+", metavar="F", help="tract lengths in mm: coupling is delayed by them")
    data.add_argument("--labels", metavar="F", help="region names, in the order of the matrix")
    data.add_argument("--sc-transform", choices=transforms, default="none", help="of the weights (default: none)")
    data.add_argument("--sc-norm", choices=norms, default="max", help="what weights are divided by (default: max)")
    data.add_argument("--observed", nargs="+", metavar="REGION", help="regions the instrument sees, or a file of them")
    data.add_argument("--model", default="Hopf", metavar="NAME", help="see `nmfit models` (default: Hopf)")
    data.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="parameters: G, speed or the model's")
    data.add_argument("--fic", action="store_true", help="balance excitation by feedback inhibition")
    data.add_argument("--noise-tau", type=float, metavar="S", help="correlation time of the noise (default: white)")
    how = parser.add_argument_group("how")
    how.add_argument("--instrument", choices=("direct", "balloon", "eeg"), default="direct",
                     help="the model's own BOLD drive, haemodynamics on it, or its EEG source (default: direct)")
    how.add_argument("--seconds", type=float, required=True, metavar="S", help="recorded, after the warm-up")
    how.add_argument("--sample", type=float, metavar="S", help="seconds between samples")
    how.add_argument("--dt", type=float, metavar="S", help="step (default: chosen from the model)")
    how.add_argument("--warmup", type=float, metavar="S")
    how.add_argument("--scheme", choices=("heun", "euler_maruyama", "rk4"), default="heun")
    how.add_argument("--precision", choices=("float64", "float32"), default="float64")
    how.add_argument("--runs", type=_natural, default=1, metavar="N", help="runs with noise of their own")
    how.add_argument("--seed", type=int, default=0, metavar="N")
    out = parser.add_argument_group("output")
    out.add_argument("-o", "--output", required=True, metavar="FILE", help="FILE.npz with labels, or FILE.tsv")
    out.add_argument("--overwrite", action="store_true", help="replace the file")


def _natural(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is below 1")
    return number


def _simulate(args):
    path = _target(args)
    if path.suffix == ".tsv" and args.runs > 1:
        raise InputError("--runs", f"{args.runs} runs in one table", "Write .npz, or make one run.")
    network, observe, options = _made(args)
    from .dynamics.simulate import simulate
    from .dynamics.simulation import SimulationDiverged
    from .io import write_npz, write_table

    try:
        found = simulate(network, args.seconds, observe=observe, **options)
    except SimulationDiverged as lost:
        return _lost(lost)
    if path.suffix == ".npz":
        write_npz(path, data=found.data, times=found.times, labels=list(found.labels), sample=found.sample,
                  dt=found.dt, command=args.command)
    else:
        rows = ((t, *row) for t, row in zip(found.times, found.data, strict=True))
        write_table(path, ("time", *found.labels), rows)
    print(f"{found!r}\n{path}")
    return 0


def _sweep(args):
    path = _target(args)
    scalar = {"order", "metastability"}
    if path.suffix == ".tsv" and not set(args.statistics) <= scalar:
        raise InputError(path, "statistics that are arrays", "Write .npz.", f"for .tsv: {', '.join(sorted(scalar))}")
    grid = {}
    for text in args.grid:
        name, values = _assigned(text, "--grid")
        if name in grid:
            raise InputError("--grid", f"{name} twice", "Give every parameter once.")
        grid[name] = _values(values, text)
    points = math.prod(map(len, grid.values()))
    if points > MOST_POINTS:
        raise InputError("--grid", f"{points} points", "Take a coarser grid.", f"at most {MOST_POINTS}")
    network, observe, options = _made(args)
    from .dynamics.simulation import SimulationDiverged
    from .dynamics.sweep import sweep
    from .io import write_npz, write_table

    def progress(done, total):
        print(f"\r{done} of {total} points", end="" if done < total else "\n", file=sys.stderr, flush=True)

    try:
        found = sweep(network, grid, args.seconds, observe=observe, statistics=args.statistics, freqs=args.freqs,
                      progress=progress, **options)
    except SimulationDiverged as lost:
        return _lost(lost)
    if path.suffix == ".npz":
        axes = {f"axis_{name}": values for name, values in found.values.items()}
        freqs = {} if found.freqs is None else {"freqs": found.freqs}
        write_npz(path, **found.statistics, **axes, **freqs, names=list(found.names), diverged=found.diverged,
                  labels=list(found.labels), sample=found.sample, dt=found.dt, command=args.command)
    else:
        import itertools

        places = itertools.product(*(range(len(v)) for v in found.values.values()))
        rows = [[*(v[i] for v, i in zip(found.values.values(), at, strict=True)), found.diverged[at],
                 *(found[name][at] for name in args.statistics)] for at in places]
        write_table(path, (*found.names, "diverged", *args.statistics), rows)
    print(f"{found!r}\n{path}")
    return 0


def _target(args):
    path = Path(args.output).expanduser()
    if path.suffix not in FORMATS:
        raise InputError("-o", f"'{args.output}'", "Name a file that ends in one of these.", ", ".join(FORMATS))
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise InputError(path, "a folder" if path.is_dir() else "a folder that does not exist",
                         "Name a file in a folder that exists.")
    if path.exists() and not args.overwrite:
        raise InputError(path, "a file that exists", "Choose another, or add --overwrite.")
    return path


def _made(args):
    """Return the network, its instrument and the options of a simulation, each checked."""
    from .cli import _keep_compiled_code
    from .io import read_connectome, read_labels
    from .models import MODELS
    from .network import Network
    from .observe import Balloon, Direct

    known = {name.lower(): model for name, model in MODELS.items()}
    if args.model.lower() not in known:
        raise InputError("model", f"found '{args.model}'", f"Choose one of {', '.join(MODELS)}.")
    given = {}
    for text in args.set:
        name, value = _assigned(text, "--set")
        given[name] = _number(value, text)
    brain = read_connectome(args.sc, args.lengths, args.labels).normalised(args.sc_transform, args.sc_norm)
    observed = args.observed
    if observed is not None and len(observed) == 1 and Path(observed[0]).is_file():
        observed = read_labels(observed[0]).names
    network = Network.of(brain, known[args.model.lower()](), delays=args.lengths is not None, fic=args.fic,
                         observed=observed, noise_tau=args.noise_tau)
    observe = {"direct": Direct(), "balloon": Balloon(), "eeg": Direct(reads="eeg_source")}[args.instrument]
    _keep_compiled_code()
    from .dynamics.simulate import checked

    network = network.replace(checked(network, given))
    for note in brain.notes:
        print(f"note: {note}", file=sys.stderr)
    return network, observe, {name: getattr(args, name) for name in (
        "sample", "dt", "warmup", "scheme", "precision", "runs", "seed")}


def _assigned(text, where):
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise InputError(where, f"found '{text}'", "Write NAME=VALUE.")
    return name, value


def _number(text, whole):
    try:
        return float(text)
    except ValueError:
        raise InputError(f"'{whole}'", f"'{text}' is no number", "Write NAME=VALUE with a number.") from None


def _values(text, whole):
    parts = text.split(":")
    if len(parts) == 1:
        return [_number(part, whole) for part in text.split(",")]
    if len(parts) != 3 or not parts[2].isdigit() or int(parts[2]) < 1:
        raise InputError(f"'{whole}'", f"'{text}'", "Write LOW:HIGH:COUNT, or values with commas.")
    low, high, count = _number(parts[0], whole), _number(parts[1], whole), int(parts[2])
    if count > MOST_POINTS:
        raise InputError("--grid", f"{count} values", "Take a coarser grid.", f"at most {MOST_POINTS}")
    return [low + (high - low) * i / max(count - 1, 1) for i in range(count)]


def _lost(problem):
    print(f"error: {problem}", file=sys.stderr)
    return 1
