"""Statistics and predictions of two groups that are no arms of a trial, in words of groups."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..page import AnalysisReport, Answer, Column, Records, Section

# Whole words alone: names of measures and formulas, such as arm:change(gppi_left-arm), are the user's.
_ARM = re.compile(r"(?<![\w:×*(-])(an |An )?([Aa])rm(s?)(?=$|[ .,;:?!)’'])(?!:\w)")


def speak_of_groups(report: AnalysisReport) -> AnalysisReport:
    """The report with groups for arms in its texts; keys, and names within tables, stay as they are."""
    draw = report.draw
    return replace(
        report,
        title=words_of_groups(report.title),
        subtitle=words_of_groups(report.subtitle),
        answers=tuple(_answer(answer) for answer in report.answers),
        records=tuple(_records(records) for records in report.records),
        draw=lambda: tuple(_section(section) for section in draw()),
        facts=tuple((words_of_groups(term), words_of_groups(text)) for term, text in report.facts),
        notices=tuple((words_of_groups(heading), words_of_groups(text)) for heading, text in report.notices),
    )


def words_of_groups(text: str) -> str:
    """A text with groups for arms."""

    def group(found: re.Match[str]) -> str:
        article = (found[1] or "").replace("n ", " ")
        return f"{article}{'G' if found[2] == 'A' else 'g'}roup{found[3]}"

    return _ARM.sub(group, text)


def _answer(answer: Answer) -> Answer:
    return replace(
        answer,
        question=words_of_groups(answer.question),
        headline=words_of_groups(answer.headline),
        details=tuple(words_of_groups(detail) for detail in answer.details),
    )


def _records(records: Records) -> Records:
    columns = tuple(replace(column, heading=words_of_groups(column.heading)) for column in records.columns)
    rows = [_row(row, columns) for row in records.rows]
    return replace(
        records, title=words_of_groups(records.title), lead=words_of_groups(records.lead), columns=columns, rows=rows
    )


def _row(row: Mapping[str, Any], columns: tuple[Column, ...]) -> Mapping[str, Any]:
    """What an effect is of is in our words: session × arm."""
    has = any(column.key == "effect" for column in columns)
    effect = row.get("effect")
    if not has or not isinstance(effect, str):
        return row
    return {**row, "effect": re.sub(r"\barm\b", "group", effect)}


def _section(section: Section) -> Section:
    pictures = tuple(
        replace(picture, title=words_of_groups(picture.title), caption=words_of_groups(picture.caption))
        for picture in section.pictures
    )
    return replace(
        section,
        title=words_of_groups(section.title),
        lead=words_of_groups(section.lead),
        pictures=pictures,
        parts=tuple(_section(part) for part in section.parts),
        folded=tuple(_section(part) for part in section.folded),
    )
