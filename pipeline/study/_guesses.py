"""What a starter may guess of a dataset, each guess with its reason; what it may not guess is left to be filled in.

The alphabet decides nothing: words, numbers and dates decide in which order sessions follow each other, its name which
group is the reference, and the outcome is guessed only where there is one candidate.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..common import NUMBER, first_names, order_visits, sorted_names
from ..tables import MISSING, Table

TRIAL_TYPE = "trial_type"
_LIKE_TRIAL_TYPE = ("condition", "conditions", "type", "trialtype", "event_type", "stim_type", "stimulus", "event")
_FEW = 20  # kinds of text up to which a column may hold conditions

# Groups and conditions that others are compared with; and groups alone, as con is congruent among conditions.
CONTROLS = (
    *("placebo", "control", "controls", "sham", "midazolam", "saline", "vehicle", "waitlist", "hc", "0", "no"),
    *("shapes", "shape", "neutral", "congruent", "baseline", "fixation", "rest"),
)
_CONTROL_GROUPS = (
    *("healthy", "ctrl", "ctl", "con", "nc", "hv", "cn", "td", "typical", "normal", "comparison", "nonpatient"),
)
# Words that may stand beside a control's in the name of a level; others make it another: placebo-first is an order.
_NOUNS = (
    *("group", "groups", "arm", "condition", "treatment", "stimulation", "tdcs", "tms", "rtms", "pill", "infusion"),
    *("subject", "subjects", "participant", "participants", "volunteer", "volunteers", "individuals", "people"),
    *("adult", "adults", "matched", "age", "list", "drug", "only"),
)
_WHOLE = 4  # letters from which a control's word counts in a longer name of a condition: "neutral face", not "no-go"
# Words within labels of sessions: those that come first, those that come later.
_FIRST = re.compile(r"^pre|before|^base|^bas$|^bl$|screening|intake")
_LATER = re.compile(r"^post|after|follow-?up|^fup?|endpoint|discharge")
_ORDINALS = {
    **{word: n for n, word in enumerate(("first", "second", "third", "fourth", "fifth", "sixth"), 1)},
    **{word: n for n, word in enumerate(("one", "two", "three", "four", "five", "six"), 1)},
}
_ORDINAL = re.compile("|".join(f"^{word}|{word}$" for word in _ORDINALS))
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
class GuessedOrder:
    """Names in their order, none where it cannot be guessed; and why."""

    names: tuple[str, ...] | None
    reason: str


def guess_sessions(sessions: Sequence[str], times: Times) -> GuessedOrder:
    """All sessions in the order of time, by the words and numbers in the labels and by the dates in the dataset."""
    listed_sessions = first_names(sorted_names(sessions))
    if len(sessions) < 2:
        return GuessedOrder(tuple(sessions) or None, "the only one" if sessions else "the dataset has no sessions")
    named, dated = _order_by_labels(sessions), _order_by_dates(sessions, times)
    if named is None and dated is None:
        dates = "; dates differ from participant to participant" if times else ""
        return GuessedOrder(None, f"nothing in the labels says which comes first{dates}; there are {listed_sessions}")
    if named is not None and dated is not None and named != dated:
        return GuessedOrder(
            None, f"by their labels {', '.join(named)} follow each other, by acq_time {', '.join(dated)}"
        )
    by = " and ".join([*(["the labels"] if named else []), *(["acq_time"] if dated else [])])
    return GuessedOrder(named or dated, f"order guessed from {by}")


def guess_arms(arms: Sequence[str]) -> tuple[str, str] | None:
    """The arm that is studied and its reference, by the reference's name; None where it does not tell."""
    controls = [arm for arm in arms if is_control(arm)]
    if len(arms) != 2 or len(controls) != 1:
        return None
    (other,) = (arm for arm in arms if arm not in controls)
    return other, controls[0]


def guess_groups(groups: Sequence[str]) -> GuessedOrder:
    """All groups, the reference last, by the reference's name."""
    if len(groups) < 2:
        return GuessedOrder(None, f"there is {first_names(groups) or 'no group'}")
    controls = [group for group in groups if _is_called(group, (*CONTROLS, *_CONTROL_GROUPS))]
    if len(controls) != 1:
        return GuessedOrder(None, f"which is the reference? There are {first_names(groups)}")
    others = sorted_names(group for group in groups if group not in controls)
    return GuessedOrder((*others, controls[0]), f"guessed: {controls[0]} is the reference, by its name")


def guess_contrast(conditions: Sequence[str]) -> GuessedOrder:
    """Two conditions to compare, the reference second; the first two that come up where no name tells."""
    if len(conditions) < 2:
        return GuessedOrder(None, "a sum of conditions")
    controls = [name for name in conditions if _is_control_condition(name)]
    others = [name for name in conditions if name not in controls]
    if controls and others:
        return GuessedOrder((others[0], controls[0]), f"guessed: {controls[0]} is the reference, by its name")
    return GuessedOrder(
        (conditions[0], conditions[1]), "guessed from their order in the events; no name tells the reference"
    )


def is_control(name: str) -> bool:
    """Whether a name is that of a group or drug that others are compared with: ``placebo``, ``control group``."""
    return _is_called(name, CONTROLS)


def _is_called(name: str, controls: Collection[str]) -> bool:
    """Whether a name is one of some words, or has no others than these and words for groups."""
    words = set(_words(name))
    return name.casefold() in controls or (bool(words & {*controls}) and words <= {*controls, *_NOUNS})


def _is_control_condition(name: str) -> bool:
    known = [word for word in CONTROLS if len(word) >= _WHOLE]
    return name.casefold() in CONTROLS or bool(set(_words(name)) & {*known})


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[^a-z0-9]+", name.casefold()) if word]


def _order_by_labels(sessions: Sequence[str]) -> tuple[str, ...] | None:
    """The order by words and numbers within labels, such as 00A, 02A or preketamine, postketamine; None without any."""
    if known := order_visits(sessions):
        return known
    times: dict[str, tuple[int, int]] = {}
    texts: dict[int, set[str]] = {0: set(), 1: set(), 2: set()}
    for session in sessions:
        label = session.removeprefix("ses-").casefold()
        label = _ORDINAL.sub(lambda found: str(_ORDINALS[found[0]]), label)
        first, later = _FIRST.search(label), _LATER.search(label)
        rank = 0 if first and not later else 2 if later and not first else 1
        numbers = re.findall("[0-9]+", label)
        times[session] = rank, int(numbers[0]) if numbers else 0
        texts[rank].add(re.sub("[0-9]+", "#", label, count=1))
    told = all(len(found) < 2 for found in texts.values()) and not (texts[1] and texts[2])
    if not told or len(set(times.values())) < len(times):
        return None
    return tuple(sorted(sessions, key=lambda session: times[session]))


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
