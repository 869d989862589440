"""Which predictors stay when the people change: without each of them, in bootstrap samples, and beyond chance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from ._design import FeatureError, Outcome, Predictors
from ._imputation import ImputationMethod
from ._path import fit_path, scaled
from ._prepare import preparation
from ._results import Nested, Published, Stability, WithinArms
from ._tuning import Tuning
from ._within_arms import within_arms

FEWEST = 4  # different people of a bootstrap sample
TRIES = 100


def stability(
    predictors: Predictors,
    outcome: Outcome,
    model: Published,
    nested: Nested | None,
    *,
    samples: int,
    seed: int,
    tuning: Tuning | None = None,
    imputation: ImputationMethod = "iterative",
    progress: Callable[[int, int], None] | None = None,
) -> Stability:
    """How often each predictor is retained, and whether it goes with the outcome within arms (`within_arms`).

    Folds are those of the nested estimate, tuned anew. A bootstrap sample draws as many people, arm by arm, with
    replacement, prepares the predictors anew, and takes the published model's α and its λ over the outcome's standard
    deviation: tuning on people who are in a sample twice would retain too much.

    Arguments:
        predictors, outcome: those of `model`.
        model: whose penalty is taken.
        nested: whose folds are counted; none for no count (NaN).
        samples: bootstraps.
        seed: of them.
        tuning, imputation: those of `model`.

    Source: Meinshausen & Bühlmann 2010, J. R. Stat. Soc. B 72, 417–473, for counting what is retained.
    """
    tuning = tuning or Tuning()
    strata = _strata(predictors)
    drawn = np.zeros((samples, len(predictors.names)))
    for number in range(samples):
        rows = _draw(strata, np.random.default_rng([seed, number]), outcome.values)
        drawn[number] = _coefficients(predictors, outcome, model, rows, tuning, imputation)
        if progress is not None:
            progress(number + 1, samples)
    whole = np.asarray(preparation(predictors, imputation).fit_transform(predictors.values))
    return _summary(
        drawn,
        nested,
        samples,
        seed,
        within_arms(whole, outcome.values, strata, seed=seed, factors=_factors(predictors)),
    )


def _strata(predictors: Predictors) -> list[Int[np.ndarray, "row"]]:
    """Rows of each arm; all rows where there are no arms."""
    arms = [place for place, column in enumerate(predictors.columns) if column.role == "arm"]
    if not arms:
        return [np.arange(len(predictors.people))]
    arm = predictors.values[:, arms[0]]
    return [np.flatnonzero(arm == kind) for kind in np.unique(arm)]


def _factors(predictors: Predictors) -> dict[int, list[int]]:
    """Product → those of its factors that are terms too."""
    place = {term: i for i, term in enumerate(predictors.terms)}
    return {
        i: [place[name,] for name in term if (name,) in place]
        for i, term in enumerate(predictors.terms)
        if len(term) > 1
    }


def _draw(strata: list[np.ndarray], rng: np.random.Generator, y: np.ndarray) -> np.ndarray:
    for _ in range(TRIES):
        rows = np.concatenate([rng.choice(rows, rows.size) for rows in strata])
        if np.unique(rows).size >= FEWEST and y[rows].std() > 0:
            return rows
    raise FeatureError("bootstrap samples hold too few different people; there are too few to draw from")


def _coefficients(
    predictors: Predictors,
    outcome: Outcome,
    model: Published,
    rows: np.ndarray,
    tuning: Tuning,
    imputation: ImputationMethod,
) -> Float[np.ndarray, "predictor"]:
    sample = scaled(np.asarray(preparation(predictors, imputation).fit_transform(predictors.values[rows])))
    y, curve = outcome.values[rows], model.curve
    wanted = curve.penalties[curve.minimum] / outcome.values.std() * y.std()
    path = fit_path(sample, y, curve.alpha, tuning.penalties, tuning.tolerance, down_to=float(wanted))
    return path.coefficients[int(np.abs(np.log(path.penalties / wanted)).argmin())]


def _summary(drawn: np.ndarray, nested: Nested | None, samples: int, seed: int, within: WithinArms) -> Stability:
    unknown = np.full(drawn.shape[1], np.nan)
    kept = drawn != 0
    counts = kept.sum(axis=0)
    low, median, high = np.quantile(drawn, [0.05, 0.5, 0.95], axis=0) if samples else (unknown, unknown, unknown)
    return Stability(
        folds=unknown if nested is None else (nested.coefficients != 0).mean(axis=0),
        bootstraps=kept.mean(axis=0) if samples else unknown,
        positive=np.divide((drawn > 0).sum(axis=0), counts, out=unknown.copy(), where=counts > 0),
        low=low,
        median=median,
        high=high,
        samples=samples,
        seed=seed,
        within=within,
    )
