"""The page opens offline, runs nothing, shows every name as text and stays small; the terminal stays clean."""

import base64
import copy
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from made_result import make_result, without

from nmfit.fit.result import Result
from nmfit.report import look, terminal, words
from nmfit.report.page import MOST_BYTES, _sweep, page

TAGS = {"html", "head", "meta", "title", "style", "body", "main", "p", "h1", "h2", "h3", "ul", "li", "b", "div", "code",
        "pre", "span", "figure", "picture", "source", "img", "figcaption", "table", "thead", "tbody", "tr", "th", "td",
        "details", "summary"}
VOID = {"meta", "source", "img"}
NASTY = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style><svg onload=alert(1)>", "a & b",
         "$\\frac{$", "左中央前回", "{braces} %s {0}", "x\x1b[31m")


class Reading(HTMLParser):
    """Collect tags, attributes and text, and check that tags nest."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.words, self.open = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def html():
    return page(make_result())


@pytest.fixture(scope="module")
def nasty():
    """A result in which everything that comes from outside tries to be something else."""
    made = make_result()
    old = made.labels
    labels = [f"{NASTY[i % len(NASTY)]}{i}" for i in range(len(old))]
    renamed = dict(zip(old, labels, strict=True))
    record = copy.deepcopy(made.record)
    for row in record["parameters"]:
        row["region"] = renamed.get(row["region"])
        row["flag"], row["unit"] = NASTY[0], NASTY[1]
    for rung in record["rungs"]:
        rung["reason"], rung["model"] = NASTY[0], NASTY[1]
    record["rungs"][3]["name"] = record["chosen"] = NASTY[0]
    record["baselines"] |= {NASTY[1]: 0.2}
    record["flags"] = [NASTY[0], f"at_bound:{NASTY[1]}"]
    record["provenance"] |= {"command": NASTY[0], NASTY[2]: NASTY[1]}
    record["provenance"]["connectome"]["notes"] = list(NASTY)
    return Result(record, made.arrays | {"labels": np.array(labels)})


def pictures(reading):
    for _, name, value in reading.attributes:
        if name in ("src", "srcset"):
            assert value.startswith("data:image/svg+xml;base64,")
            yield base64.b64decode(value.partition(",")[2]).decode()


def test_page_is_sound_html_without_script_or_address(html):
    reading = Reading(html)
    assert reading.open == []
    assert set(reading.tags) <= TAGS
    assert not re.search(r"https?:|//[a-z]|url\(|@import", html.split("</style>")[0])
    for _, name, value in reading.attributes:
        assert not name.startswith("on")
        assert name not in ("href", "action", "data")
        assert name in ("src", "srcset") or "://" not in (value or "")
    for svg in pictures(reading):
        assert "<script" not in svg
        links = re.findall(r'href="([^"]*)"', svg)
        assert links
        assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)


def test_page_carries_a_policy_that_forbids_all_else(html):
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in html


def test_names_from_outside_stay_text(nasty):
    html = page(nasty)
    reading = Reading(html)
    assert reading.open == []
    assert set(reading.tags) <= TAGS
    assert not any(name.startswith("on") for _, name, _ in reading.attributes)
    for name in ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "$\\frac{$", "左中央前回"):
        assert name in reading.text
    assert "\x1b" not in html
    for svg in pictures(reading):
        assert "<script" not in svg
        assert "onerror" not in svg or "onerror=" not in re.sub(r"<!--.*?-->", "", svg, flags=re.S)


def test_nasty_names_can_be_drawn_saved_and_said(nasty, tmp_path):
    nasty.save(tmp_path / "out")
    assert look.as_svg(without(nasty, "centroids").plot_maps())
    assert "\x1b" not in nasty.summary()
    lines = (tmp_path / "out" / "params.tsv").read_text().splitlines()
    assert {line.count("\t") for line in lines} == {lines[0].count("\t")}
    from nmfit.fit.result import load_result
    assert load_result(tmp_path / "out").labels == nasty.labels


def test_page_opens_with_the_verdict(html):
    text = Reading(html).text
    assert text.index("The connectome explains it as far as 'maps + drive'") < text.index("The climb")
    assert "A description, not an explanation" in Reading(make_result(explained=None)._repr_html_()).text


def test_page_holds_what_was_promised(html):
    result = make_result()
    text = Reading(html).text
    for said in ("0.68 ± 0.02", "0.81 (95 % 0.77 to 0.85)", "margin +0.02, p = 0.1", "log of the weights alone",
                 "kept: gains 0.11", "noise_scale_unidentified", "agrees with the closed form", "nmfit demo -o out",
                 "0" * 64, "80 regional values", "log1p", "three roles", "coupling 0"):
        assert said in text, said
    for row in result.parameters:
        assert row["region"] is None or row["region"] in text
    assert html.count("<details") == 2
    assert Reading(html).tags.count("source") == 5  # a figure of its own for narrow windows


@pytest.mark.parametrize("n", [4, 80])
def test_page_is_small(n):
    assert len(page(make_result(n=n)).encode()) <= MOST_BYTES


@pytest.mark.long
def test_page_of_a_fine_atlas_is_small():
    assert len(page(make_result(n=400)).encode()) <= MOST_BYTES


def test_confirmation_is_told_with_its_sweep():
    row = {"score": 0.72, "difference": -0.077, "sampling_error": 0.034, "agrees": False, "sigma": 0.02,
           "engine": "closure", "rmse": 0.051, "plain": 0.69, "untranslated": 0.66}
    found = row | {"sigma": 0.0063, "model_sigma": 0.02, "sweep": [row, row | {"sigma": 0.0063, "agrees": True}]}
    record = make_result(confirmation=found).record
    text = words.confirmation(record)
    assert "does not agree with the closed form: its FC scores r = 0.72, a change of -0.077" in text
    heldout = next(rung for rung in record["rungs"] if rung["name"] == record["chosen"])
    heldout["score_heldout"] = 0.797
    assert "on the same data" not in words.confirmation(record)
    heldout["score_heldout"] = 0.62
    assert "a change of -0.077 from the closed form's 0.80 on the same data" in words.confirmation(record)
    assert "The largest noise at which the two agree is sigma = 0.0063 (its own is 0.02)" in text
    assert "off by 0.051 on average" in text
    assert "where chance" not in text
    assert "on average, where chance gives 0.06 at most" in words.confirmation(
        make_result(confirmation=found | {"sampling_rmse": 0.03}).record)
    assert "under this noise (statistical linearisation); the fitted ones as they are would score 0.66" in text
    assert "0.02 0.72 -0.077 0.034 no closure 0.051 0.69" in Reading(_sweep(record)).text
    none = dict.fromkeys(("score", "difference", "sampling_error", "agrees", "sigma"))
    assert "was not simulated" in words.confirmation(make_result(confirmation=none).record)
    wild = none | {"agrees": False}
    assert "it left the finite numbers" in words.confirmation(make_result(confirmation=wild).record)


def test_page_without_nulls_baselines_maps_histories():
    made = make_result(explained=None, baselines={}, flags=[], parameters=[],
                       nulls=dict.fromkeys(("permuted", "rewired", "distance")))
    bare = without(made, "centroids", "fc_score", *(k for k in made.arrays if k.startswith(("history", "null"))))
    reading = Reading(page(bare))
    assert reading.open == []
    assert "No null connectomes were fitted" in reading.text
    assert "Before believing this" not in reading.text
    assert reading.tags.count("img") == 3


def test_logarithmic_and_constant_maps_have_plain_numbers():
    made = make_result()
    rows = copy.deepcopy(made.parameters)
    for i, row in enumerate(rows[1:]):
        row |= {"value": 10.0 ** (i % 4 - 1), "bounds": [0.01, 100.0]} if row["name"] == "noise" else {
            "value": -0.0793650793 + 1e-12 * i}
    figure = Result(made.record | {"parameters": rows}, made.arrays).plot_maps()
    look.as_svg(figure)  # ticks are made when a figure is drawn
    written = [text.get_text() for axis in figure.axes for text in (*axis.get_yticklabels(), axis.yaxis.offsetText)]
    assert "0.1" in written
    assert not any("$" in text or "e" in text for text in written)
    colours = figure.axes[0].collections[0].to_rgba(figure.axes[0].collections[0].get_array())
    assert np.ptp(colours, axis=0).max() < 0.01


def test_notebook_shows_the_verdict():
    reading = Reading(make_result()._repr_html_())
    assert reading.open == []
    assert "explains it as far as" in reading.text
    assert "shared + drive" in reading.text


def test_meaning_comes_from_the_declaration():
    assert "distance from the onset" in words.meaning("Hopf", "a")
    assert "coupling" in words.meaning("Hopf", "G")
    assert words.meaning("Hopf", "nothing") == words.meaning("NoModel", "a2") == ""


# The terminal ------------------------------------------------------------------------------------------------------

class Terminal(io.StringIO):
    def isatty(self):
        return True


def report_to(progress):
    progress.note("5 people")
    progress.start("shared")
    for k in range(3):
        progress.step(k, loss=0.5)
    for rung in make_result().record["rungs"][:2]:
        progress.rung_done(rung)
    for k in range(1, 20):
        progress.step(k, total=19, what="null: permuted")
    progress.close()


def test_progress_in_a_pipe_is_plain_lines_one_row_per_rung():
    stream = io.StringIO()
    report_to(terminal.Progress(stream))
    text = stream.getvalue()
    assert "\x1b" not in text
    assert "\r" not in text
    lines = text.splitlines()
    assert sum(line.startswith("  shared") for line in lines) == 2
    assert sum(line.split()[:1] == ["rung"] for line in lines) == 1
    assert [line for line in lines if "null" in line] == ["  null: permuted  19 of 19"]


def test_progress_in_a_terminal_refreshes_one_line(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    stream = Terminal()
    report_to(terminal.Progress(stream))
    text = stream.getvalue()
    drawn = [part for part in re.split(r"\r\x1b\[K", text) if part and not part.endswith("\n")]
    assert drawn
    assert all(len(part) < 40 for part in drawn)
    assert text.endswith("\r\x1b[K")  # nothing is left behind
    assert text.count("\n") == 1 + 1 + 2 * 2


def test_numbers_for_reading():
    assert words.number(None) == "–"
    assert words.number(3.0) == "3"
    assert words.number(0.012345) == "0.0123"
    assert words.score(0.5, None) == "0.50"
    assert words.pair([0.0, None]) == "above 0"
    assert words.pair([None, 1.0]) == "below 1"
    assert words.seconds(0.24) == "0.2 s"
    assert words.seconds(300) == "5.0 min"
    assert words.flag_sentence("some_new_flag:here") == "some new flag (here)"


def test_flags_of_one_name_make_one_line():
    record = {"flags": ["not_separable:G and a", "few_nulls", "not_separable:a and w"]}
    told = words.flag_lines(record)
    assert [name for name, _ in told] == ["not_separable", "few_nulls"]
    assert told[0][1].endswith("(G and a; a and w)")
    assert "(" not in told[1][1]
