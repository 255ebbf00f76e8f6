"""Do people's parameters differ with a group or a covariate? Asked of the hierarchical model, not of shrunken maps.

Shrunken values lie nearer to the group where a person's data say less, so that a plain test on them mixes the size of
an effect with the length of a recording. Here the unshrunken value ``y_i`` of a person, on the scale on which the prior
is Gaussian, and its standard error ``s_i`` enter a model of two levels,

``y_i = x_i b + u_i + e_i``, ``u_i ~ N(0, tau^2)``, ``e_i ~ N(0, s_i^2)``,

with ``tau`` by restricted maximum likelihood; what is tested is ``b``.
"""

from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.optimize import minimize_scalar

from ..errors import InputError

PERMUTATIONS = 2000
RATE = 0.05                  # false discovery rate at which a region counts in sentences
SMALLEST_ERROR = 1e-3        # of the unconstrained scale; a jackknife that happens to agree is not certainty
WIDEST_TAU = 10.0


def contrast(result, of, covariates=(), *, parameters=None, blocks=None, permutations=PERMUTATIONS, seed=0):
    """Test whether parameters differ with one covariate, given others.

    Parameters
    ----------
    result : CohortResult
        With covariates, and with standard errors of parameters.
    of : str
        The covariate that is tested: a number, or two groups.
    covariates : sequence of str
        What is held fixed, such as ``("age", "sex", "site", "mean_fd")``; text becomes one column per level but one.
    parameters : sequence of str, optional
        All unless given.
    blocks : str, optional
        A covariate whose levels are exchangeability blocks: people are permuted within a level, such as a site or a
        family, only.
    permutations : int
        Residuals of the model without the tested covariate are permuted (Freedman and Lane).
    seed : int

    Returns
    -------
    list of dict
        Per parameter and region: ``effect`` (of one unit, or of the second group over the first, on the unconstrained
        scale), ``se``, ``t``, ``tau``, ``p`` by permutation, ``q`` the false discovery rate over the regions of the
        parameter, ``people``.

    Raises
    ------
    InputError
        Where a covariate is missing or does not vary, or there are fewer people than columns and two more.

    References
    ----------
    Freedman & Lane 1983, Journal of Business & Economic Statistics 1:292; Winkler et al. 2014, NeuroImage 92:381;
    Benjamini & Hochberg 1995, Journal of the Royal Statistical Society B 57:289.
    """
    people = dict.fromkeys(row["person"] for row in result.parameters)
    design = design_of(people, result.covariates, of, covariates, blocks)
    orders = _orders(design.level, permutations, seed)
    rows = []
    for name in dict.fromkeys(row["parameter"] for row in result.parameters):
        if parameters is None or name in parameters:
            rows += _tests(result, name, design, orders)
    return rows


class Design(NamedTuple):
    """Who takes part in a contrast, and with what.

    Attributes
    ----------
    people : list of str, those with all covariates
    tested : array ``[u, 1]``
    rest : array ``[u, q]``, a constant and what is held fixed
    level : array ``[u]``, the exchangeability block of everybody
    """

    people: list
    tested: np.ndarray
    rest: np.ndarray
    level: np.ndarray


def design_of(people, known, of, covariates=(), blocks=None):
    """Return the design of a contrast, or refuse what cannot be asked; see `contrast`.

    Parameters
    ----------
    people : iterable of str
    known : dict of str to dict, covariates of everybody
    """
    wanted = (of, *covariates, *((blocks,) if blocks else ()))
    people = [p for p in people if all(known.get(p, {}).get(name) is not None for name in wanted)]
    if not people:
        lacking = next((name for name in wanted if not any(name in of_one for of_one in known.values())), of)
        raise InputError(f"covariate '{lacking}'", "nobody has it", "Give it for everybody (participants.tsv).")
    values = {name: [known[p][name] for p in people] for name in wanted}
    tested = _columns(values, of)
    if tested.shape[1] != 1:
        raise InputError(f"covariate '{of}'", f"{tested.shape[1] + 1} levels", "Give a number or two groups.")
    rest = np.column_stack([np.ones(len(people)), *(_columns(values, name) for name in covariates)])
    if len(people) < rest.shape[1] + 3:
        raise InputError("people", f"{len(people)} with all covariates", "Give more people, or fewer covariates.",
                         f"at least {rest.shape[1] + 3}")
    if np.linalg.matrix_rank(np.column_stack([rest, tested])) <= rest.shape[1]:
        raise InputError(f"covariate '{of}'", f"told by {', '.join(covariates)} already",
                         "Leave out what says the same.")
    level = np.zeros(len(people), int) if blocks is None else np.unique(
        [str(value) for value in values[blocks]], return_inverse=True)[1]
    if not any(np.ptp(tested[level == one]) > 0 for one in np.unique(level)):
        raise InputError(f"covariate '{of}'", f"the same within every {blocks}", "Permute over everybody: no blocks.")
    return Design(people, tested, rest, level)


def contrasts_of(result, asked, permutations=PERMUTATIONS, seed=0):
    """Return what a report tells of several contrasts: how each was asked, and its rows or why there are none.

    Parameters
    ----------
    result : CohortResult
    asked : sequence of dict with ``of``, and ``covariates`` and ``blocks`` where there are any
    """
    told = []
    for one in asked:
        try:
            rows, refused = contrast(result, **one, permutations=permutations, seed=seed), None
        except InputError as problem:                     # people failed on the way
            rows, refused = [], str(problem)
        told.append({"of": one["of"], "covariates": list(one.get("covariates", ())), "blocks": one.get("blocks"),
                     "permutations": permutations, "people": rows[0]["people"] if rows else 0, "refused": refused,
                     "rows": rows})
        told[-1]["says"] = _sentence(told[-1])
    return told


def _sentence(told):
    given = f" given {', '.join(told['covariates'])}" if told["covariates"] else ""
    within = f", permuted within {told['blocks']}" if told["blocks"] else ""
    if told["refused"]:
        return f"by {told['of']}{given}: not tested, {told['refused']}"
    found = []
    for name in dict.fromkeys(row["parameter"] for row in told["rows"]):
        rows = [row for row in told["rows"] if row["parameter"] == name]
        sure = sum(row["q"] < RATE for row in rows)
        found.append(f"{name} p {rows[0]['p']:.2g}" if rows[0]["region"] is None else
                     f"{name} differs in {sure} of {len(rows)} regions (q < {RATE:g})")
    return f"by {told['of']}{given} ({told['people']} people{within}): {'; '.join(found)}"


def _columns(values, name):
    """Return a covariate as columns: a number centred, text as one column per level but the first."""
    values = values[name]
    if all(isinstance(v, int | float) for v in values):
        column = np.asarray(values, float)[:, None]
        column = column - column.mean()
    else:
        levels = np.unique([str(v) for v in values])
        column = np.array([[float(str(v) == level) for level in levels[1:]] for v in values])
    if not column.size or not np.ptp(column, axis=0).all():
        raise InputError(f"covariate '{name}'", "the same in everybody", "Leave it out.")
    return column


def _orders(level, count, seed):
    """Return orders of people ``[m, u]``, within exchangeability blocks; the first is the one there is."""
    rng = np.random.default_rng(seed)
    orders = [np.arange(len(level))]
    for _ in range(count):
        order = np.arange(len(level))
        for one in np.unique(level):
            at = np.flatnonzero(level == one)
            order[at] = rng.permutation(at)
        orders.append(order)
    return np.array(orders)


def _tests(result, name, design, orders):
    people, tested, rest, _ = design
    rows = [row for row in result.parameters if row["parameter"] == name and row["person"] in set(people)]
    regions = list(dict.fromkeys(row["region"] for row in rows))
    shape = (len(people), len(regions))
    y = np.array([row["unshrunken_free"] for row in rows], float).reshape(shape)
    errors = [row["unshrunken_free_se"] for row in rows]
    if None in errors:
        raise InputError("contrast", "parameters without standard errors", "Fit the cohort with errors=True.")
    s = np.maximum(moderated(np.array(errors, float).reshape(shape)), SMALLEST_ERROR)
    columns, found = np.column_stack([rest, tested]), []
    for k, region in enumerate(regions):
        tau = between(y[:, k], s[:, k], columns)
        w = 1.0 / (tau**2 + s[:, k] ** 2)
        effect, error, t = _weighted(y[:, k][None], w, columns)
        # Freedman and Lane: what the other covariates do not explain is permuted, then explained again; residuals are
        # exchangeable once each is divided by its own spread.
        root = np.sqrt(w)
        fitted = rest @ np.linalg.lstsq(root[:, None] * rest, root * y[:, k], rcond=None)[0]
        residual = root * (y[:, k] - fitted)
        null = _weighted(fitted + residual[orders[1:]] / root, w, columns)[2]
        p = (1 + np.sum(np.abs(null) >= abs(t[0]) - 1e-12)) / (1 + len(null))
        found.append({"parameter": name, "region": region, "effect": float(effect[0]), "se": float(error),
                      "t": float(t[0]), "tau": float(tau), "p": float(p), "q": None, "people": len(people)})
    for row, q in zip(found, stats.false_discovery_control([row["p"] for row in found]), strict=True):
        row["q"] = float(q)
    return found


def moderated(errors):
    """Return standard errors, each half way (in variance) to what is usual in its region.

    A jackknife over three parts has two degrees of freedom: now and then one comes out tiny by chance, and would decide
    a contrast alone. The usual is the median over people; moderation as such: Smyth 2004, Stat Appl Genet Mol Biol 3:3.

    Parameters
    ----------
    errors : array ``[u, n]``
    """
    return np.sqrt((errors**2 + np.median(errors**2, axis=0)) / 2)


def between(y, s, design):
    """Return the spread between people by restricted maximum likelihood.

    Parameters
    ----------
    y, s : arrays ``[u]``
        Estimates and their standard errors.
    design : array ``[u, q]``
    """
    def cost(log_tau):
        w = 1.0 / (np.exp(2 * log_tau) + s**2)
        gram = design.T @ (w[:, None] * design)
        rest = y - design @ np.linalg.solve(gram, design.T @ (w * y))
        return -np.log(w).sum() + np.linalg.slogdet(gram)[1] + np.sum(w * rest**2)

    return float(np.exp(minimize_scalar(cost, bounds=(np.log(1e-4), np.log(WIDEST_TAU)), method="bounded").x))


def _weighted(y, w, design):
    """Return the last coefficient of weighted least squares of every row of ``y [m, u]``, its error, and t."""
    gram = np.linalg.inv(design.T @ (w[:, None] * design))
    b = y * w @ design @ gram
    rest = y - b @ design.T
    scale = np.sqrt(np.sum(w * rest**2, axis=1) / (y.shape[1] - design.shape[1]))
    error = np.sqrt(gram[-1, -1])
    return b[:, -1], error * scale[0], b[:, -1] / (error * np.maximum(scale, 1e-12))
