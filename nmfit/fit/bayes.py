"""The posterior of a fit's parameters by NUTS on the likelihood in closed form: extra ``[bayes]``.

``nu`` Gaussian samples of the model's FC ``R``, each region on a scale ``d_i`` of its own, have the log-likelihood
``-nu / 2 (log det D R D + tr((D R D)^-1 S))``. Scales are sampled beside the parameters under a flat prior of their
logarithm, which is what makes correlations, the data, sufficient. Parameters have a normal prior about the
fitted values, in units of their own size.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from ..dynamics.alone import ALONE
from ..errors import InputError
from ..parameters import pytree, static
from .context import context_of
from .ground import problem_of
from .identify import coordinates_of, identify, relative_sizes
from .objective import predicted_fc
from .threads import one_core_each, side_by_side

SHARED_SPREAD = 1.0        # prior standard deviation of shared parameters, relative to their size
REGIONAL_SPREAD = 0.5
WORST_RHAT = 1.01
FEWEST_EFFECTIVE = 100     # per chain
NOWHERE = -1e12            # log density where there is no stable state of rest


@pytree
class Posterior:
    """What a chain needs to know: the problem, which coordinates move, their prior, the data."""

    problem: object
    centre: object
    spread: object
    samples: object
    blocks: tuple = static(default=())
    columns: tuple = static(default=())


def log_density(position, posterior):
    """Return the log posterior density of coordinates and log scales, up to a constant."""
    z, scales = position
    theta = dict(posterior.centre)
    for k, (block, column) in enumerate(zip(posterior.blocks, posterior.columns, strict=True)):
        theta[block] = theta[block].at[column].add(posterior.spread[k] * z[k])
    fc, abscissa, converged = predicted_fc(theta, posterior.problem)
    stable = (abscissa < 0) & converged
    n = fc.shape[0]
    sound = jnp.where(stable, fc, jnp.eye(n))
    d = jnp.exp(-scales)
    data = d[:, None] * posterior.problem.target * d
    factor = jnp.linalg.cholesky(sound)
    within = jax.scipy.linalg.solve_triangular(factor, data, lower=True)
    within = jax.scipy.linalg.solve_triangular(factor, within.T, lower=True)
    deviance = 2.0 * jnp.sum(jnp.log(jnp.diagonal(factor))) + 2.0 * jnp.sum(scales) + jnp.trace(within)
    value = -0.5 * posterior.samples * deviance - 0.5 * jnp.sum(z**2)
    return jnp.where(stable & jnp.isfinite(value), value, NOWHERE)


@functools.partial(jax.jit, static_argnames=("draws", "warmup"), compiler_options=ALONE)
def _chain(posterior, key, draws, warmup):
    import blackjax

    def density(position):
        return log_density(position, posterior)

    start, adapt, run = jax.random.split(key, 3)
    n = posterior.problem.target.shape[0]
    first = (0.1 * jax.random.normal(start, posterior.spread.shape), jnp.zeros(n))
    warm = blackjax.window_adaptation(blackjax.nuts, density, target_acceptance_rate=0.9)
    (state, tuned), _ = warm.run(adapt, first, num_steps=warmup)
    kernel = blackjax.nuts(density, **tuned).step

    def step(state, key):
        state, info = kernel(key, state)
        return state, (state.position[0], state.logdensity, info.is_divergent, info.acceptance_rate,
                       info.num_integration_steps)

    return jax.lax.scan(step, state, jax.random.split(run, draws))[1]


@dataclasses.dataclass(frozen=True, eq=False)
class Draws:
    """Draws from a posterior, and whether they can be trusted.

    Attributes
    ----------
    draws : dict of name to array ``[chains, draws]`` or ``[chains, draws, n]``, in the parameters' own units
    rows : list of dict
        ``name``, ``mean``, ``sd``, ``ci95``, ``rhat``, ``ess``; the worst over regions of the last two.
    statistics : dict of arrays ``[chains, draws]``: ``lp``, ``diverging``, ``acceptance_rate``, ``n_steps``
    labels : names of the regions
    samples : effective number of samples behind the data
    """

    draws: dict
    rows: list
    statistics: dict
    labels: tuple
    samples: float

    @property
    def flags(self):
        """Why not to believe it; empty where nothing speaks against it."""
        count = int(self.statistics["diverging"].sum())
        chains = len(self.statistics["diverging"])
        flags = [f"divergences:{count}"] if count else []
        flags += [f"not_mixed:{row['name']}" for row in self.rows if not row["rhat"] <= WORST_RHAT]
        return flags + [f"few_effective_draws:{row['name']}" for row in self.rows
                        if not row["ess"] >= FEWEST_EFFECTIVE * chains]

    @property
    def trusted(self):
        """Whether chains agree, draws suffice and none diverged."""
        return not self.flags

    def summary(self):
        """Return a table as text; what is not to be trusted says so first."""
        lines = [] if self.trusted else [f"not to be used: {', '.join(self.flags)}"]
        lines += [f"{'parameter':<24} {'mean':>10} {'sd':>9}   95 % interval           R-hat    ESS"]
        for row in self.rows:
            low, high = row["ci95"]
            lines.append(f"{row['name']:<24} {row['mean']:>10.4g} {row['sd']:>9.2g}   {low:>9.4g} to {high:<9.4g}  "
                         f"{row['rhat']:6.3f} {row['ess']:6.0f}")
        return "\n".join(lines) + "\n"

    def save(self, path):
        """Write netCDF with the groups ``posterior`` and ``sample_stats``, as ``arviz.from_netcdf`` opens it."""
        from ..io.netcdf import write_groups

        def named(name, array):
            return ("chain", "draw", f"{name}_region")[:array.ndim], array

        write_groups(path, {"posterior": {name: named(name, a) for name, a in self.draws.items()},
                            "sample_stats": {name: named(name, a) for name, a in self.statistics.items()}},
                     {"inference_library": "blackjax", "effective_samples": self.samples})


def sample_posterior(result, *, chains=4, draws=500, warmup=500, seed=0):
    """Draw from the posterior of a fit's parameters.

    Parameters
    ----------
    result : Result
        Of `nmfit.fit` for FC, not loaded from a file.
    chains, draws, warmup : int
    seed : int

    Returns
    -------
    Draws
        Look at `Draws.trusted` before anything else.

    Raises
    ------
    InputError
        Without the extra, without data behind the result, or where the data's number of samples is unknown.

    References
    ----------
    Hoffman & Gelman 2014, J Mach Learn Res 15:1593 (NUTS).
    """
    context = context_of(result, "nmfit.sample_posterior")
    fitted, ground = context.final[-1], context.ground
    with jax.enable_x64(True), one_core_each():
        determined = identify(fitted, ground, context.plan.target.samples, context.map_names)
        if determined is None or determined.samples_from != "data":
            raise InputError("posterior", "an unknown number of samples behind the data, or too many parameters",
                             "Give recordings, or n_volumes beside an FC matrix, and a rung below edges.")
        posterior = posterior_of(fitted, ground, determined.samples)
        return drawn_from(posterior, context.plan.target.labels, chains=chains, draws=draws, warmup=warmup, seed=seed)


def posterior_of(fitted, ground, samples):
    """Return the posterior about a fit's optimum."""
    problem = problem_of(ground, fitted.network, fitted.blocks, 0.0)
    coordinates = coordinates_of(fitted.blocks)
    sizes = np.abs(relative_sizes(fitted.blocks, fitted.theta, coordinates))
    spread = np.array([REGIONAL_SPREAD if c.kind == "region" else SHARED_SPREAD for c in coordinates])
    return Posterior(problem=problem, centre=fitted.theta,
                     spread=jnp.asarray(spread / np.maximum(sizes, 0.1)), samples=jnp.asarray(float(samples)),
                     blocks=tuple(c.block for c in coordinates), columns=tuple(c.column for c in coordinates))


def drawn_from(posterior, labels, *, chains, draws, warmup, seed):
    """Run the chains, each alone on a core, and gather what they say."""
    try:
        import blackjax
    except ImportError:
        raise InputError("posterior", "BlackJAX is not installed", "pip install 'nmfit[bayes]'.") from None
    keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), 70), chains)

    def chain(k):
        with jax.numpy_dtype_promotion("standard"):          # the sampler's own sums are of unlike types
            return [np.asarray(v) for v in _chain(posterior, keys[k], draws, warmup)]

    found = side_by_side(chain, range(chains))
    with jax.numpy_dtype_promotion("standard"):
        z, density, diverging, acceptance, steps = (np.stack(part) for part in zip(*found, strict=True))
        values = _values(posterior, z)
        rows = []
        for name, value in values.items():
            flat = value.reshape(chains, draws, -1)
            # Halves of chains: one that drifts disagrees with itself.
            halves = flat[:, :draws // 2 * 2].reshape(2 * chains, draws // 2, -1)
            rhat = np.max([blackjax.diagnostics.potential_scale_reduction(halves[..., i])
                           for i in range(flat.shape[-1])])
            ess = np.min([blackjax.diagnostics.effective_sample_size(halves[..., i]) for i in range(flat.shape[-1])])
            mean = flat.mean(-1)
            rows.append({"name": name, "mean": float(mean.mean()), "sd": float(mean.std(ddof=1)),
                         "ci95": [float(q) for q in np.quantile(mean, (0.025, 0.975))], "rhat": float(rhat),
                         "ess": float(ess)})
    statistics = {"lp": density, "diverging": diverging, "acceptance_rate": acceptance, "n_steps": steps}
    return Draws(values, rows, statistics, tuple(labels or ()), float(posterior.samples))


def _values(posterior, z):
    """Return every freed parameter at the draws ``z [chains, draws, p]``, in its own units."""
    values = {}
    for block in posterior.problem.blocks:
        at = [k for k, name in enumerate(posterior.blocks) if name == block.name]
        if not at:
            continue
        columns = jnp.asarray([posterior.columns[k] for k in at])

        def value(move, block=block, at=at, columns=columns):
            theta = posterior.centre[block.name].at[columns].add(posterior.spread[jnp.asarray(at)] * move)
            return block.value(theta)

        moves = jnp.asarray(z[..., at])
        found = np.asarray(jax.jit(jax.vmap(jax.vmap(value)))(moves))
        values[block.name] = found[..., 0] if found.ndim == 3 and np.ptp(found, axis=-1).max() < 1e-12 else found
    return values
