"""The columns that a model is made from, with their values for everybody in the table."""

from __future__ import annotations

from features import Column, Role

from ..common import UsageError
from ._asked import Asked
from ._factors import Taken, take
from ._formula import Factor


def columns_of(asked: Asked) -> tuple[tuple[Column, ...], tuple[Taken, ...]]:
    """Each factor once, then the motion of those that have one.

    Raises `TableError` or `UsageError` as `take` does, and where measures are adjusted for a predictor.
    """
    columns: dict[str, Column] = {}
    taken: list[Taken] = []
    motions: dict[str, Factor] = {}
    for factor in asked.factors:
        motion = _motion(asked, factor)
        own = _arm(asked) if factor.is_arm else take(asked.people, factor, "predictor")
        columns[factor.text] = Column(
            factor.text, _role(asked, factor), own.unit, "" if motion is None else motion.text
        )
        taken.append(own)
        if motion is not None:
            motions[motion.text] = motion
    for name, factor in motions.items():
        if name in columns:
            problem = f"{name} is a predictor, and measures are adjusted for it; leave one of both out (--no-motion)"
            raise UsageError(problem)
        own = take(asked.people, factor, "motion")
        columns[name] = Column(name, "motion", own.unit)
        taken.append(own)
    return tuple(columns.values()), tuple(taken)


def _arm(asked: Asked) -> Taken:
    assert asked.arms is not None  # a model with the arm has found it
    return Taken(asked.arms.values, "")


def _role(asked: Asked, factor: Factor) -> Role:
    if factor.is_arm:
        return "arm"
    if asked.people.sidecar.roles or asked.measures:
        return "measure" if factor.name in asked.measures else "covariate"
    # A formula that names every column, and no description: what has a value in each session is taken for a measure.
    return "measure" if factor.take else "covariate"


def _motion(asked: Asked, factor: Factor) -> Factor | None:
    """What a measure is adjusted for: of a change, the change in motion."""
    name = asked.people.sidecar.motion.get(factor.name)
    own = factor.take or asked.people.sessions is None  # one value for both sessions has the motion of neither
    return Factor(factor.take, name) if name is not None and own and asked.options.adjust_motion else None
