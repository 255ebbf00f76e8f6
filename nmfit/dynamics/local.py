"""A region, or an instrument, seen as a small linear system: Jacobians and transfer functions."""

import jax
import jax.numpy as jnp

SLOWEST = 1e-3             # rad/s: the least scale of a frequency axis


def jacobian(function, x):
    """Return the Jacobian ``[n, i, j]`` of a function that is element-wise over the last axis of ``x [j, n]``."""
    directions = jnp.broadcast_to(jnp.eye(x.shape[0], dtype=x.dtype)[:, :, None], (x.shape[0], *x.shape))
    columns = jax.vmap(lambda d: jax.jvp(function, (x,), (d,))[1])(directions)
    return jnp.moveaxis(columns, (0, 1, 2), (2, 1, 0))


def local_system(network, name, x, c):
    """Return ``A = d drift / dx``, ``B = d drift / dc`` and ``C = d output / dx`` of a group on the wires."""
    return (jacobian(lambda s: network.region_drift(name, s, c), x),
            jacobian(lambda i: network.region_drift(name, x, i), c),
            jacobian(lambda s: network.region_output(name, s), x))


def local_rate(network, x):
    """Return the geometric mean of all poles of the regions alone, rad/s: where on the axis their spectra lie."""
    c = network.input(network.output(x))
    logs = []
    for name, at in network.members:
        a, _, _ = local_system(network, name, x[name], c[:, jnp.array(at)])
        logs.append(jnp.linalg.slogdet(a)[1] / a.shape[-1])
    # It moves nodes and not the integral, so that no gradient belongs to it.
    return jax.lax.stop_gradient(jnp.maximum(jnp.exp(jnp.mean(jnp.concatenate(logs))), SLOWEST))


def solve_small(a, b):
    """Return ``A^-1 B`` of many small systems, ``[n, d, d]`` and ``[n, d, p]``, all regions at once.

    Gauss-Jordan with exchange of rows, written out: a call of LAPACK for each region costs more than its arithmetic.
    """
    d = a.shape[-1]
    rows = jnp.moveaxis(jnp.concatenate([a, b], axis=-1), 0, -1)                 # [d, d + p, n]
    for i in range(d):
        at = i + jnp.argmax(jnp.abs(rows[i:, i]), axis=0)
        chosen = jnp.take_along_axis(rows, at[None, None], axis=0)[0]
        chosen = chosen / chosen[i]
        rows = jnp.where(jnp.arange(d)[:, None, None] == at, rows[i], rows).at[i].set(chosen)
        rows = rows - rows[:, i].at[i].set(0.0)[:, None] * chosen
    return jnp.moveaxis(rows[:, d:], -1, 0)


def complexed(real, imaginary=None):
    """Return a complex array of the same precision (strict promotion never mixes the two by itself)."""
    real = jnp.asarray(real)
    return jax.lax.complex(real, jnp.zeros_like(real) if imaginary is None else imaginary)


def imaginary(w):
    """Return ``iw``."""
    w = jnp.asarray(w, dtype=float)
    return jax.lax.complex(jnp.zeros_like(w), w)


def transfer(a, b, c, s):
    """Return ``C (s - A)^-1 B`` at many points of the complex plane for many small systems.

    Parameters
    ----------
    a, b, c : arrays ``[n, d, d]``, ``[n, d, p]``, ``[n, q, d]``
    s : complex array ``[f]``, 1/s; ``iw`` for a frequency response

    Returns
    -------
    array ``[f, n, q, p]``
    """
    return ratio_at(polynomials(a, b, c), s)


def polynomials(a, b, c):
    """Return numerators and denominator of ``C (s - A)^-1 B`` as polynomials in ``s`` (Faddeev-LeVerrier).

    They take ``d`` small products, whatever the number of points; the time is scaled so that ``A`` has norm one.

    Returns
    -------
    numerators : ``d`` arrays ``[n, q, p]``, the highest power first
    denominator : ``d + 1`` arrays ``[n]``
    size : ``[n]``, 1/s, what ``s`` is divided by
    """
    d = a.shape[-1]
    size = jax.lax.stop_gradient(jnp.maximum(jnp.max(jnp.abs(a), axis=(-2, -1), keepdims=True), 1e-30))
    scaled = a / size
    eye = jnp.eye(d, dtype=a.dtype)
    adjugate = jnp.broadcast_to(eye, a.shape)
    numerators, coefficients = [c @ b], [jnp.ones(a.shape[0], dtype=a.dtype)]
    for power in range(1, d + 1):
        product = scaled @ adjugate
        last = -jnp.trace(product, axis1=-2, axis2=-1) / power
        coefficients.append(last)
        if power < d:
            adjugate = product + last[:, None, None] * eye
            numerators.append(c @ adjugate @ b)
    return tuple(numerators), tuple(coefficients), size[:, 0, 0]


def ratio_at(rational, s):
    """Return the ratio that `polynomials` stand for at the points ``s [f]``, ``[f, n, q, p]``."""
    numerators, coefficients, size = rational
    s = s[:, None] / complexed(size)
    top, bottom = jnp.zeros((), dtype=s.dtype), jnp.zeros((), dtype=s.dtype)
    for numerator in numerators:
        top = top * s[:, :, None, None] + complexed(numerator)
    for coefficient in coefficients:
        bottom = bottom * s + complexed(coefficient)
    return top / (bottom * complexed(size))[:, :, None, None]


def residue_at(rational, pole):
    """Return the residue of the ratio that `polynomials` stand for at a simple pole of each system, ``[n, q, p]``."""
    numerators, coefficients, size = rational
    s = pole / complexed(size)
    top, bottom, slope = (jnp.zeros((), dtype=s.dtype) for _ in range(3))
    for numerator in numerators:
        top = top * s[:, None, None] + complexed(numerator)
    for coefficient in coefficients:
        bottom, slope = bottom * s + complexed(coefficient), slope * s + bottom
    return top / slope[:, None, None]
