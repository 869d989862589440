"""A prediction, complete: what went in, what was found in the sample and in people left out, and how it was made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from features import ArmSlopes, Chance, Nested, Outcome, Predictors, Published, Stability

from ..verdicts import is_stable

COMMON = 0.9  # |r| from which two predictors can stand for each other


@dataclass(frozen=True)
class Settings:
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
        folds: groups of people that are left out in turn; none where it is one person at a time.
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


@dataclass(frozen=True, eq=False)
class Prediction:
    """One model from measures to a score: found in the sample, and in people left out of everything.

    Fields:
        model: name of the preset; ``formula`` where the user wrote one.
        formula: the model's terms, as it was asked for.
        outcome: what is predicted, (person,).
        predictors: the table of people as it was measured, and the terms.
        published: the model that all people chose, judged on the same people.
        nested: predictions of people left out of everything; none where there are none.
        chance: how often shuffled outcomes are predicted as well as `nested` predicts; none where nothing was shuffled.
        stability: how often each predictor is retained; none where that was not asked.
        imputed: (predictor,) share of models that retain each where chance fills in what is missing; none without.
        slopes: outcome against a measure in each arm, for measures that a product with the arm is of.
        arms: names of both, the first coded +1; none where the table has no arms.
        arm: (person,) +1 or −1; none where the table has no arms.
        settings: how it was made.
        source: what the table was read from, for people.
        left_out: people of the table who are not in the model, and why, a line each.
        notices: what else must not be overlooked, a line each.

    Raises `ValueError` where parts are not of the same people or predictors.
    """

    model: str
    formula: str
    outcome: Outcome
    predictors: Predictors
    published: Published
    nested: Nested | None
    chance: Chance | None
    stability: Stability | None
    slopes: tuple[ArmSlopes, ...]
    arms: tuple[str, str] | None
    arm: Float[np.ndarray, "person"] | None
    settings: Settings
    imputed: Float[np.ndarray, "predictor"] | None = None
    source: str = ""
    left_out: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        people, terms = len(self.predictors.people), len(self.predictors.terms)
        sizes = [self.outcome.values.size, self.published.fitted.size, self.predictors.values.shape[0]]
        sizes += [] if self.nested is None else [self.nested.predictions.size]
        sizes += [] if self.arm is None else [self.arm.size]
        if set(sizes) != {people}:
            raise ValueError(f"parts of a prediction are of {sorted(set(sizes))} people, the table of {people}")
        if self.published.coefficients.size != terms:
            raise ValueError(f"{self.published.coefficients.size} coefficients for {terms} terms")
        if (self.arms is None) != (self.arm is None):
            raise ValueError("arms need both their names and each person's")

    @property
    def names(self) -> tuple[str, ...]:
        """Of the predictors."""
        return self.predictors.names

    @property
    def people(self) -> int:
        """How many there are."""
        return len(self.predictors.people)

    @property
    def shaken(self) -> Stability | None:
        """The stability where there are bootstraps; it may know of folds alone."""
        return self.stability if self.stability is not None and self.stability.samples > 0 else None

    @property
    def order(self) -> np.ndarray:
        """Places of the predictors: retained ones first, the largest first; others by how often bootstraps retain."""
        often = np.zeros(len(self.names)) if self.shaken is None else self.shaken.bootstraps
        return np.lexsort((-often, -np.abs(self.published.coefficients)))

    @property
    def retained(self) -> tuple[int, ...]:
        """Places of the predictors with a coefficient other than zero, the largest first."""
        return tuple(int(place) for place in self.order if self.published.retained[place])

    def stable(self, place: int) -> bool:
        """Whether at least half of the bootstraps, and of the folds where there are any, retain a predictor, and its
        correlation with the outcome within arms beats the largest of all predictors where outcomes are shuffled.

        Bootstraps keep the penalty that all people chose, folds choose anew: each can be the harder test. Neither knows
        an arm's effect from a measure's; shuffling within arms does.
        """
        shaken = self.shaken
        if shaken is None or shaken.within is None:
            return False
        return is_stable(*(float(of[place]) for of in (shaken.bootstraps, shaken.folds, shaken.within.p_value)))

    @property
    def has_arms(self) -> bool:
        """Whether the table knows arms, within which outcomes are shuffled."""
        return any(column.role == "arm" for column in self.predictors.columns)

    def unit(self, place: int) -> str:
        """Of a predictor: those of its columns, multiplied."""
        columns = (self.predictors.columns[self.predictors.place(name)] for name in self.predictors.terms[place])
        return " × ".join(column.unit for column in columns if column.unit)

    @property
    def missing(self) -> Float[np.ndarray, "column"]:
        """Share of people without a value, of each column."""
        return np.isnan(self.predictors.values).mean(axis=0)

    @property
    def of_others(self) -> Float[np.ndarray, "person"]:
        """Mean outcome of the others, those left out together aside: what predicts with no predictor."""
        if self.nested is not None:
            return self.nested.baseline
        y = self.outcome.values
        return (y.sum() - y) / (y.size - 1)

    @property
    def tuned_r_squared(self) -> float:
        """1 − PRESS / SS of left-out people at the penalty that all people chose, SS about the mean of the others."""
        return _explained(self.outcome.values, self.published.tuned, self.of_others)

    @property
    def arm_terms(self) -> tuple[int, ...]:
        """Places of the products with the arm."""
        arms = {column.name for column in self.predictors.columns if column.role == "arm"}
        return tuple(i for i, term in enumerate(self.predictors.terms) if len(term) > 1 and arms & set(term))

    @property
    def beside(self) -> tuple[int, ...]:
        """Places of terms that hold no measure, such as the arm by itself.

        Where no column is a measure, covariates are what is asked about.
        """
        role = {column.name: column.role for column in self.predictors.columns}
        asked = "measure" if "measure" in role.values() else "covariate"
        return tuple(i for i, term in enumerate(self.predictors.terms) if all(role[name] != asked for name in term))

    def alike(self, place: int) -> tuple[tuple[int, float], ...]:
        """Other predictors that go with one at |r| ≥ 0.9 as measured, among people who have both; (place, r)."""
        one, found = self._values(place), []
        for other in range(len(self.names)):
            r = _correlation(one, self._values(other)) if other != place else 0.0
            if abs(r) >= COMMON:
                found.append((other, r))
        return tuple(sorted(found, key=lambda pair: -abs(pair[1])))

    def _values(self, place: int) -> np.ndarray:
        """A term as measured: the product of its centred columns."""
        values = self.predictors.values[:, [self.predictors.place(name) for name in self.predictors.terms[place]]]
        return np.prod(values - np.nanmean(values, axis=0), axis=1)


def _explained(y: np.ndarray, guess: np.ndarray, instead: np.ndarray) -> float:
    return float(1 - np.sum((y - guess) ** 2) / np.sum((y - instead) ** 2))


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson r of complete pairs; 0 where there are too few, or one is constant."""
    both = np.isfinite(one) & np.isfinite(other)
    if both.sum() < 5 or np.ptp(one[both]) == 0 or np.ptp(other[both]) == 0:
        return 0.0
    return float(np.corrcoef(one[both], other[both])[0, 1])
