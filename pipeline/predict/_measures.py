"""Which columns of a table count as measures, and which of them are asked for."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np

from ..common import UsageError, did_you_mean, first_names
from ..tables import TableError
from ._cells import is_missing
from ._people import People

NOT = "!"


@dataclass(frozen=True)
class Measured:
    """The measures of a table.

    Fields:
        every: all of them.
        chosen: those that patterns of measures stand for.
        steady: columns of numbers that are none, because everybody has one value for both sessions.
        texts: columns that are none, because they hold text.
    """

    every: tuple[str, ...]
    chosen: tuple[str, ...]
    steady: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    def told(self, people: People, used: Container[str]) -> tuple[str, ...]:
        """What was taken where no description says what is a measure, a line each."""
        if people.sidecar.roles:
            return ()
        taken = [name for name in self.chosen if name in used]
        lines = [f"Which columns are measures is not described; taken as such: {first_names(taken)}."]
        if self.steady:
            lines.append(f"The same in both sessions, and so no measures: {first_names(self.steady)}.")
        if texts := [name for name in self.texts if name not in used]:
            cells = {name: [one for one in people.table.column(name) if not is_missing(one)] for name in texts}
            shown = [f"{name} ({first_names(own[:2])}, …)" for name, own in cells.items()]
            lines.append(f"Text, and so no measures: {first_names(shown)}.")
        motion = [name for name in people.table.columns if name.startswith("motion_")]
        if motion:
            lines.append(f"Whose motion {first_names(motion)} is, is not described: no measure is adjusted for motion.")
        return tuple(lines)


def find_measures(people: People, patterns: Sequence[str], others: Sequence[str]) -> Measured:
    """By the roles of the table's description; where it gives none, every column of numbers that is nothing else.

    Arguments:
        patterns: names, ``*`` for anything, ``!NAME`` for those that are not.
        others: columns that are something else: outcome, arm, covariates.

    Raises `UsageError` where a pattern stands for nothing.
    """
    roles = people.sidecar.roles
    if roles:
        every = tuple(name for name in people.sidecar.of("measure") if name not in others)
        return Measured(every, choose(people, every, patterns, others))
    apart = {people.person, people.session, *others}
    columns = [name for name in people.table.columns if name not in apart and not name.startswith("motion_")]
    numeric = [name for name in columns if people.kind(name) != "texts"]
    steady = tuple(name for name in numeric if _steady(people, name))
    every = tuple(name for name in numeric if name not in steady)
    texts = tuple(name for name in columns if name not in numeric)
    return Measured(every, choose(people, every, patterns, others), steady, texts)


def choose(
    people: People, every: Sequence[str], patterns: Sequence[str], others: Sequence[str] = ()
) -> tuple[str, ...]:
    """Those of the measures that patterns stand for, in the order of the table."""
    wanted = [one for one in patterns if not one.startswith(NOT)] or ["*"]
    unwanted = [one.removeprefix(NOT) for one in patterns if one.startswith(NOT)]
    for pattern in (*wanted, *unwanted):
        if not any(fits(pattern, name) for name in every):
            raise UsageError(f"measures: {_nothing(people, every, pattern, others)}")
    found = [name for name in every if any(fits(pattern, name) for pattern in wanted)]
    found = [name for name in found if not any(fits(pattern, name) for pattern in unwanted)]
    if not found:
        raise UsageError(f"measures: {', '.join(patterns)} takes out every measure that it names; name others")
    return tuple(found)


def fits(pattern: str, name: str) -> bool:
    """Whether ``*`` in a pattern can stand for what the name has there."""
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), name, re.DOTALL) is not None


def _nothing(people: People, every: Sequence[str], pattern: str, others: Sequence[str]) -> str:
    """Why a pattern stands for no measure."""
    if not every:
        return f"{people.table.path.name} has no column that could be a measure; say which are (Role in its .json)"
    if pattern in others:
        return f"{pattern} is the outcome, the arm or a covariate already; name measures alone"
    if pattern in people.table.columns:
        return f"{pattern} is no measure: {_why_not(people, pattern)}"
    where = "stands for no measure" if "*" in pattern else "is no column"
    return f"{pattern!r} {where} of {people.table.path.name}{did_you_mean(pattern, every, 'measures')}"


def _why_not(people: People, name: str) -> str:
    if people.sidecar.path is not None and people.sidecar.roles:
        role = people.sidecar.roles.get(name)
        says = f"its Role is {role}" if role else "it has no Role"
        return f"{says} in {people.sidecar.path.name}; give it as a covariate, or correct that file"
    if people.kind(name) == "texts":
        return "it holds text; give it as a covariate if it has two kinds"
    return "everybody has the same value in both sessions; give it as a covariate"


def _steady(people: People, column: str) -> bool:
    """Whether a column of numbers belongs to people rather than to sessions."""
    if people.sessions is None or people.kind(column) == "empty":
        return False
    try:
        values = people.numbers(column)
    except TableError:
        return False  # what is wrong is told where the column is used
    both = values[~np.isnan(values).any(axis=1)]
    varies = both.size > 0 and np.ptp(both) > 0  # what is the same for all is told as such
    return bool(varies) and bool((both[:, 0] == both[:, 1]).all())
