"""`nmfit models`: list the models, describe one, or say what to start with."""

from .options import FINISHED

DATA = ("fmri", "eeg", "meg")


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
    from ..models import advise, describe, model_named
    from ..models.guide import TABLE, rows

    if args.purpose is not None and args.name is not None:
        print("\n".join(_held_against(model_named(args.name), args.purpose)))
    elif args.purpose is not None:
        advice = advise(args.purpose, args.physiological)
        print(f"{advice.model}: {advice.why}.\nBe careful: {advice.careful}.")
    elif args.name is None:
        table = [TABLE, *rows()]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for row in table:
            print("  ".join(map(str.ljust, row, widths)).rstrip())
    else:
        print(describe(model_named(args.name)).replace("``", ""))       # marks of the reference's pages
    return FINISHED


def _held_against(model, purpose):
    """Return what a reviewer would say of a model for a purpose, in lines."""
    from ..models import Facts, advise, cautions

    advise(purpose)                                             # refuses what is no purpose
    name, kind = model.__name__, purpose if purpose in DATA else "fmri"
    found = cautions(Facts((model(),), kind, haemodynamics=model.rotation is None))
    return [f"{sentence[0].upper()}{sentence[1:]} ({detail})." for _, detail, sentence in found] or [
        f"Nothing speaks against {name} for {purpose} beforehand. It is not for {model.not_for}."]
