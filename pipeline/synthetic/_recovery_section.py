"""The section of a synthetic study's report that compares estimates with what was planted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dcm import Posterior
from peb import MEAN

from ..page import EFFECT, PROBABILITY, SPREAD, AnalysisReport, Column, Picture, Records, Section
from ..report import ExtraSection, StudyResult
from ..results import LEVEL, connections, per_covariate
from ._planted_effects import CIRCUIT_REGIONS
from ._planted_truth import PlantedTruth
from ._predictor_recovery import prediction_answers, predictor_records, recover_predictors
from ._recovery import IMPROVEMENT, ArmChange, GroupRecovery, RecoveredParameters, recover_group, recover_parameters
from ._recovery_answers import recovery_answers
from ._recovery_figures import change_figure, improvement_figure, in_group_figure, recovered_figure
from ._study_design import AMYGDALA, VMPFC

MEANING = {
    CIRCUIT_REGIONS[AMYGDALA]: "more inhibition of the amygdala by vmPFC",
    CIRCUIT_REGIONS[VMPFC]: "less excitation of vmPFC by the amygdala",
}
COMPARED = ("first", "second", "difference")  # the arms, and the first minus the second
NOTICE = (
    "Simulated data.",
    "No participant was scanned, and nothing here is evidence about ketamine. The page shows whether effconn "
    "recovers from images what was planted in them.",
)


def study_recovery_section(truth: PlantedTruth, result: StudyResult) -> ExtraSection:
    """What goes right after the summary of the report: estimates compared with what was planted.

    Raises `ValueError` where no visit was inverted or the model is not the one that made the data.
    """
    compared = [report for name, report in result.analyses.items() if result.study.group[name].analysis == "arms"]
    return recovery_section(truth, result.main_posteriors, result.predictions, compared)


def recovery_section(
    truth: PlantedTruth,
    posteriors: Mapping[str, Posterior],
    predictions: Mapping[str, AnalysisReport] | None = None,
    compared: Sequence[AnalysisReport] = (),
) -> ExtraSection:
    """The same from the posteriors of the main model, by visit, the predictions, by name, and arm comparisons."""
    recovered, group = recover_parameters(truth.connectivity, posteriors), recover_group(truth, posteriors, compared)
    predicted = recover_predictors(truth, predictions or {})
    return ExtraSection(
        "Recovery of the planted effects",
        "The images are simulated: the value of every connection is known, the signals follow the full nonlinear "
        "equations, and the noise is serially correlated. B is what seeing faces adds to a connection, in Hz; "
        "“amygdala ← vmPFC” is the connection to the amygdala from vmPFC.",
        answers=(*recovery_answers(truth, recovered, group), *prediction_answers(predicted)),
        sections=(
            *(() if group is None else (_treatment_section(truth, group),)),
            _connectivity_section(truth, recovered, group),
        ),
        records=(
            *(() if group is None else (_effect_records(truth, group),)),
            *((predictor_records(truth, predicted),) if any(prediction.planted for prediction in predicted) else ()),
            parameter_records(recovered),
        ),
        notices=(NOTICE,),
    )


def _treatment_section(truth: PlantedTruth, group: GroupRecovery) -> Section:
    return Section(
        "Changes by arm",
        "Changes from the first session to the second: estimates of each participant and of the group, and planted "
        "values.",
        tuple(picture for name in truth.modulations for picture in _change_pictures(group.changes_of(name))),
    )


def _change_pictures(arms: tuple[ArmChange, ArmChange]) -> tuple[Picture, Picture]:
    change = arms[0]
    name = f"{change.to}-from-{change.source}".lower()
    differ = arms[0].planted_slope != arms[1].planted_slope
    expectation = (
        f"Planted for {change.arm} only: its mean should lie below zero, {arms[1].arm}'s near it."
        if differ
        else "Planted alike in both arms: both means should lie below zero."
    )
    slopes = (
        f"Planted: a falling line for {change.arm}, a flat one for {arms[1].arm}."
        if differ
        else "Planted: the same falling line in both arms, so the dotted lines coincide."
    )
    title = f"Change of B(faces), {change.connection}"
    return (
        Picture(
            f"truth-change-{name}",
            f"{change.connection}: change by arm",
            f"{expectation} Thin lines are participants, in the order of what was planted in them; the diamond is the "
            f"group's posterior mean for a participant of average improvement ({change.centre:.1f} points); the "
            "dashed mark is what was planted there.",
            change_figure(arms, title, MEANING[change.to]),
        ),
        Picture(
            f"truth-improvement-{name}",
            f"{change.connection}: change and improvement",
            f"{slopes} Solid lines are the posterior means of one group of both arms, which weights participants by "
            "the precision of each estimate, with 90 % credible bands; dotted lines are what was planted.",
            improvement_figure(arms, title),
        ),
    )


def _connectivity_section(truth: PlantedTruth, recovered: RecoveredParameters, group: GroupRecovery | None) -> Section:
    first, second = (connections([name])[0] for name in truth.modulations)
    connections_without_faces = [f"A[{change.to}<-{change.source}]" for change in (first, second)]
    drawn = [
        Picture(
            "truth-faces",
            "Effect of faces (B): estimated and planted",
            "One mark per visit. Marks should lie along the dashed line, and nine in ten of the vertical lines, "
            "which are credible intervals, should cross it.",
            recovered_figure(recovered, truth.modulations),
        ),
        Picture(
            "truth-without-faces",
            "Connectivity while nothing is shown (A): estimated and planted",
            "These differ less between participants than one visit can resolve, so the prior shrinks them towards "
            "zero; their intervals are correspondingly wide.",
            recovered_figure(recovered, connections_without_faces),
        ),
    ]
    if group is not None:
        drawn.append(_in_group_picture(group.changes_of(truth.modulations[0])))
    return Section(
        "Recovery by visit",
        "Connections estimated from the images of every visit, against the planted values.",
        tuple(drawn),
    )


def _in_group_picture(arms: tuple[ArmChange, ArmChange]) -> Picture:
    alone, together = (
        np.sqrt(np.mean(np.concatenate(errors) ** 2))
        for errors in (
            [change.mean - change.planted for change in arms],
            [change.in_group - change.planted for change in arms],
        )
    )
    return Picture(
        "truth-in-group",
        "Participants alone and with the group as prior",
        f"Root mean square error: {alone:.2f} Hz alone, {together:.2f} Hz with the group as prior. Filled marks "
        "should lie nearer to the dashed line than empty ones: the group as prior shrinks the least precise "
        "estimates.",
        in_group_figure(arms, f"Change of B(faces), {arms[0].connection}"),
    )


def _effect_records(truth: PlantedTruth, group: GroupRecovery) -> Records:
    """Both arms and their difference, of the mean change and of its slope, found and planted."""
    first, second = truth.arms
    pairs = zip(COMPARED, (first, second, "difference"), strict=True)
    columns = (
        Column("effect", "Effect"),
        Column("connection", "Connection"),
        *(
            column
            for key, heading in pairs
            for column in (Column(key, heading, EFFECT), Column(f"planted_{key}", "planted", EFFECT))
        ),
        Column("low", "90 % from", EFFECT),
        Column("high", "to", EFFECT),
        Column("probability_beyond_zero", "P(difference > 0)", PROBABILITY),
        Column("verdict", "Verdict"),
        Column("unit", "Unit", where="file"),
    )
    rows = [_effect_row(group, covariate, name) for covariate in (MEAN, IMPROVEMENT) for name in truth.modulations]
    by = "a group of each arm" if group.arms.by_separate_groups else "one group over all participants"
    lead = (
        f"{first} minus {second}, by {by}, with the verdict of the study's analysis. Means are at average improvement, "
    )
    return Records("truth-arms", "Arms: estimated and planted", f"{lead}{group.centre:.1f} points.", columns, rows)


def _effect_row(group: GroupRecovery, covariate: str, name: str) -> dict[str, Any]:
    found, (connection,) = group.comparison(covariate), connections([name])
    i = found.parameters.index(name)
    low, high = found.interval(LEVEL)[i].tolist()
    values = dict(zip(COMPARED, (found.first, found.second, found.difference), strict=True))
    planted = zip(COMPARED, group.planted(covariate, name), strict=True)
    return {
        "effect": "mean change" if covariate == MEAN else "change per point of improvement",
        "connection": connection.words,
        **{key: float(estimate.mean[i]) for key, estimate in values.items()},
        **{f"planted_{key}": value for key, value in planted},
        "low": low,
        "high": high,
        "probability_beyond_zero": float(found.beyond_zero.difference[i]),
        "verdict": group.verdicts[covariate, name],
        "unit": per_covariate(connection.unit, covariate, "point"),
    }


def parameter_records(recovered: RecoveredParameters) -> Records:
    """Every parameter of every visit, found and planted."""
    columns = (
        Column("visit", "Visit"),
        Column("parameter", "Parameter"),
        Column("planted", "Planted", EFFECT),
        Column("found", "Estimated", EFFECT),
        Column("sd", "SD", SPREAD),
        Column("inside", "In the 90 % interval"),
    )
    rows = [
        {
            "visit": visit,
            "parameter": name,
            "planted": float(recovered.planted[i, j]),
            "found": float(recovered.mean[i, j]),
            "sd": float(recovered.sd[i, j]),
            "inside": "yes" if recovered.covered[i, j] else "no",
        }
        for i, visit in enumerate(recovered.visits)
        for j, name in enumerate(recovered.names)
    ]
    lead = "Posterior mean and standard deviation of every parameter, and the value that made the data."
    return Records("truth-connectivity", "Every parameter: estimated and planted", lead, columns, rows, brief=False)
