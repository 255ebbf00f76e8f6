"""Figures of spectra: channels measured and modelled, and alpha over the head."""

import numpy as np
from matplotlib.ticker import FuncFormatter

from ..compare.sensor_checks import fit_sphere
from ..compare.spherical_spline import spherical_spline
from . import look

ALPHA = (8.0, 13.0)       # Hz
SHOWN = 12                # channels
RIM, PIXELS = 1.9, 90     # radians from the vertex to where the head ends, and how finely it is drawn
FIRST = ("Fp1", "Fp2", "F3", "Fz", "F4", "C3", "Cz", "C4", "Pz", "O1", "Oz", "O2", "P3", "P4", "T7", "T8")
BANDS = (4.0, 8.0, 13.0, 30.0)     # Hz, between theta, alpha, beta and what is slower and faster


def spectra(result, narrow=False):
    """Return spectra of channels spread over the head, or None where a result holds none."""
    arrays = result.arrays
    if "psd_model" not in arrays:
        return None
    measured, what = _measured(arrays)
    names = [str(name) for name in arrays["ch_names"]]
    at = _chosen(names)
    columns = 2 if narrow else 4
    rows = -(-len(at) // columns)
    with look.settings():
        figure = look.new_figure(look.NARROW if narrow else look.WIDE, 1.5 * rows + 0.6)
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for axis, i in zip(axes, at, strict=False):
            axis.axvspan(*ALPHA, color=look.QUIET, alpha=0.5, linewidth=0, label="alpha, 8 to 13 Hz")
            for edge in BANDS:
                axis.axvline(edge, color=look.QUIET, linewidth=0.6)
            axis.semilogy(arrays["freqs"], measured[i], color=look.BASELINE, linewidth=1.2, label=what)
            axis.semilogy(arrays["freqs"], arrays["psd_model"][i], color=look.MODEL, linewidth=1.4, label="model")
            if "psd_sources" in arrays:
                axis.semilogy(arrays["freqs"], arrays["psd_sources"][i], color=look.MODEL, linewidth=0.8,
                              linestyle=":", label="model, sources alone")
            axis.set_title(names[i])
        floor = min(measured[at].min(), arrays["psd_model"][at].min())
        axes[0].set_ylim(0.5 * floor, 2 * max(measured[at].max(), arrays["psd_model"][at].max()))
        axes[0].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0e}"))
        for axis in axes[len(at):]:
            axis.set_visible(False)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2 if narrow else 4)
        figure.supxlabel("frequency (Hz)", fontsize=9)
        figure.supylabel("power" if result.record["modality"] == "sources" else "power (V²/Hz)", fontsize=9)
    return figure


def topography(result, narrow=False):
    """Return alpha power over the head, measured, modelled and their ratio, or None without positions."""
    arrays = result.arrays
    if "psd_model" not in arrays or "positions" not in arrays:
        return None
    alpha = (arrays["freqs"] >= ALPHA[0]) & (arrays["freqs"] <= ALPHA[1])
    if not alpha.any():
        return None
    measured, what = _measured(arrays)
    data, model = (np.log10(psd[:, alpha].mean(1)) for psd in (measured, arrays["psd_model"]))
    low, high = min(data.min(), model.min()), max(data.max(), model.max())
    apart = max(np.abs(model - data).max(), 0.05)
    places = np.asarray(arrays["positions"], float)
    places = places - fit_sphere(places)[0]
    with look.settings():
        figure = look.new_figure(look.NARROW, 7.4) if narrow else look.new_figure(look.WIDE, 3.4)
        axes = figure.subplots(3, 1) if narrow else figure.subplots(1, 3)
        panels = ((data, what, (low, high), look.PLAIN), (model, "model", (low, high), look.PLAIN),
                  (model - data, "model / measured", (-apart, apart), look.SIGNED))
        shown = [_head(axis, places, values, ends, colours) for axis, (values, _, ends, colours) in
                 zip(axes, panels, strict=True)]
        for axis, (_, title, _, _) in zip(axes, panels, strict=True):
            axis.set_title(title)
        bars = ((shown[0], axes[:2], "log₁₀ alpha power (V²/Hz)"), (shown[2], axes[2:], "log₁₀ ratio"))
        for image, on, label in bars:
            bar = figure.colorbar(image, ax=list(on), label=label, shrink=0.8,
                                  orientation="vertical" if narrow else "horizontal", aspect=28, pad=0.02)
            bar.outline.set_visible(False)
    return figure


def _head(axis, places, values, ends, colours):
    """Draw values interpolated over the head by spherical splines, nose up, with the channels as dots."""
    flat = _flat(places)
    rim = max(RIM, np.linalg.norm(flat, axis=1).max())
    line = np.linspace(-1.05 * rim, 1.05 * rim, PIXELS)
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    angle = np.linalg.norm(grid, axis=1)
    inside = angle <= 1.05 * rim                                   # the circle cuts, not the pixels
    turn = np.maximum(angle, 1e-12)[:, None]
    away = np.column_stack([grid / turn * np.sin(angle)[:, None], np.cos(angle)])[inside]
    drawn = np.full(len(grid), np.nan)
    drawn[inside] = spherical_spline(places, away) @ values
    image = axis.imshow(drawn.reshape(PIXELS, PIXELS), extent=1.05 * rim * np.array([-1, 1, -1, 1]), origin="lower",
                        cmap=colours, vmin=ends[0], vmax=ends[1], interpolation="bilinear")
    round_ = np.linspace(0, 2 * np.pi, 200)
    image.set_clip_path(axis.fill(rim * np.sin(round_), rim * np.cos(round_), facecolor="none",
                                  edgecolor=look.TEXT, linewidth=1.0)[0])
    axis.plot([-0.1 * rim, 0.0, 0.1 * rim], [0.995 * rim, 1.1 * rim, 0.995 * rim], color=look.TEXT, linewidth=1.0)
    axis.scatter(*flat.T, s=5, color=look.TEXT, linewidths=0)
    axis.set(xlim=(-1.05 * rim, 1.05 * rim), ylim=(-1.05 * rim, 1.15 * rim), aspect="equal")
    axis.axis("off")
    return image


def _measured(arrays):
    return (arrays["psd_score"], "measured, held out") if "psd_score" in arrays else \
        (arrays["psd_fit"], "measured, fitted")


def _chosen(names):
    known = [names.index(name) for name in FIRST if name in names]
    rest = [i for i in range(len(names)) if i not in known]
    return (known + rest)[:SHOWN]


def _flat(places):
    """Return places around their middle on a disc, nose up: the angle from the vertex becomes the radius."""
    radius = np.arccos(np.clip(places[:, 2] / np.linalg.norm(places, axis=1), -1, 1))
    flat = places[:, :2] / np.maximum(np.linalg.norm(places[:, :2], axis=1, keepdims=True), 1e-12)
    return flat * radius[:, None]
