"""Nested cross-validation: each participant is predicted by a model prepared, tuned and fitted without them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ._elastic_net_path import PenaltyPath, Tuning, fit_path
from ._folds import PreparedFolds, Sample
from ._predictors import FeatureError, check_scores, check_varies


@dataclass(frozen=True, eq=False)
class NestedEstimate:
    """The same procedure, all of it repeated without the participant whose outcome is predicted.

    Fields:
        predictions: (participant,) of each from all others.
        baseline: (participant,) mean outcome of all others: what predicts with no predictor.
        q_squared: 1 − PRESS / SS with SS about `mean_of_others`; below zero the model is worse than the mean of the
            others.
        correlation: Pearson r of predictions and outcomes, which leaving out pulls down: −1 where no model retains
            anything, since the mean of the others is low for who is high; NaN where predictions are constant.
        mean_absolute_error: in units of the outcome.
        alphas: (participant,) mixing chosen without each.
        penalties: (participant,) penalty chosen without each, λ over the standard deviation of the others' outcomes;
            infinite where that is zero.
        coefficients: (participant, predictor) of the model without each, per standard deviation.
    """

    predictions: Float[np.ndarray, "participant"]
    baseline: Float[np.ndarray, "participant"]
    q_squared: float
    correlation: float
    mean_absolute_error: float
    alphas: Float[np.ndarray, "participant"]
    penalties: Float[np.ndarray, "participant"]
    coefficients: Float[np.ndarray, "participant predictor"]


ROUNDING = 1e-12  # of the outcome's size, up to which predictions are all the same


@dataclass(frozen=True, eq=False)
class _Chosen:
    """The model without one group: which α and penalty, and what it says of the group."""

    alpha: float
    relative: float  # λ / s
    coefficients: Float[np.ndarray, "predictor"]
    predictions: Float[np.ndarray, "member"]


def mean_of_others(folds: PreparedFolds, y: Float[np.ndarray, "participant"]) -> Float[np.ndarray, "participant"]:
    """The mean outcome of everybody outside a participant's group: what predicts with no predictor."""
    return np.array([y[folds.groups != group].mean() for group in folds.groups])


def nested_cross_validation(
    folds: PreparedFolds,
    y: Float[np.ndarray, "participant"],
    tuning: Tuning,
    progress: Callable[[int, int], None] | None = None,
) -> NestedEstimate:
    """Predictions of each participant by a model that was prepared, tuned and fitted without that participant.

        Q² = 1 − PRESS / SS,   PRESS = Σᵢ (yᵢ − ŷ₋ᵢ)²,   SS = Σᵢ (yᵢ − ȳ₋ᵢ)²

    Without participant i, the others are left out in turn to choose α and λ as `fit_whole_sample` does; every two
    participants left out share one path, which serves both.

    Arguments:
        folds: predictors without every one and every two groups.
        y: outcome of the same participants.
        tuning: candidates; see `coarse_tuning`.
        progress: called with how many of all groups are done.

    Raises `FeatureError` where the outcome is one of other participants, not finite, or the same for everybody.

    Source: Stone 1974, J. R. Stat. Soc. B 36, 111–147; Varma & Simon 2006, BMC Bioinformatics 7, 91, for the nesting.
    """
    _check(folds, y)
    chosen: dict[int, _Chosen] = {}
    for group, model in _choices(folds, y, tuning):
        chosen[group] = model
        if progress is not None:
            progress(len(chosen), len(folds.outer))
    predictions, expected = np.empty(y.size), mean_of_others(folds, y)
    for group, model in chosen.items():
        predictions[folds.groups == group] = model.predictions
    per_person = [chosen[int(group)] for group in folds.groups]
    error = y - predictions
    return NestedEstimate(
        predictions=predictions,
        baseline=expected,
        q_squared=1 - float((error**2).sum() / ((y - expected) ** 2).sum()),
        correlation=_correlation(predictions, y),
        mean_absolute_error=float(np.abs(error).mean()),
        alphas=np.array([model.alpha for model in per_person]),
        penalties=np.array([model.relative for model in per_person]),
        coefficients=np.stack([model.coefficients for model in per_person]),
    )


def press_ratio(folds: PreparedFolds, y: Float[np.ndarray, "participant"], tuning: Tuning, limit: float) -> float:
    """PRESS / SS of `nested_cross_validation`, or infinity as soon as it is sure to be above `limit`.

    The sum only grows, and those farthest from the others' mean come first: most shuffles that cannot reach what was
    found are recognised after a few participants.
    """
    total, expected = 0.0, mean_of_others(folds, y)
    scale = float(((y - expected) ** 2).sum())
    for group, model in _choices(folds, y, tuning):
        total += float(((y[folds.groups == group] - model.predictions) ** 2).sum())
        if total > limit * scale:
            return np.inf
    return total / scale


def _check(folds: PreparedFolds, y: np.ndarray) -> None:
    if y.shape != folds.groups.shape:
        raise FeatureError(f"the outcome has {y.shape} values for {folds.groups.size} participants")
    check_scores("the outcome", y)
    check_varies("the outcome", y)


def _choices(folds: PreparedFolds, y: np.ndarray, tuning: Tuning) -> Iterator[tuple[int, _Chosen]]:
    """Group by group, those farthest from the mean of the others first."""
    read: dict[tuple[int, int], dict[int, list[_Read]]] = {}  # two groups → for each of them → α by α
    for group in _farthest_first(folds, y):
        sample = folds.outer[group]
        paths = [
            fit_path(sample.standardised, y[sample.rows], a, tuning.penalties, tuning.tolerance) for a in tuning.alphas
        ]
        errors = [np.zeros(path.penalties.size) for path in paths]
        for other in range(len(folds.outer)):
            if other == group:
                continue
            pair = (min(group, other), max(group, other))
            if pair not in read:
                read[pair] = _read(folds, pair, y, tuning)
            observed = y[folds.groups == other]
            for place, (path, own) in enumerate(zip(paths, read[pair][other], strict=True)):
                errors[place] += own.squares_at(path.penalties, observed)
        yield group, _choose(sample, paths, errors, tuning, y, folds.groups == group)


@dataclass(frozen=True, eq=False)
class _Read:
    """What a path without two groups says of one of them."""

    penalties: Float[np.ndarray, "penalty"]  # rising
    predictions: Float[np.ndarray, "member penalty"]

    def squares_at(self, penalties: np.ndarray, observed: np.ndarray) -> Float[np.ndarray, "penalty"]:
        """Squared errors, summed over the group's members, at the penalties of another path."""
        total = np.zeros(penalties.size)
        for guess, value in zip(self.predictions, observed, strict=True):
            total += (value - np.interp(penalties, self.penalties, guess)) ** 2
        return total


def _read(folds: PreparedFolds, pair: tuple[int, int], y: np.ndarray, tuning: Tuning) -> dict[int, list[_Read]]:
    sample = folds.inner[pair]
    members = {group: sample.on_same_scale(folds.groups == group) for group in pair}
    read: dict[int, list[_Read]] = {group: [] for group in pair}
    for alpha in tuning.alphas:
        path = fit_path(sample.standardised, y[sample.rows], alpha, tuning.penalties, tuning.tolerance)
        for group, values in members.items():
            read[group].append(_Read(path.penalties[::-1], path.predict(values)[:, ::-1]))
    return read


def _choose(
    sample: Sample, paths: list[PenaltyPath], errors: list[np.ndarray], tuning: Tuning, y: np.ndarray, out: np.ndarray
) -> _Chosen:
    place = int(np.argmin([curve.min() for curve in errors]))
    penalty = int(errors[place].argmin())
    path = paths[place]
    coefficients = path.coefficients[penalty]
    predictions = path.intercept + sample.on_same_scale(out) @ coefficients
    spread = float(y[sample.rows].std())
    relative = float(path.penalties[penalty]) / spread if spread > 0 else math.inf
    return _Chosen(tuning.alphas[place], relative, coefficients, predictions)


def _farthest_first(folds: PreparedFolds, y: np.ndarray) -> list[int]:
    distance = (y - mean_of_others(folds, y)) ** 2
    sums = [float(distance[folds.groups == group].sum()) for group in range(len(folds.outer))]
    return [int(group) for group in np.argsort(-np.array(sums), kind="stable")]


def _correlation(predictions: np.ndarray, y: np.ndarray) -> float:
    if predictions.std() <= ROUNDING * np.abs(y).max():
        return math.nan
    return float(np.corrcoef(predictions, y)[0, 1])
