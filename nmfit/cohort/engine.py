"""Where units of work are computed: in this process, on worker processes of this machine, or on a cluster.

Beyond this process it is dask.distributed that places, moves and repeats work; there is no scheduler of our own.
Workers write results into the output folder themselves (a cluster's nodes share it), so that what is finished survives
whoever asked for it.
"""

import contextlib
import itertools
import os
from concurrent.futures import ThreadPoolExecutor, as_completed

from ..errors import InputError
from ..fit.threads import one_core_each
from .units import TRIES, Done, work, work_alone

AHEAD = 8                # units under way for every core
MISSING = 'Install it with: pip install "nmfit[cluster]".'


class SchedulerLost(ConnectionError):
    """The scheduler stopped answering; what workers had finished stands."""


@contextlib.contextmanager
def engine(workers=None, scheduler=None, slurm=None):
    """Yield a function ``(units, folder) -> iterator of Done``, each as it ends.

    Parameters
    ----------
    workers : int, optional
        Worker processes of this machine, or jobs in the queue; threads of this process unless given.
    scheduler : str, optional
        Address of a dask scheduler that runs already.
    slurm : dict, optional
        Options of `dask_jobqueue.SLURMCluster`, such as ``{"queue": "normal", "walltime": "02:00:00"}``.
    """
    if workers is not None and int(workers) < 1:
        raise InputError("workers", f"found {workers}", "Give 1 or more.")
    if workers is None and scheduler is None and slurm is None:
        yield _threads
        return
    with _client(workers, scheduler, slurm) as client:
        yield lambda units, folder: _distributed(client, units, folder)


def finished(run, units, folder, report):
    """Run units, failed ones up to two times more; return how every one ended, in the order of the units."""
    ended, left = {}, list(units)
    for _ in range(TRIES):
        if not left:
            break
        for done in run(left, folder):
            ended[done.person, done.strategy] = done
            report(done)
        left = [unit for unit in left if ended[unit.person, unit.strategy].reason]
    return [ended[unit.person, unit.strategy] for unit in units]


def _threads(units, folder):
    with one_core_each(), ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for future in as_completed([pool.submit(work, unit, folder) for unit in units]):
            yield future.result()


@contextlib.contextmanager
def _client(workers, scheduler, slurm):
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise InputError("workers", "the package dask.distributed is not installed", MISSING) from None
    with contextlib.ExitStack() as stack:
        if scheduler is not None:
            where = scheduler
        elif slurm is not None:
            where = stack.enter_context(slurm_cluster(slurm))
            where.scale(jobs=workers or 1)
        else:
            where = stack.enter_context(LocalCluster(n_workers=int(workers), threads_per_worker=1, processes=True,
                                                     dashboard_address=None))
        try:
            client = stack.enter_context(Client(where))
        except (OSError, TimeoutError) as error:
            raise InputError("scheduler", f"no answer at {scheduler} ({error})",
                             "Start it (dask scheduler), or mend the address.") from None
        yield client


def slurm_cluster(options):
    """Return a `dask_jobqueue.SLURMCluster`, one process and one core to a job unless the options say otherwise."""
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError:
        raise InputError("slurm", "the package dask-jobqueue is not installed", MISSING) from None
    return SLURMCluster(**({"cores": 1, "processes": 1, "memory": "4GB"} | options))


def _distributed(client, units, folder):
    """Yield how units end; a worker that dies is replaced by the cluster, and its unit runs elsewhere.

    Only so many units are under way that nobody waits: what they hold need not lie with the scheduler all at once.
    """
    from distributed import as_completed as as_they_end

    folder, waiting, unit_of = os.path.abspath(folder), iter(units), {}

    def next_of(count):
        for unit in itertools.islice(waiting, count):
            future = client.submit(work_alone, unit, folder, pure=False)
            unit_of[future.key] = unit
            yield future

    running = as_they_end(next_of(AHEAD * max(1, sum(client.ncores().values()))))
    for future in running:
        unit = unit_of.pop(future.key)
        if future.status == "finished":
            yield future.result()
        elif future.cancelled():
            raise SchedulerLost("the scheduler is gone")
        else:
            yield Done(unit.person, unit.strategy, None, f"lost with its worker ({future.exception()})")
        future.release()
        running.update(next_of(1))
