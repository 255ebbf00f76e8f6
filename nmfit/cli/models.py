"""`nmfit models`: list the models, describe one, or say what to start with."""

from ..errors import InputError
from .options import FINISHED


def add(verbs):
    """Declare the command."""
    models = verbs.add_parser("models", help="list the models, or describe one")
    models.set_defaults(run=run)
    models.add_argument("name", nargs="?", metavar="NAME")
    models.add_argument("--for", dest="purpose", metavar="PURPOSE", help="say what to start with: fmri, eeg, meg, "
                        "ei-balance, spiking, oscillations, excitability, synchronisation, fast, decision or fitting")
    kind = models.add_mutually_exclusive_group()
    kind.add_argument("--physiological", action="store_true", help="one whose parameters mean synapses or cells")
    kind.add_argument("--phenomenological", action="store_true", help="the simplest that shows it (default)")


def run(args):
    """Print what was asked for."""
    from ..models import MODELS, advise, describe

    if args.purpose is not None:
        advice = advise(args.purpose, args.physiological)
        print(f"{advice.model}: {advice.why}.\nBe careful: {advice.careful}.")
    elif args.name is None:
        width = max(map(len, MODELS))
        for name, model in MODELS.items():
            print(f"{name:<{width}}  {model.good_for} (cost: {model.cost})")
    else:
        print(describe(model_named(args.name)))
    return FINISHED


def model_named(name):
    """Return the model class of a name, whatever its case."""
    from ..models import MODELS

    known = {one.lower(): model for one, model in MODELS.items()}
    if name.lower() not in known:
        raise InputError("model", f"found '{name}'", f"Choose one of {', '.join(MODELS)}.")
    return known[name.lower()]
