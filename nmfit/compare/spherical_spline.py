"""Interpolation over the head, and which channels to leave out: what stands beside a model that predicts channels."""

import numpy as np
from numpy.polynomial.legendre import legval

STIFFNESS, TERMS = 4, 50          # of the spline, and how many Legendre polynomials
REGULAR = 1e-5                    # on the diagonal: noise of what is interpolated
ROUNDS = 20


def spherical_spline(at, to):
    """Return the matrix ``[t, s]`` that interpolates values at places ``at [s, 3]`` on a head to places ``to [t, 3]``.

    ``V(r) = c_0 + sum_i c_i g(cos(r, r_i))``, ``g(x) = sum_n (2 n + 1) / (n (n + 1))^4 P_n(x) / (4 pi)``, the ``c_i``
    summing to 0; places are taken as directions from their middle.

    References
    ----------
    Perrin et al. 1989, Electroencephalogr Clin Neurophysiol 72:184.
    """
    at, to = (np.asarray(places, float) / np.linalg.norm(places, axis=1, keepdims=True) for places in (at, to))
    n = np.arange(1, TERMS + 1)
    weights = np.concatenate([[0.0], (2 * n + 1) / (n * (n + 1.0)) ** STIFFNESS / (4 * np.pi)])
    s = len(at)
    system = np.ones((s + 1, s + 1))
    system[:s, :s] = legval(np.clip(at @ at.T, -1, 1), weights) + REGULAR * np.eye(s)
    system[s, s] = 0.0
    reach = np.column_stack([legval(np.clip(to @ at.T, -1, 1), weights), np.ones(len(to))])
    return np.linalg.solve(system, reach.T).T[:, :s]


def spread_out(places, count):
    """Return the indices of ``count`` places, spread over all of them and none at an edge for being far away.

    Places are divided into as many neighbourhoods (k-medoids, begun at places far from each other); each gives its
    middle one.

    Parameters
    ----------
    places : array ``[s, 3]``
    count : int
    """
    apart = np.linalg.norm(places[:, None] - places, axis=-1)
    chosen = [int(apart.sum(1).argmin())]
    while len(chosen) < count:
        chosen.append(int(apart[:, chosen].min(1).argmax()))
    for _ in range(ROUNDS):
        nearest = apart[:, chosen].argmin(1)
        groups = [np.flatnonzero(nearest == k) for k in range(count)]
        middles = [int(group[apart[np.ix_(group, group)].sum(1).argmin()]) for group in groups]
        if middles == chosen:
            break
        chosen = middles
    return np.sort(chosen)
