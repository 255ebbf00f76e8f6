"""What people's predictions are worth: each beside the trivial predictors, and what it adds to their blend."""

import math

import numpy as np
from scipy import stats
from scipy.optimize import nnls

from ..compare import baselines
from ..compare.empirical import jackknife, upper

# What is blended; the question asked of a prediction is what its blend adds to the first.
BLENDS = {"blend": ("own", "group"), "blend_model": ("own", "group", "model"),
          "blend_factors": ("own", "group", "factors"),
          "blend_swapped": ("own", "group", "swapped"), "blend_group_connectome": ("own", "group", "group_connectome")}
FACTORS = 5


def standardised(fcs):
    """Return the upper triangles of FC matrices ``[u, n, n]``, each with mean 0 and norm 1, ``[u, p]``."""
    vectors = np.stack([upper(fc) for fc in fcs])
    vectors = vectors - vectors.mean(1, keepdims=True)
    norm = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, norm, out=np.zeros_like(vectors), where=norm > 1e-9)


def predictors(people, group, found):
    """Return every prediction of every person as standardised vectors ``{name: [u, p]}``.

    Parameters
    ----------
    people : list of Person
    group : list of arrays ``[n, n]``, mean FC of those who are not in the person's fold
    found : dict of strategy ("own", "swapped", "group_connectome") to list of what `foretell` returned
    """
    fitted = found["own"]
    return {"own": standardised([p.fit for p in people]), "group": standardised(group),
            "factors": standardised([baselines.factors(p.fit, FACTORS * len(p.fit)) for p in people]),
            "model": standardised([one["fc"] for one in fitted]),
            "before": standardised([one["before"] for one in fitted]),
            **{name: standardised([one["fc"] for one in found[name]])
               for name in ("swapped", "group_connectome") if name in found}}


def blend(parts, choose):
    """Return non-negative weights of predictions, fitted to the choose part of everybody together.

    Parameters
    ----------
    parts : list of arrays ``[u, p]``
    choose : array ``[u, p]``
    """
    return nnls(np.stack([part.ravel() for part in parts], axis=1), choose.ravel())[0]


def scored(predicted, choose, score):
    """Return r of every prediction and blend with the score part ``{name: [u]}``, and the weights of the blends."""
    r = {name: np.sum(part * score, axis=1) for name, part in predicted.items()}
    weights = {}
    for name, parts in BLENDS.items():
        if not set(parts) <= set(predicted):
            continue
        weights[name] = blend([predicted[part] for part in parts], choose)
        mixed = sum(w * predicted[part] for w, part in zip(weights[name], parts, strict=True))
        r[name] = np.sum(mixed * score, axis=1) / np.maximum(np.linalg.norm(mixed, axis=1), 1e-12)
    return r, weights


def paired(first, second):
    """Return the mean of paired differences with its 95 % interval by Student's t over people."""
    difference = np.asarray(first) - np.asarray(second)
    mean, error = jackknife(difference)
    reach = math.nan if error is None else float(stats.t.ppf(0.975, difference.size - 1)) * error
    return {"mean": mean, "se": error, "ci95": [mean - reach, mean + reach], "people": int(difference.size)}


def identified(predicted, score):
    """Return how often a person's prediction is most like that person's own score part."""
    return float(np.mean(np.argmax(predicted @ score.T, axis=1) == np.arange(len(score))))
