"""The climb in a terminal: a live line while it runs, one row per rung, the summary at the end."""

import shutil
import sys
import textwrap
import time

from . import spectral, words

WIDTH = 100
INDENT = "  "
REFRESH_SECONDS = 0.1

# Heading, width, what stands in the cell.
COLUMNS = (
    ("rung", 18, words.rung_name),
    ("free", 6, lambda rung: words.number(rung["free_parameters"])),
    ("starts", 6, lambda rung: str(rung["starts"])),
    ("steps", 6, lambda rung: str(rung["steps"])),
    ("loss", 7, lambda rung: words.number(rung["loss"])),
    ("fit", 6, lambda rung: words.score(rung["score_fit"])),
    ("choose", 6, lambda rung: words.score(rung["score_choose"])),
    ("held out", 11, lambda rung: words.score(rung["score_heldout"], rung["score_heldout_se"])),
    ("no coupling", 11, lambda rung: words.score(rung["coupling_zero"])),
    ("time", 8, lambda rung: words.seconds(rung["seconds"])),
)


LIVE = ("rung", "free", "steps", "loss", "choose", "time")  # what is known when a rung is done


class Progress:
    """What a fit reports to while it runs.

    In a terminal the rung at work refreshes in place; elsewhere (a file, a pipe) each rung is one row when
    it is done.

    Parameters
    ----------
    stream : text file, optional
        Standard error unless given.
    """

    def __init__(self, stream=None):
        self.stream = sys.stderr if stream is None else stream
        self.live = self.stream.isatty()
        self.rung, self.since, self.drawn = "", 0.0, 0.0
        self.headed = False

    def start(self, rung):
        """Say which rung is at work."""
        self.rung, self.since, self.drawn = words.printable(rung), time.monotonic(), 0.0
        self._refresh("")

    def step(self, number, loss=None, total=None, what=""):
        """Say how far the rung is: the step, of how many, its loss, and what is being fitted."""
        text = f"step {number}" if total is None else f"{number} of {total}"
        text += f"  loss {words.number(loss, 4)}" if loss is not None else ""
        said = f"{words.printable(what)}  {text}".strip()
        if not self.live and number == total:
            self._line(INDENT + said)
        self._refresh(said, rarely=True)

    def rung_done(self, rung):
        """Add the finished rung's row to the table, and what became of it."""
        if not self.headed:
            self._line(heading(LIVE))
            self.headed = True
        for line in rows(rung, LIVE):
            self._line(line)
        self.rung, self.since = "next", time.monotonic()
        self._refresh("")

    def note(self, text):
        """Add a sentence."""
        for line in _wrapped(words.printable(text)):
            self._line(line)

    def close(self):
        """Clear the live line."""
        if self.live:
            self.stream.write("\r\x1b[K")
            self.stream.flush()

    def _refresh(self, text, rarely=False):
        now = time.monotonic()
        if not self.live or (rarely and now - self.drawn < REFRESH_SECONDS):
            return
        self.drawn = now
        line = f"{INDENT}{self.rung}  {text}  {words.seconds(now - self.since)}"
        room = shutil.get_terminal_size((WIDTH, 24)).columns - 1
        self.stream.write(f"\r\x1b[K{line[:room]}")
        self.stream.flush()

    def _line(self, text):
        self.stream.write(f"\r\x1b[K{text}\n" if self.live else f"{text}\n")
        self.stream.flush()


def heading(names=None):
    """Return the heading of the climb's table."""
    return _row(names, lambda name, _: name)


def rows(rung, names=None):
    """Return a rung's row, and the sentence that says what became of it."""
    became = f"{'kept' if rung['kept'] else 'not kept'}: {words.printable(rung['reason'])}"
    checked = words.validated(rung)
    return [_row(names, lambda _, cell: cell(rung)), *_wrapped(became, 3 * INDENT),
            *(_wrapped(checked, 3 * INDENT) if checked else [])]


def _row(names, fill):
    shown = [column for column in COLUMNS if names is None or column[0] in names]
    cells = [fill(name, cell).ljust(width) if name == "rung" else fill(name, cell).rjust(width)
             for name, width, cell in shown]
    return INDENT + "  ".join(cells).rstrip()


def summary(result):
    """Return a result as text for a terminal."""
    record = result.record
    r = words.score_name(record)
    flags = [f"{name}: {sentence}" for name, sentence in words.flag_lines(record)]
    parts = {
        "read": _paragraphs(words.what_was_read(record)),
        f"climb ({r}; 'no coupling' is the same rung without the connectome)":
            [heading(), *(line for rung in record["rungs"] for line in rows(rung))],
        f"beside the score ({r})": beside(result),
        "spectra": [line for what, text in spectral.rows(record) for line in _wrapped(f"{what}: {text}")],
        "answer": _paragraphs([*words.answers(result), words.confirmation(record)]),
        "what the data determine": _paragraphs(words.determined(record)),
        "flags": _paragraphs(flags),
    }
    blocks = ["\n".join([title, *lines]) for title, lines in parts.items() if lines]
    return "\n\n".join([words.first_line(record), *blocks]) + "\n"


def beside(result):
    """Return the lines that stand beside the score: ceiling, reliability, nulls, baselines."""
    record, rung = result.record, result.rung(result.chosen)
    if "not_validated" in record["flags"]:
        return [f"{INDENT}nothing: no data were held out, so there is no score, no ceiling, and no wrong connectome"]
    held = words.score(rung["score_heldout"], rung["score_heldout_se"], "nothing held out")
    lines = [
        (f"{words.rung_name(rung)}, held out", held),
        ("ceiling", f"{words.interval(record['ceiling'])}, the best any prediction could do"),
        ("reliability", f"{words.interval(record['reliability'])}, the fit part predicting the score part"),
        (words.claim(record)[2], ""),
        *((INDENT + name, words.null_line(null)) for name, null in words.nulls(record)),
        ("baselines", ""),
        *((INDENT + words.baseline(name), words.score(value)) for name, value in record["baselines"].items()),
    ]
    return [f"{INDENT}{what:<31} {text}".rstrip() for what, text in lines]


def _paragraphs(texts):
    return [line for text in texts for line in _wrapped(text)]


def _wrapped(text, indent=INDENT):
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ",
                         break_on_hyphens=False)
