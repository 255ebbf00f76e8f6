"""What shows itself: every noun gives a figure that holds its data, and a cell that escapes what it says."""

import io
from html.parser import HTMLParser

import numpy as np
import pytest
from made_result import make_result
from matplotlib.figure import Figure
from PIL import Image

import nmfit as nf
from nmfit.report import look, nouns

RNG = np.random.default_rng(0)
LABELS = ("V1_L", "V1_R", "<b>M1_L", "M1_R", "A1_L", "A1_R")
WEIGHTS = RNG.uniform(1, 9, (6, 6))


def brain():
    weights = WEIGHTS + WEIGHTS.T
    np.fill_diagonal(weights, 0.0)
    return nf.Connectome(weights, lengths=10 * weights, labels=LABELS)


def run():
    network = nf.Network.of(brain().normalised(), nf.Hopf(f=0.05, a=-0.1), G=0.1)
    return nf.simulate(network, 300.0, sample=2.0, dt=0.1, warmup=10.0, seed=1)


def spectrum_target():
    freqs = np.arange(1.0, 40.0, 0.5)
    return nf.spectrum_target(freqs, 1e-12 / freqs[:, None] * RNG.uniform(0.5, 2, (freqs.size, 4)),
                              ch_names=("O1", "O2", "C3", "C4"), dof=40.0, unit="V")


NOUNS = {
    "connectome": brain,
    "fc_target": lambda: nf.fc_target([RNG.normal(size=(400, 6)) for _ in range(2)], tr=2.0, labels=LABELS),
    "fc_matrix": lambda: nf.fc_target(np.corrcoef(RNG.normal(size=(6, 80)))),
    "spectrum_target": spectrum_target,
    "scan_target": lambda: nf.scan_target([RNG.normal(size=(200, 6))], tr=2.0),
    "simulation": run,
    "result": make_result,
    **{name: model for name, model in nf.MODELS.items()},
}


class Tags(HTMLParser):
    """Counts what opens and closes, and keeps what is said."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.said = [], set(), ""

    def handle_starttag(self, tag, _attrs):
        self.seen.add(tag)
        if tag not in ("img", "br", "source"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.said += data


@pytest.mark.parametrize("name", NOUNS)
def test_a_noun_gives_a_figure_and_a_cell(name):
    noun = NOUNS[name]()
    figure = noun.plot()
    assert isinstance(figure, Figure)
    pixels = np.asarray(Image.open(io.BytesIO(look.as_png(figure))).convert("L"))
    assert (pixels < 250).mean() > 0.01
    tags = Tags()
    tags.feed(noun._repr_html_())
    assert not tags.open
    assert "table" in tags.seen
    assert tags.said.strip()


def test_names_are_escaped_in_cells():
    assert "<b>M1_L" not in brain()._repr_html_()
    assert "&lt;b&gt;M1_L" in brain()._repr_html_()


def test_a_models_cell_lists_every_parameter_with_its_own_value():
    tags = Tags()
    tags.feed(nf.Hopf(a=-0.123)._repr_html_())
    for word in ("-0.123", "beta", "Hz", "distance from the onset"):
        assert word in tags.said


def test_figures_show_themselves_without_pyplot():
    figure = nouns.figure(brain())
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_a_connectomes_figure_shows_its_weights():
    axis = nouns.figure(brain()).axes[0]
    shown = np.asarray(axis.images[0].get_array())
    order = [0, 2, 4, 1, 3, 5]                 # left before right
    expected = brain().weights[np.ix_(order, order)]
    np.testing.assert_allclose(shown[expected > 0], np.log10(expected[expected > 0]))
