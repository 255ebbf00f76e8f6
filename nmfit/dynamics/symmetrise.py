"""One state (or one rotating plane) per region, brought to a symmetric matrix by a diagonal stretch."""

import jax.numpy as jnp

from .local import jacobian


def is_one_state(network):
    """Return whether the form below holds, from structure alone: what is known before any number is."""
    if len(network.members) > 1 or not network.symmetric or network.lengths is not None or network.colour is not None:
        return False
    model = next(iter(network.groups.values()))
    single = len(model.states) == 1 and len(model.channels) == 1
    return single or (rotates(network) and jnp.ndim(getattr(model, model.rotation)) == 0)


def rotates(network):
    """Return whether regions are rotating planes about zero, from structure: a stimulus would move them off it."""
    turning = all(model.rotation is not None for model in network.groups.values())
    return turning and len(network.members) == 1 and not network.stimuli


def one_state_form(network, x):
    """Return ``J``, ``Q``, the stretch back to states, and the common turning rate.

    The linear system is ``diag(alpha) + diag(b) K diag(c)`` with ``K`` symmetric; with ``t = sqrt(b / c)`` the matrix
    ``diag(1/t) J diag(t)`` is symmetric. Where ``b`` and ``c`` differ in sign (regions that quiet each other), it is
    with ``t = sqrt(-b / c)``. In a rotating plane ``b = c = 1``: noise of intensity ``Q`` in each component makes
    ``z`` noise of ``2 Q``, and ``x`` half of the covariance of ``z``.
    """
    (name, _), = network.members
    model, here = network.groups[name], x[name]
    into = network.input(network.output(x))
    a = jacobian(lambda s: model.drift(s, into), here)
    strengths = network.strengths()
    own = network.own(strengths)
    own = jnp.zeros(network.n) if own is None else own
    amplitude = network.diffusion(x)[name][0]
    if model.rotation is None:
        b = jacobian(lambda i: model.drift(here, i), into)[:, 0, 0]
        c = jacobian(model.output, here)[:, 0, 0]
        t, centre = jnp.sqrt(jnp.abs(b / c)), jnp.zeros(())
        enters, leaves = b / t, c * t
    else:
        t, centre = jnp.ones(network.n), a[0, 1, 0]
        enters = leaves = t
    J = enters[:, None] * strengths * leaves + jnp.diag(a[:, 0, 0] - enters * own * leaves)
    noise = amplitude / t
    Q = jnp.diag(noise**2)
    if network.drive is not None:
        shared = noise * network.drive.gain
        Q = Q + shared[:, None] * shared
    return 0.5 * (J + J.T), Q, t, centre


def reading_of(network, observation, x):
    """Return how strongly an instrument without states reads the state or plane of each region it sees."""
    (name, _), = network.members
    seen = jacobian(lambda s: getattr(network.groups[name], observation.reads)(s)[None], x[name])[:, 0]
    seen = seen if network.seen is None else seen[jnp.array(network.seen)]
    u = network.read(x, observation.reads)
    direct = jnp.reshape(observation.read(jnp.zeros((0, u.size)), jnp.ones_like(u)), u.shape)
    return jnp.sqrt(jnp.sum(seen**2, axis=-1)) * jnp.sign(seen[:, 0]) * direct
