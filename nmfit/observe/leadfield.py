"""Sensors on the head: a lead field, its unknown scale, and the noise of the sensors themselves."""

import dataclasses
from difflib import get_close_matches
from typing import ClassVar

import jax.numpy as jnp
import numpy as np

from ..errors import InputError
from ..network.names import some
from ..parameters import param, pytree, static
from .contract import Observation
from .reference import AVERAGE, NONE, rereference

PER_SENSOR = ("floor", "aperiodic", "sensitivity")
APERIODIC_AT = 10.0  # Hz: near the middle of the band, where level and exponent are least confounded


@pytree
class LeadField(Observation):
    """Potentials at sensors from dipoles in the regions.

    With the regional cross-spectrum ``S`` of what the regions emit, ``y = L u`` and in general

    ``S_y = d (c L S L^T + (1 - c) sum_i S_ii sum_q g_iq g_iq^T) d + noise``.

    ``L [s, n]`` is the coherent part of a region's gain, where all its surface moves as one. The modes ``g [s, n, q]``
    are its incoherent part: many directions or patches that share the region's spectrum, but are independent of each
    other and of the other regions. A gain ``[s, n, q]`` is modes alone, ``q = 3`` directions where nothing is known
    about normals. Rows are never normalised: that would erase the topography. The sensitivities ``d`` say how far
    single channels depart from the lead field, as they do from a template's skull and skin.

    Build one with `LeadField.of`, `read_leadfield` or `sphere_leadfield`.

    Attributes
    ----------
    gain : ``[s, n]``, or ``[s, n, q]`` for modes alone, V/(A m), reference applied
    spread : ``[s, n, q]`` modes beside a coherent gain, or None
    ch_names, labels : names of sensors and regions
    reference : "average", "none" or the name of a channel that dropped out
    template : whether it was computed without this person's head
    """

    reads: ClassVar = "eeg_source"
    states: ClassVar = ()

    scale: float = param(1e-8, "A m", (1e-13, 1e-3), "dipole moment per unit of the regional source")
    coherence: float = param(0.5, "", (0.0, 1.0), "share of a region that moves as one (where modes are known)")
    sensitivity: float = param(1.0, "", (0.1, 10.0), "what a channel sees of the sources, relative to its lead field")
    floor: float = param(1e-14, "V^2/Hz", (1e-19, 1e-9), "white noise of a sensor")
    aperiodic: float = param(1e-13, "V^2/Hz", (1e-19, 1e-9), "power-law noise of a sensor at 10 Hz")
    exponent: float = param(1.0, "", (0.0, 4.0), "exponent of the power-law noise, shared by the sensors")
    gain: object = None
    spread: object = None
    ch_names: tuple = static(default=())
    labels: tuple = static(default=())
    reference: str = static(default=AVERAGE)
    template: bool = static(default=False)

    @classmethod
    def of(cls, gain, ch_names, labels, *, spread=None, reference=AVERAGE, template=False, **parameters):
        """Make a lead field from gains as they come out of a forward model, and apply the reference.

        Parameters
        ----------
        gain : array ``[s, n]`` or ``[s, n, q]``, V/(A m)
        ch_names, labels : sequences of str
        spread : array ``[s, n, q]``, optional
        reference : "average", "none" or a channel
        template : bool

        Raises
        ------
        InputError
            For shapes and names that disagree, values that are not finite, regions that no channel sees and a gain
            in another unit.
        """
        gain, ch_names, labels = np.asarray(gain, dtype=float), _texts(ch_names), _texts(labels)
        _check(gain, ch_names, labels, spread)
        kept = ch_names
        if spread is not None:
            spread, _ = rereference(spread, ch_names, reference)
        gain, kept = rereference(gain, ch_names, reference)
        return cls(gain=gain, spread=spread, ch_names=kept, labels=labels, reference=reference, template=template,
                   **parameters)

    @property
    def s(self):
        """Number of sensors."""
        return len(self.ch_names)

    @property
    def modes(self):
        """The incoherent part, ``[s, n, q]``, or None."""
        return self.gain if jnp.ndim(self.gain) == 3 else self.spread

    def drift(self, h, u):  # noqa: ARG002 (the contract passes the state)
        """Return nothing: there are no states."""
        return jnp.zeros((0, *jnp.shape(u)))

    def read(self, h, u):  # noqa: ARG002 (the contract passes the state)
        """Return the dipole moments ``[n]`` in A m."""
        return self.scale * u

    def start(self):
        """Return no state."""
        return jnp.zeros(0)

    def project(self, e):
        """Return the response of the sensors to independent sources.

        Parameters
        ----------
        e : complex array ``[..., n, m]``
            Response of the regions' moments to ``m`` sources of unit power, ``S = e e^H``.

        Returns
        -------
        complex array ``[..., s, m']``
            Whose product with its adjoint is ``S_y`` without noise. An incoherent mode is a source of its own:
            only the power of its region counts.
        """
        parts, own = [], self._sensitivities()
        if jnp.ndim(self.gain) == 2:
            coherent = (own * jnp.asarray(self.gain)).astype(e.dtype) @ e
            if self.modes is None:
                return coherent
            parts = [coherent * jnp.sqrt(jnp.asarray(self.coherence)).astype(e.dtype)]
        share = 1.0 - self.coherence if parts else 1.0
        power = share * jnp.sum(jnp.real(e) ** 2 + jnp.imag(e) ** 2, axis=-1)
        amplitude = jnp.sqrt(jnp.maximum(power, jnp.finfo(power.dtype).tiny))  # the root has no slope at 0
        each = own[..., None] * jnp.asarray(self.modes) * amplitude[..., None, :, None]
        return jnp.concatenate([*parts, each.reshape(*each.shape[:-2], -1).astype(e.dtype)], axis=-1)

    def project_covariance(self, covariance):
        """Return the sensors' covariance or cross-spectrum ``[..., s, s]`` for the moments' ``[..., n, n]``."""
        total, sensed = 0.0, self._sensitivities()
        if jnp.ndim(self.gain) == 2:
            gain = (sensed * jnp.asarray(self.gain)).astype(covariance.dtype)
            total = gain @ covariance @ gain.T
            if self.modes is None:
                return total
            total = total * jnp.asarray(self.coherence).astype(covariance.dtype)
        share = 1.0 - self.coherence if jnp.ndim(self.gain) == 2 else 1.0
        own = jnp.real(jnp.diagonal(covariance, axis1=-2, axis2=-1)) * share
        modes = sensed[..., None] * jnp.asarray(self.modes)
        return jnp.einsum("...n,snq,tnq->...st", own, modes, modes).astype(covariance.dtype) + total

    def power_gain(self):
        """Return the power that a unit of power of every region has at every sensor, were it alone, ``[s, n]``."""
        total = 0.0
        if jnp.ndim(self.gain) == 2:
            total = jnp.asarray(self.gain) ** 2
        if self.modes is not None:
            share = self.coherence if jnp.ndim(self.gain) == 2 else 0.0
            total = share * total + (1.0 - share) * jnp.sum(jnp.asarray(self.modes) ** 2, axis=-1)
        return self._sensitivities() ** 2 * total

    def noise_psd(self, freqs):
        """Return the sensors' own noise after the reference, one-sided ``[f, s]`` in V^2/Hz.

        ``floor + aperiodic (f / 10 Hz)^-exponent``, independent between sensors before the reference: no resonance,
        so that it cannot stand in for the sources' peaks.
        """
        own = self._own_noise(freqs)
        if self.reference != AVERAGE:
            return own
        return (1 - 2 / self.s) * own + jnp.mean(own, axis=-1, keepdims=True) / self.s

    def noise_cross_spectrum(self, freqs):
        """Return the same noise as a real cross-spectrum ``[f, s, s]``: the average reference correlates it."""
        own = self._own_noise(freqs)
        operator = jnp.eye(self.s) - (1 / self.s if self.reference == AVERAGE else 0.0)
        return jnp.einsum("sa,fa,ta->fst", operator, own, operator)

    def pick(self, ch_names):
        """Return the lead field of some channels, in the order given, the reference applied to just these.

        Raises
        ------
        InputError
            Naming the channels it does not have, with the nearest names.
        """
        ch_names = _texts(ch_names)
        missing = [name for name in ch_names if name not in self.ch_names]
        if missing:
            near = get_close_matches(missing[0], self.ch_names, 5, 0.0)
            raise InputError("lead field", f"no channel {some(missing)}",
                             "Rename the channels or give a lead field that has them.",
                             f"names like {', '.join(near)}")
        at = np.array([self.ch_names.index(name) for name in ch_names])
        again = AVERAGE if self.reference == AVERAGE else NONE
        gain, _ = rereference(np.asarray(self.gain)[at], ch_names, again)
        spread = None if self.spread is None else rereference(np.asarray(self.spread)[at], ch_names, again)[0]
        noise = {name: np.asarray(getattr(self, name))[at] for name in PER_SENSOR
                 if np.ndim(getattr(self, name)) == 1}
        return dataclasses.replace(self, gain=gain, spread=spread, ch_names=ch_names, **noise)

    def order(self, indices):
        """Return the lead field of some regions, in the order given.

        Parameters
        ----------
        indices : array of int
        """
        at = np.asarray(indices)
        return dataclasses.replace(
            self, gain=np.asarray(self.gain)[:, at], labels=tuple(self.labels[i] for i in at),
            spread=None if self.spread is None else np.asarray(self.spread)[:, at])

    def _sensitivities(self):
        """Return the sensitivities as a column, ``[s, 1]``."""
        return jnp.broadcast_to(jnp.asarray(self.sensitivity, dtype=float), (self.s,))[:, None]

    def _own_noise(self, freqs):
        freqs = jnp.asarray(freqs, dtype=float)[:, None]
        power_law = jnp.asarray(self.aperiodic) * (freqs / APERIODIC_AT) ** -jnp.asarray(self.exponent)
        return jnp.broadcast_to(jnp.asarray(self.floor) + power_law, (freqs.shape[0], self.s))


LARGEST, SMALLEST = 1e5, 1e-3  # V/(A m) at the best-placed sensor of a head; real ones lie between 10 and 1000


def _texts(names):
    return tuple(str(name) for name in names)


def _check(gain, ch_names, labels, spread):
    where = "lead field"
    shape = f"shape {' x '.join(map(str, gain.shape))}"
    if gain.ndim not in (2, 3) or gain.shape[:2] != (len(ch_names), len(labels)):
        turned = ", which looks transposed" if gain.shape == (len(labels), len(ch_names)) else ""
        raise InputError(where, shape + turned, "Give one row per channel and one column per region.",
                         f"{len(ch_names)} channels x {len(labels)} regions")
    if spread is not None and (gain.ndim != 2 or np.ndim(spread) != 3 or np.shape(spread)[:2] != gain.shape):
        raise InputError(f"{where} (spread)", f"shape {np.shape(spread)} beside a gain of {shape}",
                         "Give modes [channels, regions, modes] beside a gain [channels, regions].")
    for kind, names in (("channel", ch_names), ("region", labels)):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(where, f"{kind} names used more than once: {some(twice)}", "Name each once.")
    finite = np.isfinite(gain).all(axis=tuple(range(1, gain.ndim)))
    if not finite.all() or (spread is not None and not np.isfinite(spread).all()):
        bad = [name for name, fine in zip(ch_names, finite, strict=True) if not fine] or ["(spread)"]
        raise InputError(where, f"values that are not finite in {some(bad)}", "Drop these channels.")
    size = np.abs(gain).max() if gain.size else 0.0
    if not SMALLEST < size < LARGEST:
        raise InputError(where, f"the largest gain is {size:.3g} V/(A m)", "Give gains in V/(A m).",
                         f"{SMALLEST:g} to {LARGEST:g}")
    unseen = [label for label, most in zip(labels, np.abs(gain).reshape(*gain.shape[:2], -1).max((0, 2)), strict=True)
              if most == 0]
    if unseen and spread is None:
        raise InputError(where, f"no channel sees {some(unseen)}", "Drop these regions, or compute their gain.")
