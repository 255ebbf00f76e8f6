"""How near a network is to losing its state of rest."""

import jax.numpy as jnp

from .local import jacobian


def numerical_abscissa(network, x):
    """Return the largest eigenvalue of the symmetric part of a rotating network, 1/s.

    An upper bound of the largest real part, equal to it where all planes turn together; smooth, and one symmetric
    eigenvalue problem of size n.
    """
    (name, _), = network.members
    model = network.groups[name]
    c = network.input(network.output(x))
    a = jacobian(lambda s: model.drift(s, c), x[name])
    strengths = network.strengths()
    own = strengths.sum(1) if network.coupling.kind == "diffusive" else jnp.zeros(network.n)
    J = jnp.diag(a[:, 0, 0] - own) + 0.5 * (strengths + strengths.T)
    values, vectors = jnp.linalg.eigh(J)
    del values
    leading = vectors[:, -1]
    # The eigenvalue's derivative needs its vector only; through eigh it would divide by gaps between eigenvalues.
    leading = _held(leading)
    return leading @ J @ leading


def _held(value):
    from jax.lax import stop_gradient
    return stop_gradient(value)


def full_jacobian(network, x):
    """Return the Jacobian of the undelayed network, ``[N, N]`` with ``N`` the count of all states."""
    strengths = network.strengths()
    c = network.input(network.output(x))
    own = strengths.sum(1) if network.coupling.kind == "diffusive" else jnp.zeros(network.n)
    k = strengths - jnp.diag(own)
    heard, driven, blocks = {}, {}, {}
    for name, at in network.members:
        model, here, into = network.groups[name], x[name], c[:, jnp.array(at)]
        blocks[name] = jacobian(lambda s, m=model, i=into: m.drift(s, i), here)
        driven[name] = jacobian(lambda i, m=model, s=here: m.drift(s, i), into)
        heard[name] = jacobian(model.output, here)
    rows = []
    for name, at in network.members:
        row = []
        for other, from_ in network.members:
            between = k[jnp.array(at)][:, jnp.array(from_)]
            block = jnp.einsum("idk,ij,jke->idje", driven[name], between, heard[other])
            if name == other:
                i = jnp.arange(len(at))
                block = block.at[i, :, i, :].add(blocks[name])
            row.append(block.reshape(len(at) * block.shape[1], -1))
        rows.append(jnp.concatenate(row, axis=1))
    return jnp.concatenate(rows)


def rightmost(network, x):
    """Return the largest real part of the undelayed network's eigenvalues, 1/s."""
    return jnp.max(jnp.real(jnp.linalg.eigvals(full_jacobian(network, x))))
