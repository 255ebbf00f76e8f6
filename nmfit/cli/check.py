"""`nmfit check`: what files are, what would be repaired and dropped, whether they fit together, what a fit costs."""

import json
import sys

from .data import add_data
from .options import FINISHED, REFUSED, whole

GIVEN = ("sc", "lengths", "bold", "fc", "eeg", "psd", "leadfield", "maps")
OPTIONS = ("tr", "labels", "atlas", "montage", "drop_bad", "trust_order", "map_names", "template", "centroids",
           "fmin", "fmax", "seconds", "dof", "kind", "n_null")


def add(verbs):
    """Declare the command."""
    check = verbs.add_parser("check", help="say what files are, whether they fit together, and what a fit would cost")
    check.set_defaults(run=run)
    check.add_argument("files", nargs="*", metavar="F", help="files whose roles are found out from what they hold")
    add_data(check, required=False)
    check.add_argument("--n-null", type=whole, metavar="N", help="wrong connectomes of each kind, for the cost")
    check.add_argument("--json", action="store_true", help="print all of it as JSON")


def run(args):
    """Look, and tell; exit 2 where something does not fit."""
    from ..io.check import check

    found = check(args.files, {role: getattr(args, role) for role in GIVEN},
                  **{name: getattr(args, name) for name in OPTIONS})
    if args.json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
    out = sys.stderr if args.json else sys.stdout
    for line in lines(found):
        print(line, file=out)
    wrong = found["together"]["problem"] or any(row["problem"] for row in found["files"])
    return REFUSED if wrong else FINISHED


def lines(found):
    """Return what was found, line by line."""
    for row in found["files"]:
        shape = " x ".join(map(str, row["shape"] or ())) or "-"
        more = [f"TR {row['tr']:g} s"] if row["tr"] else []
        more += [f"names: {row['names']}"] if row["names"] else []
        more += [f"unit: {row['units']}"] if row["units"] else []
        yield printable(f"{row['role'] or 'unknown':<9} {row['file']}")
        if row["what"]:
            yield printable("          " + "; ".join([row["what"], shape, *more]))
        for note in row["repaired"]:
            yield printable(f"          - {note}")
        if row["problem"]:
            yield printable(f"          error: {row['problem']}")
    together = found["together"]
    yield ""
    if together["regions"]:
        yield f"together  {together['regions']} regions" + (" in all parts" if together["fits"] else "")
    for region in ([", ".join(together["dropped"])] if together["dropped"] else []):
        yield printable(f"          {'dropped everywhere' if together['fits'] else 'would be dropped'}: {region}")
    if together["mapping"]:
        pairs = ", ".join(f"{ours} = {theirs}" for ours, theirs in together["mapping"])
        yield printable(f"          called differently: {pairs}")
    for note in together["notes"]:
        yield printable(f"          - {note}")
    for flag in together["flags"]:
        yield printable(f"          flag: {flag}")
    if together["problem"]:
        yield printable(f"          {together['problem']}")
    if found["cost"]:
        yield f"cost      {found['cost']['says']}"


def printable(text):
    """Return text without control characters, so that a file's name cannot steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in str(text))
