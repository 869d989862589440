"""What is wrong with `[statistics]` before anything runs: names, kinds and numbers of people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..study import Statistics, Study, meant
from ._error import DataError
from ._inventory import Inventory
from ._session_scores import known_columns, person_column, person_numbers, session_scores

LEAST = 3  # participants of an arm with both sessions of an outcome
LEAST_PAIRS = 5  # participants with a number that something is correlated with


def check_statistics(study: Study, inventory: Inventory) -> list[str]:
    """A line for everything in `[statistics]` that the data do not allow.

    Measures are known only once they have been taken, so that their names are checked when they are used.
    """
    how = study.statistics
    if how is None:
        return []
    lines = [f"[statistics]{problem}" for problem in _asked(how)]
    for key in ("outcomes", "subscales", "null_checks", "cohort"):
        names: Sequence[str] = getattr(how, key)
        lines += [f"[statistics] {key}: {problem}" for problem in _problems(study, inventory, key, names)]
    return lines


def _asked(how: Statistics) -> Iterator[str]:
    """What would be ignored."""
    if not (how.outcomes or how.measures or how.cohort or how.subscales or how.null_checks):
        yield ": asks for nothing; give outcomes, measures with subscales, or cohort, or remove it"
    if how.measures and not (how.subscales or how.null_checks):
        yield " measures: are correlated with nothing; name subscales or null_checks, or remove them"
    if how.subscales and not (how.measures or how.null_checks):
        yield " subscales: are correlated with nothing; name measures or null_checks, or remove them"
    if how.null_checks and not (how.measures or how.subscales):
        yield " null_checks: there is nothing to check; name measures or subscales, or remove them"
    if both := [name for name in how.null_checks if name in how.subscales]:
        yield f" null_checks: {both[0]!r} is among the subscales too; name it once"


def _problems(study: Study, inventory: Inventory, key: str, names: Sequence[str]) -> Iterator[str]:
    known = list(study.scores) if key == "outcomes" else known_columns(study, inventory)
    for place, name in enumerate(names):
        if name in names[:place]:
            yield f"names {name!r} twice; name it once"
        elif name not in known:
            kind = "scores" if key == "outcomes" else "columns"
            what = "no score" if key == "outcomes" else "no score and no column of the participants' table"
            yield f"{name!r} is {what}{meant(name, known, kind)}"
        else:
            yield from _of_one(study, inventory, key, name)


def _of_one(study: Study, inventory: Inventory, key: str, name: str) -> Iterator[str]:
    try:
        if key == "outcomes":
            yield from _too_few(study, inventory, name)
        elif key == "cohort":
            person_column(inventory, name)
        else:
            yield from _uncorrelated(name, person_numbers(inventory, name))
    except DataError as error:
        yield str(error)


def _too_few(study: Study, inventory: Inventory, name: str) -> Iterator[str]:
    (score,) = session_scores(study, inventory, [name])
    both = np.isfinite(score.before) & np.isfinite(score.after)
    arm_of = np.array([one.arm for one in inventory.participants])
    counts = {arm: int((both & (arm_of == arm)).sum()) for arm in study.participants.arms}
    few = [f"{count} of {arm}" for arm, count in counts.items() if count < LEAST]
    if few:
        yield f"{' and '.join(few)} have {name} in both sessions; an arm takes {LEAST}"


def _uncorrelated(name: str, values: np.ndarray) -> Iterator[str]:
    there = values[np.isfinite(values)]
    if there.size < LEAST_PAIRS:
        yield f"{there.size} participants have {name}; a correlation takes {LEAST_PAIRS}"
    elif not np.ptp(there) > 0:
        yield f"{name} is {there[0]:g} for every participant; nothing can go with it"
