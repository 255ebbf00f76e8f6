"""The contract, held for every model."""

import dataclasses
import keyword
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from branches import drift, eigenvalues, jacobian
from jax.test_util import check_grads

from nmfit.models import MODELS, Model, WilsonCowan, describe
from nmfit.parameters import check_values, declarations
from nmfit.parameters.declaration import UNITS

# Where states may be found: (lowest, highest) of each.
STATES = {
    "Hopf": [(-1, 1)] * 2,
    "StuartLandau": [(-1, 1)] * 2,
    "FitzHughNagumo": [(-0.5, 1.5), (-0.5, 2)],
    "Kuramoto": [(-20, 20)],
    "ThresholdLinear": [(0, 60), (0, 120)],
    "WilsonCowan": [(0, 1)] * 2,
    "WongWang": [(0, 1), (0, 0.5)],
    "ReducedWongWang": [(0, 1)],
    "JansenRit": [(0, 0.5), (0, 60), (0, 60), (-20, 20), (-2000, 2000), (-2000, 2000)],
    "QIF": [(0, 200), (-3, 2)],
}
REGIONS = 3


@pytest.fixture(params=MODELS)
def cls(request):
    return MODELS[request.param]


def between(rng, bounds, shape=(), inner=0.0):
    """Draw strictly inside bounds, leaving out a share of either end."""
    low, high = bounds
    return low + (high - low) * rng.uniform(inner, 1 - inner, shape)


def drawn(cls, seed, shape=(), inner=0.01):
    """Draw a model, a state and an input; `shape` is that of one region's number."""
    rng = np.random.default_rng(seed)
    values = {name: between(rng, told.bounds, shape, inner) for name, told in declarations(cls).items()}
    x = np.stack([between(rng, bounds, shape) for bounds in STATES[cls.__name__]])
    c = rng.uniform(-0.5, 0.5, (len(cls.channels), *shape))
    return cls(**values), jnp.asarray(x), jnp.asarray(c)


def observables(cls):
    return [name for name in ("bold_drive", "eeg_source") if getattr(cls, name) is not None]


def test_models_are_listed_under_their_names():
    assert set(MODELS) == set(STATES)
    assert all(name == cls.__name__ and issubclass(cls, Model) for name, cls in MODELS.items())


def test_what_a_model_says_of_itself(cls):
    told = declarations(cls)
    assert cls.coupling in ("additive", "diffusive")
    assert cls.cost in ("lowest", "low", "medium", "high")
    assert cls.time_scale > 0
    assert cls.fit_first
    assert set(cls.fit_first) <= set(told)
    for words in (cls.source, cls.good_for, cls.not_for):
        assert len(words) > 10
        assert not words.endswith(".")
    assert observables(cls)
    for name, (low, high) in cls.damped.items():
        assert told[name].bounds[0] <= low < told[name].default < high <= told[name].bounds[1]
    if cls.rotation is not None:
        assert told[cls.rotation].unit == "Hz"
        assert len(cls.states) == len(cls.channels) == 2


def test_parameters_are_declared_well(cls):
    told = declarations(cls)
    assert "sigma" in told
    for name, declared in told.items():
        low, high = declared.bounds
        assert low < declared.default < high
        assert math.isfinite(low)
        assert math.isfinite(high)
        assert declared.unit in UNITS
        assert declared.sentence
        assert not keyword.iskeyword(name)
    assert not set(told) & set(cls.states)
    assert len(set(cls.states)) == len(cls.states)
    check_values(cls())


@pytest.mark.parametrize("shape", [(), (REGIONS,)], ids=["one region", "regions"])
def test_shapes(cls, shape):
    model = cls()
    x = jax.ShapeDtypeStruct((len(cls.states), *shape), jnp.float64)
    c = jax.ShapeDtypeStruct((len(cls.channels), *shape), jnp.float64)
    assert jax.eval_shape(model.drift, x, c) == x
    assert jax.eval_shape(model.diffusion, x) == x
    assert jax.eval_shape(model.output, x) == c
    for name in observables(cls):
        assert jax.eval_shape(getattr(model, name), x) == jax.ShapeDtypeStruct(shape, jnp.float64)
    assert np.shape(model.start()) == (len(cls.states),)


def test_a_parameter_per_region_keeps_the_shapes(cls):
    for name, told in declarations(cls).items():
        model = cls(**{name: np.full(REGIONS, told.default)})
        x = jnp.asarray(np.repeat(np.asarray(model.start())[:, None], REGIONS, 1))
        c = jnp.zeros((len(cls.channels), REGIONS))
        for function, given in ((model.drift, (x, c)), (model.diffusion, (x,)), (model.output, (x,))):
            assert jax.eval_shape(function, *given).shape[1] == REGIONS


def test_a_region_per_column_in_float32(cls):
    model = jax.tree.map(lambda v: jnp.asarray(v, jnp.float32), cls())
    x = jnp.asarray(np.repeat(np.asarray(model.start(), np.float32)[:, None], REGIONS, 1))
    c = jnp.zeros((len(cls.channels), REGIONS), jnp.float32)
    assert jax.eval_shape(model.drift, x, c).dtype == jnp.float32
    assert jax.eval_shape(model.diffusion, x).dtype == jnp.float32
    assert jax.eval_shape(model.output, x).dtype == jnp.float32


def test_finite_with_finite_slopes_over_the_whole_interior(cls):
    many = 400
    model, x, c = drawn(cls, 1, (many,))

    @jax.jit
    def everything(model, x, c):
        read = [getattr(model, name)(x) for name in observables(cls)]
        return jnp.concatenate([model.drift(x, c), model.diffusion(x), model.output(x), jnp.stack(read)])

    assert np.all(np.isfinite(everything(model, x, c)))
    # Regions do not mix, so the gradient of the sum holds the gradients of all of them.
    slopes = jax.jit(jax.grad(lambda *a: everything(*a).sum(), argnums=(0, 1, 2)))(model, x, c)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(slopes))


def test_gradients_of_the_drift_equal_finite_differences(cls):
    model, x, c = drawn(cls, 2, inner=0.2)
    told, states = declarations(cls), np.array(STATES[cls.__name__], float)
    size = 1.0 + jnp.abs(model.drift(x, c))

    def scaled(shares, where, heard):
        # Steps are taken in shares of the bounds: a time constant and a threshold differ by five decades.
        at = {name: told[name].bounds[0] + (told[name].bounds[1] - told[name].bounds[0]) * share
              for name, share in shares.items()}
        return cls(**at).drift(states[:, 0] + (states[:, 1] - states[:, 0]) * where, heard) / size

    shares = {n: jnp.asarray((getattr(model, n) - t.bounds[0]) / (t.bounds[1] - t.bounds[0]))
              for n, t in told.items()}
    where = (x - states[:, 0]) / (states[:, 1] - states[:, 0])
    check_grads(jax.jit(scaled), (shares, where, c), order=1, modes=("fwd", "rev"), eps=1e-6, atol=1e-7, rtol=1e-6)


def test_one_number_equals_the_same_number_everywhere(cls):
    model, _, _ = drawn(cls, 3)
    everywhere = jax.tree.map(lambda v: np.full(REGIONS, v), model)
    _, x, c = drawn(cls, 4, (REGIONS,))
    for one, many in ((model.drift(x, c), everywhere.drift(x, c)), (model.diffusion(x), everywhere.diffusion(x)),
                      (model.output(x), everywhere.output(x))):
        np.testing.assert_allclose(one, many, rtol=1e-14)


def test_regions_are_handled_one_by_one(cls):
    model, x, c = drawn(cls, 5, (REGIONS,))
    order = np.array([2, 0, 1])
    moved = jax.tree.map(lambda v: v[order], model)
    np.testing.assert_allclose(moved.drift(x[:, order], c[:, order]), model.drift(x, c)[:, order], rtol=1e-14)
    alone = jax.tree.map(lambda v: v[1], model)
    np.testing.assert_allclose(alone.drift(x[:, 1], c[:, 1]), model.drift(x, c)[:, 1], rtol=1e-13)


def test_noise_is_proportional_to_sigma(cls):
    model, x, _ = drawn(cls, 6, (REGIONS,))
    twice = dataclasses.replace(model, sigma=2 * model.sigma)
    assert np.all(model.diffusion(x) >= 0)
    assert np.all(model.diffusion(x).sum(0) > 0)
    np.testing.assert_allclose(twice.diffusion(x), 2 * model.diffusion(x), rtol=1e-14)


def test_every_parameter_matters(cls):
    # At an input other than zero; what leaves the drift alone (sigma) must change the noise instead.
    model, x, c = drawn(cls, 7, inner=0.2)
    if cls.__name__ == "ThresholdLinear":  # both currents above the threshold
        model, x = cls(eta=0.3), jnp.array([12.0, 30.0])
    slopes = jax.jit(jax.jacfwd(lambda m: jnp.concatenate([m.drift(x, c), m.diffusion(x)])))(model)
    assert all(np.any(leaf != 0) for leaf in jax.tree.leaves(slopes))


def test_rotations_commute_with_the_drift():
    turning = [cls for cls in MODELS.values() if cls.rotation is not None]
    assert len(turning) == 2
    for cls in turning:
        model, x, c = drawn(cls, 8, (REGIONS,))
        turn = np.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
        np.testing.assert_allclose(model.drift(turn @ x, turn @ c), turn @ model.drift(x, c), rtol=1e-12, atol=1e-12)
        one, _, c = drawn(cls, 9)
        a = jax.jacfwd(one.drift)(one.start(), 0 * c)
        w = 2 * np.pi * getattr(one, cls.rotation)
        np.testing.assert_allclose(a, [[a[0, 0], -w], [w, a[0, 0]]], rtol=1e-12)


def rest_of(model):
    """Relax to rest by growing implicit steps, and say how stable it is (the rightmost eigenvalue)."""
    x, length = np.asarray(model.start(), float), 0.1 * model.time_scale
    for _ in range(200):
        x = x + np.linalg.solve(np.eye(x.size) / length - jacobian(model, x), drift(model, x))
        length = min(1.5 * length, 1e6)
    size = np.abs(jacobian(model, x)) @ (1e-9 + np.abs(x))
    assert np.all(np.abs(drift(model, x)) <= 1e-9 * size)
    return x, eigenvalues(model, x)[0].real


def test_the_start_leads_to_a_stable_rest_at_the_defaults(cls):
    model = cls()
    if cls.__name__ == "Kuramoto":  # it has none: the phase runs
        np.testing.assert_allclose(model.drift(model.start(), jnp.zeros(2)), 2 * np.pi * 10.0)
        return
    assert rest_of(model)[1] < 0


def test_rest_at_the_start_means_what_it_says(cls):
    model, _, c = drawn(cls, 10)
    rests = not np.any(model.drift(model.start(), 0 * c)) and not np.any(model.output(model.start()))
    assert rests == cls.rests_at_start


def test_damped_bounds_are_damped(cls):
    for name, ends in cls.damped.items():
        for value in ends:
            assert rest_of(cls(**{name: value}))[1] < 0, (name, value)


def test_description_holds_all_that_is_declared(cls):
    text = describe(cls)
    assert text.startswith(cls.__name__)
    for name, told in declarations(cls).items():
        assert any(line.split()[0] == name and line.endswith(told.sentence) for line in text.splitlines() if line)
    for words in (cls.source, cls.good_for, cls.not_for, *cls.states, cls.cost, "References"):
        assert words in text
    assert ("EEG and MEG" in text.split("observables")[1].splitlines()[0]) == (cls.eeg_source is not None)
    assert "value" in describe(cls())
    assert "0.01 ... 0.03" in describe(dataclasses.replace(cls(), sigma=np.array([0.01, 0.03])))


def test_sets_of_wilson_cowan_stay_inside_the_bounds():
    for model in (WilsonCowan.original(), WilsonCowan.bistable(P=0.1)):
        check_values(model)
        assert model.shifted
    assert WilsonCowan.bistable(P=0.1).P == 0.1


def test_time_scale_follows_the_parameters(cls):
    assert cls().pace() == pytest.approx(cls.time_scale)
    assert cls.clock
    for name in cls.clock:
        told = declarations(cls)[name]
        faster = told.default * (0.5 if told.unit == "s" else 2.0)
        assert cls(**{name: faster}).pace() == pytest.approx(0.5 * cls.time_scale)
        assert cls(**{name: np.array([told.default, faster])}).pace() == pytest.approx(0.5 * cls.time_scale)
    if cls.__name__ == "Hopf":
        assert "0.025 s" in describe(cls(f=40.0))
