"""Calls outside any compilation, compiled as a whole and safe from LAPACK kernels that wait for each other."""

import functools

import jax
import jax.numpy as jnp

# Batched LAPACK kernels that wait for each other inside XLA's own few threads can stop for ever: one thread each.
ALONE = {"xla_cpu_multi_thread_eigen": False}


def one_by_one(function, *arrays):
    """Return what ``vmap`` of a function would, one item after the other.

    A batch of LAPACK calls is spread over the threads that run the program itself, and where all of those wait for
    their batches nobody is left to do the work. A single call is done by who asks.
    """
    return jax.lax.map(lambda items: function(*items), arrays)


def alone(*static):
    """Compile a function where it is called from plain Python; inside a compilation it stays what it is.

    JAX takes compiler options at the outermost call alone, and inside a fit the fit's own hold.

    Parameters
    ----------
    *static : str
        Arguments that the compiled form depends on, hashable.
    """
    def decorate(function):
        compiled = jax.jit(function, static_argnames=static, compiler_options=ALONE)

        @functools.wraps(function)
        def call(*args, **kwargs):
            leaves = jax.tree.leaves((args, kwargs))
            # Without traced arguments there may still be a trace around: then even a constant is traced.
            traced = any(isinstance(leaf, jax.core.Tracer) for leaf in [*leaves, jnp.zeros(()) + 0.0])
            return (function if traced else compiled)(*args, **kwargs)

        return call

    return decorate
