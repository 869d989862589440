"""How long group analyses of a size take, first with compilation, then without."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from peb import (
    Design,
    Estimate,
    Gaussian,
    PebSettings,
    compare,
    every_combination,
    fit,
    leave_one_out,
    permutation_test,
    reduce,
    switched,
)

REPEATS = 3


def timings() -> list[dict[str, Any]]:
    """A row for each case that the project sets itself a bound for, and one that it does not."""
    estimates, design = cohort(60, 8, 5)
    small, trial = cohort(21, 2, 4)
    every = PebSettings(components="all")
    exact = PebSettings(components="all", compat="exact")
    group = fit(estimates, design, every)
    on = every_combination(8)[np.linspace(0, 255, 28).astype(int)]
    names = [f"model {i}" for i in range(28)]
    full, posterior, patterns = _reductions(10_000, 32)
    cases: list[tuple[str, Callable[[], object], float | None]] = [
        ("PEB, 60 participants × 8 parameters × 5 covariates, spm12", lambda: fit(estimates, design, every), 1.0),
        ("the same, exact", lambda: fit(estimates, design, exact), 1.0),
        ("28 × 28 models, 40 effects, with average", lambda: compare(group, on, names), 1.0),
        ("leave-one-out, 60 × 8 × 5, spm12", lambda: leave_one_out(estimates, design, every, covariate="c1"), 10.0),
        ("the same, exact", lambda: leave_one_out(estimates, design, exact, covariate="c1"), 10.0),
        ("10,000 reductions of 32 parameters", lambda: reduce(full, posterior, *switched(full, patterns)), 2.0),
        ("999 permutations, 21 × 2 × 4, exact", lambda: permutation_test(small, trial, exact, covariate="c1"), None),
    ]
    return [_row(*case) for case in cases]


def _row(case: str, work: Callable[[], object], bound: float | None) -> dict[str, Any]:
    times = []
    for _ in range(1 + REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return {"case": case, "first_seconds": times[0], "seconds": statistics.median(times[1:]), "bound_seconds": bound}


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
    return estimates, Design(tuple(one.name for one in estimates), labels, matrix)


def _reductions(models: int, parameters: int) -> tuple[Gaussian, Gaussian, np.ndarray]:
    rng = np.random.default_rng(1)
    half = rng.normal(size=(parameters, 2 * parameters))
    precision = np.eye(parameters) + half @ half.T
    covariance = np.linalg.inv(precision)
    prior = Gaussian(np.zeros(parameters), np.eye(parameters))
    posterior = Gaussian(0.3 * rng.normal(size=parameters), (covariance + covariance.T) / 2)
    return prior, posterior, rng.random((models, parameters)) < 0.5
