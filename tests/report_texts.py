"""Everything that a report of an analysis says in words, for tests of what it may not say."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.page import AnalysisReport, Section


def report_texts(report: AnalysisReport) -> list[str]:
    """Titles, facts, notices, answers, headings and leads of tables, captions; not what is in the tables."""
    said = [report.title, report.subtitle]
    said += [part for fact in (*report.facts, *report.notices) for part in fact]
    said += [part for answer in report.answers for part in (answer.question, answer.headline, *answer.details)]
    said += [part for records in report.records for part in (records.title, records.lead)]
    said += [column.heading for records in report.records for column in records.columns]
    return said + [text for section in report.draw() for text in _section_texts(section)]


def _section_texts(section: Section) -> Iterator[str]:
    yield from (section.title, section.lead)
    for picture in section.pictures:
        yield from (picture.title, picture.caption)
    for part in (*section.parts, *section.folded):
        yield from _section_texts(part)
