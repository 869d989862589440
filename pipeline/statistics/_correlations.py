"""Correlations of each measure's change: with scores, and with what it should not depend on (null checks)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from features import BootstrapSettings, Correlation, FeatureError, NullCheck, complete_pairs, correlations, null_checks
from peb import ALPHA

from ..page import PROBABILITY, Answer, Column, Records
from ..tables import p_words
from ..verdicts import describe_count, is_significant, judge_p_value
from ._interval_text import percent
from ._measure_changes import MeasureChange
from ._participant_scores import ParticipantScores

KIND = Column("kind", "Kind")
NUMBERS = (
    Column("people", "n", "d"),
    Column("r", "r", "+.2f"),
    Column("low", "from", "+.2f"),
    Column("high", "to", "+.2f"),
    Column("p_value", "p", PROBABILITY),
    Column("holm", "p, Holm", PROBABILITY),
)
BOOTSTRAP_COLUMNS = (
    Column("interval", "Interval", where="file"),
    Column("degenerate", "Samples without variation", "d", where="file"),
)
KEYS = (*(column.key for column in (*NUMBERS[1:], *BOOTSTRAP_COLUMNS)), "within_arms")


def correlation_row(correlation: Correlation) -> dict[str, Any]:
    """Values of all these columns, and r within groups."""
    numbers = {key: getattr(correlation, key) for key in KEYS}
    return {"kind": correlation.kind.capitalize(), "people": correlation.participants, **numbers}


MOST_ANSWERS = 4  # measures, before one answer stands for all


@dataclass(frozen=True)
class Association:
    """A measure's change, or a score, with all that it is correlated with, Pearson and Spearman.

    `skipped` are columns that it can't be correlated with, and why.
    """

    name: str
    correlations: tuple[Correlation, ...]
    skipped: tuple[str, ...]

    @property
    def pearson(self) -> tuple[Correlation, ...]:
        """Those of values, not of ranks."""
        return tuple(correlation for correlation in self.correlations if correlation.kind == "pearson")


def usable_columns(x: np.ndarray, columns: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Columns that a correlation can be had with, and what is wrong with the others."""
    kept, skipped = {}, []
    for name, column in columns.items():
        try:
            complete_pairs(x, column, name)
            kept[name] = column
        except FeatureError as error:
            skipped.append(str(error))
    return kept, tuple(skipped)


def correlate_changes(
    changes: Sequence[MeasureChange], participants: ParticipantScores, bootstrap: BootstrapSettings
) -> tuple[Association, ...]:
    """Every measure's change with every subscale."""
    associations = []
    for change in changes:
        kept, skipped = usable_columns(change.values, participants.subscales)
        associations.append(
            Association(change.name, correlations(change.values, kept, bootstrap, participants.arm), skipped)
        )
    return tuple(associations)


def association_records(
    associations: Sequence[Association], changes: Sequence[MeasureChange], level: float, word: str
) -> Records:
    """One row for each measure, score and kind of correlation; `word` is what a group is called."""
    columns = (
        Column("measure", "Change of"),
        Column("score", "with"),
        KIND,
        *NUMBERS,
        Column("within_arms", f"r within {word}s", "+.2f"),
        *BOOTSTRAP_COLUMNS,
        Column("motion", "Adjusted for", where="file"),
    )
    motion = {change.name: change.motion or "nothing" for change in changes}
    rows = [
        {
            "measure": association.name,
            "score": correlation.name,
            "motion": motion[association.name],
            **correlation_row(correlation),
        }
        for association in associations
        for correlation in association.correlations
    ]
    lead = (
        f"Change is after − before. Bootstrap intervals of {percent(level)}; p by Holm's method is adjusted over the "
        f"scores of one measure. r within {word}s is what is left when each {word}'s mean is taken out: far from r, "
        f"the {word}s differ in both and make the correlation between them."
    )
    sure = frozenset(i for i, row in enumerate(rows) if is_significant(row["holm"]))
    return Records("correlations", "Correlations with the change of measures", lead, columns, rows, sure=sure)


def association_answers(associations: Sequence[Association], level: float, word: str) -> tuple[Answer, ...]:
    """An answer for each measure, or one for all where they are many; `word` is what a group is called."""
    tested = [association for association in associations if association.correlations]
    if len(tested) > MOST_ANSWERS:
        return (_of_all(tested, level),)
    return tuple(_of_one(association, level, word) for association in tested)


def association_notices(associations: Sequence[Association]) -> list[tuple[str, str]]:
    """Correlations that could not be had, and what so many of them mean."""
    lines = [
        (f"Change of {association.name}:", f"no correlation; {reason}.")
        for association in associations
        for reason in association.skipped
    ]
    tested = sum(bool(association.correlations) for association in associations)
    if tested > 1:
        lines.append(
            (
                "Many correlations:",
                f"{tested} measures were looked at, and p is adjusted over the scores of each, not over the measures: "
                "do not select one by its p alone.",
            )
        )
    return lines


def _of_one(association: Association, level: float, word: str) -> Answer:
    best = min(association.pearson, key=lambda correlation: correlation.p_value)
    scores = len(association.pearson)
    return Answer(
        f"Is the change of {association.name} correlated with {best.name if scores == 1 else 'a score'}?",
        judge_p_value(min(correlation.holm for correlation in association.pearson)),
        ("" if scores == 1 else f"{describe_count(scores, 'score')}; most with {best.name}: ")
        + f"{_describe(best, level)}.",
        (
            *_ranks(association, best),
            *_within_groups_text(best, word),
            "A correlation over participants does not say that one causes the other.",
        ),
    )


def _of_all(associations: Sequence[Association], level: float) -> Answer:
    best, correlation = min(
        ((association, r) for association in associations for r in association.pearson),
        key=lambda pair: pair[1].p_value,
    )
    count = sum(len(each.pearson) for each in associations)
    passing = sum(any(is_significant(r.holm) for r in each.pearson) for each in associations)
    return Answer(
        "Is the change of a measure correlated with a score?",
        judge_p_value(correlation.p_value, count),
        f"{describe_count(count, 'correlation')}; the least p is that of {best.name} with {correlation.name}: "
        f"{_describe(correlation, level)}.",
        (
            f"A yes needs p times {count} of at most {ALPHA:g}. {passing} of {len(associations)} measures have a p by "
            f"Holm as small with some score, where about {ALPHA * len(associations):.2g} at most would by chance "
            "alone.",
        ),
    )


def correlation_text(correlation: Correlation, level: float | None = None) -> str:
    """Such as ``r = 0.53 (0.12 to 0.78)``; with the level, ``(95 % interval 0.12 to 0.78)``."""
    which = "" if level is None else f"{percent(level)} interval "
    return f"r = {correlation.r:.2f} ({which}{correlation.low:.2f} to {correlation.high:.2f})".replace("-", "−")


def _describe(correlation: Correlation, level: float) -> str:
    adjusted = f", {p_words(correlation.holm)} by Holm" if correlation.holm > correlation.p_value else ""
    return (
        f"{correlation_text(correlation, level)}, {p_words(correlation.p_value)}{adjusted}, "
        f"n = {correlation.participants}"
    )


def _within_groups_text(best: Correlation, word: str) -> tuple[str, ...]:
    if best.within_arms is None:
        return ()
    return (f"With each {word}'s mean taken out: r = {best.within_arms:.2f}.".replace("-", "−"),)


def _ranks(association: Association, best: Correlation) -> tuple[str, ...]:
    spearman = [
        correlation
        for correlation in association.correlations
        if correlation.kind == "spearman" and correlation.name == best.name
    ]
    return tuple(
        f"Of ranks (Spearman): {correlation_text(correlation)}, {p_words(correlation.p_value)}."
        for correlation in spearman
    )


@dataclass(frozen=True)
class VariableChecks:
    """A measure's change or a score, with all its null checks; `skipped` says which could not be had."""

    name: str
    checks: tuple[NullCheck, ...]
    skipped: tuple[str, ...]


def run_null_checks(
    changes: Sequence[MeasureChange], participants: ParticipantScores, bootstrap: BootstrapSettings
) -> tuple[VariableChecks, ...]:
    """Every measure's change, and every subscale, with every nuisance variable."""
    if not participants.null_checks:
        return ()
    everything = {f"change of {change.name}": change.values for change in changes} | dict(participants.subscales)
    checked = []
    for name, values in everything.items():
        kept, skipped = usable_columns(values, participants.null_checks)
        checked.append(VariableChecks(name, null_checks(values, kept, bootstrap, participants.arm), skipped))
    return tuple(checked)


def check_records(checked: Sequence[VariableChecks], level: float, word: str) -> Records:
    """One row for each thing, nuisance variable and kind of correlation; `word` is what a group is called."""
    columns = (
        Column("what", "What"),
        Column("check", "with"),
        KIND,
        *NUMBERS,
        Column("detectable", "could show |r| ≥", ".2f"),
        Column("within_arms", f"r within {word}s", "+.2f", where="file"),
        Column("power", "Power", ".2f", where="file"),
        *BOOTSTRAP_COLUMNS,
    )
    rows = [
        {
            "what": variable.name,
            "check": check.correlation.name,
            "detectable": check.detectable,
            "power": check.power,
            **correlation_row(check.correlation),
        }
        for variable in checked
        for check in variable.checks
    ]
    lead = (
        f"Correlations that should not be there, with {percent(level)} intervals; p by Holm's method is adjusted over "
        "the checks of one measure or score. So many participants show a correlation of the last column's size or more "
        "in 8 of 10 studies: smaller ones go unseen. That a correlation is absent is not tested."
    )
    marked = frozenset(i for i, row in enumerate(rows) if is_significant(row["p_value"]))
    return Records(
        "null-checks",
        "Null checks: correlations that should not be there",
        lead,
        columns,
        rows,
        marked=marked,
    )


def check_answers(
    checked: Sequence[VariableChecks], participants: ParticipantScores, level: float
) -> tuple[Answer, ...]:
    """One answer for all checks."""
    every = [
        (variable.name, check)
        for variable in checked
        for check in variable.checks
        if check.correlation.kind == "pearson"
    ]
    if not every:
        return ()
    hits = [
        f"{name} with {check.correlation.name}" for name, check in every if is_significant(check.correlation.p_value)
    ]
    # Over all checks, where Holm's first step is Bonferroni's: those of one measure alone would say yes too often.
    least = min(check.correlation.p_value for _, check in every)
    bluntest = max((check for _, check in every), key=lambda check: check.detectable)
    strongest = max(max(abs(check.correlation.low), abs(check.correlation.high)) for _, check in every)
    return (
        Answer(
            f"Is anything correlated with {_either(list(participants.null_checks))}?",
            judge_p_value(least, len(every)),
            f"{_hits(hits, len(every))} With {bluntest.correlation.participants} participants, correlations weaker "
            f"than |r| = {bluntest.detectable:.2f} go unseen in more than 2 of 10 studies.",
            (
                f"The {percent(level)} intervals reach as far as |r| = {strongest:.2f}.",
                f"{describe_count(len(every), 'check')}: a yes needs p times {len(every)} of at most {ALPHA:g}; about "
                f"{ALPHA * len(every):.2g} have p ≤ {ALPHA:g} by chance alone.",
                "That a check finds nothing does not show that there is nothing.",
            ),
        ),
    )


def _hits(hits: Sequence[str], checks: int) -> str:
    if not hits:
        return f"None of {checks} checks has p ≤ {ALPHA:g}."
    more = f" and {len(hits) - 3} more" if len(hits) > 3 else ""
    have = "has" if len(hits) == 1 else "have"
    return f"{len(hits)} of {checks} checks {have} p ≤ {ALPHA:g}: {'; '.join(hits[:3])}{more}."


def check_notices(checked: Sequence[VariableChecks]) -> list[tuple[str, str]]:
    """Checks that could not be had, and those that hang on very few participants."""
    lines = [(f"{variable.name}:", f"no null check; {reason}.") for variable in checked for reason in variable.skipped]
    thin = dict.fromkeys(
        check.correlation.name for variable in checked for check in variable.checks if check.correlation.degenerate
    )
    return lines + [
        (f"{name}:", "nearly everybody has the same value; its correlations depend on very few participants.")
        for name in thin
    ]


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
