"""The group analyses as sections of the report, as each of them hands over its tables, pictures and answers."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import replace

from markupsafe import Markup

from .._group_delivery import Delivery
from .._group_pictures import word
from .._records import Column, Records
from .._report import Answer, Picture, Section
from ._fold import fold
from ._result import StudyResult

LONG = 14  # rows of a table that opens when asked for
MOST = 8  # answers at the head of the page
MADE = (Column("term", "What"), Column("what", "How"))


def analysis_sections(result: StudyResult) -> tuple[Section, ...]:
    """Every analysis in the order of the configuration, the comparison of models first."""
    told = {(one.anchor, one.question) for one in chief_answers(result)}
    return tuple(_section(name, one, anchor, told) for name, one, anchor in _analyses(result))


def chief_answers(result: StudyResult) -> tuple[Answer, ...]:
    """Answers for the head of the page: arm comparisons, then predictions, then effects that are not a mean."""
    chosen: list[tuple[int, Answer]] = []
    for name, delivery, anchor in _analyses(result):
        how = result.study.group[name].analysis if name in result.study.group else "models"
        rank = {"arms": 0, "leave-one-out": 1, "permute": 1, "fit": 2}.get(how, 3)
        chosen += [(rank, replace(one, anchor=anchor, source=f"Analysis {name}")) for one in _chief(delivery, how)]
    return tuple(answer for _, answer in sorted(chosen, key=lambda pair: pair[0])[:MOST])


def _analyses(result: StudyResult) -> list[tuple[str, Delivery, str]]:
    """Name, delivery, and the anchor of its section: a word of our own that no other has."""
    found = list(result.deliveries.items())
    if result.model_comparison is not None:
        found.insert(0, ("models", result.model_comparison))
    return [(name, one, f"group-{number}-{word(name)}") for number, (name, one) in enumerate(found)]


def _chief(delivery: Delivery, how: str) -> tuple[Answer, ...]:
    """A fit's first answer is about the mean, which says little of treatment."""
    return delivery.answers[1:] if how == "fit" and len(delivery.answers) > 1 else delivery.answers


def _section(name: str, delivery: Delivery, anchor: str, told: Container[tuple[str, str]]) -> Section:
    """All of an analysis but the answers that are told at the head of the page."""
    tables = [replace(one, name=f"{anchor}-{one.name}") for one in delivery.records]
    return Section(
        f"{name}: {delivery.title}",
        delivery.subtitle,
        answers=tuple(one for one in delivery.answers if (anchor, one.question) not in told),
        notices=delivery.notices,
        parts=tuple(drawn(one, anchor) for one in delivery.draw()),
        tables=tuple(one.table() for one in tables if len(one.rows) <= LONG),
        folded=(*(fold(one) for one in tables if len(one.rows) > LONG), _made(delivery, anchor)),
        anchor=anchor,
    )


def _made(delivery: Delivery, anchor: str) -> Section:
    rows = [{"term": term, "what": what} for term, what in delivery.facts]
    return fold(Records(f"{anchor}-made", "How this analysis was made", "", MADE, rows))


def drawn(section: Section, prefix: str) -> Section:
    """The section with pictures under names that no other has."""
    return replace(section, pictures=tuple(prefixed(one, prefix) for one in section.pictures))


def prefixed(picture: Picture, prefix: str) -> Picture:
    """The picture under a name that no other analysis has, ids within it included."""
    name = f"{prefix}-{picture.name}"
    if not isinstance(picture.figure, Markup):
        return replace(picture, name=name)
    before = re.escape(picture.name)
    text = re.sub(rf'(\bid="|href="#|url\(#){before}-', lambda found: f"{found[1]}{name}-", str(picture.figure))
    return replace(picture, name=name, figure=Markup(text))
