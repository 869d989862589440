"""What is asked of a table, in the table's own columns: the outcome, the terms, the arms; and the preset models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..common import UsageError, describe_reversed_order, first_names
from ..study import MODELS_BY_ARM, MODELS_WITH_COVARIATES, PresetModel
from ._column_roles import ArmCodes, MeasureColumns, arm_column, find_arms, find_measures
from ._formula import (
    ARM,
    Factor,
    FactorTerm,
    SessionFunction,
    check_arm_name,
    check_outcome,
    expand_terms,
    parse_factor,
    parse_formula,
    term_text,
    uses_arm,
)
from ._options import PredictOptions
from ._participant_table import ParticipantTable, read_participant_table

PRESET_FUNCTION: dict[PresetModel, SessionFunction] = {
    "change": "change",
    "change-by-arm": "change",
    "change-by-arm-and-covariates": "change",
    "baseline": "before",
    "baseline-by-arm": "before",
}


def preset_terms(
    model: PresetModel, measures: Sequence[str], covariates: Sequence[str], *, sessions: bool = True
) -> tuple[FactorTerm, ...]:
    """The terms of a preset, in order: measures, covariates, the arm, and its products with the measures.

    Arguments:
        measures: columns.
        covariates: factors, such as ``age`` or ``change(madrs)``.
        sessions: whether the table has a row for each; with one row per participant, columns are taken as they are.

    Raises `UsageError` where a model has covariates and none are given, or the other way round.
    """
    check_covariates(model, covariates)
    function: SessionFunction = PRESET_FUNCTION[model] if sessions else ""
    taken = [Factor(function, name) for name in measures]
    terms: list[FactorTerm] = [(factor,) for factor in taken]
    terms += [(parse_factor(covariate, "covariate"),) for covariate in covariates]
    if model in MODELS_BY_ARM:
        arm = Factor("", ARM)
        terms += [(arm,), *((arm, factor) for factor in taken)]
    return tuple(terms)


def check_covariates(model: PresetModel, covariates: Sequence[str]) -> None:
    """Raises `UsageError` where covariates would be ignored, or the model is about them and has none."""
    if covariates and model not in MODELS_WITH_COVARIATES:
        other = "change-by-arm-and-covariates" if model in MODELS_BY_ARM else " or ".join(MODELS_WITH_COVARIATES)
        raise UsageError(f"{model} has no covariates; take {other}, a formula, or leave them out")
    if not covariates and model == "change-by-arm-and-covariates":
        raise UsageError(f"{model} needs covariates (--covariates A,B); without any it is change-by-arm")


def preset_formula(
    model: PresetModel, measures: Sequence[str], covariates: Sequence[str], *, sessions: bool = True
) -> str:
    """The same as text, patterns of measures as they were given."""
    take = PRESET_FUNCTION[model] if sessions else ""
    taken = [f"{take}({measure})" if take else measure for measure in measures if not measure.startswith("!")] or ["*"]
    parts = [*taken, *covariates]
    if model in MODELS_BY_ARM:
        parts += [ARM, *(f"{ARM}:{measure}" for measure in taken)]
    return " + ".join(parts)


EVERYTHING = ("*",)


@dataclass(frozen=True, eq=False)
class ModelRequest:
    """A model in words that the table knows.

    Fields:
        options, participants: what it is made of.
        outcome: what is predicted.
        formula: as it was asked for.
        terms: of single columns.
        measures: columns that count as such.
        arms: both; none where the table has none, or nothing says which is +1.
        notices: what should be known, a line each.
    """

    options: PredictOptions
    participants: ParticipantTable
    outcome: Factor
    formula: str
    terms: tuple[FactorTerm, ...]
    measures: tuple[str, ...]
    arms: ArmCodes | None
    notices: tuple[str, ...]

    @property
    def factors(self) -> tuple[Factor, ...]:
        """Those of the terms, each once."""
        return tuple({factor.text: factor for term in self.terms for factor in term}.values())

    @property
    def by_arm(self) -> bool:
        """Whether the arm is in the model."""
        return uses_arm(self.terms)


def resolve_request(options: PredictOptions) -> ModelRequest:
    """Read the table, and find in it what is asked for.

    Raises `TableError` or `UsageError`.
    """
    outcome = parse_factor(options.outcome, "outcome")
    participants = read_participant_table(options)
    column = arm_column(participants, options)
    measured, by_pattern = _measured(options, participants, outcome, column)
    formula, terms = _terms(options, participants, measured.chosen)
    check_arm_name(terms, column, options.group_word)
    remarks = check_outcome(terms, outcome)
    chosen = measured.notices(participants, {factor.name for term in terms for factor in term}) if by_pattern else ()
    return ModelRequest(
        options,
        participants,
        outcome,
        formula,
        terms,
        measured.every,
        find_arms(participants, options, uses_arm(terms)),
        (*_table_notices(participants), *chosen, *remarks),
    )


def _measured(
    options: PredictOptions, participants: ParticipantTable, outcome: Factor, arm: str | None
) -> tuple[MeasureColumns, bool]:
    """The measures, and whether any is taken because a pattern fits; none where a formula names every column."""
    covariates = [parse_factor(covariate, "covariate").name for covariate in options.covariates]
    others = [outcome.name, *covariates, *([arm] if arm is not None else [])]
    if options.formula is None:
        by_pattern = any("*" in pattern for pattern in options.measures if not pattern.startswith("!"))
        return find_measures(participants, options.measures, others), by_pattern
    if any(factor.glob for term in parse_formula(options.formula) for factor in term):
        return find_measures(participants, options.measures, others), True
    if options.measures != EVERYTHING:
        raise UsageError("measures choose what * stands for, and the formula has no *; leave one of both out")
    return MeasureColumns(participants.sidecar.of("measure"), ()), False


def _terms(
    options: PredictOptions, participants: ParticipantTable, chosen: Sequence[str]
) -> tuple[str, tuple[FactorTerm, ...]]:
    """The formula as text, and its terms of single columns."""
    sessions = participants.sessions is not None
    if options.formula is not None:
        terms = expand_terms(parse_formula(options.formula), chosen, options.formula, participants.table.columns)
        return options.formula, terms
    assert options.model is not None  # one of both is there
    check_covariates(options.model, options.covariates)
    formula = preset_formula(options.model, options.measures, options.covariates, sessions=sessions)
    terms = preset_terms(options.model, chosen, options.covariates, sessions=sessions)
    return formula, expand_terms(terms, (), "+".join(map(term_text, terms)))


def _table_notices(participants: ParticipantTable) -> list[str]:
    lines = [f"{line}." for line in participants.table.remarks]
    if participants.participant is None:
        lines.append("No column names participants: they are called by their rows, row-1 and on.")
    if participants.unused:
        lines.append(f"Rows of other sessions are not used: {first_names(participants.unused)}.")
    if participants.sessions is not None and (turned := describe_reversed_order(*participants.sessions)):
        lines.append(f"{turned}.")
    if participants.sessions is None:
        lines.append("The table has one row per participant: columns are taken as they are, changes or not.")
    return lines
