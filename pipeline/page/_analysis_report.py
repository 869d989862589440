"""What a group analysis hands over: tables on the terminal; with a folder, a page, tables, pictures, posterior."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..common import (
    UsageError,
    as_write_error,
    describe_device,
    describe_precision,
    print_line,
    print_message,
    progress,
    release,
    write_json,
)
from ..execution import RECORDS_FOLDER, lock_folder
from ..figures import save_figure
from ._html import Answer, Page, Section, pictures, write_page
from ._records import Records


@dataclass(frozen=True, eq=False)
class AnalysisReport:
    """An analysis, ready to be shown.

    Fields:
        name: of the analysis, such as ``arms``; a word of our own.
        title, subtitle: of the page.
        answers: what was asked and found.
        records: the tables.
        draw: makes the sections of pictures; called only where there is a page.
        facts: how it was made; (term, description).
        notices: what must not be overlooked.
        summary: of the analysis, for JSON.
        save: writes posteriors into a folder and returns (file, what it holds).
    """

    name: str
    title: str
    subtitle: str
    answers: tuple[Answer, ...]
    records: tuple[Records, ...]
    draw: Callable[[], tuple[Section, ...]]
    facts: tuple[tuple[str, str], ...]
    notices: tuple[tuple[str, str], ...] = ()
    summary: dict[str, Any] = field(default_factory=dict)
    save: Callable[[Path], Sequence[tuple[str, str]]] = lambda folder: ()


def print_and_save(report: AnalysisReport, folder: Path | None, json_file: Path | None) -> None:
    """Print the tables and answers; write the page and everything beside it where there is a folder."""
    for records in report.records:
        records.print()
        if records.brief:
            print_line()
    for answer in report.answers:
        print_line(f"{answer.question} {_spoken(answer)}")
    for heading, text in report.notices:
        print_message(f"{heading} {text}")
    if folder is not None:
        print_message(f"page: {_write(report, folder)}")
    if json_file is not None:
        write_json(json_file, report_json(report))


def _spoken(answer: Answer) -> str:
    """The answer with its verdict before it, where it does not begin with it."""
    word = answer.verdict.capitalize()
    begins = answer.headline.lower().startswith("no ") if answer.verdict in ("no difference", "no") else False
    return answer.headline if begins else f"{word}: {answer.headline}"


def check_output_folder(folder: Path | None) -> None:
    """Raises `UsageError` where results cannot go into a folder, and `WriteError` where it cannot be made."""
    if folder is None:
        return
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out {folder} is a file; give a folder")
    with as_write_error(folder):
        folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def hold_output_folder(folder: Path | None) -> Iterator[None]:
    """Holds the folder that results go to, where there is one, against other runs; see `execution.locked`.

    Raises `UsageError` and `WriteError`, before any work, where results cannot go there, and afterwards where the
    folder was removed meanwhile.
    """
    check_output_folder(folder)
    if folder is None:
        yield
        return
    with lock_folder(folder / RECORDS_FOLDER) as held:
        held.remove_unfinished_files(
            folder, folder / "figures", *(Path(directory) for directory, _, _ in os.walk(folder / RECORDS_FOLDER))
        )
        yield
        held.check()


def _write(report: AnalysisReport, folder: Path) -> Path:
    files = list(report.save(folder))
    for records in report.records:
        records.write(folder)
        files.append((f"{records.name}.tsv", records.title))
    sections = report.draw()
    drawn = pictures(sections)
    with progress("drawing") as bar:
        for number, picture in enumerate(drawn):
            save_figure(picture.drawn, folder / "figures", picture.name, picture.document)
            bar(number + 1, len(drawn))
    files.append(("figures/", "every picture as SVG and PNG"))
    return write_page(report_page(report, sections, files), folder / f"{report.name}.html")


def report_page(report: AnalysisReport, sections: tuple[Section, ...], files: Sequence[tuple[str, str]]) -> Page:
    """An analysis as a page of its own.

    Arguments:
        sections: of the report, drawn.
        files: beside the page; (relative path, what it holds).
    """
    made = f"effconn {release()}, {describe_device()}, {describe_precision()}"
    return Page(
        title=report.title,
        subtitle=report.subtitle,
        answers=report.answers,
        sections=sections,
        tables=tuple(records.table() for records in report.records),
        facts=(*report.facts, ("Made by", made)),
        notices=report.notices,
        files=tuple(files),
        contents=True,
        generator=f"effconn {release()}",
    )


def report_json(report: AnalysisReport) -> dict[str, Any]:
    """An analysis as programs read it."""
    return {
        "effconn": release(),
        "analysis": report.name,
        **report.summary,
        **{records.name: records.plain() for records in report.records},
        "answers": [
            {"question": answer.question, "verdict": answer.verdict, "answer": answer.headline}
            for answer in report.answers
        ],
        "made": dict(report.facts),
    }
