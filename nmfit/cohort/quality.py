"""How people's scores and parameters go with motion and with the clearness of the signal."""

import numpy as np
from scipy import stats

# What is looked for among the covariates, by its usual names.
KINDS = {"motion": ("mean_fd", "fd", "fd_mean", "motion", "framewise_displacement"),
         "signal-to-noise": ("tsnr", "mean_tsnr", "snr", "t_snr")}
FEWEST = 4
SCORED = ("model", "own", "blend_model", "ceiling")


def with_quality(people, found, scored):
    """Return Spearman correlations with people's scores and with the mean of each parameter over regions.

    Parameters
    ----------
    people : list of Person
    found : list of dict, what `estimate` returned of each
    scored : dict of str to dict, r of predictions by person

    Returns
    -------
    list of dict
        Per kind of covariate that at least four people have: ``kind``, ``covariate``, ``people``, and ``rows`` with
        ``what``, ``rho``, ``p`` and the 95 % interval ``ci95`` of rho by Fisher's z.
    """
    values = {key.removeprefix("value."): [float(np.mean(one[key])) for one in found]
              for key in (found[0] if found else ()) if key.startswith("value.")}
    values |= {f"r of {name}": [scored.get(p.name, {}).get(name, np.nan) for p in people] for name in SCORED}
    told = []
    for kind, names in KINDS.items():
        for name in names:
            have = [k for k, p in enumerate(people) if isinstance(p.covariates.get(name), int | float)]
            if len(have) >= FEWEST:
                given = np.array([people[k].covariates[name] for k in have])
                rows = [row for what, of in values.items() if (row := _row(what, given, np.array(of)[have]))]
                told.append({"kind": kind, "covariate": name, "people": len(have), "rows": rows})
                break
    return told


def _row(what, given, values):
    if not np.isfinite(values).all() or not np.ptp(values) or not np.ptp(given):
        return None
    rho, p = stats.spearmanr(given, values)
    # The variance of Fisher's z of a rank correlation: Bonett & Wright 2000, Psychometrika 65:23.
    reach = stats.norm.ppf(0.975) * np.sqrt((1 + rho**2 / 2) / (len(given) - 3))
    z = np.arctanh(np.clip(rho, -1 + 1e-12, 1 - 1e-12))
    return {"what": what, "rho": float(rho), "p": float(p), "ci95": np.tanh([z - reach, z + reach]).tolist()}
