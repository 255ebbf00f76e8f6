"""What predicts FC without any model of dynamics."""

import numpy as np

from .empirical import fc_score, upper

FACTOR_ROUNDS = 30


def log_weights(weights):
    """Return ``log(W + smallest positive weight)``, ``[n, n]``."""
    positive = weights[weights > 0]
    return np.log(weights + positive.min())


def decay_with_distance(distances, fc, decays):
    """Return ``exp(-D / d0)`` with the ``d0`` that fits the FC of the fit part best."""
    return max((np.exp(-distances / d) for d in decays), key=lambda guess: fc_score(guess, fc))


def factors(fc, free):
    """Return a k-factor approximation of FC, ``L L^T``, with about `free` parameters (``k = free / n``, at least 1)."""
    n = len(fc)
    k = int(np.clip(round(free / n), 1, n // 2))
    reduced = fc.copy()
    communality = 1.0 - 1.0 / np.maximum(np.diag(np.linalg.pinv(fc)), 1.0 + 1e-6)
    for _ in range(FACTOR_ROUNDS):
        np.fill_diagonal(reduced, communality)
        values, vectors = np.linalg.eigh(reduced)
        loading = vectors[:, -k:] * np.sqrt(np.maximum(values[-k:], 0.0))
        communality = np.minimum((loading**2).sum(1), 1.0)
    return loading @ loading.T


def from_maps(maps, fc):
    """Return FC predicted by regression on products and distances of the maps, fitted to the FC of the fit part."""
    n = len(fc)
    features = [np.ones(n * (n - 1) // 2)]
    features += [upper(np.multiply.outer(m, m)) for m in maps]
    features += [upper(np.abs(np.subtract.outer(m, m))) for m in maps]
    design = np.stack(features, 1)
    weights = np.linalg.lstsq(design, upper(fc), rcond=None)[0]
    predicted = np.zeros((n, n))
    predicted[np.triu_indices(n, 1)] = design @ weights
    return predicted + predicted.T
