"""Posteriors refined by importance sampling, on as many cores as there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ._batch import Batch
from ._importance import Moments, importance_moments, log_posterior
from ._noise_evidence import correlation_nodes
from ._posterior import Posterior, Refinement
from ._rows import usable_cores
from ._threads import one_blas_thread

FEWEST = 30.0  # effective draws, below which the Gaussian is kept


def refine_each(
    batch: Batch, found: Iterable[tuple[int, Posterior]], cores: int | None, count: Callable[[int], None]
) -> Iterator[tuple[int, Posterior]]:
    """Members of a batch and their posteriors → the same refined, as they are done.

    Draws depend on the seed alone, and nobody's result on who else is refined or on the number of cores.
    """
    waiting = list(found)
    if not waiting:
        return
    member, posterior = waiting.pop()
    first = refine(batch, member, posterior)  # compiled here, so that no two threads compile the same
    count(1)
    yield member, first
    with one_blas_thread(), ThreadPoolExecutor(cores or usable_cores(), thread_name_prefix="refine") as pool:
        running = {pool.submit(refine, batch, *one): one[0] for one in waiting}
        for future in as_completed(running):
            count(1)
            yield running[future], future.result()


def refine(batch: Batch, member: int, posterior: Posterior) -> Posterior:
    """A posterior with mean and covariance of weighted draws, or as it was where too few of them count."""
    problem = jax.tree.map(lambda leaf: jnp.asarray(leaf[member]), batch.problems)
    columns, free = batch.free_columns(member), posterior.free
    serial = batch.settings.noise == "ar1"
    rho = jnp.asarray(posterior.autocorrelation)
    nodes = correlation_nodes(problem, rho) if serial else jnp.zeros((1, rho.size))

    def log_density(theta: Float[np.ndarray, "draw own"]) -> Float[np.ndarray, "draw"]:
        offsets = np.zeros((len(theta), len(batch.model.free)))
        offsets[:, columns] = theta - posterior.prior.mean[free]
        return np.asarray(log_posterior(batch.model, problem, jnp.asarray(offsets), nodes))

    gaussian = Moments(posterior.mean[free], posterior.covariance)
    found = importance_moments(log_density, gaussian, batch.settings.seed)
    refinement = Refinement(
        gaussian_mean=posterior.mean,
        gaussian_covariance=posterior.covariance,
        draws=found.draws,
        effective_sample=found.effective_sample,
        pareto_k=found.pareto_k,
        log_evidence=found.log_evidence,
        used=found.effective_sample >= FEWEST,
    )
    if not refinement.used:
        return replace(posterior, refinement=refinement)
    mean = posterior.mean.copy()
    mean[free] = found.moments.mean
    covariance = (found.moments.covariance + found.moments.covariance.T) / 2
    return replace(posterior, mean=mean, covariance=covariance, refinement=refinement)
