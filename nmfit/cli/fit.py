"""`nmfit fit`: files in, a fitted model out."""

import sys
from pathlib import Path

from ..errors import InputError
from .compiled import keep_compiled_code
from .data import add_data, inputs_of_eeg, inputs_of_fc, inputs_of_psd
from .folder import ledger, refuse_result
from .network import add_mixture, assigned, network_of
from .options import COUPLINGS, FINISHED, NORMS, RUNGS, SETTLED, TRANSFORMS, UNSURE, add_output, natural, whole
from .report import tell

PHASES = (["Kuramoto"],)      # models that have no state of rest
NOT_OF_SPECTRA = ("model", "band", "sc_transform", "coupling", "budget", "engine", "free", "dt", "beside",
                  "heldout_bold", "heldout_fc", "tr", "n_volumes", "gsr", "atlas", "envelope", "groups", "links", "set",
                  "noise_tau", "observed")
STANDING = ("groups", "links", "set", "noise_tau", "free", "observed")
NOT_OF_REGIONS = ("loss", "heldout_eeg", "leadfield", "centroids", "montage", "seconds")


def add(verbs):
    """Declare the command."""
    fit = verbs.add_parser("fit", help="fit a model to functional connectivity, or to spectra")
    fit.set_defaults(run=run)
    add_data(fit)
    how = fit.add_argument_group("how")
    how.add_argument("--model", nargs="+", metavar="NAME",
                     help="see `nmfit models`; several: the simplest first (default: what suits the data)")
    how.add_argument("--band", nargs=2, type=float, metavar=("LO", "HI"),
                     help="Hz (default: 0.01 0.1 for BOLD, the whole band for --fc)")
    how.add_argument("--loss", metavar="EXPR", help="such as 'FCMSE' or 'FC + 5 * MeanFC' (the default); "
                     "with --eeg such as 'LogPSD + 0.1 * Whittle'")
    how.add_argument("--sc-transform", choices=TRANSFORMS, help="of the weights (default: chosen on the data)")
    how.add_argument("--sc-norm", choices=NORMS, default="max", help="what weights are divided by (default: max)")
    how.add_argument("--coupling", choices=COUPLINGS, help="of every model (default: that of each one's paper)")
    how.add_argument("--max-rung", metavar="RUNG", help=f"where the climb ends at the latest: {', '.join(RUNGS)} "
                     "for FC (default: region), other names for spectra (default: the last)")
    how.add_argument("--n-null", type=whole, default=19, metavar="N", help="wrong connectomes of each kind")
    how.add_argument("--budget", type=float, metavar="S", help="seconds: what would not be over in time is not begun")
    how.add_argument("--seed", type=whole, default=0, metavar="N")
    stands = fit.add_argument_group("a network as it stands: no ladder, no wrong connectomes")
    add_mixture(stands)
    stands.add_argument("--free", nargs="+", metavar="NAME=HOW", help="what is fitted, each shared, maps or region "
                        "(default: the coupling, and what each model frees first); with speed=shared, and with --set "
                        "speed=V, the coupling is delayed by --lengths")
    through = fit.add_argument_group("through simulation, for models without a state of rest and for FCD")
    through.add_argument("--engine", choices=("linear", "simulated"),
                         help="default: linear, simulated for a model without a state of rest (Kuramoto)")
    through.add_argument("--scans", type=natural, default=4, metavar="N", help="simulated at once (default: 4)")
    through.add_argument("--fresh", type=natural, default=20, metavar="N", help="that score in the end (default: 20)")
    through.add_argument("--steps", type=natural, default=60, metavar="N", help="of the descent (default: 60)")
    through.add_argument("--beside", metavar="EXPR", help="a term without slopes such as '0.5 * KS', searched for "
                         "after the descent (needs nmfit[refine])")
    through.add_argument("--evaluations", type=natural, default=200, metavar="N",
                         help="simulations of that search (default: 200)")
    through.add_argument("--window", nargs=2, type=float, default=(60.0, 10.0), metavar=("S", "STEP"),
                         help="of FCD, seconds (default: 60 10)")
    through.add_argument("--dt", type=float, metavar="S", help="step (default: chosen from the model)")
    out = add_output(fit)
    out.add_argument("--resume", action="store_true", help="go on with an interrupted fit of the same inputs")


def run(args):
    """Read, fit, write."""
    refuse_result(args)
    if args.eeg is not None or args.psd is not None:
        if args.resume and args.loss is not None:
            raise InputError("--resume", "a fit under --loss, whose searches are not kept", "Leave one of them out.")
        for name in (*NOT_OF_SPECTRA, *(("maps",) if args.psd is None else NOT_OF_REGIONS)):
            if getattr(args, name) not in (None, "linear", []):
                raise InputError(f"--{name.replace('_', '-')}", "a fit of spectra, which has no such choice",
                                 "Leave it out.")
        return _fit_eeg(args) if args.psd is None else _fit_psd(args)
    if args.heldout_eeg is not None:
        raise InputError("--heldout-eeg", "no --eeg beside it", "Give both, or neither.")
    if args.engine == "simulated" or (args.engine is None and args.model in PHASES):
        return _fit_simulated(args)
    for name in ("dt", "beside"):
        if getattr(args, name) is not None:
            raise InputError(f"--{name}", "a fit in closed form, which has no such choice", "Add --engine simulated.")
    if any(getattr(args, name) not in (None, []) for name in STANDING):
        return _fit_as_it_stands(args)
    kept = ledger(args)
    from ..compare.loss import parse

    target, brain, names, maps = inputs_of_fc(args)
    loss = None if args.loss is None else parse(args.loss)
    model = args.model[0] if args.model and len(args.model) == 1 else args.model
    return finish(args, target, brain, keep=kept, model=model, loss=loss, maps=maps, map_names=names,
                sc_norm=args.sc_norm, sc_transform=args.sc_transform, coupling=args.coupling, n_null=args.n_null,
                  seed=args.seed, max_rung=args.max_rung or "region", budget=args.budget)


def _fit_as_it_stands(args):
    """Fit what is free of a network, mixed or partly seen, in closed form."""
    if args.model is not None and len(args.model) > 1:
        raise InputError("--model", f"{len(args.model)} models", "A network as it stands has one, or --groups.")
    for name in ("resume", "budget", "max_rung"):
        if getattr(args, name):
            raise InputError(f"--{name.replace('_', '-')}", "a network as it stands, which climbs no ladder",
                             "Leave it out.")
    from ..compare.loss import parse

    free = _free(args)
    target, brain, _, maps = inputs_of_fc(args)
    network = _network(args, target, brain, free)
    return finish(args, target, network, free=free, maps=maps, loss=None if args.loss is None else parse(args.loss),
                  seed=args.seed)


def _network(args, target, brain, free):
    """Return the network that the options describe."""
    from ..fit.fc import START_INPUT

    args.model = args.model[0] if args.model else None
    brain = _one(brain).normalised(args.sc_transform or "none", args.sc_norm)
    delayed = "speed" in (free or {}) or any(text.startswith("speed=") for text in args.set)
    return network_of(args, brain, G=START_INPUT / brain.weights.sum(1).mean(), coupling=args.coupling,
                      observed=_seen(target, brain), delays=delayed)


def _one(brain):
    from ..network import Connectome

    return Connectome.mean(brain) if isinstance(brain, list) else brain


def _free(args):
    return None if args.free is None else dict(assigned(text, "--free") for text in args.free)


def _seen(target, brain):
    """Return the regions of a connectome that a target is about, where those are not all."""
    brain = _one(brain)
    return None if target.n == brain.n else target.labels or brain.labels[:target.n]


def _fit_simulated(args):
    for name, given in (("--resume", args.resume), ("--model", args.model is not None and len(args.model) > 1)):
        if given:
            raise InputError(name, "a fit through simulation, which climbs no ladder",
                             "Leave it out, or name one model.")
    if args.fresh < 2:
        raise InputError("--fresh", "1", "Ask for more: a score comes with its standard error.", "at least 2")
    for name in ("links", "set", "noise_tau"):
        if args.groups is None and getattr(args, name) not in (None, []):
            raise InputError(f"--{name.replace('_', '-')}", "a fit through simulation of one model, which has no such "
                             "choice", "Name the model of every region with --groups.")
    from ..compare.loss import parse

    free = _free(args)
    target, brain, _, maps = inputs_of_fc(args, windows=args.window)
    what = {"brain": _network(args, target, brain, free)} if args.groups is not None else {
        "brain": _one(brain), "model": args.model[0] if args.model else "Kuramoto", "observed": _seen(target, brain),
        "coupling": args.coupling, "sc_norm": args.sc_norm, "sc_transform": args.sc_transform or "none"}
    return finish(args, target, engine="simulated", free=free, maps=maps, seeds=args.scans, score_seeds=args.fresh,
                  loss=None if args.loss is None else parse(args.loss), steps=args.steps, dt=args.dt, seed=args.seed,
                  beside=args.beside, evaluations=args.evaluations, **what)


def _fit_eeg(args):
    from ..compare.loss import parse

    kept, loss = ledger(args), None if args.loss is None else parse(args.loss)
    target, brain, leadfield = inputs_of_eeg(args, cross=loss is not None and "cross" in loss.needs)
    return finish(args, target, brain, leadfield=leadfield, keep=kept, loss=loss, n_null=args.n_null,
                  seed=args.seed, **_highest(args))


def _fit_psd(args):
    kept = ledger(args)
    target, brain, maps = inputs_of_psd(args)
    return finish(args, target, brain, keep=kept, maps=maps, n_null=args.n_null, seed=args.seed, **_highest(args))


def _highest(args):
    """Return the highest rung where one is named: spectra of sensors and of regions have ladders of their own."""
    return {} if args.max_rung is None else {"max_rung": args.max_rung}


def finish(args, target, brain, last_word=None, **options):
    """Fit a target, write the result and tell it; return the exit code."""
    from ..fit import fit
    from ..report.terminal import Progress

    keep_compiled_code()
    progress = Progress()
    for note in target.notes:
        progress.note(note)
    try:
        result = fit(target, brain, progress=progress, command=args.command, **options)
        result = getattr(result, "result", result)
    finally:
        progress.close()
    folder = Path(args.output)
    result.save(folder, overwrite=args.overwrite)
    if options.get("keep") is not None:
        options["keep"].clear()
    tell(args, result)
    people = sys.stderr if args.json else sys.stdout
    for line in ([last_word] if last_word else []) + [f"report: {folder / 'report.html'}"]:
        print(line, file=people)
    return UNSURE if result.record["status"] not in SETTLED or (args.strict and result.flags) else FINISHED
