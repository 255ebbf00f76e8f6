"""A result in plain words: the verdict, the two answers, flags, baselines; for terminal and page alike."""

from ..models import MODELS
from ..network import Coupling, Network, SharedDrive
from ..parameters import declarations
from .vocabulary import BASELINES, CLAIMS, CONNECTOME, FLAGS, SCORE_NAMES

MOST_NAMED = 14            # parameters whose recovery is listed
OWN_DATA = 0.02            # the least that an r on fitted data lies over the held-out one to be told apart


def score_name(record):
    """Return the symbol of the score."""
    return SCORE_NAMES.get(record["modality"].lower(), "score")


def claim(record):
    """Return what explains, one null and several of them in words, and the names of the nulls."""
    return CLAIMS.get(record["modality"].lower(), CONNECTOME)


def nulls(record):
    """Return the nulls of a record that its kind of data has, as name in words and row."""
    names = claim(record)[3]
    return [(names[name], null) for name, null in record["nulls"].items() if name in names]


def printable(text):
    """Return text without control characters, so that a file's name cannot steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in str(text))


def spoken(name):
    """Return a machine's name as words."""
    return printable(name).replace("_", " ")


def flag_sentence(flag):
    """Return what a flag means; `name:detail` says where."""
    name, _, detail = flag.partition(":")
    sentence = FLAGS.get(name, spoken(name))
    return f"{sentence} ({printable(detail)})" if detail else sentence


def flag_lines(record):
    """Return name and sentence of every flag; flags of one name, which differ in where, make one line."""
    places = {}
    for flag in record["flags"]:
        name, _, detail = flag.partition(":")
        places.setdefault(name, []).append(detail)
    return [(printable(name), flag_sentence(f"{name}:{'; '.join(d for d in details if d)}"))
            for name, details in places.items()]


def rung_name(rung):
    """Return a rung's name, with the shared drive where it has one."""
    name = printable(rung["name"])
    return f"{name} + drive" if rung["drive"] and "drive" not in name else name


def number(value, digits=3, missing="–"):
    """Return a number for reading; a dash where there is none."""
    if value is None:
        return missing
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e6):
        return f"{int(value)}"
    return f"{value:.{digits}g}"


def score(value, se=None, missing="–"):
    """Return a score with two decimals, and its standard error where there is one."""
    if value is None:
        return missing
    return f"{value:.2f} ± {se:.2f}" if se is not None else f"{value:.2f}"


def interval(row):
    """Return a value with its 95 % interval."""
    if row["value"] is None:
        return "–"
    ci = row["ci95"]
    if not ci or any(end is None for end in ci):
        return f"{row['value']:.2f}"
    return f"{row['value']:.2f} (95 % {ci[0]:.2f} to {ci[1]:.2f})"


def baseline(name):
    """Return what a baseline is, in words."""
    return BASELINES.get(name, spoken(name))


def null_line(null):
    """Return one null's refits: their mean, the margin of the real connectome over them, p."""
    if not null or not null["n"]:
        return "not fitted"
    text = f"{score(null['mean'])}" + (f" ± {null['sd']:.2f}" if null["sd"] is not None else "")
    text += f", margin {null['margin']:+.2f}" if null["margin"] is not None else ""
    text += f", {_p(null)}" if null["p"] is not None else ""
    return f"{text} ({null['n']} refitted)"


def decides(null):
    """Return the p that decides over "explained": that among all rungs where there is one; None without nulls."""
    known = [p for p in (null["p"], null.get("p_adjusted")) if p is not None]
    return max(known, default=None)


def _p(null):
    """Return p of a null, and p among all rungs where that differs."""
    among = null.get("p_adjusted")
    differs = among is not None and among > null["p"]
    return f"p = {null['p']:.2g}" + (f", {among:.2g} among all rungs" if differs else "")


def first_line(record):
    """Return what ran: versions, number type, seed, time."""
    made = record["provenance"]
    versions = made.get("versions", {})
    parts = [f"{name} {versions[name]}" for name in ("nmfit", "jax") if name in versions]
    parts += [str(made["dtype"])] if "dtype" in made else []
    parts += [f"seed {made['seed']}"] if "seed" in made else []
    parts += [seconds(made["seconds"])] if "seconds" in made else []
    parts += [f"status: {spoken(record['status'])}"]
    return " · ".join(printable(word) for word in parts)


def what_was_read(record):
    """Return the sentences that say what was read, how it was repaired and how it was divided."""
    made = record["provenance"]
    brain, target = made.get("connectome", {}), made.get("target", {})
    said = [f"connectome: {note}" for note in brain.get("notes", [])]
    if "norm" in brain:
        transform = brain.get("transform", "none")
        said.append(f"weights: {'as they are' if transform == 'none' else transform}, norm {brain['norm']}")
    said += [f"target: {note}" for note in target.get("notes", [])]
    if "band" in target:
        band = target["band"]
        said.append(f"band: {band[0]:g} to {band[1]:g} Hz" if band else "band: whole")
        said[-1] += f", TR {target['tr']:g} s" if target.get("tr") else ""
    return [printable(text) for text in said]


def pair(ends):
    """Return an interval or bounds; no end where there is none."""
    if not ends:
        return ""
    low, high = ends
    if low is None and high is None:
        return "any"
    return f"below {high:.3g}" if low is None else f"above {low:.3g}" if high is None else f"{low:.3g} to {high:.3g}"


def meaning(model, name):
    """Return the sentence that declares a parameter, or nothing where the name belongs to no declaration."""
    owners = [MODELS[model]] if model in MODELS else []
    for owner in (*owners, Coupling, SharedDrive, Network):
        known = declarations(owner)
        if name in known:
            return known[name].sentence
    return ""


def stability(record):
    """Return how far the network is from instability, in one sentence."""
    figure = record["stability"]["max_real_eigenvalue"]
    if figure is None:
        return ""
    return f"The slowest mode of the network decays at {number(-figure)} per second." if figure < 0 else (
        f"The linearised network is unstable (largest real part {number(figure)} per second).")


def seconds(value):
    """Return a duration."""
    return f"{value:.1f} s" if value < 10 else f"{value:.0f} s" if value < 120 else f"{value / 60:.1f} min"


def determined(record):
    """Return the sentences that say what the data determine, and what they do not."""
    found = record.get("identifiability")
    if not found:
        return []
    source = "the data" if found["samples_from"] == "data" else "the misfit"
    told = [f"Of {found['directions']} free directions the data determine {found['determined']} to within half of a "
            f"parameter's own size (curvature of the loss; {found['samples']:.0f} effective samples, from {source})."]
    if "freedom" in found:
        told.append(f"Shrinkage leaves {found['freedom']:.1f} effective degrees of freedom.")
    told += [_sentence(weak["sentence"]) for weak in found["weak"]]
    back = [f"{name} {r:.2f}" for name, r in found["recovery"].items()]
    if 0 < len(back) <= MOST_NAMED:
        stuck = sorted({row["name"] for row in record["parameters"] if row["flag"] == "at_bound"})
        given = (f" over {found['recovery_copies']} copies of the data" if found.get("recovery_copies") else
                 f" ({' and '.join(stuck)}, which ended at a bound, taken as open)" if stuck else "")
        told.append(f"Expected recovery, r of truth and estimate{given}: {', '.join(back)}.")
    return [printable(text) for text in told]


def _sentence(clause):
    """Return a clause as a sentence; the name of a parameter at its front keeps its letters."""
    if clause.startswith(("the data ", "only ")):
        return f"{clause[0].upper()}{clause[1:]}."
    return f"Of the parameters, {clause}."


def validated(rung):
    """Return what validating a kept rung said, or nothing."""
    return printable(rung.get("validation") or "")


def answers(result):
    """Return the two answers: what predicts best, and what the connectome explains.

    Returns
    -------
    list of str
        Two sentences; the second holds "the connectome explains" only where a rung cleared every null and its
        coupling-0 twin.
    """
    return [_prediction(result), _explanation(result)]


def _prediction(result):
    record, rung = result.record, result.rung(result.chosen)
    r = score_name(record)
    free = number(rung["free_parameters"])
    what = f"{rung['model']}, rung '{rung_name(rung)}' with {free} free parameter{'' if free == '1' else 's'}"
    if rung["score_heldout"] is None:
        if rung["score_choose"] is not None:
            return (f"Best prediction: {what}; {r} = {score(rung['score_choose'])} on the data that chose it "
                    f"({score(rung['score_fit'])} on those fitted). No data were left to score it.")
        return f"Best fit: {what}; {r} = {score(rung['score_fit'])} on the data fitted, nothing held out."
    told = f"{r} = {score(rung['score_heldout'], rung['score_heldout_se'])} on held-out data"
    ceiling = record["ceiling"]["value"]
    if ceiling:
        told += f", {100 * rung['score_heldout'] / ceiling:.0f} % of the ceiling {ceiling:.2f}"
    rivals = [f"{baseline(name)} ({value:.2f})" for name, value in record["baselines"].items()
              if value is not None and value >= rung["score_heldout"]]
    rivalled = f" No better than: {', '.join(rivals)}." if rivals else ""
    return f"Best prediction: {what}; {told}.{rivalled}"


def _explanation(result):
    record = result.record
    ran = [name for name, null in record["nulls"].items() if null and null["n"]]
    what, one, several, _ = claim(record)
    if result.explained is None:
        if not ran and "not_validated" in record["flags"]:
            return (f"A description, not an explanation: nothing was held out, so {what[0].lower()}{what[1:]} could "
                    f"not be held against any {one}.")
        if not ran:
            return (f"A description, not an explanation: no {one.replace('wrong', 'null')} was fitted, so nothing can "
                    f"be said about what {what[0].lower()}{what[1:]} contributes.")
        return (f"A description, not an explanation: no rung does better than every {one} and "
                f"than itself without coupling.{_lost_to(result)}")
    rung = result.rung(result.explained)
    doubt = f" Provisionally: the {several} were held against fits as short as theirs." if _capped(record) else ""
    if result.explained == result.chosen:
        return (f"{what} explains it: rung '{rung_name(rung)}' does better than every {one} and than itself "
                f"without coupling.{doubt}")
    best = rung_name(result.rung(result.chosen))
    return (f"{what} explains it as far as rung '{rung_name(rung)}' ({score_name(record)} = "
            f"{score(rung['score_heldout'], rung['score_heldout_se'])}); what '{best}' adds is a "
            f"description, not an explanation.{doubt}")


def _capped(record):
    """Return whether the nulls had less time than what they are held against."""
    return any(flag.split(":")[0] == "nulls_capped" for flag in record["flags"])


def _lost_to(result):
    """Name what the chosen rung does not clear; a margin's sign alone is no test, so p is what counts."""
    lost = [f"{name}, {_p(null)}" for name, null in nulls(result.record)
            if null and (decides(null) or 0.0) > 0.05]
    rung = result.rung(result.chosen)
    over = rung.get("over_coupling_zero") or {"mean": None, "se": None}
    if over["mean"] is not None and over["se"] is not None and over["mean"] <= 2.0 * over["se"]:
        lost.append(f"itself without coupling, {over['mean']:+.2f} ± {over['se']:.2f} over what was scored")
    return f" '{rung_name(rung)}' does not clear: {'; '.join(lost)}." if lost else ""


def headline(result):
    """Return the verdict in a few words, for the top of the page."""
    if result.explained is None:
        return "A description, not an explanation"
    told = f"{claim(result.record)[0]} explains it"
    if result.explained != result.chosen:
        told += f" as far as '{rung_name(result.rung(result.explained))}'"
    return f"{told}, provisionally" if _capped(result.record) else told


def _in_sample(record, found):
    """Return what the closed form scores on the data that the simulation is held against, where all were fitted."""
    heldout = next((rung["score_heldout"] for rung in record["rungs"] if rung["name"] == record["chosen"]), None)
    closed = found["score"] - found["difference"]
    if heldout is None or abs(closed - heldout) < OWN_DATA:
        return ""
    whose = "the fitted" if found.get("corrected") else "the closed form's"
    return f" from {whose} {closed:.2f} on the same data"


def confirmation(record):
    """Return what simulating the non-linear model said, in sentences."""
    found = record["confirmation"]
    if record.get("simulated"):
        from .fresh import fresh_scans

        return fresh_scans(record)
    if found["score"] is None and found["agrees"] is None:
        return "The full non-linear model was not simulated."
    agrees = {True: "agrees with", False: "does not agree with",
              None: "could not be held against"}[found["agrees"]]
    before = found.get("corrected")
    fitted = "the closed form" if before is None else "the fit, which was made to what simulation shows"
    text = f"Simulating the full non-linear model {agrees} {fitted}"
    if found["score"] is None:
        text += ": it left the finite numbers"
    else:
        text += f": its FC scores {score_name(record)} = {found['score']:.2f}"
        if found["difference"] is not None:
            text += f", a change of {found['difference']:+.2g}{_in_sample(record, found)}"
        if found["sampling_error"] is not None:
            text += f" where two sampling errors are {2 * found['sampling_error']:.2g}"
        if found.get("rmse") is not None:
            text += f"; a pair of regions is off by {found['rmse']:.2g} on average"
        if found.get("sampling_rmse") is not None:
            text += f", where chance gives {2 * found['sampling_rmse']:.2g} at most"
        if found.get("engine") == "closure":
            text += (". Its parameters are those that act as fitted under this noise (statistical linearisation); the "
                     f"fitted ones as they are would score {score(found.get('untranslated'))}")
    if before is not None:
        text += (f". Before, fitted in closed form, the model scored {score(before['score'])} when simulated, off by "
                 f"{before['rmse']:.2g} a pair")
    own = f" (its own is {number(found['model_sigma'], 2)})" if found.get("model_sigma") is not None else ""
    if found["sigma"] is not None:
        return f"{text}. The largest noise at which the two agree is sigma = {number(found['sigma'], 2)}{own}."
    return f"{text}."
