"""A prediction, complete: what went in, what was found in the sample and in participants left out, and how it was
made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from dcm.tables import data_frame, html_table
from features import ArmSlopes, NestedEstimate, Outcome, PermutationTest, Predictors, Stability, WholeSampleFit

from ..verdicts import is_p_value_settled, is_selection_stable, judge_prediction

MUCH_MISSING = 0.2  # share of a column from which imputation is reported
if TYPE_CHECKING:
    from pandas import DataFrame

    from ..page import Records

COMMON = 0.9  # |r| from which two predictors can stand for each other


@dataclass(frozen=True)
class ElasticNetSettings:
    """How a prediction was made.

    Fields:
        alphas: mixing values that were tried.
        penalties: number of penalties on each path.
        imputation: how what is missing was filled in, ``iterative`` or ``neighbours``.
        adjust_motion: whether measures were residualised on their motion.
        permutations: shuffles of the outcome; 0 for none.
        bootstraps: samples for the stability; 0 for none.
        imputations: tables in which chance filled in what is missing; 0 for none.
        seed: of everything drawn.
        folds: groups of participants that are left out in turn; none where it is one participant at a time.
        nested_alphas, nested_penalties: candidates where all is repeated without each group; as above where empty.
    """

    alphas: tuple[float, ...]
    penalties: int
    imputation: str
    adjust_motion: bool
    permutations: int
    bootstraps: int
    seed: int
    folds: int | None = None
    nested_alphas: tuple[float, ...] = ()
    nested_penalties: int = 0
    imputations: int = 0

    @property
    def tried_nested(self) -> tuple[float, ...]:
        """Mixing values of the nested estimate."""
        return self.nested_alphas or self.alphas


@dataclass(frozen=True, eq=False, repr=False)
class ElasticNetResult:
    """One model from measures to a score: found in the sample, and in participants left out of everything.

    Fields:
        model: name of the preset; ``formula`` where the user wrote one.
        formula: the model's terms, as it was asked for.
        outcome: what is predicted, (participant,).
        predictors: the table of participants as it was measured, and the terms.
        in_sample: the model that all participants chose, judged on the same participants.
        nested: predictions of participants left out of everything; none where there are none.
        permutation: how often shuffled outcomes are predicted as well as `nested_cross_validation` predicts; none where
            nothing was shuffled.
        stability: how often each predictor is retained; none where that was not asked.
        imputed: (predictor,) share of models that retain each where chance fills in what is missing; none without.
        slopes: outcome against a measure in each arm, for measures that a product with the arm is of.
        arms: names of both, the first coded +1; none where the table has no arms.
        group_word: what one of these is called, arm or group.
        arm: (participant,) +1 or −1; none where the table has no arms.
        settings: how it was made.
        source: what the table was read from, for participants.
        excluded: participants of the table who are not in the model, and why, a line each.
        notices: what else must not be overlooked, a line each.

    Raises `ValueError` where parts are not of the same participants or predictors.
    """

    model: str
    formula: str
    outcome: Outcome
    predictors: Predictors
    in_sample: WholeSampleFit
    nested: NestedEstimate | None
    permutation: PermutationTest | None
    stability: Stability | None
    slopes: tuple[ArmSlopes, ...]
    arms: tuple[str, str] | None
    arm: Float[np.ndarray, "participant"] | None
    settings: ElasticNetSettings
    imputed: Float[np.ndarray, "predictor"] | None = None
    source: str = ""
    excluded: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    group_word: str = "arm"

    def __post_init__(self) -> None:
        participants, terms = len(self.predictors.participants), len(self.predictors.terms)
        sizes = [self.outcome.values.size, self.in_sample.fitted.size, self.predictors.values.shape[0]]
        sizes += [] if self.nested is None else [self.nested.predictions.size]
        sizes += [] if self.arm is None else [self.arm.size]
        if set(sizes) != {participants}:
            raise ValueError(
                f"parts of a prediction are of {sorted(set(sizes))} participants, the table of {participants}"
            )
        if self.in_sample.coefficients.size != terms:
            raise ValueError(f"{self.in_sample.coefficients.size} coefficients for {terms} terms")
        if (self.arms is None) != (self.arm is None):
            raise ValueError("arms need both their names and each participant's")

    def summary(self) -> DataFrame:
        """Every predictor, those retained first, the largest first; columns as in ``predictors.tsv``.

        ``coefficient`` per standard deviation of the predictor (1/n), in units of the outcome; ``bootstraps`` and
        ``folds``, its selection frequencies; ``low``, ``median``, ``high``, the 5th, 50th and 95th percentile of the
        bootstraps; ``r_within_arms`` and ``p_within_arms``, its correlation with the outcome; ``stable``; and more.
        """
        from ._tables import predictors_records

        return _frame(predictors_records(self)).drop(columns="p_within")

    @property
    def performance(self) -> DataFrame:
        """r² in the sample; Q², correlation and mean absolute error in left-out participants; p of Q², its interval.

        Columns ``quantity``, ``value``, ``low`` and ``high`` (95 %), and ``meaning`` in words.
        """
        from ._tables import performance_records

        return _frame(performance_records(self)).drop(columns="words").rename(columns={"means": "meaning"})

    @property
    def predictions(self) -> DataFrame:
        """Each participant's outcome, as observed and as predicted, in its unit.

        ``fitted`` by the model of all participants, ``tuned`` left out of its fit alone, ``left_out`` of everything;
        ``of_others``, the mean outcome of the others.
        """
        from ._tables import predictions_records

        return _frame(predictions_records(self))

    def __repr__(self) -> str:
        size = f"{self.participants} participants, {len(self.retained)} of {len(self.names)} predictors retained"
        found = [f"r² = {self.in_sample.r_squared:.2f} in the sample"]
        found += [] if self.nested is None else [f"Q² = {self.nested.q_squared:.2f} left out"]
        found += [] if self.permutation is None else [f"p = {self.permutation.p_value:.3g}"]
        return f"ElasticNetResult({self.outcome.name!r}, {size}, {', '.join(found)})"

    def _repr_html_(self) -> str:
        return html_table(repr(self), self.summary())

    @property
    def names(self) -> tuple[str, ...]:
        """Of the predictors."""
        return self.predictors.names

    @property
    def labels(self) -> tuple[str, ...]:
        """The predictors as a reader is told of them: formulas call ``arm`` what may be a group."""
        arms = self._arm_columns
        return tuple(
            " × ".join(self.group_word if column in arms else column for column in term)
            for term in self.predictors.terms
        )

    @property
    def _arm_columns(self) -> set[str]:
        return {column.name for column in self.predictors.columns if column.role == "arm"}

    @property
    def participants(self) -> int:
        """How many there are."""
        return len(self.predictors.participants)

    @property
    def bootstrapped(self) -> Stability | None:
        """The stability where there are bootstraps; it may know of folds alone."""
        return self.stability if self.stability is not None and self.stability.samples > 0 else None

    @property
    def order(self) -> np.ndarray:
        """Places of the predictors, retained ones first by size, others by how often bootstraps retain them."""
        often = np.zeros(len(self.names)) if self.bootstrapped is None else self.bootstrapped.bootstraps
        return np.lexsort((-often, -np.abs(self.in_sample.coefficients)))

    @property
    def retained(self) -> tuple[int, ...]:
        """Places of the predictors with a coefficient other than zero, the largest first."""
        return tuple(int(place) for place in self.order if self.in_sample.retained[place])

    def stable(self, place: int) -> bool:
        """Whether at least half of the bootstraps, and of the folds where there are any, retain a predictor, and its
        correlation with the outcome within arms beats the largest of all predictors where outcomes are shuffled.

        Bootstraps keep the penalty that all participants chose, folds choose anew: each can be the harder test. Neither
        knows an arm's effect from a measure's; shuffling within arms does.
        """
        shaken = self.bootstrapped
        if shaken is None or shaken.within is None:
            return False
        return is_selection_stable(
            *(float(of[place]) for of in (shaken.bootstraps, shaken.folds, shaken.within.p_value))
        )

    @property
    def within_groups(self) -> str:
        """`` within arms`` where the table knows arms, within which outcomes are shuffled; nothing otherwise."""
        return f" within {self.group_word}s" if self._arm_columns else ""

    def unit(self, place: int) -> str:
        """Of a predictor: those of its columns, multiplied."""
        columns = (self.predictors.columns[self.predictors.place(name)] for name in self.predictors.terms[place])
        return " × ".join(column.unit for column in columns if column.unit)

    @property
    def missing(self) -> Float[np.ndarray, "column"]:
        """Share of participants without a value, of each column."""
        return np.isnan(self.predictors.values).mean(axis=0)

    @property
    def mean_of_others(self) -> Float[np.ndarray, "participant"]:
        """Mean outcome of the others, those left out together aside, which predicts with no predictor."""
        if self.nested is not None:
            return self.nested.baseline
        y = self.outcome.values
        return (y.sum() - y) / (y.size - 1)

    @property
    def tuned_r_squared(self) -> float:
        """1 − PRESS / SS of left-out participants at the penalty that all participants chose, SS about the mean of the
        others."""
        return _explained(self.outcome.values, self.in_sample.cross_validated, self.mean_of_others)

    @property
    def error_of_mean(self) -> float:
        """Mean absolute error where the mean of all others is everybody's guess."""
        return float(np.abs(self.outcome.values - self.mean_of_others).mean())

    @property
    def beats_chance(self) -> bool:
        """Whether left-out participants are predicted better than by the others' mean, and than by chance."""
        if self.nested is None or self.permutation is None:
            return False
        return judge_prediction(self.nested.q_squared, self.permutation.p_value) == "yes"

    @property
    def p_is_settled(self) -> bool:
        """Whether more shuffles would leave p on its side of 0.05."""
        return self.permutation is None or is_p_value_settled(self.permutation.low, self.permutation.high)

    @property
    def arm_terms(self) -> tuple[int, ...]:
        """Places of the products with the arm."""
        arms = self._arm_columns
        return tuple(i for i, term in enumerate(self.predictors.terms) if len(term) > 1 and arms & set(term))

    @property
    def without_measure(self) -> tuple[int, ...]:
        """Places of terms that hold no measure, such as the arm by itself.

        Where no column is a measure, covariates are what is asked about.
        """
        role = {column.name: column.role for column in self.predictors.columns}
        asked = "measure" if "measure" in role.values() else "covariate"
        return tuple(i for i, term in enumerate(self.predictors.terms) if all(role[name] != asked for name in term))

    def correlated_with(self, place: int) -> tuple[tuple[int, float], ...]:
        """Other predictors with a correlation of |r| ≥ 0.9 as measured, among participants who have both; (place,
        r)."""
        values, found = self._values(place), []
        for other in range(len(self.names)):
            r = _correlation(values, self._values(other)) if other != place else 0.0
            if abs(r) >= COMMON:
                found.append((other, r))
        return tuple(sorted(found, key=lambda pair: -abs(pair[1])))

    def _values(self, place: int) -> np.ndarray:
        """A term as measured: the product of its centred columns."""
        values = self.predictors.values[:, [self.predictors.place(name) for name in self.predictors.terms[place]]]
        return np.prod(values - np.nanmean(values, axis=0), axis=1)


def _frame(records: Records) -> DataFrame:
    """The rows of a table that is written to a file, as a data frame."""
    return data_frame({column.key: [row[column.key] for row in records.rows] for column in records.columns})


def _explained(y: np.ndarray, guess: np.ndarray, instead: np.ndarray) -> float:
    return float(1 - np.sum((y - guess) ** 2) / np.sum((y - instead) ** 2))


def _correlation(x: np.ndarray, other: np.ndarray) -> float:
    """Pearson r of complete pairs; 0 where there are too few, or one is constant."""
    both = np.isfinite(x) & np.isfinite(other)
    if both.sum() < 5 or np.ptp(x[both]) == 0 or np.ptp(other[both]) == 0:
        return 0.0
    return float(np.corrcoef(x[both], other[both])[0, 1])
