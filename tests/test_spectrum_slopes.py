"""Exact slopes of what sensors see, and the coordinates that populations are searched in."""

import dataclasses
import types

import jax.numpy as jnp
import numpy as np
import pytest
from test_spectrum_fit import CHANNELS, FREQS, REGIONS, small_brain, small_leadfield

import nmfit
from nmfit.fit.spectrum.ground import model_frequencies
from nmfit.fit.spectrum.populations import ALONE_SLOWEST, population, working_points
from nmfit.fit.spectrum.problem import problem_of
from nmfit.fit.spectrum.slopes import Point, leadfield_at, network_at, sensors_see_compiled


def small_problem(models, coupling, coupled=True):
    """Return a problem of coupled populations, and a point away from where it begins."""
    leadfield = small_leadfield()
    leadfield = dataclasses.replace(leadfield, coherence=0.4,
                                    spread=30 * np.random.default_rng(7).normal(size=(CHANNELS, REGIONS, 2)))
    brain = small_brain().normalised("none", "rowsum")
    target = types.SimpleNamespace(nodes=FREQS, smear=None)
    ground = types.SimpleNamespace(target=target, coupled=coupled)
    made = [population(brain, model, frequency=10.0, width=12.0, point=0.4) for model in models]
    problem = problem_of(ground, made, leadfield)
    problem = dataclasses.replace(problem, coupling=jnp.asarray(coupling))
    rng = np.random.default_rng(8)
    point = Point(regions=tuple(jnp.asarray(0.3 * rng.normal(size=(3, REGIONS))) for _ in models),
                  coupling=jnp.zeros(len(models)), coherence=jnp.asarray(0.2),
                  sensors=jnp.asarray(0.1 * rng.normal(size=(4, CHANNELS))))
    return problem, point


@pytest.mark.parametrize(("models", "coupling"), [
    (("Hopf",), [3.0]), pytest.param(("JansenRit", "Hopf"), [15.0, 2.0], marks=pytest.mark.long)])
def test_what_sensors_see_is_what_the_closed_form_says_and_slopes_are_its_differences(models, coupling):
    problem, point = small_problem(models, coupling)
    seen, leadfield = sensors_see_compiled(point, problem), leadfield_at(point, problem)
    exact = np.asarray(leadfield.noise_psd(FREQS))
    for k in range(len(models)):
        linear = nmfit.linearise(*network_at(point, problem, k)[:1], leadfield)
        assert float(linear.abscissa()) < 0
        exact = exact + np.asarray(linear.psd(FREQS))
    # Coupling is computed at few frequencies: what it changes is interpolated.
    np.testing.assert_allclose(seen.log_psd, np.log10(exact), atol=0.01)
    assert model_frequencies(1.0, 40.0).size < 30

    def slope(changed, step=1e-5):
        up, down = (np.asarray(sensors_see_compiled(changed(h), problem).log_psd) for h in (step, -step))
        return (up - down) / (2 * step)

    for k in range(len(models)):
        for row in range(3):
            def region(h, k=k, row=row):
                return dataclasses.replace(point, regions=tuple(
                    moves.at[row, 2].add(h) if i == k else moves for i, moves in enumerate(point.regions)))
            np.testing.assert_allclose(seen.by_region[k][:, :, 2, row], slope(region), atol=1e-7)
        np.testing.assert_allclose(seen.by_coupling[k], slope(
            lambda h, k=k: dataclasses.replace(point, coupling=point.coupling.at[k].add(h))), atol=1e-7)
    np.testing.assert_allclose(seen.by_coherence, slope(
        lambda h: dataclasses.replace(point, coherence=point.coherence + h)), atol=1e-7)
    for row in range(4):
        np.testing.assert_allclose(seen.by_sensor[row], slope(
            lambda h, row=row: dataclasses.replace(point, sensors=point.sensors.at[row].add(h))), atol=1e-7)


def test_without_coupling_regions_are_alone():
    problem, point = small_problem(("Hopf",), [1e-9])
    apart, _ = small_problem(("Hopf",), [1e-9], coupled=False)
    np.testing.assert_allclose(sensors_see_compiled(point, problem).log_psd,
                               sensors_see_compiled(point, apart).log_psd, atol=1e-8)


def test_a_column_rests_where_it_is_held():
    model = nmfit.JansenRit()
    x, drive = model.held_at(jnp.array([8.5, 10.0]))
    model = dataclasses.replace(model, p=drive)
    np.testing.assert_allclose(model.drift(x, jnp.zeros((1, 2))), 0.0, atol=1e-9)


def test_a_column_alone_is_damped_wherever_it_may_be_sought():
    ends = nmfit.JansenRit().held_at(jnp.array(working_points()))[1]
    slowest = []
    for p in ends:
        network = nmfit.Network.of(small_brain(), nmfit.JansenRit(p=float(p)), G=1e-9)
        slowest.append(float(nmfit.linearise(network, small_leadfield()).abscissa()))
    assert slowest[0] == pytest.approx(-ALONE_SLOWEST, rel=0.01)
    assert slowest[1] < -ALONE_SLOWEST
    assert float(ends[1]) == pytest.approx(nmfit.JansenRit.damped["p"][1], rel=1e-3)
