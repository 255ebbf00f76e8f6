"""What a cohort's fit found: scores of every person beside the trivial predictors, parameters, reliability."""

import dataclasses
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..io import write_bytes, write_json, write_table
from ..shown import Shown
from . import scores
from .quality import with_quality
from .reliability import reliabilities
from .status import RECORD, SCHEMA

SETTLED = ("converged", "at_bound")
SCORES = ("own", "group", "blend", "before", "model", "blend_model", "factors",
          "blend_factors", "swapped", "group_connectome", "blend_swapped", "blend_group_connectome", "ceiling")
INCREMENTS = (          # name, what it is, first, second
    ("model", "blend(own, group, model) - blend(own, group)", "blend_model", "blend"),
    ("factors", "the same with 5 factors of the own FC, no model", "blend_factors", "blend"),
    ("own_over_swapped", "model on the own connectome - on another person's", "model", "swapped"),
    ("own_over_group", "model on the own connectome - on the group's", "model", "group_connectome"),
    ("model_over_own", "model - the person's own other part", "model", "own"),
    ("model_over_group", "model - the mean of the others", "model", "group"),
    ("model_over_blend", "model - blend(own, group)", "model", "blend"))
TESTED = ("of", "parameter", "region", "effect", "se", "t", "tau", "p", "q", "people")
COLUMNS = ("person", "parameter", "region", "value", "se", "unit", "unshrunken", "unshrunken_se", "group", "free",
           "free_se", "unshrunken_free", "unshrunken_free_se")


@dataclasses.dataclass(frozen=True, eq=False)
class CohortResult(Shown):
    """The fit of a cohort.

    Attributes
    ----------
    record : dict
        The plan, the group's climb, the choice, mean scores, increments with intervals, reliability, failures.
    people : list of dict
        One row per person: r with the score part of the model and of every trivial predictor.
    parameters : list of dict
        One row per person, parameter and region.
    labels : tuple of str
    covariates : dict of str to dict
    """

    shown_as: ClassVar = "cohort"

    record: dict
    people: list
    parameters: list
    labels: tuple
    covariates: dict

    def summary(self):
        """Return the answer in a few lines."""
        r, told = self.record, []
        told.append(f"{r['people']} people, {len(r['failures'])} failures; design '{r['design']}'; deviations: "
                    f"{r['choice']['rung']}{' + drive' if r['choice']['drive'] else ''}, prior strength "
                    f"{r['choice']['strength']:g}")
        for name in ("own", "group", "blend", "model", "blend_model", "ceiling"):
            if name in r["scores"]:
                told.append(f"  {name.replace('_', '(own, group) + '):<26}r {r['scores'][name]['mean']:.3f}")
        for row in r["increments"].values():
            told.append(f"  {row['what']}: {row['mean']:+.4f} (95 % {row['ci95'][0]:+.4f} to {row['ci95'][1]:+.4f})")
        if r["identification"]:
            told.append(f"  identified by the model {r['identification']['model']:.0%}, by the own other part "
                        f"{r['identification']['own']:.0%}, by chance {1 / max(1, len(self.people)):.0%}")
        told += [f"  {one['says']}" for one in r["contrasts"]]
        return "\n".join(told)

    def save(self, folder):
        """Write ``cohort.json``, ``people.tsv``, ``params.tsv``, ``report.html``, and more where there is any."""
        folder = Path(folder)
        columns = ["person", *self.record["scores"], *sorted({k for c in self.covariates.values() for k in c})]
        write_table(folder / "people.tsv", columns, ([row.get(c) for c in columns] for row in self.people))
        write_table(folder / "params.tsv", COLUMNS, ([row[c] for c in COLUMNS] for row in self.parameters))
        rows = self.record["reliability"]["rows"]
        if rows:
            write_table(folder / "reliability.tsv", tuple(rows[0]), (row.values() for row in rows))
        tested = [(one["of"], *row.values()) for one in self.record["contrasts"] for row in one["rows"]]
        if tested:
            write_table(folder / "contrasts.tsv", TESTED, tested)
        self.report(folder / "report.html")
        write_json(folder / RECORD, self.record | {"schema": SCHEMA, "labels": list(self.labels),
                                                   "covariates": self.covariates})

    def report(self, path):
        """Write the report, one self-contained HTML page."""
        from ..report.cohort_page import page

        write_bytes(path, page(self).encode())


def build(people, priors, found, record):
    """Return the result of what was found."""
    names = [s for s in ("own", "swapped", "group_connectome") if s in found]
    scored_at = [i for i in range(len(people)) if all(found[s][i] is not None for s in names)]
    left = [people[i] for i in scored_at]
    labels = people[0].pooled.labels or people[0].brain.labels
    record = record | {"scores": {}, "increments": {}, "identification": {}, "weights": {}, "flags": []}
    record["contrasts"], rows = [], []
    if left:
        group = [next(prior.fc for prior in priors if i in prior.out) for i in scored_at]
        predicted = scores.predictors(left, group, {s: [found[s][i] for i in scored_at] for s in names})
        score = scores.standardised([p.score for p in left])
        r, weights = scores.scored(predicted, scores.standardised([p.choose for p in left]), score)
        # What the person's own other part reaches can be reached.
        ceiling = np.maximum([p.ceiling for p in left], r["own"])
        r = {name: values for name in SCORES if (values := (r | {"ceiling": ceiling}).get(name)) is not None}
        record["scores"] = {name: {"mean": values.mean(), "sd": values.std(ddof=1),
                                   "of_ceiling": _share(values, ceiling)} for name, values in r.items()}
        record["increments"] = {name: {"what": what, **scores.paired(r[a], r[b])}
                                for name, what, a, b in INCREMENTS if a in r and b in r}
        record["weights"] = {name: dict(zip(scores.BLENDS[name], map(float, w), strict=True))
                             for name, w in weights.items()}
        record["identification"] = {name: scores.identified(predicted[name], score)
                                    for name in ("model", "own", "swapped", "before") if name in predicted}
        rows = [{"person": p.name, **p.covariates, **{name: float(values[k]) for name, values in r.items()}}
                for k, p in enumerate(left)]
    told = [i for i in range(len(people)) if found["parameters"][i] is not None]
    parameters = [row for i in told for row in _parameters(people[i].name, found["parameters"][i], priors[-1], labels)]
    again = [one for one in found["occasions"] if one is not None]
    kind = "sessions" if record["design"] == "sessions" else "halves of one run"
    record["reliability"] = {"occasions": kind, "people": len(again),
                             "rows": reliabilities(again) if len(again) > 1 else []}
    record["quality"] = with_quality([people[i] for i in told], [found["parameters"][i] for i in told],
                                     {row["person"]: row for row in rows})
    record["flags"] = _flags(record, [found["own"][i] for i in scored_at], [found["parameters"][i] for i in told])
    return CohortResult(record, rows, parameters, labels, {p.name: p.covariates for p in people if p.covariates})


def _parameters(person, found, prior, labels):
    """Yield a row per parameter and region of one person."""
    units = {name: declared.unit for name, declared in prior.network.declared().items()}
    for key in (k for k in found if k.startswith("value.")):
        name = key.removeprefix("value.")
        group = np.asarray(prior.network.value(name))
        for at, value in np.ndenumerate(found[key]):
            def of(part, name=name, at=at):
                return float(found[f"{part}.{name}"][at]) if f"{part}.{name}" in found else None

            yield {"person": person, "parameter": name, "region": labels[at[0]] if at else None, "value": float(value),
                   "se": of("se"), "unit": units[name], "unshrunken": of("un.value"), "unshrunken_se": of("un.se"),
                   "group": float(group[at] if group.ndim else group), "free": of("free"), "free_se": of("se.free"),
                   "unshrunken_free": of("un.free"), "unshrunken_free_se": of("un.se.free")}


def _share(values, ceiling):
    """Return the mean share of people's ceilings that a prediction reaches, None where a ceiling is not known."""
    return float(np.mean(values / ceiling)) if (ceiling > 0).all() else None


def _flags(record, fitted, estimated):
    flags = []
    for name, key, found, which in (("not_settled", "status", fitted, ""),
                                    ("unshrunken_not_settled", "un.status", estimated, " without a prior")):
        unsettled = sum(str(one[key]) not in SETTLED for one in found if key in one)
        if unsettled:
            flags.append(f"{name}: {unsettled} of {len(found)} searches{which} ended at their step limit or stalled")
    if record["failures"]:
        flags.append(f"failures: {len(record['failures'])} units failed, see failures.tsv")
    gain = record["increments"].get("model")
    if gain and not gain["ci95"][0] > 0:
        flags.append("no_increment: no sure gain over the blend of the own other part and the group")
    swapped = record["increments"].get("own_over_swapped")
    if swapped and not swapped["ci95"][0] > 0:
        flags.append("connectome: no sure gain of the own connectome over another person's")
    return flags
