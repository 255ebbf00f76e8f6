"""What a fit through simulation can be held against, and what it cannot."""

from ..compare.empirical import group_fc
from ..compare.folds import FcTarget
from ..compare.loss import Loss
from ..compare.scans import Scans, ScanTarget
from ..errors import InputError

WINDOW, STEP = 60.0, 10.0
CONTROLS = ("auto", "rest", "closure", "none")


def scans_of(target):
    """Return a `ScanTarget`, made from the fit part of an `FcTarget`'s first fold where it is none."""
    if isinstance(target, ScanTarget):
        return target
    if not isinstance(target, FcTarget):
        raise InputError("target", f"found {type(target).__name__}", "Make one with scan_target or fc_target.")
    if target.tr is None or target.volumes is None:
        raise InputError("target", "neither TR nor length of the scans behind the FC",
                         "Give tr= and n_volumes= to fc_target: a simulation needs both.")
    if target.envelope is not None:
        raise InputError("target", "FC of envelopes, which a fit through simulation does not measure",
                         "Fit in closed form (leave engine= out).")
    if target.projector is not None:
        raise InputError("target", "regions regressed out of the data, which a fit through simulation does not undergo",
                         "Fit in closed form, or give data without the regression.")
    fold = target.folds[0]
    score = None if fold.score is None else Scans(group_fc(fold.score))
    runs = 1 if fold.units is None else len(fold.units)
    return ScanTarget(Scans(fold.pool, samples=target.samples, runs=runs), score, target.tr, target.volumes,
                      target.band, WINDOW, STEP, target.labels, target.notes, target.sha256, target.flags)


def check(target, loss, control):
    """Refuse a loss that is none, or asks for what the target does not hold, and an unknown twin."""
    if not isinstance(loss, Loss):
        raise InputError("loss", f"found {loss!r}", "Give an expression of nmfit.loss.", "FC() + 0.5 * FCD()")
    have = {"fc"} | {name for name in ("fcd", "order", "samples") if getattr(target.fit, name) is not None}
    loss.check(have, "this target")
    if control not in CONTROLS:
        raise InputError("control", f"found {control!r}", "Choose one.", ", ".join(CONTROLS))
