"""Session × arm on each outcome: models, tables and answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from features import MixedModel, mixed_model

from ..bids import SessionScores
from ..page import EFFECT, PROBABILITY, SPREAD, Answer, Column, Records
from ..tables import numbers_text, p_words
from ..verdicts import is_significant, judge_p_value
from ._interval_text import percent, t_test_text, with_interval
from ._participant_scores import ParticipantScores

EFFECTS = (
    Column("outcome", "Outcome"),
    Column("effect", "Effect"),
    Column("estimate", "Estimate", EFFECT),
    Column("low", "from", EFFECT),
    Column("high", "to", EFFECT),
    Column("unit", "Unit"),
    Column("test", "Test"),
    Column("statistic", "Statistic", ".2f"),
    Column("df", "df", "d"),
    Column("p_value", "p", PROBABILITY),
    Column("people", "n", "d"),
)


@dataclass(frozen=True, eq=False)
class OutcomeResult:
    """A score at both sessions, and what its model says."""

    scores: SessionScores
    model: MixedModel


def outcome_results(participants: ParticipantScores, level: float) -> tuple[OutcomeResult, ...]:
    """The mixed model of every outcome."""
    return tuple(
        OutcomeResult(scores, mixed_model(scores.before, scores.after, participants.arm, participants.arms, level))
        for scores in participants.outcomes
    )


def outcome_records(
    results: Sequence[OutcomeResult], participants: ParticipantScores, level: float
) -> tuple[Records, Records]:
    """Effects with their tests, and the means they are about."""
    (first, second), word = participants.arms, participants.group_word
    means = (
        Column("outcome", "Outcome"),
        Column("arm", word.capitalize()),
        Column("session", "Session"),
        Column("people", "n", "d"),
        Column("mean", "Mean", SPREAD),
        Column("sd", "SD", SPREAD),
        Column("estimate", "By the model", SPREAD),
        Column("low", "from", SPREAD),
        Column("high", "to", SPREAD),
        Column("unit", "Unit"),
    )
    return (
        Records(
            "outcomes",
            f"Effects of session and {word} on scores",
            f"Estimates with {percent(level)} intervals. Session: after − before, both {word}s weighing the same. "
            f"{word.capitalize()}: {first} − {second}, both sessions weighing the same. Session × {word}: change in "
            f"{first} − change in {second}. The mixed model's tests are Wald's, which are too sure of themselves where "
            "participants are few; the t test of changes is the one of the interaction that holds for small numbers.",
            EFFECTS,
            [row for result in results for row in _effect_rows(result, word)],
        ),
        Records(
            "outcome-means",
            f"Scores by {word} and session",
            "As observed, and as the mixed model has them, which allows for participants who lack one session.",
            means,
            [row for result in results for row in _mean_rows(result, participants)],
        ),
    )


def outcome_answers(results: Sequence[OutcomeResult], participants: ParticipantScores) -> tuple[Answer, ...]:
    """Did each score change differently in the two groups?"""
    return tuple(_answer(result, participants) for result in results)


def outcome_notices(results: Sequence[OutcomeResult]) -> list[tuple[str, str]]:
    """What must be known of the fits."""
    lines = [(f"{result.scores.name}:", f"{note}.") for result in results for note in result.model.notes]
    if len(results) > 1:
        lines.append(
            (
                "Several outcomes:",
                f"the p of {len(results)} outcomes are not adjusted for each other; say beforehand which one counts.",
            )
        )
    return lines


def _effect_rows(result: OutcomeResult, word: str) -> Iterator[dict[str, Any]]:
    model, change = result.model, result.model.change
    about = {"outcome": result.scores.name, "unit": result.scores.unit, "people": model.participants}
    for name, effect in zip(("session", word, f"session × {word}"), model.effects, strict=True):
        yield about | {
            "effect": name,
            **_numbers(effect),
            "test": "mixed model, Wald z",
            "statistic": effect.z,
            "df": None,
        }
    t_tests = (
        (f"session × {word}", change.difference, "t test of changes", model.complete),
        *((f"change in {arm.arm}", arm.mean, "paired t test", arm.participants) for arm in change.arms),
    )
    for effect_name, found, test, count in t_tests:
        yield about | {
            "effect": effect_name,
            **_numbers(found),
            "test": test,
            "statistic": found.t,
            "df": found.df,
            "people": count,
        }
    size = change.effect_size
    yield about | {
        "effect": f"session × {word}, Hedges g",
        "estimate": size.g,
        "low": size.low,
        "high": size.high,
        "p_value": None,
        "unit": "SD of change",
        "test": "noncentral t",
        "statistic": None,
        "df": change.difference.df,
        "people": model.complete,
    }


def _numbers(found: Any) -> dict[str, float]:
    return {key: getattr(found, key) for key in ("estimate", "low", "high", "p_value")}


def _mean_rows(result: OutcomeResult, participants: ParticipantScores) -> Iterator[dict[str, Any]]:
    label = dict(zip(("before", "after"), participants.sessions, strict=True))
    for cell in result.model.cells:
        numbers = {key: getattr(cell, key) for key in ("mean", "sd", "estimate", "low", "high")}
        about = {"outcome": result.scores.name, "session": label[cell.session], "unit": result.scores.unit}
        yield {**about, "arm": cell.arm, "people": cell.participants, **numbers}


def _answer(result: OutcomeResult, participants: ParticipantScores) -> Answer:
    model, unit = result.model, result.scores.unit
    difference = model.change.difference
    first, second = model.change.arms
    changes = [first.mean.estimate, second.mean.estimate]
    by_first, by_second = numbers_text(changes, (difference.high - difference.low) / 4)
    return Answer(
        f"Did {result.scores.name} change differently in {participants.arms[0]} and {participants.arms[1]}?",
        judge_p_value(difference.p_value),  # by the t test, which holds for small numbers, not Wald's
        f"It changed by {by_first} {unit} in {first.arm} and by "
        f"{by_second} in {second.arm}: a difference of "
        f"{with_interval(difference.estimate, difference.low, difference.high, level=model.level)}, "
        f"{t_test_text(difference.t, difference.df, difference.p_value)}.",
        (*_details(result, participants.group_word), *_caution(is_significant(difference.p_value), model.level)),
    )


def _details(result: OutcomeResult, word: str) -> Iterator[str]:
    model, unit = result.model, result.scores.unit
    found, size, session = model.interaction, model.change.effect_size, model.effects[0]
    yield (
        f"Mixed model of {model.participants} participants, {model.complete} of them with both sessions: session "
        f"× {word} {with_interval(found.estimate, found.low, found.high, unit)}, Wald {p_words(found.p_value)}."
    )
    yield (
        f"Over both {word}s it changed by {with_interval(session.estimate, session.low, session.high, unit)}, "
        f"Wald {p_words(session.p_value)}."
    )
    yield f"Hedges g of the difference: {with_interval(size.g, size.low, size.high)}, in SD of a change."


def _caution(found: bool, level: float) -> Iterator[str]:
    if not found:
        yield f"Not shown is not shown to be absent: differences within the {percent(level)} interval remain possible."
