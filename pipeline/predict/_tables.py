"""The tables of a prediction: how well it predicts, its predictors, each participant, and the choice of its penalty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..page import EFFECT, SPREAD, Column, Records
from ..tables import is_least_p, shuffled_p_cell
from ._answers import stable_words
from ._result import MUCH_MISSING, ElasticNetResult

COLUMNS = (
    Column("quantity", "What", where="file"),
    Column("words", "What"),
    Column("value", "Value", SPREAD),
    Column("low", "95 % from", SPREAD),
    Column("high", "to", SPREAD),
    Column("means", "What it says"),
)


def performance_records(result: ElasticNetResult) -> Records:
    """In the sample, and in participants left out."""
    unit = result.outcome.unit or f"units of {result.outcome.name}"
    rows = [
        _row("r_squared", "r², in-sample", result.in_sample.r_squared, "fit to these participants: not about new ones"),
        _row(
            "tuned_r_squared",
            "r², left out of the fit only",
            result.tuned_r_squared,
            "not independent: everybody helped to choose the penalty",
        ),
    ]
    if result.nested is not None:
        nested = result.nested
        rows += [
            _row("q_squared", "Q², left out of everything", nested.q_squared, _means_q_squared(nested.q_squared)),
            _row(
                "correlation",
                "r, left out of everything",
                nested.correlation,
                _means_correlation(nested.correlation),
            ),
            _row(
                "mean_absolute_error",
                f"Mean error, {unit}",
                nested.mean_absolute_error,
                "of participants left out of everything",
            ),
        ]
    rows.append(
        _row(
            "mean_absolute_error_of_others",
            f"Mean error of the mean, {unit}",
            result.error_of_mean,
            "had the others' mean been the guess",
        )
    )
    if result.permutation is not None:
        test = result.permutation
        words = f"{test.reached} of {test.shuffles} shuffled outcomes have as high a Q²"
        if is_least_p(test.p_value, test.shuffles):
            words += f": p {shuffled_p_cell(test.p_value, test.shuffles)}, and more shuffles may lower it"
        rows.append({**_row("p_value", "p of Q²", test.p_value, words), "low": test.low, "high": test.high})
    lead = "Performance in the participants the model was fitted to, and in participants left out of everything."
    return Records("performance", "Performance", lead, COLUMNS, rows)


def _means_q_squared(value: float) -> str:
    if value > 0:
        return f"{value:.0%} less squared error than the others' mean"
    return "no better than the others' mean" if value > -0.005 else "worse than the others' mean"


def _means_correlation(value: float) -> str:
    if np.isnan(value):
        return "cannot be had: all are predicted the same"
    return "of observed and predicted" if value > 0 else "not evidence: the others' mean alone is below zero"


def _row(quantity: str, words: str, value: float, means: str) -> dict[str, object]:
    return {"quantity": quantity, "words": words, "value": float(value), "low": None, "high": None, "means": means}


BRIEF = 30  # rows of participants or slopes that a terminal has room for
_SHARE = ".0%"


def prediction_tables(result: ElasticNetResult) -> tuple[Records, ...]:
    """All of them; one of slopes only where there are products with the arm, of missing values where there are any."""
    tables = [performance_records(result), retained_records(result), tuning_records(result)]
    tables += [slopes_records(result)] if result.slopes else []
    tables += [missing_predictor_records(result)] if result.missing.any() else []
    return (*tables, predictors_records(result), predictions_records(result))


def retained_records(result: ElasticNetResult) -> Records:
    """Predictors with a coefficient, the largest first."""
    columns = (
        Column("predictor", "Predictor"),
        Column("coefficient", f"{_outcome_unit(result)} per SD", EFFECT),
        Column("low", "90 % from", EFFECT),
        Column("high", "to", EFFECT),
        Column("bootstraps", "In bootstraps", _SHARE),
        Column("folds", "In folds", _SHARE),
        *_within_columns(result),
    )
    rows = [{column.key: _predictor(result, place)[column.key] for column in columns} for place in result.retained]
    lead = (
        f"Coefficients of the model of all participants: {_outcome_unit(result)} for one standard deviation more of "
        "a predictor, with the 5th to the 95th percentile of the bootstraps, and how often it is retained when "
        "participants change. "
        f"{stable_words(result)}"
    )
    sure = frozenset(i for i, place in enumerate(result.retained) if result.stable(place))
    return Records("retained", "Predictors retained", lead, columns, rows, sure=sure, brief=bool(rows))


def _within_columns(result: ElasticNetResult) -> tuple[Column, ...]:
    return (
        Column("r_within_arms", f"r{result.within_groups}", "+.2f"),
        Column("p_within", "p"),
        Column("stable", "Stable"),
    )


def predictors_records(result: ElasticNetResult) -> Records:
    """Every predictor, retained or not."""
    columns = (
        Column("predictor", "Predictor"),
        Column("coefficient", "Per SD", EFFECT),
        Column("direction", "Direction"),
        Column("coefficient_one_se", "Per SD, 1-SE choice", EFFECT, where="file"),
        Column("folds", "In folds", _SHARE),
        Column("bootstraps", "In bootstraps", _SHARE),
        Column("positive", "Above zero", _SHARE),
        *_within_columns(result),
        Column("p_within_arms", "p, number", ".4f", where="file"),
        *([] if result.imputed is None else [Column("imputed", "In imputations", _SHARE)]),
        Column("low", "5 %", EFFECT, where="file"),
        Column("median", "50 %", EFFECT, where="file"),
        Column("high", "95 %", EFFECT, where="file"),
        Column("centre", "Mean", ".4g"),
        Column("sd", "SD", ".4g"),
        Column("unit", "Unit", where="file"),
    )
    lead = (
        f"All of them, retained ones first; coefficients in {_outcome_unit(result)} for one standard deviation (1/n). "
        "In bootstraps: the share that retains it; above zero: of these, the share with a coefficient above zero."
        f"{' In imputations: of models on tables that chance filled in.' if result.imputed is not None else ''}"
    )
    rows = [_predictor(result, int(place)) for place in result.order]
    return Records("predictors", "All predictors", lead, columns, rows, brief=False)


def predictions_records(result: ElasticNetResult) -> Records:
    """Everybody's outcome, as it was and as predicted."""
    columns = (
        Column("participant_id", "Participant"),
        Column("arm", result.group_word.capitalize()),
        Column("observed", "Observed", ".4g"),
        Column("fitted", "In-sample", ".4g"),
        Column("tuned", "Left out of the fit", ".4g", where="file"),
        Column("left_out", "Left out of everything", ".4g"),
        Column("of_others", "Mean of the others", ".4g", where="file"),
    )
    lead = (
        f"{result.outcome.name}, {result.outcome.unit or 'in its own unit'}: in-sample by the model that saw this "
        "participant's outcome; left out of everything by a model that never did."
    )
    rows = [_participant_row(result, i) for i in range(result.participants)]
    return Records("predictions", "Predictions", lead, columns, rows, brief=len(rows) <= BRIEF)


def tuning_records(result: ElasticNetResult) -> Records:
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
        "Mixing α (1 is the lasso) and penalty λ, with the mean squared error of participants left out of the fit; the "
        "largest λ within one standard error of the least is the sparser choice, shown beside it. In folds: how often "
        "this α is chosen without a participant; the nested estimate may try fewer."
    )
    rows = [_choice(result, place) for place in range(len(result.in_sample.curves))]
    return Records("tuning", "Choice of the penalty", lead, columns, rows, sure=frozenset({result.in_sample.best}))


def slopes_records(result: ElasticNetResult) -> Records:
    """A line for each arm, of each measure that a product with the arm is of."""
    columns = (
        Column("measure", "Measure"),
        Column("arm", result.group_word.capitalize()),
        Column("slope", f"{_outcome_unit(result)} per unit", ".4g"),
        Column("low", "95 % from", ".4g"),
        Column("high", "to", ".4g"),
        Column("people", "Participants", "d"),
        Column("intercept", "At zero", ".4g", where="file"),
        Column("unit", "Unit of the measure"),
    )
    units = {column.name: column.unit for column in result.predictors.columns}
    rows = [
        {
            "measure": slopes.measure,
            "arm": arm,
            "slope": float(slopes.slope[i]),
            "low": float(slopes.low[i]),
            "high": float(slopes.high[i]),
            "people": int(slopes.participants[i]),
            "intercept": float(slopes.intercept[i]),
            "unit": units.get(slopes.measure, ""),
        }
        for slopes in result.slopes
        for i, arm in enumerate(slopes.arms)
    ]
    lead = (
        f"Ordinary least squares within each {result.group_word}, one measure at a time, with 95 % intervals. They "
        "say what a product means; they do not allow for how it was chosen."
    )
    return Records("slopes", f"Slopes in each {result.group_word}", lead, columns, rows, brief=len(rows) <= BRIEF)


def missing_predictor_records(result: ElasticNetResult) -> Records:
    """Columns with values missing, the emptiest first."""
    columns = (
        Column("column", "Measure"),
        Column("missing", "Missing", "d"),
        Column("share", "Of participants", _SHARE),
        Column("role", "What it is"),
    )
    places = [int(i) for i in np.argsort(-result.missing, kind="stable") if result.missing[i] > 0]
    rows = [
        {
            "column": result.predictors.columns[i].name,
            "missing": int(np.isnan(result.predictors.values[:, i]).sum()),
            "share": float(result.missing[i]),
            "role": result.predictors.columns[i].role,
        }
        for i in places
    ]
    marked = frozenset(row for row, i in enumerate(places) if result.missing[i] > MUCH_MISSING)
    lead = f"Filled in within each fold ({result.settings.imputation}); marked where more than {MUCH_MISSING:.0%} is."
    return Records("missing", "Missing values", lead, columns, rows, marked=marked)


def _within_arms(result: ElasticNetResult, place: int) -> dict[str, Any]:
    """Its correlation within arms, and whether it is stable; nothing where that was not asked."""
    within = None if result.stability is None else result.stability.within
    if within is None or not np.isfinite(within.p_value[place]):
        return {"r_within_arms": None, "p_within": None, "p_within_arms": None, "stable": None}
    p = float(within.p_value[place])
    return {
        "r_within_arms": float(within.correlation[place]),
        "p_within": shuffled_p_cell(p, within.shuffles),
        "p_within_arms": p,
        "stable": None
        if result.bootstrapped is None or not result.in_sample.retained[place]
        else "yes"
        if result.stable(place)
        else "no",
    }


def _predictor(result: ElasticNetResult, place: int) -> Mapping[str, Any]:
    model, stability = result.in_sample, result.stability
    coefficient = float(model.coefficients[place])
    shaken = ("folds", "bootstraps", "positive", "low", "median", "high")
    return {
        "predictor": result.names[place],
        "coefficient": coefficient,
        "direction": "more" if coefficient > 0 else "less" if coefficient < 0 else "not retained",
        "coefficient_one_se": float(model.curve.coefficients[model.curve.one_se, place]),
        **{key: None if stability is None else float(getattr(stability, key)[place]) for key in shaken},
        **_within_arms(result, place),
        **({} if result.imputed is None else {"imputed": float(result.imputed[place])}),
        "centre": float(model.centre[place]),
        "sd": float(model.scale[place]),
        "unit": result.unit(place),
    }


def _participant_row(result: ElasticNetResult, i: int) -> Mapping[str, Any]:
    arm = None if result.arms is None or result.arm is None else result.arms[0 if result.arm[i] > 0 else 1]
    return {
        "participant_id": result.predictors.participants[i],
        "arm": arm,
        "observed": float(result.outcome.values[i]),
        "fitted": float(result.in_sample.fitted[i]),
        "tuned": float(result.in_sample.cross_validated[i]),
        "left_out": None if result.nested is None else float(result.nested.predictions[i]),
        "of_others": float(result.mean_of_others[i]),
    }


def _choice(result: ElasticNetResult, place: int) -> Mapping[str, Any]:
    curve = result.in_sample.curves[place]
    tried = result.nested is not None and np.isclose(result.settings.tried_nested, curve.alpha).any()
    chosen = (
        float(np.isclose(result.nested.alphas, curve.alpha).mean()) if result.nested is not None and tried else None
    )
    row: dict[str, Any] = {"alpha": float(curve.alpha), "chosen": "here" if place == result.in_sample.best else ""}
    for key, at in (("minimum", curve.minimum), ("one_se", curve.one_se)):
        row[f"penalty_{key}"] = float(curve.penalties[at])
        row[f"mse_{key}"] = float(curve.mse[at])
        row[f"se_{key}"] = float(curve.se[at])
        row[f"retained_{key}"] = int(np.count_nonzero(curve.coefficients[at]))
    return row | {"folds": chosen}


def _outcome_unit(result: ElasticNetResult) -> str:
    return result.outcome.unit or result.outcome.name
