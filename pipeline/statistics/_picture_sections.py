"""The pictures of the statistics, each with a caption that says what to look for in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from features import Correlation

from ..page import Picture, Section
from ._cohort import StudyParticipants
from ._correlations import Association, VariableChecks
from ._figures import ForestRow, forest_figure, scores_figure
from ._number_text import percent, with_interval
from ._outcomes import OutcomeResult

MOST = 24  # rows of a picture

Groups = list[tuple[str, list[ForestRow]]]


def scores_section(results: Sequence[OutcomeResult], participants: StudyParticipants) -> Section:
    """A picture for each outcome."""
    return Section(
        "Scores before and after",
        "Each line is a participant. Above each arm stands its mean change with the paired t interval.",
        tuple(
            Picture(
                f"scores-{number}",
                f"{one.scores.name} by arm and session",
                _scores_caption(one),
                scores_figure(one, participants),
            )
            for number, one in enumerate(results)
        ),
    )


def correlations_section(found: Sequence[Association], level: float) -> Section:
    """Every measure's correlations with the scores."""
    groups: Groups = [(f"change of {one.name}", _rows(one.found)) for one in found if one.found]
    shown, left = _within(groups)
    return Section(
        "What goes with the change of measures",
        "Each row is a score; the interval is that of a bootstrap over participants.",
        (
            Picture(
                "correlations",
                "Correlations with scores",
                "Intervals are wide where participants are few: look at how far they reach as much as at where they "
                f"lie. Filled: the {percent(level)} interval excludes zero, before any adjustment for the number of "
                f"rows. Pearson and Spearman far apart: a few participants make the correlation.{left}",
                forest_figure(shown, level),
            ),
        ),
    )


def checks_section(found: Sequence[VariableChecks], level: float) -> Section:
    """Every null check."""
    groups: Groups = [
        (
            one.name,
            _rows([check.found for check in one.found], {check.found.name: check.detectable for check in one.found}),
        )
        for one in found
        if one.found
    ]
    shown, left = _within(groups)
    return Section(
        "What should not go together",
        "Correlations with what a measure or a score should not depend on.",
        (
            Picture(
                "null-checks",
                "Null checks",
                "Intervals should lie about zero. The grey band is where a correlation would go unseen in more than "
                f"two of ten studies of this size: a check inside it says little.{left}",
                forest_figure(shown, level),
            ),
        ),
    )


def _scores_caption(one: OutcomeResult) -> str:
    found = one.model.change.difference
    return (
        "Look for lines that run alike within an arm, and for a mean that falls or rises more in one arm than in the "
        f"other. The arms' changes differ by {with_interval(found.estimate, found.low, found.high, one.scores.unit)}. "
        "Means are the mixed model's, with Wald intervals."
    )


def _rows(found: Sequence[Correlation], blind: Mapping[str, float] | None = None) -> list[ForestRow]:
    spearman = {one.name: one for one in found if one.kind == "spearman"}
    unseen = blind or {}  # columns differ in how many participants have them
    return [
        ForestRow(one.name, one, spearman[one.name], unseen.get(one.name)) for one in found if one.kind == "pearson"
    ]


def _within(groups: Groups) -> tuple[Groups, str]:
    """As many rows as a picture has room for, the largest correlations first to stay; and words for the rest."""
    every = [(number, row) for number, (_, rows) in enumerate(groups) for row in rows]
    if len(every) <= MOST:
        return groups, ""
    ranked = sorted(every, key=lambda pair: -abs(pair[1].pearson.r))[:MOST]
    kept = {(number, row.label) for number, row in ranked}
    shown = [(title, [row for row in rows if (k, row.label) in kept]) for k, (title, rows) in enumerate(groups)]
    return (
        [(title, rows) for title, rows in shown if rows],
        f" Only the {MOST} largest of {len(every)} are drawn, so that what is seen is larger than what is there.",
    )
