"""How often each predictor is retained: with each participant left out, in bootstraps, and over imputations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from ._elastic_net_path import Tuning, fit_path, standardise
from ._imputation import ImputationMethod
from ._leakage import multiple_imputations
from ._nested_cv import NestedEstimate
from ._predictors import FeatureError, Outcome, Predictors
from ._preparation import preparation_pipeline
from ._whole_sample_fit import WholeSampleFit, fit_whole_sample
from ._within_arms import WithinArmCorrelations, within_arm_correlations


@dataclass(frozen=True, eq=False)
class Stability:
    """How often each predictor is retained when the participants change.

    Fields:
        folds: (predictor,) share of the models that leave one participant out.
        bootstraps: (predictor,) share of the bootstrap samples.
        positive: (predictor,) share of the bootstraps that retain it in which its coefficient is above zero.
        low, median, high: (predictor,) 5th, 50th and 95th percentile of the bootstrapped coefficient, zeros included.
        samples: number of bootstraps.
        seed: of the bootstraps.
        within: which predictors correlate with the outcome within arms; None where that was not asked.
    """

    folds: Float[np.ndarray, "predictor"]
    bootstraps: Float[np.ndarray, "predictor"]
    positive: Float[np.ndarray, "predictor"]
    low: Float[np.ndarray, "predictor"]
    median: Float[np.ndarray, "predictor"]
    high: Float[np.ndarray, "predictor"]
    samples: int
    seed: int
    within: WithinArmCorrelations | None = None


FEWEST = 4  # different participants of a bootstrap sample
TRIES = 100


def selection_stability(
    predictors: Predictors,
    outcome: Outcome,
    model: WholeSampleFit,
    nested: NestedEstimate | None,
    *,
    samples: int,
    seed: int,
    tuning: Tuning | None = None,
    imputation: ImputationMethod = "iterative",
    progress: Callable[[int, int], None] | None = None,
) -> Stability:
    """How often each predictor is retained, and whether it is correlated with the outcome within arms
    (`within_arm_correlations`).

    Folds are those of the nested estimate, tuned anew. A bootstrap sample draws as many participants, arm by arm, with
    replacement, prepares the predictors anew, and takes the published model's α and its λ over the outcome's standard
    deviation: tuning on participants who are in a sample twice would retain too much.

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
    whole = np.asarray(preparation_pipeline(predictors, imputation).fit_transform(predictors.values))
    return _summary(
        drawn,
        nested,
        samples,
        seed,
        within_arm_correlations(whole, outcome.values, strata, seed=seed, factors=_factors(predictors)),
    )


def _strata(predictors: Predictors) -> list[Int[np.ndarray, "row"]]:
    """Rows of each arm; all rows where there are no arms."""
    arms = [place for place, column in enumerate(predictors.columns) if column.role == "arm"]
    if not arms:
        return [np.arange(len(predictors.participants))]
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
    raise FeatureError("bootstrap samples hold too few different participants; there are too few to draw from")


def _coefficients(
    predictors: Predictors,
    outcome: Outcome,
    model: WholeSampleFit,
    rows: np.ndarray,
    tuning: Tuning,
    imputation: ImputationMethod,
) -> Float[np.ndarray, "predictor"]:
    sample = standardise(
        np.asarray(preparation_pipeline(predictors, imputation).fit_transform(predictors.values[rows]))
    )
    y, curve = outcome.values[rows], model.curve
    wanted = curve.penalties[curve.minimum] / outcome.values.std() * y.std()
    path = fit_path(sample, y, curve.alpha, tuning.penalties, tuning.tolerance, down_to=float(wanted))
    return path.coefficients[int(np.abs(np.log(path.penalties / wanted)).argmin())]


def _summary(
    drawn: np.ndarray, nested: NestedEstimate | None, samples: int, seed: int, within: WithinArmCorrelations
) -> Stability:
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


def imputed_retention(
    predictors: Predictors,
    outcome: Outcome,
    groups: Int[np.ndarray, "participant"],
    *,
    count: int,
    seed: int,
    tuning: Tuning | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Float[np.ndarray, "predictor"]:
    """Share of `count` published models that retain each predictor, each tuned on a table of its own.

    What is missing is drawn from its posterior, so that models differ as far as what is missing matters.

    Arguments:
        predictors, outcome, groups, tuning: see `fit_whole_sample`.
        count: imputations.
        seed: of them.
        progress: called with how many are done.

    Raises `FeatureError` where nothing is missing; see `multiple_imputations`.

    Source: van Buuren & Groothuis-Oudshoorn 2011, J. Stat. Softw. 45(3); Wood, White & Royston 2008, Stat. Med. 27,
    3227–3246, for counting how often a variable is selected.
    """
    kept = np.zeros(len(predictors.names))
    for done, table in enumerate(multiple_imputations(predictors, count, seed)):
        kept += fit_whole_sample(table, outcome, groups, tuning).retained
        if progress is not None:
            progress(done + 1, count)
    return kept / count
