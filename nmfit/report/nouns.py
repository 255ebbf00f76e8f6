"""Connectomes, targets, models and simulations, as figures and as cells of a notebook."""

import base64
import inspect
from html import escape

import numpy as np
from matplotlib.ticker import FuncFormatter
from scipy.integrate import solve_ivp

from ..parameters import declarations
from . import look
from .figures import drawn, hemisphere_order
from .words import number, printable

SIGNALS = 8               # series drawn at most
CYCLES = 40.0             # time scales of a model that are drawn
CELL_DPI = 72
POWERS = FuncFormatter(lambda value, _: f"{value:.0e}")
READINGS = {"bold_drive": "drives BOLD", "eeg_source": "EEG source"}


def figure(noun):
    """Return the figure of a noun."""
    return NOUNS[noun.shown_as][0](noun)


def cell(noun):
    """Return a noun as HTML for a notebook: what it is, its facts, and its figure where that is cheap."""
    _, facts, with_figure = NOUNS[noun.shown_as]
    title, rows = facts(noun)
    body = "".join(f"<tr><td>{_text(name)}</td><td>{_text(value)}</td></tr>" for name, value in rows)
    picture = ""
    if with_figure:
        png = base64.b64encode(look.as_png(figure(noun), CELL_DPI)).decode()
        picture = f'<img alt="{_text(title)}" src="data:image/png;base64,{png}">'
    return f"<div><p><b>{_text(title)}</b></p><table><tbody>{body}</tbody></table>{picture}</div>"


def _text(value):
    return escape(printable(value))


def _matrix(axis, figure, values, labels, title, unit, limits, colours):
    order, _ = hemisphere_order(labels)
    shown = axis.imshow(values[np.ix_(order, order)], cmap=colours, vmin=limits[0], vmax=limits[1],
                        interpolation="nearest")
    axis.set_title(title)
    axis.set_xlabel("region")
    figure.colorbar(shown, ax=axis, label=unit, shrink=0.8)


@drawn
def connectome(brain):
    """Draw the weights, as logarithms, and the lengths where there are any."""
    panels = 1 if brain.lengths is None else 2
    made = look.new_figure(4.4 * panels, 3.5)
    axes = made.subplots(1, panels, squeeze=False)[0]
    weights = np.where(brain.weights > 0, brain.weights, np.nan)
    logs = np.log10(weights)
    _matrix(axes[0], made, logs, brain.labels, f"weights ({brain.scale})", "log₁₀ weight",
            (np.nanmin(logs), np.nanmax(logs)), look.PLAIN)
    if panels == 2:
        lengths = np.where(brain.lengths > 0, brain.lengths, np.nan)
        _matrix(axes[1], made, lengths, brain.labels, "tract lengths", "mm", (0.0, np.nanmax(lengths)), look.PLAIN)
    return made


def _connectome_facts(brain):
    return (repr(brain).strip("<>"),
            [("scale of the weights", brain.scale), ("regions", ", ".join([*brain.labels[:4], "..."])),
             *(("note", note) for note in brain.notes)])


@drawn
def fc_target(target):
    """Draw the FC that may be fitted, the FC that scores, and one against the other."""
    fold = target.folds[0]
    panels = [("to fit" if len(target.folds) == 1 else "to fit (first fold)", fold.pool)]
    if fold.score is not None:
        panels.append(("to score", np.tanh(np.mean(np.arctanh(np.clip(fold.score, -0.999999, 0.999999)), axis=0))))
    made = look.new_figure(4.2 * len(panels), 3.5)
    labels = target.labels or tuple(map(str, range(target.n)))
    off = ~np.eye(target.n, dtype=bool)
    top = max(np.quantile(np.abs(fc[off]), 0.995) for _, fc in panels)
    for axis, (title, fc) in zip(made.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        _matrix(axis, made, np.where(off, fc, np.nan), labels, title, "FC (Pearson r)", (-top, top), look.SIGNED)
    return made


def _within(name, told):
    """Return a fact of a value and its interval, if there is one."""
    if told["value"] is None:
        return []
    ends = "" if told["ci95"] is None else f" ({told['ci95'][0]:.2f} to {told['ci95'][1]:.2f})"
    return [(name, f"{told['value']:.2f}{ends}")]


def _fc_facts(target):
    band = "the whole band" if target.band is None else f"{target.band[0]:g} to {target.band[1]:g} Hz"
    return (f"FC of {target.n} regions, {band}",
            [("design", target.design), ("folds", len(target.folds)), ("units that choose", target.units),
             ("TR", "unknown" if target.tr is None else f"{target.tr:g} s"),
             *([] if target.samples is None else [("independent samples behind FC", f"{target.samples:.0f}")]),
             *_within("best r to reach", target.ceiling), *_within("r of the data themselves", target.reliability),
             ("global signal regressed out", "yes" if target.gsr else "no"),
             *([] if target.nuisance is None else [("other sums regressed out", len(target.nuisance))]),
             *(("note", note) for note in target.notes), *(("flag", flag) for flag in target.flags)])


@drawn
def spectrum_target(target):
    """Draw the spectra of every part, a line per channel, and their mean."""
    made = look.new_figure(4.0 * len(target.psd), 3.2)
    axes = made.subplots(1, len(target.psd), squeeze=False, sharey=True)[0]
    for axis, (role, psd) in zip(axes, target.psd.items(), strict=True):
        axis.semilogy(target.freqs, psd, color=look.REJECTED, linewidth=0.6, alpha=0.6)
        axis.semilogy(target.freqs, np.exp(np.log(psd).mean(1)), color=look.MODEL, linewidth=1.8)
        axis.set_title(f"to {role}")
        axis.set_xlabel("frequency (Hz)")
    axes[0].yaxis.set_major_formatter(POWERS)
    axes[0].set_ylabel(f"power ({target.unit}²/Hz)" if target.unit == "V" else "power")
    return made


def _spectrum_facts(target):
    return (repr(target).strip("<>"),
            [("design", target.design), ("reference", target.reference),
             ("left out", ", ".join(f"{low:g} to {high:g} Hz" for low, high in target.excluded) or "nothing"),
             *(("note", note) for note in target.notes), *(("flag", flag) for flag in target.flags)])


@drawn
def scan_target(target):
    """Draw FC to fit, and the distribution of FCD where there is one."""
    with_fcd = target.fit.fcd is not None
    made = look.new_figure(8.4 if with_fcd else 4.2, 3.5)
    axes = made.subplots(1, 1 + with_fcd, squeeze=False)[0]
    off = ~np.eye(target.n, dtype=bool)
    top = np.quantile(np.abs(target.fit.fc[off]), 0.995)
    _matrix(axes[0], made, np.where(off, target.fit.fc, np.nan), target.labels or tuple(map(str, range(target.n))),
            "FC to fit", "FC (Pearson r)", (-top, top), look.SIGNED)
    if with_fcd:
        axes[1].hist(target.fit.fcd, 60, density=True, histtype="step", color=look.MODEL, label="to fit")
        if target.score is not None and target.score.fcd is not None:
            axes[1].hist(target.score.fcd, 60, density=True, histtype="step", color=look.NULL, label="to score")
        axes[1].legend()
        axes[1].set_xlabel("FCD (r between windows)")
        axes[1].set_title("FC dynamics")
    return made


def _scan_facts(target):
    return (f"scans of {target.n} regions, {target.volumes} volumes every {target.tr:g} s",
            [("band", "whole" if target.band is None else f"{target.band[0]:g} to {target.band[1]:g} Hz"),
             ("windows of FCD", f"{target.window:g} s every {target.step:g} s"),
             ("held-out scans", "no" if target.score is None else "yes")])


@drawn
def model(mass):
    """Draw what one region does alone, without noise, on its way from a push."""
    start = np.asarray(mass.start(), dtype=float)
    silent = np.zeros(len(mass.channels))
    span = CYCLES * mass.pace()
    span = max(span, 4.0 / getattr(mass, mass.rotation)) if mass.rotation else span
    push = start + 0.1 * np.maximum(np.abs(start), 1.0)
    run = solve_ivp(lambda _, x: np.asarray(mass.drift(x, silent), dtype=float), (0.0, span), push, max_step=span / 400,
                    rtol=1e-4, atol=1e-6, method="RK23")
    read = {words: getattr(mass, what) for what, words in READINGS.items() if getattr(mass, what) is not None}
    made = look.new_figure(6.0, 1.4 + 1.3 * len(read))
    axes = made.subplots(len(read), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (words, reading) in zip(axes, read.items(), strict=True):
        axis.plot(run.t, np.asarray(reading(run.y), dtype=float), color=look.MODEL)
        axis.set_ylabel(words)
    axes[-1].set_xlabel("time (s)")
    axes[0].set_title(f"{type(mass).__name__}: one region, pushed once, no noise")
    return made


def _model_facts(mass):
    rows = []
    for name, told in declarations(mass).items():
        value = np.asarray(getattr(mass, name), dtype=float)
        held = " to ".join(dict.fromkeys(number(float(v)) for v in (value.min(), value.max())))
        low, high = told.bounds
        rows.append((name, f"{held} {told.unit} (between {low:g} and {high:g}): {told.sentence}"))
    lead = inspect.getdoc(type(mass)) or ""
    return f"{type(mass).__name__}: {lead.splitlines()[0] if lead else ''}", [*rows, ("source", mass.source)]


@drawn
def simulation(run):
    """Draw some signals of the first run, and the spectra of all."""
    made = look.new_figure(look.WIDE, 3.4)
    left, right = made.subplots(1, 2, width_ratios=(2, 1))
    data = run.data if run.data.ndim == 2 else run.data[0]
    shown = np.linspace(0, data.shape[1] - 1, min(SIGNALS, data.shape[1])).astype(int)
    lift = 1.2 * np.ptp(data[:, shown] - data[:, shown].mean(0), axis=0).max() or 1.0
    for k, i in enumerate(shown):
        left.plot(run.times, data[:, i] - data[:, i].mean() + k * lift, linewidth=0.8)
    left.set_yticks(np.arange(len(shown)) * lift, [printable(run.labels[i]) for i in shown], fontsize=7)
    left.set_xlabel("time (s)")
    if run.times.size >= 64:
        freqs = run.freqs()
        right.loglog(freqs, run.psd(freqs), color=look.REJECTED, linewidth=0.5, alpha=0.6)
        look.plain_decades(right.xaxis)
        right.yaxis.set_major_formatter(POWERS)
        right.set_xlabel("frequency (Hz)")
        right.set_title("power (1/Hz)")
    return made


def _simulation_facts(run):
    return repr(run), [("signals", ", ".join([*run.labels[:6], "..."] if len(run.labels) > 6 else run.labels))]


@drawn
def simulated_fit(fit):
    """Draw the loss step by step, and the FC of fresh simulated scans."""
    made = look.new_figure(look.WIDE, 3.4)
    left, right = made.subplots(1, 2)
    left.plot(fit.history, color=look.MODEL)
    left.set_xlabel("step")
    left.set_ylabel("loss")
    off = ~np.eye(len(fit.fc), dtype=bool)
    top = np.quantile(np.abs(fit.fc[off]), 0.995)
    _matrix(right, made, np.where(off, fit.fc, np.nan), fit.network.labels, "fresh simulated scans", "FC (Pearson r)",
            (-top, top), look.SIGNED)
    return made


def _simulated_facts(fit):
    return (f"fit through simulation: {fit.outcome.value}",
            [("loss", f"{fit.start_loss:.4f} to {fit.loss:.4f}"),
             *((name, f"{mean:.3f} ± {error:.3f}") for name, (mean, error) in fit.scores.items())])


@drawn
def cohort(result):
    """Draw every person's scores by what predicts, and their means."""
    names = [name for name in ("own", "group", "blend", "model", "blend_model") if name in result.record["scores"]]
    made = look.new_figure(6.0, 3.6)
    axis = made.subplots()
    for row in result.people:
        axis.plot(range(len(names)), [row[name] for name in names], "o-", color=look.QUIET, markersize=3, linewidth=0.7)
    axis.plot(range(len(names)), [result.record["scores"][name]["mean"] for name in names], "s", color=look.MODEL)
    axis.set_xticks(range(len(names)), [name.replace("_", " + ") for name in names])
    axis.set_ylabel("r with what scores")
    axis.set_title(f"{len(result.people)} people, and their mean")
    return made


def _cohort_facts(result):
    first, *rest = result.summary().splitlines()
    return first, [("", line.strip()) for line in rest]


# What a noun is drawn as -> its figure, its facts, and whether a cell shows the figure.
NOUNS = {
    "connectome": (connectome, _connectome_facts, True),
    "fc_target": (fc_target, _fc_facts, True),
    "spectrum_target": (spectrum_target, _spectrum_facts, True),
    "scan_target": (scan_target, _scan_facts, True),
    "model": (model, _model_facts, False),
    "simulation": (simulation, _simulation_facts, True),
    "simulated_fit": (simulated_fit, _simulated_facts, True),
    "cohort": (cohort, _cohort_facts, True),
}
