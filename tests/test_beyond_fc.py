"""Models whose FC ties, told apart by what FC does not see."""

import dataclasses

import numpy as np
import pytest

import nmfit
from nmfit.errors import InputError
from nmfit.fit import beyond_fc
from nmfit.models import Hopf
from nmfit.network import Network

N, TR, BAND = 6, 2.0, (0.01, 0.1)
WEIGHTS = np.abs(np.random.default_rng(0).normal(size=(N, N)))
WEIGHTS = np.triu(WEIGHTS, 1) + np.triu(WEIGHTS, 1).T


@pytest.fixture(scope="module")
def scans():
    truth = Network.of(WEIGHTS / WEIGHTS.max(), Hopf(a=-0.1, f=0.055, sigma=0.02), G=0.2)
    return list(nmfit.simulate(truth, 800.0, sample=TR, dt=0.5, runs=8, seed=1).data)


@pytest.fixture(scope="module")
def results(scans):
    """Return a fit, which turns at the middle of the band, and the same optimum turning slowly."""
    target = nmfit.fc_target(scans[:4], tr=TR, band=BAND)
    found = nmfit.fit(target, WEIGHTS, n_null=0, confirm=False, steps=30, starts=1, max_rung="shared",
                      sc_transform="none")
    fitted = found.context.final[-1]
    slow = dataclasses.replace(fitted, network=fitted.network.replace({"f": 0.02}))
    context = dataclasses.replace(found.context, final=(*found.context.final[:-1], slow))
    return {"fitted": found, "slow": dataclasses.replace(found, context=context)}


def test_the_right_frequency_wins_by_its_spectrum_where_fc_ties(results, scans):
    found = nmfit.compare(results, scans[4:], tr=TR)
    by = {row["statistic"]: row for row in found.beyond if row["name"] == "slow"}
    assert by["fc"]["verdict"] == "a tie"
    assert by["lagged"]["difference"] < -0.05               # four scans tell that much, and no more
    assert by["spectrum"]["verdict"] == "predicts worse"
    first = {row["statistic"]: row for row in found.beyond if row["name"] == "fitted"}
    assert first["spectrum"]["score"] > first["spectrum"]["others"] > 0
    assert first["spectrum"]["difference"] == 0
    assert all(row["scans"] == 4 and -1 < row["others"] < 1 for row in found.beyond)
    assert "spectra of regions, 4 scans" in found.summary()


def test_the_closed_form_is_what_long_simulations_show(results):
    result = results["fitted"]
    network = result.context.final[-1].network
    long = nmfit.simulate(network, 40_000.0, sample=TR, dt=0.4, seed=3).data
    seen, freqs = beyond_fc.measured(beyond_fc.scans_of([long] * 3, TR, result)[0], BAND)
    made = beyond_fc.predicted(result, TR, freqs)
    for name, tolerance in (("fc", 0.06), ("lagged", 0.06), ("spectrum", 0.1)):
        assert np.abs(seen[name] - made[name]).max() < tolerance, name


def test_names_decide_which_region_is_which():
    names = ("f", "c", "a", "e", "b", "d")                  # fits see them sorted
    truth = Network.of(WEIGHTS / WEIGHTS.max(), Hopf(a=-0.1, f=0.055, sigma=0.02), G=0.2)
    scans = list(nmfit.simulate(truth, 800.0, sample=TR, dt=0.4, runs=5, seed=4).data)
    target = nmfit.fc_target(scans[:2], tr=TR, band=BAND, labels=names)
    found = nmfit.fit(target, nmfit.Connectome(WEIGHTS, labels=names), n_null=0, confirm=False, steps=10, starts=1,
                      max_rung="shared", sc_transform="none")
    assert found.context.plan.target.labels == tuple(sorted(names))
    plain = beyond_fc.scans_of(scans[2:], TR, found)
    np.testing.assert_array_equal(plain[0].data, scans[2][:, np.argsort(names)])
    turned = [nmfit.Recording(s[:, ::-1], TR, labels=names[::-1]) for s in scans[2:]]
    np.testing.assert_array_equal(beyond_fc.scans_of(turned, TR, found)[0].data, plain[0].data)
    np.testing.assert_allclose(beyond_fc.predicted(found, TR, np.array([0.05]))["fc"],
                               found.arrays["fc_model"][np.ix_(np.argsort(names), np.argsort(names))], atol=1e-4)
    other = nmfit.Recording(scans[2], TR, labels=("x", *names[1:]))
    with pytest.raises(InputError, match="no region f"):
        beyond_fc.scans_of([other] * 3, TR, found)


def test_scans_that_do_not_belong_are_refused(results, scans):
    one = results["fitted"]
    with pytest.raises(InputError, match="2 of them"):
        beyond_fc.scans_of(scans[:2], TR, one)
    with pytest.raises(InputError, match="5 regions"):
        beyond_fc.scans_of([s[:, :5] for s in scans], TR, one)
    with pytest.raises(InputError, match="TR"):
        beyond_fc.scans_of(scans, None, one)
    with pytest.raises(InputError, match="frequencies between"):
        beyond_fc.measured(beyond_fc.scans_of([s[:20] for s in scans], TR, one)[0], (0.03, 0.05))
