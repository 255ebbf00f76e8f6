"""External input: constant or in time, to a channel of some regions."""

import jax.numpy as jnp
import numpy as np

from ..errors import InputError
from ..parameters import pytree, static
from .groups import indices_of


@pytree
class Stimulus:
    """What enters a channel from outside, beside what other regions send and in the same units.

    The simulated engine follows it in time, linearly between values, from the end of the warm-up on; before and
    after it holds the first and the last value. The linear engine takes its mean over time, which moves the state
    of rest.

    Attributes
    ----------
    values : a number, ``[m]`` (one per region), or with ``every`` ``[t]`` or ``[t, m]``
    channel : "V", or "group.V" where several groups have a channel of that name
    regions : labels or indices; empty for every region of the groups that have the channel
    every : seconds between values in time; None for a constant
    """

    values: object
    channel: str = static(default="")
    regions: tuple = static(default=())
    every: float | None = static(default=None)

    def placed(self, labels, groups, members, wiring):
        """Return the stimulus as it enters a network: values ``[t, m]``, indices of regions, a wire for each."""
        where = f"stimulus of '{self.channel}'"
        group, _, channel = self.channel.rpartition(".")
        named = [g for g, m in groups.items() if channel in m.channels and group in ("", g)]
        if not named:
            raise InputError(where, "no group has that channel", "Choose one.",
                             ", ".join(f"{g}.{c}" for g, m in groups.items() for c in m.channels))
        wires = {i: wiring.wire(g, groups[g].channels.index(channel)) for g, at in members if g in named for i in at}
        at = indices_of(labels, where, self.regions) if len(self.regions) else tuple(sorted(wires))
        outside = [labels[i] for i in at if i not in wires]
        if outside or len(set(at)) < len(at):
            raise InputError(where, f"region {outside[0]} has no such channel" if outside else "a region given twice",
                             "Name each region of that channel once.")
        values = np.asarray(self.values, dtype=float)
        if self.every is not None and not (self.every > 0 and np.isfinite(self.every)):
            raise InputError(where, f"every = {self.every}", "Give the seconds between its values.")
        wanted = values.ndim - (self.every is not None)
        if wanted not in (0, 1) or (wanted == 1 and values.shape[-1] != len(at)) or not values.size:
            raise InputError(where, f"values of shape {values.shape} for {len(at)} regions",
                             "Give one number or one per region; in time with the interval `every`.", "[m] or [t, m]")
        if not np.isfinite(values).all():
            raise InputError(where, "values that are not finite", "Give finite numbers.")
        times = values.shape[0] if self.every is not None else 1
        values = np.broadcast_to(values.reshape(times, -1), (times, len(at)))
        return Placed(values=values, at=at, wires=tuple(wires[i] for i in at), every=self.every)


@pytree
class Placed:
    """A stimulus in its network: ``values [t, m]``, the regions and the wires they enter by."""

    values: object
    at: tuple = static(default=())
    wires: tuple = static(default=())
    every: float | None = static(default=None)

    def added(self, c, time=None):
        """Return the input ``c [k, n]`` with the stimulus at a time in seconds, or with its mean."""
        values = jnp.asarray(self.values)
        if self.every is None:
            now = values[0]
        elif time is None:
            now = 0.5 * (values[1:] + values[:-1]).mean(0) if values.shape[0] > 1 else values[0]
        else:
            place = jnp.clip(time / self.every, 0.0, values.shape[0] - 1.0)
            low = jnp.minimum(jnp.floor(place), max(values.shape[0] - 2, 0)).astype(jnp.int32)
            high = jnp.minimum(low + 1, values.shape[0] - 1)
            part = (place - low.astype(place.dtype)).astype(values.dtype)
            now = values[low] + part * (values[high] - values[low])
        return c.at[jnp.array(self.wires), jnp.array(self.at)].add(now.astype(c.dtype))
