"""Opening risky files in a process apart, so that a crash or a hang of their reader becomes one sentence.

Readers of third parties crash the interpreter on some damaged files, or never return. One process, kept for the next
file, does that work; it is ended where it takes too long, and it ends by itself when this one does.
"""

import atexit
import contextlib
import io
import json
import os
import queue
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np

from ...errors import InputError

START_SECONDS = 120.0             # to import a library, on a machine that is busy
READ_SECONDS = 8.0                # of computing, for a small file
BUSY = 10.0                       # times longer by the clock, since a busy machine is no damage
SLOWEST = 3e6                     # bytes a second of a large one
WORKER = Path(__file__).with_name("worker.py")
DAMAGED = "The file is damaged or not what its name says: write it again."


def read_apart(job, path, what, **options):
    """Have a file read in the process apart.

    Parameters
    ----------
    job : str
        One of the worker's jobs.
    path : path
    what : str
        What the file should be, for the message.
    **options
        More of the request; other files are given as ``atlas``.

    Returns
    -------
    meta : dict
    arrays : dict of str to ndarray

    Raises
    ------
    InputError
        Where the file cannot be read, crashes its reader, or takes too long.
    """
    names = [os.path.abspath(path), *(os.path.abspath(options[key]) for key in ("atlas",) if options.get(key))]
    limit = READ_SECONDS + sum(os.path.getsize(name) for name in names) / SLOWEST
    request = {"job": job, "path": names[0], "limit": limit, **options}
    if options.get("atlas"):
        request["atlas"] = names[1]
    with _LOCK:
        meta, arrays = _ask(request, str(path), what, limit)
    if "refused" in meta:
        raise InputError(path, meta["refused"], f"Give {what} that is whole and by itself.")
    if "missing" in meta:
        raise InputError(path, f"{what}, which needs the library '{meta['missing']}'",
                         "Install it (pip install 'nmfit[hdf5]')." if meta["missing"] == "h5py"
                         else f"Install {meta['missing']}.")
    if "error" in meta:
        raise InputError(path, f"cannot be read as {what} ({meta['error']})", DAMAGED)
    return meta, arrays


class _Child:
    """A worker and the thread that listens to it."""

    def __init__(self):
        # -P: the folder of the worker is no place to import from
        self.process = subprocess.Popen([sys.executable, "-P", str(WORKER)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "MNE_LOGGING_LEVEL": "ERROR"})
        self.owner = os.getpid()
        self.answers = queue.Queue()
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def _listen(self):
        stream = self.process.stdout
        with contextlib.suppress(OSError, ValueError):
            while len(head := stream.read(16)) == 16:
                said, held = struct.unpack(">QQ", head)
                self.answers.put((stream.read(said), stream.read(held)))
        self.answers.put(None)

    def end(self):
        if self.owner != os.getpid():       # a fork's copy is its parent's
            return
        self.process.kill()
        self.process.wait()
        self.listener.join()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                stream.close()


_LOCK = threading.Lock()
_POOL = []


def _ask(request, path, what, limit):
    if _POOL and (_POOL[0].owner != os.getpid() or _POOL[0].process.poll() is not None):
        _POOL.pop().end()
    if not _POOL:
        _POOL.append(_Child())
    child = _POOL[0]
    try:
        child.process.stdin.write(json.dumps(request).encode() + b"\n")
        child.process.stdin.flush()
        answer = child.answers.get(timeout=START_SECONDS)
        if answer is not None and json.loads(answer[0]).get("ready"):
            answer = child.answers.get(timeout=BUSY * limit)
    except queue.Empty:
        _stop()
        raise InputError(path, f"not read after {limit:.0f} s as {what}", DAMAGED) from None
    except OSError:
        answer = None
    except BaseException:
        _stop()                             # an answer that nobody waits for would be taken for the next one
        raise
    if answer is None:
        code = child.process.wait()
        _stop()
        if code == -getattr(signal, "SIGPROF", 0):
            raise InputError(path, f"not read after {limit:.0f} s as {what}", DAMAGED)
        raise InputError(path, f"it crashed its reader (as {what}; exit code {code})", DAMAGED)
    meta, held = json.loads(answer[0]), {}
    if answer[1]:
        with np.load(io.BytesIO(answer[1]), allow_pickle=False) as file:
            held = {name: file[f"arr_{i}"] for i, name in enumerate(meta["arrays"])}
    return meta, held


@atexit.register
def _stop():
    """End the process apart; the next file starts another."""
    while _POOL:
        _POOL.pop().end()
