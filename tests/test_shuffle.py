"""Any permutation of regions or channels, with their labels, gives the same result after un-shuffling, to 1e-10."""

import numpy as np
import pytest
from made_eeg import NAMES, potentials

import nmfit as nf
from nmfit.io import align, read_eeg, sphere_leadfield, write_matrix, write_table
from nmfit.io.inputs import read_inputs

N = 6
LABELS = [f"{stem}_{side}" for stem in ("Rect", "Cuneus", "Insula") for side in "LR"]
QUICK = {"n_null": 4, "starts": 2, "steps": 20, "confirm": False, "sc_transform": "none"}     # shapes of test_resume


def made():
    rng = np.random.default_rng(0)
    weights = np.triu(rng.uniform(0.1, 1.0, (N, N)), 1)
    weights += weights.T
    mixed = np.linalg.cholesky(np.linalg.inv(np.diag(weights.sum(1) + 1.0) - weights))
    return weights, [rng.normal(size=(400, N)) @ mixed.T for _ in range(3)]


def back(array, at, labels):
    """Undo a permutation along every axis that is as long as there are regions."""
    order = [list(labels).index(label) for label in at]
    for axis, length in enumerate(array.shape):
        if length == len(order):
            array = np.take(array, order, axis=axis)
    return array


def same(one, other, labels, channels=()):
    for name, array in one.arrays.items():
        found = other.arrays[name]
        for own, theirs in ((labels, other.labels), (channels, other.arrays.get("ch_names", ()))):
            found = back(found, own, [str(x) for x in theirs]) if len(own) else found
        if array.dtype.kind == "f":
            assert np.abs(array - found).max() <= 1e-10 * max(1.0, np.abs(array).max()), name
        else:
            np.testing.assert_array_equal(array, found)
    assert one.score == pytest.approx(other.score, abs=1e-10)
    rows = [{(row["name"], row["region"]): row["value"] for row in result.parameters} for result in (one, other)]
    assert rows[0].keys() == rows[1].keys()
    for key, value in rows[0].items():
        assert rows[1][key] == pytest.approx(value, rel=1e-9), key


@pytest.fixture(scope="module")
def straight():
    return fitted(np.arange(N), np.arange(N))


def fitted(p, q, rung="maps"):
    weights, runs = made()
    brain = nf.Connectome(weights[np.ix_(p, p)], labels=[LABELS[i] for i in p])
    runs = [nf.Recording(run[:, q], 2.0, tuple(LABELS[i] for i in q)) for run in runs]
    brain, runs, _ = align(brain, runs)
    return nf.fit(nf.fc_target(runs), brain, max_rung=rung, maps=np.arange(N)[None][:, p] ** 2.0, **QUICK)


@pytest.mark.parametrize("seed", [1, 2])
def test_shuffled_regions_give_the_same_fit(straight, seed):
    rng = np.random.default_rng(seed)
    p, q = rng.permutation(N), rng.permutation(N)
    shuffled = fitted(p, q)
    assert shuffled.labels == [LABELS[i] for i in p]
    same(straight, shuffled, LABELS)
    named = [row["region"] for row in shuffled.parameters if row["region"] is not None]
    assert named[:len(set(named))] == shuffled.labels[:len(set(named))]


def test_shuffled_files_read_alike(tmp_path):
    weights, runs = made()
    fc, rng = np.corrcoef(runs[0].T), np.random.default_rng(3)
    targets = []
    for k in range(3):
        p, q, m = (rng.permutation(N) if k else np.arange(N) for _ in range(3))
        write_matrix(tmp_path / "sc.tsv", weights[np.ix_(p, p)], [LABELS[i] for i in p])
        write_matrix(tmp_path / "fc.tsv", fc[np.ix_(q, q)], [LABELS[i].upper() for i in q])
        write_table(tmp_path / "maps.tsv", ("region", "size"), [(LABELS[i], i) for i in m])
        target, brain, _, maps = read_inputs(sc=[tmp_path / "sc.tsv"], fc=tmp_path / "fc.tsv",
                                             maps=tmp_path / "maps.tsv")
        order = [brain.labels.index(label) for label in LABELS]
        chosen = target.select(order)
        targets.append((brain.weights[np.ix_(order, order)], maps[:, order], chosen.final.pool,
                        *[split.pairs for split in chosen.final.splits]))
    for other in targets[1:]:
        for one, found in zip(targets[0], other, strict=True):
            np.testing.assert_array_equal(one, found)


@pytest.mark.long
def test_shuffled_channels_and_regions_give_the_same_fit_of_spectra():
    rng = np.random.default_rng(0)
    weights, _ = made()
    places = np.array([[-30, 40, 20], [30, 40, 20], [-40, -20, 50], [40, -20, 50], [-15, -80, 10], [15, -80, 10]])
    data, results = potentials(60.0), []
    for k in range(2):
        p, q = (rng.permutation(m) if k else np.arange(m) for m in (N, len(NAMES)))
        recording = read_eeg(data[:, q], sfreq=200.0, ch_names=[NAMES[i] for i in q])
        target = nf.spectrum_target(recording, fmin=2, fmax=30)
        brain = nf.Connectome(weights[np.ix_(p, p)], labels=[LABELS[i] for i in p], centroids=places[p])
        field = sphere_leadfield(target.ch_names, brain.centroids, labels=brain.labels)
        results.append(nf.fit(target, brain, leadfield=field, n_null=1, starts=1, steps=15, max_rung="shared"))
    same(results[0], results[1], LABELS, NAMES)
