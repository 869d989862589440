"""The participants of a study as the statistics see them, and the table that describes them by arm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from features import CategoryCount, CohortRow, NumberSummary, cohort_by_arm

from ..bids import Inventory, SessionScores, participant_column, participant_numbers, scored_sessions, session_scores
from ..page import Column, Records
from ..study import Statistics, Study
from ..tables import numbers_text


@dataclass(frozen=True, eq=False)
class ParticipantScores:
    """Participants in the order of the inventory.

    Fields:
        names: with prefix.
        arms: both, the first coded +1.
        arm: +1 or −1 for each participant.
        sessions: labels, before and after.
        outcomes: scores at both sessions.
        subscales, null_checks: numbers, NaN where missing.
        cohort: numbers, or texts with "" where missing.
        units: of scores, by name.
        group_word: what one of the two is called: an arm, in a trial.
    """

    names: tuple[str, ...]
    arms: tuple[str, str]
    arm: Float[np.ndarray, "participant"]
    sessions: tuple[str, str]
    outcomes: tuple[SessionScores, ...]
    subscales: Mapping[str, Float[np.ndarray, "participant"]]
    null_checks: Mapping[str, Float[np.ndarray, "participant"]]
    cohort: Mapping[str, Float[np.ndarray, "participant"] | tuple[str, ...]]
    units: Mapping[str, str]
    group_word: str = "arm"


def participant_scores(study: Study, inventory: Inventory, how: Statistics) -> ParticipantScores:
    """What `[statistics]` asks for; raises `DataError` for what `check_statistics` would have reported."""
    participants, (first, second) = inventory.participants, study.participants.group_names
    return ParticipantScores(
        names=tuple(participant.name for participant in participants),
        arms=(first, second),
        arm=np.array([1.0 if participant.group == first else -1.0 for participant in participants]),
        sessions=scored_sessions(study),
        outcomes=session_scores(study, inventory, how.outcomes),
        subscales={name: participant_numbers(inventory, name) for name in how.subscales},
        null_checks={name: participant_numbers(inventory, name) for name in how.null_checks},
        cohort={name: participant_column(inventory, name) for name in how.cohort},
        units={name: score.unit for name, score in study.scores.items()},
        group_word=study.participants.group_word,
    )


LEAD = (
    "Numbers: mean ± SD (median, quartiles). Categories: count (share of those who are known). The standardised "
    "difference is {first} − {second} in standard deviations. There are no p values: {why}"
)
_WHY = {
    "arm": "where participants were randomised, any difference is chance, and what counts is whether it is large "
    "enough to matter for the outcome.",
    "group": "what counts is whether a difference is large enough to matter for what is compared.",
}


def cohort_records(participants: ParticipantScores) -> Records:
    """A row for each number, and for each category of a text."""
    first, second = participants.arms
    columns = (
        Column("characteristic", "Characteristic"),
        Column("category", "Category"),
        *(
            Column(f"{arm}_summary", f"{arm}, n = {int((participants.arm == sign).sum())}")
            for arm, sign in _signs(participants)
        ),
        Column("missing", "Missing"),
        Column("standardised_difference", "Standardised difference", "+.2f"),
        *(Column(f"{arm}_{key}", f"{arm}: {key}", ".4g", where="file") for arm in participants.arms for key in _KEYS),
    )
    rows = [_row(row, participants) for row in cohort_by_arm(participants.cohort, participants.arm)]
    return Records(
        "cohort",
        f"Participants by {participants.group_word}",
        LEAD.format(first=first, second=second, why=_WHY[participants.group_word]),
        columns,
        rows,
    )


_KEYS = ("people", "mean", "sd", "lower", "median", "upper", "count")


def _signs(participants: ParticipantScores) -> tuple[tuple[str, float], tuple[str, float]]:
    return (participants.arms[0], 1.0), (participants.arms[1], -1.0)


def _row(row_of: CohortRow, participants: ParticipantScores) -> dict[str, Any]:
    unit = participants.units.get(row_of.name, "") if not row_of.category else ""
    row: dict[str, Any] = {
        "characteristic": f"{row_of.name}, {unit}" if unit else row_of.name,
        "category": row_of.category,
        "missing": " + ".join(str(part.missing) for part in row_of.arms)
        if any(p.missing for p in row_of.arms)
        else "none",
        "standardised_difference": row_of.difference,
    }
    parts: tuple[NumberSummary | CategoryCount, NumberSummary | CategoryCount] = row_of.arms
    for arm, part in zip(participants.arms, parts, strict=True):
        row[f"{arm}_summary"] = _summary(part)
        row |= {f"{arm}_people": part.participants}
        row |= {f"{arm}_{key}": getattr(part, key, None) for key in _KEYS[1:]}
    return row


def _summary(part: NumberSummary | CategoryCount) -> str:
    if not part.participants:
        return "–"
    if isinstance(part, CategoryCount):
        return f"{part.count} ({part.count / part.participants:.0%})".replace("%", " %")
    numbers = [part.mean, part.sd, part.lower, part.median, part.upper]
    mean, sd, lower, median, upper = numbers_text(numbers, part.sd, sign=False)
    spread = f" ± {sd}" if part.participants > 1 else ""
    return f"{mean}{spread} ({median}, {lower} to {upper})"
