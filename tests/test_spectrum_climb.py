"""Where searches for spectra at sensors begin, what permuting parcels costs, and what regions teach of their spread."""

import dataclasses

import jax
import numpy as np
import pytest
from test_spectrum_fit import FREQS, REGIONS, small_brain, small_leadfield

from nmfit.compare import spectrum_target
from nmfit.fit.spectrum.alpha import between_the_bins
from nmfit.fit.spectrum.climb import relabelled
from nmfit.fit.spectrum.errors import TRUSTED, learnt_spread
from nmfit.fit.spectrum.evidence import parcels_permuted
from nmfit.fit.spectrum.measures import alpha_peak
from nmfit.fit.spectrum.problem import see
from nmfit.fit.spectrum.rungs import LADDER
from nmfit.fit.spectrum.search import SensorGround, fit_sensor_rung
from nmfit.fit.spectrum.starts import left_over

RUNGS = {rung.name: rung for rung in LADDER}
FIRST, SECOND = 9.5, 12.0        # Hz, of two alpha rhythms


def two_rhythms():
    """Return the target of a head with two alpha rhythms of one place each, seen without much scatter."""
    leadfield = small_leadfield()
    power = np.asarray(leadfield.gain)**2
    first, second = np.arange(REGIONS) < REGIONS // 2, np.arange(REGIONS) >= REGIONS // 2
    peaks = [1.0 / (1.0 + ((FREQS - f) / 0.5) ** 2) for f in (FIRST, SECOND)]
    psd = 1e-14 * sum(peak[:, None] * power[:, at].sum(1) for peak, at in zip(peaks, (first, second), strict=True))
    psd = psd + 1e-13 / FREQS[:, None]
    epochs = psd * np.random.default_rng(0).chisquare(8, (60, *psd.shape)) / 8
    return spectrum_target(FREQS, epochs, ch_names=leadfield.ch_names, dof=8)


@pytest.fixture(scope="module")
def ground():
    target = two_rhythms()
    return SensorGround(small_brain().normalised("none", "rowsum"), small_leadfield(), target.psd["fit"],
                        target.dof["fit"], target, target.bins["fit"], coupled=False)


@pytest.fixture(scope="module")
def climbed(ground):
    with jax.enable_x64(True):
        one = fit_sensor_rung(ground, RUNGS["shared"], starts=1)
        two = fit_sensor_rung(ground, RUNGS["two scales"], one, starts=1)
        return one, two, fit_sensor_rung(ground, RUNGS["region"], two)


def test_a_second_population_begins_at_the_rhythm_that_the_first_one_missed(ground, climbed):
    one, two, _ = climbed
    at = float(np.mean(one.networks[0].value("f")))
    assert any(abs(left_over(ground, one)[0] - f) < 0.75 for f in (FIRST, SECOND))
    assert abs(left_over(ground, one)[0] - at) > 0.75
    found = sorted(float(np.mean(network.value("f"))) for network in two.networks)
    assert found == pytest.approx([FIRST, SECOND], abs=0.2)
    assert two.loss < 0.5 * one.loss
    # a rung that asks for as many as there are adds none
    assert len(fit_sensor_rung(ground, RUNGS["two scales"], two, steps=1).networks) == 2


def test_parcels_that_take_their_values_along_predict_the_same_until_they_hear_each_other(ground, climbed):
    fitted = climbed[2]
    order = np.random.default_rng(1).permutation(REGIONS)
    permuted = dataclasses.replace(ground, leadfield=parcels_permuted(ground.leadfield, order))
    with jax.enable_x64(True):
        again = relabelled(permuted, fitted, order, steps=0)
    np.testing.assert_allclose(again.psd, fitted.psd, rtol=1e-9)
    assert np.abs(again.networks[0].value("f") - fitted.networks[0].value("f")).max() > 0.01
    np.testing.assert_allclose(again.networks[0].value("f"), np.asarray(fitted.networks[0].value("f"))[order])


def test_the_spectrum_between_the_bins_compiles_nothing_anew_and_holds_the_peak(climbed):
    fitted = climbed[2]
    finer, freqs = between_the_bins(fitted.problem)
    for name in ("fine", "freqs", "finer", "smear"):
        before, after = getattr(fitted.problem, name), getattr(finer, name)
        assert (before.shape, before.dtype) == (after.shape, after.dtype)
    with jax.enable_x64(True):
        seen = see(finer, fitted.layout.point(fitted.vector))
    assert np.diff(freqs).max() < 0.3 < np.diff(FREQS).min()
    peak = alpha_peak(freqs, (10 ** np.asarray(seen.log_psd)[:, :2]).mean(1))
    assert min(abs(peak - FIRST), abs(peak - SECOND)) < 0.15


def test_how_far_regions_differ_is_learnt_from_them_and_else_the_prior(climbed):
    fitted = climbed[2]
    layout = fitted.layout
    free = layout.free
    kinds, prior = layout.kinds[free], 1.0 / layout.precisions[free]
    assert (np.bincount(kinds[kinds >= 0]) == REGIONS).all()
    rng = np.random.default_rng(2)
    narrow = np.where(kinds == 0, 0.1, 1.0) * np.sqrt(prior) * rng.normal(size=free.sum())
    vector = np.zeros(free.size)
    vector[free] = narrow
    told = dataclasses.replace(fitted, vector=vector, shrinkage=0.0)
    known = learnt_spread(np.diag(np.full(free.sum(), 1e6)), np.zeros(free.sum()), told, layout)
    before = prior[kinds == 0][0]
    expected = ((narrow[kinds == 0] ** 2).sum() + TRUSTED * before) / (REGIONS + TRUSTED)
    assert known[kinds == 0][0] == pytest.approx(expected, rel=0.01)
    assert known[kinds == 0][0] < 0.4 * before
    np.testing.assert_array_equal(known[kinds < 0], prior[kinds < 0])
    # What shrinkage holds where the data say nothing, as after a search that ended early, teaches nothing.
    early = dataclasses.replace(told, vector=10.0 * vector, shrinkage=0.1)
    unknown = learnt_spread(np.diag(np.full(free.sum(), 1e-9)), np.zeros(free.sum()), early, layout)
    np.testing.assert_allclose(unknown, prior, rtol=1e-3)
