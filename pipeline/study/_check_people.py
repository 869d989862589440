"""Arms, sessions and scores that contradict themselves."""

from __future__ import annotations

from collections.abc import Iterator

from ._collisions import collisions
from ._problem import Problem
from ._study import Study


def check_people(study: Study) -> Iterator[Problem]:
    """Every mistake in `[participants]`, `[sessions]` and `[scores]` that their shape alone does not show."""
    yield from _arms(study)
    yield from _sessions(study)
    yield from _scores(study)


def _arms(study: Study) -> Iterator[Problem]:
    people = study.participants
    if people.arms[0] == people.arms[1]:
        yield Problem(("participants", "arms"), f"both arms are {people.arms[0]!r}; name two that differ")
    if "" in people.arms:
        yield Problem(("participants", "arms"), "an arm has no name; write it as in the participants' table")
    for name, reason in people.exclude.items():
        path = ("participants", "exclude", name)
        if not name.startswith("sub-"):
            yield Problem(path, f"{name!r} is no participant's label; did you mean {'sub-' + name!r}?")
        if not reason:
            yield Problem(path, 'gives no reason; the report names it, such as "withdrew consent"')


def _sessions(study: Study) -> Iterator[Problem]:
    sessions = study.sessions
    if sessions.before == sessions.after:
        where = ("sessions", "after") if "after" in sessions.model_fields_set else ("sessions", "before")
        yield Problem(where, f"before and after are both {sessions.after!r}; name two that differ")
    for key in ("before", "after"):
        label = getattr(sessions, key)
        if not label.removeprefix("ses-").isalnum() or not label.startswith("ses-"):
            tip = f"; did you mean {'ses-' + label!r}?" if label.isalnum() else ""
            yield Problem(("sessions", key), f"{label!r} is no session's label, such as ses-1{tip}")


def _scores(study: Study) -> Iterator[Problem]:
    yield from collisions(("scores",), study.scores, "scores")
    for name, score in study.scores.items():
        if name == study.participants.arm:
            text = f"{name!r} is the column of the arms ([participants] arm); call the score something else"
            yield Problem(("scores", name), text, (("participants",),))
        if score.take != "once" and score.table is None:
            text = (
                f"takes {score.take!r}, which needs a table with a row for each session, and the participants' table "
                "has one for each participant; add table = a phenotype table with a column session_id"
            )
            yield Problem(("scores", name, "take"), text)
