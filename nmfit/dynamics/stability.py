"""How near a network is to losing its state of rest."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import lu_factor, lu_solve

from .alone import alone, one_by_one
from .krylov import any_vector, largest_vector, leading_eigenvalues
from .local import complexed, imaginary, jacobian, local_system, polynomials, ratio_at, residue_at
from .resolvent import operator

TRIALS = 1                 # of every candidate, before the rightmost is settled
REFINEMENTS = 4
SETTLED = 1e-6             # relative change of a root after which the next is below rounding: steps converge cubically
CANDIDATES = 2
TRUST = 0.5                # of root and pole: a root further from where it was sought is another one, or none
GRID = 400
AROUND = (-3.0, -1.0, -0.3, 0.3, 1.0, 3.0)
BISECTIONS = 20
SHIFT = 1e-9               # of a pole


def numerical_abscissa(network, x):
    """Return the largest eigenvalue of the symmetric part of a rotating network, 1/s.

    An upper bound of the largest real part, equal to it where all planes turn together; smooth, and one symmetric
    eigenvalue problem of size n.
    """
    (name, _), = network.members
    model = network.groups[name]
    c = network.input(network.output(x))
    a = jacobian(lambda s: model.drift(s, c), x[name])
    strengths = network.strengths()
    own = network.own(strengths)
    own = jnp.zeros(network.n) if own is None else own
    J = jnp.diag(a[:, 0, 0] - own) + 0.5 * (strengths + strengths.T)
    return largest_eigenvalue(J)


def largest_eigenvalue(J):
    """Return the largest eigenvalue of a real symmetric matrix; its derivative needs its vector only."""
    leading = largest_vector(jax.lax.stop_gradient(J))
    return leading @ J @ leading


@alone()
def full_jacobian(network, x):
    """Return the Jacobian of the undelayed network, ``[N, N]`` with ``N`` the count of all states."""
    c, k = network.input(network.output(x)), network.between()
    heard, driven, blocks = {}, {}, {}
    for name, at in network.members:
        blocks[name], driven[name], heard[name] = local_system(network, name, x[name], c[:, jnp.array(at)])
    rows = []
    for name, at in network.members:
        row = []
        for other, from_ in network.members:
            between = k[jnp.array(at)][:, jnp.array(from_)]
            block = jnp.einsum("idk,ij,jke->idje", driven[name], between, heard[other])
            if name == other:
                i = jnp.arange(len(at))
                block = block.at[i, :, i, :].add(blocks[name])
            row.append(block.reshape(len(at) * block.shape[1], -1))
        rows.append(jnp.concatenate(row, axis=1))
    return jnp.concatenate(rows)


@alone()
def rightmost(network, x):
    """Return the largest real part of the undelayed network's eigenvalues, 1/s."""
    return jnp.max(jnp.real(jnp.linalg.eigvals(full_jacobian(network, x))))


def _local(network, x):
    c = network.input(network.output(x))
    return {name: local_system(network, name, x[name], c[:, jnp.array(at)]) for name, at in network.members}


def _rational(local):
    """Return every group's ``h(s)`` as a ratio of polynomials, found once for all points."""
    return {name: polynomials(*system) for name, system in local.items()}


def loop(network, rational, s):
    """Return ``I - h(s) K(s)``, ``[f, nk, nk]``: singular where the network has a root."""
    by_group = {name: jnp.moveaxis(ratio_at(ratio, s), 1, -1) for name, ratio in rational.items()}
    h = jnp.moveaxis(network.in_order(by_group), -1, 1)
    size = network.n * h.shape[-1]
    hk = jnp.einsum("fiab,fij->faibj", h, operator(network, s)).reshape(s.size, size, size)
    return complexed(jnp.eye(size)) - hk


@alone()
def leading_root(network, x):
    """Return the real part of the network's rightmost root, delays included, 1/s.

    Every region is reduced to its least damped pole, which makes an ordinary eigenvalue problem of size n; its
    rightmost eigenvalues start an inverse iteration on the full loop ``I - h(s) K(s)``. The derivative is that of a
    simple root, ``ds = -(u^H dT v) / (u^H T' v)``. Roots that grow from other poles are not seen: `unstable_roots`
    counts them all.
    """
    still, at = jax.lax.stop_gradient((network, x))
    local = _local(still, at)
    rational = _rational(local)
    matrix, pole = _reduced(still, local, rational)
    first = leading_eigenvalues(matrix, pole, CANDIDATES)
    vector = any_vector(network.n * len(network.channels))
    # Off the root, so that the inverse stays finite.
    tried = one_by_one(lambda s: _refined(still, rational, s + complexed(SHIFT * pole), vector, vector, TRIALS), first)
    trusted = TRUST * (jnp.abs(first) + pole)
    # A root that was not tracked counts where it was sought, so that none left of it passes for the rightmost.
    best = jnp.argmax(jnp.real(jnp.where(jnp.abs(tried[0] - first) < trusted, tried[0], first)))
    s, u, v = _refined(still, rational, *(part[best] for part in tried), REFINEMENTS)
    near = jnp.abs(s - first[best]) < trusted[best]
    # A region that nothing drives back keeps its own pole, where the loop is infinite: its root needs no tracking.
    there, slope = _along(still, rational, s, u, v)
    found = near & jnp.isfinite(there) & jnp.isfinite(slope) & (jnp.abs(slope) > 0)
    s, slope = jnp.where(found, s, complexed(pole)), jnp.where(found, slope, jnp.ones_like(slope))
    moved = jnp.conj(u) @ loop(network, _rational(_local(network, x)), s[None])[0] @ v
    tracked = jnp.real(s - moved / slope)
    return jnp.where(found, tracked, jnp.real(first[best]))


def _along(network, rational, s, u, v):
    """Return ``u^H T v`` and ``u^H T' v`` of the loop ``T`` at ``s``."""
    matrix, slope = jax.jvp(lambda z: loop(network, rational, z[None])[0], (s,), (jnp.ones_like(s),))
    return jnp.conj(u) @ matrix @ v, jnp.conj(u) @ slope @ v


def _reduced(network, local, rational):
    """Return the loop with one pole per region as a matrix ``[n, n]``, and how large a pole is."""
    poles, intos, outs = {}, {}, {}
    for name, system in local.items():
        values = jnp.linalg.eigvals(system[0])
        rank = jnp.where(jnp.imag(values) >= 0, jnp.real(values), -jnp.inf)
        i = jnp.arange(len(values))
        poles[name] = values[i, jnp.argmax(rank, axis=1)]
        # The residue is one column times one row, which its largest entry tells apart.
        residue = residue_at(rational[name], poles[name])
        residue = jnp.where(jnp.isfinite(residue), residue, jnp.zeros_like(residue))
        row, column = jnp.unravel_index(jnp.argmax(jnp.abs(residue).reshape(len(i), -1), axis=1), residue.shape[1:])
        largest = residue[i, row, column][:, None]
        outs[name] = residue[i, :, column].T
        intos[name] = jnp.where(largest == 0, residue[i, row], residue[i, row] / largest).T
    pole, into, out = network.in_order(poles), network.in_order(intos).T, network.in_order(outs).T
    k = operator(network, jnp.mean(pole)[None])[0]
    matrix = jnp.diag(pole) + k * (into @ out.T)
    return matrix, jnp.mean(jnp.abs(pole))


def _refined(network, rational, s, u, v, most):
    def at(z):
        return loop(network, rational, z[None])[0]

    def step(carry):
        s, u, v, _, count = carry
        matrix, slope = jax.jvp(at, (s,), (jnp.ones_like(s),))
        factors = lu_factor(matrix)
        v2, u2 = lu_solve(factors, slope @ v), lu_solve(factors, jnp.conj(slope.T) @ u, trans=2)
        v2, u2 = v2 / complexed(jnp.linalg.norm(v2)), u2 / complexed(jnp.linalg.norm(u2))
        s2 = s - (jnp.conj(u2) @ matrix @ v2) / (jnp.conj(u2) @ slope @ v2)
        # At a root the matrix is singular and the solve may overflow: then the root is found.
        sound = jnp.isfinite(s2) & jnp.all(jnp.isfinite(v2)) & jnp.all(jnp.isfinite(u2))
        moving = sound & (jnp.abs(s2 - s) > SETTLED * jnp.abs(s))
        found = jax.tree.map(lambda new, old: jnp.where(sound, new, old), (s2, u2, v2), (s, u, v))
        return *found, moving, count + 1

    def unsettled(carry):
        return carry[3] & (carry[4] < most)

    return jax.lax.while_loop(unsettled, step, (s, u, v, jnp.array(True), 0))[:3]


@alone()
def _start_of_count(network, x):
    local = _local(network, x)
    poles = jnp.concatenate([jnp.linalg.eigvals(system[0]).ravel() for system in local.values()])
    return poles, jnp.linalg.eigvals(_reduced(network, local, _rational(local))[0])


@alone()
def _phase(network, x, w):
    matrices = loop(network, _rational(_local(network, x)), imaginary(w))
    return jnp.angle(one_by_one(lambda m: jnp.linalg.slogdet(m)[0], matrices))


def unstable_roots(network, x, fastest=None):
    """Return how many roots of the network lie right of the axis, delays included.

    The argument principle: the winding of ``det(I - h K)`` along the imaginary axis, plus the unstable poles of the
    regions themselves. The grid is refined until no step turns the phase by more than a quarter of a turn.

    Parameters
    ----------
    network : Network
    x : its state of rest
    fastest : float, optional
        rad/s beyond which the loop is taken to be one; ten times the fastest local rate unless given.
    """
    poles, roots = map(np.asarray, _start_of_count(network, x))
    top = 10.0 * float(np.max(np.abs(poles))) if fastest is None else fastest
    # The phase turns within |Re s| of a root: nodes there, so that no turn falls between two others.
    roots = np.concatenate([roots, poles])
    close = (np.imag(roots)[:, None] + np.abs(np.real(roots))[:, None] * np.array(AROUND)).ravel()
    w = np.sort(np.concatenate([np.zeros(1), np.geomspace(top * 1e-5, top, GRID), np.clip(close, 0.0, top)]))
    phase = np.asarray(_phase(network, x, w))
    for _ in range(BISECTIONS):
        turn = np.abs(np.angle(np.exp(1j * np.diff(phase))))
        coarse = np.flatnonzero(turn > np.pi / 4)
        if coarse.size == 0:
            break
        middle = 0.5 * (w[coarse] + w[coarse + 1])
        between = np.asarray(_phase(network, x, _even(middle)))[:middle.size]
        w, phase = np.concatenate([w, middle]), np.concatenate([phase, between])
        order = np.argsort(w)
        w, phase = w[order], phase[order]
    total = np.sum(np.angle(np.exp(1j * np.diff(phase))))
    return int(np.sum(np.real(poles) > 0)) - round(float(total / np.pi))


def _even(w):
    # Rounded up to a power of two, so that few lengths are compiled.
    return np.concatenate([w, np.full((1 << (w.size - 1).bit_length()) - w.size, w[-1])])
