"""Channels that no fit has seen: predicted through the lead field, beside interpolation from the others."""

import dataclasses

import numpy as np

from ...compare.sensor_checks import fit_sphere
from ...compare.spectral_losses import r_squared
from ...compare.spherical_spline import spherical_spline, spread_out

SHARE, FEWEST = 0.2, 8


def channels_left_out(ground, climb, steps=None):
    """Return R2 on channels left out of the fit, of the model and of what holds no brain; None where it cannot be.

    A fifth of the channels, spread over the head, takes no part while the kept rungs are climbed once more; what the
    lead field then says of them is scored on the score part, SST about their own mean. Beside it stand the other
    channels' log10 power (of all but the score part) interpolated by spherical splines, and its mean.

    Parameters
    ----------
    ground : SensorGround, of everything but the score part
    climb : function of a ground and a step limit
        Returns the fit of the highest kept rung, climbed to from the lowest.
    steps : int, optional
    """
    target = ground.target
    if target.positions is None or target.s < FEWEST or "score" not in target.psd or target.design == "bins":
        return None
    places = np.asarray(target.positions, float)
    places = places - fit_sphere(places)[0]
    out = spread_out(places, max(2, round(SHARE * target.s)))
    watched = np.ones(target.s, bool)
    watched[out] = False
    others = np.log10(ground.psd[:, watched])
    mean = np.repeat(others.mean(1, keepdims=True), out.size, axis=1)
    spline = others @ spherical_spline(places[watched], places[out]).T
    psd = ground.psd.copy()
    psd[:, out] = 10**mean                      # where a search begins must not tell of them either
    model = climb(dataclasses.replace(ground, psd=psd, watched=watched), steps).psd[:, out]
    at = target.bins["score"]
    data = target.psd["score"][at][:, out]

    def score(power, dof=None):
        return float(r_squared(power[at], data, dof))

    return {"channels": [target.ch_names[i] for i in out], "score": score(model, target.dof["score"]),
            "spline": score(10**spline), "mean": score(10**mean)}
