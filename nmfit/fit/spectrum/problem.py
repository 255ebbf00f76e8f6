"""The problem around some populations and a lead field, and whether a point of it has a state of rest."""

import jax
import jax.numpy as jnp
import numpy as np

from ...dynamics.alone import alone
from ...dynamics.local import local_system
from ...dynamics.stability import leading_root, unstable_roots
from ...parameters import declarations
from ..space import frame
from .ground import interpolation, model_frequencies
from .populations import COORDINATES, bounds_of, model_name
from .slopes import SENSOR_ROWS, Point, SensorProblem, network_at_compiled, sensors_see_compiled

SLOWEST = 0.5              # 1/s: the least damping of columns that hear each other


def frame_of(values, bounds, name):
    """Return the unconstrained origin ``[n]`` of a coordinate, and its unit: one size of it, or one of its logit."""
    origin, spread = frame(jnp.asarray(values, dtype=float), bounds)
    return origin, jnp.ones(()) if name == "v" else spread


def problem_of(ground, populations, leadfield):
    """Return the problem around some populations, pairs of a network and its coordinates ``[p, n]``."""
    fine = ground.target.nodes
    nodes = model_frequencies(fine[0], fine[-1])
    smear = np.eye(fine.size) if ground.target.smear is None else ground.target.smear
    bounds = [tuple(bounds_of(network, name) for name in COORDINATES[model_name(network)])
              for network, _ in populations]
    frames = [[frame_of(row, b, name) for row, b, name in
               zip(values, bound, COORDINATES[model_name(network)], strict=True)]
              for (network, values), bound in zip(populations, bounds, strict=True)]
    declared = declarations(leadfield)
    sensors = [frame(jnp.broadcast_to(jnp.asarray(getattr(leadfield, name), dtype=float), (leadfield.s,)),
                     declared[name].bounds) for name in SENSOR_ROWS]
    share = float(leadfield.coherence)
    problem = SensorProblem(
        networks=tuple(network for network, _ in populations), leadfield=leadfield,
        origin=tuple(jnp.stack([origin for origin, _ in rows]) for rows in frames),
        spread=tuple(jnp.stack([spread for _, spread in rows]) for rows in frames),
        coupling=np.array([float(network.value("G")) for network, _ in populations]),
        sensor_origin=jnp.stack([origin for origin, _ in sensors]),
        sensor_spread=jnp.stack([spread for _, spread in sensors]), coherence=np.log(share / (1 - share)),
        freqs=nodes, fine=fine, finer=interpolation(nodes, fine), smear=smear, bounds=tuple(bounds),
        sensor_bounds=tuple(declared[name].bounds for name in SENSOR_ROWS), coupled=ground.coupled)
    # Strong float64 leaves: Python numbers are weakly typed, and would compile a second time.
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype=float), problem)


def see(problem, point):
    """Return what sensors see at a point."""
    return sensors_see_compiled(point, problem)


def beginning(problem):
    """Return the point where a problem begins."""
    return Point(regions=tuple(jnp.zeros_like(origin) for origin in problem.origin),
                 coupling=jnp.zeros_like(problem.coupling), coherence=jnp.zeros(()),
                 sensors=jnp.zeros_like(problem.sensor_origin))


def abscissa(problem, point):
    """Return the stability figure of all populations at a point, 1/s.

    Diffusive coupling through weights of one sign damps: no root lies right of the least damped oscillator's.
    """
    heard, found = coupled_columns(problem), []
    for k in range(len(problem.networks)):
        network, x = network_at_compiled(point, problem, k)
        columns = model_name(network) != "Hopf"
        found.append(float(leading_root(network, x) if k in heard else slowest_alone(network, x) if columns
                           else jnp.max(network.value("a"))))
    return max(found)


@alone()
def slowest_alone(network, x):
    """Return the largest real part of the poles of regions that hear nobody, 1/s."""
    c = network.input(network.output(x))
    return jnp.max(jnp.stack([jnp.max(jnp.real(jnp.linalg.eigvals(local_system(network, name, x[name], c)[0])))
                              for name, _ in network.members]))


def rests(problem, point):
    """Return whether a point has a state of rest as far as its leading root tells; oscillators always do.

    The leading root is tracked from the least damped poles; strong coupling can lift others, see `lifted`.
    """
    columns = (network_at_compiled(point, problem, k) for k in coupled_columns(problem))
    return all(float(leading_root(*column)) < -SLOWEST for column in columns)


def lifted(problem, point):
    """Return how many roots lie right of the axis: all are counted, which costs more than to track one."""
    return sum(unstable_roots(*network_at_compiled(point, problem, k)) for k in coupled_columns(problem))


def coupled_columns(problem):
    """Return which populations are columns that hear each other: only these can lose their state of rest."""
    return [k for k, network in enumerate(problem.networks) if problem.coupled and model_name(network) != "Hopf"]
