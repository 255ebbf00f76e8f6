"""Groups keep their own parameters and every region its own place."""

import numpy as np

from nmfit.models import Hopf
from nmfit.network import Network

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
