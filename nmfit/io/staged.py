"""A folder of several files that belong together: all of them or none."""

import contextlib
import os
import secrets
import shutil
from pathlib import Path

from .write import prepare_folder

READY = ".ready"                              # a result written whole, not yet in its place
STALE = ("fc_*.tsv", "figures/*.svg")         # files that go where a new result has none of that name


@contextlib.contextmanager
def staged(folder, overwrite=False):
    """Yield a place to write files to; when all are written, put them into the folder.

    Until the place is renamed, in one step, the folder holds what it held; from then on the new files count, and
    whoever opens the folder finishes what an interruption left: see `finish`.

    Parameters
    ----------
    folder : path
    overwrite : bool
        Let an earlier result be replaced.
    """
    finish(folder)
    folder = prepare_folder(folder, overwrite)
    place = folder / f".{secrets.token_hex(4)}.part"
    place.mkdir()
    try:
        yield place
        os.replace(place, folder / READY)
        finish(folder)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def finish(folder):
    """Put into their place the files of a result that was written whole; do nothing where there are none.

    Copies first and forgets the originals last, so that it may itself be interrupted and begun again.
    """
    folder = Path(folder)
    ready = folder / READY
    if not ready.is_dir():
        return
    written = sorted(p.relative_to(ready) for p in ready.rglob("*") if p.is_file())
    for name in written:
        (folder / name).parent.mkdir(exist_ok=True)
        part = (folder / name).with_name(f".{secrets.token_hex(4)}.part")
        try:
            shutil.copyfile(ready / name, part)
            os.replace(part, folder / name)
        finally:
            part.unlink(missing_ok=True)
    for old in (p for pattern in STALE for p in folder.glob(pattern)):
        if old.relative_to(folder) not in written:
            old.unlink()
    done = folder / f".{secrets.token_hex(4)}.part"
    os.replace(ready, done)
    shutil.rmtree(done, ignore_errors=True)
