"""What a model of one region is: its parameters and three pure functions.

Nothing else is written per model: Jacobians, transfer functions, simulators and tables derive from these.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

from ..parameters import declarations
from ..shown import Shown


class Model(Shown, ABC):
    """A neural mass: element-wise over regions, in seconds, Hz and mV.

    A model is a `nmfit.parameters.pytree` of parameters, each declared once with `param`. Its functions take
    the state ``x`` of shape ``[d, n]`` (or ``[d]`` for one region) and the coupling input ``c`` of shape
    ``[k, n]`` (or ``[k]``); a parameter is one number or one per region ``[n]``.

    Class attributes
    ----------------
    states : names of the ``d`` states
    channels : names of the ``k`` coupling channels, the same for what is sent and what is received
    coupling : "diffusive" or "additive", what the model's own papers use
    fit_first : names of the parameters a ladder frees first, in order
    rotation : name of the parameter (Hz) whose angular frequency turns the plane of a model that commutes
        with rotations of its two states, else None
    rests_at_start : whether ``start()`` is a state of rest whatever the parameters and the coupling (its
        outputs are zero)
    damped : narrower bounds of single parameters, ``{name: (low, high)}``, inside which a region alone is
        damped, so that the linear engine applies; empty where the bounds need no narrowing
    time_scale : shortest characteristic time at the defaults, in seconds
    clock : names of the parameters (s, Hz or 1/s) that it follows, the fastest of them
    cost : "lowest", "low", "medium" or "high"
    source : the paper
    good_for, not_for : one sentence each
    bold_drive, eeg_source : what instruments read; a model that lacks one sets it to None
    """

    shown_as: ClassVar = "model"

    states: ClassVar[tuple[str, ...]]
    channels: ClassVar[tuple[str, ...]]
    coupling: ClassVar[str]
    fit_first: ClassVar[tuple[str, ...]]
    rotation: ClassVar[str | None] = None
    rests_at_start: ClassVar[bool] = False
    damped: ClassVar[dict[str, tuple[float, float]]] = {}
    time_scale: ClassVar[float]
    clock: ClassVar[tuple[str, ...]] = ()
    cost: ClassVar[str]
    source: ClassVar[str]
    good_for: ClassVar[str]
    not_for: ClassVar[str]

    def pace(self):
        """Return the shortest characteristic time in seconds at this model's own numbers (not in traced code)."""
        told, ratios = declarations(self), []
        for name in self.clock:
            value = getattr(self, name)
            slow, fast = (value, value) if getattr(value, "ndim", 0) == 0 else (value.min(), value.max())
            ratios.append(slow / told[name].default if told[name].unit == "s" else told[name].default / fast)
        return self.time_scale * float(min(ratios, default=1.0))

    @abstractmethod
    def drift(self, x, c):
        """Return dx/dt without noise, shape of ``x``, per second."""

    @abstractmethod
    def diffusion(self, x):
        """Return the noise amplitude of every state, shape of ``x``: ``dx = drift dt + diffusion dW``."""

    @abstractmethod
    def output(self, x):
        """Return what other regions hear, ``[k, n]``."""

    @abstractmethod
    def bold_drive(self, x):
        """Return what drives the haemodynamics (or is the BOLD signal itself), ``[n]``."""

    @abstractmethod
    def eeg_source(self, x):
        """Return what the lead field projects, ``[n]``."""

    @abstractmethod
    def start(self):
        """Return the state ``[d]`` from which the working branch is reached."""
