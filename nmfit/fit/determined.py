"""What the data determine and what they do not, in plain words and as rows of the record."""

import dataclasses

import numpy as np

from ..dynamics import form_of
from .copies import BRIEF, brief_recovery, surely_recovered
from .identify import KNOWN, RECOVERED, identify, value_errors
from .space import at_bound, free_count

NAMED = 3                  # undetermined directions that are told, the weakest first
CARRIES = 0.8              # share of a direction that the parameters named must carry
PAIR = 2.5                 # two weights this alike make a ratio or a product
SHARE = 0.3                # weight from which a parameter takes part


def record_of(determined, fitted):
    """Return what goes into `fit.json` as ``identifiability``.

    ``directions`` counts what is free, ``determined`` what the data know to within half of a parameter's own size;
    ``freedom`` is what the prior leaves of what is free, in effective degrees; ``weak`` names what the data do not
    determine; ``recovery`` is the correlation of truth and estimate to be expected for every parameter: over
    ``recovery_copies`` copies of the data, or, where that is None, from the curvature, the median over regions where
    each has its own.
    """
    errors, _ = determined.directions()
    free = free_count(fitted.blocks)
    return {"samples": determined.samples, "samples_from": determined.samples_from, "directions": free,
            "determined": min(int((errors < KNOWN).sum()), free), "freedom": determined.freedom,
            "errors": [float(e) for e in errors[:free]],
            "weak": weak_directions(determined, fitted),
            "correlations": [[_spoken(a, fitted), _spoken(b, fitted), r] for a, b, r in determined.correlations()],
            "recovery": expected_recovery(determined),
            "recovery_copies": None if determined.returned is None else BRIEF}


def expected_recovery(determined):
    """Return ``{name: r}``; see `record_of`. The curvature says nothing of parameters at a bound, copies do."""
    if determined.returned is not None:
        return determined.returned
    by_name = {}
    for coordinate, r in zip(determined.coordinates, determined.recovery, strict=True):
        if coordinate.block in determined.stuck:
            continue
        by_name.setdefault(coordinate.name, []).append(r)
    return {name: float(np.median(values)) for name, values in by_name.items()}


def not_recovered(determined):
    """Return the names of the parameters whose expected recovery is too low, or not shown by so few copies."""
    expected = expected_recovery(determined)
    if determined.returned is not None:
        return [name for name, r in expected.items() if not surely_recovered(r)]
    return [name for name, r in expected.items() if r < RECOVERED]


def asked_back(fitted, ground, determined, map_names=None, seed=0):
    """Return what the data determine, copies of them asked, too, where a rung is quick to fit again."""
    ground = ground.under(fitted.rung.model)
    quick = form_of(ground.network, ground.observation) == "symmetric" and ground.envelope is None
    if determined is None or not quick or fitted.rung.level not in ("shared", "maps"):
        return determined
    return dataclasses.replace(determined, returned=brief_recovery(fitted, ground, determined.samples, map_names, seed))


def weak_directions(determined, fitted):
    """Return the shared directions that the data do not determine, as ``error, sentence, parts``, weakest first."""
    if any(c.kind == "region" for c in determined.coordinates):
        return []
    errors, vectors = determined.directions()
    found = []
    for k in np.argsort(-errors)[:NAMED]:
        if errors[k] < KNOWN:
            break
        found.append({"error": float(errors[k]), "sentence": _sentence(determined, fitted, vectors[:, k]),
                      "parts": {c.name: float(w) for c, w in zip(determined.coordinates, vectors[:, k], strict=True)
                                if abs(w) >= SHARE}})
    return found


def _sentence(determined, fitted, weights):
    order = [k for k in np.argsort(-np.abs(weights)) if abs(weights[k]) >= SHARE]
    names = [_spoken(determined.coordinates[k].name, fitted) for k in order]
    if len(order) >= 1 and weights[order[0]] ** 2 >= CARRIES:
        return f"{names[0]} is not determined"
    levels = all(determined.coordinates[k].kind == "level" for k in order[:2])
    if len(order) >= 2 and levels and (weights[order[:2]] ** 2).sum() >= CARRIES:
        i, j = sorted(order[:2])
        a, b = (_spoken(determined.coordinates[k].name, fitted) for k in (i, j))
        if 1.0 / PAIR < abs(weights[i] / weights[j]) < PAIR:
            ratio = weights[i] * weights[j] > 0
            error = _along(determined, i, j, -1.0 if ratio else 1.0)
            return (f"only the {'ratio' if ratio else 'product'} {a}{'/' if ratio else ' x '}{b} is determined "
                    f"(to within {100 * error:.0f} %)")
    said = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"the data do not tell {said} apart"


def _along(determined, i, j, sign):
    """Return the relative error of the ratio (sign -1) or product (+1) of two levels."""
    size = np.abs(determined.sizes[[i, j]]) * np.sign(determined.sizes[[i, j]])
    cov = determined.covariance[np.ix_([i, j], [i, j])] * np.outer(size, size)
    return float(np.sqrt(max(cov[0, 0] + cov[1, 1] + 2.0 * sign * cov[0, 1], 0.0)))


def _spoken(name, fitted):
    """Return a parameter's name, in bars where it is negative, since ratios are of sizes."""
    stem = name.split(" along ")[0]
    negative = float(np.mean(np.asarray(fitted.network.value(stem)))) < 0 if stem == name else False
    return f"|{name}|" if negative else name


def add_model_errors(rows, determined, instead):
    """Write ``se_model``, the standard error if the model is true, into parameter rows.

    Parameters
    ----------
    rows : list of dict
    determined : Determined
    instead : bool
        Whether it also stands as ``se``, where nothing better could be measured.
    """
    errors, seen = value_errors(determined), {}
    for row in rows:
        if row["name"] not in errors:
            continue
        k = seen.get(row["name"], 0)
        seen[row["name"]] = k + 1
        error = float(errors[row["name"]][k])
        row["se_model"] = error
        if instead and row["se"] is None:
            low, high = (-np.inf if row["bounds"][0] is None else row["bounds"][0],
                         np.inf if row["bounds"][1] is None else row["bounds"][1])
            row["se"] = error
            row["ci95"] = [max(row["value"] - 1.96 * error, low), min(row["value"] + 1.96 * error, high)]


def validation(fitted, determined):
    """Return whether a kept rung is validated, and a sentence: starts agree, none at a bound, parameters recovered."""
    doubts = []
    if fitted.starts < 2:
        doubts.append("there was one start, so that none could agree with it")
    elif fitted.agreeing < 2:
        doubts.append(f"1 of {fitted.starts} starts reached the best loss")
    stuck = at_bound(fitted.blocks, fitted.theta)
    if stuck:
        doubts.append(f"{' and '.join(stuck)} ended at a bound")
    if determined is None:
        doubts.append("recovery was not computed")
    else:
        lost = not_recovered(determined)
        if lost:
            tied = "; ".join(w["sentence"] for w in weak_directions(determined, fitted))
            below = (f"r below {RECOVERED:g}" if determined.returned is None
                     else f"over {BRIEF} copies r is not surely above {RECOVERED:g}")
            doubts.append(f"from such data {', '.join(lost)} would not be recovered ({below})"
                          + (f": {tied}" if tied else ""))
    if doubts:
        return False, f"unvalidated: {'; '.join(doubts)}"
    return True, (f"validated: {fitted.agreeing} of {fitted.starts} starts agree, no parameter at a bound, all would "
                  f"be recovered (r at least {min(expected_recovery(determined).values()):.2f})")


def judged(plan, path, final, rows, parameters, map_names, measured):
    """Validate the kept rungs, write errors into parameter rows, and return what the data determine, and flags.

    Parameters
    ----------
    plan : Plan
    path : list of (rung, shrinkage)
    final : fits of the path to everything the reported model may see
    rows, parameters : lists of dict, of the record, added to
    map_names : sequence of str, or None
    measured : bool
        Whether standard errors were measured over people or blocks.
    """
    ground = plan.ground(plan.target.final)
    found = [asked_back(f, ground, identify(f, ground, plan.target.samples, map_names), map_names, plan.seed)
             for f in final]
    for (rung, _), fitted, determined in zip(path, final, found, strict=True):
        row = next(r for r in rows if r["kept"] and (r["name"], r["model"]) == (rung.name, fitted.rung.model))
        row["validated"], row["validation"] = validation(fitted, determined)
    best, determined = final[-1], found[-1]
    if determined is None:
        return None, ([] if measured else ["standard_errors_skipped"])
    add_model_errors(parameters, determined, not measured)
    flags = [] if measured else ["standard_errors_model"]
    flags += [f"not_separable:{a} and {b}" for a, b, _ in determined.correlations()]
    flags += [f"flat:{w['sentence']}" for w in weak_directions(determined, best) if len(w["parts"]) == 1]
    lost = not_recovered(determined)
    return record_of(determined, best), flags + ([f"not_recovered:{', '.join(lost)}"] if lost else [])
