"""The recordings that ship: what they hold is what their truth says."""

import dataclasses
import json

import numpy as np
import pytest

import nmfit as nf
from nmfit.fit.spectrum.measures import alpha_peak
from nmfit.io import sphere_leadfield
from nmfit.io.tables import read_table

FOLDER = nf.sample("synthetic_eeg")


def truth():
    """Return the network that made the recordings (eyes closed) and its lead field, from the files beside them."""
    told = json.loads((FOLDER / "truth.json").read_text())
    table = read_table(FOLDER / "truth_regions.tsv")
    column = dict(zip(table.columns, table.values.T, strict=True))
    brain = nf.template(told["connectome"]["template"])
    assert table.rows == brain.labels
    rates = {name: told["shared"][name] for name in ("a", "b", "A", "B")}
    network = nf.Network.of(brain.normalised("none", "rowsum"), nf.JansenRit(**rates), delays=True,
                            G=told["shared"]["G"], speed=told["shared"]["speed"])
    return told, brain, network.replace({"noise": column["noise"], "p": column["p_eyesclosed"]})


def recorded(state):
    return nf.read_eeg(FOLDER / f"sub-01_task-{state}_eeg.edf")


def test_a_recording_holds_what_its_truth_says():
    told, brain, network = truth()
    recording = recorded("eyesclosed")
    assert recording.seconds == told["seconds"]
    assert recording.bads == ()
    target = nf.spectrum_target(recording, seconds=2.0)
    sphere = sphere_leadfield(recording.ch_names, brain.centroids, labels=brain.labels, orientation="isotropic")
    leadfield = dataclasses.replace(sphere, **told["sensors"])
    linear = nf.linearise(network, leadfield)
    nodes = target.nodes[::8]
    truth_psd = np.asarray(linear.psd(nodes)) + np.asarray(leadfield.noise_psd(nodes))
    at = np.array([np.argmin(np.abs(target.freqs - f)) for f in nodes if f >= 2.0])
    apart = np.log10(target.psd["fit"][at]) - np.log10(truth_psd[nodes >= 2.0])
    assert np.abs(apart.mean()) < 0.03
    assert apart.std() < 0.12
    oz = recording.ch_names.index("Oz")
    assert alpha_peak(target.freqs, target.psd["fit"][:, oz]) == pytest.approx(told["alpha_hz"]["eyesclosed"], abs=0.25)


def test_open_eyes_have_less_alpha_behind_and_as_much_in_front():
    ratio = {}
    closed, opened = (nf.spectrum_target(recorded(state)) for state in ("eyesclosed", "eyesopen"))
    alpha = (closed.freqs >= 8) & (closed.freqs <= 13)
    for name in ("Oz", "Fz"):
        at = closed.ch_names.index(name)
        ratio[name] = closed.psd["fit"][alpha, at].mean() / opened.psd["fit"][alpha, at].mean()
    assert ratio["Oz"] > 2
    assert 0.5 < ratio["Fz"] < 2
