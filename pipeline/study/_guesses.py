"""What a starter may guess of a dataset, each guess with its reason; what it may not guess is left to be filled in.

The alphabet decides nothing: words, numbers and dates decide which session comes first, its name which arm is the
reference, and the outcome is guessed only where there is one candidate.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..common import NUMBER, find_before_and_after, first_names, order_visits, sorted_names
from ..tables import MISSING, Table

TRIAL_TYPE = "trial_type"
_LIKE_TRIAL_TYPE = ("condition", "conditions", "type", "trialtype", "event_type", "stim_type", "stimulus", "event")
_FEW = 20  # kinds of text up to which a column may hold conditions

# Arms and conditions that others are compared with.
CONTROLS = (
    *("placebo", "control", "controls", "sham", "midazolam", "saline", "vehicle", "waitlist", "hc", "0", "no"),
    *("shapes", "shape", "neutral", "congruent", "baseline", "fixation", "rest"),
)
_WHOLE = 4  # letters from which a control's word counts within a longer name: "placebo group", but not "no-go"
AGREE = 0.9  # of the participants whose dates tell two sessions apart
Times = Mapping[str, Mapping[str, datetime]]  # participant → session → when


def likely_condition_columns(table: Table, known: Collection[str] = ()) -> list[str]:
    """Columns that hold a known condition; where none does, those called like one; else those of a few texts."""
    names = [name for name in table.columns if name not in ("onset", "duration", *table.repeated)]
    cells = {name: set(table.column(name)) - {MISSING} for name in names}
    holding = [name for name in names if cells[name] & set(known)]
    named = [name for name in names if name.lower() in _LIKE_TRIAL_TYPE]
    texts = [name for name in names if _is_text(cells[name])]
    return holding or named or texts


def _is_text(kinds: Collection[str]) -> bool:
    return 1 < len(kinds) <= _FEW and not any(map(NUMBER.fullmatch, kinds))


@dataclass(frozen=True)
class GuessedPair:
    """Two names in their order, none where they cannot be guessed; and why."""

    names: tuple[str, str] | None
    reason: str


def guess_sessions(sessions: Sequence[str], times: Times) -> GuessedPair:
    """Before and after treatment, by the words and numbers in the labels and by the dates in the dataset."""
    listed_sessions = first_names(sorted_names(sessions))
    if len(sessions) < 2:
        return GuessedPair(None, f"there is only {sessions[0]}" if sessions else "the dataset has no sessions")
    named, dated = order_visits(sessions), _order_by_dates(sessions, times)
    known = find_before_and_after(sessions)
    if named is None and dated is None:
        dates = "; dates differ from participant to participant" if times else ""
        return GuessedPair(None, f"nothing in the labels says which comes first{dates}; there are {listed_sessions}")
    if named is not None and dated is not None and named != dated:
        return GuessedPair(
            None, f"by their labels {', '.join(named)} follow each other, by acq_time {', '.join(dated)}"
        )
    rest = f"; there are {listed_sessions}" if len(sessions) > 2 else ""
    if known is not None and named is not None:
        by = "labels and acq_time" if dated else "labels"
        return GuessedPair(known, f"guessed from the {by} {known[0]}, {known[1]}{rest}")
    assert dated is not None  # one of the two is there
    return GuessedPair((dated[0], dated[-1]), f"guessed from acq_time{rest}")


def guess_arms(arms: Sequence[str]) -> GuessedPair:
    """The arm that is studied and its reference, by the reference's name."""
    if len(arms) != 2:
        return GuessedPair(None, f"a study compares two arms; there are {first_names(arms) or 'none'}")
    controls = [arm for arm in arms if is_control(arm)]
    if len(controls) != 1:
        return GuessedPair(None, f"which is the reference? There are {first_names(arms)}")
    (other,) = (arm for arm in arms if arm not in controls)
    return GuessedPair((other, controls[0]), f"guessed: {controls[0]} is the reference, by its name")


def guess_contrast(conditions: Sequence[str]) -> GuessedPair:
    """Two conditions to compare, the reference second; the first two that come up where no name tells."""
    if len(conditions) < 2:
        return GuessedPair(None, "a sum of conditions")
    controls = [name for name in conditions if is_control(name)]
    others = [name for name in conditions if name not in controls]
    if controls and others:
        return GuessedPair((others[0], controls[0]), f"guessed: {controls[0]} is the reference, by its name")
    return GuessedPair(
        (conditions[0], conditions[1]), "guessed from their order in the events; no name tells the reference"
    )


def is_control(name: str) -> bool:
    """Whether a name is that of an arm or condition that others are compared with."""
    plain = name.casefold()
    return plain in CONTROLS or any(word in CONTROLS and len(word) >= _WHOLE for word in re.split(r"[^a-z0-9]+", plain))


def _order_by_dates(sessions: Sequence[str], times: Times) -> tuple[str, ...] | None:
    """The order by the dates of nearly all participants; None where they disagree, or some session has no dates."""
    ranks: dict[str, list[int]] = {session: [] for session in sessions}
    for own in times.values():
        for rank, session in enumerate(
            sorted((label for label in own if label in ranks), key=lambda label: own[label])
        ):
            ranks[session].append(rank)
    if not all(ranks.values()):
        return None
    ordered = sorted_names(sessions)
    ordered.sort(key=lambda session: sum(ranks[session]) / len(ranks[session]))
    for place, first in enumerate(ordered):
        for second in ordered[place + 1 :]:
            both = [own[first] < own[second] for own in times.values() if first in own and second in own]
            if not both or sum(both) < AGREE * len(both):
                return None
    return tuple(ordered)
