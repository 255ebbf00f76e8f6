"""The instrument's own parameters are fitted, shared and per region, through both engines, from target to table."""

import jax
import numpy as np
import pytest

import nmfit
from nmfit.compare.connectivity import correlation
from nmfit.compare.empirical import upper
from nmfit.dynamics import linearise
from nmfit.errors import InputError
from nmfit.fit import load_result
from nmfit.fit.space import values_of
from nmfit.models import ReducedWongWang
from nmfit.network import Connectome, Network
from nmfit.observe import Balloon, GammaKernel

N, BAND = 4, (0.01, 0.15)
RNG = np.random.default_rng(3)
WEIGHTS = np.triu(RNG.uniform(0.2, 1, (N, N)), 1)
WEIGHTS = WEIGHTS + WEIGHTS.T
LABELS = tuple(f"r{i}" for i in range(N))
TAU = np.array([0.8, 1.4, 2.0, 2.6])


def network(G=0.15):
    return Network.of(Connectome(WEIGHTS, labels=LABELS), ReducedWongWang(), G=G)


def fc_of(made, instrument):
    with jax.enable_x64(True):
        return np.asarray(correlation(linearise(made, instrument).covariance(BAND, 32)[0]))


def rows_of(result, name):
    return [row for row in result.parameters if row["name"] == name]


@pytest.mark.long
def test_transit_times_of_regions_are_found_in_closed_form(tmp_path):
    truth = fc_of(network(), Balloon(tau=TAU))
    target = nmfit.fc_target(truth, band=BAND, labels=LABELS, heldout=truth, tr=2.0, n_volumes=300)
    result = nmfit.fit(target, network(), free={"bold.tau": "region"}, starts=1, shrinkage=1e-8, steps=200,
                       loss=nmfit.loss.FCMSE())
    rows = rows_of(result, "bold.tau")
    assert [row["region"] for row in rows] == list(LABELS)
    assert {row["unit"] for row in rows} == {"s"}
    found = np.array([row["value"] for row in rows])
    # FC tells how far lags differ, not which region is late: at zero lag every order has its mirror image
    assert abs(np.corrcoef(found, TAU)[0, 1]) > 0.9
    alike = fc_of(network(), Balloon())                                    # one time for all
    missed, left = (np.abs(upper(fc) - upper(truth)).max() for fc in (alike, np.asarray(result.arrays["fc_model"])))
    assert missed > 0.01
    assert left < 0.2 * missed
    assert all(row["se"] > 0 for row in rows)
    result.save(tmp_path / "out")
    assert rows_of(load_result(tmp_path / "out"), "bold.tau")[0]["value"] == pytest.approx(found[0])


def test_instruments_own_what_is_fitted_under_their_names():
    values = values_of(network(), Balloon(tau=TAU), ["G", "bold.tau"])
    assert float(values["G"]) == 0.15
    np.testing.assert_array_equal(values["bold.tau"], TAU)
    target = nmfit.fc_target(np.eye(N) * 0.5 + 0.5, band=BAND, labels=LABELS, tr=2.0, n_volumes=300)
    with pytest.raises(InputError, match=r"bold\.kappa.*none of that name"):
        nmfit.fit(target, network(), observe=GammaKernel(), free={"bold.kappa": "shared"})


@pytest.mark.long
def test_one_value_for_all_regions_in_closed_form():
    truth = fc_of(network(), Balloon(gamma=0.5))
    target = nmfit.fc_target(truth, band=BAND, labels=LABELS, tr=2.0, n_volumes=300)
    result = nmfit.fit(target, network(), free={"bold.gamma": "shared"}, starts=1, steps=15)
    (row,) = rows_of(result, "bold.gamma")
    assert row["unit"] == "1/s"
    assert row["value"] == pytest.approx(0.5, rel=0.1)


@pytest.mark.long
@pytest.mark.parametrize("sharing", ["shared", "region"])
def test_they_are_fitted_through_simulation(sharing, tmp_path):
    truth = fc_of(network(), Balloon(tau=TAU))
    target = nmfit.fc_target(truth, band=BAND, labels=LABELS, tr=1.0, n_volumes=120)
    found = nmfit.fit(target, network(G=0.12), engine="simulated", observe=Balloon(), seeds=1, score_seeds=2, steps=4,
                      free={"G": "shared", "bold.tau": sharing}, warmup=20.0, dt=0.02)
    assert np.size(found.parameters["bold.tau"]) == (1 if sharing == "shared" else N)
    assert found.loss < found.start_loss
    assert len(rows_of(found.result, "bold.tau")) == np.size(found.parameters["bold.tau"])
    np.testing.assert_allclose(np.broadcast_to(found.observation.tau, N), np.broadcast_to(
        found.parameters["bold.tau"], N))
    found.save(tmp_path / "out")
