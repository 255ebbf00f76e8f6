"""Numbers in the docs: each page names a script that is there, and the page of figures is what its store gives."""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_scripts_behind_the_numbers_exist():
    text = (ROOT / "docs" / "numbers.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:scripts|tests|docs)/[\w/]+\.(?:py|json))((?: [a-z_0-9]+)*)", text)
    assert len(named) > 15
    for path, parts in named:
        source = (ROOT / path).read_text(encoding="utf-8")
        for part in parts.split():
            assert re.search(rf"\b{part}\b", source), f"{path} has no part {part}"


def test_every_page_with_measured_numbers_is_listed():
    listed = (ROOT / "docs" / "numbers.md").read_text(encoding="utf-8")
    words_alone = {"commands", "files", "how_it_works", "index", "numbers"}
    for path in (ROOT / "docs").glob("*.md"):
        assert path.stem in words_alone or f"({path.name})" in listed, path.name


def test_the_page_of_figures_is_what_its_store_gives(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT / "tests" / "benchmarks"), *sys.path])
    import page_text

    store = json.loads((ROOT / "tests" / "benchmarks" / "figures.json").read_text())
    assert page_text.page(store) == (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
