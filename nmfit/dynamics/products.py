"""Complex products as real ones: XLA's complex product on a CPU takes twice the time of four real products."""

import jax
import jax.numpy as jnp

from .alone import one_by_one


def product(a, b):
    """Return ``a @ b`` for complex ``[f, n, m]`` and ``[f, m, p]``, one frequency after the other."""
    return one_by_one(_split, a, b)


def _split(a, b):
    ar, ai, br, bi = jnp.real(a), jnp.imag(a), jnp.real(b), jnp.imag(b)
    return jax.lax.complex(ar @ br - ai @ bi, ar @ bi + ai @ br)


def real_product(k, x):
    """Return ``k @ x`` for real ``[n, m]`` and complex ``[f, m, p]``: one real product for all frequencies."""
    f, m, p = x.shape
    parts = jnp.stack([jnp.real(x), jnp.imag(x)])                        # [2, f, m, p]
    y = (k @ jnp.moveaxis(parts, 2, 0).reshape(m, -1)).reshape(-1, 2, f, p)
    return jax.lax.complex(*jnp.moveaxis(y, (1, 2), (0, 1)))
