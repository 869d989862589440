"""What the data allow of predictions and of statistics of scores, a line for each problem."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from ..common import did_you_mean
from ..study import Prediction, Statistics, Study
from ._inventory import Inventory
from ._readable_files import DataError
from ._scores import known_columns, participant_column, participant_numbers, session_scores

LEAST_PREDICTED = 6  # participants with the outcome
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")  # a name by itself, not change(NAME)
LEAST_WITH_OUTCOME = 3  # participants of each group with an outcome in both sessions
LEAST_PAIRS = 5  # participants with a number that something is correlated with


def check_predictions(study: Study, inventory: Inventory) -> list[str]:
    """A line for everything in `[predict]` that the data do not allow.

    Measures are known only once they have been taken, so that their names are checked when they are used.
    """
    return [
        f"[predict.{name}] {problem}"
        for name, prediction in study.predict.items()
        for problem in _prediction_problems(study, inventory, prediction)
    ]


def _prediction_problems(study: Study, inventory: Inventory, prediction: Prediction) -> Iterator[str]:
    known = known_columns(study, inventory)
    for key, names in (("outcome", (prediction.outcome,)), ("covariates", prediction.covariates)):
        for name in names:
            if _PLAIN.fullmatch(name) and name not in known:
                tip = did_you_mean(name, known, key)
                yield f"{key}: {name!r} is no score and no column of the participants' table{tip}"
    if prediction.outcome in known:
        yield from _outcome_problems(inventory, prediction.outcome)


def _outcome_problems(inventory: Inventory, name: str) -> Iterator[str]:
    try:
        values = participant_numbers(inventory, name)
    except DataError as error:
        yield f"outcome: {error}"
        return
    known = values[np.isfinite(values)]
    if known.size < LEAST_PREDICTED:
        yield f"outcome: {known.size} participants have {name}; leaving some out takes {LEAST_PREDICTED}"
    elif not np.ptp(known) > 0:
        yield f"outcome: {name} is {known[0]:g} for every participant; there is nothing to predict"


def check_statistics(study: Study, inventory: Inventory) -> list[str]:
    """A line for everything in `[statistics]` that the data do not allow.

    Measures are known only once they have been taken, so that their names are checked when they are used.
    """
    how = study.statistics
    if how is None:
        return []
    if study.sessions.pair is None or len(study.participants.group_names) != 2:
        return ["[statistics] is of two groups in two sessions, which this study has not; remove it"]
    lines = [f"[statistics]{problem}" for problem in _ignored_settings(how)]
    for key in ("outcomes", "subscales", "null_checks", "cohort"):
        names: Sequence[str] = getattr(how, key)
        lines += [f"[statistics] {key}: {problem}" for problem in _statistics_problems(study, inventory, key, names)]
    return lines


def _ignored_settings(how: Statistics) -> Iterator[str]:
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


def _statistics_problems(study: Study, inventory: Inventory, key: str, names: Sequence[str]) -> Iterator[str]:
    known = list(study.scores) if key == "outcomes" else known_columns(study, inventory)
    for place, name in enumerate(names):
        if name in names[:place]:
            yield f"names {name!r} twice; name it once"
        elif name not in known:
            kind = "scores" if key == "outcomes" else "columns"
            what = "no score" if key == "outcomes" else "no score and no column of the participants' table"
            yield f"{name!r} is {what}{did_you_mean(name, known, kind)}"
        else:
            yield from _column_problems(study, inventory, key, name)


def _column_problems(study: Study, inventory: Inventory, key: str, name: str) -> Iterator[str]:
    try:
        if key == "outcomes":
            yield from _too_few_for_outcome(study, inventory, name)
        elif key == "cohort":
            participant_column(inventory, name)
        else:
            yield from _correlation_problems(name, participant_numbers(inventory, name))
    except DataError as error:
        yield str(error)


def _too_few_for_outcome(study: Study, inventory: Inventory, name: str) -> Iterator[str]:
    (score,) = session_scores(study, inventory, [name])
    both = np.isfinite(score.before) & np.isfinite(score.after)
    group_of = np.array([participant.group for participant in inventory.participants])
    counts = {group: int((both & (group_of == group)).sum()) for group in study.participants.group_names}
    few = [f"{count} of {group}" for group, count in counts.items() if count < LEAST_WITH_OUTCOME]
    if few:
        article = study.participants.one_group
        yield f"{' and '.join(few)} have {name} in both sessions; {article} takes {LEAST_WITH_OUTCOME}"


def _correlation_problems(name: str, values: np.ndarray) -> Iterator[str]:
    known = values[np.isfinite(values)]
    if known.size < LEAST_PAIRS:
        yield f"{known.size} participants have {name}; a correlation takes {LEAST_PAIRS}"
    elif not np.ptp(known) > 0:
        yield f"{name} is {known[0]:g} for every participant; nothing can correlate with it"
