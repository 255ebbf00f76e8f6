"""A methods paragraph to take into a paper, from what the record says was done."""

from ..models import MODELS
from . import words
from .vocabulary import NULLS

ENGINES = {
    "linear": "in closed form: the covariance of the stochastic network linearised about its fixed point",
    "closure": "in closed form by statistical linearisation about the mean and variance of every region",
    "simulated": "by stochastic simulation",
}


CORRELATED = {
    None: "Pearson correlations of the BOLD signal",
    "amplitude": "correlations of amplitude envelopes of regions' currents",
    "orthogonal": "correlations of amplitude envelopes of regions' currents, made orthogonal pair by pair (Hipp et al. "
                  "2012, Nat Neurosci 15:884)",
}
SOURCES = {
    "linear": "linear noise: Ponce-Alvarez & Deco 2024, Sci Rep 14:2615",
    "closure": "statistical linearisation: Roberts & Spanos 1990, Random Vibration and Statistical Linearization",
    "simulated": "stochastic Heun: Rumelin 1982, SIAM J Numer Anal 19:604",
    "L-BFGS": "L-BFGS: Liu & Nocedal 1989, Math Program 45:503",
    "jackknife": "jackknife: Efron 1982, The Jackknife, the Bootstrap and Other Resampling Plans",
    "sandwich": "curvature: White 1982, Econometrica 50:1",
    "nulls": "permutation tests: Westfall & Young 1993, Resampling-Based Multiple Testing; Besag & Clifford 1991, "
             "Biometrika 78:301",
    "JAX": "JAX: Bradbury et al. 2018, github.com/jax-ml/jax",
    "optax": "optax: DeepMind 2020, github.com/google-deepmind/optax",
}


def paragraph(result):
    """Return one paragraph to take into a paper: versions, what was done, the split, counts of nulls, citations."""
    record = result.record
    made, rung = record["provenance"], result.rung(result.chosen)
    versions = ", ".join(f"{name} {made['versions'][name]}" for name in ("nmfit", "jax", "optax", "numpy")
                         if name in made.get("versions", {}))
    lead = f"Models were fitted with {versions}, in {made.get('dtype', 'float64')}, seed {made.get('seed', 0)}."
    notes = made.get("target", {}).get("notes", [])
    split = f"The data: {'; '.join(notes)}." if notes else ""
    cited = [MODELS[rung["model"]].source] if rung["model"] in MODELS else []
    cited += [SOURCES[rung["engine"]]]
    cited += [SOURCES["L-BFGS"]] if made.get("optimiser", "L-BFGS") == "L-BFGS" else []
    cited += [SOURCES["jackknife"]] if any(row["se"] is not None for row in record["parameters"]) else []
    cited += [SOURCES["sandwich"]] if record.get("identifiability") else []
    cited += [SOURCES["nulls"]] if any(null and null["n"] for null in record["nulls"].values()) else []
    cited += [SOURCES["JAX"], SOURCES["optax"]]
    said = [lead, *paragraphs(result), split, *errors(result), f"References: {'; '.join(cited)}."]
    return words.printable(" ".join(text for text in said if text))


def errors(result):
    """Return how standard errors came about, in sentences."""
    record = result.record
    if record["modality"] in ("eeg", "sources") or not any(row["se"] is not None for row in record["parameters"]):
        return []
    if any(flag.startswith("standard_errors_model") for flag in record["flags"]):
        return ["Standard errors are those of the model being true, from the Gauss-Newton curvature of the loss and "
                "the sampling of correlations."]
    return ["Standard errors are a jackknife over people or blocks, refitted from the optimum; beside them stand those "
            "of the model being true, from the curvature of the loss."]


def paragraphs(result):
    """Return what was done, in sentences: the model, the data's roles, the ladder, what stands beside the score."""
    if result.record["modality"] == "eeg":
        return _spectra(result)
    if result.record.get("simulated"):
        return [_model(result), _fresh(result.record["simulated"]),
                "No null connectomes were fitted, and no simpler rung was tried."]
    if result.record["modality"] == "sources":
        return _regional(result)
    return [_model(result), _roles(result), _ladder(result), _beside(result)]


def _of_spectra(made):
    return "the mean squared residual of log10 power" if made.get("loss") is None else made["loss"]


def _spectra(result):
    rung, made = result.rung(result.chosen), result.record["provenance"]
    band = made["target"]["band"]
    template = " of a template head" if made["leadfield"]["template"] else ""
    names = ", ".join(words.rung_name(one) for one in result.record["rungs"])
    channels = len(result.arrays["ch_names"])
    apart, coupled = ("", "") if made.get("loss") is not None else (
        ", without coupling, which costs least", ", then once more with coupling let in,")
    return [
        f"A network of {len(result.labels)} regions, each a {words.printable(rung['model'])} model, joined by the "
        "structural connectome with delays where tract lengths are known, was seen through a lead field"
        f"{template} and fitted to the power of {channels} channels, {band[0]:g} to {band[1]:g} Hz, in closed form "
        "(linearised about its state of rest). Sensors add white and power-law noise without a resonance. The loss "
        f"is {_of_spectra(made)}; steps that lead to an unstable network are refused.",
        f"Rungs of increasing freedom ({names}) were judged on the choosing part{apart}: kept when R2 rose by more "
        "than 1.64 standard errors of an estimate from so short a stretch, when sources carry at least 80 % of "
        "occipital alpha power, and when no root is unstable. What was kept was refitted to the fitting and choosing "
        f"parts together{coupled} and scored once: R2 = 1 − SSE / SST, SST about the grand mean over channels and "
        "frequencies. The ceiling follows from the degrees of freedom of the score part, for a stationary signal; "
        "reliability is the R2 of the other parts' own spectrum.", _parcels(result)]


def _regional(result):
    rung, made = result.rung(result.chosen), result.record["provenance"]
    band, names = made["target"]["band"], ", ".join(words.rung_name(one) for one in result.record["rungs"])
    how = ("every other frequency was fitted and the others scored, which tests interpolation"
           if made["target"]["design"] == "bins" else "other stretches of the recording scored")
    return [
        f"Spectra of {len(result.arrays['ch_names'])} regions, {band[0]:g} to {band[1]:g} Hz, in a unit of their own, "
        f"were fitted without a lead field by a network of {len(result.labels)} regions. A region holds one to three "
        f"populations (damped oscillators, {words.printable(rung['model'])}), each of which hears its own kind in "
        "other regions through the structural connectome, with delays where tract lengths are known. A power law "
        "without a resonance, of every region, and one low-pass of the data, of the person, stand beside them. "
        "Spectra follow in closed form; parameters from Gauss-Newton steps on log10 power, regional ones "
        "shrunken to the shared level. "
        "Standard errors are those of the model being true, from the curvature, with the variance of the residuals.",
        f"Rungs of increasing freedom ({names}) were kept where R2 of what chooses rose by more than chance; {how}. "
        "R2 = 1 − SSE / SST, SST about the grand mean over regions and frequencies.", _beside(result)]


def _parcels(result):
    null = result.record["nulls"]["permuted"]
    if not null or not null["n"]:
        return "No null was fitted."
    climbed = result.record["provenance"].get("loss") is not None
    how = ("The climb was repeated with the parcels of the lead field permuted within hemispheres" if climbed else
           "The highest rung was refitted, with coupling, to lead fields with parcels permuted within hemispheres, "
           "every parcel with its region's parameters")
    return (f"{how} ({null['n']} times, each search cut short, as was the right one that they are held against), and "
            "once with coupling 0; a rung is called explained only if it beats both, "
            "p = (1 + number of nulls that do as well) / (number + 1).")


def _model(result):
    rung, made = result.rung(result.chosen), result.record["provenance"]
    brain, target = made.get("connectome", {}), made.get("target", {})
    scale = [words.printable(brain[key]) for key in ("transform", "norm") if brain.get(key) not in (None, "none")]
    weights = f" (weights: {', '.join(scale)})" if scale else ""
    band = target.get("band")
    text = (f"A network of {len(result.labels)} regions, each a {words.printable(rung['model'])} model, joined by "
            f"the structural connectome{weights}, was fitted to functional connectivity: "
            f"{CORRELATED[target.get('envelope')]}")
    text += f", band-passed {band[0]:g} to {band[1]:g} Hz" if band else ", over its whole band"
    text += f" (TR {target['tr']:g} s)" if target.get("tr") and not target.get("envelope") else ""
    if result.record.get("simulated"):
        told = made["options"]
        if "tempo" in told:
            return (f"{text}. Its covariance over the whole band was fitted in closed form (1 − r + 5 (difference of "
                    "mean FC)², L-BFGS); the common tempo of all rates and the common frequency, which leave it as it "
                    f"is, were chosen among {told['steps']} candidates by {told['seeds']} simulated scans of "
                    f"{told['seconds']:g} s each.")
        return (f"{text}. {told['seeds']} scans of {told['seconds']:g} s were simulated at once (Heun, step "
                f"{1000 * told['dt']:.4g} ms) under the same noise at every step; the loss, "
                f"{words.printable(made['loss'])}, was minimised by Adam, {told['steps']} steps.")
    loss = words.printable(made.get("loss") or "1 − r + 5 (difference of mean FC)²")
    return (f"{text}. The model's connectivity was computed {ENGINES[rung['engine']]}. The loss, {loss} "
            f"over the upper triangle, was minimised with {_searched(made)} on exact gradients from several starts.")


def _fresh(made):
    against = "held-out scans" if made["held_out"] else "the scans it was fitted to"
    tried = made.get("refined")
    searched = "" if tried is None else f"After the descent, {tried['told']}. "
    return (f"{searched}What is scored are {made['scans']} fresh simulated scans, under noise that the fit never saw, "
            f"against {against}: each by itself, and together as a group of measured scans is.")


def _searched(made):
    """Return by what a loss was minimised."""
    name = made.get("optimiser", "L-BFGS")
    return name if name == "L-BFGS" else "an optimiser of the authors' choice (name it here)"


def _roles(result):
    rung = result.rung(result.chosen)
    if rung["score_heldout"] is None:
        return ("No data were held out to score the answer: what is reported was measured on the data that fitted or "
                "chose it.")
    return ("The data had three roles: one part fitted the parameters, one chose the rung and the shrinkage, and "
            "one, opened once, gave the score. The ceiling, the best any predictor could reach, is the square root "
            "of the score part's reliability.")


def _ladder(result):
    names = ", ".join(words.rung_name(rung) for rung in result.record["rungs"])
    return (f"Rungs of increasing freedom were tried ({names}), each from the optimum of the last one kept; a rung was "
            "kept when its mean paired gain on the choosing part exceeded t(0.95), or t(0.975) where two were tried at "
            "once, times its jackknife standard error (units: people or blocks of time; of a lone matrix, masked "
            "blocks of region pairs).")


def _beside(result):
    ran = {name: null["n"] for name, null in result.record["nulls"].items() if null and null["n"]}
    if not ran:
        return "No null connectomes were fitted."
    counts = ", ".join(f"{NULLS[name]} ({n})" for name, n in ran.items())
    return (f"The same protocol was refitted from its own lower rungs on wrong connectomes: {counts}; "
            "p = (1 + number of nulls that do as well) / (number of nulls + 1). A rung is called explained by the "
            "connectome only if it clears every null and its twin with coupling 0.")
