"""An interrupted fit goes on where it stood, and ends as if nothing had happened."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import nmfit as nf
from nmfit import cli
from nmfit.cli import options
from nmfit.compare.recording_eeg import SensorSpectrum
from nmfit.io import Ledger, write_matrix, write_table
from nmfit.observe import LeadField

N = 6


class Stopped(Exception):
    pass


def small():
    rng = np.random.default_rng(0)
    weights = np.triu(rng.uniform(0.1, 1.0, (N, N)), 1)
    weights += weights.T
    mixed = np.linalg.cholesky(np.linalg.inv(np.diag(weights.sum(1) + 1.0) - weights))
    runs = [rng.normal(size=(400, N)) @ mixed.T for _ in range(3)]
    return weights, runs


def fitted(keep):
    weights, runs = small()
    target = nf.fc_target(runs, tr=2.0)
    return nf.fit(target, nf.Connectome(weights), keep=keep, n_null=4, starts=2, steps=20, confirm=False,
                  sc_transform="none", max_rung="maps")


def regional():
    """Return names of regions, frequencies and spectra that peak between 9 and 11 Hz."""
    freqs = np.arange(2.0, 21.0)
    peaks = 1.0 / (1.0 + ((freqs[:, None] - np.linspace(9.0, 11.0, N)) / 2.0) ** 2) + 1.0 / freqs[:, None]
    return [f"R{i}" for i in range(N)], freqs, peaks


def regions_fitted(keep):
    weights, _ = small()
    names, freqs, peaks = regional()
    target = nf.spectrum_target(freqs, peaks, fmin=2.0, fmax=20.0, ch_names=names, unit="", reference="none")
    return nf.fit(target, nf.Connectome(weights, labels=names), keep=keep, n_null=1, max_rung="maps")


def sensors_fitted(keep):
    weights, _ = small()
    names, freqs, peaks = regional()
    rng = np.random.default_rng(1)
    channels = ["O1", "O2", *(f"E{i}" for i in range(6))]
    gain = 50 * rng.normal(size=(len(channels), N))
    leadfield = LeadField.of(gain, channels, names)
    places = rng.normal(size=(len(channels), 3))
    mean = 1e-16 * peaks @ np.asarray(leadfield.gain).T ** 2 + 2e-14
    spectrum = SensorSpectrum(freqs, mean * rng.chisquare(8, (30, *mean.shape)) / 8, channels, dof=8,
                              positions=0.09 * places / np.linalg.norm(places, axis=1, keepdims=True))
    target = nf.spectrum_target(spectrum, fmin=2.0, fmax=20.0)
    return nf.fit(target, nf.Connectome(weights, labels=names), leadfield=leadfield, keep=keep, n_null=1,
                  max_rung="shared")


FITS = [(fitted, 1), (fitted, 9), (regions_fitted, 1), (regions_fitted, 5), (sensors_fitted, 1), (sensors_fitted, 4)]


@pytest.mark.parametrize(("fitted", "after"), FITS)
def test_the_same_bits_after_an_interruption(tmp_path, fitted, after):
    ledger, done = Ledger(tmp_path / "cut"), []

    def cut(key, compute):
        if len(done) == after:
            raise Stopped
        done.append(key)
        return ledger(key, compute)

    with pytest.raises(Stopped):
        fitted(cut)
    assert ledger.pieces >= 1
    again = Ledger(tmp_path / "cut")
    resumed, whole = fitted(again), fitted(None)
    assert again.found >= after
    assert resumed.arrays.keys() == whole.arrays.keys()
    for name, array in whole.arrays.items():
        np.testing.assert_array_equal(resumed.arrays[name], array)
    assert resumed.parameters == whole.parameters
    assert resumed.score == whole.score
    again.clear()
    assert again.pieces == 0


def test_a_damaged_piece_is_computed_again(tmp_path):
    ledger = Ledger(tmp_path)
    ledger("a", lambda: {"x": np.arange(3.0)})
    piece = next(ledger.folder.glob("*.npz"))
    piece.write_bytes(piece.read_bytes()[:40])
    np.testing.assert_array_equal(ledger("a", lambda: {"x": np.ones(2)})["x"], np.ones(2))
    assert ledger.found == 0
    np.testing.assert_array_equal(ledger("a", dict)["x"], np.ones(2))
    assert ledger.found == 1


def test_other_inputs_find_nothing(tmp_path):
    ledger = Ledger(tmp_path)
    weights, runs = small()
    for factor in (1.0, 1.0 + 1e-12):
        brain = nf.Connectome(weights ** factor)
        nf.fit(nf.fc_target(runs, tr=2.0), brain, keep=ledger, n_null=0, starts=1, steps=3, confirm=False,
               sc_transform="none", sc_norm="none", max_rung="shared")
    assert ledger.found == 0


def files(folder, rung="shared"):
    weights, runs = small()
    names = [f"R{i}" for i in range(N)]
    write_matrix(folder / "sc.tsv", weights, names)
    for k, run in enumerate(runs):
        write_table(folder / f"sub-{k}_bold.tsv", names, run.tolist())
    return ["fit", "--sc", str(folder / "sc.tsv"), "--bold", str(folder / "sub-*_bold.tsv"), "--tr", "2", "-o",
            str(folder / "out"), "--max-rung", rung, "--n-null", "2"]


def files_of_regions(folder):
    names, freqs, peaks = regional()
    write_matrix(folder / "sc.tsv", small()[0], names)
    write_table(folder / "psd.tsv", ["freq_hz", *names], np.column_stack([freqs, peaks]).tolist())
    return ["fit", "--sc", str(folder / "sc.tsv"), "--psd", str(folder / "psd.tsv"), "--fmin", "2", "--fmax", "20",
            "-o", str(folder / "out"), "--n-null", "2"]


def test_unfinished_work_is_neither_overwritten_nor_forgotten_unasked(tmp_path, capsys):
    command = files(tmp_path)
    Ledger(tmp_path / "out")("a", lambda: {"x": np.zeros(1)})
    assert cli.main(command) == options.REFUSED
    assert "--resume" in capsys.readouterr().err
    assert cli.main([*command, "--resume"]) in (options.FINISHED, options.UNSURE)
    assert (tmp_path / "out" / "fit.json").exists()
    assert Ledger(tmp_path / "out").pieces == 0


@pytest.mark.long
def test_killed_fits_go_on(tmp_path):
    command = [sys.executable, "-m", "nmfit.cli", *files(tmp_path, "region")]
    rng, kills = np.random.default_rng(1), 0
    for sort in [signal.SIGKILL, signal.SIGTERM] * 5:
        job = subprocess.Popen([*command, "--resume"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(2.0, 12.0))
        if job.poll() is not None:
            break
        os.kill(job.pid, sort)
        job.wait()
        kills += 1
    assert kills
    subprocess.run([*command, "--resume", "--overwrite"], check=False)
    resumed = nf.load_result(tmp_path / "out")
    fresh = subprocess.run([*command[:-5], str(tmp_path / "new"), *command[-4:]], check=False)
    assert fresh.returncode in (options.FINISHED, options.UNSURE)
    for name, array in nf.load_result(tmp_path / "new").arrays.items():
        np.testing.assert_array_equal(resumed.arrays[name], array)
