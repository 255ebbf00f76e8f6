"""How the engine is compiled: as a whole where it is called from plain Python, and without batches of LAPACK calls."""

import functools

import jax
import jax.numpy as jnp

# XLA's own products keep to the thread that asks: fits run side by side, one to a core.
ALONE = {"xla_cpu_multi_thread_eigen": False}


def one_by_one(function, *arrays):
    """Return what ``vmap`` of a function would, one item after the other.

    A batch of LAPACK calls is spread over the threads that run the program itself, and where all of those wait for
    their batches nobody is left to do the work. A single call is done by who asks.
    """
    return jax.lax.map(lambda items: function(*items), arrays)


def alone(*static):
    """Compile a function where it is called from plain Python; inside a compilation it stays what it is.

    JAX takes compiler options at the outermost call alone, and inside a fit the fit's own hold. Where the user's JAX
    computes in float32, the function is run in float64 all the same and gives NumPy arrays: a JAX array would lose
    that precision in the next operation, and a state of rest is not found in float32.

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
            if traced or jax.config.jax_enable_x64:
                return (function if traced else compiled)(*args, **kwargs)
            with jax.enable_x64(True):
                return jax.device_get(compiled(*args, **kwargs))

        return call

    return decorate
