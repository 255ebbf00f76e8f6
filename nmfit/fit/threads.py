"""Independent fits side by side: compiled code runs outside Python's lock."""

import os
from concurrent.futures import ThreadPoolExecutor

import jax
from threadpoolctl import threadpool_limits


def one_core_each():
    """Return a context in which LAPACK keeps to one core.

    Its own threads do not pay below a few hundred regions, and several fits at once would fight over the cores.
    """
    return threadpool_limits(1)


def side_by_side(function, items):
    """Return ``[function(item) for item in items]`` from as many threads as there are cores, in order.

    Which thread an item meets changes nothing: every item is computed alone. An interruption leaves at once; what is
    being computed then ends by itself, unheard.
    """
    def scoped(item):
        with jax.enable_x64(True):           # the scope is a thread's own
            return function(item)

    pool, wait = ThreadPoolExecutor(max_workers=os.cpu_count()), True
    try:
        return list(pool.map(scoped, items))
    except KeyboardInterrupt:
        wait = False
        raise
    finally:
        pool.shutdown(wait=wait, cancel_futures=True)
