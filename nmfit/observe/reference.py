"""The reference of sensors: one operator, applied to data and to lead fields alike."""

from difflib import get_close_matches

import numpy as np

from ..errors import InputError

AVERAGE, NONE = "average", "none"


def rereference(values, ch_names, reference, axis=0):
    """Subtract the reference from every channel.

    Parameters
    ----------
    values : array
        Potentials, or gains, with one entry per channel along ``axis``.
    ch_names : sequence of str
    reference : str
        "average" (of the channels given), "none", or the name of a channel, which then drops out.
    axis : int

    Returns
    -------
    values : array
    ch_names : tuple of str

    Raises
    ------
    InputError
        If no channel has that name.
    """
    values, ch_names = np.asarray(values, dtype=float), tuple(ch_names)
    if reference == NONE:
        return values, ch_names
    if reference == AVERAGE:
        return values - values.mean(axis, keepdims=True), ch_names
    if reference not in ch_names:
        near = get_close_matches(reference, ch_names, 5, 0.0)
        raise InputError("reference", f"no channel '{reference}'",
                         "Give 'average', 'none' or a channel's name.", f"for instance {', '.join(near)}")
    at = ch_names.index(reference)
    less = values - np.take(values, [at], axis)
    return np.delete(less, at, axis), ch_names[:at] + ch_names[at + 1:]
