"""The connectome: what is checked, what is repaired and said, and what is derived from it."""

import numpy as np
import pytest

from nmfit.errors import InputError
from nmfit.network.connectome import Connectome
from nmfit.network.names import canonical

LABELS = ("Front_L", "Front_R", "Back_L", "Back_R")


def symmetric(n=4, seed=0):
    w = np.random.default_rng(seed).uniform(0.1, 1, (n, n))
    w = (w + w.T) / 2
    np.fill_diagonal(w, 0)
    return w


def test_weights_are_from_column_to_row():
    w = np.zeros((3, 3))
    w[2, 0] = 5.0  # region_1 sends to region_3
    w[0, 2] = 1.0
    brain = Connectome(w, symmetric=False)
    assert (brain.weights @ [1.0, 0.0, 0.0]).tolist() == [0.0, 0.0, 5.0]
    with pytest.raises(InputError, match=r"from b to a .row 1, column 2. is -1"):
        Connectome([[0, -1], [1, 0]], labels=("a", "b"))


def test_what_is_fine_is_left_alone():
    w = symmetric()
    brain = Connectome(w, 10 * w, LABELS)
    assert brain.notes == ()
    np.testing.assert_array_equal(brain.weights, w)
    assert brain.scale == "raw"
    assert brain.labels == LABELS
    assert brain.named


def test_unnamed_regions_are_counted():
    brain = Connectome(symmetric())
    assert brain.labels == ("region_1", "region_2", "region_3", "region_4")
    assert not brain.named
    assert brain.select([3, 1]).labels == ("region_4_of_4", "region_2_of_4")
    assert not brain.select([3, 1]).select([0, 1]).named


def test_the_callers_arrays_are_copied_and_ours_are_read_only():
    w = symmetric() + np.eye(4)
    brain = Connectome(w)
    assert w[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        brain.weights[0, 1] = 3


def test_diagonal_is_zeroed_with_a_note():
    w = symmetric()
    np.fill_diagonal(w, [1, 0, np.nan, 2])
    brain = Connectome(w)
    assert not np.diag(brain.weights).any()
    assert brain.notes == ("diagonal zeroed (3 of 4 entries were not 0)",)


@pytest.mark.parametrize(("part", "name"), [(np.triu, "upper"), (np.tril, "lower")])
def test_a_triangle_is_mirrored_unless_directions_are_kept(part, name):
    w = symmetric()
    brain = Connectome(part(w), part(10 * w))
    np.testing.assert_array_equal(brain.weights, w)
    np.testing.assert_array_equal(brain.lengths, 10 * w)
    assert brain.notes == (f"{name} triangle only: mirrored", f"lengths: {name} triangle only: mirrored")
    kept = Connectome(part(w), symmetric=False)
    np.testing.assert_array_equal(kept.weights, part(w))


def test_asymmetric_weights_are_averaged_and_the_note_says_by_how_much():
    w = symmetric()
    w[0, 1], w[1, 0] = 1.0, 0.63  # the largest weight is 1
    brain = Connectome(w)
    assert brain.weights[0, 1] == brain.weights[1, 0] == pytest.approx(0.815)
    assert "asymmetric by up to 0.37 of the largest weight: averaged" in brain.notes[0]
    kept = Connectome(w, symmetric=False)
    np.testing.assert_array_equal(kept.weights, w)
    assert "kept, W[i, j] is from j to i" in kept.notes[0]


def test_directions_survive_select_and_normalise():
    w = symmetric(5)
    w[1, 0] = 3.0
    brain = Connectome(w, symmetric=False).normalised(norm="max").select([1, 0])
    np.testing.assert_allclose(brain.weights, [[0, 1], [w[0, 1] / 3, 0]])


def test_a_length_missing_in_one_direction_is_not_averaged_with_zero():
    lengths = np.array([[0, 80, 0], [0, 0, 40], [30, 60, 0]], dtype=float)
    brain = Connectome(symmetric(3), lengths)
    np.testing.assert_array_equal(brain.lengths, [[0, 80, 30], [80, 0, 50], [30, 50, 0]])
    assert "lengths differ between directions by up to 20 mm: averaged" in brain.notes


def test_isolated_regions_and_missing_lengths_are_noted():
    w = symmetric()
    w[2], w[:, 2] = 0, 0
    lengths = 50 * (w > 0)
    lengths[0, 1] = lengths[1, 0] = 0
    notes = Connectome(w, lengths, LABELS).notes
    assert notes == ("without any connection: Back_L", "2 of 6 weights have no tract length")


@pytest.mark.parametrize(("given", "words"), [
    ({"weights": np.ones((3, 4))}, ["3 x 4", "a square matrix"]),
    ({"weights": np.ones((1, 1))}, ["1 regions", "at least two"]),
    ({"weights": np.zeros((3, 3))}, ["every weight between two regions is 0"]),
    ({"weights": np.eye(3)}, ["every weight between two regions is 0"]),
    ({"weights": [[0, np.nan], [1, 0]], "labels": ("a", "b")}, ["from b to a (row 1, column 2)", "nan"]),
    ({"weights": [[0, np.inf], [1, 0]]}, ["inf", "region_2 to region_1"]),
    ({"weights": -symmetric()}, ["negative", "and 11 more", "FC"]),
    ({"weights": [["a", "b"], ["c", "d"]]}, ["not numbers"]),
    ({"weights": symmetric() * 1j}, ["complex"]),
    ({"weights": symmetric(), "labels": LABELS[:3]}, ["3 names", "expected 4"]),
    ({"weights": symmetric(), "labels": ("a", "b", "a", "c")}, ["more than once: a"]),
    ({"weights": symmetric(), "labels": ("a", "b", " ", "c")}, ["no name for region 3"]),
    ({"weights": symmetric(), "labels": "atlas.tsv"}, ["single string", "label file"]),
    ({"weights": symmetric(), "lengths": symmetric(3)}, ["(lengths)", "3 regions", "expected 4"]),
    ({"weights": symmetric(), "lengths": -10 * symmetric()}, ["the length from", "is -", "negative"]),
    ({"weights": symmetric(), "lengths": 0.1 * symmetric()}, ["longest tract", "mm"]),
    ({"weights": symmetric(), "lengths": 1e5 * symmetric()}, ["longest tract", "mm"]),
    ({"weights": symmetric(), "centroids": np.ones((4, 2))}, ["4 x 2", "4 x 3"]),
    ({"weights": symmetric(), "centroids": 0.05 * np.eye(4)[:, :3]}, ["span 0.05", "mm"]),
    ({"weights": symmetric(), "labels": LABELS, "centroids": [[1, 2, 3], [1, np.nan, 3], [9, 9, 9], [0, 0, 0]]},
     ["no finite position for Front_R"]),
])
def test_bad_matrices_are_refused_with_place_value_and_remedy(given, words):
    with pytest.raises(InputError) as refused:
        Connectome(**given, source="sc.csv")
    assert str(refused.value).startswith("sc.csv")
    for word in words:
        assert word in str(refused.value)
    assert refused.value.remedy.endswith(".")


@pytest.mark.parametrize("transform", ["none", "log1p", "sqrt"])
@pytest.mark.parametrize("norm", ["none", "max", "rowsum", "spectral"])
def test_normalising_does_what_it_says_and_says_what_it_did(transform, norm):
    raw = 1000 * symmetric(6)
    brain = Connectome(raw).normalised(transform, norm)
    w = {"none": raw, "log1p": np.log1p(raw), "sqrt": np.sqrt(raw)}[transform]
    np.testing.assert_allclose(brain.weights / brain.weights[0, 1], w / w[0, 1])
    unit = {"none": w.max(), "max": 1.0, "rowsum": brain.weights.sum(1).mean() * brain.weights.max(),
            "spectral": brain.weights.max() * np.abs(np.linalg.eigvalsh(brain.weights)).max()}[norm]
    assert brain.weights.max() == pytest.approx(unit)
    assert (brain.transform, brain.norm) == (transform, norm)
    if transform != "none" and norm != "none":
        assert brain.scale == f"{transform} / {norm}"


def test_a_transform_is_refused_on_scaled_weights():
    brain = Connectome(symmetric()).normalised("none", "max")
    with pytest.raises(InputError, match=r"already scaled .* Apply log1p to the raw weights"):
        brain.normalised("log1p", "max")
    with pytest.raises(InputError, match=r"'sum'.*max, rowsum"):
        brain.normalised("none", "sum")
    assert brain.normalised(norm="spectral").norm == "spectral"


def test_select_permutes_everything_alike():
    places = 50 * np.random.default_rng(2).normal(size=(4, 3))
    brain = Connectome(symmetric(), 100 * symmetric(seed=1), LABELS, places)
    order = np.array([2, 0, 3, 1])
    other = brain.select(order)
    assert other.labels == tuple(LABELS[i] for i in order)
    back = other.select(np.argsort(order))
    for name in ("weights", "lengths", "centroids"):
        np.testing.assert_array_equal(getattr(back, name), getattr(brain, name))
    np.testing.assert_array_equal(other.distances(), brain.distances()[np.ix_(order, order)])
    assert brain.select(np.array([True, False, True, False])).labels == ("Front_L", "Back_L")


@pytest.mark.parametrize(("label", "expected"), [
    ("Precentral_L", ("L", "precentral")), ("L_bankssts", ("L", "bankssts")), ("ctx-lh-bankssts", ("L", "bankssts")),
    ("rh.bankssts", ("R", "bankssts")), ("7Networks_LH_Vis_1", ("L", "vis_1")), ("17Networks_RH_Vis_1", ("R", "vis_1")),
    ("LH_Vis_1", ("L", "vis_1")), ("Left-Thalamus", ("L", "thalamus")), ("Right Frontal Pole", ("R", "frontal_pole")),
    ("rA1", ("R", "a1")), ("L_V1_ROI", ("L", "v1")), ("SFG_R_7_1", ("R", "sfg_7_1")),
    ("Brain-Stem", ("", "brain_stem")), ("Lateral_Occipital", ("", "lateral_occipital")),
    ("L_R_bridge", ("", "l_r_bridge")),
])
def test_spellings_of_a_region(label, expected):
    assert canonical(label) == expected


def test_hemispheres_by_label_then_by_place():
    labels = ("Front_L", "Front_R", "deep_1", "deep_2", "stem")
    places = [[9, 0, 0], [-9, 0, 0], [-20, 5, 5], [20, 5, 5], [1, 0, -30]]
    assert Connectome(symmetric(5), labels=labels, centroids=places).hemispheres().tolist() == ["L", "R", "L", "R", ""]
    assert Connectome(symmetric(5), labels=labels).hemispheres().tolist() == ["L", "R", "", "", ""]


def test_homotopic_pairs_are_left_and_right_and_mirrored():
    labels = ("R_a", "L_b", "L_a", "R_b", "L_c")
    assert Connectome(symmetric(5), labels=labels).homotopic().tolist() == [[1, 3], [2, 0]]
    places = [[30, 10, 0], [-40, 0, 0], [-30, 12, 0], [40, 50, 0], [0, 0, 9]]
    assert Connectome(symmetric(5), labels=labels, centroids=places).homotopic().tolist() == [[2, 0]]
    assert Connectome(symmetric(5)).homotopic().shape == (0, 2)


def test_distances_from_centroids_else_along_tracts():
    w = symmetric(4)
    lengths = np.array([[0, 10, 0, 0], [10, 0, 20, 0], [0, 20, 0, 0], [0, 0, 0, 0]], dtype=float)
    d = Connectome(w, lengths).distances()
    assert d[0, 2] == 30
    assert d[0, 3] == 30  # no tract reaches it: the longest path there is
    assert np.diag(d).tolist() == [0, 0, 0, 0]
    places = np.diag([30.0, 40, 50, 60])[:, :3]
    assert Connectome(w, lengths, centroids=places).distances()[0, 1] == 50
    assert Connectome(w).distances() is None


def test_mean_of_several_people():
    a, b = symmetric(), symmetric(seed=1)
    la = np.array([[0, 40], [40, 0]])
    lb = np.array([[0, 0], [0, 0]])
    lengths = [np.kron(np.eye(2), la) + 30 * np.kron([[0, 1], [1, 0]], np.ones((2, 2))),
               np.kron(np.eye(2), lb) + 50 * np.kron([[0, 1], [1, 0]], np.ones((2, 2)))]
    mean = Connectome.mean([Connectome(a, lengths[0], LABELS), Connectome(b, lengths[1], LABELS)])
    np.testing.assert_allclose(mean.weights, (a + b) / 2)
    assert mean.lengths[0, 1] == 40  # in one person only: not halved
    assert mean.lengths[0, 2] == 40
    assert mean.notes[0] == "mean of 2 connectomes"
    uneven = a.copy()
    uneven[0, 1] *= 1.5
    more = a.copy()
    more[0, 1] *= 1.2
    notes = Connectome.mean([Connectome(uneven), Connectome(more)]).notes
    assert len([note for note in notes if "in 2 of 2: asymmetric by up to 0." in note and " to 0." in note]) == 1


def test_mean_refuses_other_regions_and_other_scales():
    brain = Connectome(symmetric(), labels=LABELS)
    with pytest.raises(InputError, match="Front_R for Front_L"):
        Connectome.mean([brain, brain.select([1, 0, 2, 3])])
    with pytest.raises(InputError, match=r"3 regions.*expected 4"):
        Connectome.mean([brain, Connectome(symmetric(3))])
    with pytest.raises(InputError, match=r"weights are / max.*expected raw"):
        Connectome.mean([brain, brain.normalised()])
    with pytest.raises(InputError, match="none to average"):
        Connectome.mean([])


def test_it_says_what_it_is():
    brain = Connectome(symmetric(), 100 * symmetric(), LABELS, source="sc.csv").normalised("log1p", "spectral")
    assert repr(brain).startswith("<Connectome: 4 regions, density 1.00, lengths to ")
    assert "log1p / spectral, from sc.csv" in repr(brain)
