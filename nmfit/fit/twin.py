"""The linear twin of a network: simulated with the same noise, its exact answer added back.

What a short simulation says of a covariance is off by chance and by its length; the twin, driven by the same noise for
the same time, is off by nearly the same, and its exact answer is known: ``C = C_sim - C_twin + C_exact``.
"""

import dataclasses

import jax
import jax.numpy as jnp

from ..compare import traced
from ..compare.connectivity import correlation
from ..dynamics.averaged import Averaged
from ..dynamics.linearised import linearise
from ..dynamics.local import jacobian
from ..dynamics.noise import Sources
from ..dynamics.resolvent import settled
from ..dynamics.simulated import integrate
from ..observe import Observation
from ..parameters import pytree, static

NODES = 48
FEWEST = 1e-3              # of the simulated variance: what a corrected variance is at least


@pytree
class LinearInstrument(Observation):
    """An instrument linearised at the drive ``u*``: ``dh/dt = A h + B (u - u*)``, ``y = y* + C h + D (u - u*)``."""

    a: object = None
    b: object = None
    c: object = None
    direct: object = None
    drive: object = None
    level: object = None
    gain: object = None
    states: tuple = static(default=())
    reads: str = static(default="bold_drive")

    @classmethod
    def at(cls, observation, u):
        """Linearise an instrument that has settled at the drive ``u [n]``."""
        h = settled(observation, u)
        return cls(
            a=jacobian(lambda s: observation.drift(s, u), h),
            b=jax.jvp(lambda v: observation.drift(h, v), (u,), (jnp.ones_like(u),))[1],
            c=jacobian(lambda s: observation.read(s, u)[None], h)[:, 0],
            direct=jax.jvp(lambda v: observation.read(h, v), (u,), (jnp.ones_like(u),))[1],
            drive=u, level=observation.read(h, u), gain=observation.gain, states=tuple(observation.states),
            reads=observation.reads)

    def drift(self, h, u):
        """Return the velocity of the departures from rest."""
        return jnp.einsum("nij,jn->in", self.a, h) + self.b * (u - self.drive)

    def read(self, h, u):
        """Return the regional signal."""
        return self.level + jnp.einsum("nd,dn->n", self.c, h) + self.direct * (u - self.drive)

    def start(self):
        """Return rest."""
        return jnp.zeros(len(self.states))


def twin_of(network, observation, closure=True, found=None):
    """Return a network's twin, the twin's instrument, and the linear engine's answer for these two.

    The twin is linearised statistically: about the mean and the variance that it has itself, so that it saturates
    as the model does and stands past an onset, too. With delays, or noise that has a memory, it is linearised at rest.
    Its moments are looked for unless they were found before (`closure.consistent`).
    """
    statistically = closure and network.lengths is None and network.colour is None
    linear = (linearise(network, observation, closure=True, found=found) if statistically
              else at_rest(network, observation))
    if not observation.states:
        return linear.network, observation, linear
    instrument = LinearInstrument.at(observation, linear.network.read(linear.x, observation.reads))
    return linear.network, instrument, linear


def holds(linear, abscissa):
    """Return whether a twin's exact answer means anything: a state of rest that is one, stable, and a closure valid."""
    valid = True if linear.defect is None else linear.defect < 1
    return (abscissa < 0) & linear.converged & valid


def at_rest(network, observation):
    """Return the linear engine's answer, its groups replaced by what they are to first order."""
    linear = linearise(network, observation)
    c, groups = network.input(network.output(linear.x)), {}
    noisy = {name: states for name, _, states in Sources.of(network).groups}
    for name, at in network.members:
        model, x = network.groups[name], linear.x[name]
        heard = network.wiring.received(name, c[:, jnp.array(at)])

        def read(s, model=model):
            return getattr(model, observation.reads)(s)[None]

        groups[name] = Averaged(
            mean=x, heard=heard, A=jacobian(lambda s, m=model, i=heard: m.drift(s, i), x),
            B=jacobian(lambda i, m=model, s=x: m.drift(s, i), heard), sent=model.output(x),
            C=jacobian(model.output, x), read=read(x), R=jacobian(read, x), noise=model.diffusion(x),
            noisy=noisy[name], turns=model.rotation is not None and len(network.members) == 1,
            states=model.states, channels=model.channels, coupling=model.coupling, time_scale=model.time_scale)
    return dataclasses.replace(linear, network=network.with_groups(groups))


def series_pair(network, observation, plan, key, closure=True):
    """Return the signals ``[t, n]`` of a network and of its twin under the same noise, and the linear engine's answer.

    The network starts where the twin rests.
    """
    found = twin_of(network, observation, closure)
    return *_under_one_noise(network, observation, plan, key, found), found[-1]


def _under_one_noise(network, observation, plan, key, found):
    twin, instrument, linear = found
    return tuple(integrate(one, seen, plan, key, x0=linear.x).signal
                 for one, seen in ((network, observation), (twin, instrument)))


def controlled_covariance(own, twin, exact, tr, band):
    """Return the covariance of simulated series, corrected by the twin's, ``[n, n]``.

    A correction may not leave a variance below a thousandth of the simulated one.
    """
    simulated = traced.covariance(traced.trimmed(own, tr, band))
    corrected = simulated - traced.covariance(traced.trimmed(twin, tr, band)) + exact
    least = FEWEST * jnp.diagonal(simulated)
    diagonal = jnp.diagonal(corrected)
    return corrected + jnp.diag(jnp.maximum(diagonal, least) - diagonal)


def controlled_fc(network, observation, plan, keys, tr, band, closure=True, nodes=NODES):
    """Return FC by simulation with the twin as control variate: the mean covariance over keys, as correlations.

    Also the plain FC of the same runs, and the twin's stability figure: where it is not negative there is no twin, and
    only the plain answer stands.
    """
    corrected, plain, _, abscissa = controlled_covariances(network, observation, plan, keys, tr, band, closure, nodes)
    return correlation(corrected.mean(0)), correlation(plain.mean(0)), abscissa


def controlled_covariances(network, observation, plan, keys, tr, band, closure=True, nodes=NODES):
    """Return covariances ``[s, n, n]`` of simulated scans with the twin and without, the linear answer, its stability.

    The twin is found once for all scans.
    """
    found = twin_of(network, observation, closure)
    exact, abscissa = found[-1].covariance(band, nodes)

    def one(key):
        own, twin = _under_one_noise(network, observation, plan, key, found)
        return controlled_covariance(own, twin, exact, tr, band), traced.covariance(traced.trimmed(own, tr, band))

    return *jax.vmap(one)(keys), found[-1], abscissa
