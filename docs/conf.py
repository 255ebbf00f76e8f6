"""The documentation site: `sphinx-build -W docs docs/_build`. Tutorials are run unless NMFIT_DOCS_RUN=0."""

import inspect
import json
import os
import re
import shutil
from importlib.metadata import version as version_of
from pathlib import Path

import nmfit
from nmfit.models import MODELS

HERE = Path(__file__).parent
project, author, copyright = "nmfit", "the authors of nmfit", "the authors of nmfit"
release = version = version_of("nmfit")

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax", "myst_nb"]
html_theme = "furo"
html_title = f"nmfit {release}"
exclude_patterns = ["_build", "generated", "conf.py"]
# Parts of pages begin at their heading; units stand where types do.
suppress_warnings = ["myst.header", "ref.python", "toc.not_included"]
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "exclude-members": "__init__, __new__, statistic"}
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_custom_sections = [("Class attributes", "params_style")]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".py": "myst-nb"}
nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "off" if os.environ.get("NMFIT_DOCS_RUN") == "0" else "force"
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_merge_streams = True
nb_output_stderr = "remove"

KERNEL = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

"""
EFFORT = {"lowest": 0, "low": 1, "medium": 2, "high": 3}


def generate(app):
    """Write what derives from the code: the tutorials' pages, the table of models, the tree of advice."""
    source = Path(app.srcdir)
    made = source / "tutorials"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    for path in sorted((HERE.parent / "tutorials").glob("[0-9]*.py")):
        (made / path.name).write_text(KERNEL + path.read_text(encoding="utf-8"), encoding="utf-8")
    (source / "generated").mkdir(exist_ok=True)
    (source / "generated" / "models.md").write_text(table_of_models(), encoding="utf-8")
    (source / "generated" / "advice.md").write_text(table_of_advice(), encoding="utf-8")
    (source / "generated" / "model_pages.md").write_text(model_pages(), encoding="utf-8")
    (source / "generated" / "commands.md").write_text(help_of_commands(), encoding="utf-8")


def help_of_commands():
    """Return the help of the command line and of every command."""
    import subprocess
    import sys

    def printed(*words):
        done = subprocess.run([sys.executable, "-m", "nmfit.cli", *words, "--help"], capture_output=True, text=True,
                              check=True, env=os.environ | {"COLUMNS": "100", "NO_COLOR": "1"})
        return done.stdout

    whole = printed()
    names = re.findall(r"^    (\w+) ", whole, re.MULTILINE)
    return "\n".join(f"## {' '.join(('nmfit', *words))}\n\n```text\n{printed(*words)}```\n"
                     for words in ((), *((name,) for name in names)))


def table_of_models():
    """Return the models' table: what a model declares of itself, and what it costs as measured."""
    from nmfit.parameters import declarations

    took = json.loads((HERE / "speed.json").read_text())
    rows = ["| model | states | parameters | closed form | one second simulated | time scale | observables | "
            "typical use |", "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for name, model in sorted(MODELS.items(), key=lambda item: EFFORT[item[1].cost]):
        seen = [words for what, words in (("bold_drive", "BOLD"), ("eeg_source", "EEG, MEG"))
                if getattr(model, what) is not None]
        closed, second = (_milliseconds(took.get(name), what) for what in ("closed_form", "simulated_second"))
        rows.append(f"| {name} | {len(model.states)} | {len(declarations(model))} | {closed} | {second} | "
                    f"{model.time_scale:g} s | {', '.join(seen)} | {model.good_for} |")
    return "\n".join(rows) + "\n"


def _milliseconds(took, what):
    if took is None:
        return "not measured"
    return "none" if took[what] is None else f"{float(f'{1e3 * took[what]:.2g}'):g} ms"


def table_of_advice():
    """Return the decision tree as a table."""
    from nmfit.models.recommend import TREE

    rows = ["| for | start with | where parameters must mean synapses or cells |", "| --- | --- | --- |"]
    rows += [f"| {purpose} | **{simple.model}**: {simple.why}; but {simple.careful} | "
             f"**{rich.model}**: {rich.why}; but {rich.careful} |" for purpose, (simple, rich) in TREE.items()]
    return "\n".join(rows) + "\n"


def model_pages():
    """Return equations, parameters, uses and source of every model, as `nmfit models NAME` prints them."""
    from nmfit.models import describe

    return "\n".join(f"### {name}\n\n```text\n{describe(model)}\n```\n" for name, model in MODELS.items())


def without_private_signature(_app, what, _name, found, _options, signature, _back):
    """Leave out signatures of exceptions and dataclasses' generated ones, whose fields are listed anyway."""
    if what in ("class", "exception") and inspect.isclass(found) and hasattr(found, "__dataclass_fields__"):
        return "", None
    return signature, _back


def setup(app):
    """Connect the generated pages."""
    assert nmfit.__all__
    app.connect("builder-inited", generate)
    app.connect("autodoc-process-signature", without_private_signature)
