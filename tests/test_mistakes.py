"""Every mistake of the corpus is caught before fitting: what, where, what to do; what can be mended is said."""

import numpy as np
import pytest
from made_files import REGIONS, correlations, weights, write_matrix, write_mrtrix
from mistakes import MISTAKES, bold, read, series, sound

from nmfit.errors import InputError
from nmfit.io import read_leadfield, write_table
from nmfit.io.inputs import read_inputs


def test_the_sound_files_are_read(tmp_path):
    target, brain, _, _ = read_inputs(**sound(tmp_path))
    assert target.labels == brain.labels == REGIONS
    assert target.flags == ()


@pytest.mark.parametrize(("make", "words"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
def test_a_mistake_is_caught(tmp_path, make, words):
    with pytest.raises(InputError) as caught:
        read(tmp_path, make)
    problem = caught.value
    message = str(problem)
    assert "\n" not in message
    assert problem.where
    assert problem.found
    assert problem.remedy.endswith(".")
    for word in words:
        assert word in message, message


def test_the_corpus_is_large_and_has_no_name_twice():
    names = [row[0] for row in MISTAKES]
    assert len(set(names)) == len(names) >= 60


@pytest.mark.parametrize(("make", "words"), [
    (lambda f: {"sc": [write_mrtrix(f / "sc.csv")], "labels": f / "labels.tsv", "lengths": None},
     ["upper triangle only: mirrored", "diagonal zeroed"]),
    (lambda f: write_matrix(f / "sc.tsv", weights() + np.triu(weights(3)), REGIONS) or {}, ["asymmetric"]),
    (lambda f: write_matrix(f / "lengths.tsv", np.triu(20 + weights(1)), REGIONS) or {}, ["lengths: upper triangle"]),
    (lambda f: bold(f, series(t=800), [r.lower().replace("lh_", "L.").replace("rh_", "R.") for r in REGIONS]),
     ["spell regions differently, for example LH_Vis_1 = L.vis_1"]),
    (lambda f: bold(f, series(t=800, n=7), (*REGIONS, "Vermis")) | {"drop_bad": True}, ["dropped: Vermis"]),
    (lambda f: write_matrix(f / "fc.tsv", np.triu(correlations()), REGIONS) or {"bold": None, "fc": f / "fc.tsv"},
     ["upper triangle only: mirrored"]),
    (lambda _: {"tr": 0.9}, ["RepetitionTime 0.8 ignored, TR 0.9 was given"]),
    (lambda f: bold(f, series(t=800), [f"p{i}" for i in range(6)]) | {"map_names": {r: f"p{i}" for i, r in enumerate(
        REGIONS)}}, ["LH_Vis_1 = p0", "by the map of names"]),
])
def test_what_can_be_mended_is_mended_and_said(tmp_path, make, words):
    target, brain, _, _ = read_inputs(**(sound(tmp_path) | make(tmp_path)))
    told = " | ".join((*target.notes, *brain.notes))
    for word in words:
        assert word in told, told


def test_a_lead_field_in_another_order_is_put_in_order_by_name(tmp_path):
    rng = np.random.default_rng(0)
    channels, gain = ["Fp1", "Fp2", "Cz", "O1"], 50 * rng.normal(size=(4, 6))
    p, q = rng.permutation(4), rng.permutation(6)
    write_table(tmp_path / "lead.tsv", ("channel", *(REGIONS[i] for i in q)),
                [(channels[i].upper(), *gain[i, q]) for i in p])
    field = read_leadfield(tmp_path / "lead.tsv", ch_names=channels, labels=REGIONS, reference="none")
    np.testing.assert_array_equal(field.gain, gain)
    assert field.ch_names == tuple(channels)
    assert field.labels == REGIONS
