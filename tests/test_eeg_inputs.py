"""What goes with a recording on the command line: few channels, another recording, options that mean nothing here."""

import mne
import numpy as np
import pytest
from made_eeg import NAMES, potentials, write_edf

import nmfit as nf
from nmfit.cli import main
from nmfit.errors import InputError
from nmfit.io.inputs_eeg import read_eeg_inputs

EIGHT = ("Fp1", "Fp2", "C3", "C4", "P3", "P4", "O1", "O2")


def edf(path, names=NAMES, seed=0, seconds=60.0, factor=1.0):
    data = factor * potentials(seconds, s=len(NAMES), seed=seed)
    return write_edf(path, data[:, [NAMES.index(name) for name in names]], 200.0, names)


def test_eight_electrodes_lie_on_a_head(tmp_path):
    target, brain, leadfield = read_eeg_inputs(eeg=edf(tmp_path / "a.edf", EIGHT), template="aal2-80")
    assert target.ch_names == leadfield.ch_names == EIGHT
    assert np.asarray(leadfield.gain).shape == (8, brain.n)
    assert np.asarray(leadfield.spread).shape == (8, brain.n, 3)


def test_another_recording_scores_on_the_channels_of_both(tmp_path):
    first, second = edf(tmp_path / "a.edf"), edf(tmp_path / "b.edf", NAMES[2:], seed=1)
    target, _, leadfield = read_eeg_inputs(eeg=first, heldout_eeg=second, template="aal2-80")
    assert target.design == "heldout"
    assert target.ch_names == leadfield.ch_names == NAMES[2:]
    assert any("left out Fp1, Fp2: not in both" in note for note in target.notes)
    assert set(target.sha256) == {"a.edf", "b.edf"}
    whole = nf.spectrum_target(nf.read_eeg(second), roles={"score": 1.0})
    np.testing.assert_allclose(target.psd["score"], whole.psd["score"], rtol=1e-10)


def test_a_recording_of_other_channels_is_refused(tmp_path):
    first, second = edf(tmp_path / "a.edf", NAMES[:7]), edf(tmp_path / "b.edf", NAMES[7:])
    with pytest.raises(InputError, match="none of them"):
        read_eeg_inputs(eeg=first, heldout_eeg=second, template="aal2-80")


@pytest.mark.parametrize(("more", "words"), [
    (["--model", "Hopf"], "--model: a fit of spectra"),
    (["--heldout-fc", "fc.csv"], "--heldout-fc: a fit of spectra"),
    (["--max-rung", "regions"], "max_rung: found 'regions'. Choose one of shared"),
    (["--montage", "standard_105"], "no template 'standard_105'"),
    (["--montage", "cap.elc"], "cap.elc: no such file"),
    (["--seconds", "0.5"], "windows of 0.5 s for 1 Hz"),
    (["--seconds", "8"], "or shorter windows (--seconds"),
    (["--fmax", "120"], "a sampling rate of 200 Hz for frequencies up to 120 Hz"),
])
def test_what_does_not_go_with_a_recording_is_one_sentence(tmp_path, capsys, more, words):
    file = edf(tmp_path / "a.edf")
    assert main(["fit", "--eeg", str(file), "--template", "aal2-80", "-o", str(tmp_path / "out"), *more]) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("  ")]     # but for notes
    assert len(told) == 1
    assert told[0].startswith("error: ")
    assert words in told[0]
    assert not (tmp_path / "out").exists()


def test_a_table_of_places_is_matched_by_name(tmp_path):
    brain = nf.template("aal2-80").select(range(0, 80, 10))
    sc, file, table = tmp_path / "sc.csv", edf(tmp_path / "a.edf"), tmp_path / "coords.tsv"
    rows = [",".join(map(str, row)) for row in np.asarray(brain.weights)]
    sc.write_text("\n".join([",".join(brain.labels), *rows]))

    def given(names, places=brain.centroids, **more):
        table.write_text("\n".join(["region\tx\ty\tz", *("\t".join([name, *map(str, place)])
                                                         for name, place in zip(names, places, strict=True))]))
        return read_eeg_inputs(eeg=file, sc=[sc], centroids=table, seconds=2.0, **more)

    target, _, plain = given(brain.labels)
    back = [name.lower() for name in brain.labels[::-1]]
    target, _, turned = given([*back, "elsewhere"], [*brain.centroids[::-1], (0, 0, 0)])
    np.testing.assert_allclose(turned.gain, plain.gain)
    assert any("spell regions differently" in note for note in target.notes)
    with pytest.raises(InputError, match=f"no row for {brain.labels[0]}.*nearest: {brain.labels[0]}s"):
        given([f"{brain.labels[0]}s", *brain.labels[1:]])
    with pytest.raises(InputError, match="nearest to"):
        given([f"{name}s" for name in brain.labels])
    sc.write_text("\n".join(rows))
    with pytest.raises(InputError, match="--trust-order"):
        given(brain.labels)
    np.testing.assert_allclose(given(brain.labels, trust_order=True)[2].gain, plain.gain)


@pytest.mark.parametrize(("names", "factor", "words"), [
    (NAMES[:4], 1.0, "so few hold no topography"),
    (NAMES, 0.0, "every channel is bad"),
    (NAMES, 1e-3, "a median amplitude of"),
])
def test_a_recording_that_cannot_be_used_is_one_sentence(tmp_path, capsys, names, factor, words):
    file = edf(tmp_path / "a.edf", names, factor=factor)
    assert main(["fit", "--eeg", str(file), "--template", "aal2-80", "-o", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert words in told


def test_a_held_out_recording_goes_with_a_recording(capsys, tmp_path):
    assert main(["fit", "--sc", "a.csv", "--bold", "b.tsv", "--heldout-eeg", "c.edf", "-o", str(tmp_path / "o")]) == 2
    assert "--heldout-eeg: no --eeg beside it" in capsys.readouterr().err


def test_a_real_recording_needs_a_network_and_says_so(monkeypatch, capsys, tmp_path):
    def unreachable(*_args, **_options):
        raise ConnectionError("Name or service not known")

    monkeypatch.setattr(mne.datasets.eegbci, "load_data", unreachable)
    assert main(["demo", "--eeg", "--real", "-o", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: --real: the recording could not be fetched (ConnectionError). Connect to a network")
    assert told.count("\n") == 1
    assert not (tmp_path / "out").exists()
    assert main(["demo", "--real", "-o", str(tmp_path / "out")]) == 2
    assert "no --eeg beside it" in capsys.readouterr().err


def test_a_target_is_made_of_a_file_and_of_what_mne_holds():
    path = nf.sample("synthetic_eeg") / "sub-01_task-eyesclosed_eeg.edf"
    raw = mne.io.read_raw(path, verbose="error")
    options = {"fmin": 2.0, "fmax": 35.0, "seconds": 2.0}
    read = nf.spectrum_target(nf.read_eeg(path), **options)
    for source in (str(path), raw):
        target = nf.spectrum_target(source, **options)
        np.testing.assert_array_equal(target.psd["fit"], read.psd["fit"])
    epochs = mne.make_fixed_length_epochs(raw, duration=2.0, preload=True, verbose="error")
    assert nf.spectrum_target(epochs, **options).psd["fit"].shape == read.psd["fit"].shape
    alone = nf.spectrum_target(raw.compute_psd(verbose="error"), fmin=2.0, fmax=35.0)
    assert alone.ch_names == read.ch_names
    twice = nf.spectrum_target(raw, heldout=path, **options)
    assert (twice.design, twice.psd["score"].shape) == ("heldout", read.psd["score"].shape)
