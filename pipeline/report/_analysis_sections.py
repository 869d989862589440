"""Group analyses, predictions and statistics as sections of the report, and the answers at its head."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from markupsafe import Markup

from dcm import Diagnostics

from ..figures import LOW_VARIANCE
from ..page import AnalysisReport, Answer, Column, Picture, Records, Section, pictures, slug
from ..verdicts import judge_fits
from ._motion import motion_answer
from ._study_result import StudyResult

LONGEST_OPEN_TABLE = 14  # rows of a table that opens when asked for
MOST_ANSWERS = 8  # answers at the head of the page
FACT_COLUMNS = (Column("term", "What"), Column("what", "How"))


ANSWER_RANKS = {"statistics": 0, "arms": 1, "predict": 2, "leave-one-out": 3, "permute": 3, "fit": 4}  # of answers
ANALYSIS_ANCHORS = ("group", "predict", "statistics")  # how anchors of their sections start
SOURCE_NAMES = {"predict": "Prediction", "statistics": "Statistics"}  # what a section that is no analysis is called


@dataclass(frozen=True, eq=False)
class ReportedAnalysis:
    """One analysis, prediction or the statistics.

    Fields:
        name: in the configuration.
        kind: of the analysis.
        report: what it hands over.
        anchor: of its section; a word of our own that no other has.
        compares_groups: whether the study has groups.
    """

    name: str
    kind: str
    report: AnalysisReport
    anchor: str
    compares_groups: bool = False

    def _is_of_little_news(self, answer: Answer) -> bool:
        """Whether it is about the mean over participants; their mean change is news where there are no groups."""
        asked = answer.question
        return asked.endswith("on average?") and (self.compares_groups or asked.endswith("are there on average?"))

    @property
    def head_answers(self) -> tuple[Answer, ...]:
        """Answers that may stand at the head: those about a mean say little beside others."""
        answers = self.report.answers
        if self.kind in ("predict", "statistics"):
            answers = answers[:1]  # the others are for who reads on
        if self.kind == "fit":
            answers = tuple(answer for answer in answers if not self._is_of_little_news(answer)) or answers
        source = f"{SOURCE_NAMES.get(self.kind, 'Analysis')} {self.name}" if self.kind != "statistics" else "Statistics"
        return tuple(replace(answer, anchor=self.anchor, source=source) for answer in answers)


def analysis_sections(result: StudyResult) -> tuple[Section, ...]:
    """Every group analysis in the order of the configuration, the comparison of models first."""
    return _sections(result, "group")


def prediction_sections(result: StudyResult) -> tuple[Section, ...]:
    """Every prediction in the order of the configuration."""
    return _sections(result, "predict")


def statistics_sections(result: StudyResult) -> tuple[Section, ...]:
    """The statistics of scores, where there are any."""
    return _sections(result, "statistics")


def head_answers(result: StudyResult) -> tuple[Answer, ...]:
    """Answers for the head of the page: scores, comparisons of groups, predictions, then effects that are no mean."""
    chosen = [
        (ANSWER_RANKS.get(analysis.kind, 5), answer)
        for analysis in reported_analyses(result)
        for answer in analysis.head_answers
    ]
    return tuple(answer for _, answer in sorted(chosen, key=lambda pair: pair[0])[:MOST_ANSWERS])


def disambiguate_questions(answers: Sequence[Answer]) -> tuple[Answer, ...]:
    """Answers at the head of the page; those with one question say in it which analysis or model they are about."""
    counts = Counter(answer.question for answer in answers)
    return tuple(
        replace(answer, question=f"{answer.question} ({answer.source})") if counts[answer.question] > 1 else answer
        for answer in answers
    )


def illustrate_first_answer(answers: Sequence[Answer], sections: Sequence[Section]) -> tuple[Answer, ...]:
    """The answers, the first of them with a picture of its section: one about what it names, or else the first."""
    if not answers:
        return ()
    first, *others = answers
    with_picture_names = pictures([section for section in sections if section.anchor == first.anchor])
    about_this = [
        picture
        for picture in with_picture_names
        if (about := picture.title.rpartition(": ")[0]) and about in first.headline
    ]
    if not with_picture_names:
        return tuple(answers)
    return (replace(first, picture=with_picture_name((about_this or with_picture_names)[0], "first")), *others)


def reported_analyses(result: StudyResult) -> list[ReportedAnalysis]:
    """Everything that hands over answers."""
    group: list[tuple[str, str, AnalysisReport]] = [
        (name, result.study.group[name].analysis, report) for name, report in result.analyses.items()
    ]
    compared = [(f"models {name}".strip(), "models", report) for name, report in result.comparisons.items()]
    group = [*compared, *group]
    found = [
        ReportedAnalysis(name, kind, report, f"group-{i}-{slug(name)}", bool(result.words.groups))
        for i, (name, kind, report) in enumerate(group)
    ]
    for i, (name, report) in enumerate(result.predictions.items()):
        found.append(ReportedAnalysis(name, "predict", report, f"predict-{i}-{slug(name)}"))
    if result.statistics is not None:
        found.append(ReportedAnalysis("statistics", "statistics", result.statistics, "statistics"))
    return found


def _sections(result: StudyResult, kind: str) -> tuple[Section, ...]:
    at_head = {(answer.anchor, answer.question) for answer in head_answers(result)}
    return tuple(
        _section(analysis, at_head) for analysis in reported_analyses(result) if analysis.anchor.split("-")[0] == kind
    )


def _section(analysis: ReportedAnalysis, at_head: Container[tuple[str, str]]) -> Section:
    """All of an analysis except the answers that are shown at the head of the page."""
    report, anchor = analysis.report, analysis.anchor
    title = report.title if analysis.kind == "statistics" else f"{analysis.name}: {report.title}"
    tables = [replace(records, name=f"{anchor}-{records.name}") for records in report.records]
    return Section(
        title,
        report.subtitle,
        answers=tuple(answer for answer in report.answers if (anchor, answer.question) not in at_head),
        notices=report.notices,
        parts=tuple(with_picture_names(section, anchor) for section in report.draw()),
        tables=tuple(records.table() for records in tables if len(records.rows) <= LONGEST_OPEN_TABLE),
        folded=(
            *(records.collapsible() for records in tables if len(records.rows) > LONGEST_OPEN_TABLE),
            _facts_table(report, anchor),
        ),
        anchor=anchor,
    )


def _facts_table(report: AnalysisReport, anchor: str) -> Section:
    rows = [{"term": term, "what": what} for term, what in report.facts]
    return Records(f"{anchor}-made", "How this analysis was made", "", FACT_COLUMNS, rows).collapsible()


def with_picture_names(section: Section, prefix: str) -> Section:
    """The section with pictures under names that no other has."""
    return replace(section, pictures=tuple(with_picture_name(picture, prefix) for picture in section.pictures))


def with_picture_name(picture: Picture, prefix: str) -> Picture:
    """The picture under a name that no other analysis has, ids within it included."""
    name = f"{prefix}-{picture.name}"
    if not isinstance(picture.figure, Markup):
        return replace(picture, name=name)
    before = re.escape(picture.name)
    text = re.sub(rf'(\bid="|href="#|url\(#){before}-', lambda found: f"{found[1]}{name}-", str(picture.figure))
    return replace(picture, name=name, figure=Markup(text))


def summary_answers(result: StudyResult, fits: Mapping[str, Mapping[str, Diagnostics]]) -> tuple[Answer, ...]:
    """The group's answers first, then whether to trust them; `fits` are by DCM and visit."""
    quality = [_explained_variance_answer(view, fits.get(view.dcm_name, {})) for view in result.of_each_dcm]
    return disambiguate_questions(
        (*head_answers(result), *quality, *(answer for answer in [motion_answer(result)] if answer is not None))
    )


def _explained_variance_answer(result: StudyResult, fits: Mapping[str, Diagnostics]) -> Answer:
    """Whether the inversions say something."""
    expected = len(result.sessions) * len(result.participants)
    question = f"Do the models explain the data{f' ({result.dcm_name})' if result.dcm_name else ''}?"
    if not fits:
        return Answer(question, "no", "No visit has a posterior.", anchor="participants", source="What is missing")
    explained = np.array([diagnostics.explained_variance_total for diagnostics in fits.values()])
    warned = sum(bool(diagnostics.warnings) for diagnostics in fits.values())
    headline = (
        f"Median {np.median(explained):.0f} % explained variance (mean removed), from {explained.min():.0f} to "
        f"{explained.max():.0f} %; "
        f"{len(fits)} of {expected} visits have a posterior."
    )
    low = int((explained < LOW_VARIANCE).sum())
    detail = "No visit has a warning."
    if warned:
        verb = "visit has" if warned == 1 else "visits have"
        detail = f"{warned} {verb} warnings; {low} with less than {LOW_VARIANCE:g} % explained variance."
    verdict = judge_fits(warned, len(fits), expected)
    return Answer(question, verdict, headline, (detail,), anchor=f"fits{result.dcm_mark}", source="Every visit")
