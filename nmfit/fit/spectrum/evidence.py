"""What a fit of spectra is worth: the same climb with the parcels of the lead field permuted."""

import dataclasses

import numpy as np

from ...compare.spectral_ceiling import between_bins, log10_variance
from ...network.surrogates import within_hemispheres
from ..evidence import beaten, run_null

NULL_STEPS = 6            # of every search: nulls, and the fit that is held against them, are cut as short


def parcels_permuted(leadfield, order):
    """Return a lead field in which every region has the gains of another one.

    Sensors keep what they can see together; where in the brain it comes from is lost.
    """
    # The gains move, the names stay: they are structure, and other names would be compiled anew.
    return dataclasses.replace(leadfield.order(order.tolist()), labels=leadfield.labels)


def gain_error(model, below, target, role):
    """Return the standard error that the scatter of an estimate leaves in a gain of R2, times SST.

    The squared error falls by ``sum (m0 - d)^2 - (m1 - d)^2``, linear in the data ``d``; with ``v`` the variance of
    log10 of an estimate, ``R`` the correlation of its errors between channels and ``C`` between bins, the variance of
    that is ``4 v sum D_f' R D_g C_fg`` for ``D = m0 - m1``.

    Parameters
    ----------
    model, below : arrays ``[f, s]``
        log10 power of the two models.
    target : SpectrumTarget
        With the degrees of freedom of the role known.
    role : str
    """
    bins = target.bins[role]
    apart = (below - model)[bins]
    # `dependence` holds squared coherences squared, how squares of errors correlate; errors do by its root.
    joint = np.eye(apart.shape[1]) if target.dependence is None else np.sqrt(target.dependence)
    near = between_bins(target, bins)
    total = np.einsum("fs,st,gt,fg->", apart, joint, apart, near, optimize=True)
    return float(2 * np.sqrt(log10_variance(target.dof[role]) * max(total, 0.0)))


def parcel_null(ground, refit, sides, count, score, *, seed, steps=None, progress=None):
    """Return the null of permuted parcels within hemispheres.

    Parameters
    ----------
    ground : SpectrumGround or SensorGround
    refit : function ``(ground, order, steps)``
        Returns fits of the highest kept rungs, in order, to a ground whose parcels were permuted by ``order [n]``.
    sides : array ``[n]``, hemisphere of every region
    count : int
    score : function
        From a fit to its score on what is held out.
    seed : int
    steps : int, optional
        Limit of every search; `NULL_STEPS` unless given.

    Returns
    -------
    Null
        With the right lead field fitted under the same limit beside.
    """
    steps = NULL_STEPS if steps is None else min(steps, NULL_STEPS)

    def scores(order):
        permuted = dataclasses.replace(ground, leadfield=parcels_permuted(ground.leadfield, order))
        return [score(f) for f in refit(permuted, order, steps)]

    def one(_, index):
        return scores(within_hemispheres(sides, np.random.default_rng([seed, 2, index])))

    return run_null("permuted", count, one, scores(np.arange(len(sides))), progress)


def explained_rung(levels, scores, twins, null):
    """Return the highest rung that beats its coupling-0 twin and clears the null, or None.

    Parameters
    ----------
    levels : list of str
    scores, twins : lists of float
        Held-out scores with and without coupling.
    null : Null
        Of these rungs, or of the last of them.
    """
    untried = len(levels) - null.scores.shape[1]
    clear = [k for k in range(untried, len(levels)) if scores[k] > twins[k] and beaten(null, k - untried, scores[k])]
    return levels[clear[-1]] if clear else None
