"""What scans score, simulated or measured: one by one, and together as a group is measured."""

import numpy as np

from ..errors import InputError
from .empirical import fc_score, functional_connectivity, group_fc, upper
from .series import fcd_values, ks_distance, thinned, trimmed


def fcd_of(signals, target):
    """Return the values of FCD of scans ``[s, t, n]``, one vector for each, in the windows of a target."""
    return [fcd_values(trimmed(s, target.tr, target.band), target.tr, target.window, target.step) for s in signals]


def score_scans(signals, target, covariances=None):
    """Return scores of scans ``[s, t, n]``, each with its standard error, their group FC and pooled FCD.

    ``r`` and ``mean_fc`` (absolute difference of the mean) of each scan's FC, ``ks`` of its FCD, and their ``total``
    ``(1 - r) + mean_fc + ks`` where there is FCD. The same of the scans together, as empirical groups are: ``group_r``
    and ``group_mean_fc`` of the group FC, ``group_ks`` of the pooled FCD, ``group_total``; their standard errors are
    the jackknife's over scans. With covariances ``[s, n, n]`` that a linear twin has rid of chance and of
    the scans' length, ``expected_r`` and ``expected_mean_fc`` of their mean: what scans without end would score.
    """
    against = target.against
    if not np.isfinite(signals).all():
        raise InputError("simulation", "values that are not finite at the optimum", "Take a shorter step (dt=).")
    fcs = np.stack([functional_connectivity(s, target.tr, target.band) for s in signals])
    rows = {"r": [fc_score(fc, against.fc) for fc in fcs],
            "mean_fc": [abs(upper(fc).mean() - upper(against.fc).mean()) for fc in fcs]}
    fcds = None
    if against.fcd is not None:
        fcds = fcd_of(signals, target)
        rows["ks"] = [ks_distance(values, against.fcd) for values in fcds]
        rows["total"] = list(1 - np.array(rows["r"]) + np.array(rows["mean_fc"]) + np.array(rows["ks"]))

    def together(kept):
        fc = group_fc(fcs[kept])
        found = {"group_r": fc_score(fc, against.fc),
                 "group_mean_fc": abs(upper(fc).mean() - upper(against.fc).mean())}
        if fcds is not None:
            found["group_ks"] = ks_distance(np.concatenate([fcds[k] for k in kept]), against.fcd)
            found["group_total"] = 1 - found["group_r"] + found["group_mean_fc"] + found["group_ks"]
        if covariances is not None:
            mean = covariances[kept].mean(0)
            fc = mean / np.sqrt(np.outer(np.diagonal(mean), np.diagonal(mean)))
            found["expected_r"] = fc_score(fc, against.fc)
            found["expected_mean_fc"] = abs(upper(fc).mean() - upper(against.fc).mean())
        return found

    if covariances is not None and not np.isfinite(covariances).all():
        covariances = None
    everyone = np.arange(len(fcs))
    whole, left = together(everyone), [together(np.delete(everyone, k)) for k in everyone]
    scores = {name: (float(np.mean(v)), float(np.std(v, ddof=1) / np.sqrt(len(v)))) for name, v in rows.items()}
    scores |= {name: (float(value), float(np.sqrt((len(fcs) - 1) * np.var([row[name] for row in left]))))
               for name, value in whole.items()}
    return scores, group_fc(fcs), None if fcds is None else thinned(np.concatenate(fcds))
