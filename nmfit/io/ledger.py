"""What a long job has finished, on disk: so that an interrupted one goes on where it stood."""

import io
import shutil
from pathlib import Path

import numpy as np

from .write import write_npz

FOLDER = ".unfinished"


class Ledger:
    """Finished pieces of work under names that their inputs fix.

    A piece is looked up by a digest of everything that it was computed from, so that a job that is started again with
    the same inputs finds its pieces and one with other inputs finds none; there is no state that could be stale.
    Each piece is one file, written aside and renamed: it is there whole or not at all. One that cannot be read is
    computed again.

    Parameters
    ----------
    folder : path
        Folder of the result; pieces lie in a hidden folder inside.
    fresh : bool
        Forget the pieces of an earlier, unfinished job.
    """

    def __init__(self, folder, fresh=False):
        self.folder = Path(folder) / FOLDER
        self.found = 0
        if fresh:
            self.clear()

    def __call__(self, key, compute):
        """Return the arrays of a piece: those kept under the key, else those that ``compute()`` returns."""
        path = self.folder / f"{key}.npz"
        kept = read_piece(path)
        if kept is not None:
            self.found += 1
            return kept
        arrays = {name: np.asarray(array) for name, array in compute().items()}
        self.folder.mkdir(parents=True, exist_ok=True)
        write_npz(path, **arrays)
        return arrays

    @property
    def pieces(self):
        """How many pieces are kept."""
        return sum(1 for _ in self.folder.glob("*.npz"))

    def clear(self):
        """Forget all pieces; called when the result that they were for is written."""
        shutil.rmtree(self.folder, ignore_errors=True)


def read_piece(path):
    """Return the arrays of a piece, or None where there is none or it cannot be read."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        return None
    except Exception:
        return None
