"""Parameters: one declaration, one bijection, one check, one pytree."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nmfit.errors import InputError
from nmfit.parameters import check_values, declarations, param, pytree, static, to_bounded, to_free

INF = math.inf
BOUNDS = {
    "interval": (0.4, 1.1),
    "across zero": (-2.0, 0.5),
    "two decades": (1e-4, 1.0),
    "two decades below zero": (-5.0, -0.001),
    "just under two decades": (0.0101, 1.0),
    "upper half line": (3.0, INF),
    "lower half line": (-INF, 5.0),
    "whole line": (-INF, INF),
}
FREE = np.linspace(-12.0, 12.0, 97)


@pytree
class Column:
    """A made-up owner of two parameters and a choice."""

    gain: float = param(3.25, "mV", (1.0, 9.75), "excitatory gain")
    noise: float = param(0.1, "", (1e-3, 10.0), "noise amplitude")
    kind: str = static(default="plain")


@pytest.mark.parametrize("bounds", BOUNDS.values(), ids=BOUNDS)
def test_bijection_rises_and_stays_inside(bounds):
    value = np.asarray(to_bounded(FREE, bounds))
    assert np.all(np.diff(value) > 0)
    assert np.all((value > bounds[0]) & (value < bounds[1]))


@pytest.mark.parametrize("bounds", BOUNDS.values(), ids=BOUNDS)
def test_bijection_inverts(bounds):
    # Beyond |free| of 8 the distance to a bound of size 5 has fewer than 12 digits left.
    free = FREE[np.abs(FREE) <= 8]
    np.testing.assert_allclose(to_free(to_bounded(free, bounds), bounds), free, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("bounds", BOUNDS.values(), ids=BOUNDS)
@pytest.mark.parametrize("side", [0, 1])
def test_bijection_reaches_each_bound(bounds, side):
    far = to_bounded(jnp.asarray((-800.0, 800.0)[side]), bounds)
    if math.isfinite(bounds[side]):
        assert float(far) == pytest.approx(bounds[side], rel=1e-12)
    else:
        assert abs(far) > 700
    at = float(to_free(bounds[side], bounds))
    assert at == (-INF, INF)[side]


@pytest.mark.parametrize("bounds", BOUNDS.values(), ids=BOUNDS)
def test_bijection_has_finite_gradients_both_ways(bounds):
    slope = jax.jit(jax.vmap(jax.grad(lambda z: to_bounded(z, bounds))))(FREE)
    assert np.all(np.isfinite(slope) & (slope > 0))
    value = to_bounded(FREE[np.abs(FREE) <= 8], bounds)
    back = jax.jit(jax.vmap(jax.grad(lambda v: to_free(v, bounds))))(value)
    assert np.all(np.isfinite(back) & (back > 0))


def test_bounds_of_two_decades_are_searched_by_ratio():
    assert float(to_bounded(jnp.asarray(0.0), (1e-4, 1.0))) == pytest.approx(1e-2)
    assert float(to_bounded(jnp.asarray(0.0), (-1.0, -1e-4))) == pytest.approx(-1e-2)
    assert float(to_bounded(jnp.asarray(0.0), (0.4, 1.0))) == pytest.approx(0.7)


@pytest.mark.parametrize("default", [1.0, 9.75, 0.0, math.nan])
def test_default_must_lie_strictly_inside(default):
    with pytest.raises(ValueError, match="strictly inside"):
        param(default, "mV", (1.0, 9.75), "gain")


def test_unit_must_be_known():
    with pytest.raises(ValueError, match="unit 'ms'"):
        param(2.0, "ms", (1.0, 9.0), "delay")


def test_declarations_of_class_and_instance_agree():
    assert list(declarations(Column)) == ["gain", "noise"]
    assert declarations(Column) == declarations(Column(gain=2.0))
    assert declarations(Column)["gain"].unit == "mV"


@pytest.mark.parametrize("value", [1.0, 9.75, np.linspace(1.0, 9.75, 4), [2.0, 3.0, 4.0, 5.0]])
def test_values_on_and_inside_the_bounds_pass(value):
    check_values(Column(gain=value), regions=4)


@pytest.mark.parametrize(("value", "found"), [
    (0.5, "found 0.5 mV, expected 1 to 9.75 mV"),
    (np.array([2.0, 2.0, 99.0, 2.0]), "found 99 mV at region 2, expected 1 to 9.75 mV"),
    (math.nan, "found nan"),
    (np.array([2.0, math.inf, 3.0, 3.0]), "found inf at region 1"),
    (np.ones(3), "shape (3,) for 4 regions"),
    (np.ones((4, 4)), "shape (4, 4) for 4 regions"),
    ("much", "found 'much'"),
])
def test_wrong_values_are_named(value, found):
    with pytest.raises(InputError) as caught:
        check_values(Column(gain=value), regions=4)
    assert str(caught.value).startswith("Column.gain: ")
    assert found in str(caught.value)
    assert caught.value.remedy.startswith("Give")


def test_equal_objects_have_equal_structure():
    one, two = (jax.tree.structure(Column(gain=g)) for g in (2.0, 3.0))
    assert one == two
    assert hash(one) == hash(two)
    assert jax.tree.structure(Column(kind="other")) != one


def test_a_second_object_does_not_trace_again():
    count = []

    @jax.jit
    def doubled(column):
        count.append(1)
        return 2 * column.gain

    assert doubled(Column(gain=2.0)) == 4.0
    assert doubled(Column(gain=3.0)) == 6.0
    assert len(count) == 1


def test_pytree_is_frozen_keyword_only_and_compared_by_identity():
    column = Column()
    with pytest.raises(dataclasses.FrozenInstanceError):
        column.gain = 2.0
    with pytest.raises(TypeError):
        Column(2.0)
    assert column == column
    assert column != Column()


def test_gradients_and_batches_pass_through():
    slope = jax.grad(lambda c: c.gain**2 * c.noise)(Column())
    assert float(slope.gain) == pytest.approx(2 * 3.25 * 0.1)
    batch = jax.vmap(lambda c: c.gain + c.noise)(Column(gain=jnp.arange(2.0, 5.0), noise=jnp.zeros(3) + 0.5))
    np.testing.assert_allclose(batch, [2.5, 3.5, 4.5])
