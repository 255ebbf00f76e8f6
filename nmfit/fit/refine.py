"""Go on without slopes, for terms that have none, from where a descent ended: CMA-ES, extra ``[refine]``.

References
----------
Hansen & Ostermeier 2001, Completely derandomized self-adaptation in evolution strategies, Evolutionary Computation 9.
"""

import dataclasses

import jax
import numpy as np
from jax.flatten_util import ravel_pytree
from scipy import stats

from ..compare.scan_scores import fcd_of
from ..compare.series import ks_distance
from ..errors import InputError
from .simulated_objective import at_point, loss_and_signals

SPREAD = 0.1        # of the first candidates, in coordinates whose unit is the parameter's own size
JUDGES = 6          # times as many fresh scans as the search had, on which its end is held against its start
KNOWN = ("KS",)
_seen = at_point(loss_and_signals)


@dataclasses.dataclass(frozen=True, eq=False)
class Refinement:
    """What a search without slopes brought, on scans that neither it nor the descent ever saw.

    Attributes
    ----------
    terms : tuple of str, each with its weight
    evaluations : how often the model was simulated in the search
    before, after : loss plus terms, means over fresh scans
    se : standard error of their difference, paired by noise
    kept : whether it fell by more than chance explains (one-sided, p < 0.05)
    """

    terms: tuple
    evaluations: int
    before: float
    after: float
    se: float
    kept: bool

    def __str__(self):
        told = f"{self.evaluations} simulations without slopes, for {' + '.join(self.terms)} beside the loss"
        if self.after == self.before:
            return f"{told}: none was better"
        change = f"{self.after - self.before:+.3g} ± {self.se:.2g} on fresh noise"
        return f"{told}: {change}, {'kept' if self.kept else 'no more than chance: not kept'}"


def terms_of(beside, target, shape):
    """Return terms without slopes as tuples of (told, weight, function of signals ``[s, t, n]``).

    Each is asked for its value of white noise before anything is fitted.

    Parameters
    ----------
    beside : str, callable, or sequence of those and of (weight, callable) pairs
        ``"0.5 * KS"`` is the Kolmogorov-Smirnov distance of the scans' pooled FCD to the fitted one. A function takes
        the signals of all simulated scans as sampled, ``[s, t, n]``, and returns a number, less is better.
    target : ScanTarget
    shape : (s, t, n), of the signals in the fit

    Raises
    ------
    InputError
        For another name, a weight that is no number, FCD that the target does not hold, a function that returns
        something else than a finite number, and without pycma.
    """
    if beside is None:
        return ()
    parts = [beside] if isinstance(beside, str) or callable(beside) else list(beside)
    terms = tuple(term for part in parts for term in
                  ([_named(text, target) for text in part.split("+")] if isinstance(part, str) else [_given(part)]))
    noise = np.random.default_rng(0).standard_normal(shape)
    for told, _, function in terms:
        value = function(noise)
        if np.ndim(value) or not np.isfinite(np.asarray(value, float)):
            raise InputError("beside", f"{told} of white noise {noise.shape} is {value!r}",
                             "Give functions that return a finite number wherever signals are finite.")
    _library()
    return terms


def _named(text, target):
    factor, _, name = text.rpartition("*")
    try:
        weight = float(factor) if factor.strip() else 1.0
    except ValueError:
        weight = None
    if name.strip() not in KNOWN or weight is None:
        raise InputError("beside", f"found '{text.strip()}'",
                         "Write a number times a term without slopes, or give a function.", ", ".join(KNOWN))
    if target.fit.fcd is None:
        raise InputError("beside", "KS, where the target holds no FCD", "Make it from scans (scan_target).")
    return _told(weight, "KS"), weight, lambda signals: ks_distance(np.concatenate(fcd_of(signals, target)),
                                                                    target.fit.fcd)


def _given(part):
    weight, function = part if isinstance(part, tuple) and len(part) == 2 else (1.0, part)
    if not callable(function) or not np.isscalar(weight) or not np.isfinite(weight):
        raise InputError("beside", f"found {part!r}", "Give names, functions, or pairs of a weight and a function.",
                         "0.5 * KS")
    return _told(weight, getattr(function, "__name__", type(function).__name__)), float(weight), function


def _told(weight, name):
    return name if weight == 1 else f"{weight:g} * {name}"


def refined(found, problem, terms, *, evaluations, judges, seed=0, report=None):
    """Go on from where a descent ended, and keep what came of it only if fresh scans say so.

    Parameters
    ----------
    found : Descent
    problem : SimulatedProblem
        Its noise is that of the search: common to all candidates.
    terms : see `terms_of`
    evaluations : int
        Simulations that the search may take, about; a generation that has begun is finished.
    judges : list of typed keys, as many scans each as the search has
    seed : int
    report : callable of (evaluations, now, best), optional

    Returns
    -------
    found : Descent, moved if it was kept
    refinement : Refinement, or None where there is no finite start
    """
    cma = _library()
    start, back = ravel_pytree({name: np.asarray(v, float) for name, v in found.theta.items()})
    start = np.asarray(start, float)

    def looked_at(z, keys=problem.keys):
        value, signals = _seen(_unravelled(back, z), dataclasses.replace(problem, keys=keys))
        value, signals = float(value), np.asarray(signals, float)
        if not (np.isfinite(value) and np.isfinite(signals).all()):
            return np.inf
        return value + sum(weight * float(term(signals)) for _, weight, term in terms)

    best, least = start, looked_at(start)
    if not np.isfinite(least):
        return found, None
    rng, worst, done = np.random.default_rng(seed), abs(least) + 1.0, 1
    # Its own generator: the library would seed that of numpy, which is everybody's.
    search = cma.CMAEvolutionStrategy(start, SPREAD, {
        "seed": np.nan, "randn": lambda *shape: rng.standard_normal(shape), "maxfevals": evaluations, "verbose": -9})
    while not search.stop():
        candidates = search.ask()
        values = []
        for candidate in candidates:
            value = looked_at(candidate)
            done += 1
            if value < least:
                best, least = np.array(candidate), value
            values.append(value if np.isfinite(value) else worst)
            worst = max(worst, values[-1] + 1.0)
            if report is not None:
                report(done, value, least)
        search.tell(candidates, values)
    pairs = np.array([[looked_at(z, keys) for z in (start, best)] for keys in judges])
    falls = pairs[:, 1] - pairs[:, 0]
    se = float(np.std(falls, ddof=1) / np.sqrt(len(falls)))
    kept = bool(np.isfinite(falls).all() and falls.mean() < -stats.t.ppf(0.95, len(falls) - 1) * se)
    told = Refinement(tuple(told for told, _, _ in terms), done, *(float(v) for v in pairs.mean(0)), se, kept)
    if not kept:
        return found, told
    theta = _unravelled(back, best)
    return dataclasses.replace(found, theta=theta, loss=float(_seen(theta, problem)[0])), told


def _unravelled(back, z):
    return jax.tree.map(np.asarray, back(np.asarray(z, float)))


def _library():
    try:
        import cma
    except ImportError:
        raise InputError("beside", "pycma is not installed", "pip install 'nmfit[refine]'.") from None
    return cma
