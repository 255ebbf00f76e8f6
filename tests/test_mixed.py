"""Networks of several models: which channel drives which, and groups that no instrument sees."""

import jax
import jax.flatten_util
import numpy as np
import pytest
from scipy.linalg import solve_continuous_lyapunov

from nmfit.dynamics import linearise
from nmfit.dynamics.simulate import simulate
from nmfit.dynamics.stability import full_jacobian, leading_root, unstable_roots
from nmfit.errors import InputError
from nmfit.models import FitzHughNagumo, Hopf, JansenRit, Kuramoto, ReducedWongWang, WilsonCowan
from nmfit.network import Connectome, Network
from nmfit.observe import Balloon, Direct

W = np.array([[0.0, 1.0, 0.5, 1.0], [0.3, 0.0, 0.2, 0.6], [0.0, 0.8, 0.0, 0.9], [0.4, 0.0, 0.7, 0.0]])
LENGTHS = np.full((4, 4), 30.0) - 30.0 * np.eye(4)
FREQS = np.arange(20.0, 60.0, 1.0)
DRIVES = [("thalamus.x", "cortex.E")]


def brain(weights=W, labels=("V1", "M1", "A1", "LGN")):
    return Connectome(weights=weights, lengths=LENGTHS, symmetric=False, labels=labels)


def thalamocortical(G=0.5, links=DRIVES, **options):
    cortex = WilsonCowan(sigma=0.02, P=0.5)
    return Network.of(brain(), {"cortex": (cortex, ["V1", "M1", "A1"]),
                                "thalamus": (Hopf(f=40.0, a=-5.0, sigma=0.15), ["LGN"])},
                      G=G, links=links, observed=["cortex"], **options)


def test_thalamus_drives_the_cortex_at_its_own_frequency_in_both_engines():
    for G, driven in ((0.5, True), (0.0, False)):
        network = thalamocortical(G=G)
        linear = linearise(network, Direct())
        assert linear.converged
        assert linear.abscissa() < 0
        expected = np.asarray(linear.psd(FREQS))
        run = simulate(network, 50.0, sample=0.005, dt=5e-4, warmup=1.0, seed=3)
        assert run.labels == ("V1", "M1", "A1")
        found = run.psd(FREQS, nperseg=400)
        for spectrum in (expected, found):
            assert spectrum.shape == (FREQS.size, 3)
            peaks = FREQS[np.argmax(spectrum, axis=0)]
            assert np.all(np.abs(peaks - 40.0) <= 1.0) == driven
        off = np.abs(FREQS - 40.0) > 5.0          # the window smears the peak
        np.testing.assert_allclose(found[off].mean(0), expected[off].mean(0), rtol=0.15)
        if driven:
            np.testing.assert_allclose(found.sum(0), expected.sum(0), rtol=0.2)


def test_mixed_channels_make_the_dense_system():
    # Three wires (x, y, E): the dense Jacobian by automatic differentiation of the whole network is the reference.
    network = thalamocortical(links=[("thalamus.x", "cortex.E", 2.0), ("cortex.E", "thalamus.y", -0.5)])
    linear = linearise(network, Direct())
    flat, build = jax.flatten_util.ravel_pytree(linear.x)

    def velocity(v):
        x = build(v)
        moved = network.drift(x, network.input(network.output(x)))
        return jax.flatten_util.ravel_pytree(moved)[0]

    dense = jax.jacfwd(velocity)(flat)
    np.testing.assert_allclose(velocity(flat), 0.0, atol=1e-8)
    ours = np.sort_complex(np.linalg.eigvals(full_jacobian(network, linear.x)))
    np.testing.assert_allclose(ours, np.sort_complex(np.linalg.eigvals(dense)), rtol=1e-9)
    noise = jax.flatten_util.ravel_pytree(network.diffusion(linear.x))[0]
    covariance = solve_continuous_lyapunov(dense, -np.diag(noise**2))
    reads = jax.jacfwd(lambda v: network.read(build(v), "bold_drive"))(flat)
    np.testing.assert_allclose(linear.covariance(nodes=400)[0], reads @ covariance @ reads.T, rtol=2e-4)


def test_what_a_link_says():
    # c_E of the cortex: its own E and twice the thalamus's x; the thalamus hears its own x and y, diffusively.
    network = thalamocortical(G=1.0, links=[("thalamus.x", "cortex.E", 2.0)])
    y = network.output({"cortex": np.array([[0.1, 0.2, 0.3], [0.0, 0.0, 0.0]]), "thalamus": np.array([[0.7], [0.9]])})
    c = network.input(y)
    heard = network.wiring.received("cortex", c[:, :3])
    np.testing.assert_allclose(heard, [W[:3, :3] @ [0.1, 0.2, 0.3] + 2.0 * 0.7 * W[:3, 3]])
    np.testing.assert_allclose(network.wiring.received("thalamus", c[:, 3:]), np.zeros((2, 1)))
    assert network.coupling.kind == "mixed"
    assert network.channels == ("cortex.E", "thalamus.x", "thalamus.y")


def test_diffusive_within_a_group_additive_between():
    weights = np.ones((4, 4)) - np.eye(4)
    network = Network.of(weights, {"a": (FitzHughNagumo(), [0, 1]), "b": (ReducedWongWang(), [2, 3])}, G=1.0)
    y = np.array([[1.0, 2.0, 5.0, 7.0]])
    np.testing.assert_allclose(network.input(y), [[2 - 1 + 12, 1 - 2 + 12, 7 + 3, 5 + 3]])


@pytest.mark.long
def test_delays_between_unlike_groups_count_in_the_leading_root():
    network = thalamocortical(delays=True, speed=2.0)
    linear = linearise(network, Direct())
    assert unstable_roots(network, linear.x) == 0
    assert leading_root(network, linear.x) < 0


@pytest.mark.long
@pytest.mark.parametrize("instrument", [Direct(), pytest.param(Balloon(), marks=pytest.mark.long)],
                         ids=lambda v: type(v).__name__)
def test_unseen_regions_act_and_are_not_read(instrument):
    model = ReducedWongWang()
    whole = Network.of(brain(), model, G=0.3)
    part = Network.of(brain(), model, G=0.3, observed=["A1", "V1"])
    full, seen = (linearise(n, instrument) for n in (whole, part))
    band = (0.01, 0.1)
    np.testing.assert_allclose(seen.covariance(band)[0], full.covariance(band)[0][np.ix_([0, 2], [0, 2])], rtol=1e-10)
    np.testing.assert_allclose(seen.psd([0.05]), full.psd([0.05])[:, [0, 2]], rtol=1e-10)
    runs = [simulate(n, 2.0, observe=instrument, sample=1.0, warmup=0, seed=1) for n in (whole, part)]
    np.testing.assert_allclose(runs[1].data, runs[0].data[:, [0, 2]], rtol=1e-12)
    assert runs[1].labels == ("V1", "A1")


def test_unseen_regions_in_the_rotating_and_symmetric_forms():
    weights = W + W.T
    for model in (Hopf(a=-0.1), Hopf(a=-0.1, f=np.array([0.04, 0.05, 0.06, 0.05]))):
        full = linearise(Network.of(weights, model, G=0.05), Direct())
        seen = linearise(Network.of(weights, model, G=0.05, observed=[3, 1]), Direct())
        assert seen.form == full.form
        np.testing.assert_allclose(seen.covariance((0.02, 0.08))[0],
                                   full.covariance((0.02, 0.08))[0][np.ix_([1, 3], [1, 3])], rtol=1e-10)


def test_an_unseen_group_needs_no_observable():
    groups = {"quiet": (ReducedWongWang(), [3]), "loud": (JansenRit(), [0, 1, 2])}
    eeg = Direct(reads="eeg_source")
    with pytest.raises(InputError, match=r"quiet.*ReducedWongWang has no eeg_source"):
        simulate(Network.of(brain(), groups, G=0.0), 1.0, observe=eeg)
    network = Network.of(brain(), groups, G=0.0, observed="loud")
    assert linearise(network, eeg).psd([10.0]).shape == (1, 3)
    assert simulate(network, 0.1, observe=eeg, warmup=0.1, dt=1e-3).data.shape[1] == 3


@pytest.mark.parametrize(("groups", "options", "words"), [
    ({"a": (Hopf(), [0, 1]), "b": (WilsonCowan(), [2, 3])}, {}, r"\('x', 'y'\) \(a\), \('E',\) \(b\).*links="),
    ({"a": (Hopf(), [0, 1]), "b": (WilsonCowan(), [2, 3])}, {"links": [("a.z", "b.E")]}, "a.z.*a.x, a.y, b.E"),
    ({"a": (Hopf(), [0, 1]), "b": (Hopf(), [2, 3])}, {"links": [("a.x", "a.y")]}, "both ends lie in one group"),
    ({"a": (Hopf(), [0, 1]), "b": (Kuramoto(), [2, 3])}, {"links": [("a.x", "b.sin")] * 2}, "given twice"),
    ({"a": (Hopf(), [0, 1]), "b": (WilsonCowan(), [2, 3])},
     {"links": [("a.x", "b.E")], "coupling": "diffusive"}, "equal outputs"),
    ({"a": (Hopf(), [0, 1]), "b": (Hopf(), [2, 3])}, {"coupling": "sideways"}, "sideways"),
    ({"a": (Hopf(), [0, 1]), "b": (Hopf(), [2, 3])}, {"observed": ["c"]}, "no region c"),
    ({"a": (Hopf(), [0, 1]), "b": (Hopf(), [2, 3])}, {"observed": []}, "observed"),
    ({"a": (Hopf(), [0, 1]), "b": (Hopf(), [2, 9])}, {}, "region index 9"),
    ({"a": (Hopf(), [0, 1]), "b": (Hopf(), [1, 2, 3])}, {}, "region M1 is also in group 'a'"),
    ({"a": (Hopf(), [0, 1]), "b": (Hopf(), [2])}, {}, "region LGN is in none"),
    ({"a": (Hopf(), [0, 1, 2, 3]), "b": (Hopf(), [])}, {}, "group 'b'.*no region"),
])
def test_what_does_not_fit_is_refused_by_name(groups, options, words):
    with pytest.raises(InputError, match=words):
        Network.of(brain(), groups, **options)
