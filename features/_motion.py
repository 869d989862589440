"""Measures adjusted for head motion."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted

from ._predictors import FeatureError, PredictorColumn, place_of
from ._table_transformer import TableTransformer, Values, column_means

ROUNDING = 1e-10  # relative size below which a spread is that of rounding


class MotionResiduals(TableTransformer):
    """Regresses head motion out of each measure: what is left is the measure at the mean motion of the fold.

        x ← x − b (m − m̄),    b = Σ (m − m̄)(x − x̄) / Σ (m − m̄)²  over participants with both x and m

    These are residuals of ordinary least squares with an intercept, and the mean x̄ is kept: so a measure stays in its
    unit and about its level. New participants are adjusted by the b and m̄ of the participants it was fitted to.

    A missing x stays missing. Where only m is missing it counts as m̄, and x stays as it is. Motion that doesn't vary
    adjusts nothing. A measure that is a line of its motion, to rounding, comes out constant for everybody: there is
    nothing of its own in it (nor can there be in two participants).

    Arguments:
        columns: of the table, in order; a measure names its motion column.
        keep: names of the columns that come out, in order; None for all but those of motion.

    Fitted:
        slope_: (column out,) b, units of the measure per mm; 0 without adjustment.
        motion_mean_: (column out,) m̄, mm.
        explained_: (column out,) whether motion explains all of it.
        level_: (column out,) x̄ over participants with both.

    Raises `FeatureError` for a table of another width or order, a motion column that isn't there, and motion of what is
    no measure.

    Source: Norbury et al. 2021, who use residuals of measures on mean framewise displacement.
    """

    def __init__(self, columns: tuple[PredictorColumn, ...], keep: tuple[str, ...] | None = None) -> None:
        self.columns = columns
        self.keep = keep

    def fit(self, X: Values, y: object = None) -> MotionResiduals:
        """Slopes over these participants."""
        values = self._values(X, reset=True)
        self.places_ = self._places_kept()
        self.adjusted_, self.motion_places_ = self._pairs()
        measures, motion = values[:, self.places_[self.adjusted_]], values[:, self.motion_places_]
        count = len(self.places_)
        self.slope_, self.motion_mean_, self.level_ = np.zeros(count), np.zeros(count), np.zeros(count)
        self.explained_ = np.zeros(count, dtype=bool)
        slope, motion_mean, level, explained = _regressed(measures, motion)
        self.slope_[self.adjusted_], self.motion_mean_[self.adjusted_] = slope, motion_mean
        self.level_[self.adjusted_], self.explained_[self.adjusted_] = level, explained
        return self

    def transform(self, X: Values) -> Values:
        """(participant, column out) adjusted by the slopes of the participants it was fitted to."""
        check_is_fitted(self)
        values = self._values(X, reset=False)
        kept = values[:, self.places_]
        moved = values[:, self.motion_places_] - self.motion_mean_[self.adjusted_]
        kept[:, self.adjusted_] -= self.slope_[self.adjusted_] * np.where(np.isnan(moved), 0.0, moved)
        return np.where(self.explained_ & ~np.isnan(kept), self.level_, kept)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns that come out: a measure keeps its name."""
        check_is_fitted(self)
        return self._names_out(input_features, tuple(self.columns[place].name for place in self.places_))

    def _places_kept(self) -> np.ndarray:
        keep = [column.name for column in self.columns if column.role != "motion"] if self.keep is None else self.keep
        return np.array([place_of(self.columns, name) for name in keep], dtype=int)

    def _pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Where, among those that come out, a column is adjusted, and where in the table its motion is."""
        adjusted = [k for k, place in enumerate(self.places_) if self.columns[place].motion]
        for k in adjusted:
            column = self.columns[self.places_[k]]
            if column.role != "measure":
                raise FeatureError(
                    f"{column.name} is no measure but a column of role {column.role!r}: give it no motion"
                )
        motion = [place_of(self.columns, self.columns[self.places_[k]].motion) for k in adjusted]
        return np.array(adjusted, dtype=int), np.array(motion, dtype=int)


def _regressed(x: Values, m: Values) -> tuple[Float[np.ndarray, "column"], ...]:
    """Slope, mean motion, level, and whether motion explains all, of each column on the motion beside it."""
    both = ~np.isnan(x) & ~np.isnan(m)
    x, m = np.where(both, x, np.nan), np.where(both, m, np.nan)
    level, motion_mean = column_means(x), column_means(m)
    dx, dm = np.where(both, x - level, 0.0), np.where(both, m - motion_mean, 0.0)
    power, size = (dm**2).sum(axis=0), np.where(both, m, 0.0) ** 2
    varies = power > ROUNDING**2 * size.sum(axis=0)
    slope = np.divide((dx * dm).sum(axis=0), power, out=np.zeros_like(power), where=varies)
    left = ((dx - slope * dm) ** 2).sum(axis=0)
    return slope, motion_mean, level, varies & (left <= ROUNDING**2 * (dx**2).sum(axis=0))
