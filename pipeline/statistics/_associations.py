"""What the change of each measure goes with: correlations with scores, tables and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features import Correlation, FeatureError, Resampling, correlations, pairs
from peb import SURE

from ..page import Answer, Column, Records
from ..tables import p_words
from ..verdicts import asked_words, has_passed, judge_p_value
from ._changes import MeasureChange
from ._correlation_rows import KIND, MADE, NUMBERS, correlation_row
from ._people import StudyPeople
from ._words import correlation_text, percent

MOST_ANSWERS = 4  # measures, before one answer stands for all
COLUMNS = (
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


def usable(x: np.ndarray, columns: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Columns that a correlation can be had with, and what is wrong with the others."""
    kept, skipped = {}, []
    for name, column in columns.items():
        try:
            pairs(x, column, name)
            kept[name] = column
        except FeatureError as error:
            skipped.append(str(error))
    return kept, tuple(skipped)


def associations(changes: Sequence[MeasureChange], people: StudyPeople, how: Resampling) -> tuple[Association, ...]:
    """Every measure's change with every subscale."""
    found = []
    for change in changes:
        kept, skipped = usable(change.values, people.subscales)
        found.append(Association(change.name, correlations(change.values, kept, how, people.arm), skipped))
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
    sure = frozenset(i for i, row in enumerate(rows) if has_passed(row["holm"]))
    return Records("correlations", "What goes with the change of measures", lead, COLUMNS, rows, sure=sure)


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
        ("" if scores == 1 else f"{asked_words(scores, 'score')}; most with {best.name}: ") + f"{_told(best, level)}.",
        (
            *_ranks(association, best),
            *_within(best),
            "A correlation over people does not say that the one brings the other about.",
        ),
    )


def _of_all(found: Sequence[Association], level: float) -> Answer:
    best, one = min(((one, r) for one in found for r in one.pearson), key=lambda pair: pair[1].p_value)
    count = sum(len(each.pearson) for each in found)
    passing = sum(any(has_passed(r.holm) for r in each.pearson) for each in found)
    return Answer(
        "Does the change of a measure go with a score?",
        judge_p_value(one.p_value, count),
        f"{asked_words(count, 'correlation')}; the least p is that of {best.name} with {one.name}: "
        f"{_told(one, level)}.",
        (
            f"A yes needs p times {count} of at most {SURE:g}. {passing} of {len(found)} measures have a p by Holm as "
            f"small with some score, where about {SURE * len(found):.2g} at most would by chance alone.",
        ),
    )


def _told(one: Correlation, level: float) -> str:
    adjusted = f", {p_words(one.holm)} by Holm" if one.holm > one.p_value else ""
    return f"{correlation_text(one.r, one.low, one.high, level)}, {p_words(one.p_value)}{adjusted}, n = {one.people}"


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
