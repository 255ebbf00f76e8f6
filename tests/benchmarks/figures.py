"""How every check prints a figure."""

import time


def say(name, value, goal, passed, count, began):
    """Print name, value, goal, pass or short, N, and the seconds since ``began`` (of `time.monotonic`)."""
    verdict = "pass" if passed else "short"
    print(f"{name} {value:.4g} {goal} {verdict} {count} {time.monotonic() - began:.1f}", flush=True)
