"""The cliff suite: losses on which minimisers break, from many starts each."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nmfit.cli.options import SETTLED
from nmfit.fit.minimise import STATUSES, Status, minimise
from nmfit.parameters import to_bounded

FEW, MANY = 6, 100
STEPS = 400
TOLERANCE = 1e-10
SIZE = 6


def overflow(theta, data):
    """A slope that falls on to where an exponential overflows, and the loss with it."""
    x = theta["x"]
    return 1.0 + (x[0] - 0.6) ** 2 + jnp.sum((x[1:] - x[0]) ** 2) + 0.0 * jnp.exp(1420.0 * x[0]) + data


def flat(theta, data):
    """A well on a plain: far from it the slope fades away."""
    r2 = jnp.sum(theta["x"] ** 2)
    return 1.0 + r2 / (25.0 + r2) + data


def saddle(theta, data):
    """Two valleys and the ridge between them, from which every search is started."""
    x = theta["x"]
    return 2.0 + 0.25 * x[0] ** 4 - x[0] ** 2 + jnp.sum(x[1:] ** 2) + data


def noisy(theta, data):
    """A bowl with a rough floor, whose slope means nothing near the bottom."""
    x = theta["x"]
    return 1.0 + jnp.sum(x**2) + 1e-6 * jnp.sum(jnp.sin(1e4 * x)) + data


def bounded(theta, data):
    """A bowl whose bottom lies beyond the bounds of two parameters."""
    x = to_bounded(theta["x"], (0.0, 1.0))
    return jnp.sum((x[:2] - 1.5) ** 2) + 1.0 + jnp.sum((x[2:] - 0.5) ** 2) + data


def stiff(theta, data):
    """A curved valley with walls ten thousand times as steep as its floor."""
    x = theta["x"]
    return 1.0 + jnp.sum(1e4 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2) + data


# Loss, its lowest value, where searches start.
SUITE = {
    "overflow": (overflow, 1.01, lambda rng: np.r_[0.5 - rng.exponential(2.0), 3.0 * rng.standard_normal(SIZE - 1)]),
    "flat": (flat, 1.0, lambda rng: 30.0 * rng.standard_normal(SIZE)),
    "saddle": (saddle, 1.0, lambda rng: np.r_[0.0, 2.0 * rng.standard_normal(SIZE - 1)]),
    "noisy": (noisy, 1.0, lambda rng: 3.0 * rng.standard_normal(SIZE)),
    "bounded": (bounded, 1.5, lambda rng: 2.0 * rng.standard_normal(SIZE)),
    "stiff": (stiff, 1.0, lambda rng: rng.uniform(-2.0, 2.0, 3)),
}
def starts(name, count):
    """Return starting points of a loss."""
    rng = np.random.default_rng([6, len(name)])
    return [SUITE[name][2](rng) for _ in range(count)]


def search(name, x, **options):
    """Return where a search of a loss ends."""
    return minimise(SUITE[name][0], {"x": jnp.asarray(x)}, jnp.zeros(()), STEPS, TOLERANCE, **options)


def check(name, count):
    """Return how many searches end no worse than they started, within 1 % of the lowest, and with which statuses."""
    sound = near = 0
    said = set()
    for x in starts(name, count):
        found = search(name, x)
        sound += bool(np.isfinite(found.loss) and found.loss <= found.start_loss)
        good = bool(found.loss <= 1.01 * SUITE[name][1])
        near += good
        said.add((STATUSES[int(found.status)], good))
    return sound, near, said


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", SUITE)
def test_every_search_ends_finite_and_nearly_every_one_at_the_bottom(name, count):
    sound, near, said = check(name, count)
    assert sound == count
    assert near >= 0.95 * count
    # "Converged" is never said where it is not.
    assert (Status.CONVERGED, False) not in said


def plain(theta, data):
    return jnp.where(jnp.abs(theta["x"][0]) < 1.0, 2.0, 3.0) + 0.0 * jnp.sum(theta["x"]) + data


def test_a_plain_without_slope_is_called_flat():
    assert STATUSES[int(minimise(plain, {"x": jnp.zeros(3)}, jnp.zeros(()), 50, TOLERANCE).status)] is Status.FLAT


def test_a_search_goes_on_from_its_arrays_where_it_was_stopped():
    kept = []

    def stop(search):
        kept.append(search)
        return len(kept) == 1

    x = starts("stiff", 1)[0]
    whole = search("stiff", x)
    first = search("stiff", x, pause=stop)
    assert STATUSES[int(first.status)] is Status.INTERRUPTED
    assert first.loss > whole.loss
    rest = minimise(stiff, kept[0], jnp.zeros(()), STEPS, TOLERANCE)
    assert rest.loss == pytest.approx(float(whole.loss), rel=1e-9)
    assert rest.start_loss == whole.start_loss
    assert rest.steps == whole.steps


@pytest.mark.parametrize("name", ["overflow", "bounded"])
def test_any_optimiser_of_optax_may_be_taken(name):
    optimiser = optax.adam(0.3)
    for x in starts(name, 3):
        found = search(name, x, optimiser=optimiser)
        assert np.isfinite(found.loss)
        assert found.loss < found.start_loss


def test_the_command_line_knows_which_ends_are_settled():
    assert {status.name.lower() for status in Status if status.settled} == set(SETTLED)
