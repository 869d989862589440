"""How long group analyses of a size take, first with compilation, then without, and how far their answers are off.

What an answer is compared with, in a unit of its own (nats for evidence, posterior SDs for effects):

    fit, exact: the Newton step that is left where the climb ended, relative to posterior SDs
    fit, spm12: the same group in another order, relative to posterior SDs
    leave-one-out: the same in another order, relative to posterior SDs
    permutations: the statistic by `fit` and `reduce`, nats
    search and comparison: the best model by `reduce`, nats
    draws: the largest split R-hat less 1
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import jax.numpy as jnp
import numpy as np

from peb import (
    Compat,
    Components,
    CrossValidation,
    Design,
    Estimate,
    Gaussian,
    GroupPosterior,
    PebSettings,
    Permutation,
    SamplingSettings,
    Search,
    compare,
    every_combination,
    fit,
    leave_one_out,
    permutation_test,
    reduce,
    sample,
    search,
    switched,
)
from peb._hierarchy import evaluate
from peb._permutation import residualised
from peb._prepare_group import prepare

REPEATS = 3
LARGEST = (10_000, 16, 4)
FITS: tuple[tuple[tuple[int, int, int], Components, Compat, float | None], ...] = (
    (LARGEST, "single", "none", 10.0),
    (LARGEST, "all", "spm12", 10.0),
    ((1_000, 16, 4), "all", "spm12", None),
    ((60, 30, 3), "all", "spm12", None),
    ((60, 30, 3), "all", "none", None),
    ((60, 8, 5), "all", "spm12", 1.0),
    ((60, 8, 5), "all", "none", 1.0),
)
Result = TypeVar("Result")


def timings() -> list[dict[str, Any]]:
    """A row for each case, the largest first, so that the peak of memory is its own."""
    return [*_fits(), *_left_out(), *_permutations(), *_models(), *_draws()]


def _fits() -> list[dict[str, Any]]:
    rows = []
    for size, components, compat, bound in FITS:
        settings = PebSettings(components=components, compat=compat, between="gaussian")
        estimates, design = cohort(*size)
        backwards = reversed_rows(design)

        def error(
            group: GroupPosterior,
            estimates: list[Estimate] = estimates,
            settings: PebSettings = settings,
            backwards: Design = backwards,
        ) -> float:
            if settings.compat == "none":
                return _step_left(estimates, group, settings)
            other = fit(estimates, backwards, settings).posterior
            return float((np.abs(other.mean - group.posterior.mean) / other.sd).max())

        case = f"PEB, {_size(size)}, {components}, {compat}"
        rows.append(_row(case, partial(fit, estimates, design, settings), bound, error))
    return rows


def _left_out() -> list[dict[str, Any]]:
    rows = []
    for compat in ("spm12", "none"):
        size, settings = (60, 8, 5), PebSettings(components="all", compat=compat, between="gaussian")
        estimates, design = cohort(*size)

        def error(
            found: CrossValidation,
            estimates: list[Estimate] = estimates,
            design: Design = design,
            settings: PebSettings = settings,
        ) -> float:
            other = leave_one_out(estimates, reversed_rows(design), settings, covariate="c1")
            return float((np.abs(other.estimate[::-1] - found.estimate) / np.sqrt(found.variance)).max())

        work = partial(leave_one_out, estimates, design, settings, covariate="c1")
        rows.append(_row(f"leave-one-out, {_size(size)}, all, {compat}", work, 10.0, error))
    return rows


def _permutations() -> list[dict[str, Any]]:
    rows = []
    settings = PebSettings(components="all", between="gaussian")
    for size in ((21, 2, 4), (60, 8, 5)):
        estimates, design = cohort(*size)
        alone = fit(estimates, residualised(design, "c1"), settings)
        on = np.ones((1, alone.prior.mean.size), dtype=bool)
        on[0, alone.places("c1")] = False
        direct = -reduce(alone.prior, alone.posterior, *switched(alone.prior, on)).delta_free_energy[0]

        def error(found: Permutation, direct: float = float(direct)) -> float:
            return abs(found.statistic - direct)

        rows.append(
            _row(
                f"5,000 permutations, {_size(size)}, all, Gaussian",
                partial(permutation_test, estimates, design, settings, covariate="c1", permutations=5_000),
                None,
                error,
                repeats=1,
            )
        )
    return rows


def _models() -> list[dict[str, Any]]:
    every = PebSettings(components="all", between="gaussian")
    group, wide = fit(*cohort(60, 8, 5), every), fit(*cohort(60, 30, 3), every)
    on = every_combination(8)[np.linspace(0, 255, 28).astype(int)]
    full, posterior, patterns = _reductions(10_000, 32)

    def of_search(found: Search) -> float:
        kept = reduce(wide.prior, wide.posterior, *switched(wide.prior, found.kept[None])).delta_free_energy[0]
        return float(abs(found.free_energy.max() - kept))

    return [
        _row("search, 60 × 30 × 3: 90 effects", lambda: search(wide), None, of_search),
        _row(
            "28 × 28 models, 40 effects, with average",
            lambda: compare(group, on, [f"model {i}" for i in range(28)]),
            1.0,
            lambda found: float(abs(found.free_energy[-1, -1])),
        ),
        _row("10,000 reductions of 32 parameters", lambda: reduce(full, posterior, *switched(full, patterns)), 2.0),
    ]


def _draws() -> list[dict[str, Any]]:
    size = (21, 2, 4)
    work = partial(sample, *cohort(*size), PebSettings(between="gaussian"), SamplingSettings())
    case = f"4 × 1,000 draws by NUTS, {_size(size)}, single, exact"
    return [_row(case, work, None, lambda found: float(found.r_hat.max() - 1), repeats=1)]


def _row(
    case: str,
    work: Callable[[], Result],
    bound: float | None,
    error: Callable[[Result], float] | None = None,
    repeats: int = REPEATS,
) -> dict[str, Any]:
    times = []
    for _ in range(1 + repeats):
        start = time.perf_counter()
        found = work()
        times.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {
        "case": case,
        "first_seconds": times[0],
        "seconds": statistics.median(times[1:]),
        "bound_seconds": bound,
        "error": None if error is None else error(found),
        "peak_gb": peak,
    }


def _step_left(estimates: list[Estimate], group: GroupPosterior, settings: PebSettings) -> float:
    """Newton's step from the group's posterior means, relative to posterior SDs."""
    prepared = prepare(estimates, group.design, settings).group
    here = evaluate(prepared, jnp.asarray(group.posterior.mean), jnp.asarray(group.noise.mean), spm=False)
    step = np.linalg.solve(np.asarray(here.curvature), np.asarray(here.gradient))
    sd = np.concatenate([group.posterior.sd, group.noise.sd])
    return float((np.abs(step) / sd).max())


def reversed_rows(design: Design) -> Design:
    """The same participants in the opposite order."""
    return Design(design.participants[::-1], design.covariates, design.matrix[::-1])


def _size(size: tuple[int, int, int]) -> str:
    return " × ".join(f"{count:,}" for count in size)


def cohort(participants: int, parameters: int, covariates: int) -> tuple[list[Estimate], Design]:
    """Participants with posteriors of differing certainty about effects of every covariate."""
    rng = np.random.default_rng(0)
    matrix = np.column_stack([np.ones(participants), rng.normal(size=(participants, covariates - 1))])
    effects = rng.normal(scale=0.2, size=(covariates, parameters))
    names = tuple(f"B[y<-x, {i}]" for i in range(parameters))
    prior = Gaussian(np.zeros(parameters), np.eye(parameters))
    estimates = []
    for i, row in enumerate(matrix):
        half = 0.2 * (np.eye(parameters) + 0.3 * rng.normal(size=(parameters, parameters)))
        posterior = Gaussian(
            row @ effects + 0.3 * rng.normal(size=parameters), half @ half.T + 1e-3 * np.eye(parameters)
        )
        estimates.append(Estimate(f"sub-{i + 1:02d}", names, ("B",) * parameters, prior, posterior, 0.0))
    labels = ("mean", *(f"c{i}" for i in range(1, covariates)))
    return estimates, Design(tuple(estimate.name for estimate in estimates), labels, matrix)


def _reductions(models: int, parameters: int) -> tuple[Gaussian, Gaussian, np.ndarray]:
    rng = np.random.default_rng(1)
    half = rng.normal(size=(parameters, 2 * parameters))
    precision = np.eye(parameters) + half @ half.T
    covariance = np.linalg.inv(precision)
    prior = Gaussian(np.zeros(parameters), np.eye(parameters))
    posterior = Gaussian(0.3 * rng.normal(size=parameters), (covariance + covariance.T) / 2)
    return prior, posterior, rng.random((models, parameters)) < 0.5
