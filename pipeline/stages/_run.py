"""`effconn run`: a study from images to report, stage by stage, doing only what is not done yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .._group_delivery import check_out
from .._runtime import UsageError
from ..bids import Inventory
from ..execution import Ended, Unit, Work, Workers, failures, in_process, locked, open_workers, run_units, up_to_date
from ..report import Failure
from ..study import Study
from ._description import write_description
from ._extract import extract, extract_units, series_of
from ._group import MAIN, analyse, group_units
from ._invert import invert, invert_units
from ._layout import Layout
from ._models import compare_models, model_units
from ._preflight import check_place, checked_inventory
from ._report import ExtraMaker, Reporting, report_unit, write_report

Stage = Literal["extract", "invert", "group", "report"]
STAGES: tuple[Stage, ...] = ("extract", "invert", "group", "report")
CPU = 16  # visits inverted side by side on a CPU: enough to keep its seats filled, few enough to see progress
GPU = 1024  # and on a GPU, to which more cost little

Watch = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]  # `_console.progress`


@dataclass(frozen=True)
class RunOptions:
    """How to run.

    Fields:
        stages: what to do, in order.
        jobs: processes on this machine.
        scheduler: of a Dask cluster; ``local`` to start one here; None for processes.
        again: whether to do anew what is done.
        people: participants to extract and invert; none named for all.
    """

    stages: tuple[Stage, ...] = STAGES
    jobs: int = 1
    scheduler: str | None = None
    again: bool = False
    people: tuple[str, ...] = ()


@dataclass(eq=False)
class StudyRun:
    """What a run came to.

    Fields:
        inventory: what there was to work on.
        ended: every unit of the stages that were asked for.
        seconds: by stage.
        page: the report, where it was asked for.
    """

    inventory: Inventory
    ended: list[Ended] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    page: Path | None = None

    @property
    def failed(self) -> list[Ended]:
        """Units without a result."""
        return [one for one in self.ended if one.how == "failed"]


@dataclass(frozen=True)
class Beside:
    """What the report is to show right after the summary, and the files that it is made from."""

    make: ExtraMaker | None = None
    files: tuple[Path, ...] = ()


NOTHING = Beside()


def run_study(
    study: Study, options: RunOptions, say: Callable[[str], None], watch: Watch, beside: Beside = NOTHING
) -> StudyRun:
    """Run a study; what failed is in the result and in the report, and the study goes on without it.

    Arguments:
        say: told a line for whatever should be known.
        watch: a context manager that is told how far a piece of work is.
        beside: more for the report, such as the truth of a simulated study.

    Raises `UsageError`, before any work, where the study cannot run as configured.
    """
    check_place(study)
    check_out(study.study.out)
    inventory = checked_inventory(study)
    layout, people = Layout(study.study.out), set(options.people)
    if unknown := people - {one.name for one in inventory.participants}:
        raise UsageError(f"{', '.join(sorted(unknown))} is not among the study's participants; check the label")
    with (
        locked(layout.records, options.people),
        open_workers(options.jobs, options.scheduler, layout.records) as workers,
    ):
        write_description(study, layout.out)
        stages = _Stages(layout, options, workers, say, watch, beside, StudyRun(inventory))
        series = stages.extract(study, inventory)
        posteriors = stages.invert(study, inventory, series)
        analyses = stages.group(study, inventory, posteriors)
        stages.report(study, inventory, series, posteriors, analyses)
    return stages.result


@dataclass(eq=False)
class _Stages:
    """The four stages; each returns what it and earlier runs have made, and does nothing where it is not asked for."""

    layout: Layout
    options: RunOptions
    workers: Workers
    say: Callable[[str], None]
    watch: Watch
    beside: Beside
    result: StudyRun
    failed: list[Failure] = field(default_factory=list)  # by this run, or by an earlier one of what it does not do

    def extract(self, study: Study, inventory: Inventory) -> dict[str, Path]:
        """Run label → file of its series."""
        units = extract_units(study, inventory, self.layout.out)
        mine = [one for one in units if self._concerns(one.name)]
        others = [one for one in units if not self._concerns(one.name)]
        there = self._do("extract", "extracting {} runs", mine, extract) | self._there(others)
        return {unit.name: series_of(unit) for unit in units if unit.name in there}

    def invert(self, study: Study, inventory: Inventory, series: Mapping[str, Path]) -> dict[str, dict[str, Path]]:
        """Model → visit → file of its posterior."""
        if study.dcm is None:
            return {}
        runs = [run for run in inventory.runs if run.task == study.dcm.task and run.label in series]
        visits = {run.visit: series[run.label] for run in runs}
        units = invert_units(study, visits, self.layout, GPU if self._gpu() else CPU)
        mine = [one for one in units if self._concerns(one.payload.visit)]
        others = [one for one in units if not self._concerns(one.payload.visit)]
        there = self._do("invert", "inverting {} models", mine, invert) | self._there(others)
        found: dict[str, dict[str, Path]] = {}
        for unit in units:
            if unit.name in there:
                found.setdefault(unit.payload.model, {})[unit.payload.visit] = unit.payload.path
        return found

    def group(
        self, study: Study, inventory: Inventory, posteriors: Mapping[str, Mapping[str, Path]]
    ) -> tuple[str, ...]:
        """Every analysis into its folder; the names of those that have a result."""
        if not {"group", "report"} & set(self.options.stages):
            return ()
        if not posteriors.get(MAIN):
            if study.group:
                self.say("no visit has a posterior, so there is no group analysis")
            return ()
        compared = self._do("group", "comparing models", model_units(posteriors, self.layout), compare_models)
        units = group_units(study, inventory, posteriors[MAIN], self.layout)
        analysed = self._do("group", "{} group analyses", units, analyse)
        return (*compared, *(unit.name for unit in units if unit.name in analysed))

    def report(
        self,
        study: Study,
        inventory: Inventory,
        series: Mapping[str, Path],
        posteriors: Mapping[str, Mapping[str, Path]],
        analyses: tuple[str, ...],
    ) -> None:
        """The page and the tables over the whole study."""
        if "report" not in self.options.stages:
            return
        folders = [one.name for one in self.layout.group("").glob("*") if one.is_dir() and one.name not in analyses]
        for name in sorted(folders):
            self.say(f"{self.layout.group(name)} has no result of this configuration; delete it, or it may be cited")
        failed = tuple(self.failed)
        job = Reporting(study, inventory, series, posteriors, analyses, failed, self.layout, self.beside.make)
        self.workers = in_process()  # one page, here and now
        self._do("report", "drawing the report", [report_unit(job, self.beside.files)], write_report)
        self.result.page = self.layout.report

    def _gpu(self) -> bool:
        """Whether models are inverted on a GPU: here, or by workers of a cluster."""
        if "invert" not in self.options.stages:
            return False
        return (in_process() if self.options.scheduler is None else self.workers).gpus > 0

    def _concerns(self, name: str) -> bool:
        """Whether a run or visit is of a participant that this run is about."""
        return not self.options.people or name.split("_")[0] in self.options.people

    def _do(self, stage: Stage, what: str, units: Sequence[Unit], work: Work) -> set[str]:
        """Do a stage, if it is asked for; the names of the units that have a result."""
        if stage not in self.options.stages:
            return self._there(units)
        if not units:
            return set()
        start, gpu = time.perf_counter(), stage == "invert" and self._gpu()
        here = gpu and self.options.scheduler is None  # processes beside this one would fight for the GPU
        with self.watch(what.format(len(units))) as bar:
            ended = run_units(
                units,
                work,
                folder=self.layout.records,
                workers=in_process() if here else self.workers,
                gpu=gpu,
                again=self.options.again,
                on_ended=self._mention,
                on_progress=bar,
            )
        self.result.seconds[stage] = self.result.seconds.get(stage, 0.0) + time.perf_counter() - start
        self.result.ended += ended
        self.failed += [Failure(one.unit.stage, one.unit.name, one.reason) for one in ended if one.how == "failed"]
        return {one.unit.name for one in ended if one.how != "failed"}

    def _there(self, units: Sequence[Unit]) -> set[str]:
        """The names of the units that an earlier run made.

        Raises `UsageError` where what is asked for would rest on some that were never tried, or are out of date.
        """
        there = {unit.name for unit in up_to_date(units, self.layout.records)}
        missed = [(unit, why) for unit, why in failures(units, self.layout.records) if unit.name not in there]
        self.failed += [Failure(unit.stage, unit.name, why) for unit, why in missed]
        asked = [STAGES.index(stage) for stage in self.options.stages]
        untried = len(units) - len(there) - len(missed)
        if untried and STAGES.index(units[0].stage) < min(asked):
            raise UsageError(
                f"{untried} of {len(units)} units of the stage {units[0].stage} are not done or out of date; do that "
                "stage first (leave --only out, or for a BIDS App finish the participant level)"
            )
        return there

    def _mention(self, one: Ended) -> None:
        if one.how == "failed":
            said = one.reason.startswith(one.unit.name)
            self.say(one.reason if said else f"{one.unit.stage} {one.unit.name}: {one.reason}")
