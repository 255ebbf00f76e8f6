"""`nmfit cohort` and `nmfit status`: many people, from one folder into another."""

import sys
from pathlib import Path

from ..errors import InputError
from .compiled import keep_compiled_code
from .options import FINISHED, NORMS, RUNGS, TRANSFORMS, natural, whole

FAILED = 3                # exit code: some units failed, the rest is done
KEPT = "what is finished is kept in OUT_DIR; the same command goes on"


def add(verbs):
    """Declare both commands."""
    cohort = verbs.add_parser("cohort", help="fit many people, each shrunken towards the group")
    cohort.set_defaults(run=run, left_behind=KEPT)
    cohort.add_argument("input", metavar="INPUT_DIR", help="sub-*_bold.tsv, sub-*_weights.csv, participants.tsv")
    cohort.add_argument("output", metavar="OUT_DIR", help="results as they come; the same command again goes on")
    data = cohort.add_argument_group("data")
    data.add_argument("--participant-label", nargs="+", metavar="ID", help="only these people")
    data.add_argument("--bold", metavar="PATTERN", help="which files are recordings, such as "
                      "'*_atlas-4S156Parcels_*timeseries.tsv'; each is of the person whose sub- it bears")
    data.add_argument("--sc", metavar="F", help="one connectome for everybody, or a pattern of one for each, such as "
                      "'*_connectivity.mat::4S156Parcels/sift_radius2_count'")
    data.add_argument("--lengths", metavar="F", help="tract lengths in mm, likewise")
    data.add_argument("--labels", metavar="F", help="region names (default: labels.tsv in INPUT_DIR)")
    data.add_argument("--atlas", metavar="F", help="label image (.nii.gz, .dlabel.nii), for BOLD without parcels")
    data.add_argument("--map-names", metavar="F", help="table of two columns that joins two schemes of region names")
    data.add_argument("--trust-order", action="store_true",
                      help="vouch that regions without names stand in one order everywhere")
    data.add_argument("--tr", type=float, metavar="S", help="repetition time in seconds (default: the .json beside)")
    data.add_argument("--drop-bad", action="store_true", help="drop regions that are bad in somebody from everybody "
                      "(default: leave such people out)")
    how = cohort.add_argument_group("how")
    how.add_argument("--design", choices=("within", "sessions"), help="what scores: another part of one run, or "
                     "another session (default: sessions where everybody has two)")
    how.add_argument("--band", nargs=2, type=float, metavar=("LO", "HI"), default=(0.01, 0.1), help="Hz")
    how.add_argument("--model", default="Hopf", metavar="NAME", help="see `nmfit models` (default: Hopf)")
    how.add_argument("--sc-transform", choices=TRANSFORMS, help="of the weights (default: chosen on the data)")
    how.add_argument("--sc-norm", choices=NORMS, default="max", help="what weights are divided by (default: max)")
    how.add_argument("--max-rung", choices=RUNGS, default="region", help="where freedom ends at the latest")
    how.add_argument("--deviations", choices=RUNGS, help="what is free in a person (default: chosen on the data, up to "
                     "the group's rung)")
    how.add_argument("--folds", type=natural, default=10, metavar="N", help="how often the group is fitted without "
                     "some people (default: 10)")
    how.add_argument("--no-errors", action="store_true", help="no standard errors of people's parameters")
    how.add_argument("--no-nulls", action="store_true", help="no fits on other people's connectomes")
    how.add_argument("--seed", type=whole, default=0, metavar="N")
    asked = cohort.add_argument_group("contrasts, of parameters over people (columns of participants.tsv)")
    asked.add_argument("--contrast", nargs="+", metavar="NAME", default=(), help="what parameters may differ with: a "
                       "number or two groups, each tested by itself")
    asked.add_argument("--covariates", nargs="+", metavar="NAME", default=(), help="what is held fixed, such as age "
                       "sex site mean_fd")
    asked.add_argument("--blocks", metavar="NAME", help="people are permuted within its levels only, such as site")
    where = cohort.add_argument_group("where (beyond this process: pip install 'nmfit[cluster]')")
    where.add_argument("--workers", type=natural, metavar="N", help="worker processes, or jobs with --slurm")
    where.add_argument("--scheduler", metavar="ADDRESS", help="of a dask scheduler that runs")
    where.add_argument("--slurm", nargs="*", metavar="NAME=VALUE", help="submit jobs; options of "
                       "dask_jobqueue.SLURMCluster, such as queue=normal walltime=02:00:00 memory=4GB")
    status = verbs.add_parser("status", help="say how far a cohort is, from its folder alone")
    status.set_defaults(run=run_status)
    status.add_argument("output", metavar="OUT_DIR")


def run(args):
    """Read, fit, write; return 3 where some people or fits failed."""
    slurm = None if args.slurm is None else _options(args.slurm)
    if slurm is not None and args.scheduler:
        raise InputError("--slurm", "a scheduler as well", "Give one of --slurm and --scheduler.")
    if Path(args.output).exists() and not Path(args.output).is_dir():
        raise InputError(args.output, "a file", "Give a folder.")
    from ..cohort.engine import SchedulerLost
    from ..io.people import read_people
    from ..report.cohort_progress import CohortProgress

    people = read_people(args.input, bold=args.bold, sc=args.sc, lengths=args.lengths, labels=args.labels,
                         atlas=args.atlas, map_names=args.map_names, tr=args.tr, only=args.participant_label,
                         drop_bad=args.drop_bad, trust_order=args.trust_order, outside=args.output)
    keep_compiled_code()
    progress = CohortProgress()
    for note in people.notes:
        progress.note(note)
    try:
        result = _fitted(args, people, slurm, progress)
    except SchedulerLost as error:
        return _broken_off(progress, str(error))
    except OSError as error:                       # a full disk, a share that is gone
        return _broken_off(progress, f"{error.filename or args.output}: {error.strerror or error}")
    print(result.summary())
    print(f"report: {Path(args.output) / 'report.html'}")
    return FAILED if result.record["failures"] else FINISHED


def _broken_off(progress, why):
    progress.close()
    print(f"error: {why}; {KEPT}", file=sys.stderr)
    return FAILED


def _fitted(args, people, slurm, progress):
    from ..cohort import fit_cohort

    return fit_cohort(
        people.sessions, people.brains, folder=args.output, covariates=people.covariates, unread=people.unread,
        design=args.design, band=tuple(args.band), model=args.model, sc_transform=args.sc_transform,
        sc_norm=args.sc_norm, max_rung=args.max_rung, deviations=args.deviations, folds=args.folds,
        errors=not args.no_errors, nulls=not args.no_nulls, contrasts=_contrasts(args), seed=args.seed,
        workers=args.workers, scheduler=args.scheduler, slurm=slurm, progress=progress, command=args.command)


def _contrasts(args):
    """Return what is tested, each given the covariates but itself."""
    if not args.contrast and (args.covariates or args.blocks):
        raise InputError("--covariates" if args.covariates else "--blocks", "nothing that is tested",
                         "Say what may differ: --contrast NAME.")
    return [{"of": name, "covariates": [other for other in args.covariates if other != name], "blocks": args.blocks}
            for name in args.contrast]


def run_status(args):
    """Print how far a cohort is; return 3 where something failed."""
    from ..cohort.status import status

    found = status(args.output)
    print(found.summary())
    return FAILED if found.failures else FINISHED


def _options(words):
    """Return options of a queue as they were written; whole numbers are numbers."""
    from .network import assigned

    pairs = dict(assigned(word, "--slurm") for word in words)
    return {name: int(value) if value.isdigit() else value for name, value in pairs.items()}

