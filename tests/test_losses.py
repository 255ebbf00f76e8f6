"""Losses: values, residuals, gradients, sums, sentences; closed-form statistics; global-signal regression."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import linalg

import nmfit
from nmfit.compare import closed, series
from nmfit.compare import loss as losses
from nmfit.compare.connectivity import correlation, fc_loss
from nmfit.compare.deviance import deviance_residuals
from nmfit.compare.empirical import fc_after_regression, regress_global
from nmfit.compare.envelope import envelope_correlation
from nmfit.compare.loss import Seen, Wanted, parse
from nmfit.compare.upstream import share_left
from nmfit.dynamics import linearise
from nmfit.errors import InputError
from nmfit.fit.fc import plan_of
from nmfit.fit.ground import fit_rung, problem_of
from nmfit.fit.objective import fc_objective, predicted_fc
from nmfit.fit.rungs import Rung, blocks_of
from nmfit.fit.space import origin_theta
from nmfit.models import Hopf
from nmfit.network import Network, SharedDrive
from nmfit.observe import Direct

RNG = np.random.default_rng(7)
N = 5


def fc_of(seed):
    data = np.random.default_rng(seed).normal(size=(60, N)) @ (np.eye(N) + 0.4)
    return jnp.asarray(np.corrcoef(data.T))


def cross_of(seed):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(6, N, 3 * N)) + 1j * rng.normal(size=(6, N, 3 * N))
    return jnp.asarray(z @ np.conj(np.swapaxes(z, 1, 2)) / (3 * N))


LIKELIHOODS = ("Wishart", "Whittle")
PAIRS = jnp.asarray(np.triu(np.ones((N, N)), 1))
SEEN = Seen(fc_of(1), jnp.asarray(RNG.uniform(0, 1, 20)), jnp.asarray(RNG.normal(size=(N, N))), fc_of(3) * 2.0,
            jnp.asarray(RNG.uniform(0, 1, 30)), jnp.asarray(RNG.uniform(1, 2, (6, N))), cross_of(5))
WANTED = Wanted(fc_of(2), PAIRS, jnp.asarray(RNG.uniform(0, 1, 33)), jnp.asarray(RNG.normal(size=(N, N))), fc_of(4),
                jnp.asarray(RNG.uniform(0, 1, 40)), 80.0, jnp.asarray(RNG.uniform(1, 2, (6, N))), cross_of(6),
                jnp.asarray([1.0, 1, 0, 1, 1, 1]), 0.0, jnp.eye(N))


@pytest.mark.parametrize("name", losses.TERMS)
def test_a_term_is_finite_differentiable_and_the_square_of_its_residuals(name):
    term = losses.TERMS[name]()
    value = term(SEEN, WANTED)
    assert np.isfinite(value)
    residuals = term.residuals(SEEN, WANTED)
    if name == "FCD":
        assert residuals is None
    else:                                          # a likelihood's squares sum to its value and a constant
        other = SEEN._replace(fc=fc_of(8), cross=cross_of(9))
        off = float(jnp.sum(term.residuals(other, WANTED) ** 2) - term(other, WANTED)) if name in LIKELIHOODS else 0.0
        assert float(jnp.sum(residuals**2)) == pytest.approx(float(value) + off, rel=1e-10)
    read = next(r for r in term.reads if r != "samples")
    f = lambda v: term(SEEN._replace(**{read: v}), WANTED)                       # noqa: E731
    at = getattr(SEEN, read)
    if read == "cross":
        f, at = (lambda v: term(SEEN._replace(cross=v.astype(complex) * SEEN.cross), WANTED)), jnp.ones((6, 1, 1))
    move = jnp.asarray(RNG.normal(size=at.shape))
    move = move + move.T if at.ndim == 2 and read not in ("lagged", "psd") else move
    h = 1e-6
    numeric = float(f(at + h * move) - f(at - h * move)) / (2 * h)
    assert float(jnp.sum(jax.grad(f)(at) * move)) == pytest.approx(numeric, rel=1e-5, abs=1e-9)


def test_sums_are_expressions():
    total = nmfit.loss.FC() + 5 * nmfit.loss.MeanFC()
    assert float(total(SEEN, WANTED)) == pytest.approx(float(fc_loss(SEEN.fc, WANTED.fc, PAIRS)), rel=1e-12)
    assert float((2 * (total + nmfit.loss.FCMSE()))(SEEN, WANTED)) == pytest.approx(
        2 * float(total(SEEN, WANTED)) + 2 * float(losses.FCMSE()(SEEN, WANTED)), rel=1e-12)
    assert float(jnp.sum(total.residuals(SEEN, WANTED) ** 2)) == pytest.approx(float(total(SEEN, WANTED)))
    assert (total + 0.5 * nmfit.loss.FCD()).residuals(SEEN, WANTED) is None
    assert (nmfit.loss.FC() + nmfit.loss.FCD()).needs == {"fc", "fcd"}
    said = parse("FC + 5 * MeanFC() + 0.5*FCD")
    assert [(type(t).__name__, t.weight) for t in said.parts] == [("FC", 1.0), ("MeanFC", 5.0), ("FCD", 0.5)]


def test_each_loss_is_least_where_model_and_data_agree():
    same = Seen(WANTED.fc, WANTED.fcd, WANTED.lagged, WANTED.covariance, WANTED.order, WANTED.psd, WANTED.cross)
    for name, cls in losses.TERMS.items():
        if name not in LIKELIHOODS:
            assert float(cls()(same, WANTED)) == pytest.approx(0, abs=1e-12), name
        assert float(cls()(SEEN, WANTED)) > float(cls()(same, WANTED)), name


def test_wishart_is_the_likelihood_of_gaussian_samples():
    data = RNG.multivariate_normal(np.zeros(N), WANTED.fc, size=90)
    s = data.T @ data / 90

    def nats(model):
        return 0.5 * 90 * (np.linalg.slogdet(model)[1] + np.trace(np.linalg.solve(model, s)))

    term = losses.Wishart(samples=90.0)
    a, b = np.asarray(fc_of(1)), np.asarray(fc_of(2))
    ours = [float(term(Seen(jnp.asarray(v)), WANTED._replace(fc=jnp.asarray(s)))) * N * (N - 1) / 2 for v in (a, b)]
    assert ours[0] - ours[1] == pytest.approx(nats(a) - nats(b), rel=1e-10)


def test_the_curvature_of_a_likelihoods_residuals_is_its_fisher_information():
    rng = np.random.default_rng(11)

    def gauss_newton(term, seen_at, wanted):
        slope = jax.jacfwd(lambda t: term.residuals(seen_at(t), wanted))(jnp.zeros(2))
        return 2 * slope.T @ slope

    a, b = (0.1 * (m + m.T) for m in rng.normal(size=(2, N, N)))
    fc = fc_of(1)
    information = 0.5 * 80 * np.array([[np.trace(np.linalg.solve(fc, x) @ np.linalg.solve(fc, y)) for y in (a, b)]
                                       for x in (a, b)])
    term, at = losses.Wishart(), lambda t: Seen(fc=fc + t[0] * a + t[1] * b)
    found = gauss_newton(term, at, WANTED._replace(fc=fc)) * N * (N - 1) / 2                    # in nats
    np.testing.assert_allclose(found, information, rtol=1e-9)
    # by differences of the likelihood's own value: its second derivative where the data are what it expects
    def nats(t):
        return float(term(at(t), WANTED._replace(fc=fc))) * N * (N - 1) / 2

    h = 1e-4
    bent = (nats([h, 0]) - 2 * nats([0, 0]) + nats([-h, 0])) / h**2
    assert bent == pytest.approx(information[0, 0], rel=1e-5)
    cross, windows, bins = cross_of(5), 20.0, np.asarray(WANTED.counts)
    moves = [m + np.conj(np.swapaxes(m, 1, 2)) for m in
             0.1 * (rng.normal(size=(2, 6, N, N)) + 1j * rng.normal(size=(2, 6, N, N)))]
    whitened = [np.linalg.solve(cross, m) for m in moves]
    information = windows * np.array([[(bins * np.trace(x @ y, axis1=1, axis2=2).real).sum() for y in whitened]
                                      for x in whitened])
    basis = jnp.asarray(rng.normal(size=(N, N)))                   # any basis of all dimensions
    found = gauss_newton(losses.Whittle(), lambda t: Seen(cross=cross + sum(
        x.astype(complex) * m for x, m in zip(t, moves, strict=True))),
                         WANTED._replace(cross=cross, basis=basis)) * windows * bins.sum() * N
    np.testing.assert_allclose(found, information, rtol=1e-8)


def test_residuals_of_a_likelihood_scatter_as_their_information_says():
    rng = np.random.default_rng(4)
    truth, windows = cross_of(5)[:1], 60
    root = np.linalg.cholesky(truth[0])
    z = root @ (rng.normal(size=(400, N, windows, 2)) @ [1.0, 1j] / np.sqrt(2))
    drawn = z @ np.conj(np.swapaxes(z, 1, 2)) / windows
    r = np.stack([deviance_residuals(truth, jnp.asarray(d)[None])[0] for d in drawn])
    np.testing.assert_allclose(2 * windows * r.var(0), 1.0, atol=0.3)         # four standard errors of 400 draws
    np.testing.assert_allclose(np.corrcoef(r.T), np.eye(N * N), atol=0.25)


def test_data_of_too_few_samples_leave_a_likelihood_its_value_and_no_residuals():
    rng = np.random.default_rng(2)
    few = jnp.asarray(np.corrcoef(rng.normal(size=(N, 3))))
    assert np.isfinite(losses.Wishart()(SEEN, WANTED._replace(fc=few)))
    assert losses.Wishart().residuals(SEEN, WANTED._replace(fc=few)) is None
    z = rng.normal(size=(6, N, 2)) + 1j * rng.normal(size=(6, N, 2))
    few = jnp.asarray(z @ np.conj(np.swapaxes(z, 1, 2)))
    assert np.isfinite(losses.Whittle()(SEEN, WANTED._replace(cross=few)))
    assert losses.Whittle().residuals(SEEN, WANTED._replace(cross=few)) is None


def test_squares_of_quantile_differences_are_a_wasserstein_distance():
    a, b = np.sort(RNG.normal(size=12)), np.sort(RNG.normal(0.5, 2.0, size=30))
    fine = (np.arange(6000) + 0.5) / 6000                           # 6000 holds both steps
    gap = a[(fine * 12).astype(int)] - b[(fine * 30).astype(int)]
    seen, wanted = Seen(fcd=jnp.asarray(a[::-1])), WANTED._replace(fcd=jnp.asarray(b))
    assert float(losses.FCDMSE()(seen, wanted)) == pytest.approx(np.mean(gap**2), rel=1e-10)
    assert float(losses.FCD()(seen, wanted)) == pytest.approx(np.mean(np.abs(gap)), rel=1e-10)


def test_sentences():
    with pytest.raises(InputError, match="FCD needs fcd"):
        (nmfit.loss.FC() + nmfit.loss.FCD()).check(("fc",), "a fit of FC in closed form")
    with pytest.raises(InputError, match=r"samples=\.\.\."):
        nmfit.loss.Wishart().check(("fc",), "a fit of FC in closed form")
    with pytest.raises(InputError, match="cross=True"):
        nmfit.loss.Whittle().check(("psd",), "this target of spectra")
    for text in ("FC + Nothing", "x * FC", "FC - FCD", "", "__import__('os')"):
        with pytest.raises(InputError, match="Write numbers times losses"):
            parse(text)
    with pytest.raises(InputError, match="0 or more"):
        -1.0 * nmfit.loss.FC()
    with pytest.raises(InputError, match="Add losses"):
        nmfit.loss.FC() + 1


def small_network(a=-0.4):
    weights = np.abs(np.random.default_rng(0).normal(size=(N, N)))
    weights = weights + weights.T - 2 * np.diag(np.diag(weights))
    return Network.of(weights, Hopf(a=a, f=0.05), G=0.1)


def test_lagged_covariance_in_closed_form():
    network = small_network(a=-0.02)
    linear = linearise(network, Direct())
    band = (0.01, 0.1)
    covariance, _ = linear.covariance(band, 400)
    np.testing.assert_allclose(closed.lagged_covariance(linear, 0.0, band, 400), covariance, rtol=1e-8, atol=1e-12)
    # nearly the whole axis, against the matrix exponential of dx = A x dt + sigma dW
    weights = np.asarray(network.strengths())
    own = -0.02 * np.eye(N) + weights - np.diag(weights.sum(1))
    turn = 2 * np.pi * 0.05 * np.eye(N)
    a = np.block([[own, -turn], [turn, own]])
    stationary = linalg.solve_continuous_lyapunov(a, -(0.02**2) * np.eye(2 * N))
    exact = (linalg.expm(3.0 * a) @ stationary)[:N, :N]
    ours = closed.lagged_covariance(linear, 3.0, (1e-9, 3.0), 1500)
    np.testing.assert_allclose(ours, exact, atol=2e-3 * np.abs(exact).max())


def test_envelopes_in_closed_form_and_from_series():
    rng = np.random.default_rng(9)
    mix = np.array([[1.0, 0.6], [0.0, 0.8]])
    z = (rng.normal(size=(40000, 2)) + 1j * rng.normal(size=(40000, 2))) @ mix
    empirical = np.corrcoef(np.abs(z).T)[0, 1]
    ours = envelope_correlation(jnp.asarray(z.T @ z.conj() / len(z)))
    assert float(ours[0, 1]) == pytest.approx(empirical, abs=0.02)
    linear = linearise(small_network(), Direct())
    c = closed.analytic_covariance(linear, (0.02, 0.1), 200)
    np.testing.assert_allclose(np.real(c) / 2, linear.covariance((0.02, 0.1), 200)[0], rtol=1e-8)


def test_global_signal_regression_is_one_projector_on_both_sides():
    data = np.random.default_rng(1).normal(size=(300, N)) @ (np.eye(N) + 0.5) * np.arange(1, N + 1)
    after = np.corrcoef(regress_global(data).T)
    np.testing.assert_allclose(fc_after_regression(np.corrcoef(data.T), np.ones((N, 1))), after, atol=1e-12)
    np.testing.assert_allclose(correlation(closed.regressed(jnp.asarray(np.corrcoef(data.T)))), after, atol=1e-12)
    # any nuisance that is a weighted sum of regions, against least squares
    weights = np.random.default_rng(2).normal(size=(N, 2))
    centred = data - data.mean(0)
    signals = centred @ weights
    left = centred - signals @ np.linalg.lstsq(signals, centred, rcond=None)[0]
    np.testing.assert_allclose(closed.regressed(jnp.asarray(np.cov(data.T)), weights), np.cov(left.T), atol=1e-10)


def test_other_sums_are_one_projector_on_both_sides_and_reach_the_objective():
    rng = np.random.default_rng(5)
    data = rng.normal(size=(500, N)) @ (np.eye(N) + 0.4)
    z = (data - data.mean(0)) / data.std(0)
    weights = np.array([[1.0, 1, 0, 0, 0], [0, 0, 1, 0, -1]])
    signals = z @ weights.T
    left = z - signals @ np.linalg.lstsq(signals, z, rcond=None)[0]
    target = nmfit.fc_target(np.corrcoef(left.T), band=(0.01, 0.1), nuisance=weights, n_volumes=500)
    after = fc_after_regression(np.corrcoef(data.T), weights.T)
    np.testing.assert_allclose(after, np.corrcoef(left.T), atol=1e-12)
    np.testing.assert_allclose(fc_after_regression(np.corrcoef(data.T), target.projector), after, atol=1e-12)
    assert "2 weighted sums of regions" in " ".join(target.notes)
    assert target.select([4, 0, 1]).nuisance.tolist() == [[0, 1, 1], [-1, 0, 0]]
    # the mean of all regions, said twice, is one sum
    both = nmfit.fc_target(np.corrcoef(data.T), gsr=True, nuisance=np.ones((1, N)))
    assert both.projector.shape == (N, 1)
    plan = plan_of(target, np.asarray(small_network().weights))
    ground = plan.ground(target.final)
    network = dataclasses.replace(ground.network, drive=SharedDrive(gain=np.full(N, 1e-6)))
    blocks = blocks_of(network, Rung("shared"), jnp.asarray(ground.maps), True, ground.slowest)
    with jax.enable_x64(True):
        fc, plain = (np.asarray(predicted_fc(origin_theta(blocks), problem_of(g, network, blocks, 0.0))[0])
                     for g in (ground, dataclasses.replace(ground, nuisance=None)))
    np.testing.assert_allclose(fc, fc_after_regression(plain, weights.T), atol=1e-10)
    for bad, said in ((np.ones((1, N + 1)), "one weight per region"), (np.zeros((1, N)), "zeros alone"),
                      (np.ones((3, N)), "fewer than half"), ("x", "one weight per region")):
        with pytest.raises(InputError, match=said):
            nmfit.fc_target(np.corrcoef(data.T), nuisance=bad)


def test_a_filter_of_before_narrows_the_band():
    data = np.random.default_rng(5).normal(size=(500, N))
    assert nmfit.fc_target(data, tr=2.0, filtered=(0.008, 0.09)).band == (0.01, 0.09)
    assert nmfit.fc_target(data, tr=2.0, filtered=(0.02, np.inf)).band == (0.02, 0.1)
    matrix = nmfit.fc_target(np.corrcoef(data.T), filtered=(0.008, 0.09))
    assert matrix.band == (0.008, 0.09)
    assert "filtered before: 0.008 to 0.09 Hz" in " ".join(matrix.notes)
    for band in ((0.005, 0.05), (0.01, 0.1)):
        with pytest.raises(InputError, match="Narrow the band"):
            nmfit.fc_target(data, tr=2.0, band=band, filtered=(0.008, 0.09))
    with pytest.raises(InputError, match="0 <= low < high"):
        nmfit.fc_target(data, tr=2.0, filtered=(0.1, 0.01))
    with pytest.raises(InputError, match="Give the band of the data"):
        nmfit.fc_target(data, tr=2.0, filtered=(0.12, 0.2))


def test_sidecars_tell_what_was_done_before(tmp_path):
    rng = np.random.default_rng(3)

    def read(**said):
        np.savetxt(tmp_path / "sub-1_bold.csv", rng.normal(size=(300, N)), delimiter=",")
        (tmp_path / "sub-1_bold.json").write_text(json.dumps({"RepetitionTime": 2.0, **said}))
        return nmfit.read_bold(str(tmp_path / "sub-1_bold.csv"))

    (run,) = read(ConfoundRegressors=["trans_x", "global_signal", "csf"], BandpassFilter=[0.01, 0.08])
    assert run.gsr
    assert run.filtered == (0.01, 0.08)
    target = nmfit.fc_target([run])
    assert target.band == (0.01, 0.08)
    assert "trans_x, csf; a model knows nothing of them, they cost the data 2 degrees" in " ".join(target.notes)
    assert target.samples < nmfit.fc_target([dataclasses.replace(run, confounds=())]).samples
    halfpipe = {"ConfoundsRemoval": ["csf"], "BandpassFilter": {"Type": "gaussian", "HpWidth": 125.0, "LpWidth": None}}
    (run,) = read(Setting=halfpipe)
    assert (run.gsr, run.filtered, run.confounds) == (False, (0.008, np.inf), ("csf",))
    (run,) = read(Setting={"BandpassFilter": {"Type": "frequency_based", "Low": 0.01, "High": 0.1}})
    assert run.filtered == (0.01, 0.1)
    for said, why in (({"BandpassFilter": "yes"}, "Write .low, high. in Hz"),
                      ({"BandpassFilter": [0.1, 0.01]}, "in Hz"),
                      ({"ConfoundRegressors": "csf"}, "Write a list of names"),
                      ({"GlobalSignalRegression": "no"}, "true or false"),
                      ({"GlobalSignalRegression": False, "ConfoundRegressors": ["global_signal"]}, "which is true")):
        with pytest.raises(InputError, match=why):
            read(**said)
    (run,) = read(GlobalSignalRegression=True)
    with pytest.raises(InputError, match="through simulation"):
        nmfit.scan_target([run])
    with pytest.raises(InputError, match="through simulation"):
        nmfit.fit(nmfit.fc_target([run]), small_network().weights, engine="simulated")
    other = nmfit.Recording(rng.normal(size=(300, N)), 2.0, gsr=True, filtered=(0.01, 0.1))
    with pytest.raises(InputError, match="no filter"):
        nmfit.fc_target([other, run])


def test_declared_regression_reaches_the_fit(tmp_path):
    rng = np.random.default_rng(3)
    runs = [rng.normal(size=(400, N)) @ (np.eye(N) + 0.3) for _ in range(2)]
    for i, run in enumerate(runs):
        np.savetxt(tmp_path / f"sub-{i}_bold.csv", regress_global(run), delimiter=",")
        (tmp_path / f"sub-{i}_bold.json").write_text(json.dumps(
            {"RepetitionTime": 2.0, "GlobalSignalRegression": True}))
    recordings = nmfit.read_bold(str(tmp_path / "sub-*_bold.csv"))
    target = nmfit.fc_target(recordings)
    assert target.gsr
    assert "global signal" in " ".join(target.notes)
    assert not nmfit.fc_target([r for r in runs], tr=2.0).gsr
    mixed = [recordings[0], nmfit.Recording(runs[1], 2.0)]
    with pytest.raises(InputError, match="processed alike"):
        nmfit.fc_target(mixed)
    weights = np.asarray(small_network().weights)
    with pytest.raises(InputError, match="leaves FC singular"):
        nmfit.fit(target, weights, loss=nmfit.loss.Wishart(samples=100.0))


@pytest.mark.long
def test_a_fit_after_regression_has_no_drive_and_negative_mean():
    runs = [np.random.default_rng(i).normal(size=(400, N)) @ (np.eye(N) + 0.3) for i in range(2)]
    target, weights = nmfit.fc_target([regress_global(run) for run in runs], tr=2.0, gsr=True), small_network().weights
    result = nmfit.fit(target, weights, n_null=0, max_rung="shared", starts=1, steps=20, confirm=False)
    assert [row["name"] for row in result.record["rungs"]] == ["shared"]             # no shared drive
    fc = result.arrays["fc_model"]
    assert fc[np.triu_indices(N, 1)].mean() < 0                       # what a projection leaves is negative on average


def synthetic_plan(loss):
    rng = np.random.default_rng(4)
    truth = small_network()
    with jax.enable_x64(True):
        covariance = np.asarray(linearise(truth.replace({"G": 0.3}), Direct()).covariance((0.01, 0.1))[0])
    data = rng.multivariate_normal(np.zeros(N), covariance / covariance.max(), size=600)
    target = nmfit.fc_target(np.corrcoef(data.T), band=(0.01, 0.1), n_volumes=100)
    return plan_of(target, np.asarray(truth.weights), norm="none", loss=loss), np.corrcoef(data.T)


def test_losses_reach_the_objective_and_the_default_stays():
    values = {}
    for name, loss in {"default": None, "same": nmfit.loss.FC() + 5 * nmfit.loss.MeanFC(),
                       "z": nmfit.loss.FCMSE(), "wishart": nmfit.loss.Wishart(samples=100.0),
                       "told": nmfit.loss.Wishart()}.items():
        plan, _ = synthetic_plan(loss)
        ground = plan.ground(plan.target.final)
        network = dataclasses.replace(ground.network, drive=SharedDrive(gain=np.full(N, 1e-6)))
        blocks = blocks_of(network, Rung("shared"), jnp.asarray(ground.maps), True, ground.slowest)
        problem, theta = problem_of(ground, network, blocks, 0.0), origin_theta(blocks)
        values[name] = float(fc_objective(theta, problem))
        assert np.isfinite(values[name])
    assert values["same"] == pytest.approx(values["default"], rel=1e-12)
    assert values["told"] == pytest.approx(values["wishart"])              # the target knows its 100 samples
    assert len({round(v, 9) for v in values.values()}) == 3
    with pytest.raises(InputError, match="n_volumes"):
        plan_of(nmfit.fc_target(np.eye(N) * 0.5 + 0.5), np.asarray(small_network().weights), loss=nmfit.loss.Wishart())
    with pytest.raises(InputError, match="engine='simulated'"):
        synthetic_plan(nmfit.loss.FCD())


@pytest.mark.long
@pytest.mark.parametrize("loss", [nmfit.loss.FCMSE(), nmfit.loss.Wishart(samples=100.0), nmfit.loss.FC()])
def test_losses_fit(loss):
    plan, empirical = synthetic_plan(loss)
    found = fit_rung(plan.ground(plan.target.final), Rung("shared"), steps=60)
    assert found.loss < found.start_loss
    np.testing.assert_allclose(found.fc, empirical, atol=0.2)


def test_surrogate_lowers_no_ks_of_a_linear_process():
    rng = np.random.default_rng(8)
    data = rng.normal(size=(800, 8)) @ (np.eye(8) + 0.4)
    own, twin = (series.fcd_values(v, 1.0, 40.0, 10.0) for v in (data, series.phase_randomised(data, 3)))
    assert series.ks_distance(own, twin) < 0.15


def test_confounds_that_no_region_makes_cost_samples_and_bend_nothing():
    rng = np.random.default_rng(6)
    volumes, count, draws = 120, 40, 1500
    mix = np.linalg.cholesky(np.array([[1.0, 0.5], [0.5, 1.0]]))
    left = np.empty(draws)
    for k in range(draws):
        data, confounds = rng.normal(size=(volumes, 2)) @ mix.T, np.cumsum(rng.normal(size=(volumes, count)), axis=0)
        data = data - confounds @ np.linalg.lstsq(confounds, data, rcond=None)[0]
        left[k] = np.corrcoef(data.T)[0, 1]
    samples = volumes * share_left(nmfit.Recording(data, 2.0, confounds=tuple(f"c{i}" for i in range(count))))
    assert samples == pytest.approx(volumes - count)
    z = np.arctanh(left)
    assert np.tanh(z.mean()) == pytest.approx(0.5, abs=4 / np.sqrt(draws * samples))
    assert z.std() == pytest.approx(1 / np.sqrt(samples - 3), rel=4 / np.sqrt(2 * draws))
    # a filter leaves 2 B T dimensions, of which they take theirs
    filtered = nmfit.Recording(np.cumsum(data, axis=0), 2.0, confounds=("a", "b"), filtered=(0.01, 0.11))
    assert share_left(filtered) == pytest.approx(1 - 2 / 48)
    spent = dataclasses.replace(filtered, confounds=tuple(f"c{i}" for i in range(60)))
    assert share_left(spent) == 0.0
