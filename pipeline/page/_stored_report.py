"""What a group analysis hands over, on disk: tables, pictures, posterior, and a file that a report is made from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from markupsafe import Markup

from ..common import JsonError, read_json, write_json, write_text
from ..figures import checked_svg, save_figure
from ..verdicts import Verdict
from ._analysis_report import AnalysisReport, report_json
from ._html import Answer, Picture, Section
from ._records import EFFECT, PROBABILITY, SPREAD, Column, Records

REPORT_FILE = "delivery.json"
FIGURES = "figures"
_NAMED = ("", EFFECT, PROBABILITY, SPREAD)
_FORM = re.compile(r"[+]?,?(\.[0-9]{1,2})?[defg%]")


class AnalysisReportError(ValueError):
    """A stored analysis that cannot be read; what and what to do, in one line."""


def save_report(report: AnalysisReport, folder: Path) -> list[Path]:
    """Write tables, pictures, posteriors, NAME.json, and what `read_report` reads; every file written.

    The same report gives the same bytes.
    """
    written = [folder / name for name, _ in report.save(folder)]
    for records in report.records:
        records.write(folder)
        written.append(folder / f"{records.name}.tsv")
    sections = report.draw()
    for picture in (picture for section in sections for picture in section.pictures):
        written += _store_picture(picture, folder / FIGURES)
    write_json(folder / f"{report.name}.json", report_json(report))
    content = {
        "name": report.name,
        "title": report.title,
        "subtitle": report.subtitle,
        "answers": [asdict(answer) for answer in report.answers],
        "records": [_records_content(records) for records in report.records],
        "sections": [_section_content(section) for section in sections],
        "facts": report.facts,
        "notices": report.notices,
        "summary": report.summary,
    }
    write_json(folder / REPORT_FILE, content)
    return [*written, folder / f"{report.name}.json", folder / REPORT_FILE]


def read_report(folder: Path) -> AnalysisReport:
    """A stored analysis, its pictures as they were drawn; raises `AnalysisReportError` where it is damaged."""
    path = folder / REPORT_FILE
    try:
        content = read_json(path)
        sections = tuple(_section(section, folder / FIGURES) for section in content["sections"])
        return AnalysisReport(
            name=_text(content["name"]),
            title=_text(content["title"]),
            subtitle=_text(content["subtitle"]),
            answers=tuple(_answer(answer) for answer in content["answers"]),
            records=tuple(_records(table) for table in content["records"]),
            draw=lambda: sections,
            facts=_pairs(content["facts"]),
            notices=_pairs(content["notices"]),
            summary=dict(content["summary"]),
        )
    except Exception as error:  # a report shows it all, so that whatever cannot be shown is damage
        what = f" ({error})" if isinstance(error, JsonError) else ""
        raise AnalysisReportError(
            f"{path}: is damaged or absent{what}; run the group stage again (--only group)"
        ) from error


def _store_picture(picture: Picture, folder: Path) -> list[Path]:
    save_figure(picture.drawn, folder, picture.name, picture.document)
    inline = folder / f"{picture.name}.inline.svg"  # with colours that follow a page's theme
    write_text(inline, str(picture.svg))
    return [folder / f"{picture.name}.svg", folder / f"{picture.name}.png", inline]


def _section_content(section: Section) -> dict[str, Any]:
    shown = [{"name": picture.name, "title": picture.title, "caption": picture.caption} for picture in section.pictures]
    return {"title": section.title, "lead": section.lead, "pictures": shown}


def _section(content: Mapping[str, Any], folder: Path) -> Section:
    shown = tuple(_picture(picture, folder) for picture in content["pictures"])
    return Section(_text(content["title"]), _text(content["lead"]), shown)


def _picture(content: Mapping[str, str], folder: Path) -> Picture:
    name = content["name"]
    if not name.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"{name!r} is no name of a picture")
    text = (folder / f"{name}.inline.svg").read_text(encoding="utf-8")
    return Picture(name, _text(content["title"]), _text(content["caption"]), Markup(checked_svg(text)))


def _records_content(records: Records) -> dict[str, Any]:
    content = asdict(records) | {"rows": [dict(row) for row in records.rows]}
    return content | {"marked": sorted(records.marked), "sure": sorted(records.sure)}


def _records(content: Mapping[str, Any]) -> Records:
    columns = tuple(_column(column) for column in content["columns"])
    odd = [column.form for column in columns if column.form not in _NAMED and not _FORM.fullmatch(column.form)]
    if odd:
        raise ValueError(f"{odd[0]!r} is no form of a number")
    marked, sure = (frozenset(map(int, content[key])) for key in ("marked", "sure"))
    name, title, lead = (_text(content[key]) for key in ("name", "title", "lead"))
    records = Records(name, title, lead, columns, content["rows"], marked, sure)
    records.table()  # raises where a cell is not of its column's form
    return records


def _column(content: Mapping[str, Any]) -> Column:
    if content["where"] not in ("everywhere", "file"):
        raise ValueError(f"{content['where']!r} is no place of a column")
    return Column(_text(content["key"]), _text(content["heading"]), _text(content["form"]), content["where"])


def _answer(content: Mapping[str, Any]) -> Answer:
    if content["verdict"] not in get_args(Verdict):
        raise ValueError(f"{content['verdict']!r} is no verdict")
    details = tuple(map(_text, content["details"]))
    return Answer(_text(content["question"]), content["verdict"], _text(content["headline"]), details)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _pairs(content: Any) -> tuple[tuple[str, str], ...]:
    return tuple((str(first), str(second)) for first, second in content)
