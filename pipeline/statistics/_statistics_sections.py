"""The pictures of the statistics, each with a caption that says what to look for in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from features import Correlation

from ..common import with_article
from ..page import Picture, Section
from ._correlations import Association, VariableChecks
from ._interval_text import percent, with_interval
from ._outcomes import OutcomeResult
from ._participant_scores import ParticipantScores
from ._statistics_figures import ForestRow, forest_figure, scores_figure

MOST = 24  # rows of a picture

Groups = list[tuple[str, list[ForestRow]]]


def scores_section(results: Sequence[OutcomeResult], participants: ParticipantScores) -> Section:
    """A picture for each outcome."""
    return Section(
        "Scores before and after",
        f"Each line is a participant. Above each {participants.group_word} stands its mean change with the paired t "
        "interval.",
        tuple(
            Picture(
                f"scores-{number}",
                f"{result.scores.name} by {participants.group_word} and session",
                _scores_caption(result, participants.group_word),
                scores_figure(result, participants),
            )
            for number, result in enumerate(results)
        ),
    )


def correlations_section(associations: Sequence[Association], level: float) -> Section:
    """Every measure's correlations with the scores."""
    groups: Groups = [
        (f"change of {association.name}", _rows(association.correlations))
        for association in associations
        if association.correlations
    ]
    shown, left = _largest(groups)
    return Section(
        "Correlations with the change of measures",
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


def checks_section(checked: Sequence[VariableChecks], level: float) -> Section:
    """Every null check."""
    groups: Groups = [
        (
            variable.name,
            _rows(
                [check.correlation for check in variable.checks],
                {check.correlation.name: check.detectable for check in variable.checks},
            ),
        )
        for variable in checked
        if variable.checks
    ]
    shown, left = _largest(groups)
    return Section(
        "Null checks: correlations that should not be there",
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


def _scores_caption(result: OutcomeResult, word: str) -> str:
    difference, unit = result.model.change.difference, result.scores.unit
    return (
        f"Look for lines that run alike within {with_article(word)}, and for a mean that falls or rises more in one "
        f"{word} than in the other. The {word}s' changes differ by "
        f"{with_interval(difference.estimate, difference.low, difference.high, unit)}. "
        "Means are the mixed model's, with Wald intervals."
    )


def _rows(correlations: Sequence[Correlation], blind: Mapping[str, float] | None = None) -> list[ForestRow]:
    spearman = {correlation.name: correlation for correlation in correlations if correlation.kind == "spearman"}
    unseen = blind or {}  # columns differ in how many participants have them
    return [
        ForestRow(correlation.name, correlation, spearman[correlation.name], unseen.get(correlation.name))
        for correlation in correlations
        if correlation.kind == "pearson"
    ]


def _largest(groups: Groups) -> tuple[Groups, str]:
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
