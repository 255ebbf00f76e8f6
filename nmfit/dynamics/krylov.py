"""The few rightmost eigenvalues of a matrix, for much less than all of them cost."""

import jax
import jax.numpy as jnp

from .local import complexed

DENSE = 40                 # a matrix no larger is decomposed at once
OUTWARD = 24               # steps of the first search, which sees the outline of the spectrum
INWARD = 16                # steps of the second, which sees what lies beside a point
MARGIN = 1e-3              # of the size: how far right of the first answer the second looks from


def leading_eigenvalues(matrix, size, count):
    """Return the `count` eigenvalues of a complex matrix with the largest real parts, the rightmost first.

    All eigenvalues of a matrix of a hundred rows cost as much as eight inverses. The spectrum's outline shows in a
    small Krylov space (Arnoldi); a second one, of the inverse at a point right of it, separates what lies close
    together there.

    Parameters
    ----------
    matrix : complex ``[n, n]``
    size : float
        How large eigenvalues are, about.
    count : int
    """
    n = matrix.shape[0]
    if n <= DENSE:
        return _rightmost(jnp.linalg.eigvals(matrix), count)
    outline = _ritz(lambda v: matrix @ v, n, OUTWARD)
    beside = _rightmost(outline, 1)[0] + complexed(MARGIN * size)
    # Many products with an inverse cost less than as many solves, each of which copies the factors.
    inverse = jnp.linalg.inv(matrix - beside * complexed(jnp.eye(n)))
    inverted = _ritz(lambda v: inverse @ v, n, INWARD)
    # Small values of the inverse lie far away and are poorly known.
    near = jnp.abs(inverted) * count * OUTWARD > jnp.max(jnp.abs(inverted))
    return _rightmost(jnp.where(near, beside + 1 / inverted, complexed(-jnp.inf)), count)


def any_vector(n):
    """Return a vector that is orthogonal to no eigenvector but by a rare chance, complex ``[n]``."""
    count = jnp.arange(1.0, n + 1)
    return complexed(jnp.cos(count), jnp.sin(1.7 * count))


def _rightmost(values, count):
    return values[jnp.argsort(-jnp.real(values))[:count]]


def _ritz(apply, n, steps):
    """Return the eigenvalues of an operator in the Krylov space of `steps` dimensions from a fixed vector."""
    first = any_vector(n)
    first = first / complexed(jnp.linalg.norm(first))
    basis = jnp.zeros((steps + 1, n), first.dtype).at[0].set(first)

    def step(i, carry):
        basis, projected = carry
        v = apply(basis[i])
        first_share = jnp.conj(basis) @ v
        v = v - first_share @ basis
        second_share = jnp.conj(basis) @ v                    # once more, so that the basis stays orthogonal
        v = v - second_share @ basis
        norm = jnp.linalg.norm(v)
        column = (first_share + second_share).at[i + 1].set(complexed(norm))
        return basis.at[i + 1].set(v / complexed(norm)), projected.at[:, i].set(column)

    _, projected = jax.lax.fori_loop(0, steps, step, (basis, jnp.zeros((steps + 1, steps), first.dtype)))
    return jnp.linalg.eigvals(projected[:steps])
