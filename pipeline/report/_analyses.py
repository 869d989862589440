"""Group analyses, predictions and statistics as sections of the report, as each hands over what it found."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from ..group import word
from ..page import Answer, Column, Delivery, Picture, Records, Section, pictures
from ._fold import fold
from ._result import StudyResult

LONG = 14  # rows of a table that opens when asked for
MOST = 8  # answers at the head of the page
MADE = (Column("term", "What"), Column("what", "How"))


RANKS = {"statistics": 0, "arms": 1, "predict": 2, "leave-one-out": 3, "permute": 3, "fit": 4}  # of answers
DELIVERED = ("group", "predict", "statistics")  # how anchors of their sections start
ROADS = {"predict": "Prediction", "statistics": "Statistics"}  # what a section that is no analysis is called


@dataclass(frozen=True, eq=False)
class Analysis:
    """One analysis, prediction or the statistics.

    Fields:
        name: in the configuration.
        how: its kind.
        delivery: what it hands over.
        anchor: of its section; a word of our own that no other has.
    """

    name: str
    how: str
    delivery: Delivery
    anchor: str

    @property
    def chief(self) -> tuple[Answer, ...]:
        """Answers that may stand at the head: a fit's first is about the mean, which says little of treatment."""
        answers = self.delivery.answers
        if self.how in ("predict", "statistics"):
            answers = answers[:1]  # the others are for who reads on
        chosen = answers[1:] if self.how == "fit" and len(answers) > 1 else answers
        source = f"{ROADS.get(self.how, 'Analysis')} {self.name}" if self.how != "statistics" else "Statistics"
        return tuple(replace(one, anchor=self.anchor, source=source) for one in chosen)


def analysis_sections(result: StudyResult) -> tuple[Section, ...]:
    """Every group analysis in the order of the configuration, the comparison of models first."""
    return _sections(result, "group")


def prediction_sections(result: StudyResult) -> tuple[Section, ...]:
    """Every prediction in the order of the configuration."""
    return _sections(result, "predict")


def statistics_sections(result: StudyResult) -> tuple[Section, ...]:
    """The statistics of scores, where there are any."""
    return _sections(result, "statistics")


def chief_answers(result: StudyResult) -> tuple[Answer, ...]:
    """Answers for the head of the page: symptoms, arm comparisons, predictions, then effects that are not a mean."""
    chosen = [(RANKS.get(one.how, 5), answer) for one in analyses(result) for answer in one.chief]
    return tuple(answer for _, answer in sorted(chosen, key=lambda pair: pair[0])[:MOST])


def distinct(answers: Sequence[Answer]) -> tuple[Answer, ...]:
    """Answers at the head of the page; those with one question say in it which analysis or model they are about."""
    asked = Counter(one.question for one in answers)
    return tuple(
        replace(one, question=f"{one.question} ({one.source})") if asked[one.question] > 1 else one for one in answers
    )


def illustrated(answers: Sequence[Answer], sections: Sequence[Section]) -> tuple[Answer, ...]:
    """The answers, the first of them with a picture of its section: one about what it names, or else the first."""
    if not answers:
        return ()
    first, *others = answers
    drawn = pictures([one for one in sections if one.anchor == first.anchor])
    named = [one for one in drawn if (about := one.title.rpartition(": ")[0]) and about in first.headline]
    if not drawn:
        return tuple(answers)
    return (replace(first, picture=prefixed((named or drawn)[0], "first")), *others)


def analyses(result: StudyResult) -> list[Analysis]:
    """Everything that hands over answers."""
    group: list[tuple[str, str, Delivery]] = [
        (name, result.study.group[name].analysis, one) for name, one in result.deliveries.items()
    ]
    if result.model_comparison is not None:
        group.insert(0, ("models", "models", result.model_comparison))
    found = [Analysis(name, how, one, f"group-{i}-{word(name)}") for i, (name, how, one) in enumerate(group)]
    for i, (name, one) in enumerate(result.predictions.items()):
        found.append(Analysis(name, "predict", one, f"predict-{i}-{word(name)}"))
    if result.statistics is not None:
        found.append(Analysis("statistics", "statistics", result.statistics, "statistics"))
    return found


def _sections(result: StudyResult, kind: str) -> tuple[Section, ...]:
    told = {(one.anchor, one.question) for one in chief_answers(result)}
    return tuple(_section(one, told) for one in analyses(result) if one.anchor.split("-")[0] == kind)


def _section(one: Analysis, told: Container[tuple[str, str]]) -> Section:
    """All of an analysis but the answers that are told at the head of the page."""
    delivery, anchor = one.delivery, one.anchor
    title = delivery.title if one.how == "statistics" else f"{one.name}: {delivery.title}"
    tables = [replace(one, name=f"{anchor}-{one.name}") for one in delivery.records]
    return Section(
        title,
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
