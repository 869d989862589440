"""Shuffles of the outcome in portions: side by side, kept where they are done, no more than it takes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float
from threadpoolctl import threadpool_limits

from features import (
    NestedEstimate,
    PermutationTest,
    PreparedFolds,
    Tuning,
    permutation_p_value,
    permutations_needed,
    permutations_reaching,
)

from ..common import JsonError, ProgressFactory, UsageError, atomic_write, read_json, release, write_text
from ..execution import Unit, UnitRecorder, Workers, run_units

STAGE = "shuffle"
PORTION = 10  # shuffles of a unit: some seconds
WAVE = 10  # units that are handed out before it is asked whether it is enough
PACKAGES = ("effconn", "numpy", "scipy", "scikit-learn")


@dataclass(frozen=True, eq=False)
class PermutationJob:
    """What is shuffled.

    Fields:
        folds, y, tuning: those of `found`.
        found: the nested estimate.
        seed: of all shuffles.
    """

    folds: PreparedFolds
    y: Float[np.ndarray, "participant"]
    found: NestedEstimate
    tuning: Tuning
    seed: int

    @property
    def digest(self) -> str:
        """SHA-256 of everything that decides the shuffles."""
        digest = hashlib.sha256()
        for values in (self.folds.groups, self.folds.without_one, self.folds.without_two, self.y):
            digest.update(f"{values.shape} {values.dtype}".encode())
            digest.update(np.ascontiguousarray(values).data)
        digest.update(repr((self.found.q_squared, self.tuning, self.seed)).encode())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class _Stored:
    """A job whose predictors lie in files: sent with every portion they would take gigabytes."""

    path: Path  # of `PreparedFolds.without_one`; that of `without_two` is beside it
    job: PermutationJob  # without them


def _store(job: PermutationJob, folder: Path, digest: str) -> _Stored:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{digest[:16]}-one.npy"
    for place, values in ((path, job.folds.without_one), (_of_two(path), job.folds.without_two)):
        with atomic_write(place) as aside, aside.open("wb") as file:
            np.save(file, values)
    nothing = np.zeros((0, 0, 0))
    return _Stored(path, replace(job, folds=replace(job.folds, without_one=nothing, without_two=nothing)))


def _of_two(path: Path) -> Path:
    return path.with_name(path.name.replace("-one.npy", "-two.npy"))


_loaded: dict[Path, PermutationJob] = {}  # of this process: one job, with the samples that its portions share


def _load(stored: _Stored) -> PermutationJob:
    if stored.path not in _loaded:
        _loaded.clear()
        without_one, two = (np.load(path, mmap_mode="r") for path in (stored.path, _of_two(stored.path)))
        folds = replace(stored.job.folds, without_one=without_one, without_two=two)
        _loaded[stored.path] = replace(stored.job, folds=folds)
    return _loaded[stored.path]


@dataclass(frozen=True)
class _Portion:
    stored: _Stored
    numbers: range
    path: Path


def permute_outcome(
    job: PermutationJob, count: int, records: Path, workers: Workers, watch: ProgressFactory
) -> PermutationTest:
    """`features.permutation` of `count` shuffles, or of fewer where enough of them reach what was found.

    Arguments:
        job: what is shuffled.
        count: how many.
        records: folder of the records of what is done, and of its results.
        workers: processes.
        watch: a context manager that reports how many shuffles are done.

    Raises `UsageError` where a portion failed for a reason that is not the data's.
    """
    digest = job.digest
    stored = _store(job, records / "shuffles", digest)
    try:
        return _shuffled(_units(stored, digest, count, records), job.seed, count, records, workers, watch)
    finally:
        _loaded.clear()
        for path in (stored.path, _of_two(stored.path)):
            path.unlink(missing_ok=True)


def _shuffled(
    units: Sequence[Unit], seed: int, count: int, records: Path, workers: Workers, watch: ProgressFactory
) -> PermutationTest:
    reached = np.zeros(0, dtype=bool)
    with watch(f"shuffling the outcome up to {count} times") as bar:
        for start in range(0, len(units), WAVE):
            wave = units[start : start + WAVE]
            done = reached.size

            def report(ended: int, _: int, done: int = done) -> None:
                bar(min(done + ended * PORTION, count), count)

            for outcome in run_units(wave, permute_portions, folder=records, workers=workers, on_progress=report):
                if outcome.status == "failed":
                    raise UsageError(f"shuffling the outcome {outcome.reason}")
            reached = np.concatenate([reached, *(_read(unit) for unit in wave)])
            if permutations_needed(reached) < reached.size:
                break
    return permutation_p_value(reached, seed)


def _units(stored: _Stored, digest: str, count: int, records: Path) -> list[Unit]:
    recipe = {"digest": digest, **{package: release(package) for package in PACKAGES}}
    units = []
    for start in range(0, count, PORTION):
        numbers = range(start, min(start + PORTION, count))
        name = f"{digest[:16]}-{numbers.start:06d}-{numbers.stop:06d}"
        portion = _Portion(stored, numbers, records / "shuffles" / f"{name}.json")
        units.append(Unit(STAGE, name, recipe, (), portion))
    return units


def permute_portions(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """Shuffle, and write whether each reached what was found. The work of these units."""
    for unit in units:
        portion: _Portion = unit.payload
        job = _load(portion.stored)
        with threadpool_limits(limits=1):  # small matrices; other workers want the cores
            reached = permutations_reaching(job.folds, job.y, job.found, portion.numbers, job.seed, job.tuning)
        write_text(portion.path, json.dumps(reached.tolist()) + "\n")
        recorder.done(unit, [portion.path])


def _read(unit: Unit) -> np.ndarray:
    portion: _Portion = unit.payload
    try:
        reached = np.array(read_json(portion.path))
    except (JsonError, ValueError):  # lists of uneven length are no array
        reached = np.empty(0)
    if reached.dtype != np.bool_ or reached.shape != (len(portion.numbers),):
        raise UsageError(f"{portion.path} is damaged; delete it and run again")
    return reached
