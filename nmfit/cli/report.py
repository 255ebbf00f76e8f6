"""`nmfit report`: the page of a folder again."""

import sys
from pathlib import Path

from ..errors import InputError
from .options import FINISHED, add_json

ENTITIES = ("sub", "ses", "task", "run", "atlas")


def add(verbs):
    """Declare the command."""
    report = verbs.add_parser("report", help="write the report of a folder again and print its summary")
    report.set_defaults(run=run)
    report.add_argument("folder", metavar="DIR")
    bids = report.add_argument_group("BIDS derivatives")
    bids.add_argument("--bids", metavar="DIR", help="write the result there, too, under BIDS names")
    for name in ENTITIES:
        bids.add_argument(f"--{name}", dest=f"bids_{name}", metavar="LABEL")
    add_json(report)


def run(args):
    """Write the page and print the summary."""
    from ..fit import load_result

    result = load_result(args.folder)
    path = Path(args.folder) / "report.html"
    result.report(path)
    if args.bids is not None:
        if args.bids_sub is None:
            raise InputError("--bids", "no subject", "Give --sub LABEL.")
        made = result.save_bids(args.bids, **{name: getattr(args, f"bids_{name}") for name in ENTITIES})
        print(f"BIDS: {len(made)} files in {args.bids}", file=sys.stderr if args.json else sys.stdout)
    tell(args, result)
    print(f"report: {path}", file=sys.stderr if args.json else sys.stdout)
    return FINISHED


def tell(args, result):
    """Print the summary; with --json print `fit.json` to stdout, and the summary to stderr."""
    print(result.summary(), file=sys.stderr if args.json else sys.stdout)
    if args.json:
        print(result.to_json(), end="")
