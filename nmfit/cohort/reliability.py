"""Whether people's parameters come out alike on another occasion."""

import numpy as np


def icc(values):
    """Return ICC(2,1): the share of variance that lies between people, one measurement each, absolute agreement.

    ``(B - E) / (B + (o - 1) E + o (O - E) / u)`` with the mean squares between people ``B``, between occasions ``O``
    and of what is left ``E``.

    Parameters
    ----------
    values : array ``[u, o, ...]``
        Of people on occasions.

    Returns
    -------
    array ``[...]``
        NaN where nothing varies.

    References
    ----------
    Shrout & Fleiss 1979, Psychological Bulletin 86:420.
    """
    values = np.asarray(values, dtype=float)
    u, o = values.shape[:2]
    mean, of_people, of_occasions = values.mean((0, 1)), values.mean(1), values.mean(0)
    between = o * ((of_people - mean) ** 2).sum(0) / (u - 1)
    occasions = u * ((of_occasions - mean) ** 2).sum(0) / (o - 1)
    rest = ((values - of_people[:, None] - of_occasions[None] + mean) ** 2).sum((0, 1)) / ((u - 1) * (o - 1))
    total = between + (o - 1) * rest + o * (occasions - rest) / u
    return np.divide(between - rest, total, out=np.full(np.shape(total), np.nan), where=total > 1e-12 * mean**2)


def reliabilities(occasions):
    """Return one row per parameter, shrunken and not: the median ICC over regions and its quartiles.

    Parameters
    ----------
    occasions : list of dict, of `estimates`
        Of each person.
    """
    rows = []
    for prefix, kind in (("", "shrunken"), ("un.", "unshrunken")):
        for name in (key for key in occasions[0] if key.startswith(f"{prefix}value.")):
            found = np.atleast_1d(icc(np.stack([one[name] for one in occasions])))
            found = found[np.isfinite(found)]
            quartiles = np.quantile(found, [0.25, 0.5, 0.75]) if found.size else np.full(3, np.nan)
            rows.append({"parameter": name.split(".", prefix.count(".") + 1)[-1], "kind": kind, "icc": quartiles[1],
                         "lower_quartile": quartiles[0], "upper_quartile": quartiles[2], "values": int(found.size)})
    return rows
