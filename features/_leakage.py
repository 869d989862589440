"""What was estimated over all participants, left-out ones included: made on purpose, refused, and found out."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
from jaxtyping import Float

from ._imputation import ImputationMethod
from ._motion import MotionResiduals
from ._predictors import FeatureError, Outcome, Predictors
from ._preparation import cleaning_steps

STANDARD = 1e-6  # how near 0 and 1 the mean and standard deviation of a standardised column are
SAME = 0.9999  # correlation of an outcome with itself, to printed digits


def prepare_whole_sample(predictors: Predictors, imputation: ImputationMethod = "iterative") -> Predictors:
    """The table as the field publishes it: measures less motion, nothing missing, both estimated over all participants.

    Columns of motion are gone, and `whole_sample` says what was done. A table with nothing to do comes back as it is.

    Raises `FeatureError` as `preparation_pipeline` does.

    Source: Norbury et al. 2021.
    """
    return _whole(predictors, imputation, posterior=False, seed=0)


def multiple_imputations(predictors: Predictors, count: int, seed: int) -> tuple[Predictors, ...]:
    """The same, `count` times, with what is missing drawn from its posterior: how much do results hang on imputation?

    Each is drawn by chained Bayesian regressions with a seed of its own, which follows from `seed`.

    Raises `FeatureError` as `preparation_pipeline` does, where nothing is missing, and for a count below one.

    Source: van Buuren & Groothuis-Oudshoorn 2011.
    """
    if count < 1:
        raise FeatureError(f"there is at least 1 imputation, not {count}")
    states = np.random.SeedSequence(seed).generate_state(count)
    drawn = tuple(_whole(predictors, "iterative", posterior=True, seed=int(state)) for state in states)
    if "imputation" not in drawn[0].whole_sample[len(predictors.whole_sample) :]:
        raise FeatureError("nothing is missing, and all imputations would be the same: use the table as it is")
    return drawn


def refuse_whole_sample(predictors: Predictors) -> None:
    """Raises `FeatureError` where left-out participants have shaped the predictors already."""
    if predictors.whole_sample:
        raise FeatureError(
            f"{' and '.join(predictors.whole_sample)} were estimated over all participants: those left out have shaped "
            "what predicts them, and a nested estimate would be too good; give raw measures with their motion, which "
            "each fold prepares for itself"
        )


def standardised_columns(predictors: Predictors) -> tuple[str, ...]:
    """Names of the columns that look z-scored over these participants: mean 0 and standard deviation 1 (1/n or 1/(n −
    1)).

    Columns of nothing but ±1, such as the arm, are none.
    """
    found = []
    for column, values in zip(predictors.columns, predictors.values.T, strict=True):
        x = values[~np.isnan(values)]
        if x.size < 2 or column.role == "arm" or np.isin(x, (-1.0, 1.0)).all() or abs(x.mean()) > STANDARD:
            continue
        if min(abs(x.std(ddof=ddof) - 1) for ddof in (0, 1)) <= STANDARD:
            found.append(column.name)
    return tuple(found)


def columns_equal_to_outcome(predictors: Predictors, outcome: Outcome) -> tuple[str, ...]:
    """Names of the columns that are the outcome under another name: alone, or two that make it up.

    A column with |r| > 0.9999 to the outcome, or two of which neither is, with a multiple correlation as high, such as
    the score before and the score after where the outcome is its fall. Participants who have the values count, at least
    five of them, or six for two columns: fewer lie on a line, or a plane, by chance.
    """
    outcome.check_count(len(predictors.participants))
    y = outcome.values
    alone = [k for k, x in enumerate(predictors.values.T) if _explained(x[:, None], y) > SAME**2]
    others = [k for k in range(len(predictors.columns)) if k not in alone]
    together = {
        k for pair in combinations(others, 2) if _explained(predictors.values[:, pair], y) > SAME**2 for k in pair
    }
    return tuple(column.name for k, column in enumerate(predictors.columns) if k in alone or k in together)


def _explained(X: Float[np.ndarray, "participant column"], y: Float[np.ndarray, "participant"]) -> float:
    """Share of an outcome's variance that is a linear function of columns, over participants who have them; 0 for too
    few."""
    rows = ~np.isnan(X).any(axis=1)
    X, y = X[rows], y[rows]
    if len(y) < 4 + X.shape[1] or np.ptp(y) == 0:
        return 0.0
    dy = y - y.mean()
    dX = X - X.mean(axis=0)
    left = dy - dX @ np.linalg.lstsq(dX, dy, rcond=None)[0]
    return float(1 - (left @ left) / (dy @ dy))


def _whole(predictors: Predictors, imputation: ImputationMethod, *, posterior: bool, seed: int) -> Predictors:
    steps, columns = cleaning_steps(predictors, imputation, posterior=posterior, seed=seed)
    values, done = predictors.values, []
    for name, step in steps:
        values = step.fit_transform(values)
        if not isinstance(step, MotionResiduals):
            done.append(name)
        elif step.adjusted_.size:
            done.append("motion residuals")
    plain = tuple(replace(column, motion="") for column in columns)
    return replace(predictors, columns=plain, values=values, whole_sample=(*predictors.whole_sample, *done))
