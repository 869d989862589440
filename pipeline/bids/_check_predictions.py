"""What is wrong with `[predict]` before anything runs: scores and columns that are not there."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from ..study import Prediction, Study, meant
from ._error import DataError
from ._inventory import Inventory
from ._session_scores import known_columns, person_numbers

LEAST = 6  # participants with the outcome
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")  # a name by itself, not change(NAME)


def check_predictions(study: Study, inventory: Inventory) -> list[str]:
    """A line for everything in `[predict]` that the data do not allow.

    Measures are known only once they have been taken, so that their names are checked when they are used.
    """
    return [
        f"[predict.{name}] {problem}"
        for name, prediction in study.predict.items()
        for problem in _problems(study, inventory, prediction)
    ]


def _problems(study: Study, inventory: Inventory, prediction: Prediction) -> Iterator[str]:
    known = known_columns(study, inventory)
    for key, names in (("outcome", (prediction.outcome,)), ("covariates", prediction.covariates)):
        for name in names:
            if _PLAIN.fullmatch(name) and name not in known:
                yield f"{key}: {name!r} is no score and no column of the participants' table{meant(name, known, key)}"
    if prediction.outcome in known:
        yield from _outcome(inventory, prediction.outcome)


def _outcome(inventory: Inventory, name: str) -> Iterator[str]:
    try:
        values = person_numbers(inventory, name)
    except DataError as error:
        yield f"outcome: {error}"
        return
    there = values[np.isfinite(values)]
    if there.size < LEAST:
        yield f"outcome: {there.size} participants have {name}; leaving some out takes {LEAST}"
    elif not np.ptp(there) > 0:
        yield f"outcome: {name} is {there[0]:g} for every participant; there is nothing to predict"
