"""Connectomes that are wrong on purpose: what a fit must beat before a connectome explains anything."""

import dataclasses

import numpy as np

LENGTH_BINS = 20
SCALING_ROUNDS = 50
JITTER = 0.25            # log-normal spread of distance-only weights, so that there is more than one of them
DECAYS = (15.0, 30.0, 60.0)   # mm


def within_hemispheres(sides, rng):
    """Return an order of regions in which every one stands where another of its side ``[n]`` stood."""
    order = np.arange(len(sides))
    for side in np.unique(sides):
        at = np.flatnonzero(sides == side)
        order[at] = rng.permutation(at)
    return order


def permuted(brain, rng):
    """Give every region the connections of another one, within its hemisphere where labels tell.

    Weights and lengths move together; labels, centroids, maps and data stay.
    """
    order = within_hemispheres(brain.hemispheres(), rng)
    square = np.ix_(order, order)
    return dataclasses.replace(brain, weights=brain.weights[square],
                               lengths=None if brain.lengths is None else brain.lengths[square])


def rewired(brain, rng):
    """Shuffle weights among pairs of about the same length, then restore every region's strength.

    Without lengths or centroids all pairs are one bin.

    References
    ----------
    After Betzel & Bassett 2018, PNAS 115:E4880.
    """
    i, j = np.triu_indices(brain.n, 1)
    distances = brain.distances()
    bins = np.zeros(i.size, int)
    if distances is not None:
        ranks = np.argsort(np.argsort(distances[i, j]))
        bins = ranks * LENGTH_BINS // i.size
    values = brain.weights[i, j].copy()
    for b in np.unique(bins):
        at = np.flatnonzero(bins == b)
        values[at] = values[rng.permutation(at)]
    weights = np.zeros_like(brain.weights)
    weights[i, j] = values
    weights += weights.T
    strength = brain.weights.sum(1)
    for _ in range(SCALING_ROUNDS):
        now = weights.sum(1)
        factor = np.sqrt(np.divide(strength, now, out=np.zeros_like(now), where=now > 0))
        weights *= factor[:, None] * factor
    return dataclasses.replace(brain, weights=weights)


def distance_only(brain, rng, decay):
    """Replace every weight by ``exp(-D / decay)``, homotopic pairs by 1, with log-normal jitter.

    Parameters
    ----------
    decay : float
        mm; see `DECAYS`.

    Returns
    -------
    Connectome, or None where neither centroids nor lengths tell a distance
    """
    distances = brain.distances()
    if distances is None:
        return None
    weights = np.exp(-distances / decay)
    for a, b in brain.homotopic():
        weights[a, b] = weights[b, a] = 1.0
    noise = np.triu(rng.standard_normal(weights.shape), 1)
    weights *= np.exp(JITTER * (noise + noise.T))
    np.fill_diagonal(weights, 0.0)
    return dataclasses.replace(brain, weights=weights)


def harmonics(weights, count):
    """Return the first non-constant eigenvectors of the normalised graph Laplacian, z-scored, ``[count, n]``."""
    strength = weights.sum(1)
    scale = 1.0 / np.sqrt(np.maximum(strength, 1e-12 * strength.max()))
    _, vectors = np.linalg.eigh(np.eye(len(weights)) - scale[:, None] * weights * scale)
    found = (vectors[:, 1:count + 1] * scale[:, None]).T
    found = (found - found.mean(1, keepdims=True)) / found.std(1, keepdims=True)
    # A sign is arbitrary: the largest entry is positive, so that equal inputs give equal maps everywhere.
    largest = np.take_along_axis(found, np.abs(found).argmax(1)[:, None], 1)
    return found * np.sign(largest)
