"""The linear engine against dense linear algebra, ordinary quadrature, finite differences and the simulated engine."""

import dataclasses
from functools import cache, partial
from math import pi
from typing import ClassVar

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad, quad_vec, solve_ivp
from scipy.linalg import block_diag, matrix_balance, solve_continuous_lyapunov
from scipy.optimize import fsolve
from scipy.special import lambertw

from nmfit.dynamics.fixed_point import fixed_point
from nmfit.dynamics.linearised import Linear, form_of, linearise
from nmfit.dynamics.plan import Plan
from nmfit.dynamics.quadrature import interval_rule
from nmfit.dynamics.simulated import integrate
from nmfit.dynamics.stability import leading_root, unstable_roots
from nmfit.dynamics.symmetric import band_covariance
from nmfit.errors import InputError
from nmfit.models import MODELS, Hopf, JansenRit, Kuramoto, Model, ReducedWongWang, StuartLandau, WongWang
from nmfit.network import Connectome, Network
from nmfit.observe import Balloon, Direct, LeadField
from nmfit.parameters import declarations, param, pytree

EEG = Direct(reads="eeg_source")
FREQS = np.array([0.3, 2.0, 7.0, 10.9, 23.0])


@pytree
class Leak(Model):
    """One state, heard with its sign reversed: ``dx = (c - k x) dt + sigma dW``."""

    states: ClassVar = ("x",)
    channels: ClassVar = ("x",)
    coupling: ClassVar = "additive"
    fit_first: ClassVar = ("k",)
    rests_at_start: ClassVar = True
    time_scale: ClassVar = 1.0

    k: float = param(1.0, "1/s", (0.0, 100.0), "leak")
    sigma: float = param(1.0, "", (0.0, 10.0), "noise")

    def drift(self, x, c):
        return c - self.k * x

    def diffusion(self, x):
        return self.sigma * jnp.ones_like(x)

    def output(self, x):
        return -x

    def bold_drive(self, x):
        return 2.0 * x[0]

    eeg_source = bold_drive

    def start(self):
        return jnp.zeros(1)


@pytree
class Spring(Leak):
    """Two states of which the second is noisy: ``dv = (c - 9 x - k v) dt + sigma dW``."""

    states: ClassVar = ("x", "v")

    def drift(self, x, c):
        return jnp.stack([x[1], c[0] - 9.0 * x[0] - self.k * x[1]])

    def diffusion(self, x):
        return jnp.stack([jnp.zeros_like(x[0]), self.sigma * jnp.ones_like(x[1])])

    def output(self, x):
        return x[:1]

    def start(self):
        return jnp.zeros(2)


def connectome(n, seed=0, symmetric=True, lengths=False):
    rng = np.random.default_rng(seed)
    weights, far = rng.gamma(1.0, 1.0, (n, n)), rng.uniform(20.0, 150.0, (n, n))
    if symmetric:
        weights, far = weights + weights.T, far + far.T
    np.fill_diagonal(weights, 0.0)
    np.fill_diagonal(far, 0.0)
    return Connectome(weights / weights.sum(1).mean(), far if lengths else None, symmetric=symmetric)


def spread(low, high, n, seed):
    return np.random.default_rng(seed).uniform(low, high, n)


def hopf(n=5, *, regional=True, drive=True, symmetric=True, delays=False, **options):
    model = Hopf(a=spread(-1.5, -0.5, n, 1), f=spread(0.5, 3.0, n, 2) if regional else 1.3, beta=0.7, sigma=0.3)
    network = Network.of(connectome(n, 3, symmetric, delays), model, G=0.6, delays=delays,
                         drive=spread(0.1, 0.8, n, 4) if drive else None, **options)
    return network.replace({"noise": spread(0.5, 2.0, n, 5)})


def jansen_rit(n=4, *, drive=True, delays=False, **options):
    model = JansenRit(p=spread(440.0, 560.0, n, 6), C=spread(115.0, 130.0, n, 7))
    network = Network.of(connectome(n, 8, False, delays), model, G=4.0, delays=delays,
                         drive=spread(0.1, 0.8, n, 9) if drive else None, **options)
    return network.replace({"noise": spread(0.5, 2.0, n, 10)})


def wong_wang(n=5):
    return Network.of(connectome(n, 16), ReducedWongWang(w=spread(0.8, 1.0, n, 17)), G=0.3, drive=0.5)


def oscillators():
    """Two models of one size in mixed order; the Stuart-Landau's shear has no effect at rest."""
    return Network.of(connectome(5, 11), {
        "slow": (Hopf(a=-0.8, f=0.7, sigma=0.2), [3, 0]),
        "fast": (StuartLandau(a=spread(-2.0, -1.0, 3, 12), f=2.0, gamma=1.5, sigma=0.4), [1, 4, 2])}, G=0.5, drive=0.6)


def unlike():
    """Models of one and of two states that share a channel, but not the states their noise enters."""
    return Network.of(connectome(4, 13, False), {
        "springs": (Spring(k=spread(0.5, 2.0, 2, 14)), [2, 0]), "leaks": (Leak(k=1.5, sigma=0.5), [1, 3])},
        G=0.7, drive=spread(0.3, 0.9, 4, 15))


NETWORKS = {
    "Hopf, one frequency": lambda: hopf(regional=False),
    "Hopf, a frequency per region": hopf,
    "Hopf, directed": lambda: hopf(symmetric=False),
    "Hopf, additive": lambda: hopf(coupling="additive"),
    "Hopf, delayed": lambda: hopf(delays=True, speed=0.5),
    "Jansen-Rit": jansen_rit,
    "Jansen-Rit, delayed": lambda: jansen_rit(delays=True, speed=6.0, coupling="diffusive"),
    "Reduced Wong-Wang": wong_wang,
    "Leak, heard reversed": lambda: Network.of(connectome(4, 18), Leak(k=spread(1, 3, 4, 19)), G=0.5, drive=0.5),
    "two oscillators": oscillators,
    "one state and two": unlike,
    "Hopf, seen by Balloon": lambda: hopf(3),
    "Reduced Wong-Wang, seen by Balloon": lambda: wong_wang(3),
    "Hopf, seen by sensors": lambda: hopf(regional=False),
}
INSTRUMENTS = {
    "Jansen-Rit": EEG,                       # reads another row than the one other regions hear
    "Hopf, seen by Balloon": Balloon(input_gain=0.4),
    "Reduced Wong-Wang, seen by Balloon": Balloon(),
    "Hopf, seen by sensors": Direct(gain=np.random.default_rng(20).normal(size=(3, 5))),
}


# ------------------------------------------------------------------ the oracle: one dense system, region by region

@partial(jax.jit, static_argnames="reads")
def _local(model, x, c, reads):
    return (jax.jacfwd(model.drift)(x, c), jax.jacfwd(model.drift, 1)(x, c), jax.jacfwd(model.output)(x),
            model.output(x), model.diffusion(x), jax.jacfwd(getattr(model, reads))(x), getattr(model, reads)(x))


@jax.jit
def _instrument(observation, h, u):
    return (observation.drift(h, u), jax.jacfwd(observation.drift)(h, u), jax.jacfwd(observation.drift, 1)(h, u),
            jax.jacfwd(observation.read)(h, u), jax.jacfwd(observation.read, 1)(h, u))


class Dense:
    """``(iw - A - B K(w) C) X = D xi`` of a whole network and its instrument, read by ``R``; plain numpy."""

    def __init__(self, network, observation, rest):
        n = network.n
        G, kind = float(network.coupling.G), network.coupling.kind
        self.strengths = G * np.asarray(network.weights)
        self.tau = np.zeros((n, n)) if network.lengths is None else network.lengths / 1000 / network.coupling.speed
        self.own = self.strengths.sum(1) * (kind == "diffusive")
        model, x = {}, {}
        for name, at in network.members:
            for k, i in enumerate(at):
                model[i] = jax.tree.map(lambda v, k=k: float(v) if np.ndim(v) == 0 else float(v[k]),
                                        network.groups[name])
                x[i] = np.asarray(rest[name])[:, k]
        y = np.stack([np.asarray(model[i].output(x[i])) for i in range(n)])
        c = self.strengths @ y - self.own[:, None] * y
        parts = [[np.asarray(v) for v in _local(model[i], x[i], c[i], observation.reads)] for i in range(n)]
        noise = np.broadcast_to(network.noise, n)
        self.A = block_diag(*[p[0] for p in parts])
        self.B, self.C = block_diag(*[p[1] for p in parts]), block_diag(*[p[2] for p in parts])
        self.D = np.diag(np.concatenate([p[4] * noise[i] for i, p in enumerate(parts)]))
        self.R = block_diag(*[p[5] for p in parts])
        self.channels = y.shape[1]
        if network.drive is not None:
            gain = np.broadcast_to(network.drive.gain, n)
            widest = max(p[4].size for p in parts)
            shared = [np.concatenate([(np.arange(p[4].size) == s) * p[4] * noise[i] * gain[i]
                                      for i, p in enumerate(parts)]) for s in range(widest)]
            self.D = np.concatenate([self.D, np.stack(shared, 1)], 1)
        self.rightmost = np.linalg.eigvals(self.coupled(0.0).real).real.max()
        if observation.states:
            self._observe(observation, [float(p[6]) for p in parts])
        if observation.gain is not None:
            self.R = observation.gain @ self.R

    def _observe(self, observation, drives):
        """Append the instrument's states, at rest under each region's constant drive."""
        blocks = []
        for u in drives:
            h = fsolve(lambda h, u=u: np.asarray(_instrument(observation, h, u)[0]), observation.start(), xtol=1e-12)
            _, a, b, c, d = (np.asarray(v) for v in _instrument(observation, h, u))
            blocks.append((a, b[:, None], c[None], np.atleast_2d(d)))
        a, b, c, d = (block_diag(*[blk[k] for blk in blocks]) for k in range(4))
        old = len(self.A)
        self.A = np.block([[self.A, np.zeros((old, len(a)))], [b @ self.R, a]])
        self.B = np.concatenate([self.B, np.zeros((len(a), self.B.shape[1]))])
        self.C = np.concatenate([self.C, np.zeros((self.C.shape[0], len(a)))], 1)
        self.D = np.concatenate([self.D, np.zeros((len(a), self.D.shape[1]))])
        self.R = np.concatenate([d @ self.R, c], 1)

    def coupled(self, w):
        """Return ``A + B K(w) C``; ``K_ij = G W_ij exp(-iw tau_ij)``, less the own term, which is never late."""
        k = self.strengths * np.exp(-1j * w * self.tau) - np.diag(self.own)
        return self.A + self.B @ np.kron(k, np.eye(self.channels)) @ self.C

    def response(self, w):
        return self.R @ np.linalg.solve(1j * w * np.eye(len(self.A)) - self.coupled(w), self.D)

    def spectrum(self, w):
        """Return the two-sided cross-spectrum per rad/s: ``var = integral S dw / 2 pi``."""
        e = self.response(w)
        return e @ e.conj().T

    def covariance(self):
        """Return the covariance on the whole axis from Lyapunov's equation (no delays)."""
        J = self.coupled(0.0).real
        assert np.linalg.eigvals(J).real.max() < 0
        J, (scale, _) = matrix_balance(J, permute=False, separate=True)       # potentials beside their derivatives
        D, R = self.D / scale[:, None], self.R * scale
        return R @ solve_continuous_lyapunov(J, -D @ D.T) @ R.T

    def in_band(self, low, high):
        """Return the covariance in a band given in Hz, by adaptive quadrature."""
        return quad_vec(lambda w: self.spectrum(w).real / pi, 2 * pi * low, 2 * pi * high, epsabs=0, epsrel=1e-12,
                        limit=400)[0]


@jax.jit
def _spectra(network, observation):
    linear = linearise(network, observation)
    return linear.x, linear.converged, linear.cross_spectrum(FREQS), linear.psd(FREQS)


@partial(jax.jit, static_argnames="band")
def _covariances(network, observation, band):
    linear = linearise(network, observation)
    whole, abscissa = linear.covariance(None, 400)
    return whole, linear.covariance(band, 100)[0], abscissa


covariance = jax.jit(lambda linear, band, nodes: linear.covariance(band, nodes)[0], static_argnums=(1, 2))


@cache
def answered(name):
    """Return a network's spectra by the linear engine, and the dense system at the same rest."""
    network, observation = NETWORKS[name](), INSTRUMENTS.get(name, Direct())
    x, converged, *spectra = _spectra(network, observation)
    assert converged
    return spectra, Dense(network, observation, x)


def close(found, expected, tolerance=1e-10):
    """Assert that two arrays differ by less than a share of the largest entry."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


@pytest.mark.parametrize("name", NETWORKS)
def test_cross_spectra_are_those_of_the_dense_system(name):
    (cross, psd), dense = answered(name)
    expected = np.stack([2 * dense.spectrum(2 * pi * f) for f in FREQS])       # one-sided, per Hz
    for found, wanted in zip(cross, expected, strict=True):
        close(found, wanted)
    close(psd, np.einsum("fii->fi", expected).real)


@pytest.mark.parametrize(("name", "band", "bound"), [
    ("Hopf, one frequency", (0.2, 1.5), False),
    ("Hopf, a frequency per region", (0.2, 1.5), True),     # the abscissa of unlike planes is an upper bound
    ("Jansen-Rit", (6.0, 14.0), False),
    ("Reduced Wong-Wang, seen by Balloon", (0.01, 0.1), False),
    ("Leak, heard reversed", (0.1, 0.4), False),
    ("one state and two", (0.2, 1.5), False),
])
def test_covariances_are_lyapunovs_and_the_integral_over_the_band(name, band, bound):
    whole, inside, abscissa = _covariances(NETWORKS[name](), INSTRUMENTS.get(name, Direct()), band)
    dense = answered(name)[1]
    close(whole, dense.covariance())
    close(inside, dense.in_band(*band))
    assert dense.rightmost - 1e-9 < abscissa < (0.0 if bound else dense.rightmost + 1e-9)


def test_band_covariance_with_delays():
    name, band = "Hopf, delayed", (0.2, 1.5)
    close(covariance(linearise(NETWORKS[name](), Direct()), band, 100), answered(name)[1].in_band(*band))


# ------------------------------------------------------------------------------------------------ forms of one answer

@pytest.mark.parametrize("drive", [True, False], ids=["shared drive", "own noise"])
def test_every_form_gives_the_same_answer(drive):
    linear = linearise(hopf(4, regional=False, drive=drive), Direct())
    assert linear.form == "symmetric"

    @jax.jit
    def everything(linear):
        whole = linear.covariance(None, 400)[0] if drive else 0.0
        return linear.covariance((0.2, 1.5), 120)[0], linear.psd(FREQS), linear.cross_spectrum(FREQS), whole

    answers = [everything(dataclasses.replace(linear, form=form)) for form in ("symmetric", "rotating", "general")]
    for other in answers[1:]:
        for found, expected in zip(other, answers[0], strict=True):
            close(found, expected)


def test_form_follows_from_structure():
    assert form_of(hopf(3, regional=False), Direct()) == "symmetric"
    for options in ({"regional": True}, {"regional": False, "symmetric": False}, {"regional": False, "delays": True}):
        assert form_of(hopf(3, **options), Direct()) == "rotating"
    assert form_of(hopf(3, regional=False), Balloon()) == "rotating"
    assert form_of(wong_wang(3), Direct()) == "symmetric"
    assert form_of(wong_wang(3), Balloon()) == form_of(oscillators(), Direct()) == "general"


def test_lead_field_projects_spectra_and_covariances_alike():
    rng = np.random.default_rng(21)
    observation = LeadField.of(rng.normal(size=(4, 3, 2)) * 100, list("abcd"), ["x", "y", "z"])
    linear = linearise(hopf(3, regional=False, drive=False), observation)
    rotating = dataclasses.replace(linear, form="rotating")
    close(covariance(rotating, (0.2, 1.5), 120), covariance(linear, (0.2, 1.5), 0))


# ----------------------------------------------------------------------------------------------------- conventions

def test_one_region_is_an_ornstein_uhlenbeck_process():
    k, sigma = 1.7, 0.6
    network = Network.of(np.ones((2, 2)) - np.eye(2), Leak(k=k, sigma=sigma), G=0.0)
    whole, inside, abscissa = _covariances(network, Direct(), (0.1, 0.9))
    scale, w = 2.0**2, 2 * pi * FREQS                                                # the instrument reads 2 x
    np.testing.assert_allclose(np.diag(whole), scale * sigma**2 / (2 * k), rtol=1e-12)
    np.testing.assert_allclose(_spectra(network, Direct())[3][:, 0], scale * 2 * sigma**2 / (w**2 + k**2), rtol=1e-12)
    expected = scale * sigma**2 / (pi * k) * (np.arctan(2 * pi * 0.9 / k) - np.arctan(2 * pi * 0.1 / k))
    np.testing.assert_allclose(inside[1, 1], expected, rtol=1e-12)
    assert abscissa == pytest.approx(-k)


def test_psd_integrates_to_the_variance():
    # One-sided and per Hz: positive frequencies hold all of it.
    linear = linearise(hopf(3), Direct())
    spectrum = jax.jit(linear.psd)
    for band, nodes in (((0.3, 0.8), 100), (None, 300)):
        low, high = band or (0.0, np.inf)
        variance = quad(lambda f: float(spectrum(np.array([f]))[0, 0]), low, high, epsrel=1e-8, limit=200)[0]
        assert covariance(linear, band, nodes)[0, 0] == pytest.approx(variance, rel=1e-7)


def test_weights_lead_from_column_to_row_and_delays_are_exact():
    # Region 0 drives region 1 after tau: y1 = (-G y0 e^(-iw tau) + xi1) / (iw + k), written by hand.
    G, k, speed = 0.8, 1.3, 2.0
    brain = Connectome(np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[0.0, 0.0], [300.0, 0.0]]), symmetric=False)
    linear = linearise(Network.of(brain, Leak(k=k), G=G, delays=True, speed=speed), Direct())
    w, tau = 2 * pi * FREQS, 0.300 / speed
    h = 1 / (1j * w + k)
    e = 2 * np.array([[h, 0 * h], [-G * np.exp(-1j * w * tau) * h * h, h]]).transpose(2, 0, 1)
    close(jax.jit(Linear.response)(linear, w), e, 1e-12)


def test_two_delayed_rings_settle_where_theory_says():
    # x'(t) = -k x(t) - g x(t - tau), mirrored in two regions that always agree, noise in common:
    # variance = sigma^2 / (2 L) (1 + g / L sin L tau) / (k + g cos L tau) with L = sqrt(g^2 - k^2) (Kuechler & Mensch).
    k, g, tau, sigma = 0.5, 1.1, 0.7, 0.9
    brain = Connectome(1 - np.eye(2), 1000 * tau * 0.5 * (1 - np.eye(2)))
    network = Network.of(brain, Leak(k=k, sigma=sigma), G=g, delays=True, speed=0.5, drive=100.0)
    both = covariance(linearise(network, Direct()), None, 2000)
    L = np.sqrt(g**2 - k**2)
    variance = sigma**2 / (2 * (k + g * np.cos(L * tau))) * (1 + g / L * np.sin(L * tau))
    together = both.mean() / 2**2 / (100.0**2 + 0.5)               # read 2 x; half of the regions' own noise is common
    assert together == pytest.approx(variance, rel=1e-5)


@pytest.mark.parametrize("g", [0.2, 0.4, 1.1, 4.0])
def test_roots_with_delays_are_lamberts(g):
    # Each of the two modes obeys s + k = -+ g exp(-s tau): s = -k + W(-+ g tau exp(k tau)) / tau on every branch.
    k, tau = 0.5, 0.7
    brain = Connectome(1 - np.eye(2), 1000 * tau * 0.5 * (1 - np.eye(2)))
    network = Network.of(brain, Leak(k=k), G=g, delays=True, speed=0.5)
    roots = [-k + lambertw(sign * g * tau * np.exp(k * tau), branch) / tau
             for sign in (1, -1) for branch in range(-4, 5)]
    found = fixed_point(network)
    assert unstable_roots(network, found.x) == sum(s.real > 0 for s in roots)
    leading, exact = jax.jit(leading_root)(network, found.x), max(s.real for s in roots)
    assert leading * exact > 0
    if g < k:                   # beyond, the network is unstable and the sign is what counts
        assert leading == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("name", ["Jansen-Rit", "one state and two", "Hopf, one frequency"])
def test_relabelling_the_regions_permutes_the_answer(name):
    network = NETWORKS[name]()
    order = np.array([2, 0, 3, 1, 4])[:network.n]
    place = np.argsort(order)

    def regional(value):
        return np.asarray(value)[order] if np.ndim(value) == 1 else value

    if len(network.members) > 1:                # a group's own order stays; only where its regions lie changes
        groups = network.groups
        members = tuple((name, tuple(int(place[i]) for i in at)) for name, at in network.members)
    else:
        groups, members = jax.tree.map(regional, network.groups), network.members
    moved = dataclasses.replace(
        network, groups=groups, members=members, weights=network.weights[np.ix_(order, order)],
        noise=regional(network.noise), drive=jax.tree.map(regional, network.drive))

    (cross, _), _ = answered(name)
    close(_spectra(moved, INSTRUMENTS.get(name, Direct()))[2], np.asarray(cross)[:, order][:, :, order])


def test_quadrature_is_exact_where_it_should_be():
    w, weight = interval_rule(2.0, 5.0, 4, None)
    assert np.sum(weight * w**7) == pytest.approx((5**8 - 2**8) / 8, rel=1e-13)
    w, weight = interval_rule(0.0, np.inf, 40, 3.0)
    assert np.sum(weight / (w**2 + 9.0)) == pytest.approx(pi / 6, rel=1e-13)


# ---------------------------------------------------------------------------------------------------- fixed points

RESTING = [name for name in MODELS if name != "Kuramoto"]


@pytest.mark.parametrize("name", RESTING)
def test_fixed_point_is_where_the_flow_from_the_start_ends(name):
    brain = connectome(3, 22, symmetric=False)
    model = MODELS[name](**{"a": -0.5} if "a" in MODELS[name].damped else {})
    network = Network.of(brain, model, G={"JansenRit": 4.0, "QIF": 0.3, "ReducedWongWang": 0.4}.get(name, 0.05))
    found = jax.jit(fixed_point)(network)
    assert found.converged
    assert found.residual < 1e-8
    start = network.start()["all"]

    @jax.jit
    def velocity(flat):
        x = {"all": flat.reshape(start.shape)}
        return network.drift(x, network.input(network.output(x)))["all"].ravel()

    slope = jax.jit(jax.jacfwd(velocity))
    seconds = 12.0 / -np.linalg.eigvals(np.asarray(slope(found.x["all"].ravel()))).real.max()
    ended = solve_ivp(lambda _, x: np.asarray(velocity(x)), (0, seconds), np.asarray(start).ravel(), "LSODA",
                      jac=lambda _, x: np.asarray(slope(x)), rtol=1e-7, atol=1e-9).y[:, -1]
    rest = ended
    for _ in range(6):
        rest = rest - np.linalg.solve(np.asarray(slope(rest)), np.asarray(velocity(rest)))
    np.testing.assert_allclose(np.asarray(found.x["all"]).ravel(), rest, rtol=1e-8, atol=1e-9)


def test_works_where_the_user_has_not_asked_for_float64():
    network = Network.of(np.ones((2, 2)) - np.eye(2), JansenRit(), G=1.0)
    expected = linearise(network, Direct())
    with jax.enable_x64(False):
        found = linearise(network)
        psd, abscissa = found.psd(FREQS), found.abscissa()
    assert found.converged
    assert psd.dtype == abscissa.dtype == np.float64
    np.testing.assert_allclose(psd, expected.psd(FREQS), rtol=1e-10)


def test_what_cannot_be_linearised_is_refused_by_name():
    with pytest.raises(InputError, match="WongWang has no eeg_source"):
        linearise(Network.of(np.ones((2, 2)), WongWang()), Direct(reads="eeg_source"))
    with pytest.raises(InputError, match="found 'never'"):
        linearise(Network.of(np.ones((2, 2)), Hopf()), closure="never")


def test_what_never_rests_does_not_converge():
    found = jax.jit(fixed_point)(Network.of(connectome(3, 23), Kuramoto(f=10.0), G=0.1))
    assert not found.converged
    assert found.residual > 1e-4


def test_branch_is_the_starts():
    # Between its folds a Jansen-Rit column rests low or high; the start decides, and each is reported as it is.
    network = Network.of(np.ones((2, 2)) - np.eye(2), JansenRit(p=100.0), G=0.0)
    solve = jax.jit(fixed_point)
    low, high = solve(network, {"all": jnp.zeros((6, 2))}), solve(network, network.start())
    assert low.converged
    assert high.converged
    potential = [float(found.x["all"][1, 0] - found.x["all"][2, 0]) for found in (low, high)]
    assert potential[0] < 3.0 < 5.0 < potential[1]


# ------------------------------------------------------------------------------------------------------- gradients

def gradient_and_differences(network, names, band):
    """Return the gradient of one number made of band covariance, log spectra and stability, and central differences.

    Coordinates are relative changes of the named parameters and, last, log-gains of every edge, both directions as one.
    """
    rng = np.random.default_rng(24)
    n = network.n
    pairs = np.nonzero(np.triu(np.asarray(network.weights) + network.weights.T, 1))
    mix, tilt = rng.normal(size=(n, n)), rng.normal(size=(FREQS.size, n))
    start = {name: np.zeros(np.shape(network.value(name))) for name in names}
    flat, unravel = jax.flatten_util.ravel_pytree(start | {"zz_edges": np.zeros(pairs[0].size)})
    size = jnp.abs(covariance(linearise(network, Direct()), band, 16)).max()

    @jax.jit
    def value_and_gradient(z):
        def value(z):
            at = unravel(z)
            gain = jnp.zeros((n, n)).at[pairs].add(at["zz_edges"])
            moved = {name: jnp.asarray(network.value(name)) * (1 + at[name]) for name in names}
            linear = linearise(network.replace(moved | {"edge_gain": gain + gain.T}), Direct())
            inside, abscissa = linear.covariance(band, 16)
            return jnp.sum(mix * inside) / size + jnp.sum(tilt * jnp.log(linear.psd(FREQS))) + abscissa

        return jax.value_and_grad(value)(z)

    h = 2e-4
    steps = (-2, -1, 1, 2)
    values = [[value_and_gradient(flat + k * h * e)[0] for k in steps] for e in np.eye(flat.size)]
    differences = np.array(values) @ [1, -8, 8, -1] / (12 * h)          # error of fourth order
    return np.asarray(value_and_gradient(flat)[1]), differences


OWN = {"Hopf": ["a", "f", "sigma", "G", "noise", "drive"],
       "JansenRit": [*declarations(JansenRit), "G", "noise", "drive"]}


@pytest.mark.parametrize(("make", "names", "band"), [
    (lambda: hopf(4, regional=False), OWN["Hopf"], (0.2, 1.5)),
    (lambda: hopf(4), OWN["Hopf"], (0.2, 1.5)),
    (lambda: hopf(3, symmetric=False, delays=True, speed=0.5), [*OWN["Hopf"], "speed"], (0.2, 1.5)),
    (lambda: jansen_rit(3, delays=True, speed=6.0), [*OWN["JansenRit"], "speed"], (6.0, 14.0)),
], ids=["Hopf, symmetric", "Hopf, rotating", "Hopf, delayed", "Jansen-Rit, delayed"])
def test_gradients_equal_central_differences(make, names, band):
    gradient, differences = gradient_and_differences(make(), names, band)
    assert np.all(gradient != 0)
    assert np.linalg.norm(gradient - differences) < 1e-6 * np.linalg.norm(gradient)


@pytest.mark.parametrize("band", [(0.4, 3.0), (0.0, np.inf)], ids=["a band", "the whole axis"])
def test_gradients_where_eigenvalues_meet(band):
    # A complete graph of equal regions: all eigenvalues of J but one are equal.
    n = 6
    rng = np.random.default_rng(25)
    J = 0.3 * np.ones((n, n)) - 2.5 * np.eye(n)
    Q = np.diag(rng.uniform(0.5, 1.5, n)) + 0.1
    mix = rng.normal(size=(n, n))

    @jax.jit
    @jax.value_and_grad
    def value(at):
        J, Q, centre = at
        found, largest = band_covariance(0.5 * (J + J.T), 0.5 * (Q + Q.T), *band, centre)
        return jnp.sum(mix * found) + largest if np.isfinite(band[1]) else jnp.sum(mix * found)

    def apart(direction):
        h = 1e-4
        ends = [value(jax.tree.map(lambda a, d, k=k: a + k * h * d, at, direction))[0] for k in (-2, -1, 1, 2)]
        return float(np.array(ends) @ [1, -8, 8, -1] / (12 * h))

    at = (jnp.asarray(J), jnp.asarray(Q), jnp.asarray(1.1))
    gradient = value(at)[1]
    assert all(np.isfinite(leaf).all() for leaf in gradient)
    for _ in range(5):
        direction = (*rng.normal(size=(2, n, n)), rng.normal() * np.isfinite(band[1]))
        along = sum(float(np.sum(g * d)) for g, d in zip(gradient, direction, strict=True))
        assert along == pytest.approx(apart(direction), rel=1e-7, abs=1e-9)


# ---------------------------------------------------------------------------------------------------- other engine

@pytest.mark.parametrize(("name", "observation", "seconds", "sample"), [
    ("Hopf", Direct(), 200.0, 0.05), ("Jansen-Rit", EEG, 20.0, 0.01)])
def test_linear_and_simulated_engine_agree_within_sampling_error(name, observation, seconds, sample):
    network = {"Hopf": lambda: hopf(3, symmetric=False).replace({"sigma": 0.01}),
               "Jansen-Rit": lambda: jansen_rit(3).replace({"sigma": 0.5})}[name]()
    expected = covariance(linearise(network, observation), None, 200)
    plan = Plan.of(network, observation, seconds, sample=sample)
    runs = jax.jit(jax.vmap(lambda key: integrate(network, observation, plan, key).signal))(
        jax.random.split(jax.random.key(26), 32))
    runs = np.asarray(runs) - np.asarray(runs).mean((0, 1))
    found = np.einsum("rti,rtj->rij", runs, runs) / runs.shape[1]
    error = found.std(0, ddof=1) / np.sqrt(len(found))
    assert np.all(error < 0.05 * np.sqrt(np.outer(np.diag(expected), np.diag(expected))))
    assert np.all(np.abs(found.mean(0) - expected) < 4.5 * error)
