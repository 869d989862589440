"""Statistics and predictions of two groups that are no arms say groups, and leave the user's own names alone."""

from __future__ import annotations

import re

import pytest
from made_up_statistics import made_up_participants

from pipeline.page import Section
from pipeline.stages._group_words import speak_of_groups, words_of_groups
from pipeline.statistics import report_statistics
from pipeline.study import Statistics


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("alike within an arm, and more in one arm", "alike within a group, and more in one group"),
        ("Did the arms' changes differ?", "Did the groups' changes differ?"),
        ("session × arm with an intercept", "session × group with an intercept"),
        ("arm:change(gppi_left-arm) is retained", "arm:change(gppi_left-arm) is retained"),
    ],
)
def test_arms_become_groups_but_not_in_formulas_and_names(text: str, said: str) -> None:
    assert words_of_groups(text) == said


def test_statistics_of_two_groups_speak_of_no_arm() -> None:
    report = report_statistics(made_up_participants(), (), Statistics(outcomes=("caps",), cohort=("age",)))
    spoken = speak_of_groups(report)
    said = [spoken.title, spoken.subtitle, *(part for fact in spoken.facts for part in fact)]
    said += [part for answer in spoken.answers for part in (answer.question, answer.headline, *answer.details)]
    said += [part for records in spoken.records for part in (records.title, records.lead)]
    said += [column.heading for records in spoken.records for column in records.columns]
    said += [text for section in spoken.draw() for text in texts_of(section)]
    assert not [text for text in said if re.search(r"\b[Aa]rms?\b", text)]
    assert {row["effect"] for row in spoken.records[0].rows} >= {"session", "group", "session × group"}
    assert [records.name for records in spoken.records] == [records.name for records in report.records]


def texts_of(section: Section) -> list[str]:
    return [
        section.title,
        section.lead,
        *(text for picture in section.pictures for text in (picture.title, picture.caption)),
    ]
