"""A result made by hand, for the tests of what is shown and stored."""

import copy

import numpy as np

from nmfit.fit.result import Result

REGIONS = ("Precentral", "Frontal_Sup", "Frontal_Mid", "Insula", "Cingulate_Ant", "Cingulate_Post",
           "Calcarine", "Cuneus", "Lingual", "Occipital_Sup", "Fusiform", "Postcentral", "Parietal_Sup",
           "Angular", "Precuneus", "Temporal_Sup", "Temporal_Mid", "Temporal_Inf", "Rolandic_Oper", "Rectus")


def _rung(name, free, fit, choose, held, kept, reason, drive=False, zero=0.31):
    return {"name": name, "model": "Hopf", "engine": "linear", "free_parameters": free, "starts": 8,
            "steps": 31, "loss": 1 - fit, "score_fit": fit, "score_choose": choose, "score_heldout": held,
            "score_heldout_se": None if held is None else 0.02, "seconds": 2.3, "status": "converged",
            "kept": kept, "reason": reason, "drive": drive, "coupling_zero": zero}


RUNGS = [
    _rung("shared", 2, 0.52, 0.49, 0.48, True, "the first rung", zero=0.0),
    _rung("shared + drive", 3, 0.60, 0.57, 0.56, True, "gains 0.08 ± 0.01 on the choose part", True, 0.31),
    _rung("maps + drive", 9, 0.66, 0.60, 0.60, True, "gains 0.03 ± 0.01 on the choose part", True, 0.40),
    _rung("region + drive", 161, 0.90, 0.71, 0.68, True, "gains 0.11 ± 0.02 on the choose part", True, 0.62),
]


def _brain(n):
    """Regions on two half ellipsoids, in mm."""
    rng = np.random.default_rng(3)
    half = rng.normal(size=(n // 2, 3))
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    half = np.abs(half[:, :1]) * [1, 0, 0] * 62 + half * [0, 82, 55] + [4, -18, 12]
    places = np.empty((n, 3))
    places[0::2], places[1::2] = half * [-1, 1, 1], half
    return places


def _fc(places, noise, seed):
    rng = np.random.default_rng(seed)
    folded = places * [0.35, 1, 1]
    distance = np.linalg.norm(folded[:, None] - folded[None], axis=-1)
    fc = 0.15 + 0.7 * np.exp(-distance / 45) - 0.15 * (distance > 110)
    wobble = rng.normal(size=fc.shape) * noise
    fc = np.clip(fc + (wobble + wobble.T) / 2, -0.99, 0.99)
    np.fill_diagonal(fc, 1.0)
    return fc


def _parameters(labels, places, rng):
    rows = [{"name": "G", "region": None, "value": 0.41, "se": 0.03, "ci95": [0.35, 0.47],
             "bounds": [0.0, None], "unit": "1/s", "flag": None}]
    for name, unit, bounds, centre in (("a", "1/s", [-2.0, 0.5], -0.3), ("noise", "", [0.01, 100.0], 1.0)):
        for label, place in zip(labels, places, strict=True):
            value = centre + 0.002 * place[1] + 0.05 * rng.normal()
            rows.append({"name": name, "region": label, "value": value, "se": 0.04,
                         "ci95": [value - 0.08, value + 0.08], "bounds": bounds, "unit": unit, "flag": None})
    rows[3]["flag"] = "flat"
    return rows


def make_result(n=40, explained="maps + drive", **changes):
    """Return a result over ``n`` regions; `changes` replace keys of its record."""
    rng = np.random.default_rng(0)
    names = [f"{stem}{i // 20 or ''}" for i, stem in enumerate(REGIONS * (1 + n // 40))][: n // 2]
    labels = [f"{name}_{side}" for name in names for side in "LR"]
    places = _brain(n)
    record = {
        "schema": 1, "status": "converged",
        "flags": ["noise_scale_unidentified", "map_from_target:gradient1"],
        "modality": "fmri", "rungs": copy.deepcopy(RUNGS), "chosen": "region + drive", "explained": explained,
        "ceiling": {"value": 0.81, "ci95": [0.77, 0.85]},
        "reliability": {"value": 0.70, "ci95": [0.66, 0.74]},
        "baselines": {"log_sc": 0.34, "distance": 0.45, "k_factor": 0.66, "harmonics": 0.29,
                      "group_mean": None, "mean_fc": 0.0},
        "nulls": {"permuted": {"mean": 0.52, "sd": 0.02, "margin": 0.16, "p": 0.05, "n": 19},
                  "rewired": {"mean": 0.55, "sd": 0.015, "margin": 0.13, "p": 0.05, "n": 19},
                  "distance": {"mean": 0.66, "sd": 0.01, "margin": 0.02, "p": 0.1, "n": 19}},
        "stability": {"max_real_eigenvalue": -0.08},
        "confirmation": {"score": 0.67, "difference": 0.02, "sampling_error": 0.03, "agrees": True,
                         "sigma": 0.05},
        "parameters": _parameters(labels, places, rng),
        "provenance": {
            "versions": {"nmfit": "0.1.0", "jax": "0.10.2", "python": "3.12.0"}, "command": "nmfit demo -o out",
            "seed": 0, "dtype": "float64", "n_null": 19, "input_sha256": {"weights.csv": "0" * 64},
            "connectome": {"transform": "log1p", "norm": "max", "people": 5, "notes": [
                "weights.csv: asymmetric by up to 0.37 of the maximum, averaged with its transpose"]},
            "target": {"design": "blocks", "band": [0.01, 0.1], "tr": 2.0, "volumes": 90, "notes": [
                "5 people, each run cut into contiguous blocks: fit 300 s, choose 120 s, score 200 s"]},
            "seconds": 41.2,
        },
    }
    arrays = {
        "labels": np.array(labels), "weights": np.abs(_fc(places, 0.1, 1)), "centroids": places,
        "fc_fit": _fc(places, 0.08, 2), "fc_score": _fc(places, 0.12, 4), "fc_model": _fc(places, 0.03, 5),
        "fc_explained": _fc(places, 0.01, 6),
        "null_permuted": 0.52 + 0.02 * rng.normal(size=19),
        "null_rewired": 0.55 + 0.015 * rng.normal(size=19),
        "null_distance": 0.66 + 0.01 * rng.normal(size=19),
    }
    last = 0.9
    for rung in RUNGS:
        fall = np.exp(-np.arange(32) / 6.0)
        arrays[f"history_{rung['name'].replace(' + ', '_')}"] = rung["loss"] + (last - rung["loss"]) * fall
        last = rung["loss"]
    return Result(record | changes, arrays)


def without(result, *names):
    """Return the result without some of its arrays."""
    return Result(result.record, {k: v for k, v in result.arrays.items() if k not in names})
