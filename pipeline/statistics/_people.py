"""Everything that the statistics need to know of people, besides what was measured in their images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ..bids import Inventory, SessionScores, participant_column, participant_numbers, session_scores
from ..study import Statistics, Study


@dataclass(frozen=True, eq=False)
class StudyPeople:
    """People in the order of the inventory.

    Fields:
        names: with prefix.
        arms: both, the first coded +1.
        arm: +1 or −1 for each person.
        sessions: labels, before and after.
        outcomes: scores at both sessions.
        subscales, null_checks: numbers, NaN where missing.
        cohort: numbers, or texts with "" where missing.
        units: of scores, by name.
    """

    names: tuple[str, ...]
    arms: tuple[str, str]
    arm: Float[np.ndarray, "person"]
    sessions: tuple[str, str]
    outcomes: tuple[SessionScores, ...]
    subscales: Mapping[str, Float[np.ndarray, "person"]]
    null_checks: Mapping[str, Float[np.ndarray, "person"]]
    cohort: Mapping[str, Float[np.ndarray, "person"] | tuple[str, ...]]
    units: Mapping[str, str]


def people_of(study: Study, inventory: Inventory, how: Statistics) -> StudyPeople:
    """What `[statistics]` asks for; raises `DataError` for what `check_statistics` would have told."""
    people, arms = inventory.participants, study.participants.arms
    return StudyPeople(
        names=tuple(one.name for one in people),
        arms=arms,
        arm=np.array([1.0 if one.arm == arms[0] else -1.0 for one in people]),
        sessions=(study.sessions.before, study.sessions.after),
        outcomes=session_scores(study, inventory, how.outcomes),
        subscales={name: participant_numbers(inventory, name) for name in how.subscales},
        null_checks={name: participant_numbers(inventory, name) for name in how.null_checks},
        cohort={name: participant_column(inventory, name) for name in how.cohort},
        units={name: score.unit for name, score in study.scores.items()},
    )
