"""Groups keep their own parameters and every region its own place."""

import numpy as np
import pytest

import nmfit as nf
from nmfit.errors import InputError
from nmfit.models import Hopf
from nmfit.network import Connectome, Network

W = np.ones((4, 4)) - np.eye(4)


def test_groups_that_share_a_model_are_changed_one_by_one():
    model = Hopf(a=-0.1)
    network = Network.of(W, {"first": (model, [0, 1]), "second": (model, [2, 3])})
    changed = network.replace({"second.a": -0.7})
    assert changed.value("first.a") == -0.1
    assert changed.value("second.a") == -0.7


def test_one_group_in_another_order_sends_each_output_from_its_own_region():
    order = [2, 0, 3, 1]
    network = Network.of(W, {"all": (Hopf(), order)})
    state = {"all": np.array([np.array(order, float), np.zeros(4)])}      # region i holds the value i
    assert np.array_equal(network.output(state)[0], np.arange(4.0))


BRAIN = Connectome(W, 100.0 * W, labels=("a", "b", "c", "d"))


@pytest.mark.parametrize(("model", "options", "words"), [
    ("Hopf", {}, "model: found 'Hopf'. Give an instance"),
    (Hopf, {}, "model: found <class .*Hopf'>. Give an instance"),
    ({"x": Hopf()}, {}, "group 'x': found .*Give a model and its regions"),
    ({"x": (Hopf, [0, 1, 2, 3])}, {}, "group 'x': found .*Give a model and its regions"),
    ({"x": (Hopf(), [0.5, 1, 2, 3])}, {}, "group 'x': region 0.5. Name regions by label"),
    ({"x": (Hopf(), [True, 1, 2, 3])}, {}, "group 'x': region True. Name regions by label"),
    (Hopf(), {"G": np.ones(4)}, r"Coupling.G: shape \(4,\). Give one number\."),
    (Hopf(), {"speed": 5.0}, "speed: a network without delays"),
    (Hopf(), {"drive": np.nan}, "SharedDrive.gain: found nan"),
    (Hopf(), {"drive": np.ones(3)}, r"SharedDrive.gain: shape \(3,\) for 4 regions"),
    (Hopf(), {"noise_tau": -1.0}, "OrnsteinUhlenbeck.tau: found -1 s"),
])
def test_what_is_no_network_is_refused_at_construction(model, options, words):
    with pytest.raises(InputError, match=words):
        Network.of(BRAIN, model, **options)


@pytest.mark.parametrize(("call", "words"), [
    (lambda n: nf.simulate(n, 1.0, params={"speed": 5.0}), "parameter 'speed': this network has no delays"),
    (lambda n: nf.sweep(n, {"speed": [1.0, 2.0]}, 1.0), "parameter 'speed': this network has no delays"),
    (lambda n: nf.simulate(n, 1.0, observe="balloon"), "observe: found 'balloon'. Give an instrument"),
    (lambda n: nf.simulate(n.groups["all"], 1.0), "network: found Hopf. Make one with"),
    (lambda _: nf.sweep(W, {"G": [1.0]}, 1.0), "network: found ndarray. Make one with"),
    (lambda _: nf.linearise(W), "network: found ndarray. Make one with"),
    (lambda n: nf.linearise(n, "eeg"), "observe: found 'eeg'"),
])
def test_what_is_no_network_or_instrument_is_refused_before_anything_runs(call, words):
    with pytest.raises(InputError, match=words):
        call(Network.of(BRAIN, Hopf()))
