"""Leave-one-out: is a covariate predicted by the connectivity of participants whom the group has not seen?"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from peb import (
    MEAN,
    CrossValidation,
    DesignError,
    PebError,
    k_fold,
    leave_one_out,
)

from ..common import UsageError
from ..figures import (
    leave_one_out_figure,
)
from ..page import PROBABILITY, AnalysisReport, Answer, Column, Picture, Records, Section
from ..results import Z
from ..tables import p_words, shuffled_p_words
from ..verdicts import describe_p_rule, judge_prediction, unbalanced_shuffle_note
from ._arms import unbalanced_kinds
from ._fit import IN_OWN_UNITS, units_matter, unusual_units
from ._fit_report import group_notices
from ._group_inputs import GroupInputs, design_column
from ._options import mode_words

COLUMNS = (
    Column("participant_id", "Participant"),
    Column("actual", "Actual", ".4g"),
    Column("estimate", "Estimated", ".4g"),
    Column("low", "90 % from", ".4g"),
    Column("high", "to", ".4g"),
    Column("sd", "SD", ".4g", where="file"),
    Column("probability_of_actual", "Pp of the actual level", PROBABILITY, where="file"),
    Column("fold", "Fold", "d", where="file"),
)


def cross_validate_covariate(inputs: GroupInputs, covariate: str, folds: int | None, seed: int) -> CrossValidation:
    """Leave-one-out, or so many folds."""
    inputs.require_rows_of_participants("leave-one-out")
    name = design_column(inputs, covariate)
    if name == MEAN:
        raise UsageError("the mean is the same for every participant: there is nothing to predict; name a covariate")
    how: Any = {"covariate": name, "parameters": inputs.chosen}
    try:
        own = unusual_units(inputs)  # where SPM12's steps need other units
        design = inputs.design.in_own_units if own else inputs.design
        if folds is None:
            found = leave_one_out(inputs.estimates, design, inputs.settings, shuffle_seed=seed, **how)
        else:
            found = k_fold(inputs.estimates, design, inputs.settings, folds=folds, seed=seed, **how)
        return _scaled(found, float(inputs.design.size[inputs.design.column(name)])) if own else found
    except DesignError as error:
        raise UsageError(f"a group without those left out cannot be fitted: {error}") from error
    except PebError as error:
        raise UsageError(str(error)) from error


def _scaled(found: CrossValidation, unit: float) -> CrossValidation:
    """The same with the covariate in other units."""
    return replace(
        found,
        actual=found.actual * unit,
        estimate=found.estimate * unit,
        variance=found.variance * unit**2,
        levels=found.levels * unit,
    )


def report_leave_one_out(inputs: GroupInputs, found: CrossValidation) -> AnalysisReport:
    """Table, picture and answer of a cross-validation."""
    scheme = "leave-one-out" if found.seed is None else f"{int(found.fold.max()) + 1} folds, seed {found.seed}"
    unfinished = [f"{count} of {len(found.status)} group fits {what}." for what, count in _unfinished(found).items()]
    by_units = [f"{units_matter(inputs)} {IN_OWN_UNITS}"] if unusual_units(inputs) else []
    return AnalysisReport(
        name="prediction",
        title=f"Is {found.covariate} predicted by connectivity?",
        subtitle=f"{len(found.participants)} participants, {scheme}: nobody helps to estimate their own value.",
        answers=(_answer(inputs, found),),
        records=(prediction_records(inputs, found),),
        draw=lambda: (prediction_section(found, _centre(inputs, found)),),
        facts=(
            ("Scheme", f"{scheme}; {mode_words(inputs.settings)}"),
            ("Connections", ", ".join(inputs.chosen)),
            ("Covariates", "; ".join(inputs.design.covariates)),
            ("Verdict", describe_p_rule()),
            ("p value", f"one-sided, of the correlation of estimates with actual values ({_p_from(found)})"),
        ),
        notices=group_notices(inputs, (*unfinished, *by_units)),
        summary={
            "covariate": found.covariate,
            "correlation": found.correlation,
            "p_value": found.p_value,
            "p": _p_words(found),
            "accuracy": found.accuracy,
            "notes": list(inputs.notes),
            "errors": list(inputs.errors),
        },
    )


def prediction_records(inputs: GroupInputs, found: CrossValidation) -> Records:
    """Everybody's value, actual and estimated, as in the table of the design."""
    sd = np.sqrt(found.variance)
    centre = _centre(inputs, found)
    place = np.searchsorted(found.levels, found.actual)
    rows = [
        {
            "participant_id": name,
            "actual": float(found.actual[i] + centre),
            "estimate": float(found.estimate[i] + centre),
            "low": float(found.estimate[i] + centre - Z * sd[i]),
            "high": float(found.estimate[i] + centre + Z * sd[i]),
            "sd": float(sd[i]),
            "probability_of_actual": float(found.probability[i, place[i]]),
            "fold": int(found.fold[i]) + 1,
        }
        for i, name in enumerate(found.participants)
    ]
    lead = f"{found.covariate} as it was given, and as estimated from connectivity alone."
    return Records("left-out", "Participants left out", lead, COLUMNS, rows)


def _answer(inputs: GroupInputs, found: CrossValidation) -> Answer:
    question = f"Is {found.covariate} predicted by these connections, by a group of the others (leave-one-out)?"
    if found.seed is not None:
        question = question.replace("leave-one-out", f"{int(found.fold.max()) + 1} folds")
    if math.isnan(found.correlation):
        return Answer(question, "open", "The estimates are all the same.")
    r = f"{found.correlation:.2f}".replace("-", "−")
    text = f"Estimates and actual values correlate at r = {r} ({_p_words(found)}, one-sided)."
    details = (
        [] if found.accuracy is None else [f"The likelier of the two levels is the right one in {found.accuracy:.0%}."]
    )
    errors = np.sqrt(np.mean((found.estimate - found.actual) ** 2)), found.actual.std()
    details.append(
        f"Estimates are off by {errors[0]:.3g} (root mean square); the mean as everybody's guess by {errors[1]:.3g}."
    )
    uneven = unbalanced_kinds(inputs, found.covariate)
    if uneven:
        details.insert(0, unbalanced_shuffle_note(uneven))
    if found.shuffled is None:
        details.append(
            "Student's t takes the estimates as independent, and rejects at 5 % in 6 to 10 of 100 simulated groups "
            "without anything to find; --compat none with a mixture of participants shuffles instead."
        )
    said = "open" if uneven else judge_prediction(found.correlation, found.p_value)
    return Answer(question, said, text, tuple(details))


def _p_from(found: CrossValidation) -> str:
    if found.shuffled is None:
        return "Student's t"
    return f"{found.shuffled.size} shuffles of the covariate, all spreads between participants as without it"


def _p_words(found: CrossValidation) -> str:
    """A bound where that is all that so many shuffles can show."""
    if found.shuffled is None:
        return p_words(found.p_value)
    return shuffled_p_words(found.p_value, found.shuffled.size)


def _unfinished(found: CrossValidation) -> dict[str, int]:
    ended = [status.value for status in found.status if status.name != "CONVERGED"]
    return {what: ended.count(what) for what in dict.fromkeys(ended)}


def _centre(inputs: GroupInputs, found: CrossValidation) -> float:
    """What the design took off the covariate."""
    return inputs.design.centres.get(found.covariate, 0.0)


def prediction_section(found: CrossValidation, centre: float) -> Section:
    """Predicted against actual values of participants left out, with what the design took off them."""
    return Section(
        "Prediction of participants left out",
        "Each participant's value is estimated from connectivity alone, by a group that never saw this participant.",
        (
            Picture(
                "left-out",
                f"{found.covariate}: estimated and actual",
                "Points on the dashed line are estimated right. What counts is that points rise from left to "
                "right beyond "
                "chance; estimates are drawn toward the mean where connectivity tells little.",
                leave_one_out_figure(
                    found.actual + centre,
                    found.estimate + centre,
                    np.sqrt(found.variance),
                    covariate=found.covariate,
                    correlation=found.correlation,
                    p_value=found.p_value,
                    shuffles=None if found.shuffled is None else found.shuffled.size,
                ),
            ),
        ),
    )
