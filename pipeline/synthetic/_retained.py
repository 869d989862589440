"""What a prediction retained beside what was planted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..page import Delivery
from ._planted import Planted
from ._truth import Truth


@dataclass(frozen=True)
class Retained:
    """One planted predictor of a prediction.

    Fields:
        term: as the prediction calls it, such as ``arm × change(x)``.
        planted: the measure that it is of.
        sign: what its coefficient should have, +1 or −1.
        coefficient: of the model of all people, per standard deviation; 0 where it is not retained.
        folds, bootstraps: share of those that retain it; None where there are none.
        said_stable: whether the prediction calls it stable; None where no bootstraps were drawn.
    """

    term: str
    planted: Planted
    sign: float
    coefficient: float
    folds: float | None
    bootstraps: float | None
    said_stable: bool | None = None

    @property
    def right(self) -> bool | None:
        """Whether it has the sign it should have; None where it is not retained."""
        return None if self.coefficient == 0 else self.coefficient * self.sign > 0

    @property
    def stable(self) -> bool:
        """Whether the prediction calls it stable, where it was asked."""
        return self.said_stable is not False


@dataclass(frozen=True, eq=False)
class Predicted:
    """A prediction of the study, held against the truth.

    Fields:
        name: in the configuration.
        planted: predictors that were planted, in the order of the truth.
        others: how many more predictors it had.
        others_retained: how many of these it retained.
        r_squared: in the sample.
        q_squared: of people left out of everything; None where nobody was.
        p_value, shuffles: of Q², and by how many shuffles; None where nothing was shuffled.
    """

    name: str
    planted: tuple[Retained, ...]
    others: int
    others_retained: int
    r_squared: float
    q_squared: float | None
    p_value: float | None
    shuffles: int | None

    @property
    def effects(self) -> Mapping[str, bool]:
        """Planted effect → whether a predictor that shows it was retained with the right sign, and stably so."""
        found: dict[str, bool] = {}
        for predictor in self.planted:
            found[predictor.planted.effect] = found.get(predictor.planted.effect, False) or (
                bool(predictor.right) and predictor.stable
            )
        return found

    @property
    def unstable(self) -> tuple[Retained, ...]:
        """Retained with the right sign, but not when the people change."""
        return tuple(predictor for predictor in self.planted if predictor.right and not predictor.stable)

    @property
    def wrong(self) -> tuple[Retained, ...]:
        """Retained with the sign that they should not have."""
        return tuple(predictor for predictor in self.planted if predictor.right is False)


def retained(truth: Truth, predictions: Mapping[str, Delivery]) -> tuple[Predicted, ...]:
    """Every prediction; one whose tables are not as expected is left out."""
    return tuple(
        _predicted(truth, name, delivery, rows) for name, delivery in predictions.items() if (rows := _rows(delivery))
    )


def _predicted(truth: Truth, name: str, delivery: Delivery, rows: Mapping[str, Mapping[str, Any]]) -> Predicted:
    planted = tuple(_planted(truth, rows))
    known = {predictor.term for predictor in planted}
    others = [row for term, row in rows.items() if term not in known]
    nested, chance = (delivery.summary.get(part) or {} for part in ("nested", "chance"))
    return Predicted(
        name,
        planted,
        len(others),
        sum(row["coefficient"] != 0 for row in others),
        float(delivery.summary["published"]["r_squared"]),
        nested.get("q_squared"),
        chance.get("p_value"),
        chance.get("shuffles"),
    )


def _planted(truth: Truth, rows: Mapping[str, Mapping[str, Any]]) -> Iterator[Retained]:
    """Those of the planted predictors that the prediction was given."""
    for predictor in truth.measures:
        for term, sign in predictor.terms(truth.arms).items():
            if term in rows:
                row = rows[term]
                yield Retained(
                    term,
                    predictor,
                    sign,
                    float(row["coefficient"]),
                    _share(row["folds"]),
                    _share(row["bootstraps"]),
                    {"yes": True, "no": False}.get(str(row.get("stable"))),
                )


def _rows(delivery: Delivery) -> dict[str, Mapping[str, Any]]:
    """Predictor → its row; none where there is no such table."""
    tables = [records for records in delivery.records if records.name == "predictors"]
    return {row["predictor"]: row for records in tables for row in records.rows}


def _share(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else float(value)
