"""From dampings as they act to parameters: the closure's own answer, and what a fit makes of it."""

import numpy as np
import pytest

from nmfit.compare.connectivity import correlation
from nmfit.dynamics import linearise
from nmfit.dynamics.simulate import simulate
from nmfit.dynamics.translated import can_translate, translate
from nmfit.fit.under_noise import acting, largest_noise
from nmfit.models import Hopf, ReducedWongWang, StuartLandau
from nmfit.network import Network
from nmfit.observe import Balloon, Direct

N = 6
RNG = np.random.default_rng(4)
DRAWN = RNG.uniform(0, 1, (N, N)) ** 3
WEIGHTS = (DRAWN + DRAWN.T) * (1 - np.eye(N))
WEIGHTS = WEIGHTS / WEIGHTS.sum(1).mean()
DAMPING = RNG.uniform(-0.25, -0.05, N)


def fitted(model, **options):
    return Network.of(WEIGHTS, model, G=0.1, drive=np.linspace(0.2, 0.6, N), **options)


MODELS = [Hopf(a=DAMPING, f=0.05, beta=2.0, sigma=0.05), StuartLandau(a=DAMPING, f=0.05, gamma=0.5, sigma=0.08)]


@pytest.mark.parametrize("model", MODELS)
def test_the_translated_network_satisfies_the_equations_of_the_closure(model):
    found = translate(fitted(model))
    assert found.consistent
    assert 0.02 < found.defect < 1
    assert (found.moved["a"] > DAMPING + 1e-3).all()
    assert ("f" in found.moved) is isinstance(model, StuartLandau)


@pytest.mark.long
@pytest.mark.parametrize("model", MODELS)
def test_the_search_for_the_closure_finds_the_same(model):
    network = fitted(model)
    at_rest, found = linearise(network, Direct()), translate(network)
    closed = linearise(found.network, Direct(), closure=True)
    assert found.defect == pytest.approx(float(closed.defect), rel=1e-6)
    np.testing.assert_allclose(closed.network.groups["all"].A[:, 0, 0], DAMPING, rtol=1e-6)
    # Whole axis through another quadrature: the covariances are as equal as that is good.
    np.testing.assert_allclose(closed.covariance(nodes=200)[0], at_rest.covariance()[0], rtol=2e-3, atol=1e-6)


def test_a_long_simulation_shows_what_was_fitted():
    network = fitted(Hopf(a=DAMPING, f=0.05, sigma=0.06))
    act = acting(network, Direct())
    assert act.engine == "closure"
    expected = correlation(linearise(network, Direct()).covariance()[0])
    upper = np.triu_indices(N, 1)

    def apart(simulated):
        run = simulate(simulated, 20000.0, sample=2.0, runs=4, precision="float32")
        return np.sqrt(np.mean((run.fc() - expected)[upper] ** 2))

    right = apart(act.network)
    assert right < 0.02
    assert apart(network) > 2 * right


def test_where_it_stays_or_declines():
    quiet = acting(fitted(Hopf(a=DAMPING, sigma=1e-3)), Direct())
    assert (quiet.engine, quiet.moved) == ("linear", {})
    beyond = acting(fitted(Hopf(a=-0.05, sigma=0.9)), Direct())           # a would have to be above its bound
    assert (beyond.engine, beyond.moved) == ("declined", {})
    ring = acting(Network.of(WEIGHTS, Hopf(a=-0.001, sigma=0.02), G=0.001), Direct())
    assert ring.engine == "declined"
    assert ring.defect > 1
    upto = largest_noise(Network.of(WEIGHTS, Hopf(a=-0.001, sigma=0.02), G=0.001), Direct())
    assert upto == pytest.approx(0.02 * (0.99 / ring.defect) ** 0.5)
    other = acting(Network.of(WEIGHTS, ReducedWongWang(), G=0.1), Balloon())
    assert (other.engine, other.defect) == ("linear", None)
    assert not can_translate(Network.of(WEIGHTS, Hopf(f=np.linspace(0.04, 0.06, N)), G=0.1))
    assert quiet.defect < 0.02
