"""Factors of a formula → one value per participant, and the columns of the model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from features import PredictorColumn, Role

from ..common import UsageError, did_you_mean, first_names
from ..tables import TableError
from ._formula import Factor, misread
from ._participant_table import ParticipantTable
from ._request import ModelRequest


@dataclass(frozen=True, eq=False)
class FactorValues:
    """A factor's values.

    Fields:
        values: (participant,) NaN where missing.
        unit: of the column.
        notices: how text was coded.
    """

    values: Float[np.ndarray, "participant"]
    unit: str
    notices: tuple[str, ...] = ()


def factor_values(participants: ParticipantTable, factor: Factor, what: str) -> FactorValues:
    """The values of a factor for everybody.

    Arguments:
        what: the factor is for, in errors.

    Raises `TableError` where the column cannot be used so, `UsageError` where there is none.
    """
    name = factor.name
    if name not in participants.table.columns:
        hint = misread(name, participants.table.columns) or did_you_mean(name, participants.table.columns, "columns")
        raise UsageError(f"{what} {factor.text!r}: {participants.table.path.name} has no column {name!r}{hint}")
    if name in (participants.participant, participants.session):
        raise TableError(
            participants.table.path, f"{name} names participants or sessions and is no {what}; name another column"
        )
    unit = participants.sidecar.units.get(name, "")
    if not factor.function and participants.kind(name) == "texts":
        return _coded(participants, name, what)
    if factor.function and participants.sessions is None:
        raise TableError(
            participants.table.path,
            f"{factor.text} needs two sessions, and the table has one row per participant; write {name} for what it "
            "holds, or say which column names sessions (--session COLUMN --sessions BEFORE,AFTER)",
        )
    values = participants.numbers(name)
    return FactorValues(
        _bare(participants, name, values, what) if not factor.function else _of_sessions(factor, values), unit
    )


def _of_sessions(factor: Factor, values: Float[np.ndarray, "participant session"]) -> Float[np.ndarray, "participant"]:
    before, after = values[:, 0], values[:, 1]
    if factor.function == "before":
        return before
    if factor.function == "after":
        return after
    return after - before if factor.function == "change" else before - after


def _bare(participants: ParticipantTable, name: str, values: np.ndarray, what: str) -> Float[np.ndarray, "participant"]:
    """The one value that a participant has, in whichever sessions have it."""
    known = ~np.isnan(values)
    first = values[np.arange(len(values)), known.argmax(axis=1)]
    differs = (known & (values != first[:, None])).any(axis=1)
    if differs.any():
        index = int(np.flatnonzero(differs)[0])
        pair = " and ".join(f"{value:g}" for value in values[index])
        raise TableError(
            participants.table.path,
            f"{name} differs between the sessions of {participants.names[index]} ({pair}); as {what} write "
            f"change({name}), before({name}), after({name}) or fall({name})",
            participants.line(index),
        )
    return first


def _coded(participants: ParticipantTable, name: str, what: str) -> FactorValues:
    """Text of two kinds as −1 and +1."""
    cells = participants.texts(name)
    for index, own in enumerate(cells):
        if len(set(own)) > 1:
            raise TableError(
                participants.table.path,
                f"{name} of {participants.names[index]} is {' and '.join(own)}; correct it",
                participants.line(index),
            )
    kinds = sorted({cell for own in cells for cell in own})
    if len(kinds) != 2:
        raise TableError(
            participants.table.path,
            f"{name} holds text of {len(kinds)} kinds ({first_names(kinds)}); as {what} give it numbers, or two kinds",
        )
    code = {kinds[0]: -1.0, kinds[1]: 1.0}
    values = np.array([code[own[0]] if own else np.nan for own in cells])
    return FactorValues(values, "", (f"{name} is text: {kinds[0]} counts as −1, {kinds[1]} as +1.",))


def columns_of(request: ModelRequest) -> tuple[tuple[PredictorColumn, ...], tuple[FactorValues, ...]]:
    """Each factor once, then the motion of those that have one.

    Raises `TableError` or `UsageError` as `factor_values` does, and where measures are adjusted for a predictor.
    """
    columns: dict[str, PredictorColumn] = {}
    taken: list[FactorValues] = []
    motions: dict[str, Factor] = {}
    for factor in request.factors:
        motion = _motion(request, factor)
        own = _arm(request) if factor.is_arm else factor_values(request.participants, factor, "predictor")
        columns[factor.text] = PredictorColumn(
            factor.text, _role(request, factor), own.unit, "" if motion is None else motion.text
        )
        taken.append(own)
        if motion is not None:
            motions[motion.text] = motion
    for name, factor in motions.items():
        if name in columns:
            problem = f"{name} is a predictor, and measures are adjusted for it; leave one of both out (--no-motion)"
            raise UsageError(problem)
        own = factor_values(request.participants, factor, "motion")
        columns[name] = PredictorColumn(name, "motion", own.unit)
        taken.append(own)
    return tuple(columns.values()), tuple(taken)


def _arm(request: ModelRequest) -> FactorValues:
    assert request.arms is not None  # a model with the arm has found it
    return FactorValues(request.arms.values, "")


def _role(request: ModelRequest, factor: Factor) -> Role:
    if factor.is_arm:
        return "arm"
    if request.participants.sidecar.roles or request.measures:
        return "measure" if factor.name in request.measures else "covariate"
    # A formula that names every column, and no description: what has a value in each session is taken for a measure.
    return "measure" if factor.function else "covariate"


def _motion(request: ModelRequest, factor: Factor) -> Factor | None:
    """What a measure is adjusted for: of a change, the change in motion."""
    name = request.participants.sidecar.motion.get(factor.name)
    own = (
        factor.function or request.participants.sessions is None
    )  # one value for both sessions has the motion of neither
    return Factor(factor.function, name) if name is not None and own and request.options.adjust_motion else None
