"""One stage after another: its units are made where the stage is asked for, else what an earlier run made is taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from ..common import UsageError
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
from ._options import STAGES, RunOptions, Stage, Watch


@dataclass(eq=False)
class Doing:
    """Does stages, and keeps count.

    Fields:
        records: folder of the records.
        options, workers, say, watch: see `run_study`.
        check: raises an error where the folder of results is no longer there.
        ended: every unit of the stages that were asked for.
        seconds: by stage.
        failed: by this run, or by an earlier one of what it does not do.
    """

    records: Path
    options: RunOptions
    workers: Workers
    say: Callable[[str], None]
    watch: Watch
    check: Callable[[], None]
    ended: list[UnitOutcome] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    failed: list[FailedUnit] = field(default_factory=list)

    def asked(self, *stages: Stage) -> bool:
        """Whether any of these stages is to be done."""
        return bool(set(stages) & set(self.options.stages))

    def do(
        self,
        stage: Stage,
        what: str,
        units: Sequence[Unit],
        work: WorkFunction,
        *,
        here: bool = False,
        watched: bool = False,
    ) -> set[str]:
        """Do a stage, if it is asked for; the names of the units that have a result.

        Arguments:
            what: for people, with a place for the number of units.
            here: whether this process does it, whatever workers there are.
            watched: whether the work itself tells how far it is.
        """
        if not self.asked(stage):
            return self.there(units)
        if not units:
            return set()
        start, gpu = time.perf_counter(), stage == "invert" and self.gpu()
        here = here or (gpu and self.options.scheduler is None)  # processes beside this one would fight for the GPU
        with nullcontext() if watched else self.watch(what.format(len(units))) as bar:
            ended = run_units(
                units,
                work,
                folder=self.records,
                workers=CurrentProcess() if here else self.workers,
                gpu=gpu,
                again=self.options.again,
                on_outcome=self._mention,
                on_progress=bar,
            )
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start
        self.ended += ended
        self.failed += [
            FailedUnit(one.unit.stage, one.unit.name, one.reason) for one in ended if one.status == "failed"
        ]
        return {one.unit.name for one in ended if one.status != "failed"}

    def there(self, units: Sequence[Unit]) -> set[str]:
        """The names of the units that an earlier run made.

        Raises `UsageError` where what is asked for would rest on some that were never tried, or are out of date.
        """
        there = {unit.name for unit in find_up_to_date(units, self.records)}
        missed = [(unit, why) for unit, why in find_failures(units, self.records) if unit.name not in there]
        self.failed += [FailedUnit(unit.stage, unit.name, why) for unit, why in missed]
        asked = [STAGES.index(stage) for stage in self.options.stages]
        untried = len(units) - len(there) - len(missed)
        if untried and STAGES.index(units[0].stage) < min(asked):
            raise UsageError(
                f"{untried} of {len(units)} units of the stage {units[0].stage} are not done or out of date; do that "
                "stage first (leave --only out, or for a BIDS App finish the participant level)"
            )
        return there

    def gpu(self) -> bool:
        """Whether models are inverted on a GPU: here, or by workers of a cluster."""
        if not self.asked("invert"):
            return False
        return (CurrentProcess() if self.options.scheduler is None else self.workers).gpus > 0

    def _mention(self, one: UnitOutcome) -> None:
        self.check()
        if one.status == "failed":
            said = one.reason.startswith(one.unit.name)
            self.say(one.reason if said else f"{one.unit.stage} {one.unit.name}: {one.reason}")
