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
from ._cohort import StudyParticipants
from ._measure_changes import MeasureChange
from ._number_text import correlation_text, percent

KIND = Column("kind", "Kind")
NUMBERS = (
    Column("people", "n", "d"),
    Column("r", "r", "+.2f"),
    Column("low", "from", "+.2f"),
    Column("high", "to", "+.2f"),
    Column("p_value", "p", PROBABILITY),
    Column("holm", "p, Holm", PROBABILITY),
)
MADE = (
    Column("interval", "Interval", where="file"),
    Column("degenerate", "Samples without variation", "d", where="file"),
)
KEYS = (*(column.key for column in (*NUMBERS[1:], *MADE)), "within_arms")


def correlation_row(one: Correlation) -> dict[str, Any]:
    """Values of all these columns, and r within arms."""
    numbers = {key: getattr(one, key) for key in KEYS}
    return {"kind": one.kind.capitalize(), "people": one.participants, **numbers}


MOST_ANSWERS = 4  # measures, before one answer stands for all
CORRELATION_COLUMNS = (
    Column("measure", "Change of"),
    Column("score", "with"),
    KIND,
    *NUMBERS,
    Column("within_arms", "r within arms", "+.2f"),
    *MADE,
    Column("motion", "Adjusted for", where="file"),
)


@dataclass(frozen=True)
class Association:
    """A measure's change, or a score, with all that it is correlated with, Pearson and Spearman.

    `skipped` are columns that it can't be correlated with, and why.
    """

    name: str
    found: tuple[Correlation, ...]
    skipped: tuple[str, ...]

    @property
    def pearson(self) -> tuple[Correlation, ...]:
        """Those of values, not of ranks."""
        return tuple(one for one in self.found if one.kind == "pearson")


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
    changes: Sequence[MeasureChange], participants: StudyParticipants, how: BootstrapSettings
) -> tuple[Association, ...]:
    """Every measure's change with every subscale."""
    found = []
    for change in changes:
        kept, skipped = usable_columns(change.values, participants.subscales)
        found.append(Association(change.name, correlations(change.values, kept, how, participants.arm), skipped))
    return tuple(found)


def association_records(found: Sequence[Association], changes: Sequence[MeasureChange], level: float) -> Records:
    """One row for each measure, score and kind of correlation."""
    motion = {one.name: one.motion or "nothing" for one in changes}
    rows = [
        {
            "measure": association.name,
            "score": one.name,
            "motion": motion[association.name],
            **correlation_row(one),
        }
        for association in found
        for one in association.found
    ]
    lead = (
        f"Change is after − before. Bootstrap intervals of {percent(level)}; p by Holm's method is adjusted over the "
        "scores of one measure. r within arms is what is left when each arm's mean is taken out: far from r, the arms "
        "differ in both and make the correlation between them."
    )
    sure = frozenset(i for i, row in enumerate(rows) if is_significant(row["holm"]))
    return Records("correlations", "What goes with the change of measures", lead, CORRELATION_COLUMNS, rows, sure=sure)


def association_answers(found: Sequence[Association], level: float) -> tuple[Answer, ...]:
    """An answer for each measure, or one for all where they are many."""
    there = [one for one in found if one.found]
    if len(there) > MOST_ANSWERS:
        return (_of_all(there, level),)
    return tuple(_of_one(one, level) for one in there)


def association_notices(found: Sequence[Association]) -> list[tuple[str, str]]:
    """Correlations that could not be had, and what so many of them mean."""
    lines = [(f"Change of {one.name}:", f"no correlation; {reason}.") for one in found for reason in one.skipped]
    there = sum(bool(one.found) for one in found)
    if there > 1:
        lines.append(
            (
                "Many correlations:",
                f"{there} measures were looked at, and p is adjusted over the scores of each, not over the measures: "
                "pick none for its p alone.",
            )
        )
    return lines


def _of_one(association: Association, level: float) -> Answer:
    best = min(association.pearson, key=lambda one: one.p_value)
    scores = len(association.pearson)
    return Answer(
        f"Does the change of {association.name} go with {best.name if scores == 1 else 'a score'}?",
        judge_p_value(min(one.holm for one in association.pearson)),
        ("" if scores == 1 else f"{describe_count(scores, 'score')}; most with {best.name}: ")
        + f"{_told(best, level)}.",
        (
            *_ranks(association, best),
            *_within(best),
            "A correlation over participants does not say that the one brings the other about.",
        ),
    )


def _of_all(found: Sequence[Association], level: float) -> Answer:
    best, one = min(((one, r) for one in found for r in one.pearson), key=lambda pair: pair[1].p_value)
    count = sum(len(each.pearson) for each in found)
    passing = sum(any(is_significant(r.holm) for r in each.pearson) for each in found)
    return Answer(
        "Does the change of a measure go with a score?",
        judge_p_value(one.p_value, count),
        f"{describe_count(count, 'correlation')}; the least p is that of {best.name} with {one.name}: "
        f"{_told(one, level)}.",
        (
            f"A yes needs p times {count} of at most {ALPHA:g}. {passing} of {len(found)} measures have a p by Holm as "
            f"small with some score, where about {ALPHA * len(found):.2g} at most would by chance alone.",
        ),
    )


def _told(one: Correlation, level: float) -> str:
    adjusted = f", {p_words(one.holm)} by Holm" if one.holm > one.p_value else ""
    return (
        f"{correlation_text(one.r, one.low, one.high, level)}, {p_words(one.p_value)}{adjusted}, n = {one.participants}"
    )


def _within(best: Correlation) -> tuple[str, ...]:
    if best.within_arms is None:
        return ()
    return (f"With each arm's mean taken out: r = {best.within_arms:.2f}.".replace("-", "−"),)


def _ranks(association: Association, best: Correlation) -> tuple[str, ...]:
    spearman = [one for one in association.found if one.kind == "spearman" and one.name == best.name]
    return tuple(
        f"Of ranks (Spearman): {correlation_text(one.r, one.low, one.high)}, {p_words(one.p_value)}."
        for one in spearman
    )


NULL_CHECK_COLUMNS = (
    Column("what", "What"),
    Column("check", "with"),
    KIND,
    *NUMBERS,
    Column("detectable", "could show |r| ≥", ".2f"),
    Column("within_arms", "r within arms", "+.2f", where="file"),
    Column("power", "Power", ".2f", where="file"),
    *MADE,
)


@dataclass(frozen=True)
class VariableChecks:
    """A measure's change or a score, with all its null checks; `skipped` says which could not be had."""

    name: str
    found: tuple[NullCheck, ...]
    skipped: tuple[str, ...]


def run_null_checks(
    changes: Sequence[MeasureChange], participants: StudyParticipants, how: BootstrapSettings
) -> tuple[VariableChecks, ...]:
    """Every measure's change, and every subscale, with every nuisance variable."""
    if not participants.null_checks:
        return ()
    everything = {f"change of {one.name}": one.values for one in changes} | dict(participants.subscales)
    found = []
    for name, values in everything.items():
        kept, skipped = usable_columns(values, participants.null_checks)
        found.append(VariableChecks(name, null_checks(values, kept, how, participants.arm), skipped))
    return tuple(found)


def check_records(found: Sequence[VariableChecks], level: float) -> Records:
    """One row for each thing, nuisance variable and kind of correlation."""
    rows = [
        {
            "what": checked.name,
            "check": one.found.name,
            "detectable": one.detectable,
            "power": one.power,
            **correlation_row(one.found),
        }
        for checked in found
        for one in checked.found
    ]
    lead = (
        f"Correlations that should not be there, with {percent(level)} intervals; p by Holm's method is adjusted over "
        "the checks of one measure or score. So many participants show a correlation of the last column's size or more "
        "in 8 of 10 studies: smaller ones go unseen. That two things do not go together is not tested."
    )
    marked = frozenset(i for i, row in enumerate(rows) if is_significant(row["p_value"]))
    return Records("null-checks", "What should not go together", lead, NULL_CHECK_COLUMNS, rows, marked=marked)


def check_answers(found: Sequence[VariableChecks], participants: StudyParticipants, level: float) -> tuple[Answer, ...]:
    """One answer for all checks."""
    every = [(checked.name, one) for checked in found for one in checked.found if one.found.kind == "pearson"]
    if not every:
        return ()
    hits = [f"{name} with {one.found.name}" for name, one in every if is_significant(one.found.p_value)]
    # Over all checks, where Holm's first step is Bonferroni's: those of one measure alone would say yes too often.
    least = min(one.found.p_value for _, one in every)
    bluntest = max((one for _, one in every), key=lambda one: one.detectable)
    strongest = max(max(abs(one.found.low), abs(one.found.high)) for _, one in every)
    return (
        Answer(
            f"Does anything go with {_either(list(participants.null_checks))}?",
            judge_p_value(least, len(every)),
            f"{_hits(hits, len(every))} With {bluntest.found.participants} participants, correlations weaker than "
            f"|r| = {bluntest.detectable:.2f} go unseen in more than 2 of 10 studies.",
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


def check_notices(found: Sequence[VariableChecks]) -> list[tuple[str, str]]:
    """Checks that could not be had, and those that hang on very few participants."""
    lines = [(f"{one.name}:", f"no null check; {reason}.") for one in found for reason in one.skipped]
    thin = dict.fromkeys(one.found.name for checked in found for one in checked.found if one.found.degenerate)
    return lines + [
        (f"{name}:", "nearly everybody has the same value; what goes with it hangs on very few participants.")
        for name in thin
    ]


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
