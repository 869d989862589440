"""The report on disk: the page, its tables and its pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..common import release, write_json, write_text
from ..page import Page, Picture, Section, pictures, write_page
from ._analyses import DELIVERED
from ._page import study_page, study_records
from ._result import Extra, StudyResult


def write_report(result: StudyResult, path: Path, extra: Extra | None = None) -> list[Path]:
    """Write the page; beside it tables/*.tsv, figures/*.svg and a JSON file of the page's name. Every file written.

    Arguments:
        result: the study.
        path: of the page, such as ``OUT/report.html``.
        extra: what goes right after the summary.
    """
    page = study_page(result, extra)
    written = [_write_picture(picture, path.parent / "figures") for picture in _own(page)]
    tables = [*study_records(result), *(() if extra is None else extra.records)]
    for records in tables:
        records.write(path.parent / "tables")
        written.append(path.parent / "tables" / f"{records.name}.tsv")
    content: dict[str, Any] = {
        "effconn": release(),
        "study": page.title,
        "answers": [
            {
                "question": answer.question,
                "verdict": answer.verdict,
                "answer": answer.headline,
                "analysis": answer.source,
            }
            for answer in (*page.answers, *(() if extra is None else extra.answers))
        ],
        "methods": list(page.methods),
        **{records.name: records.plain() for records in tables},
    }
    write_json(path.with_suffix(".json"), content)
    return [*written, path.with_suffix(".json"), write_page(page, path)]


def _own(page: Page) -> list[Picture]:
    """Pictures drawn for this page; those of analyses, predictions and statistics lie with them."""
    own: list[Section] = [section for section in page.sections if section.anchor.split("-")[0] not in DELIVERED]
    return pictures(own)


def _write_picture(picture: Picture, folder: Path) -> Path:
    path = folder / f"{picture.name}.svg"
    write_text(path, picture.document)
    return path
