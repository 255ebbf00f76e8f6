"""What fits of envelope FC do otherwise: where they begin, what they refuse, which resonances are too narrow."""

import dataclasses
from math import pi

import jax.numpy as jnp

from ..errors import InputError

NODES = 48                # on the band: its resonances are narrower than BOLD's
NARROW = 0.02             # of a resonance e times as narrow as `RESOLVED` nodes are apart
RESOLVED = 2.0
COLUMN_INPUT = 10.0       # 1/s: a column's summed input weight to begin with


def check_envelope(target, models, delayed):
    """Refuse envelopes of models without currents, and orthogonal ones where nothing can lag."""
    if target.envelope is None:
        return
    for model in models:
        if model.eeg_source is None:
            raise InputError(f"model {type(model).__name__}", "no currents that EEG or MEG would see, of which "
                             "these are envelopes", "Choose Hopf or JansenRit.")
    if target.envelope.orthogonal and not delayed:
        raise InputError("connectome", "no tract lengths: without delays nothing lags, and orthogonalised envelopes of "
                         "the model do not correlate", "Give lengths (--lengths), or choose envelope='amplitude'.")


def in_band(model, band):
    """Return a model that rings in a band of EEG, the summed input weight of a region to begin with, in 1/s, and rates.

    A rotating plane turns in the middle of the band, damped as fast as its resonance fills half of it; how fast it may
    be damped at most is the last of the three, 1/s. Other models have the time scale that they have.
    """
    if model.rotation is None:
        return model, COLUMN_INPUT, None
    (damping,), width = model.damped, pi * (band[1] - band[0])
    own = {damping: -0.5 * width, model.rotation: 0.5 * (band[0] + band[1])}
    return dataclasses.replace(model, **own), 0.5 * width, 10.0 * width


def unresolved(abscissa, band, nodes):
    """Return what a resonance costs that is too narrow for the quadrature nodes of its band to see."""
    spacing = 2 * pi * (band[1] - band[0]) / nodes
    return NARROW * jnp.minimum(jnp.log(jnp.maximum(-abscissa, 1e-12) / (RESOLVED * spacing)), 0.0) ** 2
