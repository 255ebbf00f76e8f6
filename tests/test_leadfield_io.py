"""Lead fields from files, forward solutions and the sphere."""

import os
from collections import namedtuple
from pathlib import Path

import mne
import numpy as np
import pytest
from made_eeg import NAMES

from nmfit.errors import InputError
from nmfit.io import read_leadfield, sphere_leadfield

CENTROIDS = np.array([[-25.0, 55, 10], [25, 55, 10], [-45, -20, 50], [45, -20, 50], [-20, -95, 5], [20, -95, 5]])
NORMALS = CENTROIDS / np.linalg.norm(CENTROIDS, axis=1, keepdims=True)
LABELS = ("L_front", "R_front", "L_motor", "R_motor", "L_back", "R_back")
Parcel = namedtuple("Parcel", "name hemi vertices")


@pytest.fixture(scope="module")
def forward():
    """A free forward solution of 12 dipoles in a sphere: six pairs."""
    with mne.utils.use_log_level("ERROR"):
        info = mne.create_info(list(NAMES), 1000.0, "eeg")
        info.set_montage(mne.channels.make_standard_montage("biosemi64"))
        places = np.concatenate([CENTROIDS, CENTROIDS + np.array([0, 0, 8.0])]) / 1000 * 0.7
        normals = np.random.default_rng(0).normal(size=(12, 3))
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        sphere = mne.make_sphere_model((0, 0, 0), 0.095)
        source = mne.setup_volume_source_space(pos={"rr": places, "nn": normals}, sphere_units="m")
        identity = mne.transforms.Transform("mri", "head", np.eye(4))
        return mne.make_forward_solution(info, identity, source, sphere, meg=False, eeg=True, mindist=0.0)


def fixed_gain(forward):
    free = forward["sol"]["data"].reshape(len(NAMES), -1, 3)
    return np.einsum("snd,nd->sn", free, forward["src"][0]["nn"][forward["src"][0]["vertno"]])


def average(gain):
    return gain - gain.mean(0)


PAIRS = [Parcel(f"{label}-lh", "lh", [i, i + 6]) for i, label in enumerate(LABELS)]


def test_the_sphere_sees_what_is_near():
    field = sphere_leadfield(NAMES, CENTROIDS, NORMALS, labels=LABELS)
    assert field.template
    assert field.gain.shape == (len(NAMES), 6)
    assert np.allclose(field.gain.sum(0), 0, atol=1e-9)
    loudest = [NAMES[i] for i in np.argmax(field.gain, axis=0)]
    assert loudest == ["Fp1", "Fp2", "C3", "C4", "O1", "O2"]
    assert 5 < np.abs(field.gain).max() < 1000                        # V/(A m)


def test_orientations():
    fixed = sphere_leadfield(NAMES, CENTROIDS, 3 * NORMALS, labels=LABELS)
    free = sphere_leadfield(NAMES, CENTROIDS, labels=LABELS, orientation="isotropic")
    radial = sphere_leadfield(NAMES, CENTROIDS, labels=LABELS, orientation="radial")
    mixed = sphere_leadfield(NAMES, CENTROIDS, NORMALS, labels=LABELS, orientation="mixed")
    assert free.gain.shape == (len(NAMES), 6, 3)
    assert np.allclose(mixed.gain, fixed.gain)
    assert np.allclose(mixed.spread, free.gain)
    # any direction is a mixture of the three, radial among them
    for i in range(6):
        left = np.linalg.lstsq(free.gain[:, i], radial.gain[:, i], rcond=None)
        assert left[1].sum() < 1e-15
        assert np.isclose(np.linalg.norm(left[0]), np.sqrt(3))
    with pytest.raises(InputError, match="'fixed' without normals"):
        sphere_leadfield(NAMES, CENTROIDS, orientation="fixed")


def test_electrodes_of_another_frame_scale_the_sphere():
    template = sphere_leadfield(NAMES, CENTROIDS, NORMALS)
    places = np.array([c["loc"][:3] for c in _info("colin27_1005")["chs"]])
    same = sphere_leadfield(NAMES, CENTROIDS, NORMALS, positions=places)
    smaller = sphere_leadfield(NAMES, CENTROIDS, NORMALS, positions=0.9 * places)
    biosemi = sphere_leadfield(NAMES, CENTROIDS, NORMALS, montage="biosemi64")
    for other, least in ((same, 0.98), (smaller, 0.98), (biosemi, 0.9)):
        r = [np.corrcoef(a, b)[0, 1] for a, b in zip(template.gain.T, other.gain.T, strict=True)]
        assert np.median(r) > least
    # potentials grow as the square of the distance shrinks
    assert np.isclose(np.median(np.std(smaller.gain, 0) / np.std(same.gain, 0)), 0.9**-2, rtol=0.01)


def _info(montage):
    info = mne.create_info(list(NAMES), 1000.0, "eeg", verbose="ERROR")
    known = mne.channels.get_builtin_montages()
    montage = montage if montage in known else montage.replace("colin27", "standard")
    info.set_montage(mne.channels.make_standard_montage(montage), verbose="ERROR")
    return info


@pytest.mark.parametrize(("change", "words"), [
    ({"ch_names": [*NAMES[:-1], "Pzz"]}, "no position for Pzz.*Pz"),
    ({"ch_names": [*NAMES[:-1], "PZ"]}, "no position for PZ.*Pz"),
    ({"ch_names": NAMES[:3]}, "3 channels"),
    ({"centroids_mm": CENTROIDS / 1000}, "MNI coordinates in mm"),
    ({"centroids_mm": CENTROIDS * np.nan}, "no finite place"),
    ({"normals": NORMALS * 0}, "no direction"),
    ({"labels": LABELS[:3]}, "6 rows for 3"),
    ({"orientation": "free"}, "Choose one of"),
    ({"montage": "nowhere"}, "no template"),
])
def test_what_the_sphere_cannot_use_is_named(change, words):
    given = {"ch_names": NAMES, "centroids_mm": CENTROIDS, "normals": NORMALS, "labels": LABELS} | change
    with pytest.raises(InputError, match=words):
        sphere_leadfield(**given)


def test_a_forward_of_one_dipole_per_region(forward, tmp_path):
    names = [f"r{i}" for i in range(12)]
    field = read_leadfield(forward, labels=names)
    assert np.allclose(field.gain, average(fixed_gain(forward)))
    assert not field.template
    mne.write_forward_solution(tmp_path / "a-fwd.fif", forward, verbose="ERROR")
    again = read_leadfield(tmp_path / "a-fwd.fif", labels=names)
    assert np.allclose(again.gain, field.gain, rtol=1e-5)
    with pytest.raises(InputError, match="12 dipoles and 3 regions"):
        read_leadfield(forward, labels=names[:3])
    with pytest.raises(InputError, match="12 dipoles and no regions"):
        read_leadfield(forward)


def test_parcels_have_a_coherent_and_an_incoherent_part(forward):
    field = read_leadfield(forward, parcels=PAIRS)
    gain = average(fixed_gain(forward))
    assert np.allclose(field.gain, (gain[:, :6] + gain[:, 6:]) / 2)
    assert field.labels == tuple(p.name for p in PAIRS)
    for i in range(6):
        own = gain[:, [i, i + 6]]
        power = own @ own.T / 2
        kept = field.spread[:, i] @ field.spread[:, i].T
        assert np.trace(kept) >= 0.99 * np.trace(power)
        assert np.linalg.eigvalsh(power - kept)[0] > -1e-6 * np.trace(power)
    assert read_leadfield(forward, parcels=PAIRS, orientation="fixed").spread is None


def test_free_directions_are_averaged(forward):
    field = read_leadfield(forward, parcels=PAIRS, orientation="isotropic")
    free = average(forward["sol"]["data"]).reshape(len(NAMES), 12, 3)
    own = free[:, [0, 6]].reshape(len(NAMES), -1)
    expected = own @ own.T / 6
    kept = field.gain[:, 0] @ field.gain[:, 0].T
    assert np.linalg.norm(kept - expected) < 0.02 * np.linalg.norm(expected)


def test_a_channel_as_reference(forward):
    field = read_leadfield(forward, parcels=PAIRS, reference="Cz")
    gain = fixed_gain(forward)
    less = np.delete(gain - gain[NAMES.index("Cz")], NAMES.index("Cz"), 0)
    assert np.allclose(field.gain, (less[:, :6] + less[:, 6:]) / 2)
    assert "Cz" not in field.ch_names


def test_parcels_from_annotation_files(forward, tmp_path):
    import nibabel
    at = np.array([0, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 0])
    colours = np.array([[1, 1, 1, 0, 0], [2, 2, 2, 0, 0], [3, 3, 3, 0, 0]])
    for side in ("lh", "rh"):
        nibabel.freesurfer.write_annot(tmp_path / f"{side}.annot", at, colours, ["unknown", "odd", "even"],
                                       fill_ctab=True)
    files = (tmp_path / "lh.annot", tmp_path / "rh.annot")
    with pytest.raises(InputError, match="no dipole lies in odd-rh, even-rh"):  # the sphere has one space only
        read_leadfield(forward, parcels=files)
    with pytest.raises(InputError, match="both hemispheres"):
        read_leadfield(forward, parcels=files[0])


def test_tables_and_arrays(tmp_path):
    gain = np.random.default_rng(0).normal(0, 50, (len(NAMES), 6))
    rows = ["\t".join(["channel", *LABELS])] + ["\t".join([name, *map(repr, map(float, row))])
                                                for name, row in zip(NAMES, gain, strict=True)]
    (tmp_path / "gain.tsv").write_text("\n".join(rows))
    read = read_leadfield(tmp_path / "gain.tsv")
    assert (read.ch_names, read.labels) == (NAMES, LABELS)
    assert np.allclose(read.gain, average(gain))
    np.savez(tmp_path / "gain.npz", gain=gain, other=gain)
    assert np.allclose(read_leadfield(f"{tmp_path}/gain.npz::gain", ch_names=NAMES, labels=LABELS).gain, average(gain))
    assert np.allclose(read_leadfield(gain, ch_names=NAMES, labels=LABELS, reference="none").gain, gain)
    with pytest.raises(InputError, match="no names of channels"):
        read_leadfield(gain, labels=LABELS)
    (tmp_path / "bad-fwd.fif").write_bytes(b"no forward solution")
    with pytest.raises(InputError, match="cannot be read as a forward solution"):
        read_leadfield(tmp_path / "bad-fwd.fif")


@pytest.mark.shared
@pytest.mark.parametrize(("name", "regions"), [
    ("dk68_eegmmidb64", "ebrains_dk68_subjects"), ("dk68_eegmat19", "ebrains_dk68_subjects"),
    ("schaefer100_eegmmidb64", "hcp_schaefer100_group"), ("schaefer100_eegmat19", "hcp_schaefer100_group")])
def test_the_sphere_equals_the_reference_lead_fields(name, regions):
    folder = os.environ.get("NMFIT_DATA")
    if not folder:
        pytest.skip("NMFIT_DATA is not set")
    expected = np.load(Path(folder) / "eeg" / "leadfield" / f"sphere_{name}.npz")
    regions = np.load(Path(folder) / "fmri" / f"{regions}.npz")
    fixed = sphere_leadfield(expected["ch_names"], regions["coords_mni"], regions["normals"], labels=expected["labels"])
    r = [np.corrcoef(a, b)[0, 1] for a, b in zip(fixed.gain.T, expected["leadfield"].T, strict=True)]
    assert min(r) > 0.999
    assert np.allclose(fixed.gain, expected["leadfield"], atol=1e-5 * np.abs(fixed.gain).max())
    free = sphere_leadfield(expected["ch_names"], regions["coords_mni"], labels=expected["labels"],
                            orientation="isotropic")
    assert np.allclose(np.sqrt(3) * free.gain, expected["leadfield_free"], atol=1e-5 * np.abs(free.gain).max())
