"""What a product with the arm means: the outcome against a measure, a line for each arm."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy import stats

from ._design import FeatureError, Outcome, Predictors
from ._imputation import ImputationMethod
from ._results import ArmSlopes
from ._whole_sample import fit_whole

FEWEST = 3  # people of an arm: two lie on every line
LEVEL = 0.95


def arm_slopes(
    predictors: Predictors,
    outcome: Outcome,
    measure: str,
    arms: tuple[str, str],
    imputation: ImputationMethod = "iterative",
) -> ArmSlopes:
    """The line of the outcome on a measure within each arm, by ordinary least squares.

        outcome = intercept + slope · measure;    interval slope ± t₀.₉₇₅(n − 2) · standard error

    It describes people whom the model was fitted to. The measure was chosen because it fits them, if the model chose
    it: then the intervals are too narrow.

    Arguments:
        predictors: with a column of role ``arm``.
        outcome: of the same people.
        measure: name of a column; less motion and imputed over all people, as in the published model.
        arms: names of both, the first coded +1.
        imputation: see `Imputation`.

    Raises `FeatureError` where there is no such column or arm, an arm has fewer than three people, or the measure
    doesn't vary within one.
    """
    outcome.check_people(len(predictors.people))
    whole = fit_whole(predictors, imputation)
    x, arm = whole.values[:, whole.place(measure)], whole.values[:, _arm_place(whole)]
    groups = [(name, arm == sign) for name, sign in zip(arms, (1, -1), strict=True)]
    lines = np.array([_line(x[rows], outcome.values[rows], measure, name) for name, rows in groups])
    slope, low, high, intercept = lines.T
    return ArmSlopes(
        measure=measure,
        arms=arms,
        slope=slope,
        low=low,
        high=high,
        intercept=intercept,
        people=np.array([int(rows.sum()) for _, rows in groups]),
        x=x,
        arm=arm,
    )


def _arm_place(predictors: Predictors) -> int:
    places = [k for k, column in enumerate(predictors.columns) if column.role == "arm"]
    if len(places) != 1:
        raise FeatureError(f"a line for each arm needs one column of arms; there are {len(places)}")
    return places[0]


def _line(
    x: Float[np.ndarray, "person"], y: Float[np.ndarray, "person"], measure: str, arm: str
) -> tuple[float, float, float, float]:
    """Slope, its interval, and intercept."""
    if x.size < FEWEST:
        raise FeatureError(f"{arm} has {x.size} people; a line with an interval needs at least {FEWEST}")
    if np.ptp(x) == 0:
        raise FeatureError(f"{measure} is the same for everybody in {arm}, where no line can be drawn")
    found = stats.linregress(x, y)
    half = stats.t.ppf((1 + LEVEL) / 2, x.size - 2) * found.stderr
    return float(found.slope), float(found.slope - half), float(found.slope + half), float(found.intercept)
