"""What a predictive model found: in the sample it was fitted to, in people left out of everything, and by chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int


@dataclass(frozen=True, eq=False)
class LooCurve:
    """Elastic net at one mixing α: the path over penalties, and the error of people left out one at a time.

    Fields:
        alpha: mixing, 0 (ridge) … 1 (lasso).
        penalties: (penalty,) glmnet's λ, in units of the outcome, falling.
        mse: (penalty,) mean squared error of those left out, squared units of the outcome.
        se: (penalty,) its standard error over people, as glmnet gives it.
        coefficients: (penalty, predictor) units of the outcome per standard deviation of a predictor.
        intercepts: (penalty,) prediction at the predictors' means.
        minimum: place of the least error.
        one_se: place of the largest penalty whose error is within one standard error of the least.
    """

    alpha: float
    penalties: Float[np.ndarray, "penalty"]
    mse: Float[np.ndarray, "penalty"]
    se: Float[np.ndarray, "penalty"]
    coefficients: Float[np.ndarray, "penalty predictor"]
    intercepts: Float[np.ndarray, "penalty"]
    minimum: int
    one_se: int


@dataclass(frozen=True, eq=False)
class Published:
    """The model as the field publishes it: everything tuned and fitted on all people, judged on the same people.

    Fields:
        names: of the predictors.
        centre, scale: (predictor,) mean and standard deviation (1/n) over people.
        curves: one for each α.
        best: place of the curve with the least error.
        coefficients: (predictor,) at the least error; units of the outcome per standard deviation.
        intercept: prediction at the predictors' means.
        fitted: (person,) predictions of the people it was fitted to.
        tuned: (person,) predictions of left-out people at the penalty that all people chose: not independent of them.
        r_squared: 1 − SS(outcome − fitted) / SS(outcome), about the mean: in-sample.
        unfinished: how many models of `curves` the solver left short of its tolerance.
    """

    names: tuple[str, ...]
    centre: Float[np.ndarray, "predictor"]
    scale: Float[np.ndarray, "predictor"]
    curves: tuple[LooCurve, ...]
    best: int
    coefficients: Float[np.ndarray, "predictor"]
    intercept: float
    fitted: Float[np.ndarray, "person"]
    tuned: Float[np.ndarray, "person"]
    r_squared: float
    unfinished: int = 0

    @property
    def curve(self) -> LooCurve:
        """The one with the least error."""
        return self.curves[self.best]

    @property
    def retained(self) -> Bool[np.ndarray, "predictor"]:
        """Which predictors have a coefficient other than zero."""
        return self.coefficients != 0


@dataclass(frozen=True, eq=False)
class Nested:
    """The same procedure, all of it repeated without the person whose outcome is predicted.

    Fields:
        predictions: (person,) of each from all others.
        baseline: (person,) mean outcome of all others: what predicts with no predictor.
        q_squared: 1 − PRESS / SS with SS about `baseline`; below zero the model is worse than the mean of the others.
        correlation: Pearson r of predictions and outcomes, which leaving out pulls down: −1 where no model retains
            anything, since the mean of the others is low for who is high; NaN where predictions are constant.
        mean_absolute_error: in units of the outcome.
        alphas: (person,) mixing chosen without each.
        penalties: (person,) penalty chosen without each, λ over the standard deviation of the others' outcomes;
            infinite where that is zero.
        coefficients: (person, predictor) of the model without each, per standard deviation.
    """

    predictions: Float[np.ndarray, "person"]
    baseline: Float[np.ndarray, "person"]
    q_squared: float
    correlation: float
    mean_absolute_error: float
    alphas: Float[np.ndarray, "person"]
    penalties: Float[np.ndarray, "person"]
    coefficients: Float[np.ndarray, "person predictor"]


@dataclass(frozen=True)
class Chance:
    """How often shuffled outcomes are predicted as well.

    Fields:
        reached: shuffles whose Q² was at least the one found.
        shuffles: how many there were; fewer than asked for where `reached` was enough to settle p.
        p_value: probability, where outcome and predictors have nothing to do with each other, of a Q² as high.
        low, high: 95 % interval of what infinitely many shuffles would give (Clopper and Pearson).
        seed: of the shuffles.
    """

    reached: int
    shuffles: int
    p_value: float
    low: float
    high: float
    seed: int


@dataclass(frozen=True, eq=False)
class WithinArms:
    """Which predictors go with the outcome within arms.

    Fields:
        correlation: (predictor,) with the mean of each arm taken out of both; NaN where one does not vary within arms.
        p_value: (predictor,) how often the largest of all predictors is as large where outcomes are shuffled within
            arms; NaN likewise.
        shuffles: how many there were.
        seed: of them.
    """

    correlation: Float[np.ndarray, "predictor"]
    p_value: Float[np.ndarray, "predictor"]
    shuffles: int
    seed: int


@dataclass(frozen=True, eq=False)
class Stability:
    """How often each predictor is retained when the people change.

    Fields:
        folds: (predictor,) share of the models that leave one person out.
        bootstraps: (predictor,) share of the bootstrap samples.
        positive: (predictor,) share of the bootstraps that retain it in which its coefficient is above zero.
        low, median, high: (predictor,) 5th, 50th and 95th percentile of the bootstrapped coefficient, zeros included.
        samples: number of bootstraps.
        seed: of the bootstraps.
        within: which predictors go with the outcome within arms; None where that was not asked.
    """

    folds: Float[np.ndarray, "predictor"]
    bootstraps: Float[np.ndarray, "predictor"]
    positive: Float[np.ndarray, "predictor"]
    low: Float[np.ndarray, "predictor"]
    median: Float[np.ndarray, "predictor"]
    high: Float[np.ndarray, "predictor"]
    samples: int
    seed: int
    within: WithinArms | None = None


@dataclass(frozen=True, eq=False)
class ArmSlopes:
    """Outcome against one measure, a line for each arm: what a product with the arm means.

    Fields:
        measure: name of the column.
        arms: both, the first coded +1.
        slope, low, high: (2,) ordinary least squares within each arm, units of the outcome per unit of the measure,
            with a 95 % interval (t).
        intercept: (2,) outcome where the measure is zero.
        people: (2,) number of people.
        x: (person,) the measure, residualised and imputed as the published model has it.
        arm: (person,) +1 or −1.
    """

    measure: str
    arms: tuple[str, str]
    slope: Float[np.ndarray, "2"]
    low: Float[np.ndarray, "2"]
    high: Float[np.ndarray, "2"]
    intercept: Float[np.ndarray, "2"]
    people: Int[np.ndarray, "2"]
    x: Float[np.ndarray, "person"]
    arm: Float[np.ndarray, "person"]
