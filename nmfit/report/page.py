"""One self-contained HTML page: no address outside, no script, every label escaped, at most 2 MB."""

from . import brain_maps, climb, figures, fresh, methods, networks, spectra, spectral, words
from .html import data_uri, document, escaped, table, tile_list

MOST_BYTES = 2_000_000
MOST_ROWS = 1500          # of per-region parameters; the rest stands in params.tsv
NARROW_WINDOW = "(max-width: 640px)"

FIGURES = {
    "climb": (climb.climb, "Every score of the climb beside the ceiling, the reliability, wrong connectomes refitted "
                           "by the same protocol, and baselines."),
    "fc": (figures.matrices, "Functional connectivity, measured and modelled, and their difference. The diagonal is "
                             "left out."),
    "scatter": (figures.edges, "Every pair of regions."),
    "spectra": (spectra.spectra, "Power spectra of channels, measured and modelled."),
    "topography": (spectra.topography, "Alpha power (8 to 13 Hz) over the head, nose up, by spherical splines "
                   "between the channels (dots)."),
    "dynamics": (fresh.dynamics, "Functional connectivity dynamics: how alike the FC of pairs of windows is, as "
                                   "cumulative distributions over all pairs."),
    "losses": (figures.losses, "The best start of every rung, one rung after the other."),
    "maps": (brain_maps.maps, "Parameters with a value of their own in every region."),
}


def page(result):
    """Return a result's page.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
        HTML of at most 2 MB; where figures of a large atlas would exceed that, those for narrow windows are left
        out, then figures are drawn more coarsely.
    """
    for dpi, narrow in ((160, True), (160, False), (100, False), (60, False)):
        text = _assembled(result, dpi, narrow)
        if len(text.encode()) <= MOST_BYTES:
            return text
    raise ValueError(f"the page of {len(result.labels)} regions takes {len(text)} bytes at its coarsest")


def fragment(result):
    """Return verdict and climb as HTML for a notebook's cell."""
    return (f"<div><p><b>{escaped(words.headline(result))}</b></p>"
            f"{''.join(f'<p>{escaped(text)}</p>' for text in words.answers(result))}{_climb_table(result)}</div>")


def _assembled(result, dpi, narrow):
    shown = {name: _figure(result, name, dpi, narrow) for name in FIGURES}
    record = result.record
    tone = "plain" if result.explained is None else "good"
    body = f"""
<p class="ran">{escaped(words.first_line(record))}</p>
<h1 class="{tone}">{escaped(words.headline(result))}</h1>
{''.join(f'<p>{escaped(text)}</p>' for text in words.answers(result))}
{_tiles(result)}
{_flags(record)}
<h2>The climb</h2>
{shown['climb']}
{_climb_table(result)}
<h2>Beside the score</h2>
{_beside_table(result)}
<h2>Measured and modelled</h2>
{shown['fc']}
{_networks(result)}
{_spectral(record)}
{shown['spectra']}
{shown['topography']}
{shown['dynamics']}
<div class="pair">{shown['scatter']}{shown['losses']}</div>
<h2>Parameters of rung ‘{escaped(words.rung_name(result.rung(result.chosen)))}’</h2>
{_parameters(result)}
{''.join(f'<p>{escaped(text)}</p>' for text in words.determined(record))}
{shown['maps']}
{_regional(result)}
<h2>Confirmation</h2>
<p>{escaped(words.confirmation(record))} {escaped(words.stability(record))}</p>
{_sweep(record)}
<h2>Methods</h2>
{''.join(f'<p>{escaped(text)}</p>' for text in methods.paragraphs(result))}
<h2>Data and provenance</h2>
{''.join(f'<p>{escaped(text)}</p>' for text in words.what_was_read(record))}
{_provenance(record)}
"""
    return document(f"nmfit: {words.headline(result)}", body)


def _figure(result, name, dpi, narrow):
    draw, caption = FIGURES[name]
    figure = draw(result)
    if figure is None:
        return ""
    small = f'<source media="{NARROW_WINDOW}" srcset="{data_uri(draw(result, narrow=True), dpi)}">' if narrow else ""
    width = round(figure.get_size_inches()[0] * 96)
    image = f'<img src="{data_uri(figure, dpi)}" width="{width}" alt="{escaped(caption)}">'
    return f"<figure><picture>{small}{image}</picture><figcaption>{escaped(caption)}</figcaption></figure>"


def _tiles(result):
    record, rung = result.record, result.rung(result.chosen)
    r, ceiling = words.score_name(record), record["ceiling"]["value"]
    tiles = [(words.score(rung["score_heldout"], rung["score_heldout_se"]), f"{r} on held-out data"),
             (words.score(ceiling), "ceiling"),
             (words.number(rung["free_parameters"]), "free parameters")]
    margins = [null["margin"] for null in record["nulls"].values() if null and null["margin"] is not None]
    if margins:
        tiles.append((f"{min(margins):+.2f}", f"smallest margin over {words.claim(record)[2]}"))
    if "seconds" in record["provenance"]:
        tiles.append((words.seconds(record["provenance"]["seconds"]), "for everything"))
    return tile_list(tiles)


def _flags(record):
    if not record["flags"]:
        return ""
    items = "".join(f"<li><code>{escaped(name)}</code>: {escaped(sentence)}</li>"
                    for name, sentence in words.flag_lines(record))
    return f'<div class="flags"><b>Before believing this</b><ul>{items}</ul></div>'


def _climb_table(result):
    rows = []
    for rung in result.record["rungs"]:
        tags = ""
        if rung is result.rung(result.chosen):
            tags += ' <span class="tag plain">chosen</span>'
        if result.explained is not None and rung is result.rung(result.explained):
            tags += ' <span class="tag good">explained</span>'
        cells = [escaped(words.rung_name(rung)) + tags, words.number(rung["free_parameters"]), rung["starts"],
                 rung["steps"], words.number(rung["loss"]), words.score(rung["score_fit"]),
                 words.score(rung["score_choose"]), words.score(rung["score_heldout"], rung["score_heldout_se"]),
                 words.score(rung["coupling_zero"]), words.seconds(rung["seconds"])]
        note = f"{'kept' if rung['kept'] else 'not kept'}: {escaped(rung['reason'])}"
        checked = words.validated(rung)
        rows.append(("" if rung["kept"] else "out", cells, f"{note}<br>{escaped(checked)}" if checked else note))
    head = ["rung", "free", "starts", "steps", "loss", "fitted", "choosing", "held out", "no coupling", "time"]
    return table(head, rows, range(1, 10), less=(2, 3, 4, 6, 9))


def _beside_table(result):
    record, rung = result.record, result.rung(result.chosen)
    if "not_validated" in record["flags"]:
        return "<p>Nothing: no data were held out, so there is no score, no ceiling, and no wrong connectome.</p>"
    rows = [
        [f"<b>{escaped(words.rung_name(rung))}</b>, held out",
         words.score(rung["score_heldout"], rung["score_heldout_se"])],
        ["ceiling: the best any prediction could do", words.interval(record["ceiling"])],
        ["reliability: the fit part predicting the score part", words.interval(record["reliability"])],
        [f"<b>{words.claim(record)[2]}</b>, each refitted from its own lower rungs", ""],
        *([escaped(name), escaped(words.null_line(null))] for name, null in words.nulls(record)),
        ["<b>baselines</b>", ""],
        *([escaped(words.baseline(name)), words.score(value)] for name, value in record["baselines"].items()),
    ]
    return table((), [("", cells, "") for cells in rows])


PARAMETER_HEAD = ["parameter", "value", "s.e.", "if the model is true", "95 % interval", "bounds", "unit", "flag"]


def _parameter_cells(row, first):
    return [first, words.number(row["value"], 4), words.number(row["se"], 2), words.number(row.get("se_model"), 2),
            words.pair(row["ci95"]),
            words.pair(row["bounds"]), escaped(row["unit"]), escaped(row["flag"] or "")]


def _parameters(result):
    shared = [row for row in result.parameters if row["region"] is None]
    if not shared:
        return "<p>No parameter is shared by all regions.</p>"
    rows = []
    for row in shared:
        meaning = words.meaning(result.rung(result.chosen)["model"], row["name"])
        rows.append(("", _parameter_cells(row, f"<b>{escaped(row['name'])}</b>"), escaped(meaning)))
    return table(PARAMETER_HEAD, rows, range(1, 6), less=(2, 3, 5))


def _regional(result):
    regional = [row for row in result.parameters if row["region"] is not None]
    if not regional:
        return ""
    rows = [("", _parameter_cells(row, f"{escaped(row['name'])} · {escaped(row['region'])}"), "")
            for row in regional[:MOST_ROWS]]
    rest = len(regional) - len(rows)
    more = f"<p>{rest} more stand in params.tsv.</p>" if rest > 0 else ""
    return (f"<details><summary>{len(regional)} regional values</summary>"
            f"{table(PARAMETER_HEAD, rows, range(1, 6), less=(2, 3, 5))}{more}</details>")


def _networks(result):
    """Return where FC is missed, by network."""
    rows = networks.residuals(result)
    if rows is None:
        return ""
    head = ["network", "regions", "r.m.s. difference within", "mean difference within", "r.m.s. to others"]
    cells = [[escaped(name), count, words.number(own, 2), f"{mean:+.2f}", words.number(rest, 2)]
             for name, count, own, mean, rest in rows]
    return table(head, [("", row, "") for row in cells], range(1, 5))


def _spectral(record):
    """Return what a fit of spectra tells beside R2."""
    told = [[escaped(what), escaped(text)] for what, text in spectral.rows(record)]
    return table((), [("", row, "") for row in told], (1,)) if told else ""


def _sweep(record):
    """Return the simulated score over the scale of the noise, which FC alone does not tell."""
    rows = record["confirmation"].get("sweep") or []
    said = {True: "yes", False: "no", None: "–"}
    head = ["noise sigma", f"simulated {escaped(words.score_name(record))}", "change", "sampling error", "agrees",
            "theory", "root mean square of pairs", "score of short runs"]
    cells = [[words.number(row["sigma"]), words.score(row["score"]), words.number(row["difference"], 2),
              words.number(row["sampling_error"], 2), said[row["agrees"]], row.get("engine", "linear"),
              words.number(row.get("rmse"), 2), words.score(row.get("plain"))] for row in rows]
    return table(head, [("", row, "") for row in cells], (0, 1, 2, 3, 6, 7), less=(3, 5, 6, 7)) if cells else ""


def _provenance(record):
    made = record["provenance"]
    command = f"<h3>Command</h3><pre>{escaped(made['command'])}</pre>" if made.get("command") else ""
    rows = [("", [f"<code>{escaped(key)}</code>", f'<span class="any">{escaped(value)}</span>'], "")
            for key, value in _leaves({k: v for k, v in made.items() if k not in ("command", "notes")})]
    return f"{command}<details open><summary>Provenance</summary>{table((), rows)}</details>"


def _leaves(value, place=""):
    """Return the pairs (dotted place, value) of a nested table."""
    if not isinstance(value, dict):
        return [(place, ", ".join(map(str, value)) if isinstance(value, list) else value)]
    return [leaf for key, below in value.items() for leaf in _leaves(below, f"{place}.{key}" if place else key)]
