"""The folder of a result, before and while it is made."""

import os
from pathlib import Path

from ..errors import InputError


def refuse_result(args):
    """Refuse before anything is read what `Result.save` would refuse after everything is fitted."""
    from ..io.staged import finish

    folder = Path(args.output)
    if folder.exists() and not folder.is_dir():
        raise InputError(folder, "a file", "Give -o a folder.")
    finish(folder)
    if (folder / "fit.json").exists() and not args.overwrite:
        raise InputError(folder, "a folder that holds a result", "Choose another, or add --overwrite.")
    nearest = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    if not os.access(nearest, os.W_OK):
        raise InputError(folder, f"'{nearest}' cannot be written to", "Choose another folder.")


def ledger(args):
    """Return what remembers finished searches of this fit; refuse to forget those of an earlier one unasked."""
    from ..io import Ledger

    kept = Ledger(args.output, fresh=args.overwrite and not args.resume)
    if kept.pieces and not args.resume:
        raise InputError(args.output, f"an unfinished fit with {kept.pieces} finished pieces",
                         "Go on with --resume, or start anew with --overwrite.")
    return kept


def interrupted(args):
    """Return what an interruption leaves behind, in a sentence."""
    from ..io import Ledger

    if hasattr(args, "left_behind"):
        return f"interrupted: {args.left_behind}"
    pieces = Ledger(args.output).pieces if getattr(args, "output", None) else 0
    if not pieces:
        return "interrupted: nothing written"
    return f"interrupted: {pieces} finished pieces are kept in {args.output}; the same command with --resume goes on"
