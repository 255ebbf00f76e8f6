"""Where in the brain a fit fails: differences of modelled and measured FC by network, where names tell networks."""

import re

import numpy as np

# Networks of Yeo et al. (2011, J Neurophysiol 106:1125), as the Schaefer and 4S atlases write them.
NETWORKS = {"vis": "visual", "viscent": "visual", "visperi": "visual", "sommot": "somatomotor",
            "sommota": "somatomotor", "sommotb": "somatomotor", "dorsattn": "dorsal attention",
            "dorsattna": "dorsal attention", "dorsattnb": "dorsal attention", "salventattn": "ventral attention",
            "salventattna": "ventral attention", "salventattnb": "ventral attention", "ventattn": "ventral attention",
            "limbic": "limbic", "limbica": "limbic", "limbicb": "limbic", "cont": "control", "conta": "control",
            "contb": "control", "contc": "control", "default": "default", "defaulta": "default",
            "defaultb": "default", "defaultc": "default", "temppar": "default"}
OTHER = "other"
FEWEST = 3             # networks that have to be told apart


def network_of(label):
    """Return the network that a region's name tells, or None."""
    return next((NETWORKS[word] for word in re.split(r"[^a-z0-9]+", label.lower()) if word in NETWORKS), None)


def residuals(result):
    """Return rows (network, regions, r.m.s. within, mean difference within, r.m.s. to the other networks).

    Differences are modelled minus measured FC, measured on the score part where there is one. None where names tell
    fewer than three networks, or there is no FC.
    """
    arrays = result.arrays
    measured = arrays.get("fc_score", arrays.get("fc_fit"))
    if measured is None:
        return None
    found = np.array([network_of(label) or OTHER for label in result.labels])
    names = [name for name in dict.fromkeys(NETWORKS.values()) if (found == name).sum() > 1]
    if len(names) < FEWEST:
        return None
    names += [OTHER] if (found == OTHER).sum() > 1 else []
    apart = arrays["fc_model"] - measured
    rows = []
    for name in names:
        inside = found == name
        own = apart[np.ix_(inside, inside)][~np.eye(inside.sum(), dtype=bool)]
        rest = apart[np.ix_(inside, ~inside)]
        rows.append((name, int(inside.sum()), _rms(own), float(own.mean()), _rms(rest)))
    return rows


def _rms(values):
    return float(np.sqrt(np.mean(values ** 2))) if values.size else None
