"""The cohort by arm: who was studied, and how unlike the arms are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ._predictors import FeatureError


@dataclass(frozen=True)
class NumberSummary:
    """A number's distribution in one arm; NaN where nobody has it, and of the sd where one participant has.

    Fields:
        participants: with a value.
        missing: without.
        mean, sd, lower, median, upper: in the column's unit; lower and upper are quartiles.
    """

    participants: int
    missing: int
    mean: float
    sd: float
    lower: float
    median: float
    upper: float


@dataclass(frozen=True)
class CategoryCount:
    """How many of one arm are of a category: `count` out of `participants` whose category is known; `missing` are
    not."""

    count: int
    participants: int
    missing: int


@dataclass(frozen=True)
class CohortRow:
    """A number, or one category of a text.

    Fields:
        name: of the column.
        category: one of a text's; empty for a number.
        arms: the first, the second.
        difference: standardised, first − second: of means in root mean square standard deviations of both arms, of
            shares in root mean square √(p(1 − p)); NaN where that is zero.
    """

    name: str
    category: str
    arms: tuple[NumberSummary, NumberSummary] | tuple[CategoryCount, CategoryCount]
    difference: float


def cohort_by_arm(
    columns: Mapping[str, Float[np.ndarray, "participant"] | Sequence[str]], arm: Float[np.ndarray, "participant"]
) -> tuple[CohortRow, ...]:
    """Numbers as means and quartiles, texts as counts, with standardised differences of the arms.

    There are no p values: arms were drawn by lot, so that every difference at baseline is chance already, and what
    matters is whether it is large enough to sway the outcome, which a p value of few participants does not tell.

    Arguments:
        columns: numbers with NaN where missing, or texts with "" where missing.
        arm: +1 for the first arm, −1 for the second.

    Raises `FeatureError` where an arm has nobody, or a column has another length.

    Source: Austin 2009, Commun. Stat. Simul. Comput. 38, eqs 1–2 (differences); Senn 1994, Stat. Med. 13 (p values).
    """
    if not (arm > 0).any() or not (arm < 0).any():
        raise FeatureError("an arm has nobody; a table by arm takes both")
    rows: list[CohortRow] = []
    for name, column in columns.items():
        if len(column) != arm.size:
            raise FeatureError(f"{name} has {len(column)} values for {arm.size} participants; give each one")
        rows += [_number(name, column, arm)] if _numeric(column) else _categories(name, column, arm)
    return tuple(rows)


def _numeric(column: Float[np.ndarray, "participant"] | Sequence[str]) -> bool:
    return isinstance(column, np.ndarray) and column.dtype.kind == "f"


def _number(name: str, column: Float[np.ndarray, "participant"] | Sequence[str], arm: np.ndarray) -> CohortRow:
    values = np.asarray(column, dtype=np.float64)
    first, second = _spread(values[arm > 0]), _spread(values[arm < 0])
    width = math.sqrt((first.sd**2 + second.sd**2) / 2)
    return CohortRow(name, "", (first, second), _over(first.mean - second.mean, width))


def _spread(values: np.ndarray) -> NumberSummary:
    present = values[np.isfinite(values)]
    missing = values.size - present.size
    if not present.size:
        return NumberSummary(0, missing, *([math.nan] * 5))
    lower, median, upper = (float(quartile) for quartile in np.quantile(present, [0.25, 0.5, 0.75]))
    sd = float(present.std(ddof=1)) if present.size > 1 else math.nan
    return NumberSummary(present.size, missing, float(present.mean()), sd, lower, median, upper)


def _categories(
    name: str, column: Float[np.ndarray, "participant"] | Sequence[str], arm: np.ndarray
) -> list[CohortRow]:
    cells = np.array([str(cell) for cell in column])
    return [_category(name, kind, cells, arm) for kind in sorted(set(cells.tolist()) - {""})]


def _category(name: str, kind: str, cells: np.ndarray, arm: np.ndarray) -> CohortRow:
    first, second = _share(cells[arm > 0], kind), _share(cells[arm < 0], kind)
    p, q = (share.count / share.participants if share.participants else math.nan for share in (first, second))
    width = math.sqrt((p * (1 - p) + q * (1 - q)) / 2)
    return CohortRow(name, kind, (first, second), _over(p - q, width))


def _share(cells: np.ndarray, kind: str) -> CategoryCount:
    known = cells[cells != ""]
    return CategoryCount(int((known == kind).sum()), known.size, cells.size - known.size)


def _over(difference: float, width: float) -> float:
    return difference / width if width > 0 else math.nan
