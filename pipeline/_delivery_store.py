"""What a group analysis hands over, on disk: tables, pictures, posterior, and a file that a report is made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ._atomic import atomic_write
from ._console import plain, write_json
from ._figure_style import save_figure
from ._group_delivery import Delivery, delivery_json
from ._records import Column, Records
from ._report import Answer, Picture, Section
from ._svg import checked_svg

STORED = "delivery.json"
FIGURES = "figures"


class DeliveryError(ValueError):
    """A stored analysis that cannot be read; what and what to do, in one line."""


def store_delivery(delivery: Delivery, folder: Path) -> list[Path]:
    """Write tables, pictures, posteriors, NAME.json, and what `read_delivery` reads; every file written.

    The same delivery gives the same bytes.
    """
    written = [folder / name for name, _ in delivery.save(folder)]
    for records in delivery.records:
        records.write(folder)
        written.append(folder / f"{records.name}.tsv")
    sections = delivery.draw()
    for picture in (picture for section in sections for picture in section.pictures):
        written += _store_picture(picture, folder / FIGURES)
    write_json(folder / f"{delivery.name}.json", delivery_json(delivery))
    content = {
        "name": delivery.name,
        "title": delivery.title,
        "subtitle": delivery.subtitle,
        "answers": [asdict(answer) for answer in delivery.answers],
        "records": [_records_content(records) for records in delivery.records],
        "sections": [_section_content(section) for section in sections],
        "facts": delivery.facts,
        "notices": delivery.notices,
        "summary": delivery.summary,
    }
    text = json.dumps(plain(content), ensure_ascii=False, indent=1) + "\n"
    with atomic_write(folder / STORED) as aside:
        aside.write_text(text, encoding="utf-8", errors="backslashreplace")
    return [*written, folder / f"{delivery.name}.json", folder / STORED]


def read_delivery(folder: Path) -> Delivery:
    """A stored analysis, its pictures as they were drawn; raises `DeliveryError` where it is damaged."""
    path = folder / STORED
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        sections = tuple(_section(one, folder / FIGURES) for one in content["sections"])
        return Delivery(
            name=content["name"],
            title=content["title"],
            subtitle=content["subtitle"],
            answers=tuple(_answer(one) for one in content["answers"]),
            records=tuple(_records(one) for one in content["records"]),
            draw=lambda: sections,
            facts=_pairs(content["facts"]),
            notices=_pairs(content["notices"]),
            summary=content["summary"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DeliveryError(f"{path}: is damaged or absent; run the group stage again (--only group)") from error


def _store_picture(picture: Picture, folder: Path) -> list[Path]:
    save_figure(picture.drawn, folder, picture.name)
    inline = folder / f"{picture.name}.inline.svg"  # with colours that follow a page's theme
    with atomic_write(inline) as aside:
        aside.write_text(str(picture.svg), encoding="utf-8")
    return [folder / f"{picture.name}.svg", folder / f"{picture.name}.png", inline]


def _section_content(section: Section) -> dict[str, Any]:
    shown = [{"name": one.name, "title": one.title, "caption": one.caption} for one in section.pictures]
    return {"title": section.title, "lead": section.lead, "pictures": shown}


def _section(content: Mapping[str, Any], folder: Path) -> Section:
    return Section(content["title"], content["lead"], tuple(_picture(one, folder) for one in content["pictures"]))


def _picture(content: Mapping[str, str], folder: Path) -> Picture:
    name = content["name"]
    if not name.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"{name!r} is no name of a picture")
    text = (folder / f"{name}.inline.svg").read_text(encoding="utf-8")
    return Picture(name, content["title"], content["caption"], Markup(checked_svg(text)))


def _records_content(records: Records) -> dict[str, Any]:
    content = asdict(records) | {"rows": [dict(row) for row in records.rows]}
    return content | {"marked": sorted(records.marked), "sure": sorted(records.sure)}


def _records(content: Mapping[str, Any]) -> Records:
    columns = tuple(Column(**column) for column in content["columns"])
    marked, sure = (frozenset(content[key]) for key in ("marked", "sure"))
    return Records(content["name"], content["title"], content["lead"], columns, content["rows"], marked, sure)


def _answer(content: Mapping[str, Any]) -> Answer:
    return Answer(content["question"], content["verdict"], content["headline"], tuple(content["details"]))


def _pairs(content: Any) -> tuple[tuple[str, str], ...]:
    return tuple((str(first), str(second)) for first, second in content)
