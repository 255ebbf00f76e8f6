"""`nmfit report`: the page of a folder again."""

import sys
from pathlib import Path

from .options import FINISHED, add_json


def add(verbs):
    """Declare the command."""
    report = verbs.add_parser("report", help="write the report of a folder again and print its summary")
    report.set_defaults(run=run)
    report.add_argument("folder", metavar="DIR")
    add_json(report)


def run(args):
    """Write the page and print the summary."""
    from ..fit import load_result

    result = load_result(args.folder)
    path = Path(args.folder) / "report.html"
    result.report(path)
    tell(args, result)
    print(f"report: {path}", file=sys.stderr if args.json else sys.stdout)
    return FINISHED


def tell(args, result):
    """Print the summary; with --json print `fit.json` to stdout, and the summary to stderr."""
    print(result.summary(), file=sys.stderr if args.json else sys.stdout)
    if args.json:
        print(result.to_json(), end="")
