"""Check the ladder, the minimiser, error bars and null calibration.

``NMFIT_DATA=... python tests/benchmarks/issue_6.py PART [--count N] [--first N]``

Prints one line per figure: name, value, goal, pass or short, N, seconds. Lines that begin with # are tables; parts that
count over copies print a # line per copy, so that chunks (--first) can be added up.
"""

import argparse
import dataclasses
import os
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from figures import say
from issue_2 import hcp_inputs, schaefer_inputs, shipped_inputs, synthetic_brain
from scipy.optimize import minimize as scipy_minimize
from scipy.signal import welch

import nmfit
from nmfit.cli.compiled import keep_compiled_code
from nmfit.compare import closed, series
from nmfit.compare.empirical import fc_score, jackknife
from nmfit.dynamics import linearise
from nmfit.fit.corrected import confirmed, corrected
from nmfit.fit.determined import record_of, validation
from nmfit.fit.evidence import Null, beaten, climb_path, heldout, surrogate
from nmfit.fit.fc import TRANSFORMS, _score_folds, levels_of, plan_of, select_path
from nmfit.fit.ground import STEPS, TOLERANCE, _places, _starts, digest, fit_rung, predict, problem_of, with_drive
from nmfit.fit.identify import RECOVERED, coordinates_of, identify, relative_sizes
from nmfit.fit.ladder import SHRINKAGES
from nmfit.fit.minimise import STATUSES, Status, minimise
from nmfit.fit.objective import fc_objective, fc_objective_along
from nmfit.fit.rungs import LEVELS, Rung, blocks_of, default_ladder
from nmfit.fit.space import as_theta, as_vector, origin_theta, place
from nmfit.fit.threads import one_core_each, side_by_side
from nmfit.fit.uncertainty import interval, jackknife_values, standard_errors
from nmfit.io import Ledger
from nmfit.report import words

sys.path.insert(0, str(Path(__file__).parents[1]))
TR, BAND = 2.0, (0.01, 0.1)


def cliffs(count):
    """Six losses that break minimisers, beside plain Adam and SciPy's L-BFGS-B."""
    import test_cliffs as suite

    began = time.monotonic()
    print("# loss       end finite, no worse / within 1 % of the lowest: this minimiser, plain Adam, SciPy L-BFGS-B")
    totals = np.zeros((3, 2), int)
    for name, (loss, lowest, _) in suite.SUITE.items():
        points = suite.starts(name, count)
        rows = [[], [], []]
        for x in points:
            found = suite.search(name, x)
            if STATUSES[int(found.status)] is Status.CONVERGED and not found.loss <= 1.01 * lowest:
                print(f"# {name}: converged said at {float(found.loss):.4g}")
            rows[0].append((float(found.loss), float(found.start_loss)))
        value_and_grad = jax.jit(jax.value_and_grad(lambda x, f=loss: f({"x": x}, 0.0)))
        rows[1] = [_adam(value_and_grad, x) for x in points]
        rows[2] = [_scipy(value_and_grad, x) for x in points]
        told = []
        for k, ends in enumerate(rows):
            sound = sum(np.isfinite(end) and end <= start for end, start in ends)
            near = sum(bool(end <= 1.01 * lowest) for end, _ in ends)
            totals[k] += sound, near
            told.append(f"{sound:4d} / {near:4d}")
        print(f"# {name:9s} {'   '.join(told)}", flush=True)
    n = count * len(suite.SUITE)
    for k, who in enumerate(("nmfit", "plain_adam", "scipy_lbfgsb")):
        goals = ("100", ">=95") if k == 0 else ("-", "-")
        say(f"cliffs_{who}_sound_percent", 100 * totals[k, 0] / n, goals[0], k > 0 or totals[k, 0] == n, n, began)
        say(f"cliffs_{who}_near_percent", 100 * totals[k, 1] / n, goals[1], k > 0 or totals[k, 1] >= 0.95 * n, n, began)


def _adam(value_and_grad, x, steps=400, rate=0.1):
    with jax.numpy_dtype_promotion("standard"):
        solver = optax.adam(rate)
        state, first, x = solver.init(jnp.asarray(x)), None, jnp.asarray(x)
        update = jax.jit(solver.update)
        for _ in range(steps):
            value, slope = value_and_grad(x)
            first = float(value) if first is None else first
            move, state = update(slope, state)
            x = x + move
        return float(value_and_grad(x)[0]), first


def _scipy(value_and_grad, x):
    def both(at):
        value, slope = value_and_grad(jnp.asarray(at))
        return float(value), np.asarray(slope)

    with np.errstate(all="ignore"):
        found = scipy_minimize(both, x, jac=True, method="L-BFGS-B", options={"maxiter": 400})
    return float(found.fun), both(x)[0]


def truth_of(plan, level, drive, rng, slope=0.5):
    """Return a network whose parameters lie in a rung's own space, with slopes of a known size."""
    ground = plan.ground(plan.target.final)
    network = with_drive(ground.network, 0.3 if drive else 0.0)
    network = network.replace({"G": 6.0 * network.value("G"), "a": np.full(network.n, -0.1)})
    rung = Rung(level, drive)
    blocks = blocks_of(network, rung, ground.maps, True, ground.slowest)
    theta = origin_theta(blocks)
    coordinates = coordinates_of(blocks)
    for c, size in zip(coordinates, relative_sizes(blocks, theta, coordinates), strict=True):
        if c.kind != "level":
            theta[c.block] = theta[c.block].at[c.column].set(
                slope * rng.choice([-1.0, 1.0]) * rng.uniform(0.6, 1.4) / abs(size))
    return place(network, blocks, theta), ground


def recordings(fc, people, volumes, rng):
    """Return white Gaussian series whose correlations are an FC matrix's, in whatever band."""
    values, vectors = np.linalg.eigh(fc)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return [rng.standard_normal((volumes, len(fc))) @ root.T for _ in range(people)]


def fc_of(network, ground):
    """Return a network's FC in the ground's band, and whether it is stable and slow modes are seen."""
    own = type(next(iter(network.groups.values()))).__name__
    rung = Rung("shared", model=own)
    problem = problem_of(ground, network, blocks_of(network, rung, ground.maps, True, ground.slowest), 0.0)
    fc, abscissa, _ = predict(origin_theta(problem.blocks), problem)
    return np.asarray(fc), float(abscissa)


CASES = [(level, drive) for level in ("shared", "maps") for drive in (False, True)]


def rung(count, first=0, people=8, volumes=600):
    """Climb data made by a known rung: where the climb stops."""
    brain, began = synthetic_brain(24), time.monotonic()
    dummy = nmfit.fc_target(recordings(np.eye(brain.n), people, volumes, np.random.default_rng(0)), tr=TR)
    plan = plan_of(dummy, brain)
    stopped = above = 0
    with jax.enable_x64(True), one_core_each():
        for index in range(first, first + count):
            level, drive = CASES[index % len(CASES)]
            rng = np.random.default_rng([61, index])
            network, ground = truth_of(plan, level, drive, rng)
            data = nmfit.fc_target(recordings(fc_of(network, ground)[0], people, volumes, rng), tr=TR)
            here = dataclasses.replace(plan, target=data, seed=index)
            _, trials = select_path(here, data.final, default_ladder(), "none", 4)
            kept = [t.rung for t in trials if t.kept][-1]
            high = (LEVELS.index(kept.level), kept.drive) > (LEVELS.index(level), drive)
            stopped += (kept.level, kept.drive) == (level, drive)
            above += high
            gains = ", ".join(f"{t.rung.name} {t.gain:+.4f} of {t.needed:.4f}" for t in trials[1:])
            print(f"# {index}: made by {Rung(level, drive).name}, stopped at {kept.name} ({gains})", flush=True)
    say("ladder_stops_at_the_true_rung", stopped, f">={0.9 * count:g}", stopped >= 0.9 * count, count, began)
    say("ladder_climbs_above", above, f"<={0.05 * count:g}", above <= 0.05 * count, count, began)


def minima(count):
    """The nine-parameter fit on 100 regions: single cold starts beside the warm path."""
    target, brain, maps = schaefer_inputs("fcgradient01")
    plan, fold = plan_of(target, brain, maps=maps), target.folds[0]
    began = time.monotonic()
    with jax.enable_x64(True), one_core_each():
        ground = plan.ground(fold)
        warm = climb_path(ground, [(Rung("shared", True), 0.0), (Rung("maps", True), 0.0)], starts=plan.starts, seed=0)
        say("warm_path_loss", warm[-1].loss, "-", True, 1, began)
        say("warm_path_test_r", fc_score(warm[-1].fc, fold.score[0]), "-", True, 4950, began)
        rung_, found = Rung("maps", True), []
        network = next(iter(_places(ground, rung_, None)))
        problem = problem_of(ground, network, blocks_of(network, rung_, jnp.asarray(ground.maps), target.band
                                                        is not None, ground.slowest), 0.0)

        def cold(theta):
            end = minimise(fc_objective, theta, problem, 200, TOLERANCE)
            return float(end.loss), fc_score(np.asarray(predict(end.theta, problem)[0]), fold.score[0])

        found = side_by_side(cold, list(_starts(problem.blocks, count, 1, rung_)))
    losses, scores = np.array(found).T
    print("# cold losses", np.sort(losses).round(4))
    print("# cold test r", np.sort(scores).round(3))
    near = int((losses <= 1.01 * losses.min()).sum())
    say("cold_starts_within_1_percent_of_their_best", near, "-", True, count, began)
    say("cold_worst_test_r", scores.min(), "-", True, count, began)
    excess = 100 * (warm[-1].loss / losses.min() - 1)
    say("warm_path_over_best_cold_percent", excess, "<=1", excess <= 1, count, began)


def nulls(count, first=0, draws=400):
    """Permute connectomes before the fit: how often one of them is better than 19 others, by the rule that is used."""
    brain, began = synthetic_brain(40), time.monotonic()
    path = [(Rung("shared"), 0.0), (Rung("maps"), 0.0), (Rung("region", True), 1e-4)]
    alone = together = total = 0
    with jax.enable_x64(True), one_core_each():
        for index in range(first, first + count):
            rng = np.random.default_rng([62, index])
            dummy = nmfit.fc_target(recordings(np.eye(brain.n), 5, 600, rng), tr=TR)
            network, ground = truth_of(plan_of(dummy, brain), "region", True, rng)
            data = nmfit.fc_target(recordings(fc_of(network, ground)[0], 5, 600, rng), tr=TR)
            plan, fold = plan_of(data, brain), data.folds[0]

            def scores(k, plan=plan, fold=fold, index=index):
                own = np.random.default_rng([63, index, k])
                wrong = plan.ground(fold, lambda b: surrogate("permuted", b, own, None))
                return [fc_score(f.fc, fold.score.mean(0)) for f in climb_path(wrong, path, starts=2, seed=0, steps=60)]

            table = np.array(side_by_side(scores, range(40)))
            hits = np.zeros(2, int)
            for _ in range(draws):
                at = rng.permutation(len(table))[:20]
                null = Null("permuted", table[at[1:]], 19, table[at[0]])
                by_rung = [beaten(null, k, table[at[0]][k]) for k in range(len(path))]
                hits += null.p(len(path) - 1, table[at[0]][-1]) <= 0.05, any(by_rung)
            alone, together, total = alone + hits[0], together + hits[1], total + draws
            print(f"# data {index}: highest rung alone {100 * hits[0] / draws:.1f} %, any rung, adjusted "
                  f"{100 * hits[1] / draws:.1f} %", flush=True)
    for name, hit in (("highest_rung", alone), ("any_rung_adjusted", together)):
        share = 100 * hit / total
        say(f"null_better_than_nulls_{name}_percent", share, "3..7", 3 <= share <= 7, total, began)


MODERATE = 0.15             # mean FC of a truth


def moderate(ground):
    """Return the ground's network with the coupling whose FC is moderate on the whole."""
    upper, tried = np.triu_indices(ground.network.n, 1), []
    for factor in np.geomspace(0.3, 30.0, 16):
        network = with_drive(ground.network.replace({"G": factor * ground.network.value("G")}), 0.0)
        fc, abscissa = fc_of(network, ground)
        if abscissa < 0 and np.isfinite(fc).all():
            tried.append((abs(fc[upper].mean() - MODERATE), network))
    return min(tried, key=lambda pair: pair[0])[1]


def unlike(network, exact, ground):
    """Return FC that no parameters of a network make: wires off by half, a shared drive, noise of the measurement."""
    rng = np.random.default_rng(2)
    wires = np.asarray(network.weights) * np.exp(0.5 * np.triu(rng.standard_normal(exact.shape), 1))
    other = with_drive(dataclasses.replace(network, weights=jnp.asarray(np.triu(wires, 1) + np.triu(wires, 1).T)), 0.3)
    return 0.8 * fc_of(other, ground)[0] + 0.2 * np.eye(len(exact))


def coverage(count, first=0, model="Hopf", misspecified=False, people=8, volumes=300, n=16):
    """How often 95 % intervals hold the truth, by the jackknife over people and if the model is true.

    Of a misspecified model the truth is what endless data would give.
    """
    brain, began = synthetic_brain(n), time.monotonic()
    dummy = nmfit.fc_target(recordings(np.eye(brain.n), people, volumes, np.random.default_rng(0)), tr=TR, band=None)
    plan = plan_of(dummy, brain, model=model)
    held = {"jackknife": [], "model": []}
    with jax.enable_x64(True), one_core_each():
        ground = plan.ground(dummy.final)
        shared = Rung("shared", model=model)
        start = fit_rung(dataclasses.replace(ground, fc=0.3 + 0.7 * np.eye(brain.n)), shared, steps=8)
        truth = truth_of(plan, "shared", False, np.random.default_rng(1))[0] if model == "Hopf" else moderate(ground)
        exact, abscissa = fc_of(truth, ground)
        if misspecified:
            exact = unlike(truth, exact, ground)
            truth = fit_rung(dataclasses.replace(ground, fc=exact), shared,
                             dataclasses.replace(start, network=truth), steps=200).network
        print(f"# truth: G {float(truth.value('G')):.3g}, abscissa {abscissa:.3g} /s, mean FC "
              f"{exact[np.triu_indices(brain.n, 1)].mean():.2f}")

        def one(index):
            rng = np.random.default_rng([64, index])
            data = nmfit.fc_target(recordings(exact, people, volumes, rng), tr=TR, band=None)
            here = dataclasses.replace(ground, fc=data.final.pool)
            fitted = fit_rung(here, shared, dataclasses.replace(start, network=truth), steps=60)
            determined = identify(fitted, here, data.samples)
            from nmfit.fit.identify import value_errors

            out, errors = {}, value_errors(determined)
            for block in fitted.blocks:
                if block.name not in errors:
                    continue
                value = float(np.mean(np.asarray(fitted.network.value(block.name))))
                true = float(np.mean(np.asarray(truth.value(block.name))))
                error = float(np.mean(errors[block.name]))
                out["model", block.name] = abs(value - true) <= 1.96 * error
                if model == "Hopf":
                    refits = jackknife_values(fitted, here, data.final.units)
                    spread = float(np.mean(standard_errors(refits)[block.name]))
                    low, high = interval(value, spread, people, block.bounds)
                    out["jackknife", block.name] = low <= true <= high
            return out

        rows = []
        for index in range(first, first + count):
            rows.append(one(index))
    for key in rows[0]:
        held = 100 * np.mean([row[key] for row in rows])
        print(f"# {key[1]}, {key[0]}: {sum(row[key] for row in rows)} of {len(rows)}")
        name = f"coverage_{model}{'_misspecified' * misspecified}_{key[1]}_{key[0]}_percent"
        say(name, held, "92..98", 92 <= held <= 98, count, began)


def recovery(count, first=0, copies=40, n=24):
    """Whether a fit flags the parameters that do not come back from copies of its data, fitted as its data were.

    Data are made by a known rung, long and short by turns; r of truth and estimate is measured over copies. It counts
    as flagged what `fit` calls not recovered or at a bound.
    """
    brain, began = synthetic_brain(n), time.monotonic()
    dummy = nmfit.fc_target(recordings(np.eye(brain.n), 5, 300, np.random.default_rng(0)), tr=TR)
    plan, rows = plan_of(dummy, brain), []
    for index in range(first, first + count):
        level, drive = CASES[index % len(CASES)]
        rng, volumes = np.random.default_rng([65, index]), (310, 450, 700, 1200)[index // len(CASES) % 4]
        with jax.enable_x64(True), one_core_each():
            network, ground = truth_of(plan, level, drive, rng)
            exact = fc_of(network, ground)[0]
        data = nmfit.fc_target(recordings(exact, 5, volumes, rng), tr=TR)
        ladder = tuple((Rung(below, drive),) for below in LEVELS[:LEVELS.index(level) + 1])
        result = nmfit.fit(data, brain, ladder=ladder, sc_transform="none", n_null=0, confirm=False)
        told = [flag.split(":", 1)[1] for flag in result.record["flags"]
                if flag.startswith(("not_recovered:", "at_bound:"))]
        told = {name for names in told for name in names.split(", ")}
        case = []
        for row in nmfit.recover(result, n=copies, seed=index).rows:
            flagged = row["name"] in told
            case.append((row["r"], result.record["identifiability"]["recovery"][row["name"]], flagged))
            print(f"# {index}: {Rung(level, drive).name}, {volumes} volumes, {row['name']}: r {row['r']:.2f}, expected "
                  f"{case[-1][1]:.2f}, {'flagged' if flagged else '-'}", flush=True)
        rows += case
    r, _, flagged = np.array(rows).T
    lost, clear = r < RECOVERED, np.tanh(np.arctanh(np.minimum(r, 0.999999)) + 1.64 / np.sqrt(copies - 3)) < RECOVERED
    for name, at in (("", lost), ("_clearly", clear)):
        share = 100 * flagged[at].mean() if at.any() else np.nan
        say(f"not_recovered{name}_and_flagged_percent", share, ">=95", share >= 95, int(at.sum()), began)
    say("recovered_yet_flagged_percent", 100 * flagged[~lost].mean(), "-", True, int((~lost).sum()), began)


PEOPLE = {"dk68": "ebrains_dk68_subjects", "aal2": "hcp_aal2_80_subjects"}


def people_inputs(data="dk68"):
    """Return the target and the connectomes of ten people, 68 regions, or seven, 80 regions, and their recordings."""
    with np.load(Path(os.environ["NMFIT_DATA"]) / "fmri" / f"{PEOPLE[data]}.npz", allow_pickle=False) as d:
        labels = tuple(str(s) for s in d["labels"])
        runs = [nmfit.Recording(b.T.astype(float), float(d["tr"]), labels=labels, subject=f"{k}", source=f"person {k}")
                for k, b in enumerate(d["bold"])]
        return nmfit.fc_target(runs), [nmfit.Connectome(s.astype(float), labels=labels) for s in d["sc"]], runs


def beyond_fc(fitted, ground, runs, band):
    """Return how well a model predicts lagged correlations (r) and regional spectra (R2 of log power) of recordings."""
    tr, lag = runs[0].tr, 2
    linear = jax.jit(linearise)(fitted.network, ground.observation)
    model = np.asarray(closed.lagged_covariance(linear, lag * tr, band))
    deviation = np.sqrt(np.diag(np.asarray(linear.covariance(band, 48)[0])))
    passed = [series.trimmed(run.data, tr, band) for run in runs]
    data = np.mean([series.lagged_covariance(p, lag) / np.outer(p.std(0), p.std(0)) for p in passed], axis=0)
    off = ~np.eye(len(data), dtype=bool)
    freqs = np.linspace(band[0], band[1], 24)
    power = np.asarray(linear.psd(freqs)).T
    measured = []
    for run in runs:
        f, p = welch(run.data, 1.0 / tr, nperseg=min(256, len(run.data)), axis=0)
        measured.append([np.interp(freqs, f, column) for column in p.T])
    shapes = [np.log10(p / p.mean(1, keepdims=True)) for p in (power, np.mean(measured, axis=0))]
    spectrum = 1 - ((shapes[0] - shapes[1]) ** 2).sum() / ((shapes[1] - shapes[1].mean()) ** 2).sum()
    return float(np.corrcoef((model / np.outer(deviation, deviation))[off], data[off])[0, 1]), float(spectrum)


RICH_STEPS = 300            # both searches end by themselves before


def simulated_fit(fitted, ground, target, keep):
    """Return the FC that simulation shows after it was fitted, and its losses; kept in a folder where there is one."""
    def compute():
        found = corrected(fitted, ground, target)
        return {"fc": found.fitted.fc, "losses": np.array(found.losses)}

    problem = problem_of(ground, fitted.network, fitted.blocks, 0.0)
    return compute() if keep is None else keep(digest([problem, fitted.theta], "corrected"), compute)


def physiology(count, model="ReducedWongWang", drive=True, coupling=None, data="dk68", keep=None, free=(),
               simulate=False):
    """A physiological model begun from Hopf at equal freedom, on people who were not fitted; then simulated.

    Hopf couples as in its paper. Finished searches are kept in a folder, so that a later call goes on. With
    ``simulate`` every fold's simulation is fitted and scored, too.
    """
    target, brains, runs = people_inputs(data)
    keep, began = None if keep is None else Ledger(keep), time.monotonic()
    plan, hopf = (plan_of(target, brains, coupling=how, keep=keep) for how in (coupling, None))
    path = [(Rung("shared", drive), 0.0), (Rung("maps", drive), 0.0)]

    def both(fold):
        """Return the fits of both models and the grounds that they stand on."""
        ground = plan.ground(fold)
        simple = climb_path(hopf.ground(fold), path, starts=4, seed=0)[-1]
        rich = fit_rung(ground, Rung("maps", drive, model, free=free), simple, starts=2, seed=0, steps=RICH_STEPS)
        return (simple, hopf.ground(fold)), (rich, ground.under(model))

    rows, shown, folds = [], [], target.folds[:count]
    with jax.enable_x64(True), one_core_each():
        for fold in folds:
            fits = both(fold)
            out = [k for k in range(len(runs)) if k not in fold.people]
            row = []
            for fitted, here in fits:
                score = np.mean([fc_score(fitted.fc, unit) for unit in fold.score])
                row += [score, *beyond_fc(fitted, here, [runs[k] for k in out], target.band)]
            rows.append(row)
            (simple, _), (rich, _) = fits
            print(f"# left out {out}: FC r, lagged r, spectrum R2: Hopf {np.round(row[:3], 3)}, {model} "
                  f"{np.round(row[3:], 3)}; loss {simple.loss:.4f}, {rich.loss:.4f} ({rich.status.name.lower()}); free "
                  f"{simple.free}, {rich.free}", flush=True)
            if simulate:
                found = simulated_fit(*fits[1], target, keep)
                shown.append(np.mean([fc_score(found["fc"], unit) for unit in fold.score]))
                print(f"# simulated: FC r {shown[-1]:.3f}; losses {np.round(found['losses'], 4)}", flush=True)
        rows = np.array(rows)
        if simulate:
            gain, error = jackknife(np.array(shown) - rows[:, 0])
            say(f"heldout_fc_r_{model}_simulated", np.mean(shown), "-", True, len(rows), began)
            say(f"{model}_simulated_minus_Hopf_heldout_r", gain, ">=-1 s.e.", gain >= -error, len(rows), began)
            print(f"# standard error over folds {error:.4f}")
        gain, error = jackknife(rows[:, 3] - rows[:, 0])
        for name, at in (("fc_r", 0), ("lagged_r", 1), ("spectrum_r2", 2)):
            for who, shift in (("Hopf", 0), (model, 3)):
                say(f"heldout_{name}_{who}", rows[:, at + shift].mean(), "-", True, len(rows), began)
        say(f"{model}_minus_Hopf_heldout_r", gain, ">=-1 s.e.", gain >= -error, len(rows), began)
        print(f"# standard error over folds {error:.4f}")
        _, (rich, here) = both(target.final)
        told, rich, here = confirmed(rich, here, target.final.pool, target)
        named = ("score", "difference", "sampling_error", "rmse", "sampling_rmse", "agrees", "sigma", "corrected")
        print("# confirmation", {name: told.get(name) for name in named}, flush=True)
        say(f"{model}_confirmed_by_simulation", bool(told["agrees"]), 1, bool(told["agrees"]), 20, began)
        determined = identify(rich, here, target.samples)
        refits = jackknife_values(rich, here, target.final.units)
        spread = standard_errors(refits)
        for block in rich.blocks:
            if block.name not in spread:
                continue
            value = np.atleast_1d(np.asarray(rich.network.value(block.name)))
            print(f"# {block.name}: mean {value.mean():.4g} +- {np.mean(spread[block.name]):.2g} (jackknife), "
                  f"{value.min():.4g} to {value.max():.4g} over regions")
        for sentence in words.determined({"identifiability": record_of(determined, rich)}):
            print("#", sentence)
        print("#", validation(rich, determined)[1])


EXHAUSTIVE = {"gw": shipped_inputs, "hcp": hcp_inputs}
COLD = 8                    # starts of every setting: what `fit` takes where local minima are likely


def exhaustive(count, first=0, data="gw", keep=None):
    """The ladder beside a search of every rung, transform and shrinkage from cold starts, judged on the score part.

    The search is an oracle: it takes whatever scores highest on the person who was left out, which no user could.
    It spends nothing on choosing, and every fold from ``first`` is kept in a folder, so that chunks add up.
    """
    target, brains = EXHAUSTIVE[data]()
    count = min(count, len(target.folds))
    folder, began = Path(keep or f"exhaustive_{data}"), time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    nmfit.fit(target, brains, n_null=0, confirm=False, steps=2)                # compiles
    levels = levels_of(target, None, "region", None)
    plan = plan_of(target, brains, model=levels[0][0].model)
    ladder = folder / f"ladder_{count}.npz"
    if not ladder.exists():
        some, used = dataclasses.replace(target, folds=target.folds[:count]), time.process_time()
        result = nmfit.fit(some, brains, n_null=0, confirm=False)
        whole, used = time.process_time() - used, time.process_time()
        with jax.enable_x64(True), one_core_each():
            here, trials = select_path(dataclasses.replace(plan, target=some), some.final, levels, None, plan.starts)
            _score_folds(here, levels, [(t.rung, t.shrinkage) for t in trials if t.kept], None)
        np.savez(ladder, score=result.score, seconds=whole, searching=time.process_time() - used, rung=result.chosen)
        print("#", result.summary().replace("\n", "\n# "), flush=True)
    settings = [(transform, rung, shrinkage) for transform in TRANSFORMS
                for rung in (Rung(level, drive) for level in ("shared", "maps", "region") for drive in (False, True))
                for shrinkage in (SHRINKAGES if rung.level == "region" else (0.0,))]
    for index in range(first, count):
        fold, path = target.folds[index], folder / f"fold_{index}.npz"
        if not path.exists():
            rows = [_cold(dataclasses.replace(plan, transform=transform).ground(fold), fold, rung, shrinkage)
                    for transform, rung, shrinkage in settings]
            np.savez(path, rows=np.array(rows))
            print(f"# fold {index}: {np.array(rows)[:, :, 2].sum():.0f} processor seconds", flush=True)
    found = [folder / f"fold_{index}.npz" for index in range(count)]
    if all(path.exists() for path in found):
        _told(np.stack([np.load(path)["rows"] for path in found]), settings, np.load(ladder), began)


def _cold(ground, fold, rung, shrinkage):
    """Return loss, held-out r and processor seconds of every cold start of a setting, each searched to its end."""
    rows = []
    with jax.enable_x64(True), one_core_each():
        network = next(iter(_places(ground, rung, None)))
        blocks = blocks_of(network, rung, jnp.asarray(ground.maps), ground.level_known, ground.slowest)
        problem = problem_of(ground, network, blocks, shrinkage)
        for theta in _starts(blocks, COLD, 0, rung):
            used = time.process_time()
            end = minimise(fc_objective_along, as_vector(blocks, theta), problem, STEPS[rung.level], TOLERANCE)
            fc = np.asarray(predict(as_theta(blocks, end.theta), problem)[0])
            score = heldout(fc, fold) if np.isfinite(fc).all() else -1.0
            rows.append((float(end.loss), score, time.process_time() - used))
    return rows


def _told(rows, settings, ladder, began):
    """Print every setting's score and cost, and what the ladder reaches of the best; rows: fold, setting, start."""
    folds, score, spent, searching = len(rows), *(float(ladder[name]) for name in ("score", "seconds", "searching"))
    print("# transform, rung, shrinkage: held-out r of the lowest loss, of the best start, processor seconds")
    lowest = _of_lowest_loss(rows)
    for k, (transform, rung, shrinkage) in enumerate(settings):
        print(f"# {transform:5s} {rung.name:14s} {shrinkage:7g}: {lowest[k]:.4f} "
              f"{rows[:, k, :, 1].mean(0).max():.4f} {rows[:, k, :, 2].sum():.1f}")
    print(f"# ladder: {ladder['rung']}, r {score:.4f}, {spent:.1f} processor seconds, of them {searching:.1f} to climb")
    for starts in (1, 2, 4, COLD):
        some = rows[:, :, :starts]
        best, seconds = _of_lowest_loss(some).max(), some[..., 2].sum()
        print(f"# search, {starts} starts: r {best:.4f}, {seconds:.1f} processor seconds; the ladder has "
              f"{score / best:.4f} of r at {spent / seconds:.3f} of the cost, {searching / seconds:.3f} for the climb")
    bests = {"best": lowest.max(), "best_of_any_start": rows[..., 1].mean(0).max(),
             "best_of_each_fold": rows[..., 1].max((1, 2)).mean()}
    for name, best in bests.items():
        say(f"ladder_share_of_{name}", score / best, ">=0.98", score >= 0.98 * best, folds, began)
    share = spent / rows[..., 2].sum()
    say("ladder_share_of_compute", share, "<=0.3", share <= 0.3, folds, began)


def _of_lowest_loss(rows):
    """Return every setting's held-out r at the start of lowest loss, the mean over folds."""
    return np.take_along_axis(rows[..., 1], rows[..., 0].argmin(2)[..., None], 2)[..., 0].mean(0)


COUNTS = {"exhaustive": 5, "physiology": 6, "cliffs": 100, "rung": 100, "minima": 32, "nulls": 5, "coverage": 500,
          "recovery": 32}
CHUNKED = ("rung", "nulls", "coverage", "exhaustive", "recovery")


def main():
    """Run the parts asked for, all unless named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", choices=[*COUNTS, []])
    parser.add_argument("--count", type=int)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--model", default="Hopf")
    parser.add_argument("--data", choices=(*EXHAUSTIVE, *PEOPLE), help="of exhaustive, or (dk68, aal2) of physiology")
    parser.add_argument("--keep", help="folder in which the parts exhaustive and physiology keep what is finished")
    parser.add_argument("--coupling", choices=("additive", "diffusive"), help="of physiology; each model's own")
    parser.add_argument("--free", nargs="*", default=(), help="which parameters of physiology differ between regions")
    parser.add_argument("--misspecified", action="store_true", help="coverage where no parameters make the data")
    parser.add_argument("--simulate", action="store_true", help="fit every fold of physiology through simulation, too")
    asked = parser.parse_args()
    keep_compiled_code()
    jax.config.update("jax_enable_x64", True)
    for part in asked.parts or COUNTS:
        more = {"first": asked.first} if part in CHUNKED else {}
        more |= {"data": asked.data or "gw", "keep": asked.keep} if part == "exhaustive" else {}
        more |= {"model": asked.model, "misspecified": asked.misspecified} if part == "coverage" else {}
        more |= {"model": asked.model} if part == "physiology" and asked.model != "Hopf" else {}
        more |= ({"coupling": asked.coupling, "data": asked.data or "dk68", "keep": asked.keep,
                  "free": tuple(asked.free), "simulate": asked.simulate} if part == "physiology" else {})
        globals()[part](asked.count or COUNTS[part], **more)


if __name__ == "__main__":
    main()
