"""Spectra of regions, as atlases give them: no sensors, an arbitrary unit, and what is no oscillation."""

import jax
import jax.numpy as jnp

from ..parameters import param, pytree, static
from .direct import Direct

APERIODIC_AT = 10.0      # Hz


@pytree
class RegionalSpectra(Direct):
    """Regions read one by one, with an aperiodic part and the roll-off of whatever the data went through.

    ``P_i(f) = unit / (1 + (f / cutoff)^(2 order)) (S_ii(f) + aperiodic_i (f / 10 Hz)^-exponent_i)`` where ``S`` is the
    one-sided power of what the regions emit. The aperiodic part has no resonance, so that it cannot stand in for a
    peak; the roll-off is shared by all regions of a person, and has none either.

    Attributes
    ----------
    unit : what a power of 1 is in the data: regional spectra come in arbitrary units, another one for every person
    """

    reads: str = static(default="eeg_source")

    cutoff: float = param(200.0, "Hz", (5.0, 2000.0), "where the data were low-passed (half of the power is left)")
    order: float = param(4.0, "", (0.5, 60.0), "order of that low-pass (Butterworth)")
    aperiodic: float = param(0.1, "", (1e-8, 1e4), "power-law part at 10 Hz, in units of the person's mean power")
    exponent: float = param(1.0, "", (0.0, 4.0), "exponent of the power-law part")
    unit: float = 1.0

    def passed(self, freqs):
        """Return the share of power ``[f]`` that the low-pass leaves."""
        # A sigmoid of the logarithm: the power itself leaves the range of numbers far beyond the cutoff.
        return jax.nn.sigmoid(-2 * jnp.asarray(self.order) * jnp.log(jnp.asarray(freqs) / self.cutoff))

    def noise_psd(self, freqs):
        """Return the aperiodic part before the low-pass, ``[f, n]`` (``[f, 1]`` where all regions share it)."""
        ratio = jnp.log(jnp.asarray(freqs)[:, None] / APERIODIC_AT)
        return jnp.atleast_1d(jnp.asarray(self.aperiodic)) * jnp.exp(-jnp.atleast_1d(self.exponent) * ratio)

    def psd(self, sources, freqs):
        """Return what is measured where the regions emit ``sources [f, n]`` per Hz."""
        return self.unit * self.passed(freqs)[:, None] * (sources + self.noise_psd(freqs))
