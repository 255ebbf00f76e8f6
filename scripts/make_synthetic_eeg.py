"""Make data_samples/synthetic_eeg: two recordings whose truth is known.

    pip install edfio
    python scripts/make_synthetic_eeg.py

A network of Jansen-Rit columns on the template connectome is simulated in full, not linearised, once for each of the
three directions that a dipole may have; a sphere lead field takes it to 32 electrodes, each with noise of its own.
Eyes open differ from eyes closed by one parameter: the drive of the occipital regions, which damps their alpha.
"""

import argparse
import datetime
from pathlib import Path

import mne
import numpy as np

import nmfit as nf
from nmfit.fit.spectrum.measures import alpha_peak
from nmfit.io import sphere_leadfield, write_json, write_table
from nmfit.observe import Direct

CHANNELS = ("Fp1", "Fp2", "AF3", "AF4", "F7", "F3", "Fz", "F4", "F8", "FC5", "FC1", "FC2", "FC6", "T7", "C3", "Cz",
            "C4", "T8", "CP5", "CP1", "CP2", "CP6", "P7", "P3", "Pz", "P4", "P8", "PO3", "PO4", "O1", "Oz", "O2")
SFREQ, SECONDS, WARMUP, STEP = 128.0, 150.0, 10.0, 1 / 1024       # Hz, s, s, s
DIRECTIONS = 3
SEED = 20
RATE = 0.985               # of the default rates, gains with them: alpha at 10.2 Hz
SHARED = {"G": 15.0, "speed": 7.0}
DRIVE = {"eyesclosed": 430.0, "eyesopen": 620.0}       # 1/s, of the occipital regions
ELSEWHERE = 430.0          # 1/s
NEAREST, FARTHEST = 0.1, 0.016                          # noise amplitude behind and in front, relative to the default
SENSORS = {"scale": 1.2e-7, "floor": 2e-14, "aperiodic": 4e-13, "exponent": 1.2}
BEHIND = ("Occipital", "Calcarine", "Cuneus", "Lingual")


def noise_of(places):
    """Return the amplitude of every region's noise: it falls from back to front, a straight line in its logarithm."""
    share = (places[:, 1] - places[:, 1].min()) / np.ptp(places[:, 1])
    return NEAREST ** (1 - share) * FARTHEST**share


def network_of(brain, drive):
    """Return the network with the drive of the occipital regions."""
    model = nf.JansenRit(**{name: RATE * getattr(nf.JansenRit(), name) for name in ("a", "b", "A", "B")})
    behind = np.array([label.startswith(BEHIND) for label in brain.labels])
    network = nf.Network.of(brain.normalised("none", "rowsum"), model, delays=True, **SHARED)
    return network.replace({"noise": noise_of(brain.centroids), "p": np.where(behind, drive, ELSEWHERE)})


def sensor_noise(count, rng):
    """Return noise ``[t, s]`` in volts with the spectrum ``floor + aperiodic (f / 10 Hz)^-exponent``."""
    freqs = np.fft.rfftfreq(count, 1 / SFREQ)
    psd = SENSORS["floor"] + SENSORS["aperiodic"] * (np.maximum(freqs, 0.5) / 10.0) ** -SENSORS["exponent"]
    white = np.fft.rfft(rng.normal(size=(count, len(CHANNELS))), axis=0)
    return np.fft.irfft(white * np.sqrt(psd * SFREQ / 2)[:, None], count, axis=0)


def recorded(network, leadfield, seed):
    """Return potentials ``[t, s]`` in volts, as recorded against a distant reference."""
    run = nf.simulate(network, SECONDS, observe=Direct(reads="eeg_source"), sample=1 / SFREQ, dt=STEP, warmup=WARMUP,
                      seed=seed, runs=DIRECTIONS)
    moments = SENSORS["scale"] * (run.data - run.data.mean(1, keepdims=True))       # [direction, t, n]
    volts = np.einsum("snd,dtn->ts", np.asarray(leadfield.gain), moments)
    return volts + sensor_noise(len(volts), np.random.default_rng(seed))


def write_edf(path, volts):
    """Write EDF through mne, dated so that the bytes are the same again."""
    raw = mne.io.RawArray(volts.T, mne.create_info(list(CHANNELS), SFREQ, "eeg"), verbose="ERROR")
    raw.set_meas_date(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
    mne.export.export_raw(path, raw, fmt="edf", physical_range="channelwise", overwrite=True, verbose="ERROR")


def main():
    """Simulate, write, and say what came out."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-o", "--output", type=Path,
                        default=Path(__file__).parents[1] / "data_samples" / "synthetic_eeg")
    folder = parser.parse_args().output
    folder.mkdir(exist_ok=True)
    brain = nf.template("aal2-80")
    leadfield = sphere_leadfield(CHANNELS, brain.centroids, labels=brain.labels, orientation="isotropic",
                                reference="none")
    nodes, alpha, freqs = {}, {}, np.arange(6.0, 14.0, 0.05)
    for k, (state, drive) in enumerate(DRIVE.items()):
        network = network_of(brain, drive)
        linear = nf.linearise(network, leadfield)
        write_edf(folder / f"sub-01_task-{state}_eeg.edf", recorded(network, leadfield, SEED + k))
        nodes[state] = np.asarray(network.value("p"))
        alpha[state] = alpha_peak(freqs, np.asarray(linear.psd(freqs))[:, CHANNELS.index("Oz")])
        print(f"{state}: stability figure {float(linear.abscissa()):.2f} per second, "
              f"alpha at Oz {alpha[state]:.2f} Hz")
    write_table(folder / "truth_regions.tsv", ("region", "noise", *(f"p_{state}" for state in nodes)),
                zip(brain.labels, np.asarray(noise_of(brain.centroids)), *nodes.values(), strict=True))
    write_json(folder / "truth.json", {
        "model": "JansenRit", "connectome": {"template": "aal2-80", "transform": "none", "norm": "rowsum"},
        "leadfield": "sphere, three independent directions per region", "sfreq": SFREQ, "seconds": SECONDS,
        "seed": SEED, "shared": SHARED | {name: RATE * getattr(nf.JansenRit(), name) for name in ("a", "b", "A", "B")},
        "sensors": SENSORS, "alpha_hz": alpha, "regions": "truth_regions.tsv"})


if __name__ == "__main__":
    main()
