"""What is wrong with a table before a model is fitted, and what is allowed but should be looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy import stats

from features import (
    FeatureError,
    Outcome,
    PredictorColumn,
    Predictors,
    assign_folds,
    columns_equal_to_outcome,
    preparation_pipeline,
    standardised_columns,
)

from ..common import first_names
from ..figures import signed_number
from ..tables import TableError, missing_codes
from ._options import PredictOptions
from ._participant_table import ABSENT, ParticipantTable

MOST = 4  # participants whom an error names
FEWEST_OF_AN_ARM = 3  # so that each is there when two participants are left out


def check_enough(path: Path, participants: int, folds: int | None, left_out: Sequence[str]) -> None:
    """Raises `TableError` where too few participants are left to leave some out and learn from the others."""
    try:
        assign_folds(participants, folds)
    except FeatureError as error:
        why = f"; not in the model: {'; '.join(left_out[:MOST])}" if left_out else ""
        raise TableError(path, f"{error}{why}") from error


def check_arms(path: Path, names: tuple[str, str], values: Float[np.ndarray, "participant"], word: str) -> None:
    """Raises `TableError` where an arm, or what `word` calls it, could be gone when participants are left out."""
    for name, code in zip(names, (1, -1), strict=True):
        count = int((values == code).sum())
        if count < FEWEST_OF_AN_ARM:
            have = "participant has" if count == 1 else "participants have"
            raise TableError(
                path,
                f"{count} {have} {word} {name} and all else that is needed; a model with {word}s takes "
                f"{FEWEST_OF_AN_ARM} of each: leave the {word} out of the model",
            )


def check_outcome_values(path: Path, outcome: Outcome) -> None:
    """Raises `TableError` where there is nothing to predict."""
    if np.ptp(outcome.values) == 0:
        raise TableError(path, f"{outcome.name} is {outcome.values[0]:g} for everybody: there is nothing to predict")


def check_predictor_columns(path: Path, predictors: Predictors) -> None:
    """Raises `TableError` for columns of a model that hold nothing, or the same for everybody."""
    empty, constant = [], []
    for column, values in zip(predictors.columns, predictors.values.T, strict=True):
        known = values[~np.isnan(values)]
        if known.size == 0 and column.role == "motion":
            raise TableError(path, f"{column.name}: missing for everybody; correct it, or do not adjust (--no-motion)")
        if known.size == 0:
            empty.append(column.name)
        elif np.ptp(known) == 0 and column.role != "motion":
            constant.append(f"{column.name} ({known[0]:g})")
    count = len(predictors.participants)
    if empty:
        raise TableError(
            path,
            f"{first_names(empty)}: missing for all {count} participants; leave it out of the model (measures *, "
            "!NAME)",
        )
    if constant:
        raise TableError(
            path,
            f"{first_names(constant)}: the same for all {count} participants; leave it out of the model (measures *, "
            "!NAME)",
        )


def single_exceptions(predictors: Predictors) -> tuple[str, ...]:
    """Columns that are the same for all but one participant, in a line."""
    found = []
    for column, values in zip(predictors.columns, predictors.values.T, strict=True):
        kinds, counts = np.unique(values[~np.isnan(values)], return_counts=True)
        if kinds.size == 2 and counts.min() == 1:
            found.append(column.name)
    return (f"The same for all but one participant: {first_names(found)}.",) if found else ()


def duplicate_participants(predictors: Predictors, outcome: Outcome) -> tuple[str, ...]:
    """Participants who have all values in common, in a line: perhaps one participant under two names."""
    rows = np.column_stack([outcome.values, predictors.values])
    first: dict[bytes, str] = {}
    pairs = []
    for name, row in zip(predictors.participants, rows, strict=True):
        other = first.setdefault(row.tobytes(), name)
        if other != name:
            pairs.append(f"{other} and {name}")
    if not pairs:
        return ()
    return (
        f"The outcome and all predictors are the same: {first_names(pairs)}; is it one participant under two names?",
    )


def find_standardised(participants: ParticipantTable, columns: Iterable[str]) -> tuple[str, ...]:
    """Columns of a table that were z-scored over all its rows, or over those of a session."""
    names = [name for name in dict.fromkeys(columns) if participants.kind(name) == "numbers"]
    if not names:
        return ()
    sets = [np.arange(participants.rows.size), *np.arange(participants.rows.size).reshape(participants.rows.shape).T]
    values = np.column_stack([participants.numbers(name).ravel() for name in names])
    present = participants.rows.ravel() != ABSENT
    found: set[str] = set()
    for rows in sets:
        own = rows[present[rows]]
        table = Predictors(
            tuple(str(row) for row in own), tuple(PredictorColumn(name, "measure") for name in names), values[own], ()
        )
        found |= set(standardised_columns(table))
    return tuple(name for name in names if name in found)


def check_leakage(
    options: PredictOptions, participants: ParticipantTable, predictors: Predictors, sources: Iterable[str]
) -> Predictors:
    """The predictors, with what was estimated over all participants already.

    Raises `TableError` where that would feed predictions of participants left out.
    """
    path, done = participants.table.path, list(participants.sidecar.whole_sample)
    if done and not options.in_sample_only:
        where = participants.sidecar.path.name if participants.sidecar.path else ""
        raise TableError(
            path,
            f"{first_names(done)} were estimated over all participants ({where}): those left out have shaped what "
            "predicts them; give raw measures, or ask for the in-sample numbers alone (--in-sample-only)",
        )
    scored = find_standardised(participants, sources)
    if scored and not options.in_sample_only:
        raise TableError(
            path,
            f"{first_names(scored)}: standardised over all rows (mean 0, SD 1), so that those left out have shaped "
            "what predicts them; give raw values, leave them out, or ask for the in-sample numbers alone "
            "(--in-sample-only)",
        )
    done += [f"standardisation of {first_names(scored)}"] if scored else []
    return replace(predictors, whole_sample=tuple(done))


def check_imputations(path: Path, predictors: Predictors, options: PredictOptions) -> None:
    """Raises `TableError` where what is missing is to be drawn, and nothing is."""
    if options.imputations and not any(
        np.isnan(values).any()
        for column, values in zip(predictors.columns, predictors.values.T, strict=True)
        if column.role != "motion"
    ):
        raise TableError(
            path,
            f"no value of a predictor is missing, so that {options.imputations} imputations would be the same; leave "
            "imputations out (--imputations)",
        )


def check_features(path: Path, predictors: Predictors, outcome: Outcome, options: PredictOptions) -> None:
    """Raises `TableError` for what would fail, or mislead, once the model is fitted."""
    try:
        preparation_pipeline(predictors, options.imputation)
        disguised = columns_equal_to_outcome(predictors, outcome)
    except FeatureError as error:
        raise TableError(path, str(error)) from error
    if disguised:
        raise TableError(
            path,
            f"{first_names(disguised)}: the outcome {outcome.name} under another name, alone or together; leave it out",
        )


FAR = 12.0  # robust standard deviations from the median: an illness may be that rare, a code for missing is not
CLOSE = 0.95  # |rank correlation| with the outcome that no measure of the brain has
FEWEST = 6  # participants with a value


def suspicious_values(predictors: Predictors, outcome: Outcome) -> tuple[str, ...]:
    """Values far from all others, and columns that follow the outcome too closely."""
    return (*_far(predictors, outcome), *_close(predictors, outcome))


def _far(predictors: Predictors, outcome: Outcome) -> tuple[str, ...]:
    columns = [(column.name, values) for column, values in zip(predictors.columns, predictors.values.T, strict=True)]
    found = []
    for name, values in [*columns, (outcome.name, outcome.values)]:
        present = np.flatnonzero(np.isfinite(values))
        x = values[present]
        spread = stats.median_abs_deviation(x, scale="normal") if x.size >= FEWEST else 0.0
        if not spread > 0:
            continue
        for place in np.flatnonzero(np.abs(x - np.median(x)) > FAR * spread):
            found.append(f"{name} of {predictors.participants[present[place]]} is {x[place]:g}")
    for name, values in [*columns, (outcome.name, outcome.values)]:
        for place in np.flatnonzero(np.isin(values, missing_codes(values))):
            line = f"{name} of {predictors.participants[place]} is {values[place]:g}"
            found += [line] if line not in found else []
    return (f"Far from all others: {first_names(found)}; is it a code for missing, or a slip?",) if found else ()


def _close(predictors: Predictors, outcome: Outcome) -> tuple[str, ...]:
    found = []
    for column, values in zip(predictors.columns, predictors.values.T, strict=True):
        both = np.isfinite(values)
        if both.sum() < FEWEST or np.unique(values[both]).size < FEWEST or np.ptp(outcome.values[both]) == 0:
            continue
        r = float(stats.spearmanr(values[both], outcome.values[both]).statistic)
        if abs(r) > CLOSE:
            found.append(f"{column.name} (rank correlation {signed_number(r)})")
    return (
        (f"Too close to the outcome for a measure of anything else: {first_names(found)}; is it made from it?",)
        if found
        else ()
    )
