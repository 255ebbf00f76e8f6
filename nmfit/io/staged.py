"""A folder of several files that belong together: all of them or none."""

import contextlib
import os
import secrets
import shutil

from .write import RESULT, prepare_folder


@contextlib.contextmanager
def staged(folder, overwrite=False, replaces=()):
    """Yield a place to write files to; when all are written, move them into the folder.

    Until the last file is written the folder keeps what it held. While files move, the folder holds no
    `fit.json`, which comes last: whoever finds one finds the files that belong to it.

    Parameters
    ----------
    folder : path
    overwrite : bool
        Let an earlier result be replaced.
    replaces : tuple of str
        Patterns of files of an earlier result that go where the new one has none of that name.
    """
    folder = prepare_folder(folder, overwrite)
    place = folder / f".{secrets.token_hex(4)}.part"
    place.mkdir()
    try:
        yield place
        written = sorted(p.relative_to(place) for p in place.rglob("*") if p.is_file())
        written.sort(key=lambda name: name.name == RESULT)
        (folder / RESULT).unlink(missing_ok=True)
        for old in (p for pattern in replaces for p in folder.glob(pattern)):
            if old.relative_to(folder) not in written:
                old.unlink()
        for name in written:
            (folder / name).parent.mkdir(exist_ok=True)
            os.replace(place / name, folder / name)
    finally:
        shutil.rmtree(place)
