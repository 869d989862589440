"""What is asked, held against the table: the outcome, the terms column by column, the arms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..common import UsageError, describe_reversed_order, first_names
from ._arms import Arms, arm_column, find_arms
from ._expand import check_arm_name, check_outcome, expand, term_text, uses_arm
from ._formula import Factor, FactorTerm, parse_factor, parse_formula
from ._measures import Measured, find_measures
from ._options import PredictOptions
from ._people import People, read_people
from ._presets import check_covariates, preset_formula, preset_terms

EVERYTHING = ("*",)


@dataclass(frozen=True, eq=False)
class Asked:
    """A model in words that the table knows.

    Fields:
        options, people: what it is made of.
        outcome: what is predicted.
        formula: as it was asked for.
        terms: of single columns.
        measures: columns that count as such.
        arms: both; none where the table has none, or nothing says which is +1.
        notices: what should be known, a line each.
    """

    options: PredictOptions
    people: People
    outcome: Factor
    formula: str
    terms: tuple[FactorTerm, ...]
    measures: tuple[str, ...]
    arms: Arms | None
    notices: tuple[str, ...]

    @property
    def factors(self) -> tuple[Factor, ...]:
        """Those of the terms, each once."""
        return tuple({factor.text: factor for term in self.terms for factor in term}.values())

    @property
    def by_arm(self) -> bool:
        """Whether the arm is in the model."""
        return uses_arm(self.terms)


def ask(options: PredictOptions) -> Asked:
    """Read the table, and find in it what is asked for.

    Raises `TableError` or `UsageError`.
    """
    outcome = parse_factor(options.outcome, "outcome")
    people = read_people(options)
    column = arm_column(people, options)
    measured, by_pattern = _measured(options, people, outcome, column)
    formula, terms = _terms(options, people, measured.chosen)
    check_arm_name(terms, column)
    remarks = check_outcome(terms, outcome)
    told = measured.told(people, {factor.name for term in terms for factor in term}) if by_pattern else ()
    return Asked(
        options,
        people,
        outcome,
        formula,
        terms,
        measured.every,
        find_arms(people, options, uses_arm(terms)),
        (*_table_notices(people), *told, *remarks),
    )


def _measured(options: PredictOptions, people: People, outcome: Factor, arm: str | None) -> tuple[Measured, bool]:
    """The measures, and whether any is taken because a pattern fits; none where a formula names every column."""
    covariates = [parse_factor(one, "covariate").name for one in options.covariates]
    others = [outcome.name, *covariates, *([arm] if arm is not None else [])]
    if options.formula is None:
        by_pattern = any("*" in one for one in options.measures if not one.startswith("!"))
        return find_measures(people, options.measures, others), by_pattern
    if any(factor.glob for term in parse_formula(options.formula) for factor in term):
        return find_measures(people, options.measures, others), True
    if options.measures != EVERYTHING:
        raise UsageError("measures choose what * stands for, and the formula has no *; leave one of both out")
    return Measured(people.sidecar.of("measure"), ()), False


def _terms(options: PredictOptions, people: People, chosen: Sequence[str]) -> tuple[str, tuple[FactorTerm, ...]]:
    """The formula as text, and its terms of single columns."""
    sessions = people.sessions is not None
    if options.formula is not None:
        terms = expand(parse_formula(options.formula), chosen, options.formula, people.table.columns)
        return options.formula, terms
    assert options.model is not None  # one of both is there
    check_covariates(options.model, options.covariates)
    formula = preset_formula(options.model, options.measures, options.covariates, sessions=sessions)
    terms = preset_terms(options.model, chosen, options.covariates, sessions=sessions)
    return formula, expand(terms, (), "+".join(map(term_text, terms)))


def _table_notices(people: People) -> list[str]:
    lines = [f"{line}." for line in people.table.remarks]
    if people.person is None:
        lines.append("No column names people: they are called by their rows, row-1 and on.")
    if people.unused:
        lines.append(f"Rows of other sessions are not used: {first_names(people.unused)}.")
    if people.sessions is not None and (turned := describe_reversed_order(*people.sessions)):
        lines.append(f"{turned}.")
    if people.sessions is None:
        lines.append("The table has one row per person: columns are taken as they are, changes or not.")
    return lines
