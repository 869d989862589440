"""Null checks: whether anything goes with what it should not go with, and what so few people could not have shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from features import NullCheck, Resampling, null_checks
from peb import SURE

from ..page import Answer, Column, Records
from ..verdicts import asked_words, has_passed, judge_p_value
from ._associations import usable
from ._changes import MeasureChange
from ._correlation_rows import KIND, MADE, NUMBERS, correlation_row
from ._people import StudyPeople
from ._words import percent

COLUMNS = (
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
class Checked:
    """A measure's change or a score, with all its null checks; `skipped` says which could not be had."""

    name: str
    found: tuple[NullCheck, ...]
    skipped: tuple[str, ...]


def checks(changes: Sequence[MeasureChange], people: StudyPeople, how: Resampling) -> tuple[Checked, ...]:
    """Every measure's change, and every subscale, with every nuisance variable."""
    if not people.null_checks:
        return ()
    everything = {f"change of {one.name}": one.values for one in changes} | dict(people.subscales)
    found = []
    for name, values in everything.items():
        kept, skipped = usable(values, people.null_checks)
        found.append(Checked(name, null_checks(values, kept, how, people.arm), skipped))
    return tuple(found)


def check_records(found: Sequence[Checked], level: float) -> Records:
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
        "the checks of one measure or score. So many people show a correlation of the last column's size or more in 8 "
        "of 10 studies: smaller ones go unseen. That two things do not go together is not tested."
    )
    marked = frozenset(i for i, row in enumerate(rows) if has_passed(row["p_value"]))
    return Records("null-checks", "What should not go together", lead, COLUMNS, rows, marked=marked)


def check_answers(found: Sequence[Checked], people: StudyPeople, level: float) -> tuple[Answer, ...]:
    """One answer for all checks."""
    every = [(checked.name, one) for checked in found for one in checked.found if one.found.kind == "pearson"]
    if not every:
        return ()
    hits = [f"{name} with {one.found.name}" for name, one in every if has_passed(one.found.p_value)]
    # Over all checks, where Holm's first step is Bonferroni's: those of one measure alone would say yes too often.
    least = min(one.found.p_value for _, one in every)
    bluntest = max((one for _, one in every), key=lambda one: one.detectable)
    strongest = max(max(abs(one.found.low), abs(one.found.high)) for _, one in every)
    return (
        Answer(
            f"Does anything go with {_either(list(people.null_checks))}?",
            judge_p_value(least, len(every)),
            f"{_hits(hits, len(every))} With {bluntest.found.people} people, correlations weaker than "
            f"|r| = {bluntest.detectable:.2f} go unseen in more than 2 of 10 studies.",
            (
                f"The {percent(level)} intervals reach as far as |r| = {strongest:.2f}.",
                f"{asked_words(len(every), 'check')}: a yes needs p times {len(every)} of at most {SURE:g}; about "
                f"{SURE * len(every):.2g} have p ≤ {SURE:g} by chance alone.",
                "That a check finds nothing does not show that there is nothing.",
            ),
        ),
    )


def _hits(hits: Sequence[str], checks: int) -> str:
    if not hits:
        return f"None of {checks} checks has p ≤ {SURE:g}."
    more = f" and {len(hits) - 3} more" if len(hits) > 3 else ""
    have = "has" if len(hits) == 1 else "have"
    return f"{len(hits)} of {checks} checks {have} p ≤ {SURE:g}: {'; '.join(hits[:3])}{more}."


def check_notices(found: Sequence[Checked]) -> list[tuple[str, str]]:
    """Checks that could not be had, and those that hang on very few people."""
    lines = [(f"{one.name}:", f"no null check; {reason}.") for one in found for reason in one.skipped]
    thin = dict.fromkeys(one.found.name for checked in found for one in checked.found if one.found.degenerate)
    return lines + [
        (f"{name}:", "nearly everybody has the same value; what goes with it hangs on very few people.")
        for name in thin
    ]


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
