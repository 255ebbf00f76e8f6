"""Whether the parts of a fit belong together, and what it would cost: for `nmfit check`."""

from ..errors import InputError
from .files import expand
from .inputs import read_inputs
from .inputs_eeg import read_eeg_inputs, read_psd_inputs
from .look import is_atlas, look
from .matching import match_regions

MANY = ("sc", "lengths", "bold")           # roles that several files may play
NEED = "a connectome (--sc) and data (--bold, --fc, --eeg or --psd)"

# Fits of FC with Hopf and default options took 66 s of processor time at 68 regions (five people, compiled before) and
# 141 s at 80 (six people, a seventh held out, nothing compiled, a busy machine; 1.2 GB), 62 fits each; eleven fits had
# taken 28, 23 and 68 s and 0.9, 0.9 and 1.1 GB at 20, 40 and 80 regions. FIXED + PER_FIT * fits * (n / 80)**3 gives 96,
# 144, 20, 23 and 42 s; the power is that of a factorisation, and was not measured beyond 80 regions.
FIXED, PER_FIT, POWER = 20.0, 2.0, 3
BASE_GB, GB_PER_CELL = 0.85, 4e-5
MEASURED = 80
# Fits of 64 channels with permuted lead fields took 134 s of processor time and 2.2 GB (68 regions, 79 frequencies;
# 86 s where all was compiled before) and at most 479 s and 2.8 GB (80 regions, 157 frequencies; in three goes, which
# each begin by compiling): 3.9 and 6.0e-4 s per channel, region and frequency; 32 channels with four such lead fields
# 67 s and 1.7 GB (80 regions, 79 frequencies). Spectra of 68 regions at 40 frequencies took 1.8 s a person without
# nulls (mean of twelve, compiled before). That all this is linear is a guess.
PER_CELL, SENSED_GB, GB_PER_SENSED, PER_PLACE = 5e-4, 1.8, 1.2e-6, 1.8 / (68 * 40)


def check(files=(), given=None, **options):
    """Look at every file of a fit, and at all of them together.

    Parameters
    ----------
    files : list of paths
        Whose roles are found out from what they hold.
    given : dict of role to path or list of paths, optional
        Whose roles are known; see `look.ROLES`.
    **options
        ``tr``, ``labels``, ``atlas``, ``montage``, ``band``, ``drop_bad``, ``trust_order``, ``map_names``, ``n_null``,
        and for spectra ``template``, ``centroids``, ``fmin``, ``fmax``, ``seconds``, ``dof``.

    Returns
    -------
    dict
        ``files`` (see `look`), ``together`` (``fits``, ``problem``, ``regions``, ``dropped``, ``mapping``, ``notes``,
        ``flags``)
        and ``cost`` (``seconds`` of processor time, ``memory_gb``: estimates), the last two None where parts are
        missing.
    """
    files = expand(list(files))
    options["atlas"] = options.get("atlas") or next(filter(is_atlas, files), None)
    aids = {name: options.get(name) for name in ("tr", "labels", "atlas", "montage")}
    aids["kind"] = options.get("kind") or "eeg"
    named = {role: _listed(paths) for role, paths in (given or {}).items() if paths}
    seen = [look(path, role, **aids) for role, paths in named.items() for path in paths]
    found = [look(path, **aids) for path in files]
    for row in found:
        named.setdefault(row["role"], []).append(row["file"])
    options["labels"] = options.get("labels") or (named.get("labels") or [None])[0]
    together = _together(named, options, [row["problem"] for row in (*seen, *found) if row["problem"]])
    together["mapping"] = _mapping(seen + found, options.get("map_names"))
    cost = _cost(together, options) if together["fits"] else None
    return {"files": seen + found, "together": together, "cost": cost}


def _mapping(rows, map_names):
    """Return the pairs (name in the connectome, name in the data) of regions that are called differently."""
    named = {row["role"]: row for row in reversed(rows) if row["labels"] is not None}
    ours, theirs = named.get("sc"), named.get("bold") or named.get("fc") or named.get("psd")
    if ours is None or theirs is None:
        return []
    first, second = ours["labels"], theirs["labels"]
    try:
        match = match_regions(first, second, (ours["file"], theirs["file"]), drop=True, map_names=map_names)
    except InputError:
        return []
    return [[first[i], second[j]] for i, j in zip(match.first, match.second, strict=True) if first[i] != second[j]]


def _listed(paths):
    return expand(paths if isinstance(paths, list) else [paths])


def _together(named, options, problems):
    answer = {"fits": False, "problem": None, "regions": None, "dropped": [], "notes": [], "flags": [],
              "modality": None}
    twice = [role for role, paths in named.items() if role not in (*MANY, None) and len(paths) > 1]
    have = named.keys() & {"bold", "fc", "eeg", "psd"}
    if problems:
        answer["problem"] = f"{len(problems)} of the files cannot be used: see there."
    elif twice:
        answer["problem"] = f"several files for {twice[0]}: {', '.join(named[twice[0]])}. Give one."
    elif len(have - {"fc"} if "bold" in have else have) != 1 or ("sc" not in named and not options.get("template")):
        answer["problem"] = f"parts are missing: a fit needs {NEED}."
    else:
        try:
            return answer | (_eeg if "eeg" in have else _psd if "psd" in have else _fc)(named, options)
        except InputError as problem:
            answer["problem"] = str(problem)
    return answer


def _fc(named, options):
    known = {name: options.get(name) for name in ("tr", "labels", "band", "atlas", "map_names")}
    data = {"bold": named["bold"]} if "bold" in named else {"fc": named["fc"][0]}
    maps = (named.get("maps") or [None])[0]

    def read(drop):
        return read_inputs(sc=named["sc"], lengths=named.get("lengths"), maps=maps, **data, **known, drop_bad=drop,
                           trust_order=bool(options.get("trust_order")))
    remedy = None
    try:
        target, brain, _, _ = read(bool(options.get("drop_bad")))
    except InputError as problem:
        if "--drop-bad" not in str(problem):
            raise
        remedy = str(problem)
        target, brain, _, _ = read(True)
    one = brain[0] if isinstance(brain, list) else brain
    dropped = [region for flag in target.flags if flag.startswith("dropped_regions:")
               for region in flag.partition(":")[2].split(", ")]
    fits = [len(split) for split in (fold.splits for fold in target.folds)]
    return {"fits": remedy is None, "problem": remedy, "regions": one.n, "dropped": dropped,
            "notes": list(target.notes), "flags": list(target.flags), "modality": "fmri", "splits": sum(fits),
            "folds": len(fits)}


def _eeg(named, options):
    target, brain, leadfield = read_eeg_inputs(
        eeg=named["eeg"][0], sc=named.get("sc"), template=options.get("template"), lengths=named.get("lengths"),
        labels=options.get("labels"), leadfield=(named.get("leadfield") or [None])[0],
        centroids=options.get("centroids"), montage=options.get("montage"), fmin=options.get("fmin") or 1.0,
        fmax=options.get("fmax") or 40.0, kind=options.get("kind") or "eeg",
        seconds=4.0 if options.get("seconds") is None else options["seconds"],
        trust_order=bool(options.get("trust_order")), map_names=options.get("map_names"))
    return {"fits": True, "regions": brain.n, "sensors": len(leadfield.ch_names), "bins": target.freqs.size,
            "notes": list(target.notes), "flags": list(target.flags), "modality": "eeg"}


def _psd(named, options):
    target, brain, _ = read_psd_inputs(
        psd=named["psd"][0], sc=named.get("sc"), template=options.get("template"), lengths=named.get("lengths"),
        labels=options.get("labels"), maps=(named.get("maps") or [None])[0], dof=options.get("dof"),
        fmin=options.get("fmin") or 1.0, fmax=options.get("fmax") or 40.0,
        trust_order=bool(options.get("trust_order")), map_names=options.get("map_names"))
    return {"fits": True, "regions": brain.n, "sensors": target.s, "bins": target.freqs.size,
            "notes": list(target.notes), "flags": list(target.flags), "modality": "spectra"}


def _cost(together, options):
    """Estimate processor time and memory of a fit with default options, from what was measured."""
    if together["modality"] != "fmri":
        return _cost_of_spectra(together)
    n, nulls = together["regions"], options.get("n_null")
    fits = together["splits"] + 3 * (19 if nulls is None else nulls) * together["folds"] + 4
    seconds = FIXED + PER_FIT * fits * (n / MEASURED) ** POWER
    memory = BASE_GB + GB_PER_CELL * n * n
    sure = "within a factor of two or so" if n <= MEASURED else f"measured up to {MEASURED} regions only: a guess"
    return {"seconds": round(seconds), "memory_gb": round(memory, 1),
            "says": f"estimate: about {_spoken(seconds)} of processor time and {memory:.1f} GB for {fits} fits over "
            f"{n} regions with Hopf and default options ({sure})"}


def _cost_of_spectra(together):
    n, bins = together["regions"], together["bins"]
    if together["modality"] == "eeg":
        cells = together["sensors"] * n * bins
        seconds, memory = PER_CELL * cells, round(SENSED_GB + GB_PER_SENSED * cells, 1)
        what, sure = f"{together['sensors']} channels, {n} regions", "within a factor of two; two fits were measured"
    else:
        seconds, memory, what = PER_PLACE * n * bins, None, f"a person without nulls, {n} regions"
        sure = "measured at 68 regions and 40 frequencies only: a guess"
    taken = f"{_spoken(max(seconds, 1.0))} of processor time" + (f" and {memory:.1f} GB" if memory else "")
    return {"seconds": round(seconds, 1), "memory_gb": memory,
            "says": f"estimate: about {taken} for {what} and {bins} frequencies with default options ({sure})"}


def _spoken(seconds):
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min" if seconds < 6000 else (
        f"{seconds / 3600:.0f} h")
