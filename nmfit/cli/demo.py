"""`nmfit demo`: fit the data that ships."""

from ..errors import InputError
from .fit import finish
from .folder import refuse_result
from .options import add_output

NULL_STEPS = 40
STARTS = 4
EEG_RUNG, EEG_NULLS, EEG_WINDOWS = "region", 4, 2.0       # the highest rung, wrong lead fields, seconds


def add(verbs):
    """Declare the command."""
    demo = verbs.add_parser("demo", help="fit the data that ships, in about a minute, without a network")
    demo.set_defaults(run=run)
    demo.add_argument("--eeg", action="store_true", help="a synthetic EEG recording in place of fMRI")
    demo.add_argument("--real", action="store_true", help="with --eeg: a real recording, which mne fetches")
    add_output(demo, default="nmfit-demo")


def run(args):
    """Fit five people's resting-state FC, cut short so that it ends within a minute."""
    if args.real and not args.eeg:
        raise InputError("--real", "no --eeg beside it", "Give both, or neither.")
    refuse_result(args)
    if args.eeg:
        return _eeg(args)
    from ..io import sample
    from ..io.inputs import read_inputs

    folder = sample("gw_aal2")
    target, brain, _, _ = read_inputs(sc=[folder / "sub-*_weights.csv"], lengths=[folder / "sub-*_lengths.csv"],
                                      labels=folder / "labels.tsv", bold=[folder / "sub-*_bold.tsv"])
    left_out = (f"left out to finish in a minute: the rung of single edges; null fits beyond {NULL_STEPS} steps "
                f"each; starts beyond {STARTS}; `nmfit fit` has no such limits")
    return finish(args, target, brain, left_out, n_null=19, null_steps=NULL_STEPS, starts=STARTS, max_rung="region",
                  seed=0)


def _eeg(args):
    """Fit a recording that ships (or one that mne fetches) on the template connectome, cut short likewise."""
    from ..io import sample
    from ..io.inputs_eeg import read_eeg_inputs

    if args.real:
        from ..io.eegbci import eyes_closed

        recording = eyes_closed()
    else:
        recording = sample("synthetic_eeg") / "sub-01_task-eyesclosed_eeg.edf"
    target, brain, leadfield = read_eeg_inputs(eeg=recording, template="aal2-80", seconds=EEG_WINDOWS)
    left_out = (f"left out to be quick: rungs beyond '{EEG_RUNG}'; wrong lead fields beyond {EEG_NULLS}; "
                f"windows are of {EEG_WINDOWS:g} s; `nmfit fit --eeg` has no such limits")
    return finish(args, target, brain, left_out, leadfield=leadfield, n_null=EEG_NULLS, max_rung=EEG_RUNG, starts=1,
                  seed=0)
