"""Options that several commands share.

Choices are named here too, so that --help needs no numerical library; a test holds them to the code that reads them.
"""

import argparse

FINISHED, UNSURE, REFUSED, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143      # exit codes
SETTLED = ("converged", "at_bound")      # ends of a search with nothing lower nearby, as `Status.settled` says

TRANSFORMS = ("none", "log1p", "sqrt")
NORMS = ("max", "rowsum", "spectral", "none")
COUPLINGS = ("additive", "diffusive")
RUNGS = ("shared", "maps", "region", "edges")
MATRICES = "text, NumPy, MATLAB, HDF5, CIFTI, GIFTI, NIfTI, TVB; FILE::KEY names an array"


def whole(text):
    """Return a whole number from 0."""
    return _at_least(text, 0)


def natural(text):
    """Return a whole number from 1."""
    return _at_least(text, 1)


def _at_least(text, least):
    number = int(text)
    if number < least:
        raise argparse.ArgumentTypeError(f"{text} is below {least}")
    return number


def add_output(parser, default=None):
    """Add where a result goes and how it is told; return the group."""
    out = parser.add_argument_group("output")
    out.add_argument("-o", "--output", metavar="DIR", default=default, required=default is None,
                     help="folder of the result" + (f" (default: {default})" if default else ""))
    out.add_argument("--overwrite", action="store_true", help="replace a result that the folder holds")
    out.add_argument("--strict", action="store_true", help="exit 1 where the result carries any flag")
    add_json(out)
    return out


def add_json(parser):
    """Add --json."""
    parser.add_argument("--json", action="store_true", help="print fit.json to stdout, everything else to stderr")
