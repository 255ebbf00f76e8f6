"""The report of a cohort: one self-contained page."""

from . import cohort_figures, words
from .html import data_uri, document, escaped, table, tile_list

MOST_REGIONS = 5          # rows of a parameter in a contrast
MOST_PEOPLE = 200         # rows of people; everybody stands in people.tsv
FIGURES = {
    "scores": (cohort_figures.scores, "Every person (one line each) and the mean (bar): how well each prediction "
                                      "meets data of the person that nothing else has seen; at the right the ceiling "
                                      "of every person."),
    "increments": (cohort_figures.increments, "What is asked of a model of people: what it adds to the blend of the "
                                              "person's own other part and the mean of the others."),
    "maps": (cohort_figures.maps, "The group's parameters (dots) and the middle 80 % of people (bars)."),
}
NARROW_WINDOW = "(max-width: 640px)"


def page(result):
    """Return a cohort's page.

    Parameters
    ----------
    result : CohortResult

    Returns
    -------
    str
    """
    record = result.record
    shown = {name: _figure(result, name) for name in FIGURES}
    body = f"""
<p class="ran">{escaped(_ran(record))}</p>
<h1 class="plain">{escaped(headline(record))}</h1>
<p>{escaped(_how(record))}</p>
{tile_list(_tiles(result))}
{_flags(record)}
<h2>People, beside what predicts them anyway</h2>
{shown['scores']}
{_scores(record)}
<h2>What the model adds</h2>
{shown['increments']}
{_increments(record)}
<h2>The group</h2>
{_climb(record)}
{shown['maps']}
<h2>Reliability of parameters</h2>
{_reliability(record)}
<h2>Motion and signal-to-noise</h2>
{_quality(record)}
{_contrasts(record)}
<h2>Failures</h2>
{_failures(record)}
<h2>Everybody</h2>
{_people(result)}
<h2>Provenance</h2>
{_provenance(record)}
"""
    return document(f"nmfit: {headline(record)}", body)


def headline(record):
    """Return the answer in one sentence."""
    gain = record["increments"].get("model")
    if gain is None:
        return f"{record['people']} people, nobody scored"
    gains = "a gain" if gain["ci95"][0] > 0 else "no sure gain"
    return (f"{record['people']} people: {gains} of the model over what a person's own other part and the group tell "
            f"({gain['mean']:+.4f} in r)")


def _figure(result, name):
    draw, caption = FIGURES[name]
    figure = draw(result)
    if figure is None:
        return ""
    small = f'<source media="{NARROW_WINDOW}" srcset="{data_uri(draw(result, narrow=True), 100)}">'
    width = round(figure.get_size_inches()[0] * 96)
    image = f'<img src="{data_uri(figure, 160)}" width="{width}" alt="{escaped(caption)}">'
    return f"<figure><picture>{small}{image}</picture><figcaption>{escaped(caption)}</figcaption></figure>"


def _ran(record):
    made = record["provenance"]
    return f"{record['people']} people in {words.seconds(made['seconds'])}, seed {record['seed']}"


def _how(record):
    what = {"within": "another part of the same run", "sessions": "another session"}[record["design"]]
    choice = record["choice"]
    return (f"A person's score is r with {what}. The group was fitted {record['folds']} times without some of the "
            f"people; each person's deviations from a group that leaves the person out ({choice['rung']}"
            f"{' + drive' if choice['drive'] else ''}) have a Gaussian prior of strength {choice['strength']:g}, which "
            f"the choose parts of {choice['pilots']} people chose. Blends are weighted on the choose parts.")


def _tiles(result):
    record = result.record
    tiles = [(words.number(record["scores"][name]["mean"], 3), f"r, {text}")
             for name, text in (*cohort_figures.PREDICTORS, ("ceiling", "ceiling")) if name in record["scores"]]
    if record["identification"]:
        tiles.append((f"{record['identification']['model']:.0%}", "identified by the model"))
    return tiles


def _flags(record):
    items = "".join(f"<li>{escaped(flag)}</li>" for flag in record["flags"])
    return f'<div class="flags"><b>Before believing this</b><ul>{items}</ul></div>' if items else ""


SCORES = {**dict(cohort_figures.PREDICTORS), "before": "the group's parameters on the own connectome",
          "factors": "5 factors of the own other part, no model", "blend_factors": "blend(own, group, factors)",
          "swapped": "model on another person's connectome", "group_connectome": "model on the group's connectome",
          "blend_swapped": "blend(own, group, model on another's connectome)",
          "blend_group_connectome": "blend(own, group, model on the group's connectome)",
          "ceiling": "ceiling: the best any prediction could do"}
SCORED = {f"r of {name}": f"r, {text.partition(':')[0]}" for name, text in SCORES.items()}


def _scores(record):
    rows = [("", [escaped(SCORES[name]), words.number(found["mean"], 3), words.number(found["sd"], 2),
                  _percent(None if name == "ceiling" else found["of_ceiling"]),
                  _percent(record["identification"].get(name)), escaped(_weights(record["weights"].get(name)))], "")
            for name, found in record["scores"].items()]
    said = ("<p>The ceiling of a person is the root of the reliability of the score part, from its halves, "
            "and not below what the own other part reaches. A single person's is uncertain, so that scores may lie "
            "above it; what moves FC between the parts lowers what can be reached further.</p>")
    head = ["prediction", "mean r", "sd over people", "of the ceiling", "identified", "weights"]
    return table(head, rows, (1, 2, 3, 4), less=(2, 5)) + said


def _percent(share):
    return "" if share is None else f"{share:.0%}"


def _weights(weights):
    return ", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in (weights or {}).items())


def _increments(record):
    rows = [("", [escaped(row["what"]), f"{row['mean']:+.4f}", f"{row['ci95'][0]:+.4f} to {row['ci95'][1]:+.4f}",
                  row["people"]], "") for row in record["increments"].values()]
    return table(["difference of r, paired over people", "mean", "95 % interval", "people"], rows, (1, 2, 3))


def _climb(record):
    rows = [("" if row["kept"] else "out", [escaped(row["rung"]), words.number(row["choose"], 3)],
             f"{'kept' if row['kept'] else 'not kept'}: {escaped(row['reason'])}") for row in record["group"]["climb"]]
    return table(["rung", "r with people who choose"], rows, (1,))


def _reliability(record):
    found = record["reliability"]
    if not found["rows"]:
        return "<p>Not known: it takes two people with two sessions, or runs long enough to halve.</p>"
    rows = [("", [escaped(row["parameter"]), row["kind"], words.number(row["icc"], 2),
                  f"{words.number(row['lower_quartile'], 2)} to {words.number(row['upper_quartile'], 2)}",
                  row["values"]], "") for row in found["rows"]]
    said = (f"<p>ICC(2,1) over {found['people']} people and {escaped(found['occasions'])}. Shrunken values agree in "
            "part because they share a group; read them beside the unshrunken, which are searched for to the end "
            "without any prior and follow the noise where a person's data say little.</p>")
    head = ["parameter", "values", "ICC, median over regions", "quartiles", "regions"]
    return said + table(head, rows, (2, 3, 4), less=(4,))


def _quality(record):
    if not record["quality"]:
        return ("<p>Not known: a column mean_fd or tsnr in participants.tsv, or confounds beside the recordings, are "
                "correlated with every score and parameter.</p>")
    told = ""
    for found in record["quality"]:
        rows = [("", [escaped(SCORED.get(row["what"], row["what"])), words.number(row["rho"], 2),
                      f"{words.number(row['ci95'][0], 2)} to {words.number(row['ci95'][1], 2)}",
                      words.number(row["p"], 2)], "") for row in found["rows"]]
        told += (f"<h3>{escaped(found['kind'].capitalize())} ({escaped(found['covariate'])}, {found['people']} people)"
                 "</h3>" + table(["mean over regions of", "Spearman's rho", "95 % interval", "p, each by itself"], rows,
                                 (1, 2, 3), less=(2,)))
    return told


def _contrasts(record):
    """Return what parameters differ with, or nothing where nobody asked."""
    told = ""
    for one in record["contrasts"]:
        told += f"<h3>{escaped(one['says'])}</h3>"
        if one["rows"]:
            names = dict.fromkeys(row["parameter"] for row in one["rows"])
            told += table(["parameter", "region", "effect ± se", "t", "p", "q over regions"], [
                row for name in names for row in _strongest(name, [r for r in one["rows"] if r["parameter"] == name])],
                (2, 3, 4, 5), less=(2, 3))
    if not told:
        return ""
    said = ("<p>Asked of the hierarchical model on values that are not shrunken, each weighted by its own standard "
            "error and the spread between people; effects are per unit of the covariate, or of the second group over "
            f"the first, on the scale on which the prior is Gaussian; p from {record['contrasts'][0]['permutations']} "
            "permutations (Freedman and Lane), q the false discovery rate. Of every parameter the regions with the "
            "smallest p; all stand in contrasts.tsv.</p>")
    return f"<h2>Contrasts</h2>{said}{told}"


def _strongest(name, rows):
    for row in sorted(rows, key=lambda row: (row["p"], -abs(row["t"])))[:MOST_REGIONS]:
        cells = [escaped(name), escaped(row["region"] or "shared"),
                 f"{row['effect']:+.3g} ± {words.number(row['se'], 2)}", words.number(row["t"], 2),
                 words.number(row["p"], 2), words.number(row["q"], 2)]
        yield "", cells, ""


def _failures(record):
    if not record["failures"]:
        return "<p>None.</p>"
    return table(["person", "what", "why"], [("", [escaped(cell) for cell in row], "") for row in record["failures"]])


def _people(result):
    names = [*(name for name, _ in cohort_figures.PREDICTORS), "ceiling"]
    rows = [("", [escaped(row["person"]), *(words.number(row[name], 3) for name in names)], "")
            for row in result.people[:MOST_PEOPLE]]
    rest = len(result.people) - len(rows)
    more = f"<p>{rest} more stand in people.tsv.</p>" if rest > 0 else ""
    head = ["person", *(text for _, text in cohort_figures.PREDICTORS), "ceiling"]
    return f"<details><summary>{len(result.people)} people</summary>{table(head, rows, range(1, 7))}{more}</details>"


def _provenance(record):
    made = record["provenance"]
    command = f"<pre>{escaped(made['command'])}</pre>" if made["command"] else ""
    rows = [("", [escaped(name), escaped(value)], "") for name, value in made["versions"].items()]
    rows += [("", [escaped(name), f'<span class="any">{escaped(value)}</span>'], "")
             for name, value in list(made["input_sha256"].items())[:MOST_PEOPLE]]
    return f"{command}<details><summary>Versions and inputs</summary>{table((), rows)}</details>"
