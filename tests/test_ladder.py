"""The climb: its rules on hand-made numbers, its parts on small networks, and once from end to end."""

import dataclasses
import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from nmfit.compare.empirical import blocks, fc_score, group_fc
from nmfit.compare.target import fc_target
from nmfit.errors import InputError
from nmfit.fit import fit
from nmfit.fit.evidence import Null, clears
from nmfit.fit.ground import Ground, fit_rung
from nmfit.fit.ladder import Trial, judge
from nmfit.fit.minimise import STATUSES, Status, minimise
from nmfit.fit.rungs import LEVELS, Rung, default_ladder
from nmfit.models import Hopf
from nmfit.network import Connectome, Network
from nmfit.network.surrogates import distance_only, harmonics, permuted, rewired
from nmfit.observe import Direct

N = 14


@pytest.fixture(scope="module")
def brain():
    rng = np.random.default_rng(0)
    half = rng.uniform(10, 60, (N // 2, 3)) * [1, 1, 1]
    places = np.concatenate([half * [-1, 1, 1], half])
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
    weights = np.exp(-apart / 30) * rng.lognormal(0, 0.5, (N, N))
    weights = np.triu(weights, 1)
    labels = [f"R{i}_L" for i in range(N // 2)] + [f"R{i}_R" for i in range(N // 2)]
    return Connectome(weights + weights.T, labels=labels, centroids=places)


def trial(scores, name="maps"):
    return Trial(Rung(name), [], np.asarray(scores, float), 0.0, 0.0, None, 0.0, False, "", 0.0)


def test_a_steady_gain_is_kept_and_a_shaky_one_of_the_same_mean_is_not():
    below = trial([0.5, 0.4, 0.6, 0.5])
    assert judge(trial([0.55, 0.45, 0.66, 0.54]), below).kept
    assert not judge(trial([0.75, 0.25, 0.90, 0.30]), below).kept


def test_the_luckiest_of_two_has_to_gain_more_than_one_that_is_tried_alone():
    below, better = trial([0.5, 0.4, 0.6, 0.5]), trial([0.52, 0.46, 0.61, 0.53])      # 2.78 standard errors
    assert judge(better, below).kept
    assert not judge(better, below, among=2).kept
    assert judge(better, below, among=2).needed == pytest.approx(3.182 / 2.353 * judge(better, below).needed, rel=1e-3)


def test_a_lone_unit_is_held_against_what_wrong_connectomes_gain():
    below, better = trial([0.5]), trial([0.6])
    assert judge(better, below, null_gains=np.array([0.01, 0.03, 0.02])).kept
    assert not judge(better, below, null_gains=np.array([0.10, 0.12, 0.11])).kept


def test_p_counts_itself_and_stops_early_by_besag_and_clifford():
    scores = np.linspace(0, 0.18, 19)[:, None]
    assert Null("permuted", scores, 19).p(0, 0.5) == 1 / 20
    assert Null("permuted", scores, 19).p(0, 0.18) == 2 / 20
    assert Null("permuted", scores[:4], 19).p(0, 0.015) == 2 / 4


def test_a_rung_that_its_twin_matches_explains_nothing():
    nulls = [Null("permuted", np.zeros((19, 1)), 19)]
    assert clears(0, 0.5, 0.3, nulls, np.array([0.2, 0.21, 0.19]))
    assert not clears(0, 0.5, 0.5, nulls, np.array([0.0, 0.0, 0.0]))
    assert not clears(0, 0.5, 0.3, nulls, np.array([0.9, -0.6, 0.3]))


def test_surrogates_keep_what_they_promise(brain):
    rng = np.random.default_rng(1)
    wrong = permuted(brain, rng)
    assert np.allclose(np.sort(wrong.weights, axis=None), np.sort(brain.weights, axis=None))
    left = np.arange(N // 2)
    within, own = (np.sort(b.weights[np.ix_(left, left)], axis=None) for b in (wrong, brain))
    assert np.allclose(within, own)
    assert np.allclose(rewired(brain, rng).weights.sum(1), brain.weights.sum(1), rtol=1e-4)
    far = distance_only(brain, rng, 20.0).weights
    assert np.array_equal(far, far.T)
    assert distance_only(Connectome(brain.weights), rng, 20.0) is None


def test_blocks_share_nothing():
    found = blocks(600, 1.0, (0.02, 0.1))
    ends = [(at.start, at.stop) for at in found.values()]
    assert all(b[0] - a[1] >= 50 for a, b in itertools.pairwise(ends))


def runs(brain, people, volumes=240):
    rng = np.random.default_rng(2)
    mix = np.linalg.cholesky(np.eye(N) + brain.normalised().weights * 0.3 + 0.2)
    return [rng.standard_normal((volumes, N)) @ mix.T for _ in range(people)]


def test_nobody_is_scored_by_a_fit_that_saw_them(brain):
    target = fc_target(runs(brain, 7), tr=2.0)
    seen = []
    for fold in target.folds:
        left = set(range(7)) - set(fold.people)
        assert left
        assert len(fold.score) == len(left)
        seen += sorted(left)
        for split in fold.splits:
            assert set(split.people) < set(fold.people)
    assert sorted(seen) == list(range(7))


def test_masks_of_a_lone_matrix_meet_every_pair_once(brain):
    target = fc_target(group_fc([np.corrcoef(r.T) for r in runs(brain, 2)]))
    masks = np.sum([s.choose_pairs for s in target.final.splits], axis=0)
    assert np.array_equal(masks, np.triu(np.ones((N, N)), 1))
    assert "not_validated" in target.flags


@pytest.mark.parametrize(("data", "options", "words"), [
    (np.full((5, 5), 2.0), {}, "correlations"),
    ([np.random.default_rng(0).standard_normal((60, 4))], {"tr": 2.0}, "volumes"),
    ([np.random.default_rng(0).standard_normal((400, 4))], {"tr": 2.0, "band": (0.1, 0.6)}, "sampling rate"),
])
def test_what_cannot_be_a_target_is_named(data, options, words):
    with pytest.raises(InputError, match=words):
        fc_target(data, **options)


def cliff(theta, data):
    x = theta["x"]
    return jnp.where(x[0] > data, jnp.nan, (x[0] - data + 0.1) ** 2 + jnp.sum(x[1:] ** 2))


def test_the_minimiser_stays_on_this_side_of_a_cliff():
    found = minimise(cliff, {"x": jnp.array([-3.0, 2.0, 1.0])}, jnp.asarray(0.5), 100, 1e-12)
    assert np.isfinite(found.loss)
    assert found.loss < 1e-6
    assert cliff(found.theta, 0.5) == found.loss


def test_a_start_that_is_not_finite_says_so():
    found = minimise(cliff, {"x": jnp.array([3.0, 0.0])}, jnp.asarray(0.5), 10, 1e-9)
    assert STATUSES[int(found.status)] is Status.NON_FINITE_START


@pytest.fixture(scope="module")
def ground(brain):
    scaled = brain.normalised()
    rng = np.random.default_rng(3)
    network = Network.of(scaled, Hopf(a=np.full(N, -0.3)), G=0.2)
    network = network.replace({"noise": np.ones(N)})
    truth = Network.of(scaled, Hopf(a=-0.3 * np.exp(0.3 * rng.standard_normal(N))), G=0.4)
    from nmfit.dynamics import linearise
    covariance = np.asarray(linearise(truth, Direct()).covariance((0.01, 0.1))[0])
    deviation = np.sqrt(np.diag(covariance))
    fc = covariance / np.outer(deviation, deviation)
    return Ground(network, Direct(), harmonics(scaled.weights, 2), fc, np.triu(np.ones((N, N)), 1), (0.01, 0.1), 0.01)


def test_each_rung_starts_where_the_last_ended_and_finds_what_made_the_data(ground):
    below = fit_rung(ground, Rung("shared"), starts=2)
    for level in ("maps", "region"):
        above = fit_rung(ground, Rung(level), below)
        assert above.start_loss == pytest.approx(below.loss, abs=1e-9)
        assert above.loss <= below.loss
        below = above
    assert fc_score(below.fc, ground.fc) > 0.995


def test_same_seed_same_bits(ground):
    first, again = (fit_rung(ground, Rung("maps", True), starts=3, seed=5) for _ in range(2))
    assert first.loss == again.loss
    assert np.array_equal(first.fc, again.fc)


def test_the_default_ladder_frees_more_at_every_level():
    levels = default_ladder(max_rung="edges")
    assert [pair[0].level for pair in levels] == list(LEVELS)
    assert all([r.drive for r in pair] == [False, True] for pair in levels)


@pytest.mark.parametrize("model", ["Hopf", pytest.param("ReducedWongWang", marks=pytest.mark.long)])
def test_from_data_to_an_answer(brain, model):
    result = fit(fc_target(runs(brain, 3, 300), tr=2.0), brain, model=model, n_null=2, starts=2, steps=15,
                 max_rung="shared", confirm=model == "Hopf", sc_transform="none")
    rung = result.rung(result.chosen)
    assert rung["kept"]
    assert -1 < rung["score_heldout"] < 1
    assert result.explained is None                     # two nulls can never reach p = 0.05
    assert "few_nulls" in result.flags
    assert {row["name"] for row in result.parameters} >= {"G", "sigma"}


@pytest.mark.parametrize(("sigma", "engine"), [(1e-3, "linear"), (0.05, "closure")])
def test_noise_that_bends_slopes_is_seen_in_the_answer(brain, sigma, engine):
    result = fit(fc_target(runs(brain, 3, 300), tr=2.0), brain, model=Hopf(sigma=sigma), n_null=0, starts=1, steps=15,
                 max_rung="shared", sc_transform="none")
    rung, found = result.rung(result.chosen), result.record["confirmation"]
    rows = [row for row in result.parameters if row["name"] == "a"]
    assert rung["engine"] == found["engine"] == engine
    assert found["rmse"] < 0.02
    assert found["rmse"] < 2 * found["sampling_rmse"]
    assert found["agrees"]
    assert found["model_sigma"] == sigma
    if engine == "closure":
        assert all(row["value"] > row["acts_as"] for row in rows)
        assert "by statistical linearisation (mean a" in rung["reason"]
    else:
        assert all("acts_as" not in row for row in rows)


def test_wrong_sizes_and_names_are_named(brain):
    target = fc_target(runs(brain, 3, 300), tr=2.0)
    with pytest.raises(InputError, match="regions"):
        fit(target, brain.select(np.arange(5)))
    with pytest.raises(InputError, match="Choose one of"):
        fit(target, brain, max_rung="all")
    labelled = dataclasses.replace(target, labels=tuple(reversed(brain.labels)))
    with pytest.raises(InputError, match="by name"):
        fit(labelled, brain)


def test_a_target_carries_its_ceiling_and_reliability():
    rng = np.random.default_rng(2)
    mix = rng.normal(size=(6, 6))
    target = fc_target([rng.normal(size=(200, 6)) @ mix for _ in range(8)], tr=2.0)
    low, high = target.ceiling["ci95"]
    assert low <= target.ceiling["value"] <= high
    assert target.ceiling["value"] >= target.reliability["value"] > 0.5
    assert "best r to reach" in target._repr_html_()
    assert fc_target(np.corrcoef(rng.normal(size=(6, 50)))).ceiling == {"value": None, "ci95": None}
