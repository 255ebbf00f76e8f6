"""Least squares over everything at once: regions that sensors see together, and the sensors themselves.

Through a lead field every region reaches every sensor, so that no elimination region by region helps as it does in
`gauss_newton`: the normal matrix is dense, and small. Steps are damped (Levenberg-Marquardt) and no coordinate moves
further in one than its size allows, so that a region at an edge stops nobody else.
"""

import dataclasses

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from ..gauss_newton import FIRST_DAMPING, HELD, LEAST, MOST_DAMPING
from .slopes import SENSOR_ROWS, Point

FARTHEST_STEP = 0.7        # of a coordinate: about a doubling


@dataclasses.dataclass(frozen=True, eq=False)
class Layout:
    """All coordinates in a row, as precisions of Gaussian priors about 0; `HELD` holds one there.

    Regions first, population by population: what they share ``[p, q]``, then their own ``[p, n]``; then couplings,
    coherence, what sensors share ``[4]``, their own ``[4, s]``.

    Attributes
    ----------
    basis : ``[n, q]``, along which regions share: a constant, then maps
    shared, own : tuples of ``[p, q]`` and ``[p]`` per population
    coupling : ``[m]``
    coherence : float
    sensors_shared, sensors_own : ``[4]``
    s : number of sensors
    """

    basis: np.ndarray
    shared: tuple
    own: tuple
    coupling: np.ndarray
    coherence: float
    sensors_shared: np.ndarray
    sensors_own: np.ndarray
    s: int

    @property
    def shapes(self):
        """Shapes of the parts, in order."""
        n, rows = len(self.basis), len(SENSOR_ROWS)
        regions = [shape for shared in self.shared for shape in (shared.shape, (len(shared), n))]
        return [*regions, self.coupling.shape, (1,), (rows,), (rows, self.s)]

    @property
    def precisions(self):
        """Precisions of all coordinates, in order."""
        n = len(self.basis)
        parts = [part for shared, own in zip(self.shared, self.own, strict=True)
                 for part in (shared.ravel(), np.repeat(own, n))]
        return np.concatenate([*parts, self.coupling, [self.coherence], self.sensors_shared,
                               np.repeat(self.sensors_own, self.s)])

    @property
    def kinds(self):
        """A number for each kind of coordinate that every region or sensor has for itself, -1 for what they share."""
        out, count = [], 0
        for k, shape in enumerate(self.shapes):
            each = shape[0] if (k % 2 and k < 2 * len(self.own)) or k == len(self.shapes) - 1 else 0
            out.append(np.repeat(np.arange(count, count + each), shape[1]) if each else np.full(np.prod(shape), -1))
            count += each
        return np.concatenate(out)

    @property
    def free(self):
        """Which coordinates are free."""
        return self.precisions < HELD

    def split(self, vector):
        """Return the parts of a vector of all coordinates."""
        sizes = np.cumsum([int(np.prod(shape)) for shape in self.shapes])
        return [part.reshape(shape) for part, shape in zip(np.split(vector, sizes[:-1]), self.shapes, strict=True)]

    def continued(self, below, vector):
        """Return a vector of another layout as one of this, which may have more populations: those begin at 0."""
        old, new = below.split(vector), [np.zeros(shape) for shape in self.shapes]
        regions = 2 * len(below.shared)
        new[:regions], new[-3:] = old[:regions], old[-3:]
        new[-4][:old[-4].size] = old[-4]
        return np.concatenate([part.ravel() for part in new])

    def point(self, vector):
        """Return the point that a vector of all coordinates stands for."""
        *regions, coupling, coherence, shared, own = self.split(vector)
        moves = tuple(a @ self.basis.T + b for a, b in zip(regions[::2], regions[1::2], strict=True))
        return Point(regions=moves, coupling=coupling, coherence=coherence[0], sensors=shared[:, None] + own)

    def slopes(self, seen):
        """Return the slopes of log10 power ``[f s, m]`` along all free coordinates."""
        count, s = seen.log_psd.size, self.s
        columns = []
        for by_region, shared, own in zip(seen.by_region, self.shared, self.own, strict=True):
            by_region = np.asarray(by_region)                                  # [f, s, n, p]
            together = np.tensordot(by_region, self.basis, ([2], [0])).reshape(count, -1)
            columns.append(together[:, (shared < HELD).ravel()])
            each = np.moveaxis(by_region[..., own < HELD], 2, 3)
            columns.append(each.reshape(count, -1))
        columns.append(np.asarray(seen.by_coupling).reshape(-1, count).T[:, self.coupling < HELD])
        columns.append(np.asarray(seen.by_coherence).reshape(count, 1)[:, :int(self.coherence < HELD)])
        by_sensor = np.asarray(seen.by_sensor)                                 # [4, f, s]
        columns.append(by_sensor.reshape(-1, count).T[:, self.sensors_shared < HELD])
        for row in np.flatnonzero(self.sensors_own < HELD):
            columns.append((by_sensor[row][:, :, None] * np.eye(s)).reshape(count, s))
        return np.concatenate(columns, axis=1)


@dataclasses.dataclass(frozen=True, eq=False)
class Found:
    """Where a search ended: the vector of all coordinates, what sensors see there, and how it went."""

    vector: np.ndarray
    seen: object
    history: np.ndarray
    steps: int
    converged: bool


def settle_sensors(see, data, counts, layout, vector, *, shrinkage, steps, tolerance, allowed):
    """Minimise ``sum counts (log10 model - data)^2 + shrinkage sum precision u^2`` by damped Gauss-Newton steps.

    Parameters
    ----------
    see : function of a Point, as `sensors_see`
    data, counts : ``[f, s]``, log10 power and 1 where it takes part
    layout : Layout
    vector : ``[m]``, all coordinates at the start
    shrinkage : float
    steps : int
        Limit; a step that is refused counts.
    tolerance : float
        It ends when three steps together lower the loss by less than this share.
    allowed : function of a Point
        Whether a step may end there.
    """
    free = layout.free
    prior = shrinkage * layout.precisions[free]

    def at(vector):
        seen = see(layout.point(vector))
        residuals = counts * (np.asarray(seen.log_psd) - data)
        return seen, residuals, float((residuals**2).sum() + prior @ vector[free]**2)

    seen, residuals, value = at(vector)
    history, damping, fresh, converged = [value], FIRST_DAMPING, None, False
    if not np.isfinite(value):
        return Found(vector, seen, np.array(history), 0, False)
    count = 0
    for count in range(1, steps + 1):  # noqa: B007 (told at the end)
        if fresh is None:
            slopes = layout.slopes(seen) * counts.reshape(-1, 1)
            fresh = slopes.T @ slopes, slopes.T @ residuals.ravel() + prior * vector[free]
        hessian, gradient = fresh
        pull = hessian.diagonal() + prior + LEAST
        after = np.inf
        try:
            step = cho_solve(cho_factor(hessian + np.diag(prior + damping * pull)), gradient)
            moved = vector.copy()
            moved[free] -= np.clip(step, -FARTHEST_STEP, FARTHEST_STEP)
            there, missed, after = at(moved)
        except LinAlgError:
            pass
        if after < value and allowed(layout.point(moved)):
            vector, seen, residuals, value, fresh = moved, there, missed, after, None
            history.append(value)
            damping /= 4
            if len(history) > 3 and history[-4] - value < tolerance * value:
                converged = True
                break
        else:
            damping *= 4
            if damping > MOST_DAMPING:
                converged = True
                break
    return Found(vector, seen, np.array(history), count, converged)
