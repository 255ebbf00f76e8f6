"""The house as the code has it: which room may import which, and what no room may do."""

import ast
import dataclasses
import importlib
import pkgutil
from pathlib import Path

import jax
import pytest

import nmfit
from nmfit.dynamics.linearised import linearise
from nmfit.dynamics.plan import Plan
from nmfit.models import MODELS, Hopf
from nmfit.network import Network
from nmfit.observe import Balloon, Direct

ROOT = Path(nmfit.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

# Each room imports those before it. io and report stand beside, and know the nouns only.
ORDER = ("parameters", "models", "network", "observe", "dynamics", "compare", "fit", "cohort")
NOUNS = {"errors", "shown", "parameters", "models", "network", "observe", "compare"}
BESIDE = {"io": NOUNS | {"io"}, "report": NOUNS | {"report", "io"}}
ANYWHERE = {"errors", "shown"}
INSIDE_FUNCTIONS = {("fit/result.py", "io"), ("fit/result.py", "report"),    # output methods, when called
                    ("fit/profile.py", "report"), ("fit/bayes.py", "io"), ("cohort/result.py", "report")}
ONLY = {"nibabel": {"io"}, "mne": {"io"}, "optax": {"fit"}, "matplotlib": {"report"},
        "threadpoolctl": {"compare", "fit"},
        "blackjax": {"fit"}, "cma": {"fit"}, "distributed": {"cohort"}, "dask_jobqueue": {"cohort"},
        "h5py": {"io"}, "pandas": {"io"}, "xarray": {"io"}, "h5netcdf": {"io"}}
LIBRARIES = {"jax", "numpy", "scipy", *ONLY}

# Whatever imports jax.numpy is traced, and imports neither numpy nor scipy; except, each for its reason:
KNOWN_BEFORE_TRACING = {
    "fit/skeleton.py": "chooses a start from what compiled searches return",
    "network/network.py": "checks values and orders the groups' regions, both known before tracing",
    "network/stimulus.py": "checks and places values when the network is made",
    "observe/leadfield.py": "checks and references gains when they are made",
    "cohort/deviation.py": "calls compiled fits and keeps what they return",
    "dynamics/exponential.py": "solves for what a step multiplies by before anything runs",
    "dynamics/noise.py": "finds which states are noisy, from structure",
    "dynamics/plan.py": "settles a simulation before anything runs",
    "dynamics/stability.py": "follows a phase along the axis from calls of compiled code",
    "dynamics/steps.py": "chooses and checks steps before anything runs",
    "fit/space.py": "counts free directions and lists existing edges before tracing",
    "fit/ground.py": "calls compiled fits and keeps what they return",
    "fit/confirm.py": "calls compiled simulations and measures what they return",
    "fit/uncertainty.py": "calls compiled fits and measures their spread",
    "fit/placed.py": "calls compiled fits and keeps what they return",
    "fit/bayes.py": "calls compiled chains and measures what they return",
    "fit/identify.py": "differences compiled predictions, and measures what they return",
    "fit/profile.py": "calls compiled fits and keeps what they return",
    "fit/envelope_errors.py": "measures draws, and calls a compiled slope",
    "fit/simulated_errors.py": "differences compiled predictions, and measures what they return",
    "fit/spectrum/loss_errors.py": "differences compiled predictions, and measures what they return",
    "fit/corrected.py": "measures what simulations return",
    "fit/copies.py": "calls compiled fits and measures their spread",
    "fit/sources/answer.py": "measures what fits return",
    "fit/sources/ground.py": "calls compiled fits and keeps what they return",
    "fit/sources/people.py": "hands arrays to fits and keeps what they return",
    "fit/spectrum/alpha.py": "measures what fits return",
    "fit/spectrum/answer.py": "measures what fits return",
    "fit/spectrum/errors.py": "measures what fits return",
    "fit/spectrum/ground.py": "calls compiled fits and keeps what they return",
    "fit/spectrum/populations.py": "finds where columns may rest, and places populations, before tracing",
    "fit/spectrum/problem.py": "sets problems up before tracing, and asks whether a point rests",
    "fit/spectrum/starts.py": "finds where searches begin, before tracing",
}


def place(file):
    return file.relative_to(ROOT).as_posix()


def room(file):
    return place(file).split("/")[0].removesuffix(".py")


def imports(file):
    """Return the pairs (what is imported, whether at the top of the file): rooms as ``.room``, else whole names."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    package = place(file).split("/")[:-1]
    found = []
    for node in ast.walk(tree):
        top = node in tree.body
        if isinstance(node, ast.Import):
            found += [(alias.name, top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.append((node.module, top))
        elif isinstance(node, ast.ImportFrom):
            inner = package[:len(package) - node.level + 1]
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found += [("." + ".".join([*inner, name]), top) for name in names]
    return found


def rooms_of(file):
    return {(name.split(".")[1], top) for name, top in imports(file) if name.startswith(".")}


def libraries_of(file):
    return {name.split(".")[0] for name, _ in imports(file) if not name.startswith(".")}


def test_every_file_lies_in_a_known_room():
    assert {room(file) for file in FILES} == {*ORDER, *BESIDE, "errors", "shown", "cli", "__init__"}
    assert not rooms_of(ROOT / "errors.py")
    assert rooms_of(ROOT / "shown.py") == {("report", False)}      # inside its methods, when called


@pytest.mark.parametrize("name", ORDER)
def test_rooms_import_one_way(name):
    allowed = ANYWHERE | set(ORDER[:ORDER.index(name) + 1]) | ({"io"} if name == "cohort" else set())
    for file in (f for f in FILES if room(f) == name):
        for other, top in rooms_of(file):
            late = not top and (place(file), other) in INSIDE_FUNCTIONS
            assert other in allowed or late, f"{place(file)} imports {other}"


@pytest.mark.parametrize("name", BESIDE)
def test_io_and_report_know_nouns_only(name):
    for file in (f for f in FILES if room(f) == name):
        assert {other for other, _ in rooms_of(file)} <= BESIDE[name], place(file)


def test_libraries_stay_in_their_rooms():
    for file in FILES:
        for library in libraries_of(file) & set(ONLY):
            assert room(file) in ONLY[library], f"{place(file)} imports {library}"


def test_nothing_that_is_traced_imports_numpy_or_scipy():
    for file in FILES:
        traced = any(name == "jax.numpy" for name, _ in imports(file))
        on_host = libraries_of(file) & {"numpy", "scipy"}
        assert not (traced and on_host) or place(file) in KNOWN_BEFORE_TRACING, f"{place(file)} imports {on_host}"
        if place(file) in KNOWN_BEFORE_TRACING:
            assert traced, f"{place(file)} needs no exception"
            assert on_host, f"{place(file)} needs no exception"
    assert set(KNOWN_BEFORE_TRACING) <= {place(file) for file in FILES}


@pytest.mark.parametrize("where", ["models", "observe", "dynamics", "network"])
def test_equations_know_no_statistics(where):
    for file in (f for f in FILES if room(f) == where):
        assert "scipy" not in libraries_of(file) or place(file) == "network/connectome.py"    # shortest paths


def test_no_room_for_leftovers():
    names = {part.removesuffix(".py").strip("_") for file in FILES for part in place(file).split("/")}
    assert not names & {"util", "utils", "core", "base", "helper", "helpers", "common", "misc", "tools", "shared"}


def test_no_pickle_no_eval_no_shell_no_global_configuration():
    for file in FILES:
        starts = {"subprocess"} if place(file) == "io/formats/apart.py" else set()     # the process that reads apart
        assert not libraries_of(file) & {"pickle", "dill", "joblib", "subprocess", "shelve", "marshal"} - starts, file
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            assert called not in ("eval", "exec", "compile", "os.system", "os.popen", "__import__"), place(file)
            if called in ("np.load", "numpy.load"):
                assert any(k.arg == "allow_pickle" and k.value.value is False for k in node.keywords), place(file)
            if called == "jax.config.update":          # the command line keeps compiled code in the user's cache
                assert place(file) == "cli/compiled.py"
                assert "cache" in node.args[0].value


def pytrees():
    """Return every class of the package that JAX looks into."""
    found = set()
    for info in pkgutil.walk_packages([str(ROOT)], "nmfit."):
        if info.name.split(".")[1] in ORDER:
            module = importlib.import_module(info.name)
            found |= {v for v in vars(module).values() if dataclasses.is_dataclass(v) and isinstance(v, type)
                      and v.__module__.startswith("nmfit.")
                      and any("static" in f.metadata or "declaration" in f.metadata for f in dataclasses.fields(v))}
    return sorted(found, key=lambda cls: cls.__qualname__)


def test_static_fields_are_hashable():
    classes = pytrees()
    assert {*MODELS.values(), Network, Balloon, Direct} <= set(classes)
    for cls in classes:
        for field in dataclasses.fields(cls):
            if field.metadata.get("static") and field.default is not dataclasses.MISSING:
                assert hash(field.default) is not None
                assert not callable(field.default), f"{cls.__name__}.{field.name} is a closure"
        assert cls.__eq__ is object.__eq__, f"{cls.__name__} compares arrays"
        assert cls.__dataclass_params__.frozen


def test_equal_objects_have_equal_structures():
    # Arrays or closures in static fields would compile at every call, or not compare at all.
    def built(a):
        network = Network.of([[0.0, 1.0], [1.0, 0.0]], {"one": (Hopf(a=a), [0]), "two": (Hopf(), [1])}, drive=0.2)
        return network, linearise(network, Balloon()), Direct(gain=None)

    first, second = (jax.tree.structure(built(a)) for a in (-0.1, -0.2))
    assert first == second
    assert hash(first) == hash(second)
    network = Network.of([[0.0, 1.0], [1.0, 0.0]], Hopf())
    plans = [Plan.of(network, Direct(), 10.0) for _ in range(2)]
    assert plans[0] == plans[1]
    assert hash(plans[0]) == hash(plans[1])
