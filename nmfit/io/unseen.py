"""Data that may hold regions which the instrument is said not to see: those are left out, told by name or by place."""

import dataclasses

import numpy as np

from ..network.groups import seen_regions
from .labels import read_labels
from .matching import match_regions


def observed_part(brain, observed):
    """Return the connectome of the observed regions and their indices; all of it and None where nothing is said."""
    seen = None if observed is None else seen_regions(brain.labels, (), observed)
    return (brain, None) if seen is None else (brain.select(np.array(seen)), np.array(seen))


def labels_of_data(labels, observed):
    """Return the labels of a connectome as those of data that may hold the observed regions alone."""
    if labels is None or observed is None:
        return labels
    names = read_labels(labels)
    return dataclasses.replace(names, seen=seen_regions(names.names, (), observed))


def without_unseen(data, brain, seen, map_names):
    """Return a recording or a matrix of correlations without the regions that are not in ``seen``."""
    if seen is None:
        return data
    n = data.data.shape[1]
    if data.labels is None:
        kept = seen if n == brain.n else np.arange(n)
    else:
        match = match_regions(brain.labels, data.labels, drop=True, map_names=map_names)
        hidden = match.second[~np.isin(match.first, seen)]
        kept = np.setdiff1d(np.arange(n), hidden)
    if len(kept) == n:
        return data
    if hasattr(data, "select"):
        return data.select(kept)
    labels = None if data.labels is None else tuple(data.labels[i] for i in kept)
    return dataclasses.replace(data, data=data.data[np.ix_(kept, kept)], labels=labels)
