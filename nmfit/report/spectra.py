"""Figures of spectra: channels measured and modelled, and alpha over the head."""

import numpy as np
from matplotlib.ticker import FuncFormatter

from . import look

ALPHA = (8.0, 13.0)       # Hz
SHOWN = 12                # channels
FIRST = ("Fp1", "Fp2", "F3", "Fz", "F4", "C3", "Cz", "C4", "P3", "Pz", "P4", "O1", "Oz", "O2", "T7", "T8")


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
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=1 if narrow else 3)
        figure.supxlabel("frequency (Hz)", fontsize=9)
        figure.supylabel("power" if result.record["modality"] == "sources" else "power (V²/Hz)", fontsize=9)
    return figure


def topography(result, narrow=False):
    """Return alpha power over the head, measured and modelled, or None without positions."""
    arrays = result.arrays
    if "psd_model" not in arrays or "positions" not in arrays:
        return None
    alpha = (arrays["freqs"] >= ALPHA[0]) & (arrays["freqs"] <= ALPHA[1])
    if not alpha.any():
        return None
    measured, what = _measured(arrays)
    power = [np.log10(psd[:, alpha].mean(1)) for psd in (measured, arrays["psd_model"])]
    low, high = min(p.min() for p in power), max(p.max() for p in power)
    places = _flat(arrays["positions"])
    with look.settings():
        figure = look.new_figure(look.NARROW if narrow else 6.4, 2.6 if narrow else 3.4)
        axes = figure.subplots(1, 2)
        for axis, values, title in zip(axes, power, (what, "model"), strict=True):
            shown = axis.scatter(*places.T, c=values, s=40 if narrow else 90, cmap=look.PLAIN, vmin=low, vmax=high,
                                 edgecolors="none")
            axis.set_title(title)
            axis.set_aspect("equal")
            axis.axis("off")
        figure.colorbar(shown, ax=axes, label="log₁₀ alpha power (V²/Hz)", shrink=0.8)
    return figure


def _measured(arrays):
    return (arrays["psd_score"], "measured, held out") if "psd_score" in arrays else \
        (arrays["psd_fit"], "measured, fitted")


def _chosen(names):
    known = [names.index(name) for name in FIRST if name in names]
    rest = [i for i in range(len(names)) if i not in known]
    return (known + rest)[:SHOWN]


def _flat(positions):
    """Return places on a disc, nose up: the angle from the vertex becomes the radius."""
    away = positions - positions.mean(0) * np.array([1.0, 1.0, 0.0])
    radius = np.arccos(np.clip(away[:, 2] / np.linalg.norm(away, axis=1), -1, 1))
    flat = away[:, :2] / np.maximum(np.linalg.norm(away[:, :2], axis=1, keepdims=True), 1e-12)
    return flat * radius[:, None]
