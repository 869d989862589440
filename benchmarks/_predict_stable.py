"""How often a predictor is called stable that should not be, and how often one that should: three kinds of trials.

    arm only     the outcome differs between arms, no measure is related to it
    true measure the first measure is related to the outcome in both arms, the next two with the measure at r = 0.6
    alike        16 and 5 participants, the first measure acts alike in both arms, so that no product with the arm does

Beside it, how often half of the bootstraps alone would have said so.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from features import (
    Outcome,
    PredictorColumn,
    Predictors,
    Term,
    Tuning,
    assign_folds,
    coarse_tuning,
    fit_whole_sample,
    selection_stability,
)
from pipeline.verdicts import is_selection_stable

from ._check import Check
from ._predict_side_by_side import side_by_side
from ._predict_studies import SIZE

Kind = Literal["arm only", "true measure", "alike"]
KINDS: tuple[Kind, ...] = ("arm only", "true measure", "alike")
STUDIES = 200  # of each kind
BOOTSTRAPS = 100
EFFECT = 1.0  # points per SD of a measure, over the noise's SD
ARM = 1.5  # points between an arm and the mean of both, likewise
NEIGHBOURS, CORRELATION = 2, 0.6
UNEQUAL = 16 / 21  # of the participants in the first arm
COLUMNS = ("kind", "studies", "retained_often", "stable", "neighbour", "seconds")


@dataclass(frozen=True)
class Called:
    """One study: whether it has what is asked about, by bootstraps alone and with chance within arms.

    Fields:
        often, stable: of what is asked about: any measure of "arm only", the true measure, any product of "alike".
        neighbour: whether what correlates with the true measure is stable.
    """

    often: bool
    stable: bool
    neighbour: bool


def trial(rng: np.random.Generator, kind: Kind, size: tuple[int, int] = SIZE) -> tuple[Predictors, Outcome]:
    """Measures of so many participants in two arms, the arm, and of "alike" their products; and an outcome."""
    participants, count = size
    first = round(participants * (UNEQUAL if kind == "alike" else 0.5))
    arm = np.where(np.arange(participants) < first, 1.0, -1.0)
    x = rng.standard_normal((participants, count))
    y = ARM * arm + rng.standard_normal(participants)
    if kind != "arm only":
        y += EFFECT * x[:, 0]
    if kind == "true measure":
        own = x[:, 1 : 1 + NEIGHBOURS]
        x[:, 1 : 1 + NEIGHBOURS] = CORRELATION * x[:, :1] + np.sqrt(1 - CORRELATION**2) * own
    names = tuple(f"x{i + 1}" for i in range(count))
    terms: tuple[Term, ...] = (*((name,) for name in names), ("arm",))
    if kind == "alike":
        terms = (*terms, *(("arm", name) for name in names))
    columns = (*(PredictorColumn(name, "measure") for name in names), PredictorColumn("arm", "arm"))
    labels = tuple(f"sub-{i + 1:02d}" for i in range(participants))
    return Predictors(labels, columns, np.column_stack([x, arm]), terms), Outcome("improvement", "points", y)


def call(drawn: tuple[Kind, int], seed: int, tuning: Tuning, size: tuple[int, int], bootstraps: int) -> Called:
    """Draw a study and ask which of its predictors are stable."""
    kind, number = drawn
    predictors, outcome = trial(np.random.default_rng([seed, KINDS.index(kind), number]), kind, size)
    model = fit_whole_sample(predictors, outcome, assign_folds(len(predictors.participants), None), tuning)
    found = selection_stability(predictors, outcome, model, None, samples=bootstraps, seed=number, tuning=tuning)
    assert found.within is not None
    kept = model.retained
    often = kept & (found.bootstraps >= 0.5)
    each = zip(found.bootstraps, found.folds, found.within.p_value, strict=True)
    stable = kept & np.array([is_selection_stable(*map(float, shares)) for shares in each])
    asked = {"arm only": range(size[1]), "true measure": [0], "alike": range(size[1] + 1, 2 * size[1] + 1)}[kind]
    near = range(1, 1 + NEIGHBOURS) if kind == "true measure" else range(0)
    return Called(bool(often[list(asked)].any()), bool(stable[list(asked)].any()), bool(stable[list(near)].any()))


def stable_studies(
    count: int,
    jobs: int,
    seed: int = 0,
    tuning: Tuning | None = None,
    size: tuple[int, int] = SIZE,
    bootstraps: int = BOOTSTRAPS,
) -> list[dict[str, Any]]:
    """Shares of studies of each kind."""
    rows = []
    for kind in KINDS:
        start = time.perf_counter()
        one = partial(call, seed=seed, tuning=tuning or coarse_tuning(Tuning()), size=size, bootstraps=bootstraps)
        found = side_by_side(one, [(kind, number) for number in range(count)], f"stable, {kind}", jobs)
        rows.append(
            {
                "kind": kind,
                "studies": count,
                "retained_often": float(np.mean([each.often for each in found])),
                "stable": float(np.mean([each.stable for each in found])),
                "neighbour": float(np.mean([each.neighbour for each in found])),
                "seconds": time.perf_counter() - start,
            }
        )
    return rows


def checks(rows: list[dict[str, Any]]) -> list[Check]:
    """A false "stable" in 5 % of studies at most; bounds are wider where studies are few."""
    share = {row["kind"]: row for row in rows}
    count = rows[0]["studies"]
    slack = 3 * np.sqrt(0.05 * 0.95 / count)
    of = f"of {count} studies"
    return [
        Check("arm only: share with a stable measure", share["arm only"]["stable"], most=0.05 + slack, note=of),
        Check(
            "alike in unequal arms: share with a stable product", share["alike"]["stable"], most=0.05 + slack, note=of
        ),
        Check("true measure: share in which it is stable", share["true measure"]["stable"], note=of),
        Check("true measure: share in which a neighbour is", share["true measure"]["neighbour"], note=of),
    ]
