"""Locked phases and the noise around them: what a phase model does where all its regions turn at one rate.

Without noise locked phases ``phi`` obey ``F(phi) = Omega`` in every region. Small noise moves them by
``d delta = J delta dt + a dW``; ``J 1 = 0``, since nothing holds the common phase. Differences never see it, so that it
is given a decay of its own, ``J - k 1 1' / n``, and what follows for differences is exact.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

LONGEST_TURN = 0.5         # radians, of one Newton step
STEPS = 60
SETTLED = 1e-10
DOUBLINGS = 40


class Locked(NamedTuple):
    """Where phases lock.

    Attributes
    ----------
    phases : ``[n]``, radians, of mean zero
    settled : whether ``F`` is one number over regions there
    stable : whether differences of phases return
    fc : ``[n, n]``, ``E cos(theta_i - theta_j)``, not a number where they do not
    """

    phases: jax.Array
    settled: jax.Array
    stable: jax.Array
    fc: jax.Array


def velocity(network, phases):
    """Return how fast every region turns, ``[n]``, at phases ``[n]`` of a network of one phase model."""
    (name, _), = network.members
    x = {name: phases[None]}
    return network.drift(x, network.input(network.output(x)))[name][0]


def locked(network):
    """Return the locked phases of a network of one phase model without delays, and the FC of small noise about them.

    ``E cos(theta_i - theta_j) = cos(phi_i - phi_j) exp(-V_ij / 2)``, with ``V`` the variance of the difference. It is
    the correlation of ``cos theta_i`` and ``cos theta_j`` where the common phase has every value.

    Parameters
    ----------
    network : Network

    Returns
    -------
    Locked

    References
    ----------
    Kuramoto 1975; Acebron et al. 2005, Rev Mod Phys 77:137.
    """
    n = network.n
    common = jnp.full((n, n), 1.0 / n)

    def apart(network, phases):
        v = velocity(network, phases)
        return v - jnp.mean(v) - jnp.mean(phases)

    def newton(held, network, phases):
        slope = jax.jacfwd(lambda p: apart(held, p))(jax.lax.stop_gradient(phases))
        return phases - jnp.linalg.solve(jax.lax.stop_gradient(slope), apart(network, phases))

    still = jax.lax.stop_gradient(network)

    def turn(_, phases):
        moved = newton(still, still, phases) - phases
        return phases + moved * jnp.minimum(1.0, LONGEST_TURN / (1e-300 + jnp.max(jnp.abs(moved))))

    found = jax.lax.fori_loop(0, STEPS, turn, jnp.zeros(n))
    settled = jnp.max(jnp.abs(apart(still, found))) < SETTLED * (1.0 + jnp.max(jnp.abs(velocity(still, found))))
    phases = newton(still, network, jax.lax.stop_gradient(found))             # one step carries the derivative
    slope = jax.jacfwd(lambda p: velocity(network, p))(phases)
    size = jnp.max(jnp.sum(jnp.abs(jax.lax.stop_gradient(slope)), axis=1))
    covariance, left = _covariance(slope - size * common, _intensity(network, phases), 2.0 / size)
    stable = settled & (left < 1e-6)
    variances = jnp.diagonal(covariance)
    difference = variances[:, None] + variances[None] - covariance - covariance.T
    fc = jnp.cos(phases[:, None] - phases[None]) * jnp.exp(-0.5 * difference)
    return Locked(phases, settled, stable, jnp.where(stable, fc, jnp.nan))


def _intensity(network, phases):
    (name, _), = network.members
    amplitude = network.diffusion({name: phases[None]})[name][0]
    own = jnp.diag(amplitude**2)
    if network.drive is None:
        return own
    shared = amplitude * network.drive.gain
    return own + jnp.outer(shared, shared)


def _covariance(j, q, step):
    """Solve ``J C + C J' + Q = 0`` by doubling steps of the trapezoid, whose stationary covariance is exact.

    Returns ``C`` and the size of what is left of a displacement after all steps, which falls to nothing where ``J`` is
    stable.
    """
    eye = jnp.eye(len(j))
    half = jnp.linalg.inv(eye - 0.5 * step * j)
    decay, summed = half @ (eye + 0.5 * step * j), step * half @ q @ half.T

    def double(carry, _):
        decay, summed = carry
        return (decay @ decay, summed + decay @ summed @ decay.T), None

    (decay, summed), _ = jax.lax.scan(double, (decay, summed), None, length=DOUBLINGS)
    return summed, jnp.max(jnp.abs(decay))
