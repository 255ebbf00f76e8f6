"""The few rightmost eigenvalues of a matrix, for much less than all of them cost."""

import jax
import jax.numpy as jnp

from .local import complexed

DENSE = 40                 # a matrix no larger is decomposed at once
DENSE_SYMMETRIC = 80       # the same of a symmetric one, which costs a tenth
OUTWARD = 24               # steps of the first search, which sees the outline of the spectrum
INWARD = 16                # steps of the second, which sees what lies beside a point
SPENT = 1e-13              # of a vector's length: what is left of it in a space that is exhausted
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
    outline = jnp.linalg.eigvals(_space(lambda v: matrix @ v, any_vector(n), OUTWARD)[1])
    beside = _rightmost(outline, 1)[0] + complexed(MARGIN * size)
    # Many products with an inverse cost less than as many solves, each of which copies the factors.
    inverse = jnp.linalg.inv(matrix - beside * complexed(jnp.eye(n)))
    inverted = jnp.linalg.eigvals(_space(lambda v: inverse @ v, any_vector(n), INWARD)[1])
    # Small values of the inverse lie far away and are poorly known.
    near = jnp.abs(inverted) * count * OUTWARD > jnp.max(jnp.abs(inverted))
    return _rightmost(jnp.where(near, beside + 1 / inverted, complexed(-jnp.inf)), count)


def largest_vector(matrix):
    """Return a unit eigenvector ``[n]`` of the largest eigenvalue of a real symmetric matrix.

    As `leading_eigenvalues`, from two Krylov spaces: all eigenvectors cost as much as ten inverses.
    """
    n = matrix.shape[0]
    if n <= DENSE_SYMMETRIC:
        return jnp.linalg.eigh(matrix)[1][:, -1]
    basis, projected = _space(lambda v: matrix @ v, jnp.real(any_vector(n)), OUTWARD)
    values, vectors = jnp.linalg.eigh(0.5 * (projected + projected.T))
    first = vectors[:, -1] @ basis
    missed = jnp.linalg.norm(matrix @ first - values[-1] * first)
    beside = values[-1] + missed + MARGIN * (values[-1] - values[0]) + MARGIN * jnp.abs(values[-1])
    inverse = jnp.linalg.inv(matrix - beside * jnp.eye(n))
    basis, projected = _space(lambda v: inverse @ v, first, INWARD)
    values, vectors = jnp.linalg.eigh(0.5 * (projected + projected.T))
    # Left of the point all values of the inverse are negative; one that is not lies right of it.
    best = jnp.where(values[-1] > 0, vectors[:, -1], vectors[:, 0])
    found = best @ basis
    return found / jnp.linalg.norm(found)


def any_vector(n, turn=1.0):
    """Return a vector that is orthogonal to no eigenvector but by a rare chance, complex ``[n]``; another a turn."""
    count = turn * jnp.arange(1.0, n + 1)
    return complexed(jnp.cos(count), jnp.sin(1.7 * count))


def _rightmost(values, count):
    return values[jnp.argsort(-jnp.real(values))[:count]]


def _space(apply, first, steps):
    """Return an orthonormal basis ``[steps, n]`` of a Krylov space from a vector, and the operator in it.

    A space that is exhausted early goes on from another vector: regions without coupling have one eigenvalue.
    """
    n, real = first.size, not jnp.iscomplexobj(first)
    first = first / jnp.linalg.norm(first).astype(first.dtype)
    basis = jnp.zeros((steps + 1, n), first.dtype).at[0].set(first)

    def other(i):
        found = any_vector(n, 2.0 + i)
        return jnp.real(found) if real else found

    def orthogonal(basis, v):
        share = jnp.conj(basis) @ v
        return v - share @ basis, share

    def step(i, carry):
        basis, projected = carry
        moved = apply(basis[i])
        v, share = orthogonal(basis, moved)
        v, again = orthogonal(basis, v)                       # once more, so that the basis stays orthogonal
        norm = jnp.linalg.norm(v)
        spent = norm <= SPENT * jnp.linalg.norm(moved)
        v = jax.lax.cond(spent, lambda: orthogonal(basis, orthogonal(basis, other(i))[0])[0], lambda: v)
        norm = jnp.where(spent, jnp.zeros_like(norm), norm)
        column = (share + again).at[i + 1].set(norm.astype(v.dtype))
        return basis.at[i + 1].set(v / jnp.linalg.norm(v).astype(v.dtype)), projected.at[:, i].set(column)

    basis, projected = jax.lax.fori_loop(0, steps, step, (basis, jnp.zeros((steps + 1, steps), first.dtype)))
    return basis[:steps], projected[:steps]
