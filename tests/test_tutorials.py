"""Every tutorial runs, cell by cell, and draws: the short ones always, all of them among the long tests."""

import numpy as np
import pytest
import tutorial

QUICK = ("08",)
NEEDS = {"10": "nilearn"}


def test_tutorials_read_as_notebooks():
    assert len(tutorial.TUTORIALS) >= 8
    for path in tutorial.TUTORIALS:
        kinds = [kind for kind, _ in tutorial.cells(path)]
        assert kinds[0] == "markdown"
        assert tutorial.cells(path)[0][1].startswith("# # "), f"{path.name} has no title"
        assert {"markdown", "code"} == set(kinds)
        for _, source in tutorial.cells(path):
            # A notebook shows figures of pyplot by itself, and once more what a cell ends on without a semicolon.
            last = source.strip().splitlines()[-1]
            assert not last.startswith("figure") or last.endswith(";"), f"{path.name} shows a figure twice"


@pytest.mark.filterwarnings("default")        # a tutorial meets other libraries' warnings as its reader does
@pytest.mark.parametrize("path", [pytest.param(p, id=p.stem, marks=() if p.name[:2] in QUICK else pytest.mark.long)
                                  for p in tutorial.TUTORIALS])
def test_a_tutorial_runs_and_draws(path):
    if path.name[:2] in NEEDS:
        pytest.importorskip(NEEDS[path.name[:2]])
    figures, _ = tutorial.run(path)
    assert figures, f"{path.name} ends no cell on a figure"
    for figure in figures:
        figure.canvas.draw()
        pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]
        assert (pixels < 250).any(-1).mean() > 0.005, f"{path.name} draws an empty figure"
