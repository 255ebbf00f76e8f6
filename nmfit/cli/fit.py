"""`nmfit fit`: files in, a fitted model out."""

import sys
from pathlib import Path

from ..errors import InputError
from .compiled import keep_compiled_code
from .folder import ledger, refuse_result
from .options import FINISHED, MATRICES, NORMS, RUNGS, SETTLED, TRANSFORMS, UNSURE, add_output, whole
from .report import tell


def add(verbs):
    """Declare the command."""
    fit = verbs.add_parser("fit", help="fit a model to functional connectivity, or to EEG spectra")
    fit.set_defaults(run=run)
    data = fit.add_argument_group(f"data ({MATRICES})")
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
    data.add_argument("--n-volumes", type=whole, metavar="N", help="volumes behind an FC matrix")
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
    how.add_argument("--n-null", type=whole, default=19, metavar="N", help="wrong connectomes of each kind")
    how.add_argument("--seed", type=whole, default=0, metavar="N")
    out = add_output(fit)
    out.add_argument("--resume", action="store_true", help="go on with an interrupted fit of the same inputs")


def run(args):
    """Read, fit, write."""
    refuse_result(args)
    if args.eeg is not None:
        if args.resume:
            raise InputError("--resume", "a fit of spectra, whose searches are not kept", "Leave it out.")
        return _fit_eeg(args)
    if args.template is not None or args.sc is None:
        raise InputError("--template" if args.template is not None else "--sc", "a fit of FC without its connectome",
                         "Give --sc F; a template goes with --eeg only.")
    kept = ledger(args)
    from ..compare.loss import parse
    from ..io.inputs import read_inputs

    target, brain, names, maps = read_inputs(
        sc=args.sc, lengths=args.lengths, labels=args.labels, bold=args.bold, fc=args.fc,
        heldout_bold=args.heldout_bold, heldout_fc=args.heldout_fc, tr=args.tr, n_volumes=args.n_volumes,
        maps=args.maps, band=args.band, drop_bad=args.drop_bad, gsr=args.gsr)
    loss = None if args.loss is None else parse(args.loss)
    model = args.model[0] if args.model and len(args.model) == 1 else args.model
    return finish(args, target, brain, keep=kept, model=model, loss=loss, maps=maps, map_names=names,
                sc_norm=args.sc_norm, sc_transform=args.sc_transform, n_null=args.n_null, max_rung=args.max_rung,
                seed=args.seed)


def _fit_eeg(args):
    from ..io.inputs_eeg import read_eeg_inputs

    target, brain, leadfield = read_eeg_inputs(
        sc=args.sc, template=args.template, eeg=args.eeg, lengths=args.lengths, labels=args.labels,
        leadfield=args.leadfield, centroids=args.centroids, montage=args.montage, fmin=args.fmin, fmax=args.fmax)
    return finish(args, target, brain, leadfield=leadfield, n_null=args.n_null, seed=args.seed)


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
