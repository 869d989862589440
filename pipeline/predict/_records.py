"""The tables of a prediction: what the model holds, whom it predicts how well, and how its penalty was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..page import EFFECT, Column, Records
from ..tables import shuffled_p_cell
from ._answers import stable_words
from ._performance import MUCH_MISSING, performance_records
from ._result import Prediction

BRIEF = 30  # rows of people or slopes that a terminal has room for
_SHARE = ".0%"


def prediction_tables(found: Prediction) -> tuple[Records, ...]:
    """All of them; one of slopes only where there are products with the arm, of missing values where there are any."""
    tables = [performance_records(found), retained_records(found), tuning_records(found)]
    tables += [slopes_records(found)] if found.slopes else []
    tables += [missing_records(found)] if found.missing.any() else []
    return (*tables, predictors_records(found), predictions_records(found))


def retained_records(found: Prediction) -> Records:
    """Predictors with a coefficient, the largest first."""
    columns = (
        Column("predictor", "Predictor"),
        Column("coefficient", f"{_of(found)} per SD", EFFECT),
        Column("low", "90 % from", EFFECT),
        Column("high", "to", EFFECT),
        Column("bootstraps", "In bootstraps", _SHARE),
        Column("folds", "In folds", _SHARE),
        *_within_columns(found),
    )
    rows = [{column.key: _predictor(found, place)[column.key] for column in columns} for place in found.retained]
    lead = (
        f"What the model of all people holds: {_of(found)} for one standard deviation more of a predictor, with the "
        "5th to the 95th percentile of the bootstraps, and how often it is retained when people change. "
        f"{stable_words(found)}"
    )
    sure = frozenset(i for i, place in enumerate(found.retained) if found.stable(place))
    return Records("retained", "Predictors retained", lead, columns, rows, sure=sure, brief=bool(rows))


def _within_columns(found: Prediction) -> tuple[Column, ...]:
    r = "r within arms" if found.has_arms else "r"
    return (Column("r_within_arms", r, "+.2f"), Column("p_within", "p"), Column("stable", "Stable"))


def predictors_records(found: Prediction) -> Records:
    """Every predictor, retained or not."""
    columns = (
        Column("predictor", "Predictor"),
        Column("coefficient", "Per SD", EFFECT),
        Column("direction", "Direction"),
        Column("coefficient_one_se", "Per SD, 1-SE choice", EFFECT, where="file"),
        Column("folds", "In folds", _SHARE),
        Column("bootstraps", "In bootstraps", _SHARE),
        Column("positive", "Above zero", _SHARE),
        *_within_columns(found),
        Column("p_within_arms", "p, number", ".4f", where="file"),
        *([] if found.imputed is None else [Column("imputed", "In imputations", _SHARE)]),
        Column("low", "5 %", EFFECT, where="file"),
        Column("median", "50 %", EFFECT, where="file"),
        Column("high", "95 %", EFFECT, where="file"),
        Column("centre", "Mean", ".4g"),
        Column("sd", "SD", ".4g"),
        Column("unit", "Unit", where="file"),
    )
    lead = (
        f"All of them, retained ones first; coefficients in {_of(found)} for one standard deviation (1/n). "
        "In bootstraps: the share that retains it; above zero: of these, the share with a coefficient above zero."
        f"{' In imputations: of models on tables that chance filled in.' if found.imputed is not None else ''}"
    )
    rows = [_predictor(found, int(place)) for place in found.order]
    return Records("predictors", "All predictors", lead, columns, rows, brief=False)


def predictions_records(found: Prediction) -> Records:
    """Everybody's outcome, as it was and as predicted."""
    columns = (
        Column("participant_id", "Participant"),
        Column("arm", "Arm"),
        Column("observed", "Observed", ".4g"),
        Column("fitted", "In-sample", ".4g"),
        Column("tuned", "Left out of the fit", ".4g", where="file"),
        Column("left_out", "Left out of everything", ".4g"),
        Column("of_others", "Mean of the others", ".4g", where="file"),
    )
    lead = (
        f"{found.outcome.name}, {found.outcome.unit or 'in its own unit'}: in-sample by the model that saw this "
        "person's outcome; left out of everything by a model that never did."
    )
    rows = [_person(found, i) for i in range(found.people)]
    return Records("predictions", "Predictions", lead, columns, rows, brief=len(rows) <= BRIEF)


def tuning_records(found: Prediction) -> Records:
    """The penalty and its error at both choices, for every α."""
    columns = (
        Column("alpha", "α", ".2f"),
        Column("penalty_minimum", "λ, least error", ".4g"),
        Column("mse_minimum", "Squared error", ".4g"),
        Column("se_minimum", "SE", ".3g"),
        Column("retained_minimum", "Retained", "d"),
        Column("penalty_one_se", "λ, 1 SE", ".4g"),
        Column("mse_one_se", "Squared error", ".4g"),
        Column("retained_one_se", "Retained", "d"),
        Column("chosen", "Chosen"),
        Column("folds", "In folds", _SHARE),
    )
    lead = (
        "Mixing α (1 is the lasso) and penalty λ, with the mean squared error of people left out of the fit; the "
        "largest λ within one standard error of the least is the sparser choice, shown beside it. In folds: how often "
        "this α is chosen without a person; the nested estimate may try fewer."
    )
    rows = [_choice(found, place) for place in range(len(found.published.curves))]
    return Records("tuning", "Choice of the penalty", lead, columns, rows, sure=frozenset({found.published.best}))


def slopes_records(found: Prediction) -> Records:
    """A line for each arm, of each measure that a product with the arm is of."""
    columns = (
        Column("measure", "Measure"),
        Column("arm", "Arm"),
        Column("slope", f"{_of(found)} per unit", ".4g"),
        Column("low", "95 % from", ".4g"),
        Column("high", "to", ".4g"),
        Column("people", "People", "d"),
        Column("intercept", "At zero", ".4g", where="file"),
        Column("unit", "Unit of the measure"),
    )
    units = {column.name: column.unit for column in found.predictors.columns}
    rows = [
        {
            "measure": one.measure,
            "arm": arm,
            "slope": float(one.slope[i]),
            "low": float(one.low[i]),
            "high": float(one.high[i]),
            "people": int(one.people[i]),
            "intercept": float(one.intercept[i]),
            "unit": units.get(one.measure, ""),
        }
        for one in found.slopes
        for i, arm in enumerate(one.arms)
    ]
    lead = (
        "Ordinary least squares within each arm, one measure at a time, with 95 % intervals. They say what a product "
        "means; they do not allow for how it was chosen."
    )
    return Records("slopes", "Slopes in each arm", lead, columns, rows, brief=len(rows) <= BRIEF)


def missing_records(found: Prediction) -> Records:
    """Columns with values missing, the emptiest first."""
    columns = (
        Column("column", "Measure"),
        Column("missing", "Missing", "d"),
        Column("share", "Of people", _SHARE),
        Column("role", "What it is"),
    )
    places = [int(i) for i in np.argsort(-found.missing, kind="stable") if found.missing[i] > 0]
    rows = [
        {
            "column": found.predictors.columns[i].name,
            "missing": int(np.isnan(found.predictors.values[:, i]).sum()),
            "share": float(found.missing[i]),
            "role": found.predictors.columns[i].role,
        }
        for i in places
    ]
    marked = frozenset(row for row, i in enumerate(places) if found.missing[i] > MUCH_MISSING)
    lead = f"Filled in within each fold ({found.settings.imputation}); marked where more than {MUCH_MISSING:.0%} is."
    return Records("missing", "Missing values", lead, columns, rows, marked=marked)


def _within(found: Prediction, place: int) -> dict[str, Any]:
    """Its correlation within arms, and whether it is stable; nothing where that was not asked."""
    within = None if found.stability is None else found.stability.within
    if within is None or not np.isfinite(within.p_value[place]):
        return {"r_within_arms": None, "p_within": None, "p_within_arms": None, "stable": None}
    p = float(within.p_value[place])
    return {
        "r_within_arms": float(within.correlation[place]),
        "p_within": shuffled_p_cell(p, within.shuffles),
        "p_within_arms": p,
        "stable": None
        if found.shaken is None or not found.published.retained[place]
        else "yes"
        if found.stable(place)
        else "no",
    }


def _predictor(found: Prediction, place: int) -> Mapping[str, Any]:
    model, stability = found.published, found.stability
    coefficient = float(model.coefficients[place])
    shaken = ("folds", "bootstraps", "positive", "low", "median", "high")
    return {
        "predictor": found.names[place],
        "coefficient": coefficient,
        "direction": "more" if coefficient > 0 else "less" if coefficient < 0 else "not retained",
        "coefficient_one_se": float(model.curve.coefficients[model.curve.one_se, place]),
        **{key: None if stability is None else float(getattr(stability, key)[place]) for key in shaken},
        **_within(found, place),
        **({} if found.imputed is None else {"imputed": float(found.imputed[place])}),
        "centre": float(model.centre[place]),
        "sd": float(model.scale[place]),
        "unit": found.unit(place),
    }


def _person(found: Prediction, i: int) -> Mapping[str, Any]:
    arm = None if found.arms is None or found.arm is None else found.arms[0 if found.arm[i] > 0 else 1]
    return {
        "participant_id": found.predictors.people[i],
        "arm": arm,
        "observed": float(found.outcome.values[i]),
        "fitted": float(found.published.fitted[i]),
        "tuned": float(found.published.tuned[i]),
        "left_out": None if found.nested is None else float(found.nested.predictions[i]),
        "of_others": float(found.of_others[i]),
    }


def _choice(found: Prediction, place: int) -> Mapping[str, Any]:
    curve = found.published.curves[place]
    tried = found.nested is not None and np.isclose(found.settings.tried_nested, curve.alpha).any()
    chosen = float(np.isclose(found.nested.alphas, curve.alpha).mean()) if found.nested is not None and tried else None
    row: dict[str, Any] = {"alpha": float(curve.alpha), "chosen": "here" if place == found.published.best else ""}
    for key, at in (("minimum", curve.minimum), ("one_se", curve.one_se)):
        row[f"penalty_{key}"] = float(curve.penalties[at])
        row[f"mse_{key}"] = float(curve.mse[at])
        row[f"se_{key}"] = float(curve.se[at])
        row[f"retained_{key}"] = int(np.count_nonzero(curve.coefficients[at]))
    return row | {"folds": chosen}


def _of(found: Prediction) -> str:
    return found.outcome.unit or found.outcome.name
