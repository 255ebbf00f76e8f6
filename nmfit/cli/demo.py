"""`nmfit demo`: fit the data that ships."""

from .fit import finish
from .folder import refuse_result
from .options import add_output

NULL_STEPS = 40
STARTS = 4


def add(verbs):
    """Declare the command."""
    demo = verbs.add_parser("demo", help="fit the data that ships, in under a minute, without a network")
    demo.set_defaults(run=run)
    add_output(demo, default="nmfit-demo")


def run(args):
    """Fit five people's resting-state FC, cut short so that it ends within a minute."""
    refuse_result(args)
    from ..io import sample
    from ..io.inputs import read_inputs

    folder = sample("gw_aal2")
    target, brain, _, _ = read_inputs(sc=[folder / "sub-*_weights.csv"], lengths=[folder / "sub-*_lengths.csv"],
                                      labels=folder / "labels.tsv", bold=[folder / "sub-*_bold.tsv"])
    left_out = (f"left out to finish in a minute: the rung of single edges; null fits beyond {NULL_STEPS} steps "
                f"each; starts beyond {STARTS}; `nmfit fit` has no such limits")
    return finish(args, target, brain, left_out, n_null=19, null_steps=NULL_STEPS, starts=STARTS, max_rung="region",
                  seed=0)
