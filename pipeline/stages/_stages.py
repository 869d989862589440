"""The stages of a study: each returns what it and earlier runs have made, and does nothing where it is not asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..bids import Inventory
from ..common import natural_key
from ..execution import Unit
from ..study import MAIN, Study
from ._doing import Doing
from ._extract import extract, extract_units, series_of
from ._group import analyse, group_units
from ._invert import invert, invert_units
from ._layout import Layout
from ._measure import measure, measure_units
from ._models import compare_models, model_units
from ._predict import predict_units, predictor
from ._report import ExtraMaker, Made, Reporting, report_unit, write_report
from ._statistics import statistics_unit, work_statistics

CPU = 16  # visits inverted side by side on a CPU: enough to keep its seats filled, few enough to see progress
GPU = 1024  # and on a GPU, to which more cost little


@dataclass(frozen=True)
class Beside:
    """What the report is to show right after the summary, and the files that it is made from."""

    make: ExtraMaker | None = None
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, eq=False)
class Stages:
    """The stages of one study, in their order."""

    study: Study
    inventory: Inventory
    layout: Layout
    doing: Doing

    def extract(self) -> dict[str, Path]:
        """Run label → file of its series."""
        units = extract_units(self.study, self.inventory, self.layout.out)
        mine = [one for one in units if self._concerns(one.name)]
        others = [one for one in units if not self._concerns(one.name)]
        there = self.doing.do("extract", "extracting {} runs", mine, extract) | self.doing.there(others)
        return {unit.name: series_of(unit) for unit in units if unit.name in there}

    def invert(self, series: Mapping[str, Path]) -> dict[str, dict[str, Path]]:
        """Model → visit → file of its posterior."""
        study = self.study
        if study.dcm is None:
            return {}
        runs = [run for run in self.inventory.runs if run.task == study.dcm.task and run.label in series]
        visits = {run.visit: series[run.label] for run in runs if not run.undriven}
        units = invert_units(study, visits, self.layout, GPU if self.doing.gpu() else CPU)
        mine = [one for one in units if self._concerns(one.payload.visit)]
        others = [one for one in units if not self._concerns(one.payload.visit)]
        there = self.doing.do("invert", "inverting {} models", mine, invert) | self.doing.there(others)
        found: dict[str, dict[str, Path]] = {}
        for unit in units:
            if unit.name in there:
                found.setdefault(unit.payload.model, {})[unit.payload.visit] = unit.payload.path
        return found

    def group(self, posteriors: Mapping[str, Mapping[str, Path]]) -> tuple[str, ...]:
        """Every analysis into its folder; the names of those that have a result."""
        if not self.doing.asked("group", "report"):
            return ()
        if not posteriors.get(MAIN):
            if self.study.group:
                self.doing.say("no visit has a posterior, so there is no group analysis")
            return ()
        compared = self.doing.do("group", "comparing models", model_units(posteriors, self.layout), compare_models)
        units = group_units(self.study, self.inventory, posteriors[MAIN], self.layout)
        analysed = self.doing.do("group", "{} group analyses", units, analyse)
        return (*compared, *(unit.name for unit in units if unit.name in analysed))

    def measure(self, series: Mapping[str, Path], posteriors: Mapping[str, Mapping[str, Path]]) -> bool:
        """Whether there is a table of measures."""
        if not self.doing.asked("measure", "statistics", "predict", "report"):
            return False
        units = measure_units(self.study, self.inventory, series, posteriors.get(MAIN, {}), self.layout)
        return bool(self.doing.do("measure", "taking measures", units, measure))

    def statistics(self, measured: bool) -> bool:
        """Whether there are statistics of scores."""
        if not self.doing.asked("statistics", "report"):
            return False
        units = statistics_unit(self.study, self.inventory, self.layout.measures, self.layout)
        if not measured and any(unit.inputs for unit in units):
            self.doing.say("there is no table of measures, so there are no statistics of them")
            return False
        return bool(self.doing.do("statistics", "statistics of scores", units, work_statistics))

    def predict(self, measured: bool) -> tuple[str, ...]:
        """Every prediction into its folder; the names of those that have a result."""
        if not self.doing.asked("predict", "report") or not self.study.predict:
            return ()
        if not measured:
            self.doing.say("there is no table of measures, so nothing is predicted")
            return ()
        units = predict_units(self.study, self.layout)
        work = predictor(self.layout.records, self.doing.workers, self.doing.watch)
        made = self.doing.do("predict", "{} predictions", units, work, here=True, watched=True)
        return tuple(unit.name for unit in units if unit.name in made)

    def report(
        self, series: Mapping[str, Path], posteriors: Mapping[str, Mapping[str, Path]], made: Made, beside: Beside
    ) -> Path | None:
        """The page and the tables over the whole study; the page, where it is asked for."""
        if not self.doing.asked("report"):
            return None
        self._warn_of_left_over("group/*", made.analyses)
        self._warn_of_left_over("predict/*", made.predictions)
        self._warn_of_left_over("statistics", ("statistics",) if made.statistics else ())
        failed = tuple(self.doing.failed)
        job = Reporting(self.study, self.inventory, series, posteriors, made, failed, self.layout, beside.make)
        units: list[Unit] = [report_unit(job, beside.files)]
        self.doing.do("report", "drawing the report", units, write_report, here=True)  # one page, here and now
        return self.layout.report

    def _warn_of_left_over(self, pattern: str, names: tuple[str, ...]) -> None:
        for folder in sorted(self.layout.out.glob(pattern), key=lambda one: natural_key(one.name)):
            if folder.is_dir() and folder.name not in names:
                self.doing.say(f"{folder} has no result of this configuration; delete it, or it may be cited")

    def _concerns(self, name: str) -> bool:
        """Whether a run or visit is of a participant that this run is about."""
        people = self.doing.options.people
        return not people or name.split("_")[0] in people
