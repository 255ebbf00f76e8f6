"""The command line: a thin shell over the front door. What it imports, it imports when it is needed."""

import argparse
import contextlib
import os
import shlex
import signal
import sys
from pathlib import Path

from . import cli_simulate
from .errors import InputError

CONVERGED, UNSURE, REFUSED, INTERRUPTED = 0, 1, 2, 130

# Named here too so that --help needs no numerical library; a test holds them to the code that reads them.
TRANSFORMS = ("none", "log1p", "sqrt")
NORMS = ("max", "rowsum", "spectral", "none")
RUNGS = ("shared", "maps", "region", "edges")

DEMO_NULL_STEPS = 40
DEMO_STARTS = 4


def main(argv=None):
    """Run a command; return its exit code: 0 finished, 1 not converged (or flagged, --strict), 2 bad input."""
    argv = sys.argv[1:] if argv is None else list(argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 shows "?", and nothing fails
    args = _parser().parse_args(argv)
    args.command = shlex.join(["nmfit", *argv])
    with contextlib.suppress(ValueError):           # outside the main thread nobody may ask for signals
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return args.run(args)
    except InputError as problem:
        print(f"error: {_one_line(problem)}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print(_interrupted(args), file=sys.stderr)
        return INTERRUPTED


def _parser():
    parser = argparse.ArgumentParser(
        prog="nmfit", description="Fit whole-brain models to data, judged on data that the fit never saw.",
        epilog="Exit codes: 0 finished, 1 not converged (or any flag under --strict), 2 bad input.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    verbs = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    demo = verbs.add_parser("demo", help="fit the data that ships, in under a minute, without a network")
    demo.set_defaults(run=_demo)
    _output(demo, default="nmfit-demo")

    fit = verbs.add_parser("fit", help="fit a model to functional connectivity, or to EEG spectra")
    fit.set_defaults(run=_fit)
    data = fit.add_argument_group("data (.csv .tsv .txt .npy .npz, or FILE.npz::KEY)")
    data.add_argument("--sc", nargs="+", metavar="F",
                      help="structural connectivity: one matrix, a pattern, or one for each person")
    data.add_argument("--lengths", nargs="+", metavar="F", help="tract lengths in mm")
    data.add_argument("--labels", metavar="F", help="region names, in the order of the matrix; may hold centroids")
    what = data.add_mutually_exclusive_group(required=True)
    what.add_argument("--bold", nargs="+", metavar="F", help="BOLD, one row per volume, one file per recording")
    what.add_argument("--fc", metavar="F", help="a matrix of Pearson correlations instead of BOLD")
    what.add_argument("--eeg", metavar="F", help="an EEG recording that mne opens: its spectra are fitted")
    eeg = fit.add_argument_group("EEG")
    eeg.add_argument("--template", metavar="NAME", help="a connectome that ships, in place of --sc: aal2-80")
    eeg.add_argument("--leadfield", metavar="F", help="forward solution or table; a template sphere unless given")
    eeg.add_argument("--centroids", metavar="F", help="table of regions with x, y, z in MNI mm, for the sphere")
    eeg.add_argument("--montage", metavar="NAME", help="template or file of electrode positions")
    eeg.add_argument("--fmin", type=float, default=1.0, metavar="HZ", help="default: 1")
    eeg.add_argument("--fmax", type=float, default=40.0, metavar="HZ", help="default: 40")
    held = data.add_mutually_exclusive_group()
    held.add_argument("--heldout-bold", nargs="+", metavar="F", help="BOLD that only scores")
    held.add_argument("--heldout-fc", metavar="F", help="FC that only scores")
    data.add_argument("--tr", type=float, metavar="S", help="repetition time in seconds (default: the .json beside)")
    data.add_argument("--n-volumes", type=_count, metavar="N", help="volumes behind an FC matrix")
    data.add_argument("--maps", metavar="F", help="table with a column 'region' and one column per map")
    data.add_argument("--gsr", action="store_true", default=None,
                      help="the global signal was regressed out of the data (default: the .json beside)")
    data.add_argument("--drop-bad", action="store_true",
                      help="drop regions that are missing or constant somewhere, everywhere")
    how = fit.add_argument_group("how")
    how.add_argument("--model", nargs="+", metavar="NAME",
                     help="see `nmfit models`; several: the simplest first (default: what suits the data)")
    how.add_argument("--band", nargs=2, type=float, metavar=("LO", "HI"),
                     help="Hz (default: 0.01 0.1 for BOLD, the whole band for --fc)")
    how.add_argument("--loss", metavar="EXPR", help="such as 'FCMSE' or 'FC + 5 * MeanFC' (the default)")
    how.add_argument("--sc-transform", choices=TRANSFORMS, help="of the weights (default: chosen on the data)")
    how.add_argument("--sc-norm", choices=NORMS, default="max", help="what weights are divided by (default: max)")
    how.add_argument("--max-rung", choices=RUNGS, default="region", help="where the climb ends at the latest")
    how.add_argument("--n-null", type=_count, default=19, metavar="N", help="wrong connectomes of each kind")
    how.add_argument("--seed", type=_count, default=0, metavar="N")
    _output(fit).add_argument("--resume", action="store_true", help="go on with an interrupted fit of the same inputs")

    cli_simulate.add(verbs, TRANSFORMS, NORMS)

    models = verbs.add_parser("models", help="list the models, or describe one")
    models.set_defaults(run=_models)
    models.add_argument("name", nargs="?", metavar="NAME")
    models.add_argument("--for", dest="purpose", metavar="PURPOSE", help="say what to start with: fmri, eeg, meg, "
                        "ei-balance, spiking, oscillations, excitability, synchronisation, fast, decision or fitting")
    kind = models.add_mutually_exclusive_group()
    kind.add_argument("--physiological", action="store_true", help="one whose parameters mean synapses or cells")
    kind.add_argument("--phenomenological", action="store_true", help="the simplest that shows it (default)")

    report = verbs.add_parser("report", help="write the report of a folder again and print its summary")
    report.set_defaults(run=_report)
    report.add_argument("folder", metavar="DIR")
    report.add_argument("--json", action="store_true", help="print fit.json to stdout, the summary to stderr")
    return parser


def _output(parser, default=None):
    out = parser.add_argument_group("output")
    out.add_argument("-o", "--output", metavar="DIR", default=default, required=default is None,
                     help="folder of the result" + (f" (default: {default})" if default else ""))
    out.add_argument("--overwrite", action="store_true", help="replace a result that the folder holds")
    out.add_argument("--strict", action="store_true", help="exit 1 where the result carries any flag")
    out.add_argument("--json", action="store_true", help="print fit.json to stdout, everything else to stderr")
    return out


class _Version(argparse.Action):
    def __call__(self, parser, _namespace, _values, _option=None):
        from importlib.metadata import version

        print(f"nmfit {version('nmfit')}")
        parser.exit()


def _count(text):
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return number


def _fit(args):
    _refuse_result(args)
    if args.eeg is not None:
        if args.resume:
            raise InputError("--resume", "a fit of spectra, whose searches are not kept", "Leave it out.")
        return _fit_eeg(args)
    if args.template is not None or args.sc is None:
        raise InputError("--template" if args.template is not None else "--sc", "a fit of FC without its connectome",
                         "Give --sc F; a template goes with --eeg only.")
    ledger = _ledger(args)
    from .compare.loss import parse
    from .io.inputs import read_inputs

    target, brain, names, maps = read_inputs(
        sc=args.sc, lengths=args.lengths, labels=args.labels, bold=args.bold, fc=args.fc,
        heldout_bold=args.heldout_bold, heldout_fc=args.heldout_fc, tr=args.tr, n_volumes=args.n_volumes,
        maps=args.maps, band=args.band, drop_bad=args.drop_bad, gsr=args.gsr)
    loss = None if args.loss is None else parse(args.loss)
    model = args.model[0] if args.model and len(args.model) == 1 else args.model
    return _run(args, target, brain, keep=ledger, model=model, loss=loss, maps=maps, map_names=names,
                sc_norm=args.sc_norm, sc_transform=args.sc_transform, n_null=args.n_null, max_rung=args.max_rung,
                seed=args.seed)


def _fit_eeg(args):
    from .io.inputs_eeg import read_eeg_inputs

    target, brain, leadfield = read_eeg_inputs(
        sc=args.sc, template=args.template, eeg=args.eeg, lengths=args.lengths, labels=args.labels,
        leadfield=args.leadfield, centroids=args.centroids, montage=args.montage, fmin=args.fmin, fmax=args.fmax)
    return _run(args, target, brain, leadfield=leadfield, n_null=args.n_null, seed=args.seed)


def _demo(args):
    _refuse_result(args)
    from .io import sample
    from .io.inputs import read_inputs

    folder = sample("gw_aal2")
    target, brain, _, _ = read_inputs(sc=[folder / "sub-*_weights.csv"], lengths=[folder / "sub-*_lengths.csv"],
                                      labels=folder / "labels.tsv", bold=[folder / "sub-*_bold.tsv"])
    left_out = (f"left out to finish in a minute: the rung of single edges; null fits beyond {DEMO_NULL_STEPS} steps "
                f"each; starts beyond {DEMO_STARTS}; `nmfit fit` has no such limits")
    return _run(args, target, brain, left_out, n_null=19, null_steps=DEMO_NULL_STEPS, starts=DEMO_STARTS,
                max_rung="region", seed=0)


def _run(args, target, brain, last_word=None, **options):
    from .fit import fit
    from .report.terminal import Progress

    _keep_compiled_code()
    progress = Progress()
    for note in target.notes:
        progress.note(note)
    try:
        result = fit(target, brain, progress=progress, command=args.command, **options)
    finally:
        progress.close()
    folder = Path(args.output)
    result.save(folder, overwrite=args.overwrite)
    if options.get("keep") is not None:
        options["keep"].clear()
    _print(args, result)
    people = sys.stderr if args.json else sys.stdout
    for line in ([last_word] if last_word else []) + [f"report: {folder / 'report.html'}"]:
        print(line, file=people)
    return UNSURE if result.record["status"] != "converged" or (args.strict and result.flags) else CONVERGED


def _print(args, result):
    print(result.summary(), file=sys.stderr if args.json else sys.stdout)
    if args.json:
        print(result.to_json(), end="")


def _models(args):
    from .models import MODELS, advise, describe

    if args.purpose is not None:
        advice = advise(args.purpose, args.physiological)
        print(f"{advice.model}: {advice.why}.\nBe careful: {advice.careful}.")
        return CONVERGED
    if args.name is None:
        width = max(map(len, MODELS))
        for name, model in MODELS.items():
            print(f"{name:<{width}}  {model.good_for} (cost: {model.cost})")
        return CONVERGED
    known = {name.lower(): model for name, model in MODELS.items()}
    if args.name.lower() not in known:
        raise InputError("model", f"found '{args.name}'", f"Choose one of {', '.join(MODELS)}.")
    print(describe(known[args.name.lower()]))
    return CONVERGED


def _report(args):
    from .fit import load_result

    result = load_result(args.folder)
    path = Path(args.folder) / "report.html"
    result.report(path)
    _print(args, result)
    print(f"report: {path}", file=sys.stderr if args.json else sys.stdout)
    return CONVERGED


def _refuse_result(args):
    """Refuse before anything is read what `Result.save` would refuse after everything is fitted."""
    from .io.staged import finish

    folder = Path(args.output)
    if folder.exists() and not folder.is_dir():
        raise InputError(folder, "a file", "Give -o a folder.")
    finish(folder)
    if (folder / "fit.json").exists() and not args.overwrite:
        raise InputError(folder, "a folder that holds a result", "Choose another, or add --overwrite.")
    nearest = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    if not os.access(nearest, os.W_OK):
        raise InputError(folder, f"'{nearest}' cannot be written to", "Choose another folder.")


def _ledger(args):
    """Return what remembers finished searches of this fit; refuse to forget those of an earlier one unasked."""
    from .io import Ledger

    ledger = Ledger(args.output, fresh=args.overwrite and not args.resume)
    if ledger.pieces and not args.resume:
        raise InputError(args.output, f"an unfinished fit with {ledger.pieces} finished pieces",
                         "Go on with --resume, or start anew with --overwrite.")
    return ledger


def _interrupted(args):
    """Return what an interruption leaves behind, in a sentence."""
    from .io import Ledger

    pieces = Ledger(args.output).pieces if getattr(args, "output", None) else 0
    if not pieces:
        return "interrupted: nothing written"
    return f"interrupted: {pieces} finished pieces are kept in {args.output}; the same command with --resume goes on"


def _keep_compiled_code():
    """Keep what JAX compiles in the user's cache folder, so that a second run starts at once."""
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    with contextlib.suppress(OSError):  # without a cache folder everything works, only slower
        (base / "nmfit").mkdir(parents=True, exist_ok=True)
        import jax

        jax.config.update("jax_compilation_cache_dir", str(base / "nmfit"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)


def _one_line(problem):
    return " ".join("".join(c if c.isprintable() else " " for c in str(problem)).split())


if __name__ == "__main__":
    sys.exit(main())
