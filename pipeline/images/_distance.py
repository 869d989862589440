"""How far the patterns of two conditions are apart in each region: cross-validated within one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import solve

from features import FeatureError, crossnobis, noise_covariance

from ..bids import Events, Run
from ..study import Distance, Task
from ._design import Design
from ._folds import FoldError, Folds, folds_of
from ._microtime import boxcars, convolved, lead
from ._voi import Coverage
from ._voxels import Voxels


@dataclass(frozen=True, eq=False)
class Distances:
    """Of one run.

    Fields:
        names: of the distances.
        values: (distance, region) crossnobis distance; NaN where there is none.
        notes: a line for whatever should be known.
    """

    names: tuple[str, ...]
    values: Float[np.ndarray, "distance region"]
    notes: tuple[str, ...]


def distances_of(
    run: Run,
    task: Task,
    events: Events | None,
    design: Design,
    whiten: Float[np.ndarray, "scan scan"],
    covered: Mapping[str, Coverage],
    voxels: Voxels,
    scale: float,
) -> Distances:
    """Every distance of a task in one run; one that cannot be had is NaN with a note, and the run goes on.

    In place of both conditions the design gets a column for each condition and fold; all other columns stay. Patterns
    are its estimates after whitening, in percent of the run's mean; the noise covariance of a region's voxels is that
    of the residuals, shrunk (Ledoit and Wolf). One model has all folds, so that errors of their patterns go together;
    what that adds is taken out again.

    Arguments:
        whiten: W of `whitener`.
        scale: that makes the series percent of the run's mean.
    """
    values = np.full((len(task.distances), len(covered)), np.nan)
    notes: list[str] = []
    for row, (name, distance) in enumerate(task.distances.items() if events is not None else ()):
        assert events is not None
        try:
            folds = folds_of(distance, task, events, run.scans * run.repetition_time)
            matrix, columns = _divided(run, distance, design, folds)
        except FoldError as error:
            notes.append(f"distance {name}: {error}")
            continue
        if folds.adjacent:
            notes.append(f"distance {name}: its folds follow each other so closely that their responses overlap")
        for place, (region, coverage) in enumerate(covered.items()):
            series = whiten @ (voxels.series[:, coverage.columns].astype(np.float64) * scale)
            try:
                values[row, place] = _distance(series, whiten @ matrix, columns, folds)
            except FeatureError as error:
                notes.append(f"distance {name}, region {region}: {error}")
    return Distances(tuple(task.distances), values, tuple(notes))


def _divided(run: Run, distance: Distance, design: Design, folds: Folds) -> tuple[np.ndarray, np.ndarray]:
    """The design with columns by fold, and (fold, condition) where these stand.

    What is left of a condition that is in no fold has a column too, so that it does not pass for rest.

    Raises `FoldError` where a fold has no response, or the design cannot tell two conditions of a fold apart.
    """
    others = [i for i, name in enumerate(design.names[: design.interest]) if name not in distance.between]
    columns, rest = [], []
    for condition in (False, True):
        for fold in range(-1, folds.count):
            chosen = (folds.second == condition) & (folds.place == fold)
            column = _regressor(run, folds.onset[chosen], folds.duration[chosen])
            if fold >= 0:
                columns.append(column)
            elif column.any():
                rest.append(column)
    matrix = np.column_stack([*columns, *rest, design.matrix[:, others], design.nuisance])
    places = np.arange(2 * folds.count).reshape(2, folds.count).T
    if matrix.shape[1] >= run.scans:
        raise FoldError(f"{run.scans} scans cannot carry a design of {matrix.shape[1]} columns; take halves as folds")
    _check_told_apart(matrix, places)
    return matrix, places


def _regressor(run: Run, onset: np.ndarray, duration: np.ndarray) -> np.ndarray:
    before = lead(run.repetition_time)
    boxes = boxcars(onset, duration, np.ones(onset.size), run.scans, run.repetition_time, before)
    return convolved(boxes, run.repetition_time, run.reference, before)


def _check_told_apart(matrix: np.ndarray, places: np.ndarray) -> None:
    rows = np.zeros((len(places), matrix.shape[1]))
    for fold, (first, second) in enumerate(places):
        rows[fold, first], rows[fold, second] = 1.0, -1.0
    if not np.allclose(rows @ np.linalg.pinv(matrix) @ matrix, rows, atol=1e-6):
        raise FoldError("confounds or drifts coincide with its conditions in a fold; take fewer confounds")


def _distance(series: np.ndarray, matrix: np.ndarray, columns: np.ndarray, folds: Folds) -> float:
    """Of the two conditions, from a region's whitened series and design.

        d = (v · between − s · within) / (v − s)

    `between` is the crossnobis distance, of differences in two folds, and `within` the mean square of those in one. For
    white noise, a fold's difference has the variance v times that of the noise, and those of two folds the covariance
    s: confounds, drifts and the constant are of the whole run. On average `between` is the distance and s parts of
    noise, `within` the distance and v parts, whatever the noise covariance that both are scaled by; d is the distance.
    """
    inverse = np.linalg.pinv(matrix)
    weights = inverse @ series
    free = len(series) - int(np.linalg.matrix_rank(matrix))
    covariance = noise_covariance(series - matrix @ weights, free)
    pairs = np.array(folds.pairs)
    between = float(crossnobis(weights[columns], covariance, pairs=pairs)[0, 1])
    difference = weights[columns[:, 0]] - weights[columns[:, 1]]
    square = np.einsum("fv,vf->f", difference, solve(covariance, difference.T, assume_a="pos")) / difference.shape[1]
    told = inverse[columns[:, 0]] - inverse[columns[:, 1]]
    error = told @ told.T  # (fold, fold) covariance of the differences' errors, in that of the noise
    v, s = np.diag(error)[pairs].mean(), error[pairs[:, 0], pairs[:, 1]].mean()
    return float((v * between - s * square[pairs].mean()) / (v - s))
