"""External input and noise with a memory, in both engines."""

import jax
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from nmfit.dynamics import linearise
from nmfit.dynamics.simulate import simulate
from nmfit.errors import InputError
from nmfit.models import FitzHughNagumo, Hopf, ReducedWongWang, ThresholdLinear, WilsonCowan
from nmfit.network import Connectome, Network, Stimulus
from nmfit.observe import Direct

PAIR = np.array([[0.0, 1.0], [1.0, 0.0]])


def decision(coherence, noise=0.02, duration=2.0):
    """Two populations that quiet each other (Wong & Wang 2006), a stimulus of 30 Hz shared out by coherence."""
    at_rest, mean = 0.3255, 5.2e-4 * 30.0 / 0.2609
    population = ReducedWongWang(w=1.0, I_0=at_rest, J_N=0.2609, sigma=noise)
    shares = mean * np.array([1 + coherence, 1 - coherence])
    onset = np.concatenate([np.zeros((50, 2)), np.repeat(shares[None], round(duration / 0.01), 0)])
    return Network.of(PAIR, {"left": (population, [0]), "right": (population, [1])}, G=0.0497 / 0.2609,
                      links=[("left.S", "right.S", -1.0), ("right.S", "left.S", -1.0)],
                      stimuli=[Stimulus(channel="S", values=onset, every=0.01)])


def test_two_populations_decide_for_the_stronger_side():
    for coherence in (0.512, -0.512):
        run = simulate(decision(coherence), 2.5, sample=0.05, dt=1e-3, runs=6, seed=1)
        before, end = run.data[:, :8].mean((0, 1)), run.data[:, -1]
        assert np.all(before < 0.2)                                    # nothing is decided before the stimulus
        favoured = end[:, 0] - end[:, 1] if coherence > 0 else end[:, 1] - end[:, 0]
        assert np.all(favoured > 0.3)
    undecided = simulate(decision(0.0, noise=0.05, duration=3.0), 3.5, sample=0.1, dt=1e-3, runs=30, seed=2)
    left = (undecided.data[:, -1, 0] > undecided.data[:, -1, 1]).mean()
    assert 0.2 < left < 0.8


def test_fitzhugh_nagumo_starts_to_spike_at_the_published_current():
    # I = 0.726: rest below, cycle above (28.8 Hz at 0.8); the current comes from outside, the model has 0.65.
    for total, spikes in ((0.72, False), (0.74, True)):
        network = Network.of(PAIR, FitzHughNagumo(I=0.65), G=0.0,
                             stimuli=[Stimulus(channel="V", regions=["region_1"], values=total - 0.65)])
        run = simulate(network, 1.0, sample=5e-4, dt=1e-4, warmup=1.0, seed=None)
        swing = np.ptp(run.data[-1000:], axis=0)
        assert (swing[0] > 0.2) == spikes
        assert swing[1] < 1e-3
    linear = linearise(network, Direct())
    assert linear.abscissa() > 0


def test_constant_stimulus_moves_rest_as_the_models_own_input_does():
    stimulated = Network.of(PAIR, WilsonCowan(P=0.3), G=0.4, stimuli=[Stimulus(channel="E", values=[0.2, 0.0])])
    own = Network.of(PAIR, WilsonCowan(P=np.array([0.5, 0.3])), G=0.4)
    a, b = linearise(stimulated, Direct()), linearise(own, Direct())
    np.testing.assert_allclose(a.x["all"], b.x["all"], rtol=1e-12)
    np.testing.assert_allclose(a.psd([10.0, 30.0]), b.psd([10.0, 30.0]), rtol=1e-9)
    runs = [simulate(n, 0.5, sample=0.01, dt=2.5e-4, seed=4).data for n in (stimulated, own)]
    np.testing.assert_allclose(*runs, rtol=1e-10)


def test_stimulus_moves_a_rotating_plane_off_its_rest():
    network = Network.of(PAIR, Hopf(a=-0.5, f=0.1), G=0.1, stimuli=[Stimulus(channel="x", values=0.4)])
    linear = linearise(network, Direct())
    assert linear.form == "general"
    assert linear.converged
    assert np.abs(linear.x["all"]).max() > 0.1


def test_stimulus_in_time_is_followed_linearly():
    every, values = 0.05, np.array([0.0, 1.0, -0.5, 2.0, 0.0, 0.0])
    model = ThresholdLinear(eta=0.0)
    network = Network.of(PAIR, model, G=0.0, stimuli=[Stimulus(channel="r_E", regions=[1], values=values, every=every)])
    run = simulate(network, 0.4, sample=0.01, dt=1e-3, seed=None, warmup=3.0, scheme="rk4")

    def velocity(t, x):
        c = np.interp(t, every * np.arange(values.size), values)
        return np.asarray(moved(x[:, None], np.array([[c]]))).ravel()

    moved = jax.jit(model.drift)
    rest = linearise(Network.of(PAIR, model, G=0.0), Direct()).x["all"][:, 0]
    expected = solve_ivp(velocity, (0, 0.4), rest, t_eval=run.times, rtol=1e-9, atol=1e-10, max_step=0.005)
    np.testing.assert_allclose(run.data[:, 1], expected.y[0], rtol=1e-5)
    np.testing.assert_allclose(run.data[:, 0], rest[0], rtol=1e-6)


@pytest.mark.parametrize(("options", "words"), [
    ({"channel": "y", "values": 1.0}, "no group has that channel.*all.S"),
    ({"channel": "S", "values": 1.0, "regions": ["M2"]}, "no region M2"),
    ({"channel": "S", "values": [1.0, 2.0, 3.0]}, "shape \\(3,\\) for 2 regions"),
    ({"channel": "S", "values": [1.0, np.nan]}, "not finite"),
    ({"channel": "S", "values": [1.0, 2.0], "every": -1.0}, "every = -1"),
    ({"channel": "S", "values": 1.0, "regions": [0, 0]}, "given twice"),
])
def test_stimuli_that_do_not_fit(options, words):
    with pytest.raises(InputError, match=words):
        Network.of(PAIR, ReducedWongWang(), stimuli=[Stimulus(**options)])


def test_steps_too_coarse_for_what_enters():
    network = Network.of(PAIR, ReducedWongWang(), stimuli=[Stimulus(channel="S", values=[0.0, 1.0], every=5e-4)])
    with pytest.raises(InputError, match=r"longer than a stimulus's 0.0005 s"):
        simulate(network, 1.0, dt=1e-3)
    network = Network.of(PAIR, ReducedWongWang(), noise_tau=5e-4)
    with pytest.raises(InputError, match=r"longer than the noise's memory, 0.0005 s"):
        simulate(network, 1.0, dt=1e-3)
    with pytest.raises(InputError, match=r"OrnsteinUhlenbeck.tau"):
        Network.of(PAIR, ReducedWongWang(), noise_tau=-1.0)


def test_noise_with_a_memory_filters_the_spectrum():
    tau, freqs = 0.3, np.array([0.05, 0.2, 1.0])
    for model in (Hopf(a=-0.5, f=np.array([0.2, 0.25])), ReducedWongWang(), Hopf(a=-0.5, f=0.2)):
        white, coloured = (linearise(Network.of(PAIR, model, G=0.1, noise_tau=t), Direct()) for t in (None, tau))
        np.testing.assert_allclose(coloured.psd(freqs),
                                   white.psd(freqs) / (1 + (2 * np.pi * freqs[:, None] * tau) ** 2), rtol=1e-9)
    # one leaky region: the variance of a filtered Ornstein-Uhlenbeck process in closed form
    network = Network.of(PAIR, Hopf(a=-0.5, f=0.005), G=0.0, noise_tau=tau)
    w, a = 2 * np.pi * 0.005, 0.5
    z = lambda p: (1 + a * tau) / ((1 + a * tau) ** 2 + (w * tau) ** 2) * p  # noqa: E731
    variance = linearise(network, Direct()).covariance(nodes=200)[0][0, 0]
    np.testing.assert_allclose(variance, z(0.02**2 / (2 * a)), rtol=1e-6)


def test_simulated_noise_with_a_memory_agrees_with_the_closed_form():
    network = Network.of(PAIR, Hopf(a=-1.0, f=np.array([0.3, 0.35])), G=0.3, noise_tau=0.5)
    expected = linearise(network, Direct()).covariance(nodes=200)[0]
    run = simulate(network, 4000.0, sample=0.5, dt=0.1, warmup=20.0, runs=4, seed=5)
    np.testing.assert_allclose(run.covariance(), expected, rtol=0.08, atol=0.02 * expected.max())
    again = simulate(network, 4000.0, sample=0.5, dt=0.05, warmup=20.0, runs=4, seed=6)
    np.testing.assert_allclose(np.diag(again.covariance()), np.diag(expected), rtol=0.05)


def test_names_of_regions_come_from_the_connectome():
    brain = Connectome(weights=PAIR, labels=("V1", "M1"))
    assert simulate(Network.of(brain, Hopf()), 10.0, sample=1.0, warmup=0).labels == ("V1", "M1")
