"""Which columns of a table are the arms and the measures, and which measures are asked for."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ..common import UsageError, did_you_mean, first_names, with_article
from ..tables import TableError
from ._formula import ARM, matches_pattern
from ._options import PredictOptions
from ._participant_table import ParticipantTable, check_column, is_missing


@dataclass(frozen=True, eq=False)
class ArmCodes:
    """Two arms.

    Fields:
        column: that names them.
        names: both, the first coded +1.
        values: (participant,) +1, −1, or NaN for who is in neither.
        cells: (participant,) what the table says, empty where nothing.
    """

    column: str
    names: tuple[str, str]
    values: Float[np.ndarray, "participant"]
    cells: tuple[str, ...]


def arm_column(participants: ParticipantTable, options: PredictOptions) -> str | None:
    """The column of the arms: as asked, as the table's description has it, or one called ``arm``."""
    if options.arm is not None:
        return check_column(participants.table, options.arm, ARM)
    described = participants.sidecar.of("arm")
    if len(described) == 1:
        return described[0]
    return ARM if ARM in participants.table.columns else None


def find_arms(participants: ParticipantTable, options: PredictOptions, needed: bool) -> ArmCodes | None:
    """The arms; None where the model is not about them and nothing says which they are.

    Raises `TableError` where participants's arms are not in order, `UsageError` where nothing says which arm is +1.
    """
    column, word = arm_column(participants, options), options.group_word
    if column is None:
        if not needed and options.arms is None:
            return None
        raise UsageError(
            f"{participants.table.path.name}: say which column names the {word}s (--arm COLUMN --arms FIRST,SECOND); "
            f"there are {first_names(participants.table.columns)}"
        )
    if column in (participants.participant, participants.session):
        raise TableError(
            participants.table.path, f"{column} names participants or sessions and is no {word}; name another column", 1
        )
    cells = _cells(participants, column, word)
    there = tuple(dict.fromkeys(cell for cell in cells if cell))
    names = _names(participants, options, column, there, needed)
    if names is None:
        return None
    if options.arms is None and len(there) > 2:
        raise TableError(
            participants.table.path,
            f"{column} names {len(there)} {word}s ({first_names(there)}); say which two (--arms A,B)",
        )
    code = {names[0]: 1.0, names[1]: -1.0}
    return ArmCodes(column, names, np.array([code.get(cell, np.nan) for cell in cells]), cells)


def _cells(participants: ParticipantTable, column: str, word: str) -> tuple[str, ...]:
    found = []
    for index, own in enumerate(participants.texts(column)):
        if len(set(own)) > 1:
            names = " and in ".join(own[:2])
            rule = f"{with_article(word)} is the same in both sessions: correct it"
            problem = f"{participants.names[index]} is in {names}; {rule}"
            raise TableError(participants.table.path, problem, participants.line(index))
        found.append(own[0] if own else "")
    return tuple(found)


def _names(
    participants: ParticipantTable, options: PredictOptions, column: str, there: tuple[str, ...], needed: bool
) -> tuple[str, str] | None:
    levels, word = participants.sidecar.levels.get(column, ()), options.group_word
    names = options.arms or (levels if len(levels) == 2 else None)
    if names is None:
        if not needed and options.arm is None:
            return None
        if len(there) > 2:
            raise TableError(
                participants.table.path,
                f"{column} names {len(there)} {word}s ({first_names(there)}); say which two, the first is +1 "
                "(--arms A,B)",
            )
        raise UsageError(
            f"{participants.table.path.name}: {column} is {first_names(there) or 'empty'}; say which {word} is +1 and "
            "which −1 (--arms FIRST,SECOND)"
        )
    for name in names:
        if name not in there:
            hint = did_you_mean(name, there, f"{word}s")
            raise TableError(
                participants.table.path, f"no row has {column} {name!r}{hint}; say which two (--arms FIRST,SECOND)"
            )
    return names[0], names[1]


NOT = "!"


@dataclass(frozen=True)
class MeasureColumns:
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

    def notices(self, participants: ParticipantTable, used: Container[str]) -> tuple[str, ...]:
        """What was taken where no description says what is a measure, a line each."""
        if participants.sidecar.roles:
            return ()
        taken = [name for name in self.chosen if name in used]
        lines = [f"Which columns are measures is not described; taken as such: {first_names(taken)}."]
        if self.steady:
            lines.append(f"The same in both sessions, and so no measures: {first_names(self.steady)}.")
        if texts := [name for name in self.texts if name not in used]:
            cells = {name: [cell for cell in participants.table.column(name) if not is_missing(cell)] for name in texts}
            shown = [f"{name} ({first_names(own[:2])}, …)" for name, own in cells.items()]
            lines.append(f"Text, and so no measures: {first_names(shown)}.")
        motion = [name for name in participants.table.columns if name.startswith("motion_")]
        if motion:
            lines.append(f"Whose motion {first_names(motion)} is, is not described: no measure is adjusted for motion.")
        return tuple(lines)


def find_measures(participants: ParticipantTable, patterns: Sequence[str], others: Sequence[str]) -> MeasureColumns:
    """By the roles of the table's description; where it gives none, every column of numbers that is nothing else.

    Arguments:
        patterns: names, ``*`` for anything, ``!NAME`` for those that are not.
        others: columns that are something else: outcome, arm, covariates.

    Raises `UsageError` where a pattern stands for nothing.
    """
    roles = participants.sidecar.roles
    if roles:
        every = tuple(name for name in participants.sidecar.of("measure") if name not in others)
        return MeasureColumns(every, choose_measures(participants, every, patterns, others))
    apart = {participants.participant, participants.session, *others}
    columns = [name for name in participants.table.columns if name not in apart and not name.startswith("motion_")]
    numeric = [name for name in columns if participants.kind(name) != "texts"]
    steady = tuple(name for name in numeric if _steady(participants, name))
    every = tuple(name for name in numeric if name not in steady)
    texts = tuple(name for name in columns if name not in numeric)
    return MeasureColumns(every, choose_measures(participants, every, patterns, others), steady, texts)


def choose_measures(
    participants: ParticipantTable, every: Sequence[str], patterns: Sequence[str], others: Sequence[str] = ()
) -> tuple[str, ...]:
    """Those of the measures that patterns stand for, in the order of the table."""
    wanted = [pattern for pattern in patterns if not pattern.startswith(NOT)] or ["*"]
    unwanted = [pattern.removeprefix(NOT) for pattern in patterns if pattern.startswith(NOT)]
    for pattern in (*wanted, *unwanted):
        if not any(matches_pattern(pattern, name) for name in every):
            raise UsageError(f"measures: {_nothing(participants, every, pattern, others)}")
    found = [name for name in every if any(matches_pattern(pattern, name) for pattern in wanted)]
    found = [name for name in found if not any(matches_pattern(pattern, name) for pattern in unwanted)]
    if not found:
        raise UsageError(f"measures: {', '.join(patterns)} takes out every measure that it names; name others")
    return tuple(found)


def _nothing(participants: ParticipantTable, every: Sequence[str], pattern: str, others: Sequence[str]) -> str:
    """Why a pattern stands for no measure."""
    if not every:
        return (
            f"{participants.table.path.name} has no column that could be a measure; say which are (Role in its .json)"
        )
    if pattern in others:
        return f"{pattern} is the outcome, the arm or a covariate already; name measures alone"
    if pattern in participants.table.columns:
        return f"{pattern} is no measure: {_why_not(participants, pattern)}"
    where = "stands for no measure" if "*" in pattern else "is no column"
    return f"{pattern!r} {where} of {participants.table.path.name}{did_you_mean(pattern, every, 'measures')}"


def _why_not(participants: ParticipantTable, name: str) -> str:
    if participants.sidecar.path is not None and participants.sidecar.roles:
        role = participants.sidecar.roles.get(name)
        says = f"its Role is {role}" if role else "it has no Role"
        return f"{says} in {participants.sidecar.path.name}; give it as a covariate, or correct that file"
    if participants.kind(name) == "texts":
        return "it holds text; give it as a covariate if it has two kinds"
    return "everybody has the same value in both sessions; give it as a covariate"


def _steady(participants: ParticipantTable, column: str) -> bool:
    """Whether a column of numbers belongs to participants rather than to sessions."""
    if participants.sessions is None or participants.kind(column) == "empty":
        return False
    try:
        values = participants.numbers(column)
    except TableError:
        return False  # what is wrong is reported where the column is used
    both = values[~np.isnan(values).any(axis=1)]
    varies = both.size > 0 and np.ptp(both) > 0  # what is the same for all is reported as such
    return bool(varies) and bool((both[:, 0] == both[:, 1]).all())
