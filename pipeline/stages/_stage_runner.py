"""How one stage is run: its units are made where the stage is requested, else what an earlier run made is used."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from ..common import ProgressFactory, UsageError, release
from ..execution import (
    CurrentProcess,
    Unit,
    UnitOutcome,
    Workers,
    WorkFunction,
    find_failures,
    find_up_to_date,
    run_units,
)
from ..report import FailedUnit
from ..study import Region, Series, Task, is_atlas_file

Stage = Literal["extract", "invert", "group", "measure", "statistics", "predict", "report"]
STAGES: tuple[Stage, ...] = ("extract", "invert", "group", "measure", "statistics", "predict", "report")


@dataclass(frozen=True)
class RunOptions:
    """How to run a study.

    Fields:
        stages: what to do, in order.
        jobs: processes on this machine.
        scheduler: address of a Dask cluster; ``local`` to start one here; None for processes.
        force: whether to do anew what is done.
        participants: whom to extract and invert; empty for all.
    """

    stages: tuple[Stage, ...] = STAGES
    jobs: int = 1
    scheduler: str | None = None
    force: bool = False
    participants: tuple[str, ...] = ()


@dataclass(eq=False)
class StageRunner:
    """Runs the requested stages, and collects outcomes, times and failures.

    Fields:
        records: folder of the records.
        options, workers, notify, progress: see `run_study`.
        check_folder: raises an error where the folder of results was removed.
        outcomes: of every unit of the requested stages.
        seconds: by stage.
        failed: units that failed in this run, or in an earlier one where this run does not repeat them.
    """

    records: Path
    options: RunOptions
    workers: Workers
    notify: Callable[[str], None]
    progress: ProgressFactory
    check_folder: Callable[[], None]
    outcomes: list[UnitOutcome] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    failed: list[FailedUnit] = field(default_factory=list)

    def requested(self, *stages: Stage) -> bool:
        """Whether any of these stages is requested."""
        return bool(set(stages) & set(self.options.stages))

    def run(
        self,
        stage: Stage,
        title: str,
        units: Sequence[Unit],
        work: WorkFunction,
        *,
        in_this_process: bool = False,
        shows_own_progress: bool = False,
    ) -> set[str]:
        """Run a stage where it is requested; the names of the units that have a result.

        Arguments:
            title: of the progress bar, with {} for the number of units.
            in_this_process: whether this process does it, whatever workers there are.
            shows_own_progress: whether the work function has a progress bar of its own.
        """
        if not self.requested(stage):
            return self.completed(units)
        if not units:
            return set()
        start, gpu = time.perf_counter(), stage == "invert" and self.inverts_on_gpu()
        if gpu and self.options.scheduler is None:
            in_this_process = True  # other processes would compete with this one for the GPU
        with nullcontext() if shows_own_progress else self.progress(title.format(len(units))) as bar:
            outcomes = run_units(
                units,
                work,
                folder=self.records,
                workers=CurrentProcess() if in_this_process else self.workers,
                gpu=gpu,
                force=self.options.force,
                on_outcome=self._report_failure,
                on_progress=bar,
            )
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start
        self.outcomes += outcomes
        failed = [outcome for outcome in outcomes if outcome.status == "failed"]
        self.failed += [FailedUnit(outcome.unit.stage, outcome.unit.name, outcome.reason) for outcome in failed]
        return {outcome.unit.name for outcome in outcomes if outcome.status != "failed"}

    def completed(self, units: Sequence[Unit]) -> set[str]:
        """The names of the units that an earlier run made.

        Raises `UsageError` where a requested stage needs units that were never tried, or are out of date.
        """
        completed = {unit.name for unit in find_up_to_date(units, self.records)}
        failed = [(unit, why) for unit, why in find_failures(units, self.records) if unit.name not in completed]
        self.failed += [FailedUnit(unit.stage, unit.name, why) for unit, why in failed]
        requested = [STAGES.index(stage) for stage in self.options.stages]
        missing = len(units) - len(completed) - len(failed)
        if missing and STAGES.index(units[0].stage) < min(requested):
            raise UsageError(
                f"{missing} of {len(units)} units of the stage {units[0].stage} are not done or out of date; do that "
                "stage first (leave --only out, or for a BIDS App finish the participant level)"
            )
        return completed

    def inverts_on_gpu(self) -> bool:
        """Whether models are inverted on a GPU: here, or by workers of a cluster."""
        if not self.requested("invert"):
            return False
        return (CurrentProcess() if self.options.scheduler is None else self.workers).gpus > 0

    def _report_failure(self, outcome: UnitOutcome) -> None:
        self.check_folder()
        if outcome.status == "failed":
            stage, name, reason = outcome.unit.stage, outcome.unit.name, outcome.reason
            self.notify(reason if reason.startswith(name) else f"{stage} {name}: {reason}")


def recipe_of(settings: BaseModel) -> Any:
    """Settings as JSON, for a recipe: files by their names alone, as their content is an input and folders may move."""
    return _json_without_folders(settings)


def _json_without_folders(value: Any) -> Any:
    if isinstance(value, Region) and value.atlas is not None and is_atlas_file(value.atlas):
        value = value.model_copy(update={"atlas": Path(value.atlas).name})
    if isinstance(value, Task | Series) and value.events is not None:
        value = value.model_copy(update={"events": Path(value.events).name})
    if isinstance(value, Series):
        value = value.model_copy(update={"files": tuple(Path(pattern).name for pattern in value.patterns)})
    if isinstance(value, BaseModel):
        return {name: _json_without_folders(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {key: _json_without_folders(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_json_without_folders(item) for item in value]
    return value.name if isinstance(value, Path) else value


def package_versions(*packages: str) -> dict[str, str]:
    """Installed versions of effconn and of packages, as a recipe has them."""
    return {package: release(package) for package in ("effconn", *packages)}
