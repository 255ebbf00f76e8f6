"""One state (or one rotating plane) per region, brought to a symmetric matrix by a diagonal stretch."""

import jax.numpy as jnp

from .local import jacobian


def one_state_form(network, observation, x):
    """Return ``J``, ``Q``, the stretch back to readings, and the common turning rate.

    The linear system is ``diag(alpha) + diag(b) K diag(c)`` with ``K`` symmetric; with ``t = sqrt(b / c)`` the matrix
    ``diag(1/t) J diag(t)`` is symmetric. In a rotating plane ``b = c = 1``: noise of
    intensity ``Q`` in each component makes ``z`` noise of ``2 Q``, and ``x`` half of the covariance of ``z``.
    """
    (name, _), = network.members
    model, here = network.groups[name], x[name]
    into = network.input(network.output(x))
    a = jacobian(lambda s: model.drift(s, into), here)
    seen = jacobian(lambda s: getattr(model, observation.reads)(s)[None], here)[:, 0]
    u = network.read(x, observation.reads)
    direct = jnp.reshape(observation.read(jnp.zeros((0, u.size)), jnp.ones_like(u)), u.shape)
    strengths = network.strengths()
    own = strengths.sum(1) if network.coupling.kind == "diffusive" else jnp.zeros(network.n)
    amplitude = network.diffusion(x)[name][0]
    if model.rotation is None:
        b = jacobian(lambda i: model.drift(here, i), into)[:, 0, 0]
        c = jacobian(model.output, here)[:, 0, 0]
        t, scale, centre = jnp.sqrt(b / c), jnp.sqrt(b * c), jnp.zeros(())
        stretch = t * seen[:, 0] * direct
        own = own * b * c
    else:
        t, scale, centre = jnp.ones(network.n), jnp.ones(network.n), a[0, 1, 0]
        stretch = jnp.hypot(seen[:, 0], seen[:, 1]) * direct
    J = scale[:, None] * strengths * scale + jnp.diag(a[:, 0, 0] - own)
    noise = amplitude / t
    Q = jnp.diag(noise**2)
    if network.drive is not None:
        shared = noise * network.drive.gain
        Q = Q + shared[:, None] * shared
    return 0.5 * (J + J.T), Q, stretch, centre
