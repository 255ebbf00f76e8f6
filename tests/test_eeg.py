"""Reading EEG: names, places, units, bad channels, the mains, the reference; every fault is a sentence."""

import os
from pathlib import Path

import mne
import numpy as np
import pytest
from made_eeg import NAMES, potentials, write_edf

from nmfit.errors import InputError
from nmfit.io import read_eeg, to_mne_spectrum
from nmfit.io.sensors import builtin_montage

SFREQ = 200.0


def as_raw(data, names=NAMES, sfreq=SFREQ, kinds="eeg"):
    return mne.io.RawArray(np.asarray(data).T, mne.create_info(list(names), sfreq, kinds), verbose="ERROR")


def test_an_edf_of_the_motor_imagery_set_gets_its_names_back(tmp_path):
    shouted = [f"{name.capitalize()}." for name in NAMES]          # "Fp1." and "Cz.."
    file = write_edf(tmp_path / "S001R02.edf", potentials(), SFREQ, shouted)
    recording = read_eeg(file)
    assert recording.ch_names == NAMES
    assert recording.data.shape == (4000, len(NAMES))
    assert recording.sfreq == SFREQ
    assert recording.reference == "average"
    assert np.allclose(recording.data.sum(1), 0, atol=1e-15)
    expected = potentials() - potentials().mean(1, keepdims=True)
    assert np.allclose(recording.data, expected, atol=2e-8)        # 16 bits over 800 uV
    assert set(recording.sha256) == {"S001R02.edf"}
    assert not recording.data.flags.writeable


def test_what_is_no_eeg_is_left_out_and_said(tmp_path):
    data = potentials(s=len(NAMES) + 4)
    names = [f"EEG {name}-REF" for name in NAMES] + ["EEG A2-A1", "ECG ECG", "HEOG", "X17"]
    recording = read_eeg(write_edf(tmp_path / "a.edf", data, SFREQ, names))
    assert recording.ch_names == NAMES
    notes = " / ".join(recording.notes)
    assert "EEG A2-A1: a difference of two electrodes" in notes
    assert "ECG ECG, HEOG: no EEG" in notes
    assert "X17: no position" in notes


def test_positions_come_from_a_template_in_the_head_frame():
    recording = read_eeg(as_raw(potentials()))
    x, y, z = recording.positions.T
    at = NAMES.index
    assert x[at("T8")] > 0.06 > -0.06 > x[at("T7")]
    assert y[at("Fp1")] > 0.06 > -0.06 > y[at("O1")]
    assert z[at("Cz")] > 0.08
    renamed = read_eeg(as_raw(potentials()), montage="standard_1005")
    assert np.allclose(renamed.positions, recording.positions)
    assert np.allclose(read_eeg(as_raw(potentials()), montage="colin27_1005").positions, recording.positions)


def test_positions_of_the_file_are_used():
    raw = as_raw(potentials())
    raw.set_montage("biosemi64" if "biosemi64" in mne.channels.get_builtin_montages() else "standard_1005",
                    verbose="ERROR")
    recording = read_eeg(raw)
    assert "electrode positions from the file" in recording.notes
    assert np.allclose(recording.positions, [c["loc"][:3] for c in raw.info["chs"]])


def test_flat_bad_and_marked_channels_are_left_out_by_name():
    data = potentials()
    data[:, 3] = 7e-6                                               # F4 hangs
    data[:, 4] *= 60                                                # C3 has lost contact
    data[:, 5] = 3e-6 * np.random.default_rng(5).normal(size=len(data))  # C4 follows nothing
    raw = as_raw(data)
    raw.info["bads"] = ["Fp1"]
    recording = read_eeg(raw, bads=["P3"])
    assert set(recording.bads) == {"F4", "C3", "C4", "Fp1", "P3"}
    notes = " / ".join(recording.notes)
    for words in ("F4: flat", "times the usual amplitude", "C4: follows no other", "Fp1: marked", "P3: as you said"):
        assert words in notes
    good = [i for i, name in enumerate(NAMES) if name not in recording.bads]
    assert np.allclose(recording.data, data[:, good] - data[:, good].mean(1, keepdims=True))
    assert set(read_eeg(as_raw(data), find_bads=False).bads) == {"F4"}


def test_the_reference_is_applied_to_what_remains():
    data = potentials()
    assert np.allclose(read_eeg(as_raw(data), reference="none").data, data)
    to_cz = read_eeg(as_raw(data), reference="Cz")
    assert "Cz" not in to_cz.ch_names
    assert np.allclose(to_cz.data[:, 0], data[:, 0] - data[:, NAMES.index("Cz")])
    few = read_eeg(as_raw(data)).pick(["O1", "O2", "Pz"])
    assert np.allclose(few.data.sum(1), 0, atol=1e-15)


@pytest.mark.parametrize("mains", [50.0, 60.0])
def test_the_mains_are_found(mains):
    data = potentials()
    assert read_eeg(as_raw(data)).line_noise is None
    hum = 4e-6 * np.sin(2 * np.pi * mains * np.arange(len(data)) / SFREQ)
    assert read_eeg(as_raw(data + hum[:, None] * np.linspace(1, 2, len(NAMES)))).line_noise == mains


def test_rejected_spans_and_epochs_cut_the_recording():
    raw = as_raw(potentials())
    raw.set_annotations(mne.Annotations([5.0], [2.0], ["BAD_jump"]))
    recording = read_eeg(raw)
    assert recording.stretches == ((0, 1000), (1400, 4000))
    assert recording.seconds == 18.0
    epochs = mne.make_fixed_length_epochs(as_raw(potentials()), 4.0, preload=True, verbose="ERROR")
    cut = read_eeg(epochs)
    assert cut.stretches == tuple((800 * i, 800 * (i + 1)) for i in range(5))
    assert np.allclose(cut.data, read_eeg(as_raw(potentials())).data, atol=1e-12)


def test_fif_files_and_arrays_read_alike(tmp_path):
    raw = as_raw(potentials())
    raw.save(tmp_path / "rest_raw.fif", verbose="ERROR")
    epochs = mne.make_fixed_length_epochs(raw, 4.0, preload=True, verbose="ERROR")
    epochs.save(tmp_path / "rest-epo.fif", verbose="ERROR")
    expected = read_eeg(potentials(), sfreq=SFREQ, ch_names=NAMES).data
    assert np.allclose(read_eeg(tmp_path / "rest_raw.fif").data, expected, atol=1e-10)
    assert np.allclose(read_eeg(tmp_path / "rest-epo.fif").data, expected, atol=1e-10)


def test_spectra_of_mne_are_taken_as_they_are():
    raw = as_raw(potentials())
    raw.info["bads"] = ["Fp1"]
    spectrum = raw.compute_psd(method="welch", n_fft=400, n_overlap=200, fmax=40, verbose="ERROR")
    read = read_eeg(spectrum)
    assert read.psd.shape == (read.freqs.size, len(NAMES) - 1)
    assert np.allclose(read.psd[:, 0], spectrum.get_data(picks=["Fp2"])[0])
    assert "average reference" in read.notes[0]
    epochs = mne.make_fixed_length_epochs(raw, 4.0, preload=True, verbose="ERROR")
    assert read_eeg(epochs.compute_psd(method="welch", n_fft=400, fmax=40, verbose="ERROR")).psd.ndim == 3


def test_spectra_go_back_to_mne():
    recording = read_eeg(as_raw(potentials()))
    freqs, psd = np.arange(1.0, 41), np.random.default_rng(0).gamma(2.0, 1e-12, size=(40, len(NAMES)))
    spectrum = to_mne_spectrum(freqs, psd, recording.ch_names, recording.positions)
    assert np.allclose(spectrum.get_data(), psd.T)
    assert spectrum.units() == {"eeg": "V²/Hz"}
    again = read_eeg(spectrum)
    assert np.allclose(again.psd, psd)
    assert np.allclose(again.positions, recording.positions, atol=1e-6)


@pytest.mark.parametrize(("change", "words"), [
    (lambda d: (as_raw(d * 1e6),), "look like microvolts"),
    (lambda d: (as_raw(d[:400]),), "2.0 s of data"),
    (lambda d: (as_raw(d, sfreq=0.2),), "sampling rate 0.2 Hz"),
    (lambda d: (as_raw(d, names=[f"Elec{i}" for i in range(len(NAMES))]),), "no position for 14 channels"),
    (lambda d: (as_raw(np.zeros_like(d)),), "every channel is bad"),
    (lambda d: (as_raw(d, kinds="mag"),), "no EEG channel"),
    (lambda d: (d,), "no sampling rate"),
    (lambda d: (as_raw(d, names=[*NAMES[:-1], "EEG Cz"]),), "several channels for Cz"),
])
def test_unusable_recordings_are_named(change, words):
    with pytest.raises(InputError, match=words):
        read_eeg(*change(potentials()))


@pytest.mark.parametrize(("options", "words"), [
    ({"montage": "standard_105"}, "no template.*standard_1005|colin27_1005"),
    ({"montage": {name: 100 * np.array([1.0, i, 3]) for i, name in enumerate(NAMES)}}, "cm radius"),
    ({"reference": "CZ"}, "no channel 'CZ'.*Cz"),
    ({"picks": ["O1", "O9"]}, "no EEG channel O9"),
    ({"bads": ["Q1"]}, "no EEG channel Q1"),
])
def test_wrong_options_are_named(options, words):
    with pytest.raises(InputError, match=words):
        read_eeg(as_raw(potentials()), **options)


def test_positions_in_millimetres_are_named():
    raw = as_raw(potentials())
    raw.set_montage(builtin_montage("colin27_1005"), verbose="ERROR")
    for channel in raw.info["chs"]:
        channel["loc"][:3] *= 1000
    with pytest.raises(InputError, match="look like mm"):
        read_eeg(raw)


def test_damaged_files_are_named(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_eeg(tmp_path / "none.edf")
    whole = write_edf(tmp_path / "a.edf", potentials(), SFREQ, NAMES).read_bytes()
    (tmp_path / "short.edf").write_bytes(whole[:-100])
    with pytest.raises(InputError, match="cut short"):
        read_eeg(tmp_path / "short.edf")
    (tmp_path / "shorter.edf").write_bytes(whole[:-14 * 2 * 200 * 5])   # whole records are missing
    shorter = read_eeg(tmp_path / "shorter.edf")
    assert shorter.seconds == 15
    assert any("does not match the file size" in note for note in shorter.notes)
    for i, damaged in enumerate([whole[:100], whole[:2000], b"x" * 5000, whole[:200] + b"\0" * 400 + whole[600:]]):
        file = tmp_path / f"damaged{i}.edf"
        file.write_bytes(damaged)
        with pytest.raises(InputError):
            read_eeg(file)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["eegmmidb_S001R01", "eegmmidb_S001R02", "eegmat_Subject00_1", "eegmat_Subject05_1",
                                  "eegmat_Subject10_1", "eegmat_Subject19_1"])
def test_real_recordings_come_out_whole(name):
    folder = os.environ.get("NMFIT_DATA")
    if not folder:
        pytest.skip("NMFIT_DATA is not set")
    recording = read_eeg(Path(folder) / "eeg" / f"{name}.edf")
    kept = np.load(Path(folder) / "eeg" / "psd" / f"{name}.npz")
    assert recording.ch_names == tuple(kept["ch_names"])
    assert recording.bads == ()
    assert recording.line_noise == (60.0 if "mmidb" in name else None)
    assert np.allclose(recording.positions, kept["pos_head"], atol=1e-6)
