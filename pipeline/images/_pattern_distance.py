"""How far the patterns of two conditions are apart in each region: cross-validated over folds of one run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby, pairwise

import numpy as np
from jaxtyping import Bool, Float
from scipy.linalg import solve

from features import FeatureError, crossnobis, noise_covariance

from ..bids import Events, Run, conditions_of
from ..study import Distance, Task
from ._design_matrix import DesignMatrix
from ._region_series import RegionCoverage
from ._task_regressors import boxcars, convolve_and_sample, lead_bins
from ._voxels import Voxels

APART = 16.0  # s from the end of an event until its response is over, but for the undershoot
BREAK = 8.0  # s without an event that end a block


class FoldError(ValueError):
    """A run that cannot be divided so that both conditions are in two folds: why, in words."""


@dataclass(frozen=True, eq=False)
class Folds:
    """A run divided.

    Fields:
        onset, duration: (event,) s, of the events of both conditions.
        second: (event,) whether an event is of the second condition.
        place: (event,) its fold, from 0; −1 where it is in none.
        pairs: of folds whose patterns are compared.
        adjacent: whether they had to be pairs whose responses overlap.
    """

    onset: Float[np.ndarray, "event"]
    duration: Float[np.ndarray, "event"]
    second: Bool[np.ndarray, "event"]
    place: np.ndarray
    pairs: tuple[tuple[int, int], ...]
    adjacent: bool

    @property
    def count(self) -> int:
        """Of folds."""
        return int(self.place.max()) + 1


def divide_into_folds(distance: Distance, task: Task, events: Events, length: float) -> Folds:
    """Divides the events of both conditions of a distance, so that responses of two folds that are compared don't meet.

    Halves: events of the first and of the second half of the run; those whose response may reach from one into the
    other, within 8 s of the middle, are in neither, as long as each half keeps both conditions. Blocks: the k-th block
    of either condition makes the k-th fold; events follow each other in a block until one of another condition, or
    8 s without any, come between. Two folds are compared where 16 s lie between their events, or, where no two are
    that far apart, all with all.

    Arguments:
        length: of the run, s. Events that begin outside of it are in no fold.

    Raises `FoldError` where a condition is not in two folds.
    """
    labels = _labels(task, events)
    chosen = [i for i, label in enumerate(labels) if label in distance.between]
    onset, duration = events.onset[chosen], events.duration[chosen]
    second = np.array([labels[i] == distance.between[1] for i in chosen], dtype=bool)
    within = (onset >= 0) & (onset < length)
    if distance.folds == "halves":
        place = _halves(onset, duration, second, within, length / 2)
    else:
        place = _blocks(labels, events, chosen, second, within)
    _check_two_folds(place, second, distance)
    place = _folds_with_both(place, second)
    pairs, adjacent = _pairs(onset, duration, place)
    return Folds(onset, duration, second, place, pairs, adjacent)


def _labels(task: Task, events: Events) -> list[str]:
    """The condition of every event; empty for one of none, which interrupts nothing."""
    owner = {kind: name for name, kinds in conditions_of(task, events).items() for kind in kinds}
    return [owner.get(kind, "") for kind in events.trial_type]


def _halves(
    onset: np.ndarray, duration: np.ndarray, second: np.ndarray, within: np.ndarray, middle: float
) -> np.ndarray:
    place = np.where(within, (onset + duration / 2 >= middle).astype(np.int64), -1)
    near = (onset < middle + APART / 2) & (onset + duration > middle - APART / 2)
    without = np.where(near, -1, place)
    return without if _has_both_conditions(without, second, 2) else place


def _blocks(
    labels: Sequence[str], events: Events, chosen: Sequence[int], second: np.ndarray, within: np.ndarray
) -> np.ndarray:
    """The number of each event's block among those of its condition."""
    block_of = {i: number for number, block in enumerate(_runs(labels, events)) for i in block}
    blocks = np.array([block_of[i] for i in chosen], dtype=np.int64)
    place = np.full(len(chosen), -1, dtype=np.int64)
    for condition in (False, True):
        mine = within & (second == condition)
        place[mine] = np.unique(blocks[mine], return_inverse=True)[1]
    return place


def _runs(labels: Sequence[str], events: Events) -> Iterator[list[int]]:
    """Events that follow each other, all of one condition and without a pause between them."""
    places = [i for i, label in enumerate(labels) if label]
    pauses = {j: events.onset[j] - events.onset[i] - events.duration[i] for i, j in pairwise(places)}
    for _, group in groupby(places, key=lambda i: labels[i]):
        block: list[int] = []
        for i in group:
            if block and pauses[i] > BREAK:
                yield block
                block = []
            block.append(i)
        yield block


def _has_both_conditions(place: np.ndarray, second: np.ndarray, folds: int) -> bool:
    """Whether each fold has events of both conditions."""
    return all(((place == fold) & (second == kind)).any() for fold in range(folds) for kind in (False, True))


def _check_two_folds(place: np.ndarray, second: np.ndarray, distance: Distance) -> None:
    what = "half" if distance.folds == "halves" else "block"
    for condition, name in zip((False, True), distance.between, strict=True):
        folds = np.unique(place[(second == condition) & (place >= 0)])
        if folds.size < 2:
            folds_found = f"one {what} only" if folds.size else f"no {what}"
            raise FoldError(f"{name} is in {folds_found}, and it takes two to cross-validate")


def _folds_with_both(place: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Without folds that one condition alone has."""
    last = min(int(place[second == condition].max()) for condition in (False, True))
    return np.where(place > last, -1, place)


def _pairs(onset: np.ndarray, duration: np.ndarray, place: np.ndarray) -> tuple[tuple[tuple[int, int], ...], bool]:
    every = list(combinations(range(int(place.max()) + 1), 2))
    spans: Mapping[int, np.ndarray] = {
        fold: np.stack([onset[place == fold], (onset + duration)[place == fold]]) for fold in range(place.max() + 1)
    }
    apart = [(first, other) for first, other in every if _shortest_gap(spans[first], spans[other]) >= APART - 1e-6]
    return tuple(apart or every), not apart


def _shortest_gap(first: np.ndarray, other: np.ndarray) -> float:
    """Shortest time between the events of two folds, s; below zero where some overlap."""
    after = other[0][None] - first[1][:, None]
    before = first[0][:, None] - other[1][None]
    return float(np.maximum(after, before).min())


@dataclass(frozen=True, eq=False)
class PatternDistances:
    """Of one run.

    Fields:
        names: of the distances.
        values: (distance, region) crossnobis distance; NaN where there is none.
        notes: a line for whatever should be known.
    """

    names: tuple[str, ...]
    values: Float[np.ndarray, "distance region"]
    notes: tuple[str, ...]


def pattern_distances(
    run: Run,
    task: Task,
    events: Events | None,
    design: DesignMatrix,
    whiten: Float[np.ndarray, "scan scan"],
    covered: Mapping[str, RegionCoverage],
    voxels: Voxels,
    scale: float,
) -> PatternDistances:
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
            folds = divide_into_folds(distance, task, events, run.scans * run.repetition_time)
            matrix, columns = _design_by_fold(run, distance, design, folds)
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
    return PatternDistances(tuple(task.distances), values, tuple(notes))


def _design_by_fold(run: Run, distance: Distance, design: DesignMatrix, folds: Folds) -> tuple[np.ndarray, np.ndarray]:
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
    _check_estimable(matrix, places)
    return matrix, places


def _regressor(run: Run, onset: np.ndarray, duration: np.ndarray) -> np.ndarray:
    before = lead_bins(run.repetition_time)
    boxes = boxcars(onset, duration, np.ones(onset.size), run.scans, run.repetition_time, before)
    return convolve_and_sample(boxes, run.repetition_time, run.reference, before)


def _check_estimable(matrix: np.ndarray, places: np.ndarray) -> None:
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
    estimator = inverse[columns[:, 0]] - inverse[columns[:, 1]]
    error = estimator @ estimator.T  # (fold, fold) covariance of the differences' errors, in that of the noise
    v, s = np.diag(error)[pairs].mean(), error[pairs[:, 0], pairs[:, 1]].mean()
    return float((v * between - s * square[pairs].mean()) / (v - s))
