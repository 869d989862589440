"""What a group analysis takes of each participant's visits: one of them, a contrast, their mean, or all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..common import did_you_mean
from ._analysis_settings import GroupAnalysis
from ._expressions import parse_contrast
from ._study import Sessions, Study

OF_WORDS = '"change", "mean", "visits", a session, or a contrast such as "ses-3 - ses-1"'


@dataclass(frozen=True)
class VisitSelection:
    """What is taken of each participant's visits.

    Fields:
        kind: ``visit``, one of them; ``contrast``, a weighted sum; ``mean``, the Bayesian average of all; ``visits``,
            all of them, each with a row of its own.
        weights: of sessions, by their labels, or of levels of a column of ``[visits]``; of a visit without session the
            label is "".
        of_sessions: whether the weights are of sessions.
    """

    kind: Literal["visit", "contrast", "mean", "visits"]
    weights: Mapping[str, float] = field(default_factory=dict)
    of_sessions: bool = True

    @property
    def is_change(self) -> bool:
        """Whether it is one session minus another."""
        return self.kind == "contrast" and self.of_sessions and sorted(self.weights.values()) == [-1.0, 1.0]

    @property
    def pair(self) -> tuple[str, str] | None:
        """Of a change, the session that it is from and the one that it is to."""
        if not self.is_change:
            return None
        (first,), (second,) = ([name for name, own in self.weights.items() if own == sign] for sign in (-1.0, 1.0))
        return first, second

    @property
    def sessions(self) -> tuple[str, ...]:
        """Sessions that a participant must have; none where they are not told by their labels."""
        return tuple(name for name, own in self.weights.items() if own) if self.of_sessions else ()


def describe_selection(selection: VisitSelection) -> str:
    """What is taken of each participant's visits, in words."""
    if selection.pair is not None:
        return "the change from {} to {}".format(*selection.pair)
    if selection.kind == "visit":
        (session,) = selection.weights
        return f"session {session}" if session else "the visit"
    if selection.kind == "contrast":
        return f"the contrast {weights_text(selection.weights)} of visits"
    return "the average over visits" if selection.kind == "mean" else "all visits"


def weights_text(weights: Mapping[str, float]) -> str:
    """Such as ``ses-3 − ses-1``, or ``0.5·a + 0.5·b − c``."""
    text = ""
    for name, weight in weights.items():
        sign = ("−" if weight < 0 else "") if not text else (" − " if weight < 0 else " + ")
        size = "" if abs(weight) == 1 else f"{abs(weight):g}·"
        text += f"{sign}{size}{name}"
    return text


def select_visits(study: Study, analysis: GroupAnalysis) -> VisitSelection:
    """What an analysis takes of each participant's visits.

    Raises `ValueError`, saying what can be asked for, where `of` is none of it or is not given and not clear.
    """
    sessions, asked = study.sessions, analysis.of
    if asked is None:
        return _default(sessions)
    if asked in ("mean", "visits"):
        if len(sessions.labels) < 2:
            raise ValueError(f"{asked!r} is of several sessions, and the study has one; remove it")
        return VisitSelection("mean" if asked == "mean" else "visits")
    if asked in ("change", "before", "after"):
        if sessions.pair is None:
            raise ValueError(
                f"{asked!r} is of two sessions; name before and after under [sessions], or write a contrast such as "
                '"ses-3 - ses-1"'
            )
        before, after = sessions.pair
        if asked == "change":
            return VisitSelection("contrast", {before: -1.0, after: 1.0})
        return VisitSelection("visit", {before if asked == "before" else after: 1.0})
    if asked in sessions.labels:
        return VisitSelection("visit", {asked: 1.0})
    labels = [label for label in sessions.labels if label is not None]
    try:
        weights = parse_contrast(asked, "visits")
    except ValueError as error:
        if any(sign in asked for sign in "+-−"):
            raise
        near = did_you_mean(asked, labels, "sessions")
        raise ValueError(f"{asked!r} is not understood{near}; give {OF_WORDS}") from error
    known = {name for name in weights if name in labels}
    if len(labels) < 2:
        has = f"one, {labels[0]}" if labels else "none"
        raise ValueError(
            f"{asked!r} is of sessions, and the study has {has}; name them by order under [sessions], or remove it"
        )
    if known and known != set(weights):
        (unknown, *_) = (name for name in weights if name not in known)
        raise ValueError(f"{asked!r} names {unknown!r}, which is none of the sessions {', '.join(labels)}")
    return VisitSelection("contrast", weights, of_sessions=bool(known))


def _default(sessions: Sessions) -> VisitSelection:
    if len(sessions.labels) == 1:
        return VisitSelection("visit", {sessions.labels[0] or "": 1.0})
    if len(sessions.labels) == 2 and sessions.pair is not None:
        before, after = sessions.pair
        return VisitSelection("contrast", {before: -1.0, after: 1.0})
    raise ValueError(f"does not say what it is of, and there are {len(sessions.labels)} sessions; add of = {OF_WORDS}")
