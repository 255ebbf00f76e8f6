"""The lead field: reference, projection of spectra, incoherent modes, sensor noise."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nmfit.errors import InputError
from nmfit.observe import LeadField, rereference

CHANNELS = ("Fp1", "Cz", "O1", "O2", "T7")
REGIONS = ("frontal", "central", "occipital")


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def gains(rng, *shape):
    return rng.normal(0, 100, shape)


def regional(rng, f=4, sources=7):
    return rng.normal(size=(f, 3, sources)) + 1j * rng.normal(size=(f, 3, sources))


def test_fixed_gain_projects_the_cross_spectrum_and_keeps_its_size(rng):
    raw = gains(rng, 5, 3)
    field = LeadField.of(raw, CHANNELS, REGIONS)
    e = regional(rng)
    operator = np.eye(5) - 1 / 5
    expected = operator @ raw @ (e @ e.conj().swapaxes(1, 2)) @ raw.T @ operator.T
    seen = field.project(jnp.asarray(e))
    assert np.allclose(seen @ jnp.conj(jnp.swapaxes(seen, 1, 2)), expected)
    assert np.allclose(field.project_covariance(jnp.asarray(e @ e.conj().swapaxes(1, 2))), expected)
    assert np.allclose(field.read(jnp.zeros((0, 3)), jnp.ones(3)), field.scale)


@pytest.mark.parametrize("kind", ["modes", "mixed"])
def test_incoherent_modes_add_power_region_by_region(rng, kind):
    modes = gains(rng, 5, 3, 3)
    raw = gains(rng, 5, 3)
    if kind == "modes":
        field, c = LeadField.of(modes, CHANNELS, REGIONS), 0.0
    else:
        field, c = LeadField.of(raw, CHANNELS, REGIONS, spread=modes, coherence=0.3), 0.3
    e = regional(rng)
    s = e @ e.conj().swapaxes(1, 2)
    operator = np.eye(5) - 1 / 5
    g = np.einsum("ab,bnq->anq", operator, modes)
    expected = (1 - c) * np.einsum("fn,snq,tnq->fst", np.real(np.einsum("fnn->fn", s)), g, g)
    expected = expected + c * (operator @ raw) @ s @ (operator @ raw).T
    seen = field.project(jnp.asarray(e))
    assert np.allclose(seen @ jnp.conj(jnp.swapaxes(seen, 1, 2)), expected)
    assert np.allclose(field.project_covariance(jnp.asarray(s)), expected)


def test_modes_are_what_dipoles_of_random_direction_give_on_average(rng):
    free = gains(rng, 5, 3, 3)
    field = LeadField.of(free / np.sqrt(3), CHANNELS, REGIONS, reference="none")
    root = rng.normal(size=(3, 3))
    covariance = root @ root.T
    total, draws = np.zeros((5, 5)), 20000
    directions = rng.normal(size=(draws, 3, 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    oriented = np.einsum("snd,rnd->rsn", free, directions)
    total = np.einsum("rsn,nm,rtm->st", oriented, covariance, oriented) / draws
    expected = np.asarray(field.project_covariance(jnp.asarray(covariance)))
    assert np.allclose(total, expected, atol=0.03 * np.abs(expected).max())


def test_reference_is_one_operator_for_data_and_gain(rng):
    raw, moments = gains(rng, 5, 3), rng.normal(size=(3, 100))
    for reference in ("average", "none", "Cz"):
        field = LeadField.of(raw, CHANNELS, REGIONS, reference=reference)
        data, names = rereference(raw @ moments, CHANNELS, reference)
        assert names == field.ch_names
        assert np.allclose(field.gain @ moments, data)
    assert "Cz" not in names


def test_picking_channels_gives_the_reference_of_just_these(rng):
    raw = gains(rng, 5, 3)
    few = ("O2", "Fp1", "Cz")
    field = LeadField.of(raw, CHANNELS, REGIONS, floor=np.arange(1.0, 6.0) * 1e-14).pick(few)
    assert np.allclose(field.gain, LeadField.of(raw[[3, 0, 1]], few, REGIONS).gain)
    assert np.allclose(field.floor, [4e-14, 1e-14, 2e-14])
    with pytest.raises(InputError, match=r"no channel Oz.*O2"):
        field.pick(("Oz",))
    assert field.order([2, 0]).labels == ("occipital", "frontal")
    assert np.allclose(field.order([2, 0]).gain, np.asarray(field.gain)[:, [2, 0]])


def test_sensor_noise_is_a_floor_and_a_power_law(rng):
    field = LeadField.of(gains(rng, 5, 3), CHANNELS, REGIONS, reference="none", floor=2e-14, exponent=2.0)
    noise = np.asarray(field.noise_psd([5.0, 10.0, 1e6]))
    assert noise.shape == (3, 5)
    assert np.allclose(noise[:, 0], [2e-14 + 4e-13, 1.2e-13, 2e-14])


def test_average_reference_mixes_the_noise_of_sensors(rng):
    each = np.array([1.0, 2, 3, 4, 5]) * 1e-13
    field = LeadField.of(gains(rng, 5, 3), CHANNELS, REGIONS, floor=each, aperiodic=1e-14)
    cross = np.asarray(field.noise_cross_spectrum([10.0]))
    assert np.allclose(np.einsum("fss->fs", cross), field.noise_psd([10.0]))
    assert np.allclose(cross.sum(1), 0, atol=1e-25)
    samples = np.sqrt(each + 1e-14)[:, None] * rng.normal(size=(5, 200000))
    assert np.allclose(rereference(samples, CHANNELS, "average")[0].var(1), field.noise_psd([10.0])[0], rtol=0.02)


def test_everything_differentiates_and_compiles_once(rng):
    traces = []
    e = jnp.asarray(regional(rng)).at[:, 1].set(0)  # a silent region

    @jax.jit
    def loss(field):
        traces.append(1)
        seen = field.project(e * jax.lax.complex(field.scale * 1e8, 0.0))
        power = jnp.sum(jnp.real(seen) ** 2 + jnp.imag(seen) ** 2, -1)
        return jnp.sum(jnp.log(power + 1e18 * field.noise_psd([1.0, 2, 3, 4])))

    field = LeadField.of(gains(rng, 5, 3), CHANNELS, REGIONS, spread=gains(rng, 5, 3, 2))
    field = jax.tree.map(jnp.asarray, field)
    gradient = jax.grad(loss)(field)
    jax.grad(loss)(dataclasses.replace(field, scale=field.scale * 2))
    assert len(traces) == 1
    for name in ("scale", "coherence", "floor", "aperiodic", "exponent"):
        h = 1e-5 * getattr(field, name)
        up, down = (loss(dataclasses.replace(field, **{name: getattr(field, name) + k})) for k in (h, -h))
        assert np.isclose(getattr(gradient, name), (up - down) / (2 * h), rtol=1e-5), name
    assert np.all(np.isfinite(gradient.gain))


@pytest.mark.parametrize(("change", "words"), [
    ({"gain": np.ones((3, 5)) * 50}, "transposed"),
    ({"ch_names": ("Fp1", "Cz", "O1", "O1", "T7")}, "more than once: O1"),
    ({"gain": np.ones((5, 3)) * np.nan}, "not finite"),
    ({"gain": np.eye(5, 3) * 5e7}, r"V/\(A m\)"),
    ({"gain": np.pad(np.ones((5, 2)), ((0, 0), (0, 1)))}, "no channel sees occipital"),
    ({"reference": "Pz"}, "no channel 'Pz'"),
    ({"spread": np.ones((5, 2, 3))}, "spread"),
])
def test_bad_lead_fields_are_named(rng, change, words):
    given = {"gain": gains(rng, 5, 3), "ch_names": CHANNELS, "labels": REGIONS} | change
    with pytest.raises(InputError, match=words):
        LeadField.of(**given)
