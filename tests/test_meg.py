"""MEG sensors through the doors of EEG: units, no reference, lead fields of their own."""

import mne
import numpy as np
import pytest

import nmfit as nf
from nmfit.cli import main
from nmfit.compare import spectrum_target
from nmfit.observe.kinds import power_unit, sensor_kind

COILS = {"mag": 3022, "grad": 3012}


@pytest.fixture(scope="module")
def helmet():
    """Twenty magnetometers and twenty gradiometers over a sphere, and a forward solution for four dipoles."""
    golden = np.arange(20) * np.pi * (3 - np.sqrt(5))
    height = np.linspace(0.15, 0.95, 20)
    out = np.stack([np.sqrt(1 - height**2) * np.cos(golden), np.sqrt(1 - height**2) * np.sin(golden), height], 1)
    names = [f"MEG{i:02d}{kind}" for kind in COILS for i in range(20)]
    info = mne.create_info(names, 200.0, [kind for kind in COILS for _ in range(20)])
    for channel, place, kind in zip(info["chs"], np.concatenate([out, out]), np.repeat(list(COILS), 20), strict=True):
        side = np.cross(place, [0.0, 0.0, 1.0])
        side /= np.linalg.norm(side)
        channel["loc"] = np.concatenate([0.11 * place, side, np.cross(place, side), place])
        channel["coil_type"] = COILS[kind]
        channel["coord_frame"] = 1
    with info._unlock():
        info["dev_head_t"] = mne.transforms.Transform("meg", "head", np.eye(4))
    places = 0.06 * np.array([[1, 0, 0.6], [-1, 0, 0.6], [0, 1, 0.6], [0, -1, 0.6]]) / np.sqrt(1.36)
    normals = np.array([[0, 1, 0], [0, 1, 0], [1, 0, 0], [1, 0, 0]], float)
    with mne.utils.use_log_level("ERROR"):
        space = mne.setup_volume_source_space(pos={"rr": places, "nn": normals})
        sphere = mne.make_sphere_model(r0=(0.0, 0.0, 0.0), head_radius=None, info=None)
        forward = mne.make_forward_solution(info, mne.transforms.Transform("mri", "head", np.eye(4)), space, sphere,
                                            meg=True, eeg=False, mindist=0.0)
    return info, forward


@pytest.fixture(scope="module")
def recording(helmet):
    info, forward = helmet
    rng = np.random.default_rng(0)
    moments = 2e-8 * rng.normal(size=(12, 200 * 40))
    field = forward["sol"]["data"] @ moments
    field += 0.1 * field.std() * rng.normal(size=field.shape) * (np.arange(40)[:, None] < 20)
    field += 0.05 * field[20:].std() * rng.normal(size=field.shape) * (np.arange(40)[:, None] >= 20)
    return mne.io.RawArray(field, info, verbose="ERROR")


@pytest.mark.parametrize("kind", COILS)
def test_fields_are_as_large_as_potentials_and_have_no_reference(recording, kind):
    read = nf.read_eeg(recording, kind=kind, find_bads=False)
    assert len(read.ch_names) == 20
    assert read.reference == "none"
    np.testing.assert_allclose(read.data, sensor_kind(kind).factor * recording.get_data(picks=kind).T)
    target = spectrum_target(read, seconds=2.0)
    assert target.unit == power_unit(kind) != "V^2/Hz"


@pytest.mark.parametrize("kind", COILS)
def test_a_forward_solution_gives_the_same_field_as_mne(helmet, kind):
    _, forward = helmet
    leadfield = nf.read_leadfield(forward, labels=["a", "b", "c", "d"], orientation="isotropic", kind=kind)
    picked = mne.pick_types_forward(forward, meg=kind, eeg=False)["sol"]["data"].reshape(20, 4, 3)
    theirs = np.einsum("sik,tik->st", picked, picked) / 3 * sensor_kind(kind).factor ** 2
    modes = np.asarray(leadfield.modes)
    np.testing.assert_allclose(np.einsum("siq,tiq->st", modes, modes), theirs, rtol=0.03, atol=0.03 * theirs.max())
    assert leadfield.reference == "none"
    assert 1e-1 < np.abs(modes).max() < 1e4


def test_kinds_are_not_mixed_up(recording, helmet):
    with pytest.raises(nf.InputError, match="no EEG"):
        nf.read_eeg(recording)
    with pytest.raises(nf.InputError, match="expected eeg, mag, grad"):
        nf.read_eeg(recording, kind="meg")
    with pytest.raises(nf.InputError, match="which has none"):
        nf.read_eeg(recording, kind="mag", reference="MEG00mag")
    with pytest.raises(nf.InputError, match="no head makes"):
        nf.read_eeg(recording, kind="mag", scale=1e15)
    with pytest.raises(nf.InputError, match="no EEG channel"):
        nf.read_leadfield(helmet[1], labels=["a", "b", "c", "d"])
    both = [nf.read_eeg(recording, kind=kind, find_bads=False) for kind in COILS]
    with pytest.raises(nf.InputError, match="kind 'grad'"):
        spectrum_target(both[0], heldout=both[1], seconds=2.0)


def test_the_command_line_asks_for_a_lead_field(tmp_path, capsys):
    (tmp_path / "sc.csv").write_text("0,1\n1,0\n")
    code = main(["fit", "--sc", str(tmp_path / "sc.csv"), "--eeg", str(tmp_path / "rest_raw.fif"), "--kind", "mag",
                 "-o", str(tmp_path / "out")])
    assert code == 2
    assert "no template" in capsys.readouterr().err
