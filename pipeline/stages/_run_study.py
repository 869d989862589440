"""A study from images to report, stage by stage; each stage does only what is not done yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..bids import Inventory, modelled_runs
from ..common import (
    ProgressFactory,
    UsageError,
    first_names,
    list_names,
    match_labels,
    natural_key,
    release,
    sorted_names,
    write_json,
)
from ..execution import Unit, UnitOutcome, WorkFunction, lock_folder, open_workers
from ..page import check_output_folder
from ..study import MAIN, Dcm, Study
from ._extract import extract_runs, extraction_units, unit_series_path
from ._group import analyse_groups, compare_study_models, comparison_units, group_units
from ._invert import RUNS, inversion_units, invert_visits
from ._measure import measure_study, measure_units
from ._predict import make_prediction_work, prediction_units
from ._preflight import check_place, checked_inventory
from ._reduce import check_units, check_visits, reduce_visits, reduction_units
from ._report import ExtraSectionMaker, ReportJob, StageOutputs, report_unit, write_study_report
from ._result_paths import ResultPaths
from ._stage_runner import RunOptions, StageRunner
from ._statistics import compute_statistics, statistics_units

CPU_BATCH = 16  # visits inverted side by side on a CPU: enough to keep its seats filled, few enough to see progress
GPU_BATCH = 1024  # and on a GPU, to which more cost little

Series = Mapping[str, Path]  # run label → file of its series
Posteriors = Mapping[str, Mapping[str, Mapping[str, Path]]]  # DCM → model → visit → file
Reduced = Mapping[str, Mapping[str, Path]]  # DCM → visit → file of the models that are reduced from the main one


def _by_model(units: Sequence[Unit]) -> Posteriors:
    posteriors: dict[str, dict[str, dict[str, Path]]] = {}
    for unit in units:
        job = unit.payload
        posteriors.setdefault(job.dcm_name, {}).setdefault(job.model, {})[job.visit] = job.path
    return posteriors


def main_posteriors(posteriors: Posteriors) -> dict[str, Mapping[str, Path]]:
    """DCM → visit → file of the posterior of its main model."""
    return {dcm: models.get(MAIN, {}) for dcm, models in posteriors.items()}


@dataclass(eq=False)
class StudyRun:
    """The result of a run.

    Fields:
        inventory: the runs and participants that it worked on.
        outcomes: of every unit of the requested stages.
        seconds: by stage.
        page: the report, where it was requested.
    """

    inventory: Inventory
    outcomes: list[UnitOutcome] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    page: Path | None = None

    @property
    def failed(self) -> list[UnitOutcome]:
        """Units without a result."""
        return [outcome for outcome in self.outcomes if outcome.status == "failed"]


@dataclass(frozen=True)
class ExtraSectionSource:
    """What makes a section for the report right after the summary, and the files that it is made from."""

    make: ExtraSectionMaker | None = None
    files: tuple[Path, ...] = ()


NO_SECTION = ExtraSectionSource()


def run_study(
    study: Study,
    options: RunOptions,
    notify: Callable[[str], None],
    progress: ProgressFactory,
    extra: ExtraSectionSource = NO_SECTION,
) -> StudyRun:
    """Run a study; what failed is in the result and in the report, and the study goes on without it.

    Arguments:
        notify: called with every line that the user should read.
        progress: makes a context manager that shows how far a piece of work is.
        extra: a section for the report, such as the truth of a simulated study.

    Raises `UsageError`, before any work, where the study cannot run as configured, and `WriteError` where results
    cannot be written, as on a full disk: what is finished by then is kept.
    """
    check_place(study)
    check_output_folder(study.study.out)
    inventory = checked_inventory(study)
    paths = ResultPaths(study.study.out)
    options = _with_known_participants(options, [participant.name for participant in inventory.participants], notify)
    with (
        lock_folder(paths.records, options.participants) as locked,
        open_workers(options.jobs, options.scheduler, paths.records) as workers,
    ):
        write_description(study, paths.out)
        if not options.participants:  # else runs of other participants may be writing there
            locked.remove_unfinished_files(*paths.folders)
        runner = StageRunner(paths.records, options, workers, notify, progress, locked.check)
        stages = StudyStages(study, inventory, paths, runner)
        series = stages.extract()
        posteriors = stages.invert(series)
        reduced = stages.reduce(series, posteriors)
        checks = stages.check_reductions(series, reduced)
        analyses = stages.group(posteriors, reduced, checks)
        measured = stages.measure(series, posteriors)
        outputs = StageOutputs(analyses, measured, stages.statistics(measured), stages.predict(measured))
        stages.warn_of_old_posteriors(posteriors, reduced, checks)
        page = stages.report(series, posteriors, reduced, outputs, extra)
        locked.check()
    return StudyRun(inventory, runner.outcomes, runner.seconds, page)


def _with_known_participants(options: RunOptions, known: Sequence[str], notify: Callable[[str], None]) -> RunOptions:
    """The options with participants as the study labels them; raises `UsageError` where one is not in the study."""
    for given, label in match_labels(options.participants, known).items():
        notify(f"{given} is {label}")
        renamed = tuple(label if name == given else name for name in options.participants)
        options = replace(options, participants=renamed)
    if unknown := set(options.participants) - set(known):
        raise UsageError(f"{', '.join(sorted_names(unknown))} is not among the study's participants; check the label")
    return options


def write_description(study: Study, out: Path) -> None:
    """Writes dataset_description.json of the results, a BIDS derivative; the same for the same study and release."""
    write_json(
        out / "dataset_description.json",
        {
            "Name": f"effconn: {study.study.name}",
            "BIDSVersion": "1.10.0",
            "DatasetType": "derivative",
            "GeneratedBy": [{"Name": "effconn", "Version": release()}],
        },
    )


@dataclass(frozen=True, eq=False)
class StudyStages:
    """The stages of one study, in their order: each returns what it and earlier runs have made."""

    study: Study
    inventory: Inventory
    paths: ResultPaths
    runner: StageRunner

    def extract(self) -> dict[str, Path]:
        """Run label → file of its series."""
        units = extraction_units(self.study, self.inventory, self.paths.out)
        requested = [unit for unit in units if self._requested(unit.name)]
        others = [unit for unit in units if not self._requested(unit.name)]
        available = self.runner.run("extract", "extracting {} runs", requested, extract_runs)
        available |= self.runner.completed(others)
        return {unit.name: unit_series_path(unit) for unit in units if unit.name in available}

    def invert(self, series: Series) -> Posteriors:
        """DCM → model → visit → file of its posterior."""
        batch = GPU_BATCH if self.runner.inverts_on_gpu() else CPU_BATCH
        units: list[Unit] = []
        self._say_incomplete(series)
        for name, own in self._modelled_visits(series).items():
            units += inversion_units(self.study, name, own, self.paths, batch)
        return _by_model(self._completed("inverting {} models", units, invert_visits))

    def reduce(self, series: Series, posteriors: Posteriors) -> Reduced:
        """DCM → visit → file of the models that are reduced from the main one."""
        visits, main = self._modelled_visits(series), main_posteriors(posteriors)
        units: list[Unit] = []
        for name, files in main.items():
            units += reduction_units(self.study, name, visits[name], files, self.paths)
        found: dict[str, dict[str, Path]] = {}
        for unit in self._completed("reducing models of {} visits", units, reduce_visits):
            found.setdefault(unit.payload.dcm_name, {})[unit.payload.visit] = unit.payload.path
        return found

    def check_reductions(self, series: Series, reduced: Reduced) -> Posteriors:
        """DCM → model → visit → file of the inversion of a model that was reduced; the best few at a few visits.

        Of a whole study only: which models are best is not known before.
        """
        if self.runner.options.participants:
            return {}
        visits = self._modelled_visits(series)
        units: list[Unit] = []
        for name, files in reduced.items():
            units += check_units(self.study, name, visits[name], files, self.paths)
        return _by_model(self._completed("inverting {} models to check their reduction", units, check_visits))

    def _modelled_visits(self, series: Series) -> dict[str, dict[str, tuple[Path, ...]]]:
        """DCM → visit → files of the series of its runs, where all of them have series."""
        return {
            name: {
                visit: tuple(series[run.label] for run in runs)
                for visit, runs in modelled_runs(self.study, self.inventory, name).items()
                if all(run.label in series for run in runs)
            }
            for name in self.study.dcms
        }

    def _say_incomplete(self, series: Series) -> None:
        """Say which visits have no model because some of their runs, which are used together, have no series."""
        for name in self.study.dcms:
            heading = f"[dcm.{name}]" if name else "[dcm]"
            for visit, runs in modelled_runs(self.study, self.inventory, name).items():
                lacking = [run.label for run in runs if run.label not in series]
                if self._requested(visit) and 0 < len(lacking) < len(runs):
                    why = f"there are no series of {list_names(lacking)}"
                    self.runner.notify(f"{heading}: {visit}: no model, as {why}; mend it, or choose runs under [tasks]")

    def _completed(self, title: str, units: Sequence[Unit], work: WorkFunction) -> list[Unit]:
        """Make what is requested of units of the stage of inversion; those of which there is a result."""
        if not units:
            return []
        requested = [unit for unit in units if self._requested(unit.payload.visit)]
        others = [unit for unit in units if not self._requested(unit.payload.visit)]
        available = self.runner.run("invert", title, requested, work)
        available |= self.runner.completed(others)
        return [unit for unit in units if unit.name in available]

    def group(self, posteriors: Posteriors, reduced: Reduced, checks: Posteriors) -> tuple[str, ...]:
        """Names of the group analyses that have a result, each in its folder.

        Arguments:
            reduced, checks: of `reduce` and `check_reductions`.
        """
        if not self.runner.requested("group", "report"):
            return ()
        main = main_posteriors(posteriors)
        for name in self.study.dcms:
            if not main.get(name) and any(found[0] == name for found in self._dcms_of_groups()):
                of = f" of [dcm.{name}]" if name else ""
                self.runner.notify(f"no visit has a posterior{of}, so there is no group analysis")
        comparisons = comparison_units(self.study, posteriors, reduced, checks, self.paths)
        compared = self.runner.run("group", "comparing models", comparisons, compare_study_models)
        units = group_units(self.study, self.inventory, main, self.paths)
        analysed = self.runner.run("group", "{} group analyses", units, analyse_groups)
        available = compared | analysed
        return tuple(unit.name for unit in (*comparisons, *units) if unit.name in available)

    def _dcms_of_groups(self) -> list[tuple[str, Dcm]]:
        return [found for analysis in self.study.group.values() if (found := self.study.dcm_of(analysis)) is not None]

    def measure(self, series: Series, posteriors: Posteriors) -> bool:
        """Whether there is a table of measures."""
        if not self.runner.requested("measure", "statistics", "predict", "report"):
            return False
        units = measure_units(self.study, self.inventory, series, main_posteriors(posteriors), self.paths)
        return bool(self.runner.run("measure", "taking measures", units, measure_study))

    def statistics(self, measured: bool) -> bool:
        """Whether there are statistics of scores."""
        if not self.runner.requested("statistics", "report"):
            return False
        units = statistics_units(self.study, self.inventory, self.paths.measures, self.paths)
        if not measured and any(unit.inputs for unit in units):
            self.runner.notify("there is no table of measures, so there are no statistics of them")
            return False
        return bool(self.runner.run("statistics", "statistics of scores", units, compute_statistics))

    def predict(self, measured: bool) -> tuple[str, ...]:
        """Names of the predictions that have a result, each in its folder."""
        if not self.runner.requested("predict", "report") or not self.study.predict:
            return ()
        if not measured:
            self.runner.notify("there is no table of measures, so nothing is predicted")
            return ()
        units = prediction_units(self.study, self.paths)
        work = make_prediction_work(self.paths.records, self.runner.workers, self.runner.progress)
        available = self.runner.run(
            "predict", "{} predictions", units, work, in_this_process=True, shows_own_progress=True
        )
        return tuple(unit.name for unit in units if unit.name in available)

    def report(
        self, series: Series, posteriors: Posteriors, reduced: Reduced, outputs: StageOutputs, extra: ExtraSectionSource
    ) -> Path | None:
        """The page, where it is requested and could be drawn; tables over the whole study are written with it."""
        if not self.runner.requested("report"):
            return None
        self._warn_of_old_folders("group/*", outputs.analyses)
        self._warn_of_old_folders("predict/*", outputs.predictions)
        self._warn_of_old_folders("statistics", ("statistics",) if outputs.statistics else ())
        failed = tuple(self.runner.failed)
        job = ReportJob(
            self.study, self.inventory, series, posteriors, reduced, outputs, failed, self.paths, extra.make
        )
        units: list[Unit] = [report_unit(job, extra.files)]
        drawn = self.runner.run("report", "drawing the report", units, write_study_report, in_this_process=True)
        return self.paths.report if drawn else None

    def warn_of_old_posteriors(self, posteriors: Posteriors, reduced: Reduced, checks: Posteriors) -> None:
        """Say which files of models are of no result of this configuration, before they are taken for one."""
        if not self.runner.requested("report"):
            return
        made = [
            path
            for found in (posteriors, checks)
            for models in found.values()
            for own in models.values()
            for path in own.values()
        ]
        current = {*made, *(path for own in reduced.values() for path in own.values())}
        old: dict[Path, list[Path]] = {}
        for path in sorted(self.paths.out.glob("dcm/**/*.nc"), key=lambda path: natural_key(str(path))):
            whole = path.parent.parent / f"{path.name.partition('_run-')[0]}.nc"  # of a run that was averaged
            if path not in current and not (path.parent.name == RUNS and whole in current):
                old.setdefault(path.parent, []).append(path)
        emptied = {folder for folder, files in old.items() if len(files) == len(list(folder.glob("*.nc")))}
        self._say_old([path for folder, files in old.items() for path in ([folder] if folder in emptied else files)])

    def _say_old(self, paths: Sequence[Path]) -> None:
        if len(paths) == 1:
            self.runner.notify(f"{paths[0]} has no result of this configuration; delete it, or it may be cited")
        elif paths:
            named = first_names([path.relative_to(self.paths.out).as_posix() for path in paths])
            self.runner.notify(
                f"{self.paths.out}: {named} have no results of this configuration; delete them, or they may be cited"
            )

    def _warn_of_old_folders(self, pattern: str, names: tuple[str, ...]) -> None:
        found = sorted(self.paths.out.glob(pattern), key=lambda path: natural_key(path.name))
        self._say_old([folder for folder in found if folder.is_dir() and folder.name not in names])

    def _requested(self, name: str) -> bool:
        """Whether a run or visit is of a participant that this run is about."""
        participants = self.runner.options.participants
        return not participants or name.split("_")[0] in participants
