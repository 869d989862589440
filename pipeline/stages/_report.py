"""The last stage: everything that the others left → the report and the tables over the whole study."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..bids import Inventory
from ..common import release, start_jax
from ..execution import Unit, UnitRecorder
from ..images import map_paths, read_extraction
from ..measures import read_features
from ..page import STORED, read_delivery
from ..report import ExtraSection, FailedUnit, StudyResult
from ..report import write_report as write_page
from ..results import read_posterior
from ..study import Study
from ._layout import Layout
from ._models import NAME as MODELS
from ._recipe import recipe_of

STAGE = "report"
PACKAGES = ("effconn", "jax", "numpy", "scipy", "nilearn", "nibabel", "scikit-learn", "numpyro", "matplotlib")

ExtraMaker = Callable[[StudyResult], ExtraSection]  # of what goes right after the summary


@dataclass(frozen=True)
class Made:
    """What the stages after the inversion have made.

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
class Reporting:
    """What the report is made from.

    Fields:
        series: run label → file of its series.
        posteriors: model → visit → file.
        made: by the stages after the inversion.
        failures: units without a result.
        extra: see `run_study`.
    """

    study: Study
    inventory: Inventory
    series: Mapping[str, Path]
    posteriors: Mapping[str, Mapping[str, Path]]
    made: Made
    failures: tuple[FailedUnit, ...]
    layout: Layout
    extra: ExtraMaker | None = None


def report_unit(job: Reporting, beside: Sequence[Path] = ()) -> Unit:
    """The unit of the one report; `beside` are more files that it is made from."""
    posteriors = [path for visits in job.posteriors.values() for path in visits.values()]
    return Unit(STAGE, "report", _recipe(job), (*job.series.values(), *posteriors, *_made(job), *beside), job)


def _made(job: Reporting) -> list[Path]:
    """Files that the stages after the inversion have left for the report."""
    layout, made = job.layout, job.made
    folders = [*map(layout.group, made.analyses), *map(layout.prediction, made.predictions)]
    stored = [folder / STORED for folder in [*folders, *([layout.statistics] if made.statistics else [])]]
    return [*stored, *([layout.measures, layout.measures.with_suffix(".json")] if made.measured else [])]


def _recipe(job: Reporting) -> dict[str, Any]:
    inventory = job.inventory
    return {
        "study": recipe_of(job.study),
        "participants": [[one.name, one.arm, dict(one.scores), dict(one.values)] for one in inventory.participants],
        "left_out": [list(one) for one in inventory.left_out],
        "absences": [[one.participant, one.session, one.task, one.problem] for one in inventory.absences],
        "remarks": list(inventory.remarks),
        "failures": [[one.stage, one.name, one.reason] for one in job.failures],
        "analyses": list(job.made.analyses),
        "predictions": list(job.made.predictions),
        **{package: release(package) for package in PACKAGES},
    }


def write_report(units: Sequence[Unit], recorder: UnitRecorder) -> None:
    """Read everything, draw the report. The work of this stage."""
    start_jax()
    for unit in units:
        job: Reporting = unit.payload
        result = _result(job)
        recorder.done(unit, write_page(result, job.layout.report, None if job.extra is None else job.extra(result)))


def _result(job: Reporting) -> StudyResult:
    layout, made = job.layout, job.made
    deliveries = {name: read_delivery(layout.group(name)) for name in made.analyses}
    return StudyResult(
        study=job.study,
        inventory=job.inventory,
        extractions=tuple(read_extraction(path) for path in job.series.values()),
        posteriors={
            model: {visit: read_posterior(path)[0] for visit, path in visits.items()}
            for model, visits in job.posteriors.items()
        },
        model_comparison=deliveries.pop(MODELS, None),
        deliveries=deliveries,
        features=read_features(layout.measures) if made.measured else None,
        statistics=read_delivery(layout.statistics) if made.statistics else None,
        predictions={name: read_delivery(layout.prediction(name)) for name in made.predictions},
        failures=job.failures,
        maps=_maps(job),
        seconds={},
        versions={package: release(package) for package in PACKAGES},
    )


def _maps(job: Reporting) -> dict[tuple[str, str], Path]:
    """(run label, contrast) → its effect's map, as far as there is one; what an earlier configuration left is not."""
    if not job.study.outputs.maps:
        return {}
    runs = {run.label: run for run in job.inventory.runs if run.label in job.series}
    found = {
        (label, contrast): map_paths(job.layout.out, run, contrast)["effect"]
        for label, run in runs.items()
        for contrast in job.study.tasks[run.task].contrasts
    }
    return {key: path for key, path in found.items() if path.exists()}
