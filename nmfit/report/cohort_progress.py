"""How far a cohort is, in a terminal: one line per stage, which refreshes in place where that is possible."""

import sys
import time

from . import words

REFRESH_SECONDS = 0.5


class CohortProgress:
    """What a cohort's fit reports to while it runs.

    Parameters
    ----------
    stream : text file, optional
        Standard error unless given.
    """

    def __init__(self, stream=None):
        self.stream = sys.stderr if stream is None else stream
        self.live = self.stream.isatty()
        self.name, self.total, self.count, self.failed, self.since, self.drawn = "", 0, 0, 0, 0.0, 0.0

    def note(self, text):
        """Say something once."""
        print(f"note: {words.printable(text)}", file=self.stream)

    def stage(self, name, total):
        """Say what is at work, and how many pieces it has."""
        self._end()
        self.name, self.total, self.count, self.failed, self.since = name, total, 0, 0, time.monotonic()

    def done(self, unit):
        """Count a piece that has ended."""
        self.count += not unit.reason
        self.failed += bool(unit.reason)
        if self.live and time.monotonic() - self.drawn > REFRESH_SECONDS:
            self.drawn = time.monotonic()
            print(f"\r{self._line()}\x1b[K", end="", file=self.stream, flush=True)

    def close(self):
        """End the last line."""
        self._end()
        self.name = ""

    def _end(self):
        if self.name:
            print(f"\r{self._line()}\x1b[K" if self.live else self._line(), file=self.stream, flush=True)

    def _line(self):
        failed = f", {self.failed} attempts failed" if self.failed else ""
        seconds = words.seconds(time.monotonic() - self.since)
        count = f"{self.count} of {self.total}" if self.total > 1 else "done"
        return f"{self.name}: {count}{failed} ({seconds})"
