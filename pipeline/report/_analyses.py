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
        return tuple(replace(answer, anchor=self.anchor, source=source) for answer in chosen)


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
    chosen = [(RANKS.get(analysis.how, 5), answer) for analysis in analyses(result) for answer in analysis.chief]
    return tuple(answer for _, answer in sorted(chosen, key=lambda pair: pair[0])[:MOST])


def distinct(answers: Sequence[Answer]) -> tuple[Answer, ...]:
    """Answers at the head of the page; those with one question say in it which analysis or model they are about."""
    asked = Counter(answer.question for answer in answers)
    return tuple(
        replace(answer, question=f"{answer.question} ({answer.source})") if asked[answer.question] > 1 else answer
        for answer in answers
    )


def illustrated(answers: Sequence[Answer], sections: Sequence[Section]) -> tuple[Answer, ...]:
    """The answers, the first of them with a picture of its section: one about what it names, or else the first."""
    if not answers:
        return ()
    first, *others = answers
    drawn = pictures([section for section in sections if section.anchor == first.anchor])
    named = [picture for picture in drawn if (about := picture.title.rpartition(": ")[0]) and about in first.headline]
    if not drawn:
        return tuple(answers)
    return (replace(first, picture=prefixed((named or drawn)[0], "first")), *others)


def analyses(result: StudyResult) -> list[Analysis]:
    """Everything that hands over answers."""
    group: list[tuple[str, str, Delivery]] = [
        (name, result.study.group[name].analysis, delivery) for name, delivery in result.deliveries.items()
    ]
    if result.model_comparison is not None:
        group.insert(0, ("models", "models", result.model_comparison))
    found = [Analysis(name, how, delivery, f"group-{i}-{word(name)}") for i, (name, how, delivery) in enumerate(group)]
    for i, (name, delivery) in enumerate(result.predictions.items()):
        found.append(Analysis(name, "predict", delivery, f"predict-{i}-{word(name)}"))
    if result.statistics is not None:
        found.append(Analysis("statistics", "statistics", result.statistics, "statistics"))
    return found


def _sections(result: StudyResult, kind: str) -> tuple[Section, ...]:
    told = {(answer.anchor, answer.question) for answer in chief_answers(result)}
    return tuple(_section(analysis, told) for analysis in analyses(result) if analysis.anchor.split("-")[0] == kind)


def _section(analysis: Analysis, told: Container[tuple[str, str]]) -> Section:
    """All of an analysis but the answers that are told at the head of the page."""
    delivery, anchor = analysis.delivery, analysis.anchor
    title = delivery.title if analysis.how == "statistics" else f"{analysis.name}: {delivery.title}"
    tables = [replace(records, name=f"{anchor}-{records.name}") for records in delivery.records]
    return Section(
        title,
        delivery.subtitle,
        answers=tuple(answer for answer in delivery.answers if (anchor, answer.question) not in told),
        notices=delivery.notices,
        parts=tuple(drawn(section, anchor) for section in delivery.draw()),
        tables=tuple(records.table() for records in tables if len(records.rows) <= LONG),
        folded=(*(fold(records) for records in tables if len(records.rows) > LONG), _made(delivery, anchor)),
        anchor=anchor,
    )


def _made(delivery: Delivery, anchor: str) -> Section:
    rows = [{"term": term, "what": what} for term, what in delivery.facts]
    return fold(Records(f"{anchor}-made", "How this analysis was made", "", MADE, rows))


def drawn(section: Section, prefix: str) -> Section:
    """The section with pictures under names that no other has."""
    return replace(section, pictures=tuple(prefixed(picture, prefix) for picture in section.pictures))


def prefixed(picture: Picture, prefix: str) -> Picture:
    """The picture under a name that no other analysis has, ids within it included."""
    name = f"{prefix}-{picture.name}"
    if not isinstance(picture.figure, Markup):
        return replace(picture, name=name)
    before = re.escape(picture.name)
    text = re.sub(rf'(\bid="|href="#|url\(#){before}-', lambda found: f"{found[1]}{name}-", str(picture.figure))
    return replace(picture, name=name, figure=Markup(text))
