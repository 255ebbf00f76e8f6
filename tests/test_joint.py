"""FC in closed form and its dynamics through simulation, together."""

import numpy as np
import pytest

import nmfit
from nmfit.compare.connectivity import correlation
from nmfit.compare.scans import scan_target
from nmfit.dynamics import linearise
from nmfit.errors import InputError
from nmfit.fit.joint import at_tempo, tempos_of
from nmfit.models import Hopf
from nmfit.network import Network
from nmfit.observe import Direct

N, TR = 6, 1.0
RNG = np.random.default_rng(2)
WEIGHTS = np.triu(RNG.uniform(0.1, 1, (N, N)), 1)
WEIGHTS = WEIGHTS + WEIGHTS.T


def network(tempo=1.0, f=0.02):
    made = Network.of(WEIGHTS, Hopf(a=np.linspace(-0.6, -0.2, N)[[2, 0, 5, 3, 1, 4]], f=f, sigma=0.005), G=0.1,
                      drive=np.zeros(N))
    return at_tempo(made, tempo)


def test_tempo_leaves_fc_as_it_is():
    slow = network()
    fast = at_tempo(slow, 4.0)
    for seen in (lambda v: correlation(linearise(v, Direct()).covariance()[0]), lambda v: linearise(
            v, Direct()).covariance()[0]):
        np.testing.assert_allclose(seen(fast), seen(slow), rtol=1e-10)
    assert float(linearise(fast, Direct()).abscissa()) == pytest.approx(4 * float(linearise(slow, Direct()).abscissa()))
    assert tempos_of(slow)[-1] == 4.0
    assert tempos_of(slow.replace({"a": np.full(N, -300.0)}))[-1] < 2.0


@pytest.mark.long
def test_tempo_is_found_from_dynamics():
    data = nmfit.simulate(network(0.5, f=0.005), 400.0, sample=TR, dt=0.1, runs=8, seed=1).data
    target = scan_target(list(data[:5]), heldout=list(data[5:]), tr=TR, band=None, window=30.0, step=10.0)
    found = nmfit.fit(target, WEIGHTS, engine="joint", max_rung="maps", drive=False, seeds=3, score_seeds=4, starts=1)
    assert found.scores["group_ks"][0] < 0.3
    assert found.history[-1] <= found.history[0]
    assert found.result.record["rungs"][0]["status"] == "converged"
    assert "chosen among" in found.result.methods()


def test_what_is_refused():
    fc = np.eye(N)
    banded = scan_target(fc=fc, fcd=RNG.uniform(size=50), tr=TR, volumes=100)
    with pytest.raises(InputError, match="over the whole band"):
        nmfit.fit(banded, WEIGHTS, engine="joint")
    whole = scan_target(fc=fc, fcd=RNG.uniform(size=50), tr=TR, volumes=100, band=None)
    with pytest.raises(InputError, match="do not turn"):
        nmfit.fit(whole, WEIGHTS, engine="joint", model="ReducedWongWang")
    with pytest.raises(InputError, match="Choose one of"):
        nmfit.fit(whole, WEIGHTS, engine="joint", max_rung="all")
