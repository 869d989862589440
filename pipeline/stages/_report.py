"""The last stage: everything that the others left → the report and the tables over the whole study."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peb import Estimate

from ..bids import Inventory
from ..common import start_jax
from ..execution import Unit, UnitRecorder
from ..images import map_paths, read_extraction
from ..measures import read_features
from ..page import REPORT_FILE, read_report
from ..report import ExtraSection, FailedUnit, StudyResult
from ..report import write_report as write_page
from ..results import read_posterior, read_reduced_models
from ..study import Study
from ._group import MODELS
from ._reduce import best_reduced_models
from ._result_paths import ResultPaths
from ._stage_runner import package_versions, recipe_of

STAGE = "report"
PACKAGES = ("jax", "numpy", "scipy", "nilearn", "nibabel", "scikit-learn", "numpyro", "matplotlib")

ExtraSectionMaker = Callable[[StudyResult], ExtraSection]  # of what goes right after the summary


@dataclass(frozen=True)
class StageOutputs:
    """Results of the stages after the inversion.

    Fields:
        analyses: names of the group analyses that have results.
        measured: whether there is a table of measures.
        statistics: whether there are statistics of scores.
        predictions: names of the predictions that have results.
    """

    analyses: tuple[str, ...] = ()
    measured: bool = False
    statistics: bool = False
    predictions: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ReportJob:
    """What the report is made from.

    Fields:
        series: run label → file of its series.
        posteriors: DCM → model → visit → file, of models that were inverted.
        reduced: DCM → visit → file of the models that are reduced from the main one.
        outputs: of the stages after the inversion.
        failures: units without a result.
        make_extra: makes the section after the summary; see `run_study`.
    """

    study: Study
    inventory: Inventory
    series: Mapping[str, Path]
    posteriors: Mapping[str, Mapping[str, Mapping[str, Path]]]
    reduced: Mapping[str, Mapping[str, Path]]
    outputs: StageOutputs
    failures: tuple[FailedUnit, ...]
    paths: ResultPaths
    make_extra: ExtraSectionMaker | None = None


def report_unit(job: ReportJob, files: Sequence[Path] = ()) -> Unit:
    """The unit of the one report; `files` are more files that it is made from."""
    posteriors = [path for models in job.posteriors.values() for visits in models.values() for path in visits.values()]
    posteriors += [path for visits in job.reduced.values() for path in visits.values()]
    return Unit(STAGE, "report", _recipe(job), (*job.series.values(), *posteriors, *_output_files(job), *files), job)


def _output_files(job: ReportJob) -> list[Path]:
    """Files of the stages after the inversion that the report reads."""
    paths, outputs = job.paths, job.outputs
    folders = [*map(paths.group, outputs.analyses), *map(paths.prediction, outputs.predictions)]
    stored = [folder / REPORT_FILE for folder in [*folders, *([paths.statistics] if outputs.statistics else [])]]
    return [*stored, *([paths.measures, paths.measures.with_suffix(".json")] if outputs.measured else [])]


def _recipe(job: ReportJob) -> dict[str, Any]:
    inventory = job.inventory
    return {
        "study": recipe_of(job.study),
        "participants": [
            [participant.name, participant.group, dict(participant.scores), dict(participant.values)]
            for participant in inventory.participants
        ],
        "visits": [[visit.label, dict(visit.values)] for visit in inventory.visits],
        "left_out": [list(participant) for participant in inventory.left_out],
        "absences": [[run.participant, run.session, run.task, run.problem] for run in inventory.absences],
        "remarks": list(inventory.remarks),
        "failures": [[failure.stage, failure.name, failure.reason] for failure in job.failures],
        "analyses": list(job.outputs.analyses),
        "predictions": list(job.outputs.predictions),
        **package_versions(*PACKAGES),
    }


def write_study_report(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """Read the results of all stages, write the report. The work function of this stage."""
    start_jax()
    for unit in units:
        job: ReportJob = unit.payload
        result = _result(job)
        recorder.done(
            unit, write_page(result, job.paths.report, None if job.make_extra is None else job.make_extra(result))
        )


def _result(job: ReportJob) -> StudyResult:
    paths, outputs = job.paths, job.outputs
    analyses = {name: read_report(paths.group(name)) for name in outputs.analyses}
    return StudyResult(
        study=job.study,
        inventory=job.inventory,
        extractions=tuple(read_extraction(path) for path in job.series.values()),
        inverted={
            dcm: {
                model: {visit: read_posterior(path)[0] for visit, path in visits.items()}
                for model, visits in models.items()
            }
            for dcm, models in job.posteriors.items()
        },
        reduced={dcm: _best_reduced(visits) for dcm, visits in job.reduced.items()},
        comparisons={
            dcm: analyses.pop(name)
            for dcm in job.study.dcms
            if (name := f"{MODELS}-{dcm}" if dcm else MODELS) in analyses
        },
        analyses=analyses,
        features=read_features(paths.measures) if outputs.measured else None,
        statistics=read_report(paths.statistics) if outputs.statistics else None,
        predictions={name: read_report(paths.prediction(name)) for name in outputs.predictions},
        failures=job.failures,
        maps=_maps(job),
        seconds={},
        versions=package_versions(*PACKAGES),
    )


def _best_reduced(visits: Mapping[str, Path]) -> dict[str, dict[str, Estimate]]:
    """Model → visit → estimate, of the best few of the models that are reduced, the best first."""
    found: dict[str, dict[str, Estimate]] = {model: {} for model in best_reduced_models(visits)}
    for visit, path in visits.items():
        models = read_reduced_models(path)
        for model, own in found.items():
            own[visit] = models.estimate(model, visit)
    return found


def _maps(job: ReportJob) -> dict[tuple[str, str], Path]:
    """(run label, contrast) → its effect's map, as far as there is one; what an earlier configuration left is not."""
    if not job.study.outputs.maps:
        return {}
    runs = {run.label: run for run in job.inventory.runs if run.label in job.series}
    found = {
        (label, contrast): map_paths(job.paths.out, run, contrast)["effect"]
        for label, run in runs.items()
        for contrast in job.study.tasks[run.task].contrasts
    }
    return {key: path for key, path in found.items() if path.exists()}
