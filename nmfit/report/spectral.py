"""What a fit of spectra tells beside R2, in words and numbers: for the page and the terminal alike."""

from . import words


def rows(record):
    """Return pairs of what is told and its value, as text; none for a result without spectra."""
    found = record.get("spectrum") or {}
    said = {"alpha_peak_data": ("individual alpha frequency, data", lambda hz: _frequency(found, "data", hz)),
            "alpha_peak_model": ("individual alpha frequency, model", lambda hz: _frequency(found, "model", hz)),
            "alpha_topography_r": ("alpha topography, r of log10 power", words.score),
            "source_share": ("occipital alpha power from sources, share", words.score),
            "shape_r2": ("R2 after the aperiodic part is taken away", words.score),
            "r2_without_noise": ("R2 of the sources alone, without the sensors' noise", words.score),
            "regional_r": ("r of log10 power over frequencies, mean over regions", words.score),
            "regional_r_lowest": ("the same, lowest region", words.score)}
    told = [(what, say(found[key])) for key, (what, say) in said.items() if key in found]
    left = found.get("left_out")
    if left:
        told += [(f"R2 on {len(left['channels'])} channels left out of the fit ({', '.join(left['channels'])})",
                  words.score(left["score"])),
                 ("the same channels by spherical splines from the others", words.score(left["spline"])),
                 ("the same channels by the others' mean", words.score(left["mean"]))]
    return [(what, words.printable(text)) for what, text in told]


def _frequency(found, of, hz):
    if hz is None:
        return "–"
    ends = found.get(f"alpha_peak_{of}_ci95")
    sure = f" (95 % {ends[0]:.2f} to {ends[1]:.2f})" if ends else ""
    return f"{hz:.2f} Hz{sure}"
