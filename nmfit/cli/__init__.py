"""The command line: a thin shell over the front door, one file per command.

A command is a module with ``add(verbs)``, which declares its options and what runs. What a command imports, it imports
when it runs, so that help answers at once.
"""

import argparse
import contextlib
import os
import shlex
import signal
import sys

from ..errors import InputError
from . import check, cohort, demo, fit, models, report, simulate, sweep
from .folder import interrupted
from .options import INTERRUPTED, REFUSED, TERMINATED

# In the order in which --help lists them.
COMMANDS = (demo, check, fit, cohort, simulate, sweep, models, report)


def main(argv=None):
    """Run a command; return its exit code: 0 finished, 1 not converged (or flagged, --strict), 2 bad input.

    Ctrl-C ends in 130, SIGTERM in 143.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 shows "?", and nothing fails
    args = _parser().parse_args(argv)
    args.command = shlex.join(["nmfit", *argv])
    with contextlib.suppress(ValueError):           # outside the main thread nobody may ask for signals
        signal.signal(signal.SIGTERM, _terminate)
    try:
        return args.run(args)
    except InputError as problem:
        print(f"error: {_one_line(problem)}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt as end:
        print(interrupted(args), file=sys.stderr)
        return TERMINATED if isinstance(end, Terminated) else INTERRUPTED


def command():
    """Run the process's command and end the process.

    An interrupted one ends at once: searches in other threads, which finish no piece that anybody waits for, would
    keep it for as long as they take.
    """
    code = main()
    if code in (INTERRUPTED, TERMINATED):
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


class Terminated(KeyboardInterrupt):
    """SIGTERM, which leaves the same behind as Ctrl-C and another exit code."""


def _terminate(_signal, _frame):
    raise Terminated


def _parser():
    parser = _Parser(
        prog="nmfit", description="Fit whole-brain models to data, judged on data that the fit never saw.",
        epilog="Exit codes: 0 finished, 1 not converged (or any flag under --strict), 2 bad input, "
               "3 part of a cohort failed, 130 and 143 interrupted.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    verbs = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(verbs)
    return parser


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence; the whole usage, which is long, is what --help is for."""

    def error(self, message):
        self.exit(REFUSED, f"error: {message}. See `{self.prog} --help`.\n")


class _Version(argparse.Action):
    def __call__(self, parser, _namespace, _values, _option=None):
        from importlib.metadata import version

        print(f"nmfit {version('nmfit')}")
        parser.exit()


def _one_line(problem):
    return " ".join("".join(c if c.isprintable() else " " for c in str(problem)).split())
