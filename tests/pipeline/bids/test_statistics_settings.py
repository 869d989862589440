"""What is wrong with `[statistics]` is told before anything runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.bids import check_statistics

Small = Any  # the conftest's SmallStudy, which tests cannot import
Spoil = Callable[[Small], Any]

GOOD: dict[str, Any] = {
    "outcomes": ("caps",),
    "measures": ("gppi_*",),
    "subscales": ("improvement",),
    "null_checks": ("age",),
    "cohort": ("age", "sex", "caps"),
}


def settings(**changes: Any) -> Spoil:
    return lambda small: small.set("statistics", **changes)


def lines(small: Small) -> list[str]:
    return check_statistics(small.study(), small.inventory())


PROBLEMS: dict[str, tuple[Spoil, str]] = {
    "nothing asked": (
        settings(**dict.fromkeys(GOOD, ())),
        r"^\[statistics\]: asks for nothing; give outcomes, measures with subscales, or cohort",
    ),
    "measures for nothing": (
        settings(subscales=(), null_checks=()),
        r"^\[statistics\] measures: are correlated with nothing; name subscales or null_checks",
    ),
    "subscales for nothing": (
        settings(measures=(), null_checks=()),
        r"^\[statistics\] subscales: are correlated with nothing",
    ),
    "checks of nothing": (
        settings(measures=(), subscales=()),
        r"^\[statistics\] null_checks: there is nothing to check",
    ),
    "a subscale that is a check too": (
        settings(null_checks=("improvement",)),
        r"^\[statistics\] null_checks: 'improvement' is among the subscales too",
    ),
    "an unknown outcome": (
        settings(outcomes=("capz",)),
        r"^\[statistics\] outcomes: 'capz' is no score; did you mean 'caps'\? \(scores: improvement, caps\)",
    ),
    "a column as an outcome": (settings(outcomes=("age",)), r"^\[statistics\] outcomes: 'age' is no score"),
    "an outcome of one session": (
        settings(outcomes=("improvement",)),
        r"^\[statistics\] outcomes: improvement is one number a participant; an outcome has one in both sessions",
    ),
    "an outcome of too few": (
        lambda small: small.edit(small.bids / "phenotype" / "caps5.tsv", "sub-01\tses-2\t30", "sub-01\tses-2\tn/a"),
        r"^\[statistics\] outcomes: 2 of ketamine have caps in both sessions; an arm takes 3",
    ),
    "an unknown subscale": (
        settings(subscales=("improvment",)),
        r"subscales: 'improvment' is no score and no column of the participants' table; did you mean 'improvement'\?",
    ),
    "a subscale named twice": (
        settings(subscales=("improvement", "improvement")),
        r"subscales: names 'improvement' twice; name it once",
    ),
    "a check that is text": (settings(null_checks=("sex",)), r"null_checks: sex is 'M', where a number is needed"),
    "a check that is constant": (
        lambda small: [small.edit(small.bids / "participants.tsv", f"\t{age}\t", "\t5\t") for age in _AGES],
        r"null_checks: age is 5 for every participant; nothing can correlate with it",
    ),
    "a check of too few": (
        lambda small: [small.edit(small.bids / "participants.tsv", f"\t{age}\t", "\tn/a\t") for age in _AGES[:2]],
        r"null_checks: 4 participants have age; a correlation takes 5",
    ),
    "an unknown column of the cohort": (
        settings(cohort=("gender",)),
        r"cohort: 'gender' is no score and no column of the participants' table",
    ),
}
_AGES = (30, 31, 34, 39, 46, 55)


@pytest.mark.parametrize(("spoil", "expected"), PROBLEMS.values(), ids=PROBLEMS)
def test_statistics_that_cannot_be_had_are_told_before(spoil: Spoil, expected: str, small: Small) -> None:
    settings(**GOOD)(small)
    assert lines(small) == []
    spoil(small)
    (line,) = lines(small)
    assert re.search(expected, line), line


def test_a_study_without_statistics_has_nothing_to_check(small: Small) -> None:
    assert lines(small) == []
