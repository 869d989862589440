"""Shuffles in portions: the same whoever works, kept where they are done, no more than it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from made_up_predictors import made_up

from features import (
    Tuning,
    assign_folds,
    nested_cross_validation,
    permutation_p_value,
    permutations_reaching,
    prepare_folds,
)
from pipeline.common import UsageError
from pipeline.execution import CurrentProcess, open_workers
from pipeline.predict._permutations import PermutationJob, permute_outcome

TUNING = Tuning((1.0,), 5, 1e-4)


@contextmanager
def silent(what: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda done, total: None


def job_of(effect: float, seed: int) -> PermutationJob:
    predictors, outcome = made_up(9, 2, effect, seed)
    folds = prepare_folds(predictors, assign_folds(9, None))
    return PermutationJob(folds, outcome.values, nested_cross_validation(folds, outcome.values, TUNING), TUNING, seed=4)


@pytest.fixture(scope="module")
def strong() -> PermutationJob:
    """An effect that chance seldom reaches."""
    return job_of(2.0, 1)


def test_portions_come_to_what_one_loop_comes_to(strong: PermutationJob, tmp_path: Path) -> None:
    found = permute_outcome(strong, 25, tmp_path / "records", CurrentProcess(), silent)
    reached = permutations_reaching(strong.folds, strong.y, strong.found, range(25), 4, TUNING)
    assert found == permutation_p_value(reached, 4)


def test_two_processes_come_to_the_same(strong: PermutationJob, tmp_path: Path) -> None:
    alone = permute_outcome(strong, 25, tmp_path / "one", CurrentProcess(), silent)
    with open_workers(2, None, tmp_path / "two") as workers:
        assert permute_outcome(strong, 25, tmp_path / "two", workers, silent) == alone


def test_what_is_done_is_not_done_again(
    strong: PermutationJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was killed after the first portions goes on with those that lack."""
    records = tmp_path / "records"
    permute_outcome(strong, 10, records, CurrentProcess(), silent)
    asked: list[range] = []

    def counted(folds: object, y: object, found: object, numbers: range, *rest: object) -> np.ndarray:
        asked.append(numbers)
        return np.zeros(len(numbers), dtype=bool)

    monkeypatch.setattr("pipeline.predict._permutations.permutations_reaching", counted)
    permute_outcome(strong, 30, records, CurrentProcess(), silent)
    assert asked == [range(10, 20), range(20, 30)]


def test_another_outcome_is_shuffled_anew(strong: PermutationJob, tmp_path: Path) -> None:
    other = job_of(2.0, 2)
    records = tmp_path / "records"
    assert strong.digest != other.digest
    permute_outcome(strong, 10, records, CurrentProcess(), silent)
    assert permute_outcome(other, 10, records, CurrentProcess(), silent) == permute_outcome(
        other, 10, tmp_path, CurrentProcess(), silent
    )


def test_noise_is_shuffled_no_more_than_it_takes(tmp_path: Path) -> None:
    found = permute_outcome(job_of(0.0, 3), 1000, tmp_path / "records", CurrentProcess(), silent)
    assert found.reached == 100
    assert found.shuffles < 1000
    assert found.p_value == pytest.approx(100 / found.shuffles)


def test_a_damaged_portion_is_named(strong: PermutationJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = tmp_path / "records"

    def short(folds: object, y: object, found: object, numbers: range, *rest: object) -> np.ndarray:
        return np.zeros(3, dtype=bool)

    monkeypatch.setattr("pipeline.predict._permutations.permutations_reaching", short)
    with pytest.raises(UsageError, match="damaged"):
        permute_outcome(strong, 10, records, CurrentProcess(), silent)
