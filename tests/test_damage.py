"""Damaged files: one sentence, or the numbers that were there; no crash, no hang, nothing silent.

A flipped bit in a stored number cannot be seen where the format keeps no checksum: such files read with the right
shape, finite, and within reason, and are counted apart.
"""

import collections

import pytest
from damage import FORMATS, run

SILENT = ("silent", "hang", "other")


def damage(folder, count, seed, formats=tuple(FORMATS)):
    verdicts, wrong = collections.Counter(), []
    for name, way, verdict, why, _ in run(folder, count, seed, formats):
        verdicts[verdict] += 1
        if verdict in SILENT:
            wrong.append((name, way, verdict, why))
    return verdicts, wrong


@pytest.fixture
def formats():
    try:
        import h5py  # noqa: F401
    except ModuleNotFoundError:
        return tuple(name for name in FORMATS if name != "hdf5")
    return tuple(FORMATS)


def test_hundreds_of_damaged_files(tmp_path, formats):
    verdicts, wrong = damage(tmp_path, 15, 0, formats)
    assert not wrong
    assert len(formats) >= 12
    assert sum(verdicts.values()) == 15 * len(formats)
    assert verdicts["refused"] > verdicts["payload"] + verdicts["same"]


@pytest.mark.long
@pytest.mark.parametrize("name", FORMATS)
def test_ten_thousand_damaged_files(tmp_path, formats, name):
    if name not in formats:
        pytest.skip("h5py is not installed")
    count = -(-10_500 // len(FORMATS))
    verdicts, wrong = damage(tmp_path, count, 7, (name,))
    assert not wrong
    assert sum(verdicts.values()) == count
