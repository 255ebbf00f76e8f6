"""Results as others want them, motion and networks beside them, and `nmfit check`."""

import json
import sys

import numpy as np
import pytest
from made_files import (
    REGIONS,
    TR,
    series,
    weights,
    write_brainvision,
    write_dtseries,
    write_mrtrix,
    write_qsirecon,
    write_xcpd,
)
from made_result import make_result

import nmfit.report.files
import nmfit.report.page
from nmfit import cli
from nmfit.errors import InputError
from nmfit.fit.result import Result
from nmfit.io import read_bold, read_quality, read_table, write_matrix, write_table, write_text
from nmfit.report.networks import network_of, residuals
from nmfit.report.page import _networks


def run(*argv):
    return cli.main([str(word) for word in argv])


@pytest.fixture
def quickly(monkeypatch):
    """Leave out drawing, which is not what is looked at here."""
    monkeypatch.setattr(nmfit.report.page, "page", lambda _: "<html>")
    monkeypatch.setattr(nmfit.report.files, "figures", lambda _: [])


# --- export ---

@pytest.mark.usefixtures("quickly")
def test_bids_derivatives(tmp_path):
    result = make_result()
    made = result.save_bids(tmp_path / "nmfit", sub="sub-01", task="rest", atlas="AAL2")
    stem = "sub-01/sub-01_task-rest_atlas-AAL2_model-Hopf_desc-"
    for name in ("fit_params.tsv", "fit_params.json", "data_relmat.tsv", "model_relmat.tsv", "model_relmat.json",
                 "fit_report.html", "fit_result.json"):
        assert (tmp_path / "nmfit" / f"{stem}{name}").is_file(), name
    assert all(path.is_file() for path in made)
    described = json.loads((tmp_path / "nmfit" / "dataset_description.json").read_text())
    assert described["DatasetType"] == "derivative"
    assert described["GeneratedBy"][0]["Name"] == "nmfit"
    table = read_table(tmp_path / "nmfit" / f"{stem}model_relmat.tsv")
    np.testing.assert_array_equal(table.values, result.fc)
    assert list(table.columns) == result.labels
    about = json.loads((tmp_path / "nmfit" / f"{stem}fit_params.json").read_text())
    assert about["value"]["Description"]
    assert about["Provenance"]["versions"]["nmfit"] == "0.1.0"


@pytest.mark.parametrize(("entities", "words"), [
    ({"sub": "01/../../x"}, ["sub-", "'01/../../x'", "letters and digits"]),
    ({"sub": "01", "task": "rest state"}, ["task-", "'rest state'"]),
    ({"sub": ""}, ["sub-", "''"]),
])
def test_entities_are_letters_and_digits(tmp_path, entities, words):
    with pytest.raises(InputError) as refused:
        make_result().save_bids(tmp_path / "out", **entities)
    for word in words:
        assert word in str(refused.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("quickly")
def test_bids_from_the_command_line(tmp_path, capsys):
    make_result(n=8).save(tmp_path / "fit")
    assert run("report", tmp_path / "fit", "--bids", tmp_path / "bids") == cli.REFUSED
    assert "--sub" in capsys.readouterr().err
    assert run("report", tmp_path / "fit", "--bids", tmp_path / "bids", "--sub", "01") == 0
    assert "files in" in capsys.readouterr().out
    assert list((tmp_path / "bids" / "sub-01").glob("*_relmat.tsv"))


def test_pandas_and_xarray():
    pytest.importorskip("pandas")
    pytest.importorskip("xarray")
    result = make_result()
    frame = result.to_pandas()
    assert list(frame.columns[:3]) == ["name", "region", "value"]
    assert len(frame) == len(result.parameters)
    data = result.to_xarray()
    np.testing.assert_array_equal(data["fc_model"].sel(region=result.labels[3]), result.fc[3])
    assert data["parameter_a"].dims == ("region",)
    assert data["parameter_G"].attrs["units"] == "1/s"
    assert data.attrs["chosen"] == "region + drive"


def test_spectra_go_to_mne():
    plain = make_result()
    with pytest.raises(InputError, match="A fit of FC holds none"):
        plain.to_mne()
    rng = np.random.default_rng(0)
    power, places = rng.gamma(2.0, 1e-12, (3, 20)), 0.09 * np.eye(3)
    spectral = {"freqs": np.arange(1.0, 21), "ch_names": np.array(["Cz", "O1", "O2"]), "psd_fit": power,
                "psd_model": 2 * power, "positions": places}
    result = Result({**plain.record, "modality": "eeg"}, {k: plain.arrays[k] for k in ("labels", "weights")} | spectral)
    spectrum = result.to_mne()
    assert spectrum.ch_names == ["Cz", "O1", "O2"]
    np.testing.assert_allclose(spectrum.get_data(), 2 * power)
    np.testing.assert_allclose([ch["loc"][:3] for ch in spectrum.info["chs"]], places, atol=1e-7)
    np.testing.assert_allclose(result.to_mne("fit").get_data(), power)
    with pytest.raises(InputError, match="Choose among fit, model"):
        result.to_mne("score")


def test_a_missing_library_is_one_sentence(monkeypatch):
    for name in ("pandas", "xarray"):
        monkeypatch.setitem(sys.modules, name, None)
    for call in (make_result().to_pandas, make_result().to_xarray):
        with pytest.raises(InputError, match=r"not installed.*nmfit\[tables\]"):
            call()


# --- motion, signal-to-noise, networks ---

def test_motion_and_clearness_from_the_table_beside_a_series(tmp_path):
    path = write_xcpd(tmp_path)
    (bold,) = read_bold(path)
    assert read_quality(bold).mean_fd is None
    rows = [("n/a", 0.5)] + [(0.1 if i % 10 else 0.6, 0.5) for i in range(1, 90)]
    write_table(tmp_path / "sub-01_task-rest_desc-confounds_timeseries.tsv", ("framewise_displacement", "csf"),
                [(None if fd == "n/a" else fd, csf) for fd, csf in rows])
    write_table(tmp_path / "sub-02_task-rest_desc-confounds_timeseries.tsv", ("framewise_displacement",), [[9.0]] * 90)
    found = read_quality(bold)
    assert found.mean_fd == pytest.approx(np.mean([fd for fd, _ in rows[1:]]))
    assert found.moved == pytest.approx(8 / 89)
    assert found.tsnr == pytest.approx(np.median(series().mean(0) / series().std(0)))
    assert read_quality(tmp_path / "sub-02_task-rest_desc-confounds_timeseries.tsv").mean_fd == 9.0
    with pytest.raises(InputError, match=r"columns x.*framewise_displacement"):
        read_quality(_table(tmp_path / "x.tsv", ("x",), [[1]]))
    with pytest.raises(InputError, match="negative"):
        read_quality(_table(tmp_path / "x.tsv", ("mean_fd",), [[-1]]))


def _table(path, columns, rows):
    write_table(path, columns, rows)
    return path


@pytest.mark.parametrize(("label", "network"), [
    ("7Networks_LH_Vis_1", "visual"), ("LH_SalVentAttn_Med_2", "ventral attention"), ("RH_ContA_PFCl_1", "control"),
    ("17Networks_RH_DefaultB_PFCv_3", "default"), ("LH-SomMotA_3", "somatomotor"), ("Visceral_L", None),
    ("Precentral_L", None)])
def test_names_tell_networks(label, network):
    assert network_of(label) == network


def test_residuals_by_network_are_a_table_of_the_page():
    plain = make_result(n=12)
    assert residuals(plain) is None
    names = np.array([f"7Networks_{s}_{w}_{i}" for w in ("Vis", "SomMot", "Default") for s in ("LH", "RH")
                      for i in (1, 2)])
    arrays = plain.arrays | {"labels": names}
    arrays["fc_model"] = arrays["fc_score"].copy()
    arrays["fc_model"][:4, :4] += 0.25
    result = Result({**plain.record, "parameters": []}, arrays)
    rows = residuals(result)
    assert [row[0] for row in rows] == ["visual", "somatomotor", "default"]
    assert rows[0][2:] == pytest.approx((0.25, 0.25, 0.0))
    assert rows[1][2:] == pytest.approx((0.0, 0.0, 0.0))
    assert "somatomotor" in _networks(result)
    assert not _networks(plain)


# --- nmfit check ---

@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_mrtrix(tmp_path / "sc.csv")
    write_text(tmp_path / "labels.txt", "\n".join(REGIONS))
    write_xcpd(tmp_path, series(t=900))
    return tmp_path


SERIES = "sub-01_task-rest_space-MNI_atlas-4S6Parcels_stat-mean_timeseries.tsv"


def test_check_says_what_files_are_and_that_they_fit(folder, capsys):  # noqa: ARG001
    assert run("check", "sc.csv", "labels.txt", SERIES) == 0
    told = capsys.readouterr().out
    for words in ("MRtrix csv; 6 x 6", "upper triangle only: mirrored", "XCP-D series", f"TR {TR:g} s",
                  "region names; 6", "together  6 regions in all parts", "estimate: about"):
        assert words in told
    assert run("check", "sc.csv", "labels.txt", SERIES, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["role"] for row in found["files"]] == ["sc", "labels", "bold"]
    assert found["together"]["fits"]
    assert found["cost"]["seconds"] > 0
    assert all(len(digest) == 64 for row in found["files"] for digest in row["sha256"].values())


def test_people_who_take_turns_cost_wrong_connectomes_for_every_turn(folder, capsys):
    costs = []
    for people in (5, 6):
        rng = np.random.default_rng(people)
        files = [f"sub-{k:02d}_bold.tsv" for k in range(people)]
        for name in files:
            write_table(folder / name, REGIONS, (100 + rng.normal(size=(400, len(REGIONS)))).tolist())
        assert run("check", "sc.csv", "labels.txt", *files, "--tr", "2", "--json") == 0
        told = json.loads(capsys.readouterr().out)
        costs.append((told["together"]["folds"], told["cost"]["says"]))
    assert costs[0][0] == 1
    assert "for 62 fits" in costs[0][1]
    assert costs[1][0] == 6
    assert "for 364 fits" in costs[1][1]


def test_check_says_what_would_be_dropped(folder, capsys):
    data = series(t=900)
    data[:, 2] = np.nan
    write_xcpd(folder, data)
    assert run("check", "sc.csv", "labels.txt", SERIES) == cli.REFUSED
    told = capsys.readouterr().out
    assert "would be dropped: LH_Lim_1" in told
    assert "--drop-bad" in told
    assert run("check", "sc.csv", "labels.txt", SERIES, "--drop-bad") == 0
    assert "dropped everywhere: LH_Lim_1" in capsys.readouterr().out


def test_check_says_what_is_wrong_and_where(folder, capsys):
    write_qsirecon(folder / "q.mat")
    (folder / "page.csv").write_text("<!DOCTYPE html>")
    assert run("check", "q.mat", "page.csv", "gone.csv") == cli.REFUSED
    told = capsys.readouterr().out
    for words in ("4S6Parcels/sift_radius2_count", "page.csv: named as text, but it is a web page", "no such file",
                  "3 of the files cannot be used"):
        assert words in told
    assert run("check", "sc.csv", SERIES) == cli.REFUSED
    assert "--trust-order" in capsys.readouterr().out
    assert run("check", SERIES) == cli.REFUSED
    assert "parts are missing" in capsys.readouterr().out


def test_check_knows_roles_by_content(folder, capsys):
    write_matrix(folder / "fc.tsv", np.corrcoef(series().T), REGIONS)
    write_matrix(folder / "sub-01_lengths.tsv", 20 + weights(), REGIONS)
    write_brainvision(folder)
    run("check", "fc.tsv", "sub-01_lengths.tsv", "rest.vhdr", "--json")
    assert [row["role"] for row in json.loads(capsys.readouterr().out)["files"]] == ["fc", "lengths", "eeg"]


def test_check_takes_an_atlas_among_the_files(folder, capsys):
    write_dtseries(folder)
    run("check", "sc.csv", "labels.txt", "rest.dtseries.nii", "atlas.dlabel.nii", "gone_dseg.nii.gz", "--json")
    rows = json.loads(capsys.readouterr().out)["files"]
    assert [row["role"] for row in rows] == ["sc", "labels", "bold", "atlas", "atlas"]
    assert [row["problem"] and row["problem"].rpartition(": ")[2] for row in rows] == [
        None, None, None, None, "no such file. Check the path."]


def test_check_shows_which_name_is_which(folder, capsys):
    write_matrix(folder / "sc.tsv", weights(), [r.replace("LH_", "ctx-lh-").replace("RH_", "ctx-rh-") for r in REGIONS])
    assert run("check", "sc.tsv", SERIES) == 0
    told = capsys.readouterr().out
    assert "called differently: ctx-lh-Vis_1 = LH_Vis_1, ctx-lh-Mot_1 = LH_Mot_1, ctx-lh-Lim_1 = LH_Lim_1, " in told


def test_check_knows_spectra_of_regions(folder, capsys):
    freqs = np.arange(1.0, 41.0)
    rows = [[f, *(1 / f + 0.1 * np.exp(-((f - 10) ** 2)) * np.arange(1, 7))] for f in freqs]
    write_table(folder / "psd.tsv", ["freq_hz", *REGIONS], rows)
    write_matrix(folder / "sc.tsv", weights(), REGIONS)
    assert run("check", "sc.tsv", "psd.tsv", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["role"] for row in found["files"]] == ["sc", "psd"]
    assert found["files"][1]["shape"] == [40, 6]
    assert found["cost"]["seconds"] > 0
